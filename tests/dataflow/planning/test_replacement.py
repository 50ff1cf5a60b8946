"""Replacement at a given order against all choices; bounds against the optimum."""

from __future__ import annotations

import itertools

import pytest
from tilewright.dataflow.planning import bounds, replacement, solvers
from tilewright.dataflow.planning.addresses import with_addresses
from tilewright.dataflow.planning.bounds import covering_bound, overloaded
from tilewright.dataflow.planning.checker import check_plan
from tilewright.dataflow.planning.exact import best_first, fewest_bytes
from tilewright.dataflow.planning.memory_plan import plan_of_moves
from tilewright.dataflow.planning.problem import Item, Problem, Step
from tilewright.dataflow.planning.replacement import (
    belady,
    bytes_of,
    excess_of,
    gap_ilp,
    gaps_of,
    moves_of,
)
from tilewright.dataflow.planning.solvers import Covering, SolverFailed, solve_covering
from tilewright.dataflow.planning.states import Moves


def fewest_of_all_choices(problem: Problem, order: list[int]) -> int:
    """Every set of gaps that a tensor may spend in memory."""
    gaps = [gap for gap in gaps_of(problem, order) if gap.after > gap.before + 1]
    best = 1 << 60
    for chosen in itertools.product((False, True), repeat=len(gaps)):
        dropped = [gap for gap, is_in in zip(gaps, chosen, strict=True) if is_in]
        cost = bytes_of(problem, dropped)
        if cost < best:
            kept = [gap for gap in gaps if gap not in dropped]
            if max(excess_of(problem, order, kept)) <= 0:
                best = cost
    return best


def test_the_gap_ilp_equals_all_choices(make_problem):
    moved = worse = 0
    for seed in range(200, 260):
        problem = make_problem(seed, operators=7, slack=0.0)
        order = list(range(len(problem.steps)))
        expected, words = fewest_of_all_choices(problem, order), f"random_problem({seed})"
        found, rule = gap_ilp(problem, order), belady(problem, order)
        assert (found.bytes, found.lower_bound) == (expected, expected), words
        assert rule.bytes >= expected, words
        moved += expected > 0
        worse += rule.bytes > expected
        for replaced in (found, rule):
            plan = plan_of_moves(problem, moves_of(order, replaced.dropped))
            assert plan.peak(problem) <= problem.budget, words
            placed, _ = with_addresses(problem, plan)
            if placed is not None:
                assert check_plan(problem, placed).moved_beyond == replaced.bytes, words
    assert moved >= 32
    assert worse >= 1, "Belady's rule is never worse: the ILP is not needed"


def test_belady_drops_what_is_used_latest_and_sizes_can_prove_it_wrong():
    # small is used last, large a bit earlier; both lie idle while "wide" runs.
    sizes = {"small": 1, "large": 8, "wide": 8, "x": 1, "y": 1}
    problem = Problem(
        name="belady",
        items=tuple(Item(name=name, size=size) for name, size in sizes.items()),
        steps=(
            Step(name="make small", reads=(), writes=(0,)),
            Step(name="make large", reads=(), writes=(1,)),
            Step(name="wide", reads=(), writes=(2,)),
            Step(name="use large", reads=(1, 2), writes=(3,)),
            Step(name="use small", reads=(0, 3), writes=(4,)),
        ),
        budget=17,
    )
    order = [0, 1, 2, 3, 4]
    assert belady(problem, order).bytes == 2
    tight = problem.with_budget(17)
    assert gap_ilp(tight, order).bytes == 2
    dropped = belady(tight, order).dropped
    assert [(gap.item, gap.before, gap.after) for gap in dropped] == [(0, 0, 4)]


