"""The fewest bytes at a given order among what packs, by refusing choices that do not.

The gap ILP chooses what leaves; if the packing search refutes what then stays, no choice that keeps
all of that can have addresses. So a row is added (a no-good): one of the kept gaps must be dropped,
too; and the program is solved again. Every answer is a bound for all plans at this order, and the
first one that packs is the best of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from ..placement.packing import Packing
from .addresses import with_addresses
from .memory_plan import MemoryPlan, plan_of_moves
from .problem import Problem
from .replacement import covering_of, moves_of
from .solvers import solve_covering

Packer = Callable[[Problem, MemoryPlan], tuple[MemoryPlan | None, Packing]]


def best_that_packs(
    problem: Problem,
    order: Sequence[int],
    *,
    seconds: float,
    alignment: int = 1,
    seed: int = 1,
    packer: Packer | None = None,
) -> tuple[MemoryPlan | None, int]:
    """A plan with addresses (None: not found in time), and the bytes that no plan at this order
    goes below.

    Raises:
        SolverFailed: if HiGHS is missing or fails.
    """
    deadline = time.monotonic() + seconds

    def pack_now(problem: Problem, plan: MemoryPlan) -> tuple[MemoryPlan | None, Packing]:
        left = max(0.1, deadline - time.monotonic())
        return with_addresses(problem, plan, alignment=alignment, seconds=left, seed=seed)

    packer = packer or pack_now
    covering, gaps = covering_of(problem, order, has_all=True)
    bound = 0
    while time.monotonic() < deadline:
        found = solve_covering(covering, max(0.1, deadline - time.monotonic()))
        bound = max(bound, found.lower_bound)
        if found.chosen is None or found.cost is None or found.cost > found.lower_bound:
            return None, bound
        chosen = found.chosen[: len(gaps)]
        dropped = [gap for gap, is_in in zip(gaps, chosen, strict=True) if is_in]
        plan, packing = packer(problem, plan_of_moves(problem, moves_of(order, dropped)))
        if plan is not None or not packing.is_refuted:
            return plan, bound
        kept = tuple(place for place, is_in in enumerate(chosen) if not is_in)
        if not kept:
            return None, bound
        covering = replace(covering, rows=(*covering.rows, (kept, (1,) * len(kept), 1)))
    return None, bound
