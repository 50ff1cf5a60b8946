"""Parameters of the nm_prune template. Pure: no Amaranth here."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from tilewright.spec.numbers import NumberFormat

from ..lib.params import CommandFormat, Field, require

Output = Literal["groups", "words"]

INT8 = NumberFormat(bits=8)
MAX_GROUP = 16
VALUE_BITS = range(2, 17)


@dataclass(frozen=True, kw_only=True)
class NMPruneParams:
    """Keeps the `kept` largest magnitudes of each `group` values.

    `kept`, 1 to `max_kept`, is said by a command for each packet; `max_kept` 0 stands for `group`.
    `output` is `groups`: a word per group with `max_kept` elements (value, index) and their mask;
    or `words`: the elements of `cols` groups, one of each in a word, `kept` words, as the array of
    the nm_sparse template takes them.
    """

    group: int = 4
    value_format: NumberFormat = INT8
    max_kept: int = 0
    output: Output = "groups"
    cols: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.group <= MAX_GROUP:
            raise ValueError(f"group: 1..{MAX_GROUP}, got {self.group}")
        if not 0 <= self.max_kept <= self.group:
            raise ValueError(f"max_kept: 1..{self.group} (group), got {self.max_kept}")
        if self.max_kept == 0:
            object.__setattr__(self, "max_kept", self.group)
        if self.value_format.bits not in VALUE_BITS:
            raise ValueError(f"value_format: 2..16 bits, got {self.value_format.bits}")
        if self.output not in ("groups", "words"):
            raise ValueError(f"output: one of groups, words, got {self.output!r}")
        require("cols", self.cols, 1)

    @property
    def index_bits(self) -> int:
        """Width of an index into a group; one bit at least, which Verilog can say."""
        return max(1, (self.group - 1).bit_length())

    @property
    def magnitude_bits(self) -> int:
        """Width of a magnitude: the most negative value has one, too."""
        return self.value_format.bits

    @property
    def element_bits(self) -> int:
        """Width of an element: value below, index above."""
        return self.value_format.bits + self.index_bits

    @property
    def input_word_bits(self) -> int:
        """Width of a group of values."""
        return self.group * self.value_format.bits

    @property
    def output_word_bits(self) -> int:
        """Width of an output word without `last`."""
        if self.output == "groups":
            return self.max_kept * (self.element_bits + 1)
        return self.cols * self.element_bits

    @cached_property
    def command_format(self) -> CommandFormat:
        """`last_step`: kept - 1, the field of the same name in a command of nm_sparse."""
        return CommandFormat(fields=(Field(name="last_step", bits=self.index_bits),))
