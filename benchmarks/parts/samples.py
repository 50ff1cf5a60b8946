"""Rows of tables of runs beside what their designs are made of."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from tilewright.hw.lib.structure import Structure

from .resource_designs import DesignSpec

RowOf = TypeVar("RowOf")


@dataclass(frozen=True)
class Sample(Generic[RowOf]):
    """One row of a table beside what its design is made of."""

    row: RowOf
    structure: Structure


def samples_as_they_are(
    rows: Sequence[Any],
    designs: Iterable[DesignSpec],
    structure: Callable[[DesignSpec, Any], Structure],
) -> list[Sample[Any]]:
    """The rows of designs as they are now, held out or not as they are now; `structure` of a design
    for its row.
    """
    specs = {design.key: design for design in designs}
    found = []
    for row in rows:
        design = specs.get(row.key)
        if design is not None and json.loads(row.spec) == design.data:
            row = replace(row, held_out=design.is_held_out)
            found.append(Sample(row, structure(design, row)))
    return found
