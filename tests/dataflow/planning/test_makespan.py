"""Timelines: by hand, against an exhaustive search, and what the checker must refuse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tilewright.dataflow.planning.exact import fewest_bytes
from tilewright.dataflow.planning.makespan import fastest, moves_of, timeline
from tilewright.dataflow.planning.memory_plan import plan_of_moves
from tilewright.dataflow.planning.planner import make_plan
from tilewright.dataflow.planning.problem import Item, Problem, Step
from tilewright.dataflow.planning.time_bounds import time_bounds
from tilewright.dataflow.planning.time_search import lockstep, serial
from tilewright.dataflow.planning.timeline import Jobs, Timeline, TimeMachine, Transfer
from tilewright.dataflow.planning.timeline_checker import WrongTimeline, check_timeline


def weighted_chain(budget: int) -> Problem:
    """x -> op0 -> op1 -> op2 -> result; tensors of 8 bytes, each operator has weights of 32."""
    items = [Item(name="x", size=8)]
    steps = []
    for k in range(3):
        items += [Item(name=f"w{k}", size=32), Item(name=f"t{k}", size=8)]
        steps.append(Step(name=f"op{k}", reads=(max(0, 2 * k), 2 * k + 1), writes=(2 * k + 2,)))
    return Problem(name="chain", items=tuple(items), steps=tuple(steps), budget=budget)


def machine_of(*cycles: int) -> TimeMachine:
    """Operators of the given cycles, 8 bytes per cycle at the port."""
    return TimeMachine(cycles=lambda _, step: cycles[step])


@pytest.mark.parametrize(
    ("budget", "cycles", "ours", "double", "in_turn"),
    [
        (
            1000,
            (5, 5, 5),
            21,
            21,
            29,
        ),  # x 0-1, w0 1-5, op0 5-10 with w1, op1 -15 with w2, op2, store
        (1000, (6, 2, 2), 16, 18, 24),  # w2 during op0 too: one operator ahead is not enough
        (48, (6, 2, 2), 24, 24, 24),  # op0 fills the scratchpad: nothing can be loaded ahead
        (80, (6, 2, 2), 18, 18, 24),  # room for one more weight: w2 waits for w0's place at 11
    ],
)
def test_makespans_by_hand(budget, cycles, ours, double, in_turn):
    problem = weighted_chain(budget)
    found = fastest(problem, machine_of(*cycles), seconds=2)
    assert found.ours.makespan == ours
    assert found.double_buffered.makespan == double
    assert found.serial.makespan == in_turn
    assert found.lower_bound <= ours


def test_bounds_by_hand():
    loads, store = 13, 1
    bounds = time_bounds(weighted_chain(1000), machine_of(6, 2, 2))
    assert (bounds.compute, bounds.port) == (5 + 10 + store, loads + store)
    assert bounds.operator == loads + 2 + store  # all loads, op2, the store
    tight = time_bounds(weighted_chain(48), machine_of(6, 2, 2))
    assert tight.hidden == 24  # no transfer finds room beside an operator
    assert time_bounds(weighted_chain(80), machine_of(6, 2, 2)).hidden == 10 + 5 + 1


def test_spilled_tensors_are_stored_and_reloaded_while_others_compute():
    # t0 (64) is read by op1 and op4; op2 and op3 need its room.
    sizes = {"t0": 64, "t1": 8, "t2": 64, "t3": 8, "t4": 8}
    items = tuple(Item(name=name, size=size) for name, size in sizes.items())
    reads = ((), (0,), (1,), (2,), (0, 3))
    steps = tuple(Step(name=f"op{k}", reads=r, writes=(k,)) for k, r in enumerate(reads))
    problem = Problem(name="spill", items=items, steps=steps, budget=80)
    found = fastest(problem, machine_of(10, 10, 10, 10, 10), seconds=2)
    # Store of 8 cycles during op1; the reload waits until op3 has used t2 (64 of 80 bytes) at 40.
    assert found.ours.traffic.moved_beyond == 128
    assert found.ours.makespan == 50 + 8 + 1
    assert found.serial.makespan == 50 + 16 + 1


def test_latency_is_paid_by_every_transfer():
    problem = weighted_chain(48)
    machine = TimeMachine(latency_cycles=7, cycles=lambda _, step: 3)
    found = fastest(problem, machine, seconds=1)
    assert found.ours.makespan == found.lower_bound == 9 + 4 * 7 + 13 + 7 + 1


def spilling_case(make_problem):
    """A problem whose plan spills, its plan, machine and timeline."""
    for seed in range(1000):
        problem = make_problem(seed, 9, 0.0)
        plan = make_plan(problem, seconds=5)
        if plan.stores and any(r.is_loaded for r in plan.residences) and spills(problem, plan):
            machine = TimeMachine()
            schedule = timeline(problem, plan, machine)
            return problem, schedule.plan, machine, schedule.timeline
    raise AssertionError("no random problem spills")


def later(line, cycles):
    """The same timeline, later."""
    moves = (replace(t, start=t.start + cycles, end=t.end + cycles) for t in line.transfers)
    return Timeline(
        starts=tuple(start + cycles for start in line.starts),
        ends=tuple(end + cycles for end in line.ends),
        transfers=tuple(moves),
    )


def spills(problem, plan):
    return any(r.is_loaded and problem.maker[r.item] is not None for r in plan.residences)


def test_checker_refuses_wrong_timelines(make_problem):
    problem, plan, machine, line = spilling_case(make_problem)
    line = later(line, 1000)  # room before all of it for what comes too early
    assert check_timeline(problem, plan, machine, line) == line.makespan
    made_load = next(
        n
        for n, t in enumerate(line.transfers)
        if not t.is_store and problem.maker[plan.residences[t.residence].item] is not None
    )
    late = line.makespan + 100

    def moved(number: int, start: int) -> tuple[Transfer, ...]:
        one = line.transfers[number]
        other = replace(one, start=start, end=start + one.end - one.start)
        return (*line.transfers[:number], other, *line.transfers[number + 1 :])

    results = [i for i, maker in enumerate(problem.maker) if maker and not problem.readers[i]]
    store = next(
        n
        for n, t in enumerate(line.transfers)
        if t.is_store and plan.residences[t.residence].item in results
    )
    wrong = {
        "must have every operator once": replace(line, starts=line.starts[1:]),
        "before cycle": replace(
            line,
            starts=(line.starts[0], line.starts[0], *line.starts[2:]),
            ends=(line.ends[0], line.starts[0] + line.ends[1] - line.starts[1], *line.ends[2:]),
        ),
        "takes": replace(line, ends=(*line.ends[:-1], line.ends[-1] + 1)),
        "moves in": replace(
            line, transfers=(*line.transfers[:-1], replace(line.transfers[-1], end=late))
        ),
        "use the port": replace(line, transfers=(*line.transfers, line.transfers[0])),
        "there is no residence": replace(
            line, transfers=(replace(line.transfers[0], residence=10**6), *line.transfers[1:])
        ),
        "load and plan differ": replace(
            line, transfers=line.transfers[:made_load] + line.transfers[made_load + 1 :]
        ),
        "used before its load ends": replace(line, transfers=moved(made_load, late)),
        "loaded before memory has it": replace(line, transfers=moved(made_load, 0)),
        "not those of the plan": replace(
            line, transfers=line.transfers[:store] + line.transfers[store + 1 :]
        ),
        "stored before it is there": replace(line, transfers=moved(store, 0)),
    }
    for text, changed in wrong.items():
        with pytest.raises(WrongTimeline, match=text):
            check_timeline(problem, plan, machine, changed)


def test_checker_refuses_shared_bytes_and_places_outside(make_problem):
    problem, plan, machine, line = spilling_case(make_problem)
    wide = replace(plan, residences=tuple(replace(r, offset=0) for r in plan.residences))
    with pytest.raises(WrongTimeline, match="share bytes at cycle"):
        check_timeline(problem, wide, machine, line)
    first = plan.residences[0]
    for offset, text in ((problem.budget, "outside the budget"), (None, "has no address")):
        off = replace(plan, residences=(replace(first, offset=offset), *plan.residences[1:]))
        with pytest.raises(WrongTimeline, match=text):
            check_timeline(problem, off, machine, line)
    dropped = replace(plan, residences=plan.residences[1:])
    with pytest.raises(WrongTimeline):
        check_timeline(problem, dropped, machine, line)


def test_checker_refuses_a_place_that_a_store_still_reads():
    # op1's result takes t0's place; the store of t0, a result too, must have ended before.
    items = tuple(Item(name=f"t{k}", size=16) for k in range(2))
    steps = tuple(Step(name=f"op{k}", reads=(), writes=(k,)) for k in range(2))
    problem = Problem(name="lag", items=items, steps=steps, budget=16)
    machine = machine_of(3, 3)
    plan = make_plan(problem, seconds=1)
    line = timeline(problem, plan, machine).timeline
    assert (line.starts, line.makespan) == ((0, 5), 10)
    early = replace(line, starts=(0, 4), ends=(3, 7))
    with pytest.raises(WrongTimeline, match="share bytes at cycle 4"):
        check_timeline(problem, plan, machine, early)


@pytest.mark.parametrize("seed", range(25))
def test_random_problems_never_fall_behind_plain_schedules(make_problem, seed):
    problem = make_problem(seed, 14)
    rng = np.random.default_rng(seed)
    machine = TimeMachine(bytes_per_cycle=int(rng.integers(1, 9)), latency_cycles=seed % 3)
    found = fastest(problem, machine, seconds=0.15, seed=seed)
    ours = found.ours
    assert found.lower_bound <= ours.makespan <= found.double_buffered.makespan, f"seed {seed}"
    assert found.double_buffered.makespan <= found.serial.makespan, f"seed {seed}"
    assert ours.traffic.moved_beyond == found.serial.traffic.moved_beyond, f"seed {seed}"


def test_time_first_may_move_more_bytes_and_is_never_longer_than_plain(make_problem):
    for seed in range(8):
        found = fastest(make_problem(seed, 12), TimeMachine(), objective="time", seconds=0.2)
        assert found.lower_bound <= found.ours.makespan <= found.double_buffered.makespan
        assert found.ours.traffic.moved_beyond >= found.bytes_bound, f"seed {seed}"


def test_serial_and_lockstep_are_what_they_say(make_problem):
    for seed in range(20):
        problem = make_problem(seed, 10)
        jobs = Jobs(problem, make_plan(problem, seconds=2), TimeMachine())
        assert serial(jobs).makespan == jobs.serial_cycles
        line = lockstep(jobs).timeline
        for move in line.transfers:
            if not move.is_store:
                first = jobs.plan.residences[move.residence].first
                assert first == 0 or move.start >= line.starts[first - 1], f"seed {seed}"


def test_moves_of_a_plan_give_the_plan_back(make_problem):
    for seed in range(30):
        problem = make_problem(seed, 12, 0.0)
        plan = plan_of_moves(problem, fewest_bytes(problem, seconds=5).moves)
        again = plan_of_moves(problem, moves_of(problem, plan))
        assert again.residences == plan.residences, f"seed {seed}"
        assert again.stores == plan.stores, f"seed {seed}"


def test_a_law_without_cycles_is_refused():
    with pytest.raises(ValueError, match="cycles of operator op0"):
        fastest(weighted_chain(100), machine_of(0, 1, 1))
    with pytest.raises(ValueError, match="bytes_per_cycle"):
        TimeMachine(bytes_per_cycle=0)
