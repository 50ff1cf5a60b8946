"""Silicon area of a design in a cell library, by fitted coefficients. Pure.

    cells = sum over parts of um2 * first estimate of logic + sum over parts of um2 * registers

of the `Structure` of the family `CELLS`. The coefficients are fitted to real synthesis runs
(docs/asic.md) and lie with their provenance in `cell_area_coefficients.json`, which
`benchmarks/cell_area.py --fit` writes. A part that no run has seen takes what logic and registers
of the others take. Memories that stay macros are bits: their area is up to who asks.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from .memory_mapping import CELLS
from .resources import Accuracy
from .structure import Structure

__all__ = ["CELLS", "CellArea", "cell_amounts", "cell_area_of", "cell_table", "libraries"]

FILE: Final = Path(__file__).with_name("cell_area_coefficients.json")


@dataclass(frozen=True, kw_only=True)
class CellArea:
    """What a design takes of a cell library. `cells_um2` of cells: no utilisation, no wires, no
    clock tree; `macro_bits` of memories, which are not in it. `accuracy` of `cells_um2`.
    """

    library: str
    cells_um2: float
    macro_bits: int
    accuracy: Accuracy | None

    def with_memories(self, um2_per_bit: float) -> float:
        """um2 of the whole."""
        return self.cells_um2 + self.macro_bits * um2_per_bit


@cache
def cell_table() -> Mapping[str, Any]:
    """The fitted table: by library `first` (um2 of logic, of a register), `logic` and `registers`
    (um2 by space, then part), `accuracy`, and what it was fitted to.
    """
    loaded: dict[str, Any] = json.loads(FILE.read_text()) if FILE.exists() else {}
    return loaded


def libraries() -> tuple[str, ...]:
    """Names of the libraries that there is a fit for."""
    return tuple(cell_table().get("libraries", {}))


def cell_area_of(structure: Structure, library: str, table: Mapping[str, Any] | None = None) -> (
    CellArea | None
):  # fmt: skip
    """The fitted estimate of a design; None where no run has seen parts of its template. `table`:
    of the library, instead of the committed one.

    Raises:
        KeyError: there is no fit for the library.
    """
    fit = cell_table()["libraries"][library] if table is None else table
    if structure.space not in fit["logic"]:
        return None
    um2, macro_bits = cell_amounts(structure, library, fit)
    accuracy = fit.get("accuracy")
    return CellArea(
        library=library,
        cells_um2=um2,
        macro_bits=macro_bits,
        accuracy=None if accuracy is None else Accuracy(**accuracy),
    )


def cell_amounts(
    structure: Structure, library: str, table: Mapping[str, Any] | None = None
) -> tuple[float, int]:
    """um2 of cells and bits of macros: sums over parts, so that a design's are the sums of its
    parts' structures.
    """
    fit = cell_table()["libraries"][library] if table is None else table
    um2 = 0.0
    for kind, amounts in (("logic", structure.lut), ("registers", structure.ff)):
        first, known = fit["first"][kind], fit[kind].get(structure.space, {})
        um2 += sum(known.get(part, first) * amount for part, amount in amounts.items())
    return um2, structure.macro_bits
