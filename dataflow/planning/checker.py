"""The judge of plans: replays one position after the other and believes no solver.

It shares no code with what makes plans. It holds an image of the scratchpad (which tensor's bytes
lie where) and of memory (which tensors have a valid copy), and plays the plan on it.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from .memory_plan import MemoryPlan, Residence
from .problem import Problem


class Rejected(ValueError):
    """The plan breaks a rule; the text says which one, and where."""


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Bytes that a plan moves: compulsory ones, and spills and reloads."""

    compulsory_read: int
    compulsory_written: int
    spilled: int
    reloaded: int

    @property
    def moved_beyond(self) -> int:
        """What the planner is to keep small."""
        return self.spilled + self.reloaded


def check_plan(problem: Problem, plan: MemoryPlan, alignment: int = 1) -> Traffic:
    """What the plan moves, counted by playing it.

    Raises:
        Rejected: if an operator runs twice, never or too early, lacks an operand, if two tensors
            share a byte at one time, if something lies outside the budget or off the alignment, if
            a load finds nothing in memory, or a result of the model is not stored.
    """
    if sorted(plan.order) != list(range(len(problem.steps))):
        raise Rejected("the order must name every operator once")
    replay = _Replay(problem, plan, alignment)
    for position in range(len(plan.order)):
        replay.play(position)
    return replay.finish()


class _Replay:
    def __init__(self, problem: Problem, plan: MemoryPlan, alignment: int) -> None:
        self.problem, self.plan = problem, plan
        count = len(plan.order)
        self.coming: list[list[Residence]] = [[] for _ in range(count)]
        self.stored: list[list[int]] = [[] for _ in range(count)]
        for residence in plan.residences:
            self._check_place(residence, count, alignment)
            self.coming[residence.first].append(residence)
        for store in plan.stores:
            if not 0 <= store.after < count:
                raise Rejected(f"{self._name(store.item)} is stored after the end")
            self.stored[store.after].append(store.item)
        self.here: dict[int, Residence] = {}
        made_somewhere = {item for step in problem.steps for item in step.writes}
        self.in_memory = set(range(len(problem.items))) - made_somewhere
        self.from_memory = frozenset(self.in_memory)
        self.read_somewhere = frozenset(item for step in problem.steps for item in step.reads)
        self.made: set[int] = set()
        self.loaded_once: set[int] = set()
        self.first_loads = self.reloads = self.spills = self.last_stores = 0

    def _name(self, item: int) -> str:
        if not 0 <= item < len(self.problem.items):
            raise Rejected(f"there is no tensor {item}")
        return f"tensor {self.problem.items[item].name}"

    def _check_place(self, residence: Residence, count: int, alignment: int) -> None:
        name = self._name(residence.item)
        if not 0 <= residence.first <= residence.last < count:
            raise Rejected(f"{name} lies on chip outside the order")
        if residence.offset is None:
            raise Rejected(f"{name} has no address")
        end = residence.offset + self.problem.items[residence.item].size
        if residence.offset < 0 or end > self.problem.budget:
            raise Rejected(f"{name} ends at {end}, the budget is {self.problem.budget}")
        if residence.offset % alignment:
            raise Rejected(f"{name} at {residence.offset} is not aligned to {alignment}")

    def play(self, position: int) -> None:
        step = self.problem.steps[self.plan.order[position]]
        for residence in self.coming[position]:
            self._arrive(residence, position)
        for item in (*step.reads, *step.writes):
            if item not in self.here:
                raise Rejected(f"operator {step.name} runs without {self._name(item)}")
        self._check_overlaps(position)
        self.made.update(step.writes)
        for item in self.stored[position]:
            self._store(item)
        for item in [i for i, r in self.here.items() if r.last == position]:
            del self.here[item]

    def _arrive(self, residence: Residence, position: int) -> None:
        item, name = residence.item, self._name(residence.item)
        if item in self.here:
            raise Rejected(f"{name} lies on chip twice at position {position}")
        step = self.problem.steps[self.plan.order[position]]
        size = self.problem.items[item].size
        if residence.is_loaded:
            if item not in self.in_memory:
                raise Rejected(f"{name} is loaded at position {position}, memory has no copy")
            if item in self.from_memory and item not in self.loaded_once:
                self.first_loads += size
            else:
                self.reloads += size
            self.loaded_once.add(item)
        elif item not in step.writes or item in self.made:
            raise Rejected(f"{name} appears at position {position}, nothing makes it there")
        self.here[item] = residence

    def _check_overlaps(self, position: int) -> None:
        step = self.problem.steps[self.plan.order[position]]
        spans = []
        for item, residence in self.here.items():
            offset = residence.offset or 0
            if item == step.overwrites:
                self._check_overwrite(residence, position, step.writes[0])
                continue
            spans.append((offset, offset + self.problem.items[item].size, item))
        spans.sort()
        for (_, end, low), (start, _, high) in itertools.pairwise(spans):
            if start < end:
                raise Rejected(
                    f"{self._name(low)} and {self._name(high)} share bytes at position {position}"
                )

    def _check_overwrite(self, old: Residence, position: int, new: int) -> None:
        if old.last != position or self.here[new].offset != old.offset:
            raise Rejected(f"{self._name(new)} must take the place of {self._name(old.item)}")

    def _store(self, item: int) -> None:
        name, size = self._name(item), self.problem.items[item].size
        if item not in self.here or item not in self.made | self.loaded_once:
            raise Rejected(f"{name} is stored while it is not on chip")
        if item not in self.read_somewhere and item not in self.in_memory:
            self.last_stores += size
        else:
            self.spills += size
        self.in_memory.add(item)

    def finish(self) -> Traffic:
        for item in self.made:
            if item not in self.read_somewhere and item not in self.in_memory:
                raise Rejected(f"{self._name(item)} is a result and is never stored")
        return Traffic(
            compulsory_read=self.first_loads,
            compulsory_written=self.last_stores,
            spilled=self.spills,
            reloaded=self.reloads,
        )
