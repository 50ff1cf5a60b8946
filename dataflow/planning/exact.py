"""Fewest bytes moved, whatever the addresses: best-first search over orders, proven.

The graph is cut where every schedule must pass with nothing but one operator's results alive
(operators that all others come before or after); the parts are solved one after the other, and
their costs add up. Within a part a beam finds a first answer, whose cost then bounds the exact
search: states come out of a queue in the order of the bytes paid so far, so the first complete one
is optimal, and at any moment the cost of the next in the queue is a lower bound.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from .problem import Problem
from .states import Move, Moves, State

CHECK_TIME_EVERY = 256
BEAM_WIDTH, BEAM_SETS, GREEDY_SETS = 4, 16, 4
MOST_STATES = 2_000_000
NEVER = float("inf")
NO_BOUND = 1 << 62

Progress = Callable[[str, int | None, int], None]


@dataclass(frozen=True, kw_only=True)
class Found:
    """An order with its evictions; `bytes` moved beyond the compulsory ones and a lower bound."""

    moves: tuple[Move, ...]
    bytes: int
    lower_bound: int
    expanded: int
    method: str

    @property
    def is_proven(self) -> bool:
        return self.bytes == self.lower_bound


def cuts(problem: Problem) -> list[int]:
    """Masks of operators done at each cut, rising; the last is all of them."""
    everything = (1 << len(problem.steps)) - 1
    masks = []
    for step in range(len(problem.steps)):
        done = problem.ancestors[step] | 1 << step
        if done | problem.descendants[step] == everything and not _crosses(problem, step, done):
            masks.append(done)
    if not masks or masks[-1] != everything:
        masks.append(everything)
    return sorted(masks)


def _crosses(problem: Problem, step: int, done: int) -> bool:
    """Whether another tensor than the operator's results is alive after it."""
    for item, maker in enumerate(problem.maker):
        readers = problem.readers[item]
        if maker == step or (maker is not None and not done >> maker & 1):
            continue
        is_used = maker is not None or any(done >> reader & 1 for reader in readers)
        if is_used and any(not done >> reader & 1 for reader in readers):
            return True
    return False


@dataclass
class Trail:
    """How each state was reached first or most cheaply."""

    origin: State
    first: tuple[Move, ...]
    came: dict[State, tuple[State, tuple[Move, ...]]] = field(default_factory=dict)

    def path(self, state: State) -> tuple[Move, ...]:
        """The moves from the part's start to `state`."""
        pieces: list[tuple[Move, ...]] = []
        while state != self.origin:
            state, piece = self.came[state]
            pieces.append(piece)
        return (*self.first, *(move for piece in reversed(pieces) for move in piece))


def beam(
    moves: Moves, start: State, target: int, width: int, deadline: float, most_sets: int
) -> tuple[int, tuple[Move, ...]] | None:
    """A good answer for one part: of the states with as many operators done, the `width` best.

    None if the deadline passes. Best is cheapest, then with the least on chip.
    """
    settled, first = moves.settle(start, target)
    trail = Trail(settled, first)
    cost = {settled: 0}
    levels: dict[int, set[State]] = {settled.done.bit_count(): {settled}}
    while levels:
        level = min(levels)
        states = levels.pop(level)
        if time.monotonic() > deadline:
            return None
        kept = heapq.nsmallest(width, states, key=lambda s: (cost[s], moves.weight(s.resident), s))
        for state in kept:
            if state.done & target == target:
                return cost[state], trail.path(state)
            for more, move in moves.expand(state, target, most_sets):
                after = moves.after(state, move.step, move.evicted)
                settled, rest = moves.settle(after, target)
                total = cost[state] + more
                if total < cost.get(settled, NO_BOUND):
                    cost[settled] = total
                    trail.came[settled] = (state, (move, *rest))
                    levels.setdefault(settled.done.bit_count(), set()).add(settled)
    return None


