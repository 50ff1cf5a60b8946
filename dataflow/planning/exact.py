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
from dataclasses import dataclass
from typing import Any

from .bounds import covering_bound
from .problem import Problem
from .states import Move, Moves, State

CHECK_TIME_EVERY = 256
BEAM_WIDTH, BEAM_SETS, GREEDY_SETS = 4, 16, 4
WIDE_BEAM, WIDE_SETS = 64, 4  # for parts that are too long to be searched exactly
LONG_PART, LONG_SHARE = 2_000, 0.75
QUICK_SECONDS, BOUND_SECONDS = 0.5, 5.0
STATE_BITS = 1 << 34
NEVER = float("inf")
NO_BOUND = 1 << 62

Progress = Callable[[str, int | None, int], None]
Watch = Callable[[int], None]


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


Trail = tuple[Any, tuple[Move, ...]]
"""How a state was reached: the trail before (None: the start), then the last moves. Trails that no
state needs any more are freed."""

Reached = tuple[int, Trail | None]
"""Bytes paid, and how."""


def beam(
    moves: Moves, start: State, target: int, width: int, deadline: float, most_sets: int
) -> tuple[int, tuple[Move, ...]]:
    """A good answer for one part: of the states with as many operators done, the `width` best; so
    much fewer that the deadline is kept, one at least.

    Best is cheapest, then with the least on chip and still to come back (`_promise`).
    """
    settled, first = moves.settle(start, target)
    levels: dict[int, dict[State, Reached]] = {settled.done.bit_count(): {settled: (0, None)}}
    pace = _Pace(width, deadline, settled.done.bit_count(), target.bit_count())
    while True:
        level = min(levels)
        reached = levels.pop(level)
        kept = heapq.nsmallest(
            pace.width(level), reached, key=lambda s: (_promise(moves, s, reached[s][0]), s)
        )
        for state in kept:
            cost, trail = reached[state]
            if state.done & target == target:
                return cost, first + _unrolled(trail)
            for more, move in moves.expand(state, target, most_sets):
                after = moves.after(state, move.step, move.evicted)
                settled, rest = moves.settle(after, target)
                others = levels.setdefault(settled.done.bit_count(), {})
                if settled not in others or cost + more < others[settled][0]:
                    others[settled] = cost + more, (trail, (move, *rest))


def _promise(moves: Moves, state: State, cost: int) -> int:
    """Bytes paid, on chip, and in memory on the way back: what fills the scratchpad later."""
    waiting = state.clean & ~state.resident & ~moves.sources
    return cost + moves.used(state) + moves.weight(waiting)


def _unrolled(trail: Trail | None) -> tuple[Move, ...]:
    pieces: list[tuple[Move, ...]] = []
    while trail is not None:
        trail, piece = trail
        pieces.append(piece)
    return tuple(move for piece in reversed(pieces) for move in piece)


class _Pace:
    """How wide a beam may be at each level to end in time."""

    def __init__(self, width: int, deadline: float, first: int, last: int) -> None:
        self.most, self.deadline = width, deadline
        self.first, self.last = first, last
        self.started = time.monotonic()
        self.states = self.met = 0

    def width(self, level: int) -> int:
        width, now = self.most, time.monotonic()
        if self.met and self.deadline != NEVER:
            each = (now - self.started) / self.states
            # Settling leaps over levels: as many of those to come will be met as of those before.
            left = self.met * (self.last - level) / max(1, level - self.first) + 1
            width = max(1, min(width, int((self.deadline - now) / (each * left))))
        self.met += 1
        self.states += width
        return width


