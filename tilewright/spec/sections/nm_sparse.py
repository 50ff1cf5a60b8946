"""Keys of the `nm_sparse` template: matrix multiplication with N:M structured sparse weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ..kinds import choice, number_format, whole
from ..numbers import NumberFormat
from .base import Conflict, HardwareSize, TemplateSection
from .systolic import (
    MAX_SIDE,
    PARAMETER_BITS,
    REQUANTIZER_REGISTER_BITS,
    RequantizeSection,
    requantize_conflicts,
)

MAX_GROUP = 16
MAX_EDGE_GROUPS = 1024
_INT8 = NumberFormat(8)


class NMSparseSection(TemplateSection):
    """A systolic array whose weights are compressed: few of each group of k are not zero."""

    summary: ClassVar[str] = "matrix multiplication with N:M structured sparse weights"
    logic_keys: ClassVar[str] = "rows, cols or group"
    memory_keys: ClassVar[str] = "param_sets or feed_lanes"

    template: Annotated[Literal["nm_sparse"], choice("nm_sparse")] = Field(
        description="The template's name."
    )
    rows: Annotated[int, whole(1, MAX_SIDE)] = Field(
        description=f"Rows of processing elements, 1 to {MAX_SIDE}."
    )
    cols: Annotated[int, whole(1, MAX_SIDE)] = Field(
        description=f"Columns of processing elements, 1 to {MAX_SIDE}."
    )
    group: Annotated[int, whole(1, MAX_GROUP)] = Field(
        description=f"M of N:M: consecutive k of which few weights are not zero, 1 to {MAX_GROUP}. "
        "N is said by each command, 1 to M."
    )
    feed_lanes: Annotated[int, whole(1, MAX_GROUP)] = Field(
        default_factory=lambda data: -(-data["group"] // 2),
        description="Values of k of each row in an activation word, 1 to `group`. The array never "
        "waits if N * feed_lanes >= M. Default half a group, enough for N >= 2.",
    )
    mux: Annotated[Literal["pe", "row"], choice("pe", "row")] = Field(
        default="pe",
        description="Where an activation is selected: in every processing element (pe: every "
        "column has its own pattern) or at the left of each row (row: the columns of a tile share "
        "one). Default pe.",
    )
    a: Annotated[NumberFormat, number_format(2, 16)] = Field(
        default=_INT8, description="Number format of the activations (M x K). Default int8."
    )
    b: Annotated[NumberFormat, number_format(2, 16)] = Field(
        default=_INT8, description="Number format of the weights (K x N). Default int8."
    )
    accumulator_bits: Annotated[int, whole(8, 48)] = Field(
        default=32, description="Width of the accumulators, 8 to 48; sums wrap. Default 32."
    )
    output: Annotated[Literal["int8", "raw"], choice("int8", "raw")] = Field(
        default="int8",
        description="int8: bias, scale, zero point, saturate. raw: the accumulators. Default int8.",
    )
    requantize: RequantizeSection = Field(
        default=RequantizeSection(), description="How accumulators become int8 results."
    )
    param_sets: Annotated[int, whole(1, 4096)] = Field(
        default=4,
        description="Sets of `cols` per-channel parameters held at once. Default 4.",
    )
    edge_groups: Annotated[int, whole(2, MAX_EDGE_GROUPS)] = Field(
        default_factory=lambda data: full_rate_groups(
            data["rows"], data["group"], data["feed_lanes"]
        ),
        description="Groups of activations buffered for each row. Default as many as never hold "
        "the array up: 1 + ceil((rows + 2) / ceil(group / feed_lanes)).",
    )

    @property
    def index_bits(self) -> int:
        """Bits of an index into a group."""
        return max(1, (self.group - 1).bit_length())

    @property
    def product_bits(self) -> int:
        """Bits of a signed register that holds any product."""
        return self.a.bits + self.b.bits + (not (self.a.signed or self.b.signed))

    def conflicts(self) -> Iterator[Conflict]:
        if self.feed_lanes > self.group:
            yield Conflict(
                path=("feed_lanes",),
                parties=(("feed_lanes",), ("group",)),
                rule=f"must be at most {self.group}, the group",
            )
        if self.accumulator_bits < self.product_bits:
            yield Conflict(
                path=("accumulator_bits",),
                parties=(("accumulator_bits",), ("a",), ("b",)),
                rule=f"must be at least {self.product_bits}, the width of a product of "
                f"a {self.a} and b {self.b}",
            )
        yield from requantize_conflicts(self, self.output, self.requantize)

    def size(self) -> HardwareSize:
        num_pes = self.rows * self.cols
        group_bits = self.group * self.a.bits
        passing = group_bits + self.index_bits if self.mux == "pe" else self.a.bits
        operands = self.a.bits + self.b.bits + self.product_bits
        pe_bits = passing + operands + 2 * self.accumulator_bits
        edge_bits = self.cols * (REQUANTIZER_REGISTER_BITS + self.cols * self.b.bits)
        parameters = self.param_sets * self.cols * PARAMETER_BITS if self.output == "int8" else 0
        return HardwareSize(
            num_pes=num_pes,
            register_bits=num_pes * pe_bits + edge_bits,
            memory_bits=parameters + self.edge_groups * self.rows * group_bits,
        )


def full_rate_groups(rows: int, group: int, feed_lanes: int) -> int:
    """Groups to buffer so that room for activations never holds the array up."""
    return 1 + -(-(rows + 2) // -(-group // feed_lanes))
