"""Parameters of the nm_sparse template. Pure: no Amaranth here."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from ..lib.params import CommandFormat, Field, require
from ..systolic.params import NUM_LOOPS, Dataflow, Feed, SystolicParams

Mux = Literal["pe", "row"]

MAX_GROUP = 16


@dataclass(frozen=True, kw_only=True)
class NMSparseParams(SystolicParams):
    """An output-stationary systolic array whose weights are compressed.

    Of each `group` consecutive k of a column at most `kept` weights are not zero; `kept` is said by
    each command, 1 to `group`. A weight word has a (value, index) for each column (`mux: pe`, every
    PE selects its operand from the group of activations that passes) or a value for each column and
    one index for all (`mux: row`, the columns of a tile share their pattern and each row selects
    once). An activation word has `feed_lanes` values of k of every row. `edge_groups` groups of
    activations are buffered per row, at least 2, and `edge_blocks` weight words; `edge_groups` 0
    stands for as many as never hold the array up.
    """

    lanes: int = field(init=False)
    dataflow: Dataflow = field(default="output_stationary", init=False)
    a_feed: Feed = field(default="k_outer", init=False)
    b_feed: Feed = field(default="k_outer", init=False)
    products_per_dsp: int = field(default=1, init=False)
    group: int = 4
    feed_lanes: int = 2
    mux: Mux = "pe"
    edge_groups: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "lanes", max(self.rows, self.cols))
        super().__post_init__()
        if not 1 <= self.group <= MAX_GROUP:
            raise ValueError(f"group: 1..{MAX_GROUP}, got {self.group}")
        if not 1 <= self.feed_lanes <= self.group:
            raise ValueError(f"feed_lanes: 1..{self.group} (group), got {self.feed_lanes}")
        if self.mux not in ("pe", "row"):
            raise ValueError(f"mux: one of pe, row, got {self.mux!r}")
        if self.edge_groups:
            require("edge_groups", self.edge_groups, 2)
        else:
            object.__setattr__(self, "edge_groups", self.full_rate_groups)

    @property
    def full_rate_groups(self) -> int:
        """Groups that must fit so that their room never holds up the activation words.

        That of a group comes back `group_words + rows + 2` cycles after its first word.
        """
        return -(-(self.group_words + self.rows + 2) // self.group_words)

    @property
    def index_bits(self) -> int:
        """Width of an index into a group; one bit at least, which Verilog can say."""
        return max(1, (self.group - 1).bit_length())

    @property
    def group_words(self) -> int:
        """Activation words of a group."""
        return -(-self.group // self.feed_lanes)

    @property
    def group_bits(self) -> int:
        """Width of a row's group of activations."""
        return self.group * self.a_format.bits

    @property
    def part_bits(self) -> int:
        """A row's share of an activation word."""
        return self.feed_lanes * self.a_format.bits

    @property
    def weight_bits(self) -> int:
        """A column's share of a weight word: value below, index above with `mux: pe`."""
        return self.b_format.bits + (self.index_bits if self.mux == "pe" else 0)

    @property
    def a_word_bits(self) -> int:
        """Width of an activation word."""
        return self.rows * self.part_bits

    @property
    def b_word_bits(self) -> int:
        """Width of a weight word; with `mux: row` the index is on top."""
        return self.cols * self.weight_bits + (self.index_bits if self.mux == "row" else 0)

    @cached_property
    def command_format(self) -> CommandFormat:
        """The loops, `last_step` (kept - 1), settings of int8 results."""
        fields = super().command_format.fields
        step = Field(name="last_step", bits=self.index_bits)
        return CommandFormat(fields=(*fields[:NUM_LOOPS], step, *fields[NUM_LOOPS:]))
