"""Confirmations: which designs, what is compared, and that a difference fails the sweep."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sweep_crews import threads
from tilewright.dse.sweep_choice import spread
from tilewright.dse.sweep_file import parse_sweep_file

from tilewright.catalog import load_spec
from tilewright.flow.sweep import confirm as confirming
from tilewright.flow.sweep.confirm import Wanted, confirmation_of, measure_design
from tilewright.flow.sweep.evaluate import ModelEvaluation
from tilewright.flow.sweep.run import SweepOptions, run_sweep
from tilewright.flow.sweep.set_up import set_up

ESTIMATED = {"cycles": 100, "bytes_off_chip": 640, "lut": 5}
RIGHT = {
    "measured": {"cycles": [100, 100], "bytes_off_chip": 640.0},
    "mismatches": 0,
    "is_right": True,
    "conflicts": 0,
}


def swept(path: Path, out: Path, **options):
    return run_sweep(load_spec(path), out, options=SweepOptions(**options), crew_maker=threads)


def as_estimated(evaluate: ModelEvaluation, values: Any, out: Path) -> dict[str, Any]:
    """Stands for the simulator: whatever was estimated."""
    found = evaluate(values)
    measured = {"cycles": [found["cycles"]], "bytes_off_chip": found["bytes_off_chip"]}
    return {**RIGHT, "measured": measured}


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders of designs that were simulated."""
    seen: list[Path] = []

    def measure(evaluate: ModelEvaluation, values: Any, out: Path) -> dict[str, Any]:
        seen.append(out)
        return as_estimated(evaluate, values, out)

    monkeypatch.setattr(confirming, "measure_design", measure)
    return seen


def test_best_and_random_designs_are_confirmed_once(sweep_spec, tmp_path, simulated) -> None:
    path, out = sweep_spec(), tmp_path / "out"
    outcome = swept(path, out, wanted=Wanted(best=3, random=2))
    assert outcome.ok
    found = outcome.file.confirmations
    assert sorted(one.why for one in found) == ["best"] * 3 + ["random"] * 2
    assert {one.index for one in found if one.why == "best"} <= set(outcome.file.front) | set(
        range(12)
    )
    assert all(one.is_equal and one.error is None for one in found)
    assert sorted(place.name for place in simulated) == [f"{one.index:04d}" for one in found]
    assert "confirmed in RTL" in outcome.table()
    again = swept(path, out, wanted=Wanted(best=3, random=2))
    assert len(simulated) == 5
    assert again.file == outcome.file
    more = swept(path, out, wanted=Wanted(best=4, random=2))
    assert len(more.file.confirmations) == 6
    assert len(simulated) <= 5 + 3


def test_a_planted_wrong_estimate_fails_the_sweep(
    sweep_spec, tmp_path, simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger says one cycle more than the hardware takes."""
    path, out = sweep_spec(), tmp_path / "out"
    original = ModelEvaluation.__call__

    def one_more(self, values):
        found = original(self, values)
        return {**found, "cycles": found["cycles"] + 1}

    monkeypatch.setattr(ModelEvaluation, "__call__", one_more)
    swept(path, out)
    monkeypatch.setattr(ModelEvaluation, "__call__", original)
    outcome = swept(path, out, wanted=Wanted(best=1))
    assert not outcome.ok
    assert len(outcome.problems) == 1
    one = outcome.file.confirmations[0]
    assert not one.is_equal
    assert one.metrics["cycles"].measured == one.metrics["cycles"].estimated - 1
    text = outcome.table()
    assert f"FAILED design {one.index}: cycles: {one.metrics['cycles'].measured:g} measured" in text
    assert "DIFFERENT" in text
    assert parse_sweep_file((out / "sweep.json").read_text()) == outcome.file


def test_what_counts_as_equal() -> None:
    right = confirmation_of(4, "best", ESTIMATED, RIGHT)
    assert (right.is_equal, right.error) == (True, None)
    slow = {**RIGHT, "measured": {"cycles": [100, 102], "bytes_off_chip": 640.0}}
    late = confirmation_of(4, "best", ESTIMATED, slow)
    assert (late.is_equal, late.error) == (False, "cycles: 102 measured, 100 estimated")
    excused = confirmation_of(4, "random", ESTIMATED, {**slow, "conflicts": 2})
    assert (excused.is_equal, excused.has_conflicts, excused.error) == (False, True, None)
    wrong = confirmation_of(4, "best", ESTIMATED, {**RIGHT, "is_right": False, "mismatches": 7})
    assert (wrong.is_equal, wrong.error) == (
        False, "wrong values: 7 differ, or runs under stalls failed",
    )  # fmt: skip
    broken = confirmation_of(4, "best", ESTIMATED, {"error": "ToolError: no compiler"})
    assert (broken.is_equal, broken.metrics, broken.error) == (
        False, {}, "ToolError: no compiler",
    )  # fmt: skip


def test_a_simulation_that_fails_is_told_and_tried_again_on_request(
    sweep_spec, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, out = sweep_spec(), tmp_path / "out"
    monkeypatch.setattr(confirming, "measure_design", lambda *_: {"error": "no compiler"})
    outcome = swept(path, out, wanted=Wanted(best=1))
    assert not outcome.ok
    assert outcome.problems == (f"design {outcome.file.confirmations[0].index}: no compiler",)
    monkeypatch.setattr(confirming, "measure_design", as_estimated)
    assert not swept(path, out, wanted=Wanted(best=1)).ok
    assert swept(path, out, wanted=Wanted(best=1), retries_failed=True).ok


def test_chosen_designs_cover_the_front() -> None:
    costs = np.array([[0, 100], [1, 99], [50, 50], [99, 1], [100, 0]], dtype=float)
    assert spread(costs, 3) == [0, 4, 2]
    assert sorted(spread(costs, 9)) == [0, 1, 2, 3, 4]
    assert spread(costs, 1) == [0]
    assert spread(np.array([[3.0, 3.0]]), 4) == [0]


def test_a_design_is_measured_in_rtl(sweep_spec, tmp_path: Path) -> None:
    """The tiny accelerator that other tests simulate, too: its simulator is built once."""
    spec = load_spec(sweep_spec())
    setup = set_up(spec)
    design = setup.sweep.space.design(setup.sweep.space.size - 2)  # 2 x 2, latency 12
    values = {**design, "accelerator.memory.latency_cycles": 12}
    estimated = setup.evaluate(values)
    found = measure_design(setup.evaluate, values, tmp_path / "out")
    one = confirmation_of(10, "best", estimated, found)
    assert one.is_equal, one.error
    assert one.metrics["cycles"].measured > 0
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["ok"]


@pytest.mark.slow
def test_the_example_is_confirmed_in_worker_processes(tmp_path: Path) -> None:
    example = Path(__file__).resolve().parents[3] / "examples" / "sweeps" / "digits_mlp.yaml"
    spec = load_spec(example)
    options = SweepOptions(wanted=Wanted(best=1, random=1), workers=2)
    outcome = run_sweep(spec, tmp_path / "out", options=options)
    assert outcome.ok, outcome.table()
    assert outcome.file.coverage.kind == "exact"
    assert [one.is_equal for one in outcome.file.confirmations] == [True, True]
