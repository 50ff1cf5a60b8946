"""Parameters of the sddmm template. Pure: no Amaranth here."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from tilewright.spec.numbers import NumberFormat

from ..lib.banked_store_params import StoreParams
from ..lib.params import CommandFormat, Field, require

Output = Literal["lanes", "rows"]

INT8 = NumberFormat(bits=8)
OPERAND_BITS = range(2, 17)


def index_bits(count: int) -> int:
    """Width of an index below `count`."""
    return max(1, (count - 1).bit_length())


@dataclass(frozen=True, kw_only=True)
class DotParams:
    """`products` products per cycle, summed up over the cycles of a score."""

    products: int
    query_format: NumberFormat
    key_format: NumberFormat
    accumulator_bits: int

    @property
    def tree_stages(self) -> int:
        """Registers in the adder tree: one behind every two levels."""
        return -(-(self.products - 1).bit_length() // 2)


@dataclass(frozen=True, kw_only=True)
class LaneParams:
    """What one lane is made of; the fields are those of `SddmmParams`."""

    dot: DotParams
    banks: int
    query_rows: int
    max_chunks: int
    window: int
    max_rows: int

    @property
    def bank_bits(self) -> int:
        """Width of the number of a bank."""
        return index_bits(self.banks)

    @property
    def query_bits(self) -> int:
        """Width of the place of a query row."""
        return index_bits(self.query_rows)

    @property
    def chunk_bits(self) -> int:
        """Width of the number of a word in a row."""
        return index_bits(self.max_chunks)

    @property
    def position_bits(self) -> int:
        """Width of a place in the window."""
        return index_bits(self.window)

    @property
    def row_bits(self) -> int:
        """Width of a row's id."""
        return index_bits(self.max_rows)

    @property
    def query_word_bits(self) -> int:
        """Width of a word of a query row."""
        return self.dot.products * self.dot.query_format.bits

    @property
    def key_word_bits(self) -> int:
        """Width of a word of a key row."""
        return self.dot.products * self.dot.key_format.bits

    @property
    def query_words(self) -> int:
        """Depth of the query memory."""
        return self.query_rows << (self.max_chunks - 1).bit_length()


