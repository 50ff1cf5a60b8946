"""`Task`: one engine's worth of work on part of an op."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .checks import at_least, not_empty
from .serial import frozen_mapping


@dataclass(frozen=True, kw_only=True)
class Region:
    """A box of a tensor: half-open `[start, end)` along each axis."""

    tensor: str
    start: tuple[int, ...]
    end: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.start) != len(self.end):
            raise ValueError(f"region of {self.tensor}: as many starts as ends")
        if any(not 0 <= s < e for s, e in zip(self.start, self.end, strict=True)):
            raise ValueError(f"region of {self.tensor}: [{self.start}, {self.end}) is empty")


@dataclass(frozen=True, kw_only=True)
class Task:
    """Work of `engine` (of `engine_kind`) on part of `op`.

    A task of a `systolic` engine is a block of row tiles times all panels of output channels; its
    `bounds` are `k_blocks`, `subpanels`, `m_tiles`, `panels`. `cycles`: the engine's law without
    stalls.
    """

    name: str
    op: str
    engine: str
    engine_kind: str
    bounds: Mapping[str, int]
    operands: tuple[Region, ...]
    results: tuple[Region, ...]
    cycles: int
    attributes: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        not_empty("name", self.name)
        at_least(f"task {self.name}: cycles", self.cycles, 1)
        for name, bound in self.bounds.items():
            at_least(f"task {self.name}: bound {name}", bound, 1)
        object.__setattr__(self, "bounds", frozen_mapping(self.bounds))
        object.__setattr__(self, "attributes", frozen_mapping(self.attributes))
