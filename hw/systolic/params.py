"""Parameters of the systolic template. Pure: no Amaranth here."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Literal

from tilewright.spec.numbers import NumberFormat

from ..lib.params import CommandFormat, Field, loop_fields, require
from ..lib.requantize_params import RequantizeMode, RequantizeParams

Dataflow = Literal["output_stationary", "weight_stationary"]
Feed = Literal["k_inner", "k_outer"]
Output = Literal["int8", "raw"]

NUM_LOOPS = 4
ENTRY_BITS = 64  # one parameter entry: bias and scale of an output channel
WORD_ELEMENT_BITS = 8  # a parameter word is as wide as a memory word, whose elements have 8 bits
RESULT_BITS = 8
LARGE_PES = 8 * 8
OPERAND_BITS = range(2, 17)
GROUP_LOG2 = 2
GROUP = 1 << GROUP_LOG2  # elements of a serialiser's word among which it chooses in a cycle
PAIRED_BITS = 8  # of operands whose products share a multiplier


INT8 = NumberFormat(bits=8)


@dataclass(frozen=True, kw_only=True)
class ElementParams:
    """`num` elements of `bits` bits side by side."""

    num: int
    bits: int


@dataclass(frozen=True, kw_only=True)
class FeedParams:
    """An edge buffer of `num_blocks` blocks of `block_words` words of `word_bits` bits."""

    word_bits: int
    block_words: int
    num_blocks: int

    @property
    def depth_words(self) -> int:
        """Words that fit."""
        return self.block_words * self.num_blocks


@dataclass(frozen=True, kw_only=True)
class SystolicParams:
    """A systolic array of `rows` x `cols` PEs with its feeds and its drain.

    `lanes` elements make an operand word. A feed is `k_inner` (a word is `lanes` values of k of one
    row or column) or `k_outer` (a word holds all rows or columns at one k). `output` is `int8`
    (bias, requantize, saturate) or `raw` (accumulators). `param_sets` sets of `cols` parameter
    entries are kept in the array. `edge_blocks` k blocks of operand words are buffered at each
    edge. `accumulator_rows` is the depth of a weight-stationary array's accumulator memory.
    `bound_bits` is the width of a command's loop bounds. `products_per_dsp` 2 lets two
    neighbouring columns of an output-stationary array share a multiplier of 8 by 25 bits.
    """

    rows: int
    cols: int
    lanes: int
    dataflow: Dataflow = "output_stationary"
    a_format: NumberFormat = INT8
    b_format: NumberFormat = INT8
    accumulator_bits: int = 32
    a_feed: Feed = "k_inner"
    b_feed: Feed = "k_inner"
    output: Output = "int8"
    requantize: RequantizeMode = "exact"
    multiplier_bits: int = 24
    param_sets: int = 4
    accumulator_rows: int = 512
    bound_bits: int = 16
    edge_blocks: int = 2
    products_per_dsp: int = 1

    def __post_init__(self) -> None:
        for name in ("rows", "cols", "lanes", "param_sets", "accumulator_rows", "bound_bits"):
            require(name, getattr(self, name), 1)
        require("edge_blocks", self.edge_blocks, 2)
        for name in ("rows", "cols"):
            if self.lanes < getattr(self, name):
                raise ValueError(
                    f"lanes: at least {name} = {getattr(self, name)}, got {self.lanes}"
                )
        _check_choice("dataflow", self.dataflow, ("output_stationary", "weight_stationary"))
        for name in ("a_feed", "b_feed"):
            _check_choice(name, getattr(self, name), ("k_inner", "k_outer"))
        _check_choice("output", self.output, ("int8", "raw"))
        for name in ("a_format", "b_format"):
            if (bits := getattr(self, name).bits) not in OPERAND_BITS:
                raise ValueError(f"{name}: 2..16 bits, got {bits}")
        if not 8 <= self.accumulator_bits <= 48:
            raise ValueError(f"accumulator_bits: 8..48, got {self.accumulator_bits}")
        self._check_products()
        self.requantize_params  # noqa: B018 - checks mode and multiplier_bits

    def _check_products(self) -> None:
        if self.products_per_dsp not in (1, 2):
            raise ValueError(f"products_per_dsp: 1 or 2, got {self.products_per_dsp}")
        if self.products_per_dsp == 1:
            return
        if self.dataflow != "output_stationary":
            raise ValueError(f"products_per_dsp: 1 with dataflow {self.dataflow}, got 2")
        if self.cols % 2:
            raise ValueError(f"products_per_dsp: 1 with an odd number of cols {self.cols}, got 2")
        for name in ("a_format", "b_format"):
            if (bits := getattr(self, name).bits) > PAIRED_BITS:
                raise ValueError(f"products_per_dsp: 1 with {name} of {bits} bits, got 2")

    @cached_property
    def requantize_params(self) -> RequantizeParams:
        """The requantizers of the drain, one per column."""
        return RequantizeParams(
            accumulator_bits=self.accumulator_bits,
            mode=self.requantize,
            multiplier_bits=self.multiplier_bits,
            settings_are_static=True,
        )

    @property
    def is_large(self) -> bool:
        """Whether rows are modules of their own, and long chains are built from halves.

        Verilator simulates both forms equally fast; below, nothing is gained.
        """
        return self.rows * self.cols >= LARGE_PES

    @property
    def has_parameters(self) -> bool:
        """Whether results are requantized."""
        return self.output == "int8"

    @property
    def a_word_bits(self) -> int:
        """Width of an A word."""
        return self.lanes * self.a_format.bits

    @property
    def b_word_bits(self) -> int:
        """Width of a B word."""
        return self.lanes * self.b_format.bits

    @property
    def product_bits(self) -> int:
        """Bits of a signed number that holds any product."""
        is_unsigned = not (self.a_format.signed or self.b_format.signed)
        return self.a_format.bits + self.b_format.bits + is_unsigned

    @property
    def pe_operand_bits(self) -> int:
        """Width of what goes down a column, or a pair of columns that share a multiplier."""
        bits = self.b_format.bits
        return bits if self.products_per_dsp == 1 else 2 * bits + 1

    @property
    def param_word_bits(self) -> int:
        """Width of a parameter word: that of a memory word."""
        return WORD_ELEMENT_BITS << (self.lanes - 1).bit_length()

    @property
    def words_per_set(self) -> int:
        """Parameter words of a set: `cols` entries, padded to a word."""
        return -(-self.cols * ENTRY_BITS // self.param_word_bits)

    @property
    def output_word_bits(self) -> int:
        """Width of an output word: one result per column."""
        return self.cols * (RESULT_BITS if self.has_parameters else self.accumulator_bits)

    @cached_property
    def command_format(self) -> CommandFormat:
        """Loops innermost first; zero point, minimum and maximum of int8 results."""
        settings = tuple(
            Field(name=name, bits=self.requantize_params.setting_bits, signed=True)
            for name in ("zero_point", "minimum", "maximum")
            if self.has_parameters
        )
        return CommandFormat(fields=(*loop_fields(NUM_LOOPS, self.bound_bits), *settings))


@dataclass(frozen=True, kw_only=True)
class RowGroupParams:
    """`rows` rows of an array, whose sums are collected in `levels` steps."""

    array: SystolicParams
    rows: int
    levels: int


def engine_params(values: Mapping[str, int | str], *, bound_bits: int) -> SystolicParams:
    """Parameters from those of an engine of a `Machine`: sizes, dataflow, requantisation."""
    names = {field.name for field in fields(SystolicParams)}
    unknown = sorted(set(values) - names)
    if unknown:
        raise ValueError(f"a systolic engine has no parameter {', '.join(unknown)}")
    return SystolicParams(**values, bound_bits=bound_bits)  # type: ignore[arg-type]


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name}: one of {', '.join(choices)}, got {value!r}")
