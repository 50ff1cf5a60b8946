"""Sweeps in one process: blocks and designs, resumed, with functions that raise."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import sweep_functions as functions
from tilewright.dse.ledger import MemoryLedger
from tilewright.dse.pareto import front_indices, hypervolume
from tilewright.dse.space import Space
from tilewright.dse.space_checks import SpaceError
from tilewright.dse.space_domains import Parameter, Range
from tilewright.dse.space_goals import Constraint, Goals, Objective
from tilewright.dse.sweep import sweep_blocks, sweep_designs
from tilewright.dse.sweep_crew import Crew
from tilewright.dse.sweep_forecast import forecast

SIZE = 200
MANY = Parameter(path="many", domain=Range(start=1, stop=1000))


def crew(in_flight: int = 3) -> Crew:
    return Crew(start=lambda: ThreadPoolExecutor(2), in_flight=in_flight)


def blocks_of(sweep, ledger=None, **more):
    return sweep_blocks(sweep, ledger or MemoryLedger(), crew(), block_designs=23, **more)


def designs_of(sweep, ledger=None, indices=range(SIZE), **more):
    return sweep_designs(sweep, indices, ledger or MemoryLedger(), crew(), **more)


def front_by_hand(sweep):
    """The front of all designs at once, and its hypervolume."""
    columns = sweep.space.columns(0, SIZE)
    metrics = functions.columns_of(columns)
    rows = np.flatnonzero((metrics["area"] <= 20_000) & (columns["pes"] <= 2048))
    costs = np.stack([metrics["cycles"][rows], metrics["area"][rows]], axis=1).astype(float)
    front = rows[front_indices(costs)]
    return front.tolist(), hypervolume(costs, costs.max(axis=0)), len(rows)


def test_blocks_and_designs_give_the_front_of_the_space() -> None:
    by_blocks = blocks_of(functions.sweep_of(None, many=functions.columns_of))
    by_designs = designs_of(functions.sweep_of())
    front, volume, feasible = front_by_hand(functions.sweep_of())
    for result in (by_blocks, by_designs):
        assert [point.index for point in result.front] == front
        assert result.hypervolume == volume
        assert result.is_exact
        assert result.tally.feasible == feasible
        assert not result.notes
    assert by_blocks.tally.killed == {"fits": 24, "pes": 8}
    assert by_blocks.evaluated == by_designs.evaluated == SIZE


def test_a_constraint_on_a_parameter_saves_the_evaluation(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    result = designs_of(functions.sweep_of(functions.counts_calls))
    calls = (tmp_path / "calls").read_text().splitlines()
    assert len(calls) == len(set(calls)) == SIZE - result.tally.killed["pes"] == 192
    assert result.is_exact


@pytest.mark.parametrize("how", ["blocks", "designs"])
def test_what_the_ledger_has_is_not_evaluated_again(how: str, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    sweep = functions.sweep_of(functions.counts_calls)
    run = blocks_of if how == "blocks" else designs_of
    ledger = MemoryLedger()
    first = run(sweep, ledger)
    calls = len((tmp_path / "calls").read_text().splitlines())
    assert run(sweep, ledger) == first
    assert len((tmp_path / "calls").read_text().splitlines()) == calls
    half = MemoryLedger()
    half.append(list(ledger.records.values())[::2])
    assert json.dumps(run(sweep, half).to_json()) == json.dumps(first.to_json())


def test_other_versions_and_other_goals_share_no_wrong_record() -> None:
    sweep = functions.sweep_of()
    other = replace(sweep, context={"version": "2"})
    assert sweep.design_key({"a": 1}) != other.design_key({"a": 1})
    assert sweep.block_key(0, 5) != other.block_key(0, 5)
    goals = Goals(objectives=(Objective(metric="area"),))
    assert replace(sweep, goals=goals).block_key(0, 5) != sweep.block_key(0, 5)
    assert replace(sweep, goals=goals).design_key({"a": 1}) == sweep.design_key({"a": 1})


def failing(sweep, port: int) -> list[int]:
    columns = sweep.space.columns(0, SIZE)
    return np.flatnonzero((columns["rows"] == 8) & (columns["ports"] == port)).tolist()


def test_a_function_that_raises_leaves_named_failures_and_nothing_else() -> None:
    goals = Goals(objectives=functions.GOALS.objectives)
    sweep = functions.sweep_of(functions.raises, goals=goals)
    result = designs_of(sweep)
    errors = {failed.start: failed.error for failed in result.failed}
    assert sorted(errors) == sorted(failing(sweep, 3) + failing(sweep, 4) + failing(sweep, 5))
    assert errors[failing(sweep, 3)[0]].startswith("ZeroDivisionError: no such machine (sweep_f")
    assert errors[failing(sweep, 4)[0]] == "made_up: cycles is not finite, got nan"
    assert errors[failing(sweep, 5)[0]] == "made_up: gave no area"
    assert (result.evaluated, result.num_failed, result.is_exact) == (185, 15, True)
    assert [note.partition(" (")[0] for note in result.notes] == [
        "5 designs failed; the first, 42: ZeroDivisionError: no such machine",
        "5 designs failed; the first, 43: made_up: cycles is not finite, got nan",
        "5 designs failed; the first, 44: made_up: gave no area",
    ]
    in_blocks = blocks_of(functions.sweep_of(functions.raises, goals=goals))
    assert in_blocks.front == result.front
    assert in_blocks.num_failed == 15


def test_a_block_that_raises_is_halved_to_the_designs_at_fault() -> None:
    goals = Goals(objectives=functions.GOALS.objectives)
    sweep = functions.sweep_of(None, many=functions.raises_columns, goals=goals)
    result = blocks_of(sweep)
    failed = sorted(i for f in result.failed for i in range(f.start, f.stop))
    assert failed == sorted(failing(sweep, 3) + failing(sweep, 4))
    assert result.evaluated == SIZE - len(failed)


def test_a_block_function_that_always_raises_is_told_in_ranges() -> None:
    sweep = functions.sweep_of(None, many=functions.always_raises, ports=2000)
    result = sweep_blocks(sweep, MemoryLedger(), crew())
    assert result.num_failed == sweep.space.size == 50_000
    assert len(result.failed) < 100
    assert (result.front, result.hypervolume) == ((), None)
    assert result.is_exact


def test_failed_designs_are_tried_again_only_when_asked() -> None:
    ledger = MemoryLedger()
    raising, good = functions.sweep_of(functions.raises), functions.sweep_of()
    first = designs_of(raising, ledger)
    assert designs_of(good, ledger) == first
    again = designs_of(good, ledger, retries_failed=True)
    assert again == designs_of(good)
    assert not again.failed


def test_failed_blocks_are_tried_again_only_when_asked() -> None:
    ledger = MemoryLedger()
    raising = functions.sweep_of(None, many=functions.raises_columns)
    good = functions.sweep_of(None, many=functions.columns_of)
    first = blocks_of(raising, ledger)
    assert first.failed
    assert blocks_of(good, ledger) == first
    num_records = len(ledger.records)
    again = blocks_of(good, ledger, retries_failed=True)
    assert again == blocks_of(good)
    assert not again.failed
    assert len(ledger.records) == num_records
    assert blocks_of(raising, ledger, retries_failed=True) == again  # what is done stays done


def test_constraints_that_nothing_meets_say_which_kills_how_many() -> None:
    goals = Goals(
        objectives=functions.GOALS.objectives,
        constraints=(
            Constraint(name="fast", metric="cycles", maximum=1000),
            Constraint(name="tiny", metric="area", maximum=100),
        ),
    )
    result = blocks_of(functions.sweep_of(goals=goals))
    notes = "\n".join(result.notes)
    assert "no design meets all constraints, of 200 evaluated" in notes
    assert "fast (cycles <= 1,000) fails for 200, alone for 0; design " in notes
    assert "tiny (area <= 100) fails for 200" in notes
    assert "nearest to all: design " in notes


def test_a_bound_that_is_far_away_is_told_in_words() -> None:
    fast = Constraint(name="fast", metric="cycles", maximum=2)
    small = Constraint(name="small", metric="area", minimum=5e6)
    goals = Goals(objectives=functions.GOALS.objectives, constraints=(fast, small))
    notes = "\n".join(blocks_of(functions.sweep_of(goals=goals)).notes)
    assert re.search(r"fast \(cycles <= 2\) .* has [0-9,]+, [0-9,]+ times too slow", notes)
    assert "small (5,000,000 <= area) fails for 200" in notes
    assert "e+" not in notes


def test_designs_that_were_not_evaluated_are_told() -> None:
    result = designs_of(functions.sweep_of(), indices=[5, 7, 5])
    assert (result.evaluated, result.is_exact) == (2, False)
    assert result.notes[0].startswith("198 designs of the space were not evaluated")


def test_progress_counts_up_to_the_end() -> None:
    seen = []
    ledger = MemoryLedger()
    designs_of(functions.sweep_of(), ledger, indices=range(50))
    result = designs_of(functions.sweep_of(), ledger, indices=range(100), report=seen.append)
    last = seen[-1]
    assert (last.done, last.total, last.resumed) == (100, 100, 50)
    assert (last.front, last.feasible) == (len(result.front), result.tally.feasible)
    assert last.line().startswith("100/100 designs (")
    best = [min(point.metrics[name] for point in result.front) for name in ("cycles", "area")]
    assert f"front {last.front} (best cycles {best[0]:,.0f}, area {best[1]:,.0f})" in last.line()
    assert last.seconds_left == 0


def test_unknown_goals_are_refused_before_anything_runs() -> None:
    goals = Goals(objectives=(Objective(metric="cycels"),))
    with pytest.raises(SpaceError, match="did you mean `cycles`"):
        functions.sweep_of(goals=goals)


def test_a_ledger_that_cannot_be_written_ends_the_sweep() -> None:
    """A full disk: the error comes through, and nothing is taken for recorded."""

    class Full(MemoryLedger):
        def append(self, records) -> None:
            if len(self.records) >= 20:
                raise OSError(28, "full")
            super().append(records)

    ledger = Full()
    with pytest.raises(OSError, match="full"):
        designs_of(functions.sweep_of(), ledger)
    assert 20 <= len(ledger.records) < SIZE
    rest = MemoryLedger()
    rest.append(list(ledger.records.values()))
    assert designs_of(functions.sweep_of(), rest) == designs_of(functions.sweep_of())


def test_a_space_that_is_too_large_is_not_enumerated() -> None:
    space = Space(parameters=(*functions.space_of(1000).parameters, MANY))
    assert space.size == 25_000_000
    with pytest.raises(ValueError, match="up to 10,000,000 designs, this one has 25,000,000"):
        blocks_of(replace(functions.sweep_of(), space=space))


def test_the_forecast_scales_its_probes() -> None:
    ticks = iter([10.0, 12.5, 13.0, 13.25, 14.0, 14.2])  # the first probe imports
    sweep = functions.sweep_of(functions.slow)
    found = forecast(sweep, budget=90, workers=2, clock=lambda: next(ticks))
    assert found.seconds == pytest.approx(0.25 * 90 / 2)
    assert found.line() == "200 designs; evaluating 90 of them will take about 11 s"
    ticks = iter([1.0, 1.2])
    whole = forecast(functions.sweep_of(None, many=functions.columns_of), clock=lambda: next(ticks))
    assert whole.line() == "200 designs; evaluating all of them will take under a second"


def test_the_forecast_counts_confirmations() -> None:
    """Two workers build five simulators in three turns; no more than there are designs."""
    for wanted, told in (
        (5, "5 confirmations in RTL about 30 s or more"),
        (1, "1 confirmation in RTL"),
    ):
        clock = iter([0.0, 0.1] * 3).__next__
        found = forecast(functions.sweep_of(), workers=2, clock=clock, confirmations=wanted)
        assert told in found.line()
    clock = iter([0.0, 0.1] * 3).__next__
    found = forecast(functions.sweep_of(), budget=8, clock=clock, confirmations=20)
    assert (found.confirmations, found.confirming_seconds) == (8, 80.0)


def test_the_forecast_counts_the_samplers_proposals() -> None:
    """(90 - 16) / 4 asks of half a second, longer and longer; none where all are random."""
    sweep = functions.sweep_of()
    for budget, seconds in ((90, 19 * 0.5 * 1.15), (16, 0.0)):
        clock = iter([0.0, 2.0, 2.0, 2.25, 3.0, 3.25, 4.0, 4.5]).__next__
        found = forecast(sweep, budget=budget, clock=clock, has_model=True)
        assert found.asking_seconds == pytest.approx(seconds)
        assert ("the sampler's proposals about 11 s" in found.line()) == bool(seconds)
