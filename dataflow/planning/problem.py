"""What the planner decides about: operators, tensors, sizes, and a budget of on-chip bytes.

An operator runs when all its inputs and outputs lie in the scratchpad together. A tensor that no
operator makes comes from memory (an input of the model, or weights); one that nothing reads goes
to memory. Those first loads and last stores are compulsory. Everything else that moves between
scratchpad and memory, a spill or a reload, is the planner's doing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from ..checks import at_least, distinct, not_empty


@dataclass(frozen=True, kw_only=True)
class Item:
    """A tensor as the planner sees it: a name and its bytes in the scratchpad."""

    name: str
    size: int

    def __post_init__(self) -> None:
        not_empty("tensor", self.name)
        at_least(f"bytes of {self.name}", self.size, 1)


@dataclass(frozen=True, kw_only=True)
class Step:
    """An operator: indices of the tensors that it reads and writes.

    `overwrites` names an input that the first output takes the place of, byte for byte: it must be
    as large and have no other reader.
    """

    name: str
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    overwrites: int | None = None

    def __post_init__(self) -> None:
        not_empty("operator", self.name)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Operators in an order in which they can run, their tensors, and the scratchpad's bytes.

    Raises:
        ValueError: if a tensor is made twice or read before it is made, if an operator does not
            fit in the budget, or if an overwritten input is read elsewhere.
    """

    name: str
    items: tuple[Item, ...]
    steps: tuple[Step, ...]
    budget: int

    def __post_init__(self) -> None:
        not_empty("name", self.name)
        at_least("budget", self.budget, 1)
        distinct("tensors", (item.name for item in self.items))
        made: set[int] = set()
        read_before: dict[int, str] = {}
        for step in self.steps:
            self._check_indices(step)
            for item in step.reads:
                if item not in made:
                    read_before.setdefault(item, step.name)
            for item in step.writes:
                if item in made:
                    raise ValueError(f"tensor {self.items[item].name} is made twice")
                if item in read_before:
                    raise ValueError(
                        f"operator {read_before[item]} reads {self.items[item].name} before it is "
                        "made: a cycle, or operators out of order"
                    )
            made.update(step.writes)
        for index, step in enumerate(self.steps):
            self._check_overwrite(index, step)
            if self.need(index) > self.budget:
                raise ValueError(self._too_small(index))

    def _check_indices(self, step: Step) -> None:
        both = (*step.reads, *step.writes)
        if not step.writes:
            raise ValueError(f"operator {step.name} makes no tensor")
        if any(not 0 <= item < len(self.items) for item in both):
            raise ValueError(f"operator {step.name} names a tensor that does not exist")
        if len(set(both)) != len(both):
            raise ValueError(f"operator {step.name} names a tensor twice")

    def _check_overwrite(self, index: int, step: Step) -> None:
        old = step.overwrites
        if old is None:
            return
        if old not in step.reads or self.readers[old] != (index,):
            raise ValueError(f"operator {step.name} overwrites a tensor that others read")
        if self.items[old].size != self.items[step.writes[0]].size:
            raise ValueError(f"operator {step.name} overwrites a tensor of another size")

    def _too_small(self, index: int) -> str:
        step = self.steps[index]
        parts = ", ".join(
            f"{self.items[i].name} {self.items[i].size}" for i in (*step.reads, *step.writes)
        )
        return (
            f"operator {step.name} needs {self.need(index)} bytes ({parts}), the budget is "
            f"{self.budget}; the least budget that works is {self.least_budget}"
        )

    def need(self, index: int) -> int:
        """Bytes that must lie in the scratchpad while operator `index` runs."""
        step = self.steps[index]
        total = sum(self.items[item].size for item in (*step.reads, *step.writes))
        return total - (0 if step.overwrites is None else self.items[step.overwrites].size)

    @cached_property
    def least_budget(self) -> int:
        """The largest need of one operator."""
        return max(map(self.need, range(len(self.steps))), default=1)

    @cached_property
    def maker(self) -> tuple[int | None, ...]:
        """Which operator makes each tensor; None: it comes from memory."""
        made: list[int | None] = [None] * len(self.items)
        for index, step in enumerate(self.steps):
            for item in step.writes:
                made[item] = index
        return tuple(made)

    @cached_property
    def readers(self) -> tuple[tuple[int, ...], ...]:
        """Operators that read each tensor."""
        lists: list[list[int]] = [[] for _ in self.items]
        for index, step in enumerate(self.steps):
            for item in step.reads:
                lists[item].append(index)
        return tuple(map(tuple, lists))

    @cached_property
    def ancestors(self) -> tuple[int, ...]:
        """For each operator the bit mask of those that must run before it."""
        masks: list[int] = []
        for step in self.steps:
            mask = 0
            for item in step.reads:
                source = self.maker[item]
                if source is not None:
                    mask |= masks[source] | 1 << source
            masks.append(mask)
        return tuple(masks)

    @cached_property
    def descendants(self) -> tuple[int, ...]:
        """For each operator the bit mask of those that must run after it."""
        masks = [0] * len(self.steps)
        for index in reversed(range(len(self.steps))):
            for item in self.steps[index].writes:
                for reader in self.readers[item]:
                    masks[index] |= masks[reader] | 1 << reader
        return tuple(masks)

    @cached_property
    def compulsory_bytes(self) -> tuple[int, int]:
        """First loads and last stores: (read, written)."""
        loads = sum(
            item.size
            for index, item in enumerate(self.items)
            if self.maker[index] is None and self.readers[index]
        )
        stores = sum(
            item.size
            for index, item in enumerate(self.items)
            if self.maker[index] is not None and not self.readers[index]
        )
        return loads, stores

    def with_budget(self, budget: int) -> Problem:
        return Problem(name=self.name, items=self.items, steps=self.steps, budget=budget)


def bits(mask: int) -> list[int]:
    """Places of the ones of a mask, rising."""
    places = []
    while mask:
        low = mask & -mask
        places.append(low.bit_length() - 1)
        mask ^= low
    return places


def mask_of(places: Iterable[int]) -> int:
    mask = 0
    for place in places:
        mask |= 1 << place
    return mask
