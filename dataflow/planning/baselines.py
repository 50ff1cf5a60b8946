"""What a plan is compared with: simple orders, replacement at that order, simple placement.

{default, memory-greedy, minimum-peak order} x {Belady, ILP} x {capacity only, greedy by size,
online best fit}. "Capacity only" counts sums of sizes and has no addresses; "greedy by size" may
end above the budget (`fits` says so), "online best fit" evicts more until it fits.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from ..placement.packing import GREEDY_ORDERS, greedy, height, peak
from .addresses import blocks_of
from .checker import check_plan
from .exact import fewest_bytes
from .memory_plan import MemoryPlan, plan_of_moves
from .online import place_online
from .problem import Problem
from .replacement import Replaced, belady, gap_ilp, moves_of

OrderName = Literal["default", "memory-greedy", "minimum-peak"]
ReplacementName = Literal["Belady", "ILP"]
PlacementName = Literal["capacity only", "greedy by size", "online best fit"]

PEAK_TRIES = 12
MOST_FOR_PEAK = 2_000


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """One combination: bytes moved beyond the compulsory ones; the arena's height in bytes (None
    without addresses) and how much of it is holes when the most lies on chip; whether it fits.
    """

    order: OrderName
    replacement: ReplacementName
    placement: PlacementName
    bytes: int
    height: int | None
    fragmentation: int | None
    fits: bool
    seconds: float


def baselines(problem: Problem, seconds: float = 10.0) -> Iterator[Baseline]:
    """All combinations, one after the other; `seconds` limit each order and each ILP."""
    for order_name in get_args(OrderName):
        started = time.monotonic()
        order = baseline_order(problem, order_name, seconds)
        order_seconds = time.monotonic() - started
        for replacement in get_args(ReplacementName):
            started = time.monotonic()
            replaced = (
                belady(problem, order)
                if replacement == "Belady"
                else gap_ilp(problem, order, seconds)
            )
            spent = order_seconds + time.monotonic() - started
            for placement in get_args(PlacementName):
                started = time.monotonic()
                total, top, holes = _placed(problem, order, replaced, placement)
                yield Baseline(
                    order=order_name,
                    replacement=replacement,
                    placement=placement,
                    bytes=total,
                    height=top,
                    fragmentation=holes,
                    fits=top is None or top <= problem.budget,
                    seconds=spent + time.monotonic() - started,
                )


def baseline_order(problem: Problem, name: OrderName, seconds: float = 10.0) -> list[int]:
    """The order of a baseline: operators by position."""
    if name == "default":
        return list(range(len(problem.steps)))
    if name == "memory-greedy" or len(problem.steps) > MOST_FOR_PEAK:
        return memory_greedy(problem)
    return minimum_peak(problem, seconds)


def memory_greedy(problem: Problem) -> list[int]:
    """Of the operators that can run, the one after which the least is alive; then the one that
    needs least; then the first.
    """
    left = [len(readers) for readers in problem.readers]
    waiting = [len({problem.maker[item] for item in step.reads} - {None}) for step in problem.steps]
    size = [item.size for item in problem.items]

    def growth(index: int) -> tuple[int, int, int]:
        step = problem.steps[index]
        made = sum(size[item] for item in step.writes if problem.readers[item])
        freed = sum(size[item] for item in step.reads if left[item] == 1)
        return made - freed, problem.need(index), index

    ready = {index for index, count in enumerate(waiting) if not count}
    order: list[int] = []
    while ready:
        index = min(ready, key=growth)
        ready.remove(index)
        order.append(index)
        for item in problem.steps[index].reads:
            left[item] -= 1
        readers = {
            reader for item in problem.steps[index].writes for reader in problem.readers[item]
        }
        for reader in readers:
            waiting[reader] -= 1
            if not waiting[reader]:
                ready.add(reader)
    return order


def minimum_peak(problem: Problem, seconds: float = 10.0) -> list[int]:
    """The order with the least peak when nothing leaves: a bisection over budgets at which the
    exact search finds an order without spills, as far as the time allows.
    """
    deadline = time.monotonic() + seconds
    order = memory_greedy(problem)
    low, high = problem.least_budget - 1, _peak(problem, order)
    for _ in range(PEAK_TRIES + high.bit_length()):
        left = deadline - time.monotonic()
        if high - low <= 1 or left <= 0:
            break
        middle = (low + high) // 2
        found = fewest_bytes(problem.with_budget(middle), seconds=left / 4, bound=1)
        if found.bytes:
            low = middle
        else:
            order = [move.step for move in found.moves]
            high = min(middle, _peak(problem, order))
    return order


def _peak(problem: Problem, order: Sequence[int]) -> int:
    return plan_of_moves(problem, moves_of(order, ())).peak(problem)


def _placed(
    problem: Problem, order: Sequence[int], replaced: Replaced, placement: PlacementName
) -> tuple[int, int | None, int | None]:
    """Bytes, height, and height less peak."""
    moves = moves_of(order, replaced.dropped)
    if placement == "online best fit":
        plan: MemoryPlan = place_online(problem, moves)
        moved = check_plan(problem, plan).moved_beyond
        top = plan.height(problem) or 0
        return moved, top, top - plan.peak(problem)
    if placement == "capacity only":
        return replaced.bytes, None, None
    rectangles = [block.rectangle for block in blocks_of(problem, plan_of_moves(problem, moves))]
    top = height(rectangles, greedy(rectangles, GREEDY_ORDERS["size"]))
    return replaced.bytes, top, top - peak(rectangles)
