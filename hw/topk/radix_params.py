"""Digits, counters and buffers of the radix_select engine. Pure: no Amaranth here."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from ..lib.params import require
from ..lib.stream_params import FIFOParams
from .params import TopKParams

COARSE_BITS: Final = 4
"""Digits up to this width are counted in registers; of wider ones, the upper bits are."""

BINS_PER_ROW: Final = 4
"""Counters of a lane's memory that are read together."""

DECISIONS: Final = 8
"""Packets whose decision is made or under way while their words wait in a stage's buffer."""


@dataclass(frozen=True, kw_only=True)
class DigitParams:
    """One pass: the digit `[digit_start, digit_start + digit_bits)` of keys of `key_bits` bits.

    `flip` are the bits of the digit to invert, so that larger comes first. `has_taken`: earlier
    passes may already have taken keys. `keeps_keys`: whole keys are passed on, else only the bits
    below the digit. `target_bits` is the width of k, `max_words` the longest packet.
    """

    lanes: int
    max_words: int
    key_bits: int
    digit_start: int
    digit_bits: int
    target_bits: int
    flip: int = 0
    has_taken: bool = False
    keeps_keys: bool = True

    def __post_init__(self) -> None:
        for name in ("lanes", "max_words", "key_bits", "digit_bits", "target_bits"):
            require(name, getattr(self, name), 1)

    @property
    def coarse_bits(self) -> int:
        """Upper bits of the digit, counted in registers."""
        return min(self.digit_bits, COARSE_BITS)

    @property
    def fine_bits(self) -> int:
        """Lower bits, counted in each lane's memory; 0: no such memory."""
        return self.digit_bits - self.coarse_bits

    @property
    def bins_per_row(self) -> int:
        """Counters in a row of a lane's memory."""
        return min(BINS_PER_ROW, 1 << self.fine_bits)

    @property
    def num_groups(self) -> int:
        """Rows that are read to find the fine part of the digit; 0 without memory."""
        return (1 << self.fine_bits) // self.bins_per_row if self.fine_bits else 0

    @property
    def row_bits(self) -> int:
        """Address of a row: the digit without the bits that tell the bins of a row apart."""
        return self.digit_bits - (self.bins_per_row - 1).bit_length()

    @property
    def tag_bits(self) -> int:
        """Width of a row's tag: twice as many tags as rows."""
        return self.row_bits + 1

    @property
    def lane_count_bits(self) -> int:
        """A counter of one lane: up to `max_words`."""
        return self.max_words.bit_length()

    @property
    def count_bits(self) -> int:
        """A counter over all lanes: up to every key of a packet."""
        return (self.lanes * self.max_words).bit_length()

    @property
    def passed_bits(self) -> int:
        """Bits of each key that are passed on."""
        return self.key_bits if self.keeps_keys else self.digit_start

    @property
    def decision_cycles(self) -> int:
        """From a packet's last word to its decision, when nothing holds it up."""
        return self.num_groups + 6 if self.fine_bits else 4

    @property
    def buffer_depth(self) -> int:
        """Words that wait for their decision: the longest packet, and what comes meanwhile."""
        return self.max_words + self.decision_cycles + 1

    @property
    def buffer_bits(self) -> int:
        """A buffered word: keys, candidates, `last`, and what was taken."""
        return self.lanes * (self.key_bits + 1 + self.has_taken) + 1

    @cached_property
    def buffer(self) -> FIFOParams:
        """The buffer of waiting words."""
        return FIFOParams(payload=self.buffer_bits, depth=self.buffer_depth)


def digit_widths(params: TopKParams) -> tuple[int, ...]:
    """Widths of the digits, the highest first: as few as `digit_bits` allows, as even as can be."""
    bits = params.key.bits
    num = -(-bits // params.digit_bits)
    return tuple(bits // num + (index < bits % num) for index in range(num))


def digit_params(params: TopKParams) -> tuple[DigitParams, ...]:
    """The passes in order."""
    passes = []
    start, key_bits = params.key.bits, params.key.bits
    for index, width in enumerate(digit_widths(params)):
        start -= width
        passes.append(
            DigitParams(
                lanes=params.lanes,
                max_words=params.max_words,
                key_bits=key_bits,
                digit_start=start,
                digit_bits=width,
                target_bits=params.k_bits,
                flip=params.rank_flip >> start & ((1 << width) - 1),
                has_taken=index > 0,
                keeps_keys=params.order != "mask",
            )
        )
        key_bits = passes[-1].passed_bits
    return tuple(passes)
