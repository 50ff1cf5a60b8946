"""Fits the um2 of each part's logic and registers to the table of runs, and says how far off.

Registers first: their area against the registers counted. What is left of a design's cells is its
logic, with what registers have in front of them (enables, resets): both against the same first
estimates. Each is the least squares of relative errors of `resource_fit`, drawn towards one um2 for
all parts of a kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from scipy.optimize import nnls
from tilewright.hw.lib.cell_area import CELLS, cell_area_of

from .cell_area_table import Row, wanted
from .resource_fit import Amounts, Errors, Prior, least_squares
from .resource_table import structure_of
from .samples import Sample as SampleOf
from .samples import samples_as_they_are

PULL: Final = {"register": 0.05, "logic": 0.02}
"""As `resource_fit.PULL`."""
LOGIC, REGISTERS = "logic", "registers"


Sample = SampleOf[Row]


def samples_of(rows: Sequence[Row]) -> list[Sample]:
    """The rows of designs as they are now, each with what its design is made of."""
    return samples_as_they_are(rows, wanted(), lambda d, row: structure_of(d, CELLS))


def fit_library(samples: Sequence[Sample]) -> dict[str, Any]:
    """Coefficients of one library, from the samples that are not held out."""
    seen = [sample for sample in samples if not sample.row.held_out]
    totals = [sample.row.cell_area for sample in seen]
    stored = [sample.row.register_area for sample in seen]
    rest = [total - register for total, register in zip(totals, stored, strict=True)]
    cell = sum(stored) / sum(sample.row.registers for sample in seen)
    scales = _scales(seen, rest)
    registers = _fitted(
        [_amounts(s, ((REGISTERS, cell),)) for s in seen], stored, stored, PULL["register"]
    )
    around = _fitted(
        [_amounts(s, tuple(scales.items())) for s in seen], rest, totals, PULL["logic"]
    )
    found: dict[str, dict[str, dict[str, float]]] = {LOGIC: {}, REGISTERS: {}}
    for kind, space, part in sorted({*registers, *around}):
        um2 = registers.get((kind, space, part), 0.0) * cell
        um2 += around.get((kind, space, part), 0.0) * scales[kind]
        found[kind].setdefault(space, {})[part] = round(um2, 3)
    first = {LOGIC: scales[LOGIC], REGISTERS: cell + scales[REGISTERS]}
    return {"first": {kind: round(um2, 3) for kind, um2 in first.items()}, **found}


def _scales(seen: Sequence[Sample], rest: Sequence[float]) -> dict[str, float]:
    """um2 of an estimated LUT and in front of a register that fit all designs together best."""
    matrix = [[sum(s.structure.lut.values()), sum(s.structure.ff.values())] for s in seen]
    weights = 1 / np.array(rest)
    found, _ = nnls(np.array(matrix) * weights[:, None], np.ones(len(seen)))
    return {LOGIC: float(found[0]), REGISTERS: float(found[1])}


def _amounts(
    sample: Sample, um2: Sequence[tuple[str, float]]
) -> Mapping[tuple[str, str, str], float]:
    """First estimates in um2."""
    by_kind = {LOGIC: sample.structure.lut, REGISTERS: sample.structure.ff}
    space = sample.structure.space
    return {
        (kind, space, part): each * amount
        for kind, each in um2
        for part, amount in by_kind[kind].items()
    }


def _fitted(
    amounts: Sequence[Mapping[tuple[str, str, str], float]],
    targets: Sequence[float],
    totals: Sequence[float],
    pull: float,
) -> dict[tuple[str, str, str], float]:
    """Factors of the first estimates."""
    keyed: list[Amounts] = [
        {(kind, f"{space}\n{part}"): value for (kind, space, part), value in found.items()}
        for found in amounts
    ]
    found = least_squares(keyed, targets, totals, pull, lambda key: Prior(1.0))
    return {(kind, *name.split("\n", 1)): value for (kind, name), value in found.items()}  # type: ignore[misc]


def errors_of(
    samples: Sequence[Sample], table: Mapping[str, Any], *, held_out: bool = True
) -> Errors:
    """Relative errors of cell areas; macros are told apart by `macro_errors`."""
    errors: dict[str, float] = {}
    for sample in samples:
        found = cell_area_of(sample.structure, sample.row.library, table)
        if sample.row.held_out == held_out and found is not None:
            errors[sample.row.key] = found.cells_um2 / sample.row.cell_area - 1
    return Errors("cells", errors)


def macro_errors(samples: Sequence[Sample]) -> dict[str, int]:
    """Bits of macros that are counted and not there, by design: a rule, so there are none."""
    found = {s.row.key: s.structure.macro_bits - s.row.memory_bits for s in samples}
    return {key: bits for key, bits in found.items() if bits}
