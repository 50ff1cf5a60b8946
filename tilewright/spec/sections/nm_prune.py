"""Keys of the `nm_prune` template: an online N:M pruner."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ..kinds import choice, number_format, whole
from ..numbers import NumberFormat
from .base import Conflict, HardwareSize, TemplateSection
from .nm_sparse import MAX_GROUP
from .systolic import MAX_SIDE

PIPELINE_STAGES = 12  # registers and buffer places that a group's bits go through; an estimate
_INT8 = NumberFormat(8)


class NMPruneSection(TemplateSection):
    """Keeps the largest magnitudes of each group of values, one group per cycle."""

    summary: ClassVar[str] = "the N largest magnitudes of each group of M values, with indices"
    logic_keys: ClassVar[str] = "group or cols"
    memory_keys: ClassVar[str] = "group or cols"

    template: Annotated[Literal["nm_prune"], choice("nm_prune")] = Field(
        description="The template's name."
    )
    group: Annotated[int, whole(1, MAX_GROUP)] = Field(
        description=f"M of N:M: values of a group, 1 to {MAX_GROUP}. N is said by each command."
    )
    values: Annotated[NumberFormat, number_format(2, 16)] = Field(
        default=_INT8, description="Number format of the values. Default int8."
    )
    max_kept: Annotated[int, whole(1, MAX_GROUP)] = Field(
        default_factory=lambda data: data["group"],
        description="The largest N, 1 to `group`. Default `group`.",
    )
    output: Annotated[Literal["groups", "words"], choice("groups", "words")] = Field(
        default="groups",
        description="groups: a word per group, `max_kept` elements (value, index) and their mask. "
        "words: weight words of nm_sparse, an element of each of `cols` groups. Default groups.",
    )
    cols: Annotated[int, whole(1, MAX_SIDE)] = Field(
        default=16,
        description="Columns of the array that takes the words (output words only). Default 16.",
    )

    def conflicts(self) -> Iterator[Conflict]:
        if self.max_kept > self.group:
            yield Conflict(
                path=("max_kept",),
                parties=(("max_kept",), ("group",)),
                rule=f"must be at most {self.group}, the group",
            )
        if self.output == "groups" and "cols" in self.model_fields_set:
            yield Conflict(
                path=("cols",),
                parties=(("cols",), ("output",)),
                rule="has no effect with output groups",
                help="delete it, or choose output words",
            )

    def size(self) -> HardwareSize:
        element_bits = self.values.bits + max(1, (self.group - 1).bit_length())
        columns = 2 * self.cols * self.max_kept if self.output == "words" else 0
        group_bits = self.group * self.values.bits
        return HardwareSize(
            register_bits=PIPELINE_STAGES * group_bits + self.group**2 + columns * element_bits
        )
