"""Keys of the `systolic` template: a matrix multiplication array."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from ..kinds import Section, choice, number_format, whole
from ..numbers import NumberFormat
from .base import Conflict, HardwareSize, TemplateSection

MAX_SIDE = 256
MAX_LANES = 1024
DEFAULT_LANES = 16
PARAMETER_BITS = 64
PAIRED_BITS = 8  # of operands whose products may share a multiplier
REQUANTIZER_REGISTER_BITS = 160  # per column; an estimate

Dataflow = Literal["output_stationary", "weight_stationary"]
Feed = Literal["k_inner", "k_outer"]
_INT8 = NumberFormat(8)


def default_lanes(rows: int, cols: int) -> int:
    """16 if that fits the array's shape, else the least multiple of `cols` that covers `rows`."""
    if DEFAULT_LANES % cols == 0 and rows <= DEFAULT_LANES:
        return DEFAULT_LANES
    return cols * -(-rows // cols)


class RequantizeSection(Section):
    """How accumulators become int8 results."""

    mode: Annotated[Literal["exact", "fixed"], choice("exact", "fixed")] = Field(
        default="exact",
        description="exact: float32 scale, three roundings, bit for bit what onnxruntime computes. "
        "fixed: integer multiplier and one rounding shift. Default exact.",
    )
    multiplier_bits: Annotated[int, whole(4, 24)] = Field(
        default=24,
        description="Bits of the multiplier in mode fixed, 4 to 24. Default 24.",
    )


class SystolicSection(TemplateSection):
    """A systolic array that multiplies matrices."""

    summary: ClassVar[str] = "matrix multiplication on a rows x cols array"
    logic_keys: ClassVar[str] = "rows, cols or widths"
    memory_keys: ClassVar[str] = "accumulator_rows, lanes or param_sets"

    template: Annotated[Literal["systolic"], choice("systolic")] = Field(
        description="The template's name."
    )
    rows: Annotated[int, whole(1, MAX_SIDE)] = Field(
        description=f"Rows of processing elements, 1 to {MAX_SIDE}."
    )
    cols: Annotated[int, whole(1, MAX_SIDE)] = Field(
        description=f"Columns of processing elements, 1 to {MAX_SIDE}."
    )
    dataflow: Annotated[Dataflow, choice("output_stationary", "weight_stationary")] = Field(
        default="output_stationary",
        description="What stays in the processing elements: partial sums (output_stationary) or "
        "weights (weight_stationary). Default output_stationary.",
    )
    lanes: Annotated[int, whole(1, MAX_LANES)] = Field(
        default_factory=lambda data: default_lanes(data["rows"], data["cols"]),
        description="Elements of a stream word, at least max(rows, cols). Default 16 if cols "
        "divides 16 and rows <= 16, else cols * ceil(rows / cols).",
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
    a_feed: Annotated[Feed, choice("k_inner", "k_outer")] = Field(
        default="k_inner",
        description="A word of A is `lanes` values of k of one row (k_inner) or one k of all rows "
        "(k_outer). Default k_inner.",
    )
    b_feed: Annotated[Feed, choice("k_inner", "k_outer")] = Field(
        default="k_inner",
        description="A word of B is `lanes` values of k of one column (k_inner) or one k of all "
        "columns (k_outer). Default k_inner.",
    )
    output: Annotated[Literal["int8", "raw"], choice("int8", "raw")] = Field(
        default="int8",
        description="int8: bias, scale, zero point, saturate. raw: the accumulators. Default int8.",
    )
    requantize: RequantizeSection = Field(
        default=RequantizeSection(), description="How accumulators become int8 results."
    )
    param_sets: Annotated[int, whole(1, 4096)] = Field(
        default_factory=lambda data: 4 * -(-data["lanes"] // data["cols"]),
        description="Sets of `cols` per-channel parameters held at once, at least "
        "ceil(lanes / cols). Default four panels: 4 * ceil(lanes / cols).",
    )
    accumulator_rows: Annotated[int, whole(1, 65536)] = Field(
        default=128,
        description="Rows of the accumulator memory (weight_stationary only): the largest M of "
        "one pass. Default 128.",
    )

    def shrinking(self, resource: str) -> str:
        """As in the base, and the requantizer's mode, where the smaller one is not taken yet."""
        keys = super().shrinking(resource)
        is_logic = resource in ("lut", "ff", "dsp")
        if is_logic and self.output == "int8" and self.requantize.mode == "exact":
            return f"{keys}, or write `requantize: {{mode: fixed}}`"
        return keys

    products_per_dsp: Annotated[int, whole(1, 2)] = Field(
        default=1,
        description="2: two neighbouring columns share a multiplier of 8 by 25 bits, which is one "
        "DSP block of a Xilinx device, for operands of at most 8 bits and an even number of cols "
        "(output_stationary only); results come one cycle later. Default 1.",
    )

    @property
    def subpanels(self) -> int:
        """Groups of `cols` output channels in a panel of `lanes`."""
        return -(-self.lanes // self.cols)

    @property
    def product_bits(self) -> int:
        """Bits of a signed register that holds any product."""
        return self.a.bits + self.b.bits + (not (self.a.signed or self.b.signed))

    def word_lanes(self) -> int:
        return self.lanes

    def conflicts(self) -> Iterator[Conflict]:
        yield from self._width_conflicts()
        yield from self._unused_conflicts()
        if self.products_per_dsp == 2:
            yield from self._product_conflicts()
        if self.dataflow == "weight_stationary":
            for feed in ("a_feed", "b_feed"):
                if getattr(self, feed) == "k_outer":
                    yield Conflict(
                        path=(feed,),
                        parties=((feed,), ("dataflow",)),
                        rule="must be k_inner with dataflow weight_stationary",
                        help="or choose dataflow output_stationary",
                    )

    def _width_conflicts(self) -> Iterator[Conflict]:
        least = max(self.rows, self.cols)
        if self.lanes < least:
            yield Conflict(
                path=("lanes",),
                parties=(("lanes",), ("rows",), ("cols",)),
                rule=f"must be at least {least}, the larger of rows {self.rows} and "
                f"cols {self.cols}",
                help=f"the default here is {default_lanes(self.rows, self.cols)}",
            )
        if self.accumulator_bits < self.product_bits:
            yield Conflict(
                path=("accumulator_bits",),
                parties=(("accumulator_bits",), ("a",), ("b",)),
                rule=f"must be at least {self.product_bits}, the width of a product of "
                f"a {self.a} and b {self.b}",
            )
        if self.param_sets < self.subpanels:
            yield Conflict(
                path=("param_sets",),
                parties=(("param_sets",), ("lanes",), ("cols",)),
                rule=f"must be at least {self.subpanels}, the sets of one panel: lanes "
                f"{self.lanes} / cols {self.cols} rounded up",
            )

    def _product_conflicts(self) -> Iterator[Conflict]:
        """What two products of one multiplier ask for."""
        key = "products_per_dsp"
        if self.dataflow != "output_stationary":
            yield Conflict(
                path=(key,),
                parties=((key,), ("dataflow",)),
                rule=f"must be 1 with dataflow {self.dataflow}",
                help="or choose dataflow output_stationary",
            )
        if self.cols % 2:
            yield Conflict(
                path=(key,),
                parties=((key,), ("cols",)),
                rule=f"must be 1 with an odd number of cols, here {self.cols}",
            )
        for name, number in (("a", self.a), ("b", self.b)):
            if number.bits > PAIRED_BITS:
                yield Conflict(
                    path=(key,),
                    parties=((key,), (name,)),
                    rule=f"must be 1 with operands of more than {PAIRED_BITS} bits, {name} is "
                    f"{number}",
                )

    def _unused_conflicts(self) -> Iterator[Conflict]:
        """Keys that were written and would do nothing."""
        yield from requantize_conflicts(self, self.output, self.requantize)
        written = self.model_fields_set
        if self.dataflow == "output_stationary" and "accumulator_rows" in written:
            yield _unused("accumulator_rows", "dataflow", "output_stationary", "weight_stationary")

    def accelerator_conflicts(self) -> Iterator[Conflict]:
        required: tuple[tuple[str, Any], ...] = (
            ("a", _INT8),
            ("b", _INT8),
            ("accumulator_bits", 32),
            ("a_feed", "k_inner"),
            ("b_feed", "k_inner"),
            ("output", "int8"),
        )
        for key, only in required:
            if getattr(self, key) != only:
                yield Conflict(
                    path=(key,), parties=((key,),), rule=f"must be {only} in an accelerator"
                )

    def size(self) -> HardwareSize:
        num_pes = self.rows * self.cols
        operands = self.a.bits + self.b.bits + self.product_bits
        if self.dataflow == "output_stationary":
            pe_bits = operands + 2 * self.accumulator_bits
            accumulators = 0
        else:
            pe_bits = operands + self.b.bits + self.accumulator_bits
            accumulators = self.accumulator_rows * self.cols * self.accumulator_bits
        word_bits = self.lanes * (self.a.bits + self.b.bits)
        edge_bits = self.cols * REQUANTIZER_REGISTER_BITS + word_bits * 2
        parameters = self.param_sets * self.cols * PARAMETER_BITS if self.output == "int8" else 0
        return HardwareSize(
            num_pes=num_pes,
            register_bits=num_pes * pe_bits + edge_bits,
            memory_bits=accumulators + parameters + 2 * self.lanes * word_bits,
        )


def requantize_conflicts(
    section: TemplateSection, output: str, requantize: RequantizeSection
) -> Iterator[Conflict]:
    """Keys of requantisation that were written and would do nothing."""
    for key in ("requantize", "param_sets"):
        if output == "raw" and key in section.model_fields_set:
            yield _unused(key, "output", "raw", "int8")
    if requantize.mode == "exact" and "multiplier_bits" in requantize.model_fields_set:
        yield Conflict(
            path=("requantize", "multiplier_bits"),
            parties=(("requantize", "multiplier_bits"), ("requantize", "mode")),
            rule="has no effect with requantize.mode exact",
            help="delete it, or choose mode fixed",
        )


def _unused(key: str, other: str, value: str, wanted: str) -> Conflict:
    return Conflict(
        path=(key,),
        parties=((key,), (other,)),
        rule=f"has no effect with {other} {value}",
        help=f"delete it, or choose {other} {wanted}",
    )
