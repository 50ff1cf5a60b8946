"""Sizes of the bitonic_merge engine. Pure: no Amaranth here."""

from dataclasses import dataclass
from functools import cached_property

from .network import Stage, merge_stages, sort_stages
from .params import TopKParams

RUN_MARGIN_WORDS = 2
"""Sorted words that the FIFO holds beyond those under way in the network: its own latency, and the
credit's way back."""


@dataclass(frozen=True, kw_only=True)
class ExchangeParams:
    """A comparator of two numbers of `bits` bits."""

    bits: int


@dataclass(frozen=True, kw_only=True)
class NetworkParams:
    """`num` wires of `bits` bits through `stages` of comparators, a register after each."""

    num: int
    bits: int
    stages: tuple[Stage, ...]

    @property
    def latency(self) -> int:
        """Cycles from input to output."""
        return len(self.stages)


@dataclass(frozen=True, kw_only=True)
class BitonicParams:
    """Lists of `list_pairs` pairs, words of `lanes` pairs.

    A pair is one number whose size is its rank: valid, key, index inverted, from the top.
    """

    lanes: int
    list_pairs: int
    key_bits: int
    index_bits: int

    @property
    def pair_bits(self) -> int:
        """Width of a pair."""
        return 1 + self.key_bits + self.index_bits

    @property
    def run_pairs(self) -> int:
        """Pairs of a sorted word that can be results."""
        return min(self.lanes, self.list_pairs)

    @cached_property
    def sorter(self) -> NetworkParams:
        """Sorts a word."""
        return NetworkParams(num=self.lanes, bits=self.pair_bits, stages=sort_stages(self.lanes))

    @cached_property
    def merger(self) -> NetworkParams:
        """Sorts what is left of two lists after the first comparison."""
        stages, _ = merge_stages(self.list_pairs)
        return NetworkParams(num=self.list_pairs, bits=self.pair_bits, stages=stages)

    @cached_property
    def merged_order(self) -> tuple[int, ...]:
        """Wire of the merger on which each rank leaves."""
        return merge_stages(self.list_pairs)[1]

    @property
    def num_slots(self) -> int:
        """Lists that go round: cycles from a merge's operands to its result."""
        return 1 + self.merger.latency

    @property
    def run_words(self) -> int:
        """Depth of the FIFO of sorted words: one word per cycle while none is held up."""
        return self.sorter.latency + RUN_MARGIN_WORDS

    @property
    def num_comparators(self) -> int:
        """Comparators of the sorter, of the merger and in front of it."""
        stages = (*self.sorter.stages, *self.merger.stages)
        return sum(len(stage) for stage in stages) + self.list_pairs


def bitonic_params(params: TopKParams) -> BitonicParams:
    """The sizes of an engine."""
    return BitonicParams(
        lanes=params.lanes,
        list_pairs=params.k_max,
        key_bits=params.key.bits,
        index_bits=params.index_bits,
    )
