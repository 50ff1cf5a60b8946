"""Keys of the `sddmm` template: scores of sampled pairs of rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ..kinds import choice, number_format, power_of_two, whole
from ..numbers import NumberFormat
from .base import Conflict, HardwareSize, TemplateSection

MAX_LANES = 128
MAX_BANKS = 256
_INT8 = NumberFormat(8)


class SddmmSection(TemplateSection):
    """Scores of a sparse mask: dot products of rows of Q and K."""

    summary: ClassVar[str] = "sampled scores of Q and K: dot products at the nonzeros of a mask"
    logic_keys: ClassVar[str] = "lanes or products"
    memory_keys: ClassVar[str] = "bank_words, query_rows or lanes"

    template: Annotated[Literal["sddmm"], choice("sddmm")] = Field(
        description="The template's name."
    )
    lanes: Annotated[int, whole(1, MAX_LANES)] = Field(
        description=f"Scores computed at a time, 1 to {MAX_LANES}."
    )
    products: Annotated[int, whole(1, 64)] = Field(
        default=8, description="Products per lane and cycle, 1 to 64. Default 8."
    )
    depth: Annotated[int, whole(1, 4096)] = Field(
        description="Elements of the longest rows of Q and K, 1 to 4096; a score takes depth / "
        "products cycles, rounded up."
    )
    banks: Annotated[int, whole(1, MAX_BANKS)] = Field(
        default_factory=lambda data: min(MAX_BANKS, 2 * data["lanes"]),
        description=f"Banks that hold K, 1 to {MAX_BANKS}. Default 2 * lanes.",
    )
    bank_words: Annotated[int, whole(1, 65536)] = Field(
        default_factory=lambda data: max(256, -(-data["depth"] // data["products"])),
        description="Words of `products` elements in a bank; a row of K takes depth / products of "
        "them. Default 256, or one row.",
    )
    load_words: Annotated[int, whole(1, MAX_BANKS)] = Field(
        default=1, description="Bank words in a word of stream k, a divisor of banks. Default 1."
    )
    buffers: Annotated[int, whole(1, 2)] = Field(
        default=2,
        description="2: the next packet's K is loaded beside the work. 1: after it. Default 2.",
    )
    query_rows: Annotated[int, power_of_two(1, 4096)] = Field(
        default=64,
        description="Rows of Q that a lane holds at a time, a power of two to 4096. Default 64.",
    )
    window: Annotated[int, power_of_two(2, 1024)] = Field(
        default=32,
        description="Scores of a lane that may be out of order at a time, a power of two from 2 to "
        "1024. Default 32.",
    )
    query: Annotated[NumberFormat, number_format(2, 16)] = Field(
        default=_INT8, description="Number format of Q. Default int8."
    )
    key: Annotated[NumberFormat, number_format(2, 16)] = Field(
        default=_INT8, description="Number format of K. Default int8."
    )
    accumulator_bits: Annotated[int, whole(8, 48)] = Field(
        default=32, description="Width of the scores, 8 to 48; sums wrap. Default 32."
    )
    max_rows: Annotated[int, whole(1, 1 << 24)] = Field(
        default=65536,
        description="Rows of the largest mask; ids have so many values. Default 65536.",
    )
    output: Annotated[Literal["lanes", "rows"], choice("lanes", "rows")] = Field(
        default="lanes",
        description="lanes: each lane sends its scores in their order. rows: one stream with the "
        "rows in order, a word for `lanes` scores. Default lanes.",
    )

    @property
    def max_chunks(self) -> int:
        """Words of the longest row."""
        return -(-self.depth // self.products)

    @property
    def product_bits(self) -> int:
        """Bits of a signed register that holds any product."""
        return self.query.bits + self.key.bits + (not (self.query.signed or self.key.signed))

    def conflicts(self) -> Iterator[Conflict]:
        if self.bank_words < self.max_chunks:
            yield Conflict(
                path=("bank_words",),
                parties=(("bank_words",), ("depth",), ("products",)),
                rule=f"must be at least {self.max_chunks}, the words of a row of K: depth "
                f"{self.depth} / products {self.products} rounded up",
            )
        if self.banks % self.load_words:
            yield Conflict(
                path=("load_words",),
                parties=(("load_words",), ("banks",)),
                rule=f"must be a divisor of banks {self.banks}",
            )
        if self.accumulator_bits < self.product_bits:
            yield Conflict(
                path=("accumulator_bits",),
                parties=(("accumulator_bits",), ("query",), ("key",)),
                rule=f"must be at least {self.product_bits}, the width of a product of "
                f"query {self.query} and key {self.key}",
            )

    def size(self) -> HardwareSize:
        products = self.lanes * self.products
        lane_bits = self.products * (self.query.bits + self.key.bits + self.product_bits)
        words = self.query_rows * self.max_chunks * self.products * self.query.bits
        words += self.window * self.accumulator_bits
        store = self.buffers * self.banks * self.bank_words * self.products * self.key.bits
        return HardwareSize(
            num_pes=products,
            register_bits=self.lanes * (lane_bits + self.accumulator_bits + 2 * self.window),
            memory_bits=store + self.lanes * words,
        )
