"""`Plan`: what runs when, where everything lies, and how good that is."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field

from .checks import at_least, distinct
from .machine import Link
from .serial import frozen_mapping
from .task import Task


@dataclass(frozen=True, kw_only=True)
class BankRange:
    """Banks `[start, end)` kept for one kind of data, for the whole program."""

    name: str
    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"banks of {self.name}: [{self.start}, {self.end}) is empty")

    @property
    def num_banks(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, kw_only=True)
class Residency:
    """`words` words of `tensor` (its tile `tile`) lie at `offset_words` of `banks`.

    Steps count panels over all tasks, in order, or tasks in a planned schedule; the interval is
    `[from_step, to_step)`.
    """

    tensor: str
    tile: tuple[int, ...]
    banks: BankRange
    offset_words: int
    words: int
    from_step: int
    to_step: int

    def __post_init__(self) -> None:
        at_least("offset_words", self.offset_words, 0)
        at_least("words", self.words, 1)
        if not 0 <= self.from_step < self.to_step:
            raise ValueError(f"residency of {self.tensor}{list(self.tile)}: empty interval")


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """`words` words of `tensor` from or to memory at `step`, in the order of the list."""

    tensor: str
    tile: tuple[int, ...]
    words: int
    step: int


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What the plan moves, and how far that may be from the least."""

    bytes: int
    lower_bound_bytes: int
    method: str
    seconds: float = 0.0

    @property
    def gap(self) -> float:
        """Share of `bytes` above the lower bound."""
        return (self.bytes - self.lower_bound_bytes) / self.bytes if self.bytes else 0.0


@dataclass(frozen=True, kw_only=True)
class MemoryTensor:
    """Where a tensor lies in memory: its words `[base_words, base_words + words)`.

    `layout` is `activations`, `weights` or `parameters` (docs/architecture.md, section 4).
    """

    tensor: str
    base_words: int
    words: int
    layout: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Tasks in order; residencies, loads, stores; the memory map; links used; a certificate.

    `settings` are what the program needs beside that: slots of each ring, by name; or `resident`, 1
    in a planned schedule.
    """

    tasks: tuple[Task, ...]
    banks: tuple[BankRange, ...]
    residencies: tuple[Residency, ...]
    loads: tuple[Transfer, ...]
    stores: tuple[Transfer, ...]
    memory: tuple[MemoryTensor, ...]
    memory_words: int
    certificate: Certificate
    links: tuple[Link, ...] = ()
    settings: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        distinct("tasks", (task.name for task in self.tasks))
        distinct("banks", (banks.name for banks in self.banks))
        distinct("memory", (item.tensor for item in self.memory))
        ordered = sorted(self.banks, key=lambda banks: banks.start)
        for one, other in itertools.pairwise(ordered):
            if other.start < one.end:
                raise ValueError(
                    f"banks of {one.name} [{one.start}, {one.end}) overlap with those of "
                    f"{other.name} [{other.start}, {other.end})"
                )
        object.__setattr__(self, "settings", frozen_mapping(self.settings))

    def bank_range(self, name: str) -> BankRange:
        """The banks of this name."""
        return next(banks for banks in self.banks if banks.name == name)

    def address_words(self, tensor: str) -> int:
        """The memory word address of a tensor."""
        return next(item.base_words for item in self.memory if item.tensor == tensor)
