"""Keys of the `topk` template: the k largest keys of each packet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from ..kinds import choice, number_format, whole
from ..numbers import NumberFormat
from .base import Conflict, HardwareSize, TemplateSection

MAX_LANES = 128
MAX_KEYS = 1 << 32
MAX_DIGIT_BITS = 8
DEFAULT_KEYS = 1024
_INT8 = NumberFormat(8)

Engine = Literal["auto", "shift_queue", "filtered_queue", "radix_select", "bitonic_merge"]
Order = Literal["rank", "index", "mask"]

ENGINE_ORDERS: Final[dict[str, tuple[str, ...]]] = {
    "auto": ("rank", "index", "mask"),
    "shift_queue": ("rank",),
    "filtered_queue": ("rank",),
    "radix_select": ("index", "mask"),
    "bitonic_merge": ("rank",),
}
CAPACITIES: Final[dict[str, int]] = {
    "shift_queue": 1024,
    "filtered_queue": 256,
    "bitonic_merge": 256,
}
"""The largest k_max of the engines that keep their results in registers."""


class TopKSection(TemplateSection):
    """A unit that selects the k largest or smallest keys of each packet, with their positions."""

    summary: ClassVar[str] = "the k largest keys of each packet, k set per packet"
    logic_keys: ClassVar[str] = "lanes or k_max"
    memory_keys: ClassVar[str] = "max_keys, lanes or k_max"

    template: Annotated[Literal["topk"], choice("topk")] = Field(description="The template's name.")
    engine: Annotated[
        Engine, choice("auto", "shift_queue", "filtered_queue", "radix_select", "bitonic_merge")
    ] = Field(
        default="auto",
        description="How it is done. shift_queue: sorted insertion, one key per cycle. "
        "filtered_queue: one comparator per lane ahead of such a queue. radix_select: counts of "
        "digits, whole words per cycle whatever the keys. bitonic_merge: sorting network and "
        "merges, whole words per cycle, in rank order. auto: the smallest of them that offers "
        "`order` and sustains `rate`, by the laws of area and cycles. Default auto.",
    )
    lanes: Annotated[int, whole(1, MAX_LANES)] = Field(
        description=f"Keys of an input word, 1 to {MAX_LANES}; 1 with shift_queue."
    )
    key: Annotated[NumberFormat, number_format(2, 32)] = Field(
        default=_INT8, description="Number format of the keys. Default int8."
    )
    k_max: Annotated[int, whole(1, MAX_KEYS)] = Field(
        description="The largest k of a packet, at most max_keys; at most 1024 with shift_queue, "
        "256 with filtered_queue and bitonic_merge, which keep their results in registers."
    )
    max_keys: Annotated[int, whole(1, MAX_KEYS)] = Field(
        default=DEFAULT_KEYS,
        description="Positions of the longest packet: sizes indices and buffers. Default "
        f"{DEFAULT_KEYS}.",
    )
    order: Annotated[Order, choice("rank", "index", "mask")] = Field(
        default="rank",
        description="How results leave. rank: pairs of key and index, the best first. index: pairs "
        "as the keys came. mask: one bit per key. radix_select offers index and mask, the other "
        "engines rank. Default rank.",
    )
    select: Annotated[Literal["largest", "smallest"], choice("largest", "smallest")] = Field(
        default="largest", description="Which keys are the best. Default largest."
    )
    digit_bits: Annotated[int, whole(1, MAX_DIGIT_BITS)] = Field(
        default_factory=lambda data: min(MAX_DIGIT_BITS, data["key"].bits),
        description="Bits that radix_select looks at in a pass, 1 to 8, at most those of a key: "
        "wide digits need fewer passes and more counters. Default 8, or the key's width.",
    )
    rate: Annotated[int, whole(0, MAX_LANES)] = Field(
        default=0,
        description="With auto: keys per cycle that packets of max_keys keys, back to back, must "
        "be taken at, at most `lanes`. Default 0: the smallest engine, however slow.",
    )
    rate_keys: Annotated[Literal["any", "random"], choice("any", "random")] = Field(
        default="any",
        description="With auto: `rate` must hold for any keys, or for random ones, where "
        "filtered_queue is fast. Default any.",
    )

    @property
    def max_words(self) -> int:
        """Words of the longest packet."""
        return -(-self.max_keys // self.lanes)

    @property
    def index_bits(self) -> int:
        """Width of an index."""
        return max(1, (self.max_words * self.lanes - 1).bit_length())

    def word_lanes(self) -> int:
        return self.lanes

    def conflicts(self) -> Iterator[Conflict]:
        yield from self._engine_conflicts()
        yield from self._capacity_conflicts()
        yield from self._unused_conflicts()

    def _engine_conflicts(self) -> Iterator[Conflict]:
        offered = ENGINE_ORDERS[self.engine]
        if self.order not in offered:
            others = [name for name, orders in ENGINE_ORDERS.items() if self.order in orders][1:]
            yield Conflict(
                path=("order",),
                parties=(("order",), ("engine",)),
                rule=f"must be {' or '.join(offered)} with engine {self.engine}",
                help=f"engines that offer {self.order}: {', '.join(others)}",
            )
        if self.engine == "shift_queue" and self.lanes > 1:
            yield Conflict(
                path=("lanes",),
                parties=(("lanes",), ("engine",)),
                rule="must be 1 with engine shift_queue",
                help="filtered_queue takes words of several keys",
            )
        if self.max_words * self.lanes > MAX_KEYS:
            yield Conflict(
                path=("max_keys",),
                parties=(("max_keys",), ("lanes",)),
                rule=f"must fit indices of 32 bits when rounded up to whole words of {self.lanes}",
                help=f"at most {MAX_KEYS // self.lanes * self.lanes}",
            )
        if self.digit_bits > self.key.bits and self.engine in ("auto", "radix_select"):
            yield Conflict(
                path=("digit_bits",),
                parties=(("digit_bits",), ("key",)),
                rule=f"must be at most {self.key.bits}, the bits of key {self.key}",
            )

    def _capacity_conflicts(self) -> Iterator[Conflict]:
        if self.k_max > self.max_keys:
            yield Conflict(
                path=("k_max",),
                parties=(("k_max",), ("max_keys",)),
                rule=f"must be at most max_keys {self.max_keys}",
                help="of fewer keys than k all are results",
            )
            return
        capacity = self._capacity()
        if self.k_max > capacity:
            engine: str = self.engine
            if engine == "auto":
                engine = f"auto, order rank and {'1 lane' if self.lanes == 1 else 'several lanes'}"
            yield Conflict(
                path=("k_max",),
                parties=(("k_max",), ("engine",), ("order",), ("lanes",)),
                rule=f"must be at most {capacity} with engine {engine}",
                help="radix_select has no such limit; it offers order index and mask",
            )

    def _capacity(self) -> int:
        """The largest k_max that the engine, or any that auto may choose, can hold."""
        if self.engine != "auto":
            return CAPACITIES.get(self.engine, self.max_keys)
        if self.order != "rank":
            return self.max_keys
        names = [name for name in CAPACITIES if name != "shift_queue" or self.lanes == 1]
        return max(CAPACITIES[name] for name in names)

    def _unused_conflicts(self) -> Iterator[Conflict]:
        """Keys that were written and would do nothing, and a rate beyond all engines."""
        written = self.model_fields_set
        if self.rate > self.lanes and self.engine == "auto":
            yield Conflict(
                path=("rate",),
                parties=(("rate",), ("lanes",), ("engine",)),
                rule=f"must be at most lanes {self.lanes}",
                help="a word of `lanes` keys is taken per cycle at best",
            )
        for key in ("rate", "rate_keys"):
            if key in written and self.engine != "auto":
                yield _unused(key, "engine", self.engine, "auto")
        if "digit_bits" in written:
            if self.engine not in ("auto", "radix_select"):
                yield _unused("digit_bits", "engine", self.engine, "radix_select")
            elif self.order == "rank" and self.engine == "auto":
                yield _unused("digit_bits", "order", "rank", "index or mask")

    def size(self) -> HardwareSize:
        pair_bits = self.key.bits + self.index_bits + 2
        word_bits = self.lanes * (self.key.bits + 1)
        if self.order != "rank":
            passes = -(-self.key.bits // self.digit_bits)
            counters = self.lanes * (1 << self.digit_bits) * self.max_words.bit_length()
            return HardwareSize(
                num_pes=self.lanes,
                register_bits=passes * 8 * word_bits,
                memory_bits=passes * (self.max_words * word_bits + counters),
            )
        levels = 1 + (self.k_max - 1).bit_length() if self.engine == "bitonic_merge" else 1
        return HardwareSize(
            num_pes=self.lanes + self.k_max * levels,
            register_bits=self.k_max * levels * pair_bits + 2 * word_bits,
        )


def _unused(key: str, other: str, value: str, wanted: str) -> Conflict:
    return Conflict(
        path=(key,),
        parties=((key,), (other,)),
        rule=f"has no effect with {other} {value}",
        help=f"delete it, or choose {other} {wanted}",
    )
