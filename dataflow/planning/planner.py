"""From a problem to a checked plan with a certificate: order, replacement, addresses.

1. The fewest bytes whatever the addresses (`exact`): its bound holds for every plan.
2. Addresses for that order (`addresses`). Where they exist, the whole plan is proven optimal.
3. Where the packing search refutes them, or runs out of time, other orders of the same cost are
   tried, then smaller budgets, whose plans pack more easily: the best plan then comes with its gap.

Every plan is replayed by `checker` before it is returned.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numba

from .addresses import with_addresses
from .checker import check_plan
from .exact import Found, fewest_bytes
from .memory_plan import Certificate, MemoryPlan, plan_of_moves
from .problem import Problem

SHRINK_STEPS = 12
PACK_SHARE = 0.25

Progress = Callable[[str, int | None, int], None]
"""Called with what is being done, the best bytes so far (None: none yet) and the lower bound."""


def _silent(stage: str, best: int | None, bound: int) -> None:
    del stage, best, bound


def make_plan(
    problem: Problem,
    *,
    seconds: float = 60.0,
    alignment: int = 1,
    seed: int = 1,
    progress: Progress = _silent,
) -> MemoryPlan:
    """The plan with the fewest bytes moved beyond the compulsory ones, checked.

    Raises:
        ValueError: if no plan was found in the time (with the least budget that is sure to work).
    """
    started = time.monotonic()
    found = fewest_bytes(problem, seconds=seconds * (1 - PACK_SHARE), progress=progress)
    progress("addresses", None, found.lower_bound)
    best = _addressed(problem, problem, found, alignment, seconds * PACK_SHARE, seed)
    for tight in _smaller(problem) if best is None else ():
        left = max(1.0, seconds - (time.monotonic() - started))
        tighter = fewest_bytes(tight, seconds=left / 2, progress=progress)
        best = _addressed(problem, tight, tighter, alignment, left / 4, seed)
        if best is not None:
            break
    if best is None:
        raise ValueError(
            f"{problem.name}: no addresses found in {problem.budget} bytes in {seconds:g} s; "
            f"try a larger budget or more time"
        )
    moved = check_plan(problem, best, alignment).moved_beyond
    certificate = Certificate(
        bytes=moved,
        lower_bound=min(found.lower_bound, moved),
        method=found.method,
        seconds=time.monotonic() - started,
        solvers=(f"numba {numba.__version__}",),
    )
    progress("done", moved, certificate.lower_bound)
    return replace(best, certificate=certificate)


def _addressed(
    problem: Problem, solved: Problem, found: Found, alignment: int, seconds: float, seed: int
) -> MemoryPlan | None:
    plan = plan_of_moves(solved, found.moves)
    placed, _ = with_addresses(problem, plan, alignment=alignment, seconds=seconds, seed=seed)
    return placed


def _smaller(problem: Problem) -> list[Problem]:
    """The same problem with budgets falling to the least, to leave room for holes."""
    least, spare = problem.least_budget, problem.budget - problem.least_budget
    budgets = [
        least + spare * (SHRINK_STEPS - i) // (SHRINK_STEPS + 1) for i in range(SHRINK_STEPS)
    ]
    return [problem.with_budget(budget) for budget in dict.fromkeys((*budgets, least))]


def least_budget_without_moves(problem: Problem, seconds: float = 60.0) -> int:
    """The smallest budget at which nothing is spilled: the least peak over all orders (M_P).

    A bisection over budgets, each solved by the exact search.
    """
    low = problem.least_budget - 1
    high = plan_of_moves(
        problem, fewest_bytes(problem.with_budget(1 << 62), seconds=seconds).moves
    ).peak(problem)
    while high - low > 1:
        middle = (low + high) // 2
        found = fewest_bytes(problem.with_budget(middle), seconds=seconds, bound=1)
        if found.bytes == 0:
            high = min(middle, plan_of_moves(problem, found.moves).peak(problem))
        else:
            low = middle
    return high
