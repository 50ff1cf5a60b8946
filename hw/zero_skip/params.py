"""Parameters of the zero_skip template. Pure: no Amaranth here."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

from tilewright.spec.numbers import NumberFormat

from ..lib.params import CommandFormat, Field, require

Function = Literal["zeros", "threshold", "delta"]

FUNCTIONS: Final[tuple[Function, ...]] = ("zeros", "threshold", "delta")
VALUE_BITS = range(2, 17)
MAX_LANES = 64
MAX_ELEMENTS = 1 << 16
INT8 = NumberFormat(bits=8)


@dataclass(frozen=True, kw_only=True)
class ZeroSkipParams:
    """Keeps the elements of a packet that matter, `lanes` of them per word.

    `function`: `zeros` keeps what is not 0, `threshold` what is larger than theta in magnitude,
    `delta` the change against the value last sent, where it is larger than theta. A packet has at
    most `elements` positions; positions beyond count from 0 again.
    """

    lanes: int
    elements: int
    function: Function = "zeros"
    value: NumberFormat = INT8

    def __post_init__(self) -> None:
        for name, maximum in (("lanes", MAX_LANES), ("elements", MAX_ELEMENTS)):
            require(name, getattr(self, name), 1)
            if getattr(self, name) > maximum:
                raise ValueError(f"{name}: at most {maximum}, got {getattr(self, name)}")
        if self.lanes & (self.lanes - 1):
            raise ValueError(f"lanes: a power of two, got {self.lanes}")
        if self.function not in FUNCTIONS:
            raise ValueError(f"function: one of {', '.join(FUNCTIONS)}, got {self.function!r}")
        if self.value.bits not in VALUE_BITS:
            raise ValueError(f"value: 2..16 bits, got {self.value.bits}")

    @property
    def words(self) -> int:
        """Input words of the longest packet."""
        return -(-self.elements // self.lanes)

    @property
    def word_bits(self) -> int:
        """Width of the number of an input word in its packet."""
        return max(1, (self.words - 1).bit_length())

    @property
    def stages(self) -> int:
        """Stages of the routing network: bits that tell the lanes apart."""
        return (self.lanes - 1).bit_length()

    @property
    def lane_bits(self) -> int:
        """Width of the number of a lane."""
        return max(1, self.stages)

    @property
    def index_bits(self) -> int:
        """Width of an index: word number above, lane below."""
        return max(1, (self.words * self.lanes - 1).bit_length())

    @property
    def has_command(self) -> bool:
        """Whether packets have a command: all but `zeros` need theta."""
        return self.function != "zeros"

    @property
    def result(self) -> NumberFormat:
        """What leaves: the value, or a change, which is signed and one bit wider."""
        if self.function == "delta":
            return NumberFormat(self.value.bits + 1)
        return self.value

    @property
    def input_bits(self) -> int:
        """Width of an input word without `last`: values, and one valid bit each."""
        return self.lanes * (self.value.bits + 1)

    @property
    def output_bits(self) -> int:
        """Width of an output word without `last`: values, indices, one valid bit each."""
        return self.lanes * (self.result.bits + self.index_bits + 1)

    @cached_property
    def command_format(self) -> CommandFormat:
        """Of a packet: `theta`, unsigned; `delta` also whether the state counts as 0."""
        theta = Field(name="theta", bits=self.value.bits)
        reset = (Field(name="is_reset", bits=1),) if self.function == "delta" else ()
        return CommandFormat(fields=(theta, *reset))
