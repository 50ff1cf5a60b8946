"""Parameters of the top-k template. Pure: no Amaranth here."""

from dataclasses import dataclass
from typing import Final, Literal

from tilewright.spec.numbers import NumberFormat

from ..lib.params import require

Engine = Literal["shift_queue", "filtered_queue", "radix_select", "bitonic_merge"]
Order = Literal["rank", "index", "mask"]

MAX_LANES: Final = 128
MAX_DIGIT_BITS: Final = 8
MAX_INDEX_BITS: Final = 32
ORDERS: Final[dict[Engine, tuple[Order, ...]]] = {
    "shift_queue": ("rank",),
    "filtered_queue": ("rank",),
    "radix_select": ("index", "mask"),
    "bitonic_merge": ("rank",),
}
"""The orders that each engine can leave its results in."""

CAPACITY: Final[dict[Engine, int]] = {
    "shift_queue": 1024,
    "filtered_queue": 256,
    "radix_select": 1 << MAX_INDEX_BITS,
    "bitonic_merge": 256,
}
"""The largest k_max of each engine: what it keeps in registers."""


@dataclass(frozen=True, kw_only=True)
class TopKParams:
    """The k largest of the keys of a packet, `lanes` keys per word.

    `max_words` words are the longest packet: it sizes indices and buffers. `order` of the results:
    `rank` (largest first), `index` (as they came) or `mask` (one bit per key). With `largest` False
    the smallest keys are selected, smallest first. `digit_bits` is used by radix_select only.
    """

    engine: Engine
    lanes: int
    key: NumberFormat
    k_max: int
    max_words: int
    order: Order = "rank"
    digit_bits: int = 8
    largest: bool = True

    def __post_init__(self) -> None:
        for name in ("lanes", "k_max", "max_words", "digit_bits"):
            require(name, getattr(self, name), 1)
        if self.engine not in ORDERS:
            raise ValueError(f"engine: one of {', '.join(ORDERS)}, got {self.engine!r}")
        if self.order not in ORDERS[self.engine]:
            offered = " or ".join(ORDERS[self.engine])
            raise ValueError(f"order: {self.engine} offers {offered}, got {self.order!r}")
        if self.lanes > MAX_LANES:
            raise ValueError(f"lanes: at most {MAX_LANES}, got {self.lanes}")
        if self.engine == "shift_queue" and self.lanes != 1:
            raise ValueError(f"lanes: 1 with shift_queue, got {self.lanes}")
        if self.index_bits > MAX_INDEX_BITS:
            raise ValueError(f"max_words: at most 2**{MAX_INDEX_BITS} keys, got {self.max_keys}")
        if self.k_max > (limit := min(self.max_keys, CAPACITY[self.engine])):
            raise ValueError(f"k_max: at most {limit} here, got {self.k_max}")
        if self.digit_bits > MAX_DIGIT_BITS:
            raise ValueError(f"digit_bits: at most {MAX_DIGIT_BITS}, got {self.digit_bits}")

    @property
    def max_keys(self) -> int:
        """Positions of the longest packet."""
        return self.lanes * self.max_words

    @property
    def index_bits(self) -> int:
        """Width of an index: the position of a key in its packet."""
        return max(1, (self.max_keys - 1).bit_length())

    @property
    def k_bits(self) -> int:
        """Width of k."""
        return self.k_max.bit_length()

    @property
    def out_lanes(self) -> int:
        """Pairs (or bits) of an output word."""
        return 1 if self.engine in ("shift_queue", "filtered_queue") else self.lanes

    @property
    def rank_flip(self) -> int:
        """Bits of a key to flip so that, unsigned, larger means earlier in rank order."""
        sign = 1 << (self.key.bits - 1)
        ones = (1 << self.key.bits) - 1
        return (sign if self.key.signed else 0) ^ (0 if self.largest else ones)

    @property
    def input_bits(self) -> int:
        """Width of an input word without `last`: keys, and one valid bit each."""
        return self.lanes * (self.key.bits + 1)

    @property
    def output_bits(self) -> int:
        """Width of an output word without `last`."""
        if self.order == "mask":
            return self.out_lanes
        return self.out_lanes * (self.key.bits + self.index_bits + 1)
