"""The section `area` of a sweep: which cells, what memories take, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from tilewright.dse.block_parts import AreaModel
from tilewright.hw.lib.cell_area import libraries
from tilewright.spec.diagnostics import suggestion
from tilewright.spec.sections.base import Conflict
from tilewright.spec.sweep import SweepSection

from .metrics import AREA

NEEDED = (
    f"{AREA} needs what memories take: write `area: {{memory_um2_per_bit: NUMBER, memory_source: "
    "TEXT}` in the sweep"
)


def area_of(section: SweepSection) -> AreaModel | None:
    """The cells and memories of a section; None: areas are not asked for, or of cells that nobody
    has fitted.
    """
    asked = section.area
    if asked is None:
        return None
    library = asked.library or next(iter(libraries()), "")
    if library not in libraries():
        return None
    return AreaModel(
        library=library,
        memory_um2_per_bit=asked.memory_um2_per_bit,
        memory_source=asked.memory_source,
    )


def area_conflicts(section: SweepSection) -> Iterator[Conflict]:
    """A library without a fit."""
    if section.area is not None and area_of(section) is None:
        name = section.area.library or "none"
        yield Conflict(
            path=("area", "library"),
            rule="must be a cell library that runs were fitted to",
            value=name,
            help=suggestion(name, libraries(), "name"),
        )


def with_advice(section: SweepSection, conflicts: Iterable[Conflict]) -> list[Conflict]:
    """The conflicts; where a goal names an area that is not measured, with what that takes. Where
    the section `area` is wrong, that is told instead.
    """
    about = [conflict for conflict in conflicts if conflict.value == AREA]
    others = [conflict for conflict in conflicts if conflict.value != AREA]
    advised = [replace(conflict, help=NEEDED) for conflict in about]
    return others + (advised if section.area is None else [])
