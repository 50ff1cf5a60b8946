"""What leaves the scratchpad at a given order: Belady's rule, and the gap ILP, which is optimal.

Between two uses of a tensor lies a gap; the tensor spans it on chip, or it leaves and comes back.
At each position the operator's own tensors and those that span it must fit. So replacement at a
given order is a choice of gaps: `sum(size * chosen) >= excess` for each position that is overloaded
when nothing leaves. A chosen gap costs a reload, and the tensor's first one a store, unless memory
has it. Belady (1966) drops what is used latest, which is optimal for equal sizes and costs only.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .problem import Problem
from .solvers import Covering, SolverFailed, covering_row, solve_covering, version
from .states import Move


@dataclass(frozen=True, kw_only=True)
class Gap:
    """Tensor `item` is not used between positions `before` and `after`, where it is."""

    item: int
    before: int
    after: int


@dataclass(frozen=True, kw_only=True)
class Replaced:
    """Which gaps a tensor spends in memory; bytes, and a bound for all choices at this order."""

    dropped: tuple[Gap, ...]
    bytes: int
    lower_bound: int
    method: str
    solvers: tuple[str, ...] = ()


def gaps_of(problem: Problem, order: Sequence[int]) -> list[Gap]:
    """Every gap, also those that span no position, by tensor and position."""
    position = {step: place for place, step in enumerate(order)}
    found = []
    for item, readers in enumerate(problem.readers):
        maker = problem.maker[item]
        uses = sorted(position[reader] for reader in readers)
        if maker is not None:
            uses.insert(0, position[maker])
        found += [Gap(item=item, before=a, after=b) for a, b in itertools.pairwise(uses)]
    return found


def excess_of(
    problem: Problem, order: Sequence[int], gaps: Iterable[Gap], room: int | None = None
) -> list[int]:
    """Bytes above the budget at each position if the tensors of `gaps` span them; maybe < 0.

    With `room`, less than the budget, above that, or above the operator's own need where it is
    larger: what then stays fits more easily once it has addresses.
    """
    room = problem.budget if room is None else room
    changes = [0] * (len(order) + 1)
    for gap in gaps:
        changes[gap.before + 1] += problem.items[gap.item].size
        changes[gap.after] -= problem.items[gap.item].size
    spanning = itertools.accumulate(changes)
    return [
        problem.need(step) + more - max(room, problem.need(step))
        for step, more in zip(order, spanning, strict=False)
    ]


def bytes_of(problem: Problem, dropped: Iterable[Gap]) -> int:
    """Reloads, and one store for each tensor that memory does not have."""
    items = [gap.item for gap in dropped]
    stored = {item for item in items if problem.maker[item] is not None}
    return sum(problem.items[i].size for i in items) + sum(problem.items[i].size for i in stored)


def moves_of(order: Sequence[int], dropped: Iterable[Gap]) -> tuple[Move, ...]:
    """The order with its evictions, for `memory_plan.plan_of_moves`."""
    evicted = [0] * len(order)
    for gap in dropped:
        evicted[gap.before + 1] |= 1 << gap.item
    return tuple(Move(step, mask) for step, mask in zip(order, evicted, strict=True))


def belady(problem: Problem, order: Sequence[int], room: int | None = None) -> Replaced:
    """Where room is missing the tensor that is used latest leaves, of equal ones the largest."""
    room = problem.budget if room is None else room
    starting: list[list[Gap]] = [[] for _ in order]
    for gap in gaps_of(problem, order):
        starting[gap.before].append(gap)
    spanning: list[Gap] = []
    dropped: list[Gap] = []
    for position, step in enumerate(order):
        spanning = [gap for gap in spanning if gap.after > position]
        spanning.sort(key=lambda gap: (gap.after, problem.items[gap.item].size, gap.item))
        used = problem.need(step) + sum(problem.items[gap.item].size for gap in spanning)
        while used > max(room, problem.need(step)):
            gap = spanning.pop()
            used -= problem.items[gap.item].size
            dropped.append(gap)
        spanning += starting[position]
    return Replaced(
        dropped=tuple(dropped), bytes=bytes_of(problem, dropped), lower_bound=0, method="Belady"
    )


def gap_ilp(
    problem: Problem, order: Sequence[int], seconds: float = 60.0, room: int | None = None
) -> Replaced:
    """The fewest bytes at this order; if the solver fails or time runs out, the best that is known
    with what is proven. `room`: see `excess_of`.
    """
    first = belady(problem, order, room)
    if not first.dropped:
        return Replaced(dropped=(), bytes=0, lower_bound=0, method="nothing has to leave")
    covering, gaps = covering_of(problem, order, room)
    try:
        found = solve_covering(covering, seconds)
    except SolverFailed as error:
        return Replaced(
            dropped=first.dropped, bytes=first.bytes, lower_bound=0, method=f"Belady ({error})"
        )
    solvers = (version("highspy"),)
    if found.chosen is None or found.cost is None or found.cost >= first.bytes:
        is_proven = found.lower_bound >= first.bytes
        return Replaced(
            dropped=first.dropped,
            bytes=first.bytes,
            lower_bound=min(found.lower_bound, first.bytes),
            method="gap ILP" if is_proven else "Belady, bound of the gap ILP",
            solvers=solvers,
        )
    dropped = tuple(
        gap for gap, is_in in zip(gaps, found.chosen[: len(gaps)], strict=True) if is_in
    )
    total = bytes_of(problem, dropped)
    return Replaced(
        dropped=dropped,
        bytes=total,
        lower_bound=min(found.lower_bound, total),
        method="gap ILP",
        solvers=solvers,
    )


def covering_of(
    problem: Problem, order: Sequence[int], room: int | None = None, *, has_all: bool = False
) -> tuple[Covering, list[Gap]]:
    """The gap ILP: a column per gap that spans an overloaded position (`has_all`: any position),
    then one per tensor of them that has to be stored; a row per overloaded position that no other
    row implies.
    """
    every = gaps_of(problem, order)
    excess = excess_of(problem, order, every, room)
    over_before = list(itertools.accumulate((e > 0 for e in excess), initial=0))
    gaps = [
        gap
        for gap in every
        if over_before[gap.after] > over_before[gap.before + 1]
        or (has_all and gap.after > gap.before + 1)
    ]
    size = [problem.items[gap.item].size for gap in gaps]
    spanned: list[list[int]] = [[] for _ in order]
    for place, gap in enumerate(gaps):
        for position in range(gap.before + 1, gap.after):
            if excess[position] > 0:
                spanned[position].append(place)
    most: dict[tuple[int, ...], int] = {}
    for position, columns in enumerate(spanned):
        if excess[position] > 0:
            key = tuple(columns)
            most[key] = max(most.get(key, 0), excess[position])
    rows = [
        covering_row(columns, [size[c] for c in columns], least) for columns, least in most.items()
    ]
    costs = list(size)
    column_of: dict[int, int] = {}
    for place, gap in enumerate(gaps):
        if problem.maker[gap.item] is None:
            continue
        if gap.item not in column_of:
            column_of[gap.item] = len(costs)
            costs.append(size[place])
    return Covering(costs=tuple(costs), rows=tuple(rows), implied=_stores(gaps, column_of)), gaps


def _stores(gaps: list[Gap], column_of: dict[int, int]) -> tuple[tuple[int, int], ...]:
    """`(gap, store)`: a chosen gap implies the store of its tensor."""
    return tuple(
        (place, column_of[gap.item]) for place, gap in enumerate(gaps) if gap.item in column_of
    )
