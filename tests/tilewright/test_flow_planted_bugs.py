"""Planted bugs: `verify` must fail for each, and pass without any.

The bugs in the hardware are all edited into one emitted Verilog text, each behind a plusarg that
switches it on, so that one simulator program serves for all.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tilewright.dataflow.memory_map import memory_image, parameters_name
from tilewright.sim.golden.run import run as run_golden

from tilewright import cli
from tilewright.build.accelerator_files import accelerator_verilog
from tilewright.build.accelerator_run import MemoryTiming
from tilewright.flow import accelerator, simulation, verdict
from tilewright.flow.design import make_design

pytestmark = pytest.mark.simulator

PLANTED = 'reg [7:0] planted; initial if (!$value$plusargs("planted=%d", planted)) planted = 0;'
LATE = "reg [11:0] late = 0; always @(posedge clk) late <= signal__give;"

# Name: module, what to find, what it becomes, words of the failure.
HARDWARE = {
    "wrong_operator": ("pe", r"\$signed\(a_out\) \* \$signed\(b_out\)",
                       "$signed(a_out) + $signed(b_out)", "mismatch"),
    "sum_never_cleared": ("pe", r"first_out \? 32'd0 : value", "value", "mismatch"),
    "row_never_picked": ("array_core_core_array_rows", r"(?<=_0_ = )\w+(?= \?)", "1'b0",
                         "mismatch"),
    "bias_ignored": ("drain_column_requantizer", r"\$signed\(accumulator\) \+ \$signed\([^)]*\)",
                     "{accumulator[31], accumulator}", "mismatch"),
    "half_away_not_even": ("drain_column_requantizer", r"s14_shifted\[1\] & \w+", "s14_shifted[1]",
                         "mismatch"),
    "no_upper_limit": ("drain_column_requantizer", r"\$signed\(s16_sum\) > \$signed\(s16_maximum\)",
                       "1'b0", "mismatch"),
    "no_lower_limit": ("drain_column_requantizer", r"\$signed\(s16_sum\) < \$signed\(s16_minimum\)",
                       "1'b0", "mismatch"),
    "bytes_swapped": ("scratchpad_bank", r"write_data\[(7|15):0\]",
                      "{write_data[7:0], write_data[15:8]}", "mismatch"),
    "token_never_given": ("token_a_ready", r"wait__available \+ signal__give", "wait__available",
                          "no interrupt within"),
    "token_a_cycle_late": ("token_a_ready", r"(?<=wait__available \+ )signal__give", "late",
                           "difference"),
    "wlast_missing": ("store", r"(?<=m_axi__wlast = )is_word_end & \w+", "1'b0",
                      "breaches of the AXI rules"),
    "loop_one_too_short": ("array_a_queue", r"(?<=commands\[0\] = )[0-9]+'h\w+", "COMMAND ^ 1", ""),
    "loop_one_too_long": ("load_queue", r"(?<=commands\[0\] = )[0-9]+'h\w+", "COMMAND + 1", ""),
    "stored_elsewhere": ("store_queue", r"(?<=commands\[1\] = )[0-9]+'h\w+", "COMMAND ^ 64", ""),
}  # fmt: skip
NUMBERS = {name: number for number, name in enumerate(HARDWARE, start=1)}


def plant(text: str, design: str) -> str:
    """All bugs, each behind its number."""
    for name, (module, pattern, wrong, _) in HARDWARE.items():
        start = text.index(f"module {design}_{module}(")
        end = text.index("endmodule", start)
        body = text[start:end]
        if PLANTED not in body:
            extra = f"{PLANTED} {LATE}" if "signal__give" in body else PLANTED
            head = body.index(";\n") + 2
            body = f"{body[:head]}  {extra}\n{body[head:]}"

        def edit(match: re.Match[str], number: int = NUMBERS[name], wrong: str = wrong) -> str:
            right = match.group(0)
            return f"(planted == {number} ? ({wrong.replace('COMMAND', right)}) : ({right}))"

        body, count = re.subn(pattern, edit, body, count=1)
        assert count == 1, f"{name}: nothing to edit in {module}"
        text = text[:start] + body + text[end:]
    return text


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """The planted Verilog, once it was made."""
    return {}


@pytest.fixture
def verify(
    tiny_spec: Callable[..., Path],
    tmp_path: Path,
    texts: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Callable[..., tuple[int, str]]]:
    """`verify(planted=n)`: runs the command; its exit code, and all that it said."""

    def verilog(design: Any) -> str:
        if not texts:
            texts["planted"] = plant(accelerator_verilog(design), design.name)
        return texts["planted"]

    monkeypatch.setattr(simulation, "accelerator_verilog", verilog)
    plusargs = MemoryTiming.plusargs

    def run(planted: int = 0) -> tuple[int, str]:
        monkeypatch.setattr(
            MemoryTiming, "plusargs", lambda self: plusargs(self) | {"planted": str(planted)}
        )
        out = tmp_path / "out"
        code = cli.main(["verify", str(tiny_spec()), "--out", str(out)])
        captured = capsys.readouterr()
        assert not captured.err
        report = json.loads((out / "report.json").read_text())
        assert report["ok"] == (code == 0)
        assert ("PASSED" if code == 0 else "FAILED") in captured.out
        assert cli.main(["report", str(out)]) == code, "the report of it says something else"
        capsys.readouterr()
        return code, captured.out

    return run


def number_of(text: str, label: str) -> int:
    """The number in the row `label` of the table."""
    (row,) = [line for line in text.splitlines() if line.startswith(f"  {label} ")]
    return int(row.removeprefix(f"  {label}").split()[0].replace(",", ""))


def test_nothing_planted_passes(verify: Any) -> None:
    code, text = verify()
    assert code == 0, text
    assert number_of(text, "difference") == 0


@pytest.mark.parametrize("name", HARDWARE)
def test_bug_in_the_hardware(verify: Any, name: str) -> None:
    words = HARDWARE[name][3]
    code, text = verify(planted=NUMBERS[name])
    assert code == 1, text
    if words == "mismatch":
        assert number_of(text, "mismatches, golden") > 0, text
        assert number_of(text, "mismatches, oracle") > 0, text
        assert "expected" in text and "got" in text
    elif words == "difference":
        assert number_of(text, "difference") > 0, text
        assert number_of(text, "mismatches, golden") == 0, text
    else:
        assert words in text, text
    assert "repeat: tilewright verify " in text


def flip(tensor: str | None, byte: int, bit: int) -> Any:
    """`memory_image` with one bit of one byte of a tensor's words flipped; None: the input's."""

    def image(graph: Any, plan: Any, machine: Any, inputs: Any) -> Any:
        made = memory_image(graph, plan, machine, inputs)
        op = graph.ops[0]
        names = {"weight": op.inputs[1], "parameters": parameters_name(op.name)}
        name = op.inputs[0] if tensor is None else names[tensor]
        made.reshape(-1)[plan.address_words(name) * machine.word_bytes + byte] ^= 1 << bit
        return made

    return image


@pytest.mark.parametrize(
    ("tensor", "byte", "bit"),
    [
        ("weight", 0, 6),  # the first weight
        ("parameters", 1, 2),  # the bias of channel 0
        ("parameters", 6, 7),  # the exponent of its scale
        (None, 0, 6),  # the first input value
    ],
)
def test_bug_in_the_memory_image(
    verify: Any, monkeypatch: pytest.MonkeyPatch, tensor: str | None, byte: int, bit: int
) -> None:
    monkeypatch.setattr(simulation, "memory_image", flip(tensor, byte, bit))
    code, text = verify()
    assert code == 1, text
    assert number_of(text, "mismatches, golden") > 0


def test_bug_in_the_golden_model(verify: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    names = []

    def wrong(graph: Any, inputs: Any) -> Any:
        values = run_golden(graph, inputs)
        names.append(graph.outputs[0].name)
        values[names[0]] = values[names[0]].copy()
        values[names[0]][1, 2] ^= 1
        return values

    monkeypatch.setattr(verdict, "run_golden", wrong)
    code, text = verify()
    assert code == 1, text
    assert number_of(text, "mismatches, golden") == 2, f"one value of each start: {text}"
    assert number_of(text, "mismatches, oracle") == 0
    assert f"{names[0]}[1, 2]: expected" in text


def test_bug_in_the_oracle(verify: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    oracle = verdict.oracle_outputs
    monkeypatch.setattr(
        verdict,
        "oracle_outputs",
        lambda *given: {name: values ^ np.int8(1) for name, values in oracle(*given).items()},
    )
    code, text = verify()
    assert code == 1, text
    assert number_of(text, "mismatches, golden") == 0
    assert number_of(text, "mismatches, oracle") > 0


@pytest.mark.parametrize("wrong", [-1, 1])
def test_bug_in_the_estimate(verify: Any, monkeypatch: pytest.MonkeyPatch, wrong: int) -> None:
    def design(*given: Any, **more: Any) -> Any:
        made = make_design(*given, **more)
        return replace(made, estimate=replace(made.estimate, cycles=made.estimate.cycles + wrong))

    monkeypatch.setattr(accelerator, "make_design", design)
    code, text = verify()
    assert code == 1, text
    assert number_of(text, "mismatches, golden") == 0
    assert number_of(text, "difference") == -2 * wrong, "one cycle in each of two starts"


@pytest.mark.parametrize("field", ["cycles", "bytes_read"])
def test_bugs_of_two_starts_do_not_cancel(
    verify: Any, monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    """One too many in the first start, one too few in the second: no start is as estimated."""
    run = simulation.run_accelerator

    def shifted(*given: Any, **more: Any) -> Any:
        result = run(*given, **more)
        if len(result.cases) == 1:  # under stalls
            return result
        cases = [
            replace(case, **{field: getattr(case, field) + step})
            for case, step in zip(result.cases, (1, -1), strict=True)
        ]
        return replace(result, cases=tuple(cases))

    monkeypatch.setattr(simulation, "run_accelerator", shifted)
    code, text = verify()
    assert code == 1, text
    assert number_of(text, "difference") == 0


def test_a_start_that_is_missing(verify: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer samples than were asked for is no pass, however right they are."""
    run = simulation.run_accelerator

    def cut(model: Any, cases: Any, folder: Path, **more: Any) -> Any:
        return run(model, cases[:1], folder, **more)

    monkeypatch.setattr(simulation, "run_accelerator", cut)
    code, text = verify()
    assert code == 1, text
    assert "4 of 8" in text
