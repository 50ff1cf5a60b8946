"""Residences at a given order, for one of the two ranges of banks: activations or weights.

Both ranges share the order of the tasks, so each is the planner's problem with its steps chained by
items of one word, which leaves nothing open but what is evicted when.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..placement.packing import pack
from ..planning.addresses import blocks_of
from ..planning.exact import fewest_bytes
from ..planning.memory_plan import MemoryPlan, Residence, Store, plan_of_moves
from ..planning.problem import Item, Problem, Step, bits
from ..planning.states import Move, Moves

CHAIN_WORDS = 2
"""A chained step reads an item of one word and writes the next."""

MOST_ALIVE = 12
"""The exact search tries sets of evicted items; with more that are alive at once, too many."""

SHRINK_STEPS = 6


@dataclass(frozen=True, kw_only=True)
class Held:
    """What lies in a range when and where; `words` moved beyond first loads and last stores."""

    residences: tuple[Residence, ...]
    stores: tuple[Store, ...]
    words: int


def chained(problem: Problem, order: Sequence[int], kept: frozenset[int], words: int) -> Problem:
    """`problem` at this order, with nothing but the `kept` items, in a range of `words`."""
    first = len(problem.items)
    links = [Item(name=f"after {n} tasks", size=1) for n in range(len(order) + 1)]
    steps = []
    for position, index in enumerate(order):
        step = problem.steps[index]
        reads = tuple(item for item in step.reads if item in kept)
        writes = tuple(item for item in step.writes if item in kept)
        steps.append(
            Step(
                name=step.name,
                reads=(*reads, first + position),
                writes=(*writes, first + position + 1),
                overwrites=step.overwrites if step.overwrites in kept else None,
            )
        )
    return Problem(
        name=problem.name,
        items=(*problem.items, *links),
        steps=tuple(steps),
        budget=words + CHAIN_WORDS,
    )


def most_alive(problem: Problem) -> int:
    """Items alive at once at most if the steps run in their order and nothing is evicted."""
    last = [max(readers, default=-1) for readers in problem.readers]
    first = [
        min(readers, default=-1) if maker is None else maker
        for readers, maker in zip(problem.readers, problem.maker, strict=True)
    ]
    return max(
        sum(start <= at <= end for start, end in zip(first, last, strict=True))
        for at in range(len(problem.steps))
    )


def farthest_next_use(problem: Problem) -> tuple[list[Move], int]:
    """A chained problem by Belady's rule: what is used latest leaves first; words moved."""
    moves = Moves(problem)
    state, chosen, moved = moves.start, [], 0
    for index in range(len(problem.steps)):
        inside = moves.reads[index] & state.resident
        excess = moves.weight(state.resident & ~inside) + moves.need[index] - problem.budget
        evicted = 0
        others = sorted(
            bits(state.resident & ~inside),
            key=lambda item: (-_next_use(problem, item, index), -problem.items[item].size),
        )
        for item in others:
            if excess <= 0:
                break
            evicted |= 1 << item
            excess -= problem.items[item].size
        moved += moves.eviction_bytes(evicted, state.clean)
        chosen.append(Move(index, evicted))
        state = moves.after(state, index, evicted)
    return chosen, moved


def _next_use(problem: Problem, item: int, index: int) -> int:
    return min(reader for reader in problem.readers[item] if reader >= index)


def everything_leaves(problem: Problem) -> list[Move]:
    """Nothing stays longer than one step: these residences pack whenever the steps fit."""
    moves = Moves(problem)
    state, chosen = moves.start, []
    for index in range(len(problem.steps)):
        evicted = state.resident & ~moves.reads[index]
        chosen.append(Move(index, evicted))
        state = moves.after(state, index, evicted)
    return chosen


def hold(
    problem: Problem, order: Sequence[int], kept: frozenset[int], words: int, seconds: float
) -> Held:
    """Residences with offsets in a range of `words` words: the fewest words moved that pack."""
    share = seconds / (2 * SHRINK_STEPS)
    for moves in _tries(problem, order, kept, words, share):
        held = _placed(problem, order, kept, moves, words, share)
        if held is not None:
            return held
    raise AssertionError("residences of one step each pack wherever the steps fit")


def _tries(
    problem: Problem, order: Sequence[int], kept: frozenset[int], words: int, seconds: float
) -> Iterator[tuple[Problem, Sequence[Move]]]:
    """The best moves first; those for less room, which pack more easily; at last, none stay."""
    chain = chained(problem, order, kept, words)
    least = chain.least_budget
    spare = chain.budget - least
    budgets = [least + spare * (SHRINK_STEPS - n) // SHRINK_STEPS for n in range(SHRINK_STEPS + 1)]
    for budget in dict.fromkeys(budgets):
        tight = chain.with_budget(budget)
        quick, moved = farthest_next_use(tight)
        if moved and most_alive(tight) <= MOST_ALIVE:
            try:
                found = fewest_bytes(tight, seconds=seconds)
            except TimeoutError:
                pass
            else:
                if found.bytes < moved:
                    yield tight, found.moves
        yield tight, quick
    yield chain, everything_leaves(chain)


def _placed(
    problem: Problem,
    order: Sequence[int],
    kept: frozenset[int],
    tried: tuple[Problem, Sequence[Move]],
    words: int,
    seconds: float,
) -> Held | None:
    chain, moves = tried
    plan = plan_of_moves(chain, moves)
    mine = MemoryPlan(
        order=tuple(order),
        residences=tuple(r for r in plan.residences if r.item in kept),
        stores=tuple(s for s in plan.stores if s.item in kept),
    )
    blocks = blocks_of(problem, mine)
    packing = pack([block.rectangle for block in blocks], words, seconds=seconds)
    if packing.offsets is None:
        return None
    residences = list(mine.residences)
    for block, offset in zip(blocks, packing.offsets, strict=True):
        for index in block.residences:
            residences[index] = replace(residences[index], offset=offset)
    return Held(residences=tuple(residences), stores=mine.stores, words=_beyond(problem, mine))


def _beyond(problem: Problem, plan: MemoryPlan) -> int:
    """Words of reloads and spills."""
    first, words = set[int](), 0
    for residence in plan.residences:
        if residence.is_loaded:
            is_first = problem.maker[residence.item] is None and residence.item not in first
            first.add(residence.item)
            words += 0 if is_first else problem.items[residence.item].size
    spilled = (store.item for store in plan.stores if problem.readers[store.item])
    return words + sum(problem.items[item].size for item in spilled)
