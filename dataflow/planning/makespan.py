"""Time as the second objective of a plan, or as its first.

`objective="bytes"`: among plans that move the fewest bytes, a short makespan. `objective="time"`: a
short makespan, bytes as they come. Both start from the plan of `planner.make_plan`, choose when
loads run ahead and stores lag behind, try other orders, and find addresses for the times that come
out. The result carries a lower bound that holds for every plan of the problem, and is replayed by
`checker` and `timeline_checker` before it is returned.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

from .checker import Traffic, check_plan
from .exact import Found, fewest_bytes
from .memory_plan import Certificate, MemoryPlan
from .planner import make_plan
from .problem import Problem
from .states import Move
from .time_bounds import TimeBounds, time_bounds
from .time_exact import solve_plan
from .time_search import Searcher, Timed, addressed, lockstep, placed_in_time, serial
from .timeline import Jobs, Timeline, TimeMachine
from .timeline_checker import check_timeline

Objective = Literal["bytes", "time"]
EXACT_JOBS = 160
NO_LIMIT = 1 << 62


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A checked timeline of a checked plan."""

    plan: MemoryPlan
    timeline: Timeline
    traffic: Traffic
    makespan: int

    @classmethod
    def checked(
        cls,
        problem: Problem,
        plan: MemoryPlan,
        machine: TimeMachine,
        timeline: Timeline,
        alignment: int = 1,
    ) -> Schedule:
        """
        Raises:
            Rejected: if the plan breaks a rule.
            WrongTimeline: if the timeline does.
        """
        traffic = check_plan(problem, plan, alignment)
        makespan = check_timeline(problem, plan, machine, timeline)
        return cls(plan=plan, timeline=timeline, traffic=traffic, makespan=makespan)


@dataclass(frozen=True, kw_only=True)
class Makespans:
    """Our schedule beside the two plain ones of the plan of fewest bytes, and lower bounds.

    `bytes_bound` is the fewest bytes beyond the compulsory ones that any plan moves.
    """

    ours: Schedule
    double_buffered: Schedule
    serial: Schedule
    bounds: TimeBounds
    bytes_bound: int
    objective: Objective
    seconds: float

    @property
    def lower_bound(self) -> int:
        return self.bounds.best

    @property
    def gap(self) -> float:
        """`(makespan - lower_bound) / makespan`; 0 is proven optimal."""
        return (self.ours.makespan - self.lower_bound) / self.ours.makespan


def timeline(
    problem: Problem, plan: MemoryPlan, machine: TimeMachine, *, alignment: int = 1, seed: int = 1
) -> Schedule:
    """The best timeline of the plain rules for one plan; its order, residences and stores stay, its
    addresses may change, so that what is loaded early finds its place.
    """
    searcher = Searcher(problem, machine, NO_LIMIT, 0, float("inf"), alignment, seed)
    best = searcher.first(plan)
    return Schedule.checked(problem, best.plan, machine, best.timeline, alignment)


def fastest(
    problem: Problem,
    machine: TimeMachine,
    *,
    objective: Objective = "bytes",
    seconds: float = 20.0,
    alignment: int = 1,
    seed: int = 1,
) -> Makespans:
    """A short checked schedule of the problem, with bounds and the plain schedules to compare with.

    Raises:
        ValueError: if no plan was found in the time.
    """
    started = time.monotonic()
    plan = make_plan(problem, seconds=seconds, alignment=alignment, seed=seed)
    assert isinstance(plan.certificate, Certificate), "every plan of the planner has one"
    found = fewest_bytes(problem, seconds=seconds)
    bounds = time_bounds(problem, machine, found)
    jobs = Jobs(problem, plan, machine)
    double = lockstep(jobs, alignment, seed)
    limit = plan.certificate.bytes if objective == "bytes" else NO_LIMIT
    deadline = time.monotonic() + seconds
    searcher = Searcher(problem, machine, limit, bounds.best, deadline, alignment, seed)
    best = _search(searcher, plan, found, double)

    def checked(one: MemoryPlan, line: Timeline) -> Schedule:
        return Schedule.checked(problem, one, machine, line, alignment)

    return Makespans(
        ours=checked(best.plan, best.timeline),
        double_buffered=checked(double.plan, double.timeline),
        serial=checked(plan, serial(jobs)),
        bounds=bounds,
        bytes_bound=plan.certificate.lower_bound,
        objective=objective,
        seconds=time.monotonic() - started,
    )


def _search(searcher: Searcher, plan: MemoryPlan, found: Found, double: Timed) -> Timed:
    """Plain rules, then CP-SAT where the plan is small, then other orders, then CP-SAT again."""
    whole = searcher.deadline
    best = min(double, searcher.first(plan), key=lambda one: one.makespan)
    starts = [moves_of(searcher.problem, plan)]
    if found.bytes <= searcher.most_bytes:
        starts.append(found.moves)
    default = searcher.replayed_by_distance(list(range(len(searcher.problem.steps))))
    starts += [] if default is None else [default]
    for moves in starts[1:]:
        other = addressed(searcher.problem, moves, searcher.alignment)
        if other is not None and not searcher.is_over(best):
            best = min(best, searcher.first(other), key=lambda one: one.makespan)
    is_small = len(plan.order) + len(plan.residences) <= EXACT_JOBS
    if is_small:
        best = _exact(searcher, best, 0.2)
        searcher.deadline -= 0.25 * (whole - time.monotonic())
    best = searcher.improve(moves_of(searcher.problem, best.plan), best)
    searcher.deadline = whole
    return _exact(searcher, best, 0.9) if is_small else best


def _exact(searcher: Searcher, best: Timed, share: float) -> Timed:
    if searcher.is_over(best):
        return best
    jobs = Jobs(searcher.problem, best.plan, searcher.machine)
    left = searcher.deadline - time.monotonic()
    solved = solve_plan(jobs, left * share, best.timeline, searcher.seed)
    if solved is None or solved.timeline.makespan >= best.makespan:
        return best
    placed = placed_in_time(jobs, solved.timeline, searcher.alignment, searcher.seed)
    return best if placed is None else Timed(plan=placed, timeline=solved.timeline)


def moves_of(problem: Problem, plan: MemoryPlan) -> tuple[Move, ...]:
    """Operators and evictions of a plan: what is still to be read leaves just in time for the
    operator that needs its room, at the latest before the one that reloads it.
    """
    leaves: dict[int, int] = {}
    for index, residence in enumerate(plan.residences):
        if residence.is_loaded:
            earlier = [
                r.last
                for r in plan.residences[:index]
                if r.item == residence.item and r.last < residence.first
            ]
            if earlier:
                leaves.setdefault(max(earlier) + 1, 0)
                leaves[max(earlier) + 1] |= 1 << residence.item
    return tuple(Move(step, leaves.get(position, 0)) for position, step in enumerate(plan.order))
