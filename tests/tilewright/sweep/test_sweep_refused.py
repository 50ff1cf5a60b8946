"""Sections `sweep:` that make no sense: each mistake at its place, all in one run."""

from pathlib import Path

import pytest

from tilewright import cli
from tilewright.catalog import load_spec
from tilewright.flow.sweep.set_up import set_up
from tilewright.spec import SpecError

ROWS = "accelerator.engines.array.rows"
CASES = {
    "unknown path": (
        {"parameters": "accelerator.engines.array.row: [1, 2]"},
        "accelerator.engines.array.row: is no key of the spec",
        "did you mean `accelerator.engines.array.rows`?",
    ),
    "section": (
        {"parameters": "accelerator.memory: [1, 2]"},
        "accelerator.memory: is a section: name one of its keys, got accelerator.memory",
        "its keys: accelerator.memory.bytes_per_cycle, accelerator.memory.latency_cycles, ",
    ),
    "empty range": (
        {"parameters": "accelerator.scratchpad.banks: {start: 8, stop: 4}"},
        "accelerator.scratchpad.banks.stop: must be at least the start, 8: the range is empty",
        "",
    ),
    "exploding range": (
        {"parameters": "accelerator.memory.outstanding: {start: 1, stop: 1000000000}"},
        "accelerator.memory.outstanding.step: one parameter has at most 100000 values",
        "take larger steps",
    ),
    "value out of range": (
        {"parameters": "accelerator.memory.outstanding: [1, 65]"},
        "accelerator.memory.outstanding[1]: must be a whole number from 1 to 64, got 65",
        "",
    ),
    "range out of range": (
        {"parameters": "accelerator.memory.outstanding: {start: 62, stop: 66}"},
        "accelerator.memory.outstanding.stop: must be a whole number from 1 to 64, got 66",
        "",
    ),
    "range that begins too low": (
        {"parameters": "accelerator.scratchpad.banks: {start: 1, stop: 40}"},
        "accelerator.scratchpad.banks.start: must be a whole number from 3 to ",
        "",
    ),
    "no unit": (
        {"parameters": "accelerator.scratchpad.capacity: [4096]"},
        "accelerator.scratchpad.capacity[0]: must be a size with a unit, got 4096",
        "write for example `64KiB`",
    ),
    "unit of a range": (
        {"parameters": "accelerator.scratchpad.capacity: {start: 4KiB, stop: 8MHz}"},
        "accelerator.scratchpad.capacity.stop: must be a size in B, KiB, MiB, GiB, got 8MHz",
        "",
    ),
    "word": (
        {"parameters": "accelerator.program: [rom, rim]"},
        "accelerator.program[1]: must be rom or ram, got rim",
        "did you mean `rom`?",
    ),
    "two forms": (
        {"parameters": f"x: {{values: [1], times: {ROWS}, derived: true}}"},
        "x: must have values, or a range (start and stop), or a link (times), got values and link",
        "",
    ),
    "no form": ({"parameters": "x: {derived: true}"}, "x: must have values, or a range", ""),
    "link to nothing": (
        {"parameters": "x: {times: y, derived: true}"},
        "x: names a parameter that the sweep does not have, got y",
        "known parameters",
    ),
    "condition that never holds": (
        {"parameters": f"accelerator.program: {{values: [rom], when: {{{ROWS}: 3}}}}"},
        "is no value of accelerator.engines.array.rows: the condition never holds, got 3",
        "",
    ),
    "otherwise alone": (
        {"parameters": "accelerator.program: {values: [rom], otherwise: ram}"},
        "accelerator.program.otherwise: stands only beside `when`",
        "",
    ),
    "objective": (
        {"objectives": "[cycles, luts]"},
        "sweep.objectives[1]: names a metric that is not measured, got luts",
        "did you mean `lut`?",
    ),
    "objective twice": (
        {"objectives": "[cycles, lut, cycles]"},
        "sweep.objectives[2]: is there twice, got cycles",
        "",
    ),
    "no objective": ({"objectives": "[]"}, "objectives: must name at least one metric", ""),
    "function": (
        {"objectives": "[{function: mine}]"},
        "sweep.objectives[0].function: names a function that no installed package has, got mine",
        "",
    ),
    "metric and function": (
        {"objectives": "[{metric: lut, function: mine}]"},
        "sweep.objectives[0]: must name a metric, or a function",
        "",
    ),
    "constraint": (
        {"more": "constraints: {small: {metric: luts, maximum: 3}}"},
        "sweep.constraints.small: names a metric that is not measured, got luts",
        "did you mean `lut`?",
    ),
    "bounds crossed": (
        {"more": "constraints: {lut: {minimum: 30, maximum: 10}}"},
        "sweep.constraints.lut: the minimum is above the maximum: nothing meets it, got 30 to 10",
        "",
    ),
    "no bound": (
        {"more": "constraints: {lut: {}}"},
        "sweep.constraints.lut: must have a minimum or a maximum",
        "",
    ),
    "bound of text": (
        {"more": "constraints: {lut: {maximum: 3KiB}}"},
        "sweep.constraints.lut.maximum: must be a number, got 3KiB",
        "",
    ),
    "table": (
        {"more": "energy: horowitz"},
        "sweep.energy: must be a table in pJ, got horowitz",
        "did you mean `horowitz_45nm`?",
    ),
    "relative table": ({"more": "energy: eyeriss_65nm"}, "sweep.energy: must be a table", ""),
    "sampler": (
        {"more": "search: {sampler: tp}"},
        "sweep.search.sampler: must be model, tpe, nsga2, random, qmc or grid, got tp",
        "did you mean `tpe`?",
    ),
    "unknown key": ({"more": "objectvies: [lut]"}, "sweep.objectvies: unknown key", "objectives"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_is_told_at_its_place(sweep_spec, case: str) -> None:
    changes, message, help = CASES[case]
    path = sweep_spec(**changes)
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    text = str(caught.value)
    assert message in text
    assert help in text
    first_line = path.read_text().split("sweep:")[0].count("\n") + 1
    lines = path.read_text().splitlines()
    for diagnostic in caught.value.diagnostics:
        assert diagnostic.line is not None
        assert first_line <= diagnostic.line <= len(lines)


@pytest.mark.parametrize(
    ("values", "ends"),
    [
        ("scratchpad.banks: {start: 1, stop: 40}", ["start"]),
        ("scratchpad.banks: {start: 1, stop: 1000}", ["start", "stop"]),
        ("scratchpad.banks: {start: 3, stop: 1000}", ["stop"]),
        ("memory.bytes_per_cycle: {start: 4, stop: 8, step: 2}", ["step"]),
    ],
)
def test_an_end_out_of_range_is_told_once_where_it_stands(
    sweep_spec, values: str, ends: list[str]
) -> None:
    with pytest.raises(SpecError) as caught:
        load_spec(sweep_spec(parameters=f"accelerator.{values}"))
    assert [d.path.rpartition(".")[2] for d in caught.value.diagnostics] == ends


@pytest.mark.parametrize(
    ("bound", "us"), [("1us", 1), ("7us", 7), ("500ns", 0.5), ("1.5ms", 1500), ("33us", 33)]
)
def test_bounds_of_times_have_any_unit(sweep_spec, bound: str, us: float) -> None:
    more = f"constraints: {{latency_us: {{maximum: {bound}}}}}"
    assert set_up(load_spec(sweep_spec(more=more))).sweep.goals.constraints[0].maximum == us


def test_all_mistakes_are_told_at_once(sweep_spec, capsys: pytest.CaptureFixture[str]) -> None:
    path = sweep_spec(
        parameters="accelerator.program: [rim]\n    x: {times: y, derived: true}",
        objectives="[luts]",
        more="constraints: {dsps: {maximum: 3}}\n  energy: none",
    )
    assert cli.main(["check", str(path)]) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if ": error: " in line]
    assert len(errors) == 5
    assert [error.split(": ")[2] for error in errors] == [
        "sweep.parameters.accelerator.program[0]",
        "sweep.parameters.x",
        "sweep.objectives[0]",
        "sweep.constraints.dsps",
        "sweep.energy",
    ]


def test_a_spec_without_the_section_is_told(tiny_spec, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["sweep", str(tiny_spec())]) == 2
    assert "tiny: has no section `sweep:`" in capsys.readouterr().err


def test_a_kernel_has_no_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "k.yaml"
    path.write_text("tilewright: 1\nname: k\nkernel: {template: systolic, rows: 2, cols: 2}\n")
    assert cli.main(["sweep", str(path)]) == 2
    assert "a kernel has no model" in capsys.readouterr().err


def test_confirmations_need_inputs(sweep_spec, capsys: pytest.CaptureFixture[str]) -> None:
    path = sweep_spec()
    lines = [line for line in path.read_text().splitlines() if not line.startswith("verify")]
    path.write_text("\n".join(lines))
    assert cli.main(["sweep", str(path), "--confirm", "1"]) == 2
    assert "confirmations run on inputs, and there are none" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--workers=0", "--confirm=-1", "--workers=x", "--confirm=1.5"])
def test_options_out_of_range(sweep_spec, option: str) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["sweep", str(sweep_spec()), option])
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("values", "marked"),
    [
        ("[4, 8, 1000, x]", ["1000", "x"]),
        ("{values: [4, 8, 1000, x]}", ["1000", "x"]),
        ("[4, 8, 4]", ["4"]),
        (f"{{values: [4], when: {{{ROWS}: [1, 1000]}}}}", ["1000"]),
        (f"{{values: [4], when: {{{ROWS}: 1000}}}}", [ROWS]),
    ],
)
def test_a_wrong_value_of_a_list_is_told_where_it_stands(
    sweep_spec, values: str, marked: list[str]
) -> None:
    with pytest.raises(SpecError) as caught:
        load_spec(sweep_spec(parameters=f"accelerator.scratchpad.banks: {values}"))
    found = []
    for told in caught.value.diagnostics:
        assert told.source_line is not None
        assert told.column is not None
        found.append(told.source_line[told.column - 1 :][: told.width])
    assert found == marked
    assert caught.value.diagnostics[-1].column > len("    accelerator.scratchpad.banks: ")


def test_a_key_of_a_section_that_the_spec_does_not_have(sweep_spec) -> None:
    path = sweep_spec(parameters="verify.samples: [1, 2]")
    kept = [line for line in path.read_text().splitlines() if not line.startswith("verify:")]
    path.write_text("\n".join(kept))
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    (told,) = caught.value.diagnostics
    assert told.path == "sweep.parameters.verify.samples"
    assert told.rule == "is a key of a section that the spec does not have: `verify`"
    assert told.help == "write the section `verify:`"