@dataclass(frozen=True, kw_only=True)
class SddmmParams:
    """Scores S = mask of Q K^T: `lanes` lanes, each `products` products per cycle.

    A score sums `depth` products at most, in chunks of `products`: a *slot* of the schedule lasts
    so many cycles. Rows of K lie in a store of `banks` banks of `bank_words` words of `products`
    elements; `buffers` 2 loads the next packet's K beside the work; `load_words` bank words come
    per word of `k`. A lane holds `query_rows` rows of Q at a time (a power of two), and `window`
    scores (a power of two) that are computed or under way and have not left in their order. Row
    ids are below `max_rows`. `output`: each lane has a stream of its own (`lanes`), or one stream
    has the rows in order (`rows`).
    """

    lanes: int
    products: int
    depth: int
    banks: int
    bank_words: int
    query_rows: int
    window: int = 32
    query_format: NumberFormat = INT8
    key_format: NumberFormat = INT8
    accumulator_bits: int = 32
    max_rows: int = 65536
    buffers: int = 2
    load_words: int = 1
    output: Output = "lanes"

    def __post_init__(self) -> None:
        for name in ("lanes", "products", "depth", "max_rows", "query_rows"):
            require(name, getattr(self, name), 1)
        require("window", self.window, 2)
        for name in ("query_rows", "window"):
            if (value := getattr(self, name)) & (value - 1):
                raise ValueError(f"{name}: a power of two, got {value}")
        if not 8 <= self.accumulator_bits <= 48:
            raise ValueError(f"accumulator_bits: 8..48, got {self.accumulator_bits}")
        for name in ("query_format", "key_format"):
            if (bits := getattr(self, name).bits) not in OPERAND_BITS:
                raise ValueError(f"{name}: 2..16 bits, got {bits}")
        if self.output not in ("lanes", "rows"):
            raise ValueError(f"output: one of lanes, rows, got {self.output!r}")
        if self.bank_words < self.max_chunks:
            raise ValueError(
                f"bank_words: at least {self.max_chunks}, a row of K, got {self.bank_words}"
            )
        self.store_params  # noqa: B018 - checks the store's

    @property
    def max_chunks(self) -> int:
        """Words of the longest row of Q or K."""
        return -(-self.depth // self.products)

    @cached_property
    def store_params(self) -> StoreParams:
        """The banks that hold K."""
        return StoreParams(
            word_bits=self.products * self.key_format.bits,
            banks=self.banks,
            bank_words=self.bank_words,
            buffers=self.buffers,
            load_words=self.load_words,
        )

    @cached_property
    def dot_params(self) -> DotParams:
        """A lane's products and sums."""
        return DotParams(
            products=self.products,
            query_format=self.query_format,
            key_format=self.key_format,
            accumulator_bits=self.accumulator_bits,
        )

    @cached_property
    def lane_params(self) -> LaneParams:
        """What a lane is made of."""
        return LaneParams(
            dot=self.dot_params,
            banks=self.banks,
            query_rows=self.query_rows,
            max_chunks=self.max_chunks,
            window=self.window,
            max_rows=self.max_rows,
        )

    @property
    def is_row_stream(self) -> bool:
        """One stream has the rows in order."""
        return self.output == "rows"

    @property
    def query_lanes(self) -> int:
        """Lanes that a word of `q` has elements for: one if all lanes get the same rows."""
        return 1 if self.is_row_stream else self.lanes

    @property
    def query_word_bits(self) -> int:
        """Width of a word of `q`."""
        return self.query_lanes * self.lane_params.query_word_bits

    @property
    def count_bits(self) -> int:
        """Width of a number of query rows, 0 to `query_rows`."""
        return self.query_rows.bit_length()

    @cached_property
    def entry_format(self) -> CommandFormat:
        """What a lane does in a slot.

        `is_active`: it computes a score or, without `has_score`, puts an empty word in its place.
        `bank` has the row of K; `query` is the place of the row of Q behind the oldest that is
        held; `position` is the score's place in the lane's order, counted from the packet's first
        score. `row` is the row's id, `is_row_end` marks the last score of a row in this lane's
        order (or of the row, where the output has rows), `is_end` the last word of the packet.
        """
        lane = self.lane_params
        return CommandFormat(
            fields=(
                Field(name="is_active", bits=1),
                Field(name="bank", bits=lane.bank_bits),
                Field(name="query", bits=lane.query_bits),
                Field(name="position", bits=lane.position_bits),
                Field(name="row", bits=lane.row_bits),
                Field(name="has_score", bits=1),
                Field(name="is_row_end", bits=1),
                Field(name="is_end", bits=1),
            )
        )

    @cached_property
    def slot_format(self) -> CommandFormat:
        """A word of the schedule, lowest field first.

        `last_chunk` + 1 cycles; `takes` rows of Q must have come that no earlier slot needed,
        `frees` rows are not needed after it; `frees_keys`: nor is K. Then the address of the first
        chunk in each bank, and the entry of each lane.
        """
        header = (
            Field(name="last_chunk", bits=self.lane_params.chunk_bits),
            Field(name="takes", bits=self.count_bits),
            Field(name="frees", bits=self.count_bits),
            Field(name="frees_keys", bits=1),
        )
        addresses = tuple(
            Field(name=f"address_{bank}", bits=self.store_params.address_bits)
            for bank in range(self.banks)
        )
        entries = tuple(
            Field(name=f"{field.name}_{lane}", bits=field.bits)
            for lane in range(self.lanes)
            for field in self.entry_format.fields
        )
        return CommandFormat(fields=(*header, *addresses, *entries, Field(name="last", bits=1)))

    @property
    def product_bits(self) -> int:
        """Bits of a signed register that holds any product."""
        both = self.query_format.bits + self.key_format.bits
        return both + (not (self.query_format.signed or self.key_format.signed))