def best_first(
    moves: Moves, start: State, target: int, bound: int, deadline: float, watch: Watch | None = None
) -> tuple[int, tuple[Move, ...] | None, int]:
    """(cost, moves, states expanded) of one part; (lower bound, None, states) if time ran out or
    nothing costs less than `bound`. `watch` hears the lower bound now and then.
    """
    settled, first = moves.settle(start, target)
    best: dict[State, Reached] = {settled: (0, None)}
    most = max(1_000, STATE_BITS // (6 * len(moves.size) + 4_000))
    queue: list[tuple[int, int, State]] = [(0, 0, settled)]
    expanded = ticket = 0
    while queue:
        cost, _, state = heapq.heappop(queue)
        known, trail = best[state]
        if known != cost:
            continue
        if state.done & target == target:
            return cost, first + _unrolled(trail), expanded
        expanded += 1
        is_watched = expanded % CHECK_TIME_EVERY == 0
        if is_watched and watch is not None:
            watch(cost)
        if (is_watched and time.monotonic() > deadline) or len(best) > most:
            return cost, None, expanded
        for more, move in moves.expand(state, target):
            total = cost + more
            if total >= bound:
                continue
            after = moves.after(state, move.step, move.evicted)
            settled, rest = moves.settle(after, target)
            if settled not in best or total < best[settled][0]:
                best[settled] = total, (trail, (move, *rest))
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
    tell: Callable[[], None] = lambda: None

    def hear(self, least: int) -> None:
        """A lower bound that the search has reached."""
        if least > self.lower:
            self.lower = min(least, self.cost)
            self.tell()


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
    parts = _first_answers(moves, seconds)
    methods, expanded = ["beam search"], 0

    def tell() -> None:
        if progress is not None:
            progress("order", sum(p.cost for p in parts), sum(p.lower for p in parts))

    for part in parts:
        part.tell = tell
    tell()
    try:
        for place, part in enumerate(parts):
            left = deadline - time.monotonic()
            if part.cost == 0 or left <= 0:
                continue
            open_parts = sum(later.cost > 0 for later in parts[place:])
            limit = min(part.cost, max(1, bound - sum(p.lower for p in parts)))
            expanded += _improve(moves, part, limit, left / open_parts, methods)
            tell()
    except KeyboardInterrupt:
        methods.append("interrupted")
    return Found(
        moves=tuple(move for part in parts for move in part.moves),
        bytes=sum(part.cost for part in parts),
        lower_bound=sum(part.lower for part in parts),
        expanded=expanded,
        method=", ".join(dict.fromkeys(methods)),
    )


def _first_answers(moves: Moves, seconds: float) -> list[Part]:
    """Every part by a beam: as wide as the time allows, one state wide at least."""
    parts: list[Part] = []
    state = moves.start
    started = time.monotonic()
    targets = cuts(moves.problem)
    for target in targets:
        if state.done & target == target:
            continue
        answer = beam(moves, state, target, 1, NEVER, GREEDY_SETS)
        steps = (target & ~state.done).bit_count()
        left = started + seconds / 2 - time.monotonic()
        if answer[0] and left > 0 and steps <= LONG_PART:
            until = time.monotonic() + left
            wide = beam(moves, state, target, BEAM_WIDTH, until, BEAM_SETS)
            answer = min(answer, wide, key=lambda found: found[0])
        elif answer[0] and left > 0:
            until = started + seconds * LONG_SHARE
            wide = beam(moves, state, target, WIDE_BEAM, until, WIDE_SETS)
            answer = min(answer, wide, key=lambda found: found[0])
        parts.append(Part(state, target, *answer))
        for move in answer[1]:
            state = moves.after(state, move.step, move.evicted)
    return parts


def _improve(moves: Moves, part: Part, limit: int, seconds: float, methods: list[str]) -> int:
    """Search one part exactly, quickly first; then by the covering bound; then to the end."""
    now = time.monotonic()
    steps = part.target & ~part.start.done
    count = 0
    if steps.bit_count() <= LONG_PART:
        count = _search(moves, part, limit, now + min(QUICK_SECONDS, seconds), methods)
        if part.lower >= min(limit, part.cost) or seconds <= QUICK_SECONDS:
            return count
    left = now + seconds - time.monotonic()
    lower = covering_bound(moves.problem, steps=steps, seconds=min(BOUND_SECONDS, left / 2))
    if lower > part.lower:
        part.lower = min(lower, part.cost)
        methods.append("covering bound (HiGHS)")
    if part.lower >= min(limit, part.cost) or steps.bit_count() > LONG_PART:
        return count
    return count + _search(moves, part, limit, now + seconds, methods)


def _search(moves: Moves, part: Part, limit: int, deadline: float, methods: list[str]) -> int:
    """Best-first; states expanded."""
    least, better, count = best_first(moves, part.start, part.target, limit, deadline, part.hear)
    if better is not None:
        part.cost, part.moves = least, better
    part.lower = max(part.lower, min(least, part.cost))
    methods.append("best-first search over orders")
    return count