def test_less_room_drops_more_but_never_fails(make_problem):
    for seed in range(300, 320):
        problem = make_problem(seed, operators=12, slack=0.2)
        order = list(range(len(problem.steps)))
        found = [
            gap_ilp(problem, order, room=problem.budget * share // 10).bytes
            for share in (10, 8, 6, 0)
        ]
        assert found == sorted(found), f"random_problem({seed})"


def test_the_covering_bound_is_a_bound_and_often_tight(make_problem):
    tight = 0
    for seed in range(400, 520):
        problem = make_problem(seed, operators=9, slack=0.0)
        best, bound = fewest_bytes(problem).bytes, covering_bound(problem)
        assert bound <= best, f"random_problem({seed})"
        tight += bound == best > 0
    assert tight >= 10


def test_two_absences_between_which_a_tensor_is_read_are_two_reloads():
    """x is read by r1 and r2 on a chain, and does not fit beside the wide operators around r1."""
    names = ["x", "a", "b", "c", "d", "e", "y"]
    sizes = [3, 6, 1, 1, 6, 1, 1]
    reads = [(), (0,), (1,), (2, 0), (3,), (4,), (5, 0)]
    problem = Problem(
        name="twice",
        items=tuple(Item(name=n, size=s) for n, s in zip(names, sizes, strict=True)),
        steps=tuple(Step(name=f"make {n}", reads=r, writes=(i,))
                    for i, (n, r) in enumerate(zip(names, reads, strict=True))),
        budget=9,
    )  # fmt: skip
    assert [row.alive for row in overloaded(problem)] == [(0,), (0,), (0,)]
    assert covering_bound(problem) == fewest_bytes(problem).bytes == 3 + 3 + 3


def test_a_bound_that_is_reached_ends_the_search(make_problem, monkeypatch):
    """Where the quick search does not end, the covering bound saves the long one."""
    from tilewright.dataflow.planning import exact

    seed = next(
        s for s in range(400, 520)
        if covering_bound(p := make_problem(s, operators=9, slack=0.0)) == fewest_bytes(p).bytes > 0
    )  # fmt: skip
    calls = []

    def gives_up(moves, start, target, bound, deadline, *_watch):
        calls.append(deadline)
        return 0, None, 1

    monkeypatch.setattr(exact, "best_first", gives_up)
    found = fewest_bytes(make_problem(seed, operators=9, slack=0.0))
    assert found.is_proven
    assert "covering bound (HiGHS)" in found.method
    assert len(calls) >= 1


def test_a_search_without_time_still_gives_a_bound(make_problem):
    problem = make_problem(411, operators=14, slack=0.0)
    moves = Moves(problem)
    cost, found, _ = best_first(moves, moves.start, moves.all_done, 1 << 60, 0.0)
    assert found is not None or cost <= fewest_bytes(problem).bytes


def test_covers_are_recounted():
    covering = Covering(costs=(2, 4, 6), rows=(((0, 1, 2), (3, 2, 2), 4),), implied=((0, 2),))
    found = solve_covering(covering, 5)
    assert (found.cost, found.lower_bound, found.chosen) == (8, 8, (True, False, True))
    assert not covering.is_covered((True, True, False))
    assert covering.is_covered((False, True, True))


@pytest.mark.parametrize("fault", ["missing", "memory", "wrong", "hangs", "killed"])
def test_a_solver_that_fails_gives_no_wrong_answer(make_problem, monkeypatch, fault):
    """Belady's choice instead, the bound 0, and the reason in the method."""
    import builtins
    import time

    problem = make_problem(207, operators=7, slack=0.0)
    order = list(range(len(problem.steps)))
    true = gap_ilp(problem, order)
    assert true.bytes > 0
    bound = covering_bound(problem)
    real_import = builtins.__import__

    def no_highspy(name, *rest):
        if name == "highspy":
            raise ImportError("planted")
        return real_import(name, *rest)

    def fails(highspy, solver):
        if fault == "memory":
            raise MemoryError
        if fault == "killed":
            raise SystemExit(137)
        if fault == "hangs":
            time.sleep(3)
        count = solver.getNumCol()
        return [0.0] * count, 1e9

    if fault == "missing":
        monkeypatch.setattr(builtins, "__import__", no_highspy)
    else:
        monkeypatch.setattr(solvers, "_run", fails)
    started = time.monotonic()
    found = gap_ilp(problem, order, seconds=0.1)
    assert time.monotonic() - started < 2.5
    assert found.bytes == belady(problem, order).bytes >= true.bytes
    assert found.lower_bound == 0
    assert found.method.startswith("Belady (")
    assert 0 <= covering_bound(problem, seconds=0.1) <= bound


def test_a_model_that_is_too_large_is_not_given_to_the_solver(monkeypatch):
    monkeypatch.setattr(solvers, "MOST_COEFFICIENTS", 2)
    with pytest.raises(SolverFailed, match="coefficients"):
        solve_covering(Covering(costs=(1, 1, 1), rows=(((0, 1, 2), (1, 1, 1), 1),)), 1)


def test_the_solvers_are_those_that_are_named():
    assert replacement.version("highspy").startswith("highspy 1.")
    assert replacement.version("no-such-package") == "no-such-package (missing)"
    assert bounds.MOST_OPERATORS >= 10_000
