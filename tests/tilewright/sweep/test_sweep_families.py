"""Families of devices of a sweep: which are known, which have a clock, and several boards."""

from pathlib import Path

import pytest
from test_sweep_workload import spec_in
from tilewright.hw.lib.structure import FAMILIES

from tilewright.catalog import load_spec
from tilewright.flow.sweep.set_up import set_up
from tilewright.spec import SpecError
from tilewright.spec.sweep import FAMILIES as WRITTEN

NO_CLOCK = "there is no estimate of the clock for xc7"
BOARDS = "board: [ulx3s-85f, arty-a7-100, ulx3s-12f]"


def told(path: Path):
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    return caught.value.diagnostics


def test_the_families_of_the_estimate_can_be_written() -> None:
    assert tuple(FAMILIES) == WRITTEN


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_gives_numbers(tmp_path: Path, family: str) -> None:
    path = spec_in(tmp_path, head="clock: 25MHz", more=f"family: {family}")
    sweep = set_up(load_spec(path)).sweep
    found = sweep.evaluation.many(sweep.space.columns(sweep.space.size - 1, sweep.space.size))
    assert found["lut"][0] > 0
    assert found["latency_us"][0] > 0


@pytest.mark.parametrize(("goal", "help"), [("latency_us", ": write `clock:`"), ("clock_mhz", "")])
@pytest.mark.parametrize("of", ["objectives", "constraints"])
def test_a_family_without_a_clock_is_told_with_what_helps(
    sweep_spec, goal: str, help: str, of: str
) -> None:
    if of == "objectives":
        path = sweep_spec(objectives=f"[{goal}]", more="family: xc7")
    else:
        path = sweep_spec(more=f"constraints: {{{goal}: {{maximum: 5}}}}\n  family: xc7")
    (one,) = told(path)
    assert one.rule == "names a metric that is not measured"
    assert one.help == NO_CLOCK + help


def test_a_workload_without_a_clock_is_told_at_its_family(tmp_path: Path) -> None:
    (one,) = told(spec_in(tmp_path, more="family: xc7"))
    assert (one.path, one.value, one.rule) == ("sweep.family", "xc7", NO_CLOCK)
    assert one.help == "write `clock:`"


def test_a_swept_clock_is_a_clock(tmp_path: Path) -> None:
    path = spec_in(tmp_path, parameters="clock: [25MHz, 50MHz]", more="family: xc7")
    sweep = set_up(load_spec(path)).sweep
    found = sweep.evaluation.many(sweep.space.columns(sweep.space.size - 2, sweep.space.size))
    assert found["latency_us"][0] == pytest.approx(2 * found["latency_us"][1])


@pytest.mark.parametrize("more", ["", "family: ecp5"])
def test_a_workload_has_one_board(tmp_path: Path, more: str) -> None:
    (one,) = told(spec_in(tmp_path, parameters=BOARDS, more=more))
    assert one.path == "sweep.parameters.board"
    assert one.source_line is not None
    assert BOARDS in one.source_line
    assert one.rule == "a workload is estimated on one board"
    assert one.help is not None
    assert "write `board:` in the spec" in one.help


def test_boards_of_a_model_have_the_metrics_that_all_of_them_have(sweep_spec) -> None:
    setup = set_up(load_spec(sweep_spec(parameters=BOARDS, objectives="[latency_us, lut]")))
    assert "clock_mhz" not in setup.sources
    sweep = setup.sweep
    last = sweep.space.size - 1
    for index in (last - 2, last - 1, last):
        found = setup.evaluate(sweep.space.design(index))
        assert set(found) == set(setup.sources)
    (one,) = told(sweep_spec(parameters=BOARDS, objectives="[clock_mhz]"))
    assert one.help == NO_CLOCK
    one_family = "board: [ulx3s-85f, ulx3s-12f]"
    assert "clock_mhz" in set_up(load_spec(sweep_spec(parameters=one_family))).sources


def test_resources_that_nobody_has_counted_are_told(sweep_spec) -> None:
    path = sweep_spec(objectives="[lut]", parameters="board: [vpk180]")
    assert "lut" in {d.value for d in told(path)}
    path.write_text(path.read_text().replace("    board: [vpk180]\n", ""))
    path.write_text(path.read_text().replace("sweep:\n", "board: vpk180\nsweep:\n"))
    (one,) = told(path)
    assert one.help == f"no resources of versal are known: write `family:`, {', '.join(FAMILIES)}"
