"""Where random decisions come from: a seed, or anything else that can choose an integer.

Everything that decides the form of a model goes through `integer`, so a library that records and
simplifies its choices can reduce a failing model; bulk numbers (weights, inputs) come from
`numbers`, a generator that one such choice has seeded.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


class Draw(ABC):
    """Random decisions; simpler ones have smaller integers, first options and refused chances."""

    @abstractmethod
    def integer(self, low: int, high: int) -> int:
        """An integer from `low` to `high`, both included."""

    def choice(self, options: Sequence[T]) -> T:
        """One of `options`, of which the first is the simplest."""
        return options[self.integer(0, len(options) - 1)]

    def chance(self, percent: int) -> bool:
        """True in `percent` of a hundred cases."""
        return self.integer(0, 99) >= 100 - percent

    def numbers(self) -> np.random.Generator:
        """A generator of bulk random numbers."""
        return np.random.default_rng(self.integer(0, 2**31 - 1))


class SeededDraw(Draw):
    """Decisions that a seed fixes."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def integer(self, low: int, high: int) -> int:
        return int(self._rng.integers(low, high, endpoint=True))
