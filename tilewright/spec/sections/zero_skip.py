"""Keys of the `zero_skip` template: keeps the elements that are worth computing with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ..kinds import choice, number_format, whole
from ..numbers import NumberFormat
from .base import Conflict, HardwareSize, TemplateSection

MAX_LANES = 64
MAX_ELEMENTS = 65536
MOST_ROWS_OF_REGISTERS = 9
"""Of the longest pipeline: states, selection, counts, slots, network, buffer."""

Function = Literal["zeros", "threshold", "delta"]
_INT8 = NumberFormat(8)


class ZeroSkipSection(TemplateSection):
    """A unit that takes many elements per cycle and leaves those that matter side by side."""

    summary: ClassVar[str] = "zero and threshold eliminator, delta encoder, many lanes wide"
    logic_keys: ClassVar[str] = "lanes"
    memory_keys: ClassVar[str] = "elements or lanes"

    template: Annotated[Literal["zero_skip"], choice("zero_skip")] = Field(
        description="The template's name."
    )
    function: Annotated[Function, choice("zeros", "threshold", "delta")] = Field(
        default="zeros",
        description="What is kept. zeros: elements that are not 0. threshold: elements larger than "
        "theta in magnitude. delta: changes larger than theta against the value last sent. "
        "Default zeros.",
    )
    lanes: Annotated[int, whole(1, MAX_LANES)] = Field(
        description=f"Elements of a stream word, a power of two, 1 to {MAX_LANES}."
    )
    elements: Annotated[int, whole(1, MAX_ELEMENTS)] = Field(
        description="Positions of the longest packet: sizes indices and, with delta, the memory of "
        f"values last sent. 1 to {MAX_ELEMENTS}."
    )
    value: Annotated[NumberFormat, number_format(2, 16)] = Field(
        default=_INT8, description="Number format of the elements. Default int8."
    )

    def word_lanes(self) -> int:
        return self.lanes

    def conflicts(self) -> Iterator[Conflict]:
        if self.lanes & (self.lanes - 1):
            lower = 1 << (self.lanes.bit_length() - 1)
            yield Conflict(
                path=("lanes",),
                parties=(("lanes",),),
                rule="must be a power of two",
                help=f"take {lower} or {2 * lower}",
            )

    def size(self) -> HardwareSize:
        words = -(-self.elements // self.lanes)
        slot_bits = self.value.bits + 1 + (self.elements - 1).bit_length() + 1
        state_bits = words * self.lanes * self.value.bits if self.function == "delta" else 0
        return HardwareSize(
            num_pes=self.lanes,
            register_bits=MOST_ROWS_OF_REGISTERS * self.lanes * slot_bits,
            memory_bits=state_bits + (MOST_ROWS_OF_REGISTERS + 3) * self.lanes * slot_bits,
        )
