"""Random sparse matrices, and what lanes answer for them: for the cases of every mode of spmm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tilewright.hw.spmm.params import SpmmParams
from tilewright.sim.golden.spmm import spmm

Ints = NDArray[np.int64]

KINDS = ("random", "empty_rows", "dense_row", "duplicates", "empty", "sparse", "extremes")
MOST_ENTRIES = 160


@dataclass(frozen=True, kw_only=True)
class Matrices:
    """A (stored values sorted by row, a block's rows side by side) and the dense B of a packet."""

    name: str
    num_rows: int
    rows: Ints
    columns: Ints
    values: Ints
    b: Ints

    def product(self, params: SpmmParams) -> Ints:
        """C: rows of blocks, rows of a block, columns."""
        flat = spmm(
            self.num_rows, self.rows, self.columns, self.values, self.b, params.accumulator_bits
        )
        return flat.reshape(self.num_rows, params.block_rows, self.b.shape[1])


def draw_matrices(params: SpmmParams, rng: np.random.Generator, kind: str = "") -> Matrices:
    """A packet's matrices of a `kind` (one of KINDS, or drawn), small enough for the store."""
    kind = kind or str(rng.choice(KINDS))
    most_panels = max(1, min(params.max_panels, 3, params.bank_words))
    num_columns = int(rng.integers(1, most_panels * params.pass_columns + 1))
    panels = -(-num_columns // params.pass_columns)
    room = params.bank_words // panels * (1 if params.mode == "broadcast" else params.banks)
    depth = int(rng.integers(1, min(40, room) + 1))
    num_rows = int(rng.integers(1, min(params.max_rows, 24) + 1))
    rows, columns = _places(kind, num_rows, depth, rng)
    low, high = params.a_format.minimum, params.a_format.maximum
    values = rng.integers(low, high + 1, (len(rows), params.block_rows))
    if len(rows) and rng.random() < 0.3:  # values that need few limbs, and stored zeros
        values = np.clip(values >> int(rng.integers(1, params.a_format.bits + 1)), low, high)
    b = rng.integers(params.b_format.minimum, params.b_format.maximum + 1, (depth, num_columns))
    if kind == "extremes":
        values = np.where(rng.random(values.shape) < 0.8, low, high)
        b = np.where(rng.random(b.shape) < 0.8, params.b_format.minimum, params.b_format.maximum)
    return Matrices(name=kind, num_rows=num_rows, rows=rows, columns=columns, values=values, b=b)


def _places(kind: str, num_rows: int, depth: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Rows and columns of the stored values, sorted by row."""
    density = {"empty": 0.0, "sparse": 0.05, "dense_row": 0.1}.get(kind, rng.uniform(0.1, 0.6))
    mask = rng.random((num_rows, depth)) < density
    if kind == "empty_rows":
        mask[rng.random(num_rows) < 0.5] = False
    if kind == "dense_row":
        mask[rng.integers(num_rows)] = True
    rows, columns = (part[:MOST_ENTRIES] for part in np.nonzero(mask))
    if kind == "duplicates":
        again = rng.integers(1, 4, len(rows))
        rows, columns = np.repeat(rows, again), np.repeat(columns, again)
    return rows.astype(np.int64), columns.astype(np.int64)
