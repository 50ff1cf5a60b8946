"""Keys of the `spmm` template: a sparse matrix times a dense one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ..kinds import choice, number_format, whole
from ..numbers import NumberFormat
from .base import Conflict, HardwareSize, TemplateSection

Mode = Literal["static", "dynamic", "broadcast"]

MAX_LANES = 256
MAX_BANKS = 512
DEFAULT_LIMB_BITS = 8
_INT8 = NumberFormat(8)


def default_banks(mode: str, lanes: int) -> int:
    """One per lane in mode broadcast, where no other number fits; else two."""
    return lanes if mode == "broadcast" else min(MAX_BANKS, 2 * lanes)


class SpmmSection(TemplateSection):
    """Lanes that multiply a sparse matrix, entry by entry, with words of a dense one."""

    summary: ClassVar[str] = "a sparse matrix times a dense one, on lanes beside banks"
    logic_keys: ClassVar[str] = "lanes, columns or block_rows"
    memory_keys: ClassVar[str] = "bank_words, banks or columns"

    template: Annotated[Literal["spmm"], choice("spmm")] = Field(description="The template's name.")
    lanes: Annotated[int, whole(1, MAX_LANES)] = Field(
        description=f"Lanes: entries of the sparse matrix per cycle, 1 to {MAX_LANES}."
    )
    columns: Annotated[int, whole(1, 64)] = Field(
        description="Columns of the dense matrix that a lane works on at once (a panel), 1 to 64."
    )
    mode: Annotated[Mode, choice("static", "dynamic", "broadcast")] = Field(
        default="static",
        description="static: the matrix comes as a schedule made beforehand, without conflicts of "
        "banks. dynamic: lanes choose at run time. broadcast: one entry per cycle for all lanes, "
        "each with columns of its own. Default static.",
    )
    banks: Annotated[int, whole(1, MAX_BANKS)] = Field(
        default_factory=lambda data: default_banks(data["mode"], data["lanes"]),
        description=f"Banks of the store, each read once per cycle, 1 to {MAX_BANKS}. Default "
        "2 * lanes, in mode broadcast lanes.",
    )
    bank_words: Annotated[int, whole(1, 65536)] = Field(
        default=512,
        description="Words of `columns` elements in a bank (and buffer), 1 to 65536. Default 512.",
    )
    buffers: Annotated[int, whole(1, 2)] = Field(
        default=2,
        description="2: the next packet's dense matrix is loaded beside the work. 1: after it. "
        "Default 2.",
    )
    load_words: Annotated[int, whole(1, MAX_BANKS)] = Field(
        default=1, description="Bank words in a word of `b`, a divisor of banks. Default 1."
    )
    a: Annotated[NumberFormat, number_format(2, 16)] = Field(
        default=_INT8, description="Number format of the sparse matrix. Default int8."
    )
    b: Annotated[NumberFormat, number_format(2, 16)] = Field(
        default=_INT8, description="Number format of the dense matrix. Default int8."
    )
    limb_bits: Annotated[int, whole(2, 16)] = Field(
        default_factory=lambda data: min(DEFAULT_LIMB_BITS, data["a"].bits),
        description="Bits of the sparse operand of a multiplier, 2 to 16; wider values take an "
        "entry per limb. Default the width of a, at most 8.",
    )
    accumulator_bits: Annotated[int, whole(8, 48)] = Field(
        default=32, description="Width of the sums, 8 to 48; they wrap. Default 32."
    )
    block_rows: Annotated[int, whole(1, 16)] = Field(
        default=1,
        description="Rows of a block: an entry has a value for each, all for one row of the dense "
        "matrix. 1 to 16. Default 1.",
    )
    max_rows: Annotated[int, whole(1, 1 << 24)] = Field(
        default=65536, description="Row ids (of rows of blocks) lie below. Default 65536."
    )
    max_panels: Annotated[int, whole(1, 65536)] = Field(
        default=256, description="Panels of a packet, at most. Default 256."
    )
    result_words: Annotated[int, whole(2, 64)] = Field(
        default=16, description="Results that a lane may keep back, 2 to 64. Default 16."
    )
    window: Annotated[int, whole(1, 8)] = Field(
        default=4, description="Entries that a lane of mode dynamic looks at, 1 to 8. Default 4."
    )

    def conflicts(self) -> Iterator[Conflict]:
        if self.banks % self.load_words:
            yield Conflict(
                path=("load_words",),
                parties=(("load_words",), ("banks",)),
                rule=f"must be a divisor of banks {self.banks}",
            )
        if self.mode == "broadcast" and self.banks != self.lanes:
            yield Conflict(
                path=("banks",),
                parties=(("banks",), ("lanes",), ("mode",)),
                rule=f"must be lanes, {self.lanes}, with mode broadcast",
                help="delete it: that is the default",
            )
        if self.limb_bits > self.a.bits:
            yield Conflict(
                path=("limb_bits",),
                parties=(("limb_bits",), ("a",)),
                rule=f"must be at most {self.a.bits}, the width of a {self.a}",
            )
        if self.mode != "dynamic" and "window" in self.model_fields_set:
            yield Conflict(
                path=("window",),
                parties=(("window",), ("mode",)),
                rule=f"has no effect with mode {self.mode}",
                help="delete it, or choose mode dynamic",
            )

    def size(self) -> HardwareSize:
        num_products = self.block_rows * self.columns
        product_bits = self.limb_bits + self.b.bits + 1
        sums_bits = num_products * self.accumulator_bits
        word_bits = self.columns * self.b.bits
        lane_bits = 3 * sums_bits + num_products * product_bits + word_bits
        result_bits = sums_bits + 2 * (self.max_rows - 1).bit_length()
        memory_bits = self.lanes * self.result_words * result_bits
        return HardwareSize(
            num_pes=self.lanes * num_products,
            register_bits=self.lanes * lane_bits,
            memory_bits=memory_bits + self.banks * self.buffers * self.bank_words * word_bits,
        )
