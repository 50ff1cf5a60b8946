"""Golden model of the zero_skip template: which elements of a packet are sent, and their values."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from tilewright.hw.zero_skip.params import ZeroSkipParams


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What is sent of a packet: values (or changes), their positions, rising, and their indices,
    which are positions modulo those of the longest packet.
    """

    values: NDArray[np.int64]
    positions: NDArray[np.int64]
    indices: NDArray[np.int64]

    def kept_per_word(self, lanes: int, num_words: int) -> list[int]:
        """How many elements each input word keeps."""
        counts: list[int] = np.bincount(self.positions // lanes, minlength=num_words).tolist()
        return counts


@dataclass(kw_only=True)
class ZeroSkipModel:
    """A unit that packets go through; `sent` holds each element's value last sent (`delta`)."""

    params: ZeroSkipParams
    sent: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        self.sent = np.zeros(self.params.words * self.params.lanes, np.int64)

    def packet(
        self,
        values: ArrayLike,
        *,
        present: ArrayLike | None = None,
        theta: int = 0,
        is_reset: bool = False,
    ) -> Sent:
        """One packet; without `present` every position holds an element."""
        x = np.asarray(values, np.int64)
        is_there = np.ones(len(x), np.bool_) if present is None else np.asarray(present, np.bool_)
        period = len(self.sent)
        chosen, results = np.zeros(len(x), np.bool_), x.copy()
        for start in range(0, len(x), period):
            part = slice(start, start + period)
            chosen[part], results[part] = self._round(x[part], is_there[part], theta, is_reset)
        positions = np.flatnonzero(chosen)
        return Sent(values=results[chosen], positions=positions, indices=positions % period)

    def _round(
        self, x: NDArray[np.int64], is_there: NDArray[np.bool_], theta: int, is_reset: bool
    ) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Which of at most as many positions as there are elements are sent, and as what."""
        if self.params.function == "zeros":
            return is_there & (x != 0), x
        if self.params.function == "threshold":
            return is_there & (np.abs(x) > theta), x
        before = self.sent[: len(x)]
        if is_reset:
            before[is_there] = 0
        changes = x - before
        chosen = is_there & (np.abs(changes) > theta)
        before[chosen] = x[chosen]
        return chosen, changes


def zero_skip(params: ZeroSkipParams, values: ArrayLike, *, theta: int = 0) -> Sent:
    """What a fresh unit sends of one packet."""
    return ZeroSkipModel(params=params).packet(values, theta=theta, is_reset=True)
