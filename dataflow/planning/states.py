"""The states that an order of operators goes through, and the moves between them.

A state is what has run, what lies in the scratchpad, and which of the tensors still to be read have
a valid copy in memory (`clean`). Three facts keep the states few:

* Room is made only when an operator needs it, and only as much: of two sets of evicted tensors, one
  within the other, the smaller is never worse.
* An evicted tensor that is still to be read will be reloaded, so both ways are paid at eviction:
  twice its size, or once if it is clean.
* Safe moves (`Moves.settle`): an operator that fits as things are, and whose results take no more
  room than one tensor that dies with it, may run at once. Whatever an order does with that tensor
  until it would run the operator, it can do with the result instead, at no more cost.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from .problem import Problem, bits, mask_of

REMEMBERED_BITS = 1 << 30


class _Recent:
    """Remembers by mask: the newest at least, and at most about `REMEMBERED_BITS` of masks."""

    def __init__(self, mask_bits: int) -> None:
        self.most = max(1_000, REMEMBERED_BITS // (mask_bits + 256))
        self.new: dict[int, int] = {}
        self.old: dict[int, int] = {}

    def get(self, mask: int) -> int | None:
        known = self.new.get(mask)
        if known is None:
            known = self.old.get(mask)
            if known is not None:
                self.put(mask, known)
        return known

    def put(self, mask: int, value: int) -> None:
        if len(self.new) >= self.most:
            self.old, self.new = self.new, {}
        self.new[mask] = value


class State(NamedTuple):
    """Masks of operators that have run, of tensors on chip, of tensors with a copy in memory."""

    done: int
    resident: int
    clean: int


@dataclass(frozen=True)
class Move:
    """An operator, and the tensors that leave the scratchpad before it."""

    step: int
    evicted: int = 0


class Moves:
    """All that can happen next, for one problem."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.budget = problem, problem.budget
        self.size = [item.size for item in problem.items]
        self.reads = [mask_of(step.reads) for step in problem.steps]
        self.writes = [
            mask_of(item for item in step.writes if problem.readers[item]) for step in problem.steps
        ]
        self.dying_size = [
            sum(self.size[item] for item in step.writes if problem.readers[item])
            for step in problem.steps
        ]
        self.need = [problem.need(index) for index in range(len(problem.steps))]
        self.readers = [mask_of(readers) for readers in problem.readers]
        self.sources = mask_of(item for item, maker in enumerate(problem.maker) if maker is None)
        self.before = [
            mask_of(m for item in step.reads if (m := problem.maker[item]) is not None)
            for step in problem.steps
        ]
        self._used = _Recent(len(self.size))
        self._ready = _Recent(2 * len(self.before))

    @property
    def start(self) -> State:
        return State(0, 0, self.sources)

    @property
    def all_done(self) -> int:
        return (1 << len(self.problem.steps)) - 1

    def weight(self, mask: int) -> int:
        """Bytes of the tensors of a mask."""
        total, size = 0, self.size
        while mask:
            place = mask.bit_length() - 1
            total += size[place]
            mask ^= 1 << place
        return total

    def used(self, state: State) -> int:
        """Bytes on chip; remembered, as many states have the same tensors there."""
        known = self._used.get(state.resident)
        if known is None:
            known = self.weight(state.resident)
            self._used.put(state.resident, known)
        return known

    def ready(self, done: int) -> int:
        """Operators that have not run and whose inputs exist."""
        known = self._ready.get(done)
        if known is None:
            known = 0
            for step, before in enumerate(self.before):
                if not done >> step & 1 and not before & ~done:
                    known |= 1 << step
            self._ready.put(done, known)
        return known

    def after(self, state: State, step: int, evicted: int = 0) -> State:
        """The state when `evicted` has left and operator `step` has run."""
        done = state.done | 1 << step
        if self._ready.get(done) is None:
            self._ready.put(done, self._ready_after(state.done, step))
        reads = self.reads[step]
        resident = (state.resident & ~evicted) | reads | self.writes[step]
        clean = state.clean | evicted
        rest = reads
        while rest:
            low = rest & -rest
            if not self.readers[low.bit_length() - 1] & ~done:
                resident &= ~low
                clean &= ~low
            rest ^= low
        return State(done, resident, clean)

    def _ready_after(self, done: int, step: int) -> int:
        ready, now = self.ready(done) & ~(1 << step), done | 1 << step
        for item in self.problem.steps[step].writes:
            for reader in self.problem.readers[item]:
                if not self.before[reader] & ~now:
                    ready |= 1 << reader
        return ready

    def settle(self, state: State, target: int) -> tuple[State, tuple[Move, ...]]:
        """All safe moves among the operators of `target`, one after the other."""
        moves: list[Move] = []
        while True:
            step = self._safe(state, self.used(state), target)
            if step is None:
                return state, tuple(moves)
            state = self.after(state, step)
            moves.append(Move(step))

    def _safe(self, state: State, used: int, target: int) -> int | None:
        ready = self.ready(state.done) & target
        while ready:
            low = ready & -ready
            step = low.bit_length() - 1
            ready ^= low
            missing = self.reads[step] & ~state.resident
            if missing and not self._is_first_and_last(missing, low):
                continue
            inside = self.reads[step] & state.resident
            # Already here: inputs, counted in `used`; the rest of the need comes on top.
            if used - self.weight(inside) + self.need[step] > self.budget:
                continue
            if self._is_replaced(state, step, inside):
                return step
        return None

    def _is_first_and_last(self, items: int, step_mask: int) -> bool:
        """Whether all of these come from memory for this operator alone (its weights)."""
        return not items & ~self.sources and all(
            self.readers[item] == step_mask for item in bits(items)
        )

    def _is_replaced(self, state: State, step: int, inside: int) -> bool:
        room = self.dying_size[step]
        if not room:
            return True
        done = state.done | 1 << step
        for item in bits(inside):
            if not self.readers[item] & ~done:
                factor = 2 if state.clean >> item & 1 else 1
                if factor * room <= self.size[item]:
                    return True
        return False

    def expand(
        self, state: State, target: int, most_sets: int | None = None
    ) -> Iterator[tuple[int, Move]]:
        """Every operator of `target` that can run next with every least set of evicted tensors (of
        each operator at most `most_sets`, those of few large tensors first).

        Yields bytes moved for it, now and by the reloads that it makes necessary, and the move.
        """
        used = self.used(state)
        for step in bits(self.ready(state.done) & target):
            inside = self.reads[step] & state.resident
            others = state.resident & ~inside
            excess = used - self.weight(inside) + self.need[step] - self.budget
            if excess <= 0:
                yield 0, Move(step)
                continue
            for evicted in itertools.islice(self.least_sets(others, excess), most_sets):
                yield self.eviction_bytes(evicted, state.clean), Move(step, evicted)

    def eviction_bytes(self, evicted: int, clean: int) -> int:
        """Stores of what is not clean, and the reload of everything."""
        return 2 * self.weight(evicted) - self.weight(evicted & clean)

    def least_sets(self, items: int, excess: int) -> Iterator[int]:
        """Sets of at least `excess` bytes of which no tensor can be left out."""
        order = sorted(bits(items), key=lambda item: (-self.size[item], item))
        left = [0]
        for item in reversed(order):
            left.append(left[-1] + self.size[item])
        left.reverse()

        def choose(place: int, missing: int, chosen: int) -> Iterator[int]:
            if missing <= 0:
                # Falling sizes: the last one taken is the smallest, so the set is least.
                yield chosen
                return
            if left[place] < missing:
                return
            item = order[place]
            yield from choose(place + 1, missing - self.size[item], chosen | 1 << item)
            yield from choose(place + 1, missing, chosen)

        yield from choose(0, excess, 0)
