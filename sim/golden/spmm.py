"""Golden model of the spmm template: a sparse matrix, entry by entry, times a dense one."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .requantize import wrap


def spmm(
    num_rows: int,
    rows: ArrayLike,
    columns: ArrayLike,
    values: ArrayLike,
    b: ArrayLike,
    accumulator_bits: int,
) -> NDArray[np.int64]:
    """A B, sums wrapped at `accumulator_bits`.

    A has `num_rows` rows; entry i has value `values[i]` at (`rows[i]`, `columns[i]`). Entries at
    the same place add up. `values` of two dimensions are columns of blocks: entry i then covers
    the rows [r * block_rows, (r + 1) * block_rows), r = `rows[i]`, and `num_rows` counts rows of
    blocks.
    """
    stored = np.asarray(values, np.int64)
    stored = stored[:, None] if stored.ndim == 1 else stored
    dense = np.asarray(b, np.int64)
    row_ids, column_ids = np.asarray(rows, np.int64), np.asarray(columns, np.int64)
    sums = np.zeros((num_rows, stored.shape[1], dense.shape[1]), np.int64)
    # int64 wraps at 64 bits, and its low bits are right whatever the sum.
    for row, column, value in zip(row_ids, column_ids, stored, strict=True):
        sums[row] += value[:, None] * dense[column][None, :]
    return wrap(sums.reshape(num_rows * stored.shape[1], dense.shape[1]), accumulator_bits)
