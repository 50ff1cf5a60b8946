"""Silicon area of a design as `estimate` tells it, where no board says what it is built of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from tilewright.hw.lib.cell_area import CellArea, cell_area_of, cell_table, libraries
from tilewright.hw.lib.structure import Structure
from tilewright.spec import AcceleratorSpec, Spec

__all__ = ["area_report"]

NOT_GIVEN = "area not given"
PERCENT = 100


def area_report(
    spec: Spec, structure: Structure
) -> tuple[list[tuple[str, str]], Mapping[str, Any]]:
    """Rows for people and data for programs; memories are counted where the spec's sweep says what
    a bit of them takes.
    """
    asked = spec.sweep.area if isinstance(spec, AcceleratorSpec) and spec.sweep else None
    library = (asked.library if asked is not None else None) or next(iter(libraries()), "")
    if library not in libraries():
        return [], {}
    found = cell_area_of(structure, library)
    label = f"area {library.split('_')[0]}"
    if found is None:
        text = f"not known: no run of {library} has parts of {structure.space}"
        return [(label, f"{text}; tilewright synth --family asic")], {}
    um2_per_bit = None if asked is None else asked.memory_um2_per_bit
    memories, text = f"memories of {found.macro_bits:,} bits", ""
    if um2_per_bit is not None:
        text = f"{found.with_memories(um2_per_bit):,.0f} um2, in it {memories} "
        text += f"at {um2_per_bit:g} um2 per bit, and "
    text += f"{found.cells_um2:,.0f} um2{_error(found)} of cells"
    if found.macro_bits and um2_per_bit is None:
        text += f"; {memories}: {NOT_GIVEN}"
    return [(label, text), ("area from", _source(library))], {"area": _data(found, um2_per_bit)}


def _error(found: CellArea) -> str:
    """The worst error on designs that no fit has seen."""
    return "" if found.accuracy is None else f" +-{PERCENT * found.accuracy.worst:.0f} %"


def _source(library: str) -> str:
    fit = cell_table()["libraries"][library]
    return (
        f"cells sized for {fit['freq_mhz']:g} MHz, fitted to {fit['accuracy']['fitted']} designs "
        f"synthesised by yosys {fit['yosys']} ({fit['date']}); docs/asic.md"
    )


def _data(found: CellArea, um2_per_bit: float | None) -> dict[str, Any]:
    whole = None if um2_per_bit is None else found.with_memories(um2_per_bit)
    return {
        "library": found.library,
        "cells_um2": found.cells_um2,
        "memory_bits": found.macro_bits,
        "area_um2": found.cells_um2 if not found.macro_bits else whole,
        "accuracy": None if found.accuracy is None else asdict(found.accuracy),
    }
