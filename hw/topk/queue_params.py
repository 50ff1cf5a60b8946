"""Parameters of the sorted queue. Pure: no Amaranth here."""

from dataclasses import dataclass

from ..lib.params import require
from .params import TopKParams


@dataclass(frozen=True, kw_only=True)
class EntryParams:
    """What an entry of a queue holds: a key of `key_bits` and a payload that goes with it."""

    key_bits: int
    payload_bits: int

    def __post_init__(self) -> None:
        require("key_bits", self.key_bits, 1)
        require("payload_bits", self.payload_bits, 1)


@dataclass(frozen=True, kw_only=True)
class QueueParams:
    """`depth` entries in rank order."""

    entry: EntryParams
    depth: int

    def __post_init__(self) -> None:
        require("depth", self.depth, 1)

    @property
    def count_bits(self) -> int:
        """Width of a number of entries."""
        return self.depth.bit_length()


def queue_params(params: TopKParams) -> QueueParams:
    """The queue of an engine: k_max entries of a key and its index."""
    entry = EntryParams(key_bits=params.key.bits, payload_bits=params.index_bits)
    return QueueParams(entry=entry, depth=params.k_max)
