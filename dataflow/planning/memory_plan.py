"""`MemoryPlan`: the order, where each tensor lies from when to when, and what moves off chip."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..checks import at_least
from .problem import Problem, bits
from .states import Move


@dataclass(frozen=True, kw_only=True)
class Residence:
    """Tensor `item` lies at `offset` from position `first` to `last` of the order, both included.

    `is_loaded`: it comes from memory just before `first`; else the operator at `first` makes it.
    `offset` is None while addresses are not decided.
    """

    item: int
    first: int
    last: int
    is_loaded: bool
    offset: int | None = None

    def __post_init__(self) -> None:
        at_least("first", self.first, 0)
        at_least("last", self.last, self.first)


@dataclass(frozen=True, kw_only=True)
class Store:
    """Tensor `item` is written to memory after position `after`, while it still lies on chip."""

    item: int
    after: int


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What is known about a plan's bytes beyond the compulsory ones.

    `lower_bound` holds for every plan of the problem; `method` says which bound and search found
    them, `solvers` the versions that took part.
    """

    bytes: int
    lower_bound: int
    method: str
    seconds: float
    solvers: tuple[str, ...] = ()

    @property
    def gap(self) -> float:
        """`(bytes - lower_bound) / bytes`; 0 is proven optimal."""
        return (self.bytes - self.lower_bound) / self.bytes if self.bytes else 0.0

    @property
    def is_proven(self) -> bool:
        return self.bytes == self.lower_bound


@dataclass(frozen=True, kw_only=True)
class MemoryPlan:
    """Operators in order, residences by first position, stores by position."""

    order: tuple[int, ...]
    residences: tuple[Residence, ...]
    stores: tuple[Store, ...]
    certificate: Certificate | None = None

    def peak(self, problem: Problem) -> int:
        """The most bytes that lie on chip at one position."""
        return max(self.loads_by_position(problem), default=0)

    def loads_by_position(self, problem: Problem) -> list[int]:
        """Bytes on chip at each position; an overwritten tensor counts once."""
        total = [0] * len(self.order)
        for residence in self.residences:
            for position in range(residence.first, residence.last + 1):
                total[position] += problem.items[residence.item].size
        for position, index in enumerate(self.order):
            old = problem.steps[index].overwrites
            total[position] -= 0 if old is None else problem.items[old].size
        return total

    def height(self, problem: Problem) -> int | None:
        """End of the highest residence; None while an address is open."""
        ends = [
            None if r.offset is None else r.offset + problem.items[r.item].size
            for r in self.residences
        ]
        known = [end for end in ends if end is not None]
        return max(known, default=0) if len(known) == len(ends) else None


def plan_of_moves(problem: Problem, moves: Iterable[Move]) -> MemoryPlan:
    """The plan that a sequence of operators and evictions stands for, addresses open.

    A tensor leaves right after the last use before its eviction, and comes back just before its
    next; it is stored the first time it leaves, unless memory has it.
    """
    order: list[int] = []
    open_at: dict[int, tuple[int, int, bool]] = {}  # item: first, last use, is_loaded
    residences: list[Residence] = []
    stores: list[Store] = []
    copied = {item for item, maker in enumerate(problem.maker) if maker is None}

    def close(item: int) -> None:
        first, last, is_loaded = open_at.pop(item)
        residences.append(Residence(item=item, first=first, last=last, is_loaded=is_loaded))

    for position, move in enumerate(moves):
        for item in bits(move.evicted):
            if item not in copied:
                copied.add(item)
                stores.append(Store(item=item, after=open_at[item][1]))
            close(item)
        order.append(move.step)
        step = problem.steps[move.step]
        for item in step.reads:
            first, _, is_loaded = open_at.get(item, (position, position, True))
            open_at[item] = first, position, is_loaded
        for item in step.writes:
            open_at[item] = position, position, False
            if not problem.readers[item]:
                stores.append(Store(item=item, after=position))
                close(item)
    for item in sorted(open_at):
        close(item)
    residences.sort(key=lambda r: (r.first, r.item))
    stores.sort(key=lambda s: (s.after, s.item))
    return MemoryPlan(order=tuple(order), residences=tuple(residences), stores=tuple(stores))
