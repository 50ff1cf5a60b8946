"""What a sampler is, and the two that need no answer: random and grid.

A sampler proposes designs by number and is told what became of them. It decides from what it was
told and its seed alone, in the order in which it asked. So a search that was interrupted is resumed
by asking again: the ledger answers what it has, and the proposals come out the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..space import Space


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What became of design `index`: costs (smaller is better) and by constraint how far it is
    outside (<= 0: inside), or neither if it failed.
    """

    index: int
    costs: tuple[float, ...] | None
    excesses: tuple[float, ...] = ()

    @property
    def is_feasible(self) -> bool:
        """Whether it has numbers and meets every constraint."""
        return self.costs is not None and all(excess <= 0 for excess in self.excesses)


class Sampler(Protocol):
    """Proposes designs."""

    def ask(self, count: int) -> list[int]:
        """Up to `count` designs that were not proposed before; none: there are no more."""

    def tell(self, answers: Sequence[Answer]) -> None:
        """What became of the last ones, in their order."""


class RandomSampler:
    """Designs of equal probability, none twice."""

    def __init__(self, space: Space, *, seed: int = 0) -> None:
        self.space = space
        self._rng = np.random.default_rng(seed)
        self._asked: set[int] = set()

    def ask(self, count: int) -> list[int]:
        """See `Sampler`."""
        found: list[int] = []
        while len(found) < count and len(self._asked) < self.space.size:
            number = self._draw()
            if number not in self._asked:
                self._asked.add(number)
                found.append(number)
        return found

    def _draw(self) -> int:
        if len(self._asked) * 2 <= self.space.size:
            return random_index(self._rng, self.space.size)
        left = np.setdiff1d(np.arange(self.space.size), np.array(sorted(self._asked)))
        return int(self._rng.choice(left))

    def tell(self, answers: Sequence[Answer]) -> None:
        """Nothing is learned."""


class GridSampler:
    """`count` designs spread evenly over the numbers of the space, first to last."""

    def __init__(self, space: Space, *, count: int) -> None:
        num = min(count, space.size)
        steps = max(num - 1, 1)
        self._numbers = [i * (space.size - 1) // steps for i in range(num)]

    def ask(self, count: int) -> list[int]:
        """See `Sampler`."""
        found, self._numbers = self._numbers[:count], self._numbers[count:]
        return found

    def tell(self, answers: Sequence[Answer]) -> None:
        """Nothing is learned."""


def random_index(rng: np.random.Generator, size: int) -> int:
    """0 to `size` - 1 with equal probability; `size` may be larger than any machine word."""
    if size <= 2**62:
        return int(rng.integers(size))
    num_bytes = (size.bit_length() + 7) // 8 + 8  # 64 more bits: the bias is below 2^-64
    return int.from_bytes(rng.bytes(num_bytes), "little") % size
