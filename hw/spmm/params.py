"""Parameters of the spmm template. Pure: no Amaranth here."""

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Literal

from tilewright.spec.numbers import NumberFormat

from ..lib.banked_store_params import StoreParams
from ..lib.params import require

Mode = Literal["static", "dynamic", "broadcast"]

INT8 = NumberFormat(bits=8)


@dataclass(frozen=True, kw_only=True)
class LaneParams:
    """What one lane is made of; the fields are those of `SpmmParams`."""

    columns: int
    a_format: NumberFormat
    b_format: NumberFormat
    limb_bits: int
    accumulator_bits: int
    block_rows: int
    max_rows: int
    max_panels: int
    result_words: int

    @property
    def num_limbs(self) -> int:
        """Limbs of the widest value of A."""
        return -(-self.a_format.bits // self.limb_bits)

    @property
    def shift_bits(self) -> int:
        """Width of a limb's position."""
        return max(1, (self.num_limbs - 1).bit_length())

    @property
    def row_bits(self) -> int:
        """Width of the id of a row (of a row of blocks, with `block_rows` above 1)."""
        return max(1, (self.max_rows - 1).bit_length())

    @property
    def panel_bits(self) -> int:
        """Width of the number of a panel."""
        return max(1, (self.max_panels - 1).bit_length())

    @property
    def entry_fields(self) -> dict[str, int]:
        """Fields of an entry and their widths, the lowest first; `ports` says what they mean."""
        fields = {"limbs": self.block_rows * self.limb_bits}
        if self.num_limbs > 1:
            fields |= {"position": self.shift_bits, "is_high": 1}
        flags = ("is_product", "accumulator", "first", "closes", "sends", "waits", "last")
        return fields | dict.fromkeys(flags, 1) | {"row": self.row_bits}

    @property
    def entry_bits(self) -> int:
        """Width of an entry."""
        return sum(self.entry_fields.values())

    @property
    def entry_offsets(self) -> dict[str, int]:
        """Where the fields of an entry begin."""
        ends = accumulate(self.entry_fields.values())
        return {
            name: end - self.entry_fields[name]
            for name, end in zip(self.entry_fields, ends, strict=True)
        }

    @property
    def result_bits(self) -> int:
        """Width of a word of a lane's results, without `last`."""
        return self.sums_bits + self.row_bits + self.panel_bits + 1

    @property
    def word_bits(self) -> int:
        """Width of a word of B: `columns` elements of one row."""
        return self.columns * self.b_format.bits

    @property
    def num_sums(self) -> int:
        """Sums of a result: `columns` for each row of a block, row 0 lowest."""
        return self.block_rows * self.columns

    @property
    def sums_bits(self) -> int:
        """Width of the sums of a result."""
        return self.num_sums * self.accumulator_bits


@dataclass(frozen=True, kw_only=True)
class SpmmParams:
    """C = A B, A sparse, B dense: `lanes` lanes, each one stored value by `columns` columns.

    B lies in a store of `banks` banks of `bank_words` words of `columns` elements; `buffers` 2
    loads the next packet's B beside the work; `load_words` bank words come per word of `b`. Values
    of A of up to `a_format` are cut into limbs of `limb_bits`. With `block_rows` above 1, A is
    stored in columns of that many values. Rows of A (of blocks) have ids below `max_rows`; a
    *panel* is `columns` columns of B and C, `max_panels` of them at most. A lane keeps
    `result_words` results at most that have not left it. `window` is the number of entries that a
    lane of mode `dynamic` chooses from.
    """

    lanes: int
    columns: int
    banks: int
    bank_words: int
    mode: Mode = "static"
    a_format: NumberFormat = INT8
    b_format: NumberFormat = INT8
    limb_bits: int = 8
    accumulator_bits: int = 32
    block_rows: int = 1
    max_rows: int = 65536
    max_panels: int = 256
    buffers: int = 2
    load_words: int = 1
    result_words: int = 16
    window: int = 4

    def __post_init__(self) -> None:
        for name in ("lanes", "columns", "block_rows", "max_rows", "max_panels", "window"):
            require(name, getattr(self, name), 1)
        require("limb_bits", self.limb_bits, 2)
        require("result_words", self.result_words, 2)
        if not 8 <= self.accumulator_bits <= 48:
            raise ValueError(f"accumulator_bits: 8..48, got {self.accumulator_bits}")
        if self.mode not in ("static", "dynamic", "broadcast"):
            raise ValueError(f"mode: one of static, dynamic, broadcast, got {self.mode!r}")
        if self.mode == "broadcast" and self.banks != self.lanes:
            raise ValueError(f"banks: lanes = {self.lanes} in mode broadcast, got {self.banks}")
        self.store_params  # noqa: B018 - checks the store's

    @cached_property
    def store_params(self) -> StoreParams:
        """The banks that hold B."""
        return StoreParams(
            word_bits=self.columns * self.b_format.bits,
            banks=self.banks,
            bank_words=self.bank_words,
            buffers=self.buffers,
            load_words=self.load_words,
        )

    @cached_property
    def lane_params(self) -> LaneParams:
        """What a lane is made of."""
        return LaneParams(
            columns=self.columns,
            a_format=self.a_format,
            b_format=self.b_format,
            limb_bits=self.limb_bits,
            accumulator_bits=self.accumulator_bits,
            block_rows=self.block_rows,
            max_rows=self.max_rows,
            max_panels=self.max_panels,
            result_words=self.result_words,
        )

    @property
    def static_word_bits(self) -> int:
        """Width of a word of `a` in mode static, without `last`."""
        store, lane = self.store_params, self.lane_params
        action_bits = lane.entry_bits + store.mux_params.select_bits
        return store.banks * store.address_bits + self.lanes * action_bits + lane.panel_bits

    @property
    def pass_columns(self) -> int:
        """Columns of B that one pass over A covers."""
        return self.columns * (self.lanes if self.mode == "broadcast" else 1)
