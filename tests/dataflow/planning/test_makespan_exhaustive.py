"""Every order, every eviction, every order of starts: the shortest makespan of a small problem.

Only sums of bytes are asked for, so it is a lower bound of what addresses allow.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

from tilewright.dataflow.planning.makespan import fastest
from tilewright.dataflow.planning.memory_plan import MemoryPlan, plan_of_moves
from tilewright.dataflow.planning.problem import Problem, mask_of
from tilewright.dataflow.planning.states import Move
from tilewright.dataflow.planning.timeline import TimeMachine

OPEN = 1 << 60


def exhaustive_makespan(problem: Problem, machine: TimeMachine, most_bytes: int) -> int:
    """The least over all plans that move at most `most_bytes` beyond the compulsory ones."""
    best, seen = OPEN, set()
    for moves in plans(problem, most_bytes):
        plan = plan_of_moves(problem, moves)
        key = plan.order, plan.residences, plan.stores
        if key not in seen:
            seen.add(key)
            best = Starts(problem, plan, machine, best).search()
    return best


def plans(problem: Problem, most_bytes: int) -> Iterator[tuple[Move, ...]]:
    """All orders with all sets of evicted tensors that make room."""
    size = [item.size for item in problem.items]

    def go(
        made: tuple[Move, ...], here: frozenset[int], copied: frozenset[int], left: int
    ) -> Iterator[tuple[Move, ...]]:
        done = {move.step for move in made}
        if len(done) == len(problem.steps):
            yield made
        for index, step in enumerate(problem.steps):
            makers = {problem.maker[item] for item in step.reads} - {None}
            if index in done or not makers <= done:
                continue
            others = sorted(here - set(step.reads))
            for count in range(len(others) + 1):
                for out in itertools.combinations(others, count):
                    cost = sum(size[i] * (1 if i in copied else 2) for i in out)
                    kept = here - set(out) - set(step.reads)
                    if cost > left or sum(size[i] for i in kept) + problem.need(index) > (
                        problem.budget
                    ):
                        continue
                    after = kept | set(step.reads) | set(step.writes)
                    now = done | {index}
                    alive = frozenset(i for i in after if set(problem.readers[i]) - now)
                    move = Move(index, mask_of(out))
                    yield from go((*made, move), alive, copied | set(out), left - cost)

    sources = frozenset(i for i, maker in enumerate(problem.maker) if maker is None)
    yield from go((), frozenset(), sources, most_bytes)


@dataclass
class Starts:
    """All sequences of starts of one plan; each as early as those before it allow."""

    problem: Problem
    plan: MemoryPlan
    machine: TimeMachine
    best: int
    begun: dict[int, int] = field(default_factory=dict)  # residence: cycle
    loaded: dict[int, int] = field(default_factory=dict)  # residence: end of its load
    stored: dict[int, int] = field(default_factory=dict)  # residence: end of its store
    ends: list[int] = field(default_factory=list)
    op_starts: list[int] = field(default_factory=list)

    def search(self) -> int:
        """The least makespan, or `best` as given if nothing is shorter."""
        plan = self.plan
        self.size = [self.problem.items[r.item].size for r in plan.residences]
        self.held = [
            next(
                n
                for n, r in enumerate(plan.residences)
                if r.item == s.item and r.first <= s.after <= r.last
            )
            for s in plan.stores
        ]
        self.loads = [n for n, r in enumerate(plan.residences) if r.is_loaded]
        self._go(0, 0)
        return self.best

    def _go(self, last: int, port: int) -> None:
        left_ops = self.plan.order[len(self.ends) :]
        to_load = [n for n in self.loads if n not in self.loaded]
        to_store = [n for n in self.held if n not in self.stored]
        now = max(last, self.ends[-1] if self.ends else 0)
        least = now + sum(self.machine.cycles(self.problem, s) for s in left_ops)
        moves = [self.machine.transfer_cycles(self.size[n]) for n in (*to_load, *to_store)]
        finish = max(self.ends[-1] if self.ends else 0, port)
        if max(least if left_ops else 0, max(port, last) + sum(moves) if moves else 0) >= self.best:
            return
        if not left_ops and not moves:
            self.best = min(self.best, finish)
            return
        if left_ops:
            self._operator(last, port)
        for n in to_load:
            self._load(n, last, port)
        for n in to_store:
            self._store(n, last, port)

    def _end(self, n: int) -> int:
        """When a residence that has begun gives its place free, as far as is decided."""
        r = self.plan.residences[n]
        if r.last >= len(self.ends):
            return OPEN
        is_old = self.problem.steps[self.plan.order[r.last]].overwrites == r.item
        end = self.op_starts[r.last] if is_old else self.ends[r.last]
        return max(end, self.stored.get(n, OPEN)) if n in self.held else end

    def _room(self, at: int, size: int, gone: int | None = None) -> int | None:
        """The first cycle from `at` on with `size` bytes free."""
        ends = {n: self._end(n) for n in self.begun if n != gone}
        for when in sorted({at, *(end for end in ends.values() if at < end < OPEN)}):
            used = sum(self.size[n] for n, end in ends.items() if end > when)
            if used + size <= self.problem.budget:
                return when
        return None

    def _operator(self, last: int, port: int) -> None:
        at = len(self.ends)
        step = self.problem.steps[self.plan.order[at]]
        residences = self.plan.residences
        ready = max(last, self.ends[-1] if self.ends else 0)
        made = [n for n, r in enumerate(residences) if r.first == at and not r.is_loaded]
        old = None
        for n, r in enumerate(residences):
            if r.first <= at <= r.last and r.is_loaded:
                if n not in self.loaded:
                    return
                ready = max(ready, self.loaded[n])
            if r.last == at and r.item == step.overwrites:
                old = n
                ready = max(ready, self.stored.get(n, OPEN) if n in self.held else 0)
        when = None if ready >= OPEN else self._room(ready, sum(self.size[n] for n in made), old)
        if when is None:
            return
        self.op_starts.append(when)
        self.ends.append(when + self.machine.cycles(self.problem, self.plan.order[at]))
        self.begun.update(dict.fromkeys(made, when))
        self._go(when, port)
        for n in made:
            del self.begun[n]
        self.ends.pop()
        self.op_starts.pop()

    def _load(self, n: int, last: int, port: int) -> None:
        item = self.plan.residences[n].item
        ready = max(last, port)
        if self.problem.maker[item] is not None:
            copies = [self.stored.get(h, OPEN) for h in self.held]
            mine = [c for h, c in zip(self.held, copies, strict=True) if self._item(h) == item]
            ready = max(ready, min(mine))
        when = None if ready >= OPEN else self._room(ready, self.size[n])
        if when is None:
            return
        self.begun[n] = when
        self.loaded[n] = when + self.machine.transfer_cycles(self.size[n])
        self._go(when, self.loaded[n])
        del self.begun[n], self.loaded[n]

    def _item(self, n: int) -> int:
        return self.plan.residences[n].item

    def _store(self, n: int, last: int, port: int) -> None:
        r = self.plan.residences[n]
        there = self.loaded.get(n) if r.is_loaded else None
        if not r.is_loaded and r.first < len(self.ends):
            there = self.ends[r.first]
        if there is None:
            return
        when = max(last, port, there)
        self.stored[n] = when + self.machine.transfer_cycles(self.size[n])
        self._go(when, self.stored[n])
        del self.stored[n]


def test_small_problems_against_an_exhaustive_search(make_problem):
    """Nothing is shorter than the optimum over all orders, evictions and starts; most equal it."""
    optimal, count = 0, 24
    for seed in range(count):
        problem = make_problem(seed, 5)
        machine = TimeMachine(bytes_per_cycle=2, cycles=lambda _, step: 1 + 3 * step % 7)
        found = fastest(problem, machine, seconds=0.3, seed=seed)
        best = exhaustive_makespan(problem, machine, found.ours.traffic.moved_beyond)
        assert found.lower_bound <= best <= found.ours.makespan, f"seed {seed}"
        optimal += best == found.ours.makespan
    assert optimal >= 0.9 * count, f"{optimal} of {count} are optimal"
