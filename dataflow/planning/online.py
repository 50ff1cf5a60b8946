"""Addresses given one position after the other: a plan comes out whatever the packing search says.

The order and its evictions are played with a scratchpad of real addresses. Where a tensor needs a
place and no hole is large enough, the window of addresses is cleared whose tensors cost least:
those leave now, and are reloaded, perhaps elsewhere, before their next use. Even the operator's own
inputs may be moved that way, so wherever the operators' needs fit, a plan is found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..checks import at_least
from .memory_plan import MemoryPlan, Residence, Store, plan_of_moves
from .problem import Problem
from .states import Move


def check_alignment(problem: Problem, alignment: int) -> None:
    """Whether every operator fits when each tensor's place is rounded up to `alignment`.

    Raises:
        ValueError: if one does not, with its operands and the least budget that works.
    """
    at_least("alignment", alignment, 1)
    needs = []
    for step in problem.steps:
        items = [i for i in (*step.reads, *step.writes) if i != step.overwrites]
        needs.append(sum(rounded_up(problem.items[item].size, alignment) for item in items))
    least = max(needs, default=0)
    if least > problem.budget // alignment * alignment:
        step = problem.steps[needs.index(least)]
        parts = ", ".join(
            f"{problem.items[i].name} {problem.items[i].size}" for i in (*step.reads, *step.writes)
        )
        raise ValueError(
            f"operator {step.name} needs {least} bytes in multiples of {alignment} ({parts}), the "
            f"budget is {problem.budget}; the least budget that works is {least}"
        )


def rounded_up(size: int, alignment: int) -> int:
    return -(-size // alignment) * alignment


Rule = Literal["tightest", "two ends", "by end"]


def place_online(
    problem: Problem, moves: Sequence[Move], alignment: int = 1, rule: Rule = "tightest"
) -> MemoryPlan:
    """The plan of `moves` with addresses, and with the further evictions that these need.

    A tensor takes the tightest hole; by "two ends" at that end of the scratchpad that suits how
    long it stays, by "by end" beside the neighbour that leaves when it does.

    Raises:
        ValueError: if an operator's tensors, rounded up to `alignment`, do not fit.
    """
    check_alignment(problem, alignment)
    player = _Player(problem, plan_of_moves(problem, moves), alignment, rule)
    for position in range(len(moves)):
        player.play(position)
    return player.finish()


@dataclass
class _Lying:
    """A tensor on chip: from where to where, since when, its last use so far, how it came."""

    low: int
    high: int
    first: int
    last: int
    is_loaded: bool


class _Player:
    def __init__(self, problem: Problem, plan: MemoryPlan, alignment: int, rule: Rule) -> None:
        self.problem, self.order, self.alignment = problem, plan.order, alignment
        self.rule = rule
        self.budget = problem.budget // alignment * alignment
        position = {step: place for place, step in enumerate(self.order)}
        self.uses = [sorted((position[r] for r in rs), reverse=True) for rs in problem.readers]
        self.in_memory = {i for i, maker in enumerate(problem.maker) if maker is None}
        self.planned: list[list[int]] = [[] for _ in problem.items]  # last positions, falling
        for residence in reversed(plan.residences):
            self.planned[residence.item].append(residence.last)
        self.here: dict[int, _Lying] = {}
        self.residences: list[Residence] = []
        self.stores: list[Store] = []
        self.now = 0

    def play(self, position: int) -> None:
        self.now = position
        step = self.problem.steps[self.order[position]]
        fixed = [item for item in step.reads if item in self.here]
        coming = [item for item in step.reads if item not in self.here]
        coming += [
            item for item in step.writes if step.overwrites is None or item != step.writes[0]
        ]
        if not self.settle(coming, fixed, position):
            for item in fixed:
                self.leave(item)
            everything = [*fixed, *coming]
            for item in [i for i in self.here if i not in everything]:
                self.leave(item)
            assert self.settle(everything, [], position), "the operator alone fits"
        if step.overwrites is not None:
            old = self.here[step.overwrites]
            self.here[step.writes[0]] = _Lying(old.low, old.high, position, position, False)
        for item in (*step.reads, *step.writes):
            self.use(item, position)

    def use(self, item: int, position: int) -> None:
        """Note a use; a tensor without further ones leaves after it, a result is stored."""
        self.here[item].last = position
        uses = self.uses[item]
        if uses and uses[-1] == position:
            uses.pop()
        if not uses:
            if not self.problem.readers[item]:
                self.stores.append(Store(item=item, after=position))
            self.close(item)
        elif self.planned[item][-1] == position:
            self.planned[item].pop()
            self.leave(item)

    def leave(self, item: int) -> None:
        """To memory, if that has no copy, right after the last use."""
        if item not in self.in_memory:
            self.in_memory.add(item)
            self.stores.append(Store(item=item, after=self.here[item].last))
        self.close(item)

    def close(self, item: int) -> None:
        one = self.here.pop(item)
        self.residences.append(
            Residence(item=item, first=one.first, last=one.last, is_loaded=one.is_loaded,
                      offset=one.low)
        )  # fmt: skip

    def settle(self, items: list[int], fixed: list[int], position: int) -> bool:
        """Places for `items`, none of which is here, while `fixed` stay; whether all got one."""
        kept = set(fixed)
        for item in sorted(items, key=self.rounded, reverse=True):
            low = self.find(item, kept)
            if low is None:
                for placed in kept - set(fixed):
                    del self.here[placed]
                return False
            is_loaded = self.problem.maker[item] != self.order[position]
            high = low + self.rounded(item)
            self.here[item] = _Lying(low, high, position, position, is_loaded)
            kept.add(item)
        return True

    def rounded(self, item: int) -> int:
        return rounded_up(self.problem.items[item].size, self.alignment)

    def find(self, item: int, kept: set[int]) -> int | None:
        """The tightest hole, or the window that is cleared most cheaply."""
        size = self.rounded(item)
        lying = sorted((one.low, one.high, other) for other, one in self.here.items())
        holes, level = [], 0
        for low, high, _ in (*lying, (self.budget, self.budget, -1)):
            if low - level >= size:
                holes.append((low - level, level))
            level = max(level, high)
        if holes:
            return self.choose(holes, item, size)
        return self.clear(size, lying, kept)

    def choose(self, holes: list[tuple[int, int]], item: int, size: int) -> int:
        """Where in which hole."""
        room, low = min(holes)
        if self.rule == "tightest":
            return low
        if self.rule == "two ends":
            stays = self.planned[item][-1] - self.now
            if stays > 3:
                return min(low for _, low in holes)
            room, low = max(holes, key=lambda hole: hole[1])
            return low + room - size
        end = self.planned[item][-1]
        leaves_at = {one.low: self.planned[i][-1] for i, one in self.here.items()}
        leaves_at |= {-one.high: self.planned[i][-1] for i, one in self.here.items()}
        spots = []
        for room, low in holes:
            for start in {low, low + room - size}:
                touching = [leaves_at.get(-start), leaves_at.get(start + size)]
                differ = min((abs(end - at) for at in touching if at is not None), default=1 << 30)
                spots.append((differ, room, start))
        return min(spots)[2]

    def clear(self, size: int, lying: list[tuple[int, int, int]], kept: set[int]) -> int | None:
        """Evict what lies in the cheapest window of `size`, which no kept tensor may touch."""
        best: tuple[int, int, int] | None = None
        starts = {0, self.budget - size}
        starts |= {high for _, high, _ in lying} | {low - size for low, _, _ in lying}
        for start in starts:
            if not 0 <= start <= self.budget - size:
                continue
            touched = [o for low, high, o in lying if low < start + size and high > start]
            if any(other in kept for other in touched):
                continue
            price = sum(
                self.problem.items[o].size * (1 if o in self.in_memory else 2) for o in touched
            )
            soonest = min((self.uses[o][-1] for o in touched), default=0)
            best = min(best or (price, -soonest, start), (price, -soonest, start))
        if best is None:
            return None
        for low, high, other in lying:
            if low < best[2] + size and high > best[2]:
                self.leave(other)
        return best[2]

    def finish(self) -> MemoryPlan:
        self.residences.sort(key=lambda r: (r.first, r.item))
        self.stores.sort(key=lambda s: (s.after, s.item))
        return MemoryPlan(
            order=tuple(self.order),
            residences=tuple(self.residences),
            stores=tuple(self.stores),
        )