def best_first(
    moves: Moves, start: State, target: int, bound: int, deadline: float
) -> tuple[int, tuple[Move, ...] | None, int]:
    """(cost, moves, states expanded) of one part; (lower bound, None, states) if time ran out or
    nothing costs less than `bound`.
    """
    settled, first = moves.settle(start, target)
    trail = Trail(settled, first)
    best = {settled: 0}
    queue: list[tuple[int, int, State]] = [(0, 0, settled)]
    expanded = ticket = 0
    while queue:
        cost, _, state = heapq.heappop(queue)
        if best[state] != cost:
            continue
        if state.done & target == target:
            return cost, trail.path(state), expanded
        expanded += 1
        is_late = expanded % CHECK_TIME_EVERY == 0 and time.monotonic() > deadline
        if is_late or len(best) > MOST_STATES:
            return cost, None, expanded
        for more, move in moves.expand(state, target):
            total = cost + more
            if total >= bound:
                continue
            after = moves.after(state, move.step, move.evicted)
            settled, rest = moves.settle(after, target)
            if total < best.get(settled, NO_BOUND):
                best[settled] = total
                trail.came[settled] = (state, (move, *rest))
                ticket -= 1  # the newest of equal cost first: depth before breadth
                heapq.heappush(queue, (total, ticket, settled))
    return bound, None, expanded


@dataclass
class Part:
    """A stretch between two cuts: where it starts, and the best answer so far."""

    start: State
    target: int
    cost: int
    moves: tuple[Move, ...]
    lower: int = 0


def fewest_bytes(
    problem: Problem,
    *,
    seconds: float = 60.0,
    bound: int = NO_BOUND,
    progress: Progress | None = None,
) -> Found:
    """The order and evictions with the fewest bytes; at the deadline the best known, and a bound.

    With `bound`, answers of `bound` bytes or more need not be found: then `bytes` may be more than
    `lower_bound` without a better one being excluded. A first answer is always found, however
    little time there is; an interrupt (Ctrl-C) while it is improved ends the search as a deadline
    does.
    """
    moves, deadline = Moves(problem), time.monotonic() + seconds
    parts = _first_answers(moves, deadline - seconds / 2)
    expanded = 0
    is_interrupted = False
    for place, part in enumerate(parts):
        if part.cost == 0:
            continue
        left = deadline - time.monotonic()
        if left > 0 and not is_interrupted:
            open_parts = sum(later.cost > 0 for later in parts[place:])
            try:
                limit = min(part.cost, max(1, bound - sum(p.lower for p in parts)))
                until = time.monotonic() + left / open_parts
                expanded += _improve(moves, part, limit, until)
            except KeyboardInterrupt:
                is_interrupted = True
        if progress is not None:
            progress("order", sum(p.cost for p in parts), sum(p.lower for p in parts))
    return Found(
        moves=tuple(move for part in parts for move in part.moves),
        bytes=sum(part.cost for part in parts),
        lower_bound=sum(part.lower for part in parts),
        expanded=expanded,
        method="best-first search over orders" if expanded else "beam search",
    )


def _first_answers(moves: Moves, deadline: float) -> list[Part]:
    """Every part by a beam: as wide as the time allows, one state wide at least."""
    parts: list[Part] = []
    state = moves.start
    for target in cuts(moves.problem):
        if state.done & target == target:
            continue
        answer = beam(moves, state, target, 1, NEVER, GREEDY_SETS)
        assert answer is not None, "one state can always go on"
        if answer[0]:
            wide = beam(moves, state, target, BEAM_WIDTH, deadline, BEAM_SETS)
            answer = answer if wide is None else min(answer, wide, key=lambda found: found[0])
        parts.append(Part(state, target, *answer))
        for move in answer[1]:
            state = moves.after(state, move.step, move.evicted)
    return parts


def _improve(moves: Moves, part: Part, limit: int, deadline: float) -> int:
    """Search one part exactly; states expanded."""
    least, better, count = best_first(moves, part.start, part.target, limit, deadline)
    if better is not None:
        part.cost, part.moves = least, better
    part.lower = min(least, part.cost)
    return count
