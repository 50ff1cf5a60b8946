"""Golden model of the zero_skip template: which elements of a packet are sent, and their values."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from tilewright.hw.zero_skip.params import ZeroSkipParams


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What is sent of a packet: values (or changes), and their positions, rising."""

    values: NDArray[np.int64]
    indices: NDArray[np.int64]

    def kept_per_word(self, lanes: int, num_words: int) -> list[int]:
        """How many elements each input word keeps, as far as no position is counted twice."""
        return np.bincount(self.indices // lanes, minlength=num_words).tolist()


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
        answers = [
            self._round(
                x[start : start + period], is_there[start : start + period], theta, is_reset
            )
            for start in range(0, len(x), period)
        ]
        if not answers:
            return Sent(values=x, indices=x)
        return Sent(
            values=np.concatenate([answer.values for answer in answers]),
            indices=np.concatenate([answer.indices for answer in answers]),
        )

    def _round(
        self, x: NDArray[np.int64], is_there: NDArray[np.bool_], theta: int, is_reset: bool
    ) -> Sent:
        """At most as many positions as there are elements."""
        if self.params.function == "zeros":
            chosen, results = is_there & (x != 0), x
        elif self.params.function == "threshold":
            chosen, results = is_there & (np.abs(x) > theta), x
        else:
            if is_reset:
                self.sent[: len(x)][is_there] = 0
            results = x - self.sent[: len(x)]
            chosen = is_there & (np.abs(results) > theta)
            self.sent[: len(x)][chosen] = x[chosen]
        return Sent(values=results[chosen], indices=np.flatnonzero(chosen))


def zero_skip(params: ZeroSkipParams, values: ArrayLike, *, theta: int = 0) -> Sent:
    """What a fresh unit sends of one packet."""
    return ZeroSkipModel(params=params).packet(values, theta=theta, is_reset=True)
