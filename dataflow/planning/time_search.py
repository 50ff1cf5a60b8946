"""Search for short timelines: orders of operators, and what goes first at the port.

A candidate is timed under sums of bytes alone (`Capacity`), then its residences are packed as
rectangles in cycles; where that fails, a little less capacity, then the plan's own addresses.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..placement.packing import Rectangle, pack
from .addresses import blocks_of, with_addresses
from .list_schedule import Rule, due_rule, simulate
from .memory_plan import MemoryPlan, plan_of_moves
from .problem import Problem, bits
from .rooms import Addresses, Capacity
from .states import Move, Moves
from .timeline import Jobs, Timeline, TimeMachine, Transfer

AHEAD = (1 << 30, 2, 3, 5, 1, 16)
STORE_LEADS = (0.5, -1e9, 2.5, 8.5, 1e9)
SHARES = (1.0, 0.95, 0.9, 0.8, 0.65)
PACK_SECONDS = 0.5
PACK_TRIES = 4


@dataclass(frozen=True, kw_only=True)
class Timed:
    """A plan with addresses, and its timeline."""

    plan: MemoryPlan
    timeline: Timeline

    @property
    def makespan(self) -> int:
        return self.timeline.makespan


def placed_in_time(jobs: Jobs, timeline: Timeline, alignment: int, seed: int) -> MemoryPlan | None:
    """The plan with addresses such that no byte is shared at any cycle of the timeline; None if the
    packing found none.
    """
    plan = jobs.plan
    blocks = blocks_of(jobs.problem, plan, alignment)
    begins = {t.residence: t.start for t in timeline.transfers if not t.is_store}
    stored = {t.residence: t.end for t in timeline.transfers if t.is_store}
    rectangles = []
    for block in blocks:
        first, last = block.residences[0], block.residences[-1]
        start = begins.get(first, timeline.starts[plan.residences[first].first])
        end = max(timeline.ends[plan.residences[last].last], stored.get(last, 0))
        rectangles.append(Rectangle(start=start, end=end, size=block.rectangle.size))
    packing = pack(rectangles, jobs.problem.budget, seconds=PACK_SECONDS, seed=seed)
    if packing.offsets is None:
        return None
    residences = list(plan.residences)
    for block, offset in zip(blocks, packing.offsets, strict=True):
        for index in block.residences:
            residences[index] = replace(residences[index], offset=offset)
    return replace(plan, residences=tuple(residences))


def lockstep(jobs: Jobs, alignment: int = 1, seed: int = 1) -> Timed:
    """Plain double buffering: while an operator runs, the results of the one before are stored and
    the inputs of the next are loaded, if there is room; addresses for these times where they can be
    found, else the plan's.
    """
    rule = due_rule(jobs, ahead=1, store_lead=1.5)
    best = Timed(plan=jobs.plan, timeline=simulate(jobs, rule, Addresses(jobs)))
    for share in SHARES:
        line = simulate(jobs, rule, Capacity(jobs, int(jobs.problem.budget * share)))
        if line.makespan < best.makespan:
            placed = placed_in_time(jobs, line, alignment, seed)
            if placed is not None:
                best = Timed(plan=placed, timeline=line)
    return best


def serial(jobs: Jobs) -> Timeline:
    """Load, compute, store, one after the other."""
    by_load: dict[int, list[int]] = {}
    by_store: dict[int, list[int]] = {}
    for n, residence in enumerate(jobs.transfer_residences):
        if n < len(jobs.loads):
            by_load.setdefault(jobs.plan.residences[residence].first, []).append(n)
    for n, store in enumerate(jobs.plan.stores, len(jobs.loads)):
        by_store.setdefault(store.after, []).append(n)
    now, starts, ends, moves = 0, [], [], []

    def move(numbers: Iterable[int], is_store: bool) -> None:
        nonlocal now
        for n in numbers:
            end = now + jobs.transfer_cycles[n]
            moves.append(
                Transfer(
                    residence=jobs.transfer_residences[n], is_store=is_store, start=now, end=end
                )
            )
            now = end

    for position, cycles in enumerate(jobs.op_cycles):
        move(by_load.get(position, ()), False)
        starts.append(now)
        now += cycles
        ends.append(now)
        move(by_store.get(position, ()), True)
    return Timeline(starts=tuple(starts), ends=tuple(ends), transfers=tuple(moves))


def rules(jobs: Jobs) -> Iterator[Rule]:
    """Plain rules of how far loads run ahead and stores lag behind."""
    for ahead in AHEAD:
        for lead in STORE_LEADS:
            yield due_rule(jobs, ahead, lead)


def quick(jobs: Jobs, share: float, deadline: float) -> list[Timeline]:
    """Timelines of the plain rules with `share` of the budget for what is early, those of different
    makespans, shortest first; one at least, however late it is.
    """
    found: dict[int, Timeline] = {}
    for rule in rules(jobs):
        line = simulate(jobs, rule, Capacity(jobs, int(jobs.problem.budget * share)))
        found.setdefault(line.makespan, line)
        if time.monotonic() > deadline:
            break
    return [found[makespan] for makespan in sorted(found)]


@dataclass
class Searcher:
    """One search: the best so far and how to go on from it."""

    problem: Problem
    machine: TimeMachine
    most_bytes: int
    bound: int
    deadline: float
    alignment: int
    seed: int

    def __post_init__(self) -> None:
        self.moves = Moves(self.problem)
        self.rng = np.random.default_rng(self.seed)
        self.tried = 0

    def is_over(self, best: Timed) -> bool:
        return best.makespan <= self.bound or time.monotonic() > self.deadline

    def first(self, plan: MemoryPlan) -> Timed:
        """The best of the plain rules for one plan whose addresses hold at its positions."""
        jobs = Jobs(self.problem, plan, self.machine)
        line = simulate(jobs, next(rules(jobs)), Addresses(jobs))
        best = Timed(plan=plan, timeline=line)
        for share in SHARES:
            for line in quick(jobs, share, self.deadline)[:PACK_TRIES]:
                if line.makespan >= best.makespan:
                    break
                placed = placed_in_time(jobs, line, self.alignment, self.seed)
                if placed is not None:
                    best = Timed(plan=placed, timeline=line)
                    break
            if time.monotonic() > self.deadline:
                break
        for rule in rules(jobs):
            line = simulate(jobs, rule, Addresses(jobs))
            best = min(best, Timed(plan=plan, timeline=line), key=lambda one: one.makespan)
            if time.monotonic() > self.deadline:
                break
        return best

    def improve(self, moves: tuple[Move, ...], best: Timed) -> Timed:
        """Change the order and the rule at random as long as there is time; keep what is no
        longer.
        """
        knobs = (1 << 30, 0.5, 0.0)
        shortest = best.makespan
        while not self.is_over(best):
            self.tried += 1
            changed = moves
            if self.rng.random() < 0.6:
                other = self.neighbour(moves)
                if other is None:
                    continue
                changed = other
            ahead = int(self.rng.choice(AHEAD)) if self.rng.random() < 0.4 else knobs[0]
            lead = float(self.rng.choice(STORE_LEADS)) if self.rng.random() < 0.3 else knobs[1]
            noise = float(self.rng.choice((0.0, 0.0, 1.0, 4.0, 16.0)))
            jobs = Jobs(self.problem, plan_of_moves(self.problem, changed), self.machine)
            rule = self.noisy(due_rule(jobs, ahead, lead), noise)
            line = simulate(jobs, rule, Capacity(jobs, self.problem.budget))
            if line.makespan > shortest:
                continue
            if line.makespan < best.makespan:
                placed = placed_in_time(jobs, line, self.alignment, self.seed)
                if placed is None:
                    continue
                best = Timed(plan=placed, timeline=line)
            moves, knobs, shortest = changed, (ahead, lead, noise), line.makespan
        return best

    def noisy(self, rule: Rule, noise: float) -> Rule:
        if not noise:
            return rule
        count = len(rule.urgency)
        chosen = self.rng.random(count) < min(1.0, 4 / max(1, count))
        shift = np.where(chosen, noise * self.rng.standard_normal(count), 0.0)
        urgency = [u + float(s) for u, s in zip(rule.urgency, shift, strict=True)]
        later = np.where(self.rng.random(count) < min(1.0, 2 / max(1, count)), 1, 0)
        release = [r + int(step) for r, step in zip(rule.release, later, strict=True)]
        return Rule(urgency, [r if u < 1e8 else 0 for r, u in zip(release, urgency, strict=True)])

    def neighbour(self, moves: tuple[Move, ...]) -> tuple[Move, ...] | None:
        """One operator elsewhere in the order; None if the result breaks a rule."""
        count = len(moves)
        if count < 2:
            return None
        source = int(self.rng.integers(count))
        step = moves[source].step
        ancestors, descendants = self.problem.ancestors[step], self.problem.descendants[step]
        low = high = source
        while low > 0 and not ancestors >> moves[low - 1].step & 1:
            low -= 1
        while high < count - 1 and not descendants >> moves[high + 1].step & 1:
            high += 1
        if low == high:
            return None
        target = int(self.rng.integers(low, high))
        target += target >= source
        order = list(moves)
        order.insert(target, order.pop(source))
        return self.replayed(order) or self.replayed_by_distance([m.step for m in order])

    def replayed(self, order: list[Move]) -> tuple[Move, ...] | None:
        """The same moves if they fit and cost no more than allowed."""
        state, cost = self.moves.start, 0
        for move in order:
            if move.evicted & ~state.resident or move.evicted & self.moves.reads[move.step]:
                return None
            cost += self.moves.eviction_bytes(move.evicted, state.clean)
            if self._excess(state.resident & ~move.evicted, move.step) > 0:
                return None
            state = self.moves.after(state, move.step, move.evicted)
        return tuple(order) if cost <= self.most_bytes else None

    def _excess(self, resident: int, step: int) -> int:
        inside = resident & self.moves.reads[step]
        used = self.moves.weight(resident) - self.moves.weight(inside)
        return used + self.moves.need[step] - self.problem.budget

    def replayed_by_distance(self, order: list[int]) -> tuple[Move, ...] | None:
        """Evict what is needed last (Belady), if that costs no more than allowed."""
        at = {step: place for place, step in enumerate(order)}
        uses = [sorted(at[r] for r in readers) for readers in self.problem.readers]
        state, cost, made = self.moves.start, 0, []
        for place, step in enumerate(order):
            evicted = 0
            excess = self._excess(state.resident, step)
            others = bits(state.resident & ~self.moves.reads[step]) if excess > 0 else []
            others.sort(key=lambda item: -next((u for u in uses[item] if u > place), 1 << 30))
            for item in others:
                if excess <= 0:
                    break
                evicted |= 1 << item
                excess -= self.moves.size[item]
            cost += self.moves.eviction_bytes(evicted, state.clean)
            if cost > self.most_bytes:
                return None
            made.append(Move(step, evicted))
            state = self.moves.after(state, step, evicted)
        return tuple(made)


def addressed(problem: Problem, moves: tuple[Move, ...], alignment: int) -> MemoryPlan | None:
    """The plan of the moves with addresses at its positions."""
    plan = plan_of_moves(problem, moves)
    return with_addresses(problem, plan, alignment=alignment, seconds=PACK_SECONDS)[0]
