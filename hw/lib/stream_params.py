"""Parameters of the stream parts. Pure: no Amaranth here."""

from dataclasses import dataclass
from typing import Any

from .params import require


@dataclass(frozen=True, kw_only=True)
class StreamParams:
    """A stream part that keeps its payload: an Amaranth shape, or a number of bits."""

    payload: Any


@dataclass(frozen=True, kw_only=True)
class FIFOParams:
    """`depth` >= 1 entries; `block` (None: by size) stores them in a synchronous memory.

    `has_bypass`: always in a RAM block, a word that is read next goes around it; latency 1.
    """

    payload: Any
    depth: int
    block: bool | None = None
    has_bypass: bool = False

    def __post_init__(self) -> None:
        require("depth", self.depth, 1)

    @property
    def uses_block(self) -> bool:
        return self.has_bypass or (self.depth > 64 if self.block is None else self.block)


@dataclass(frozen=True, kw_only=True)
class WidthParams:
    """Width conversion between words of `narrow_bits` and of `factor * narrow_bits`."""

    narrow_bits: int
    factor: int

    def __post_init__(self) -> None:
        require("narrow_bits", self.narrow_bits, 1)
        require("factor", self.factor, 2)

    @property
    def count_bits(self) -> int:
        return (self.factor - 1).bit_length()


@dataclass(frozen=True, kw_only=True)
class BranchParams:
    """Fork or join of `num` streams."""

    payload: Any
    num: int

    def __post_init__(self) -> None:
        require("num", self.num, 1)
