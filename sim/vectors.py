"""Seeded test vectors: words for streams and patterns of stalls, the same for the same seed."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

__all__ = [
    "LONG_PAUSE",
    "STALL_CYCLES",
    "STANDARD_STALLS",
    "StallPattern",
    "pack_words",
    "random_words",
]

STALL_CYCLES = 4096
"""Cycles after which a pattern repeats, but for `pause`."""
FOR_EVER_CYCLES = 1 << 30
"""Longer than any simulation."""

StallKind = Literal["none", "random", "one_in_four", "long", "pause"]


@dataclass(frozen=True, kw_only=True)
class StallPattern:
    """In which cycles a side of a stream holds still.

    Parameters
    ----------
    kind : `none`; `random` with `probability`; `one_in_four`: moves one cycle in four;
        `long`: pauses of 1 to `longest_cycles` cycles between runs of the same kind;
        `pause`: moves for `before_cycles` cycles, then holds still for `pause_cycles`, once or,
        if `is_repeated`, for ever in turn.
    seed : of the random ones.
    """

    kind: StallKind = "none"
    seed: int = 0
    probability: float = 0.5
    longest_cycles: int = 64
    before_cycles: int = 24
    pause_cycles: int = 10_000
    is_repeated: bool = False

    def __post_init__(self) -> None:
        for name in ("before_cycles", "pause_cycles"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if not 0 <= self.probability < 1:
            raise ValueError(f"probability must lie in [0, 1), got {self.probability}")
        if self.longest_cycles < 1:
            raise ValueError(f"longest_cycles must be positive, got {self.longest_cycles}")

    def bits(self, num_cycles: int = STALL_CYCLES) -> npt.NDArray[np.bool_]:
        """One flag per cycle, true where this side stalls."""
        random = np.random.default_rng([self.seed, sum(self.kind.encode())])
        if self.kind == "none":
            return np.zeros(num_cycles, dtype=np.bool_)
        if self.kind == "pause":
            cycle = np.arange(num_cycles)
            if self.is_repeated:
                cycle %= self.before_cycles + self.pause_cycles
            return (cycle >= self.before_cycles) & (cycle < self.before_cycles + self.pause_cycles)
        if self.kind == "one_in_four":
            return np.asarray((np.arange(num_cycles) + self.seed) % 4 != 0, dtype=np.bool_)
        if self.kind == "random":
            return random.random(num_cycles) < self.probability
        runs = random.integers(1, self.longest_cycles + 1, size=num_cycles)
        flags = np.repeat(np.arange(num_cycles) % 2 == 0, runs)
        return np.asarray(flags[:num_cycles], dtype=np.bool_)

    def runs(self) -> list[tuple[bool, int]]:
        """The pattern as (stalls, cycles) in turn, to be repeated for ever."""
        if self.kind == "none":
            return [(False, FOR_EVER_CYCLES)]
        if self.kind == "pause":
            runs = [(False, self.before_cycles), (True, self.pause_cycles)]
            return runs if self.is_repeated else [*runs, (False, FOR_EVER_CYCLES)]
        groups = itertools.groupby(self.bits().tolist())
        return [(is_stalled, len(list(group))) for is_stalled, group in groups]

    def cycles(self) -> Iterator[bool]:
        """The pattern for ever."""
        for is_stalled, num_cycles in itertools.cycle(self.runs()):
            yield from itertools.repeat(is_stalled, num_cycles)


STANDARD_STALLS: tuple[StallPattern, ...] = (
    StallPattern(kind="none"),
    StallPattern(kind="random", seed=1),
    StallPattern(kind="one_in_four"),
    StallPattern(kind="long", seed=2),
)
"""What every stream is tried with, on both sides."""

LONG_PAUSE = StallPattern(kind="pause")
"""A side that stops for 10,000 cycles in the middle of its work."""


def random_words(seed: int, bits: int, count: int) -> list[int]:
    """`count` words of `bits` bits; extremes (all 0, all 1, only the sign) come up often."""
    random = np.random.default_rng([seed, bits])
    num_bytes = (bits + 7) // 8
    mask = (1 << bits) - 1
    extremes = (0, mask, 1 << (bits - 1), mask >> 1)
    raw = random.bytes(num_bytes * count)
    choices = random.integers(0, 32, size=count).tolist()
    words = []
    for index, choice in enumerate(choices):
        word = int.from_bytes(raw[index * num_bytes : (index + 1) * num_bytes], "little") & mask
        words.append(extremes[choice] if choice < len(extremes) else word)
    return words


def pack_words(values: npt.NDArray[np.integer], element_bits: int) -> list[int]:
    """Rows of elements to words: element e in bits `[e * element_bits, (e + 1) * element_bits)`."""
    if values.ndim != 2:
        raise ValueError(f"values must have two dimensions, got shape {values.shape}")
    mask = (1 << element_bits) - 1
    words = []
    for row in values.tolist():
        word = 0
        for index, element in enumerate(row):
            word |= (element & mask) << (index * element_bits)
        words.append(word)
    return words
