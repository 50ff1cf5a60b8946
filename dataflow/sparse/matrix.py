"""A sparse matrix of integers, or of places without values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from tilewright.spec.numbers import NumberFormat

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class SparseMatrix:
    """`rows` x `columns` with stored entries in CSR order: row after row, columns not falling.

    Row i has the entries [pointers[i], pointers[i + 1]); `indices` are their columns, `values`
    their values, None if the file has places only. Entries at one place add up. Zeros may be
    stored.
    """

    rows: int
    columns: int
    pointers: Ints
    indices: Ints
    values: Ints | None = None

    def __post_init__(self) -> None:
        for name in ("pointers", "indices", "values"):
            array = getattr(self, name)
            if array is not None:
                frozen = np.array(array, np.int64)
                frozen.flags.writeable = False
                object.__setattr__(self, name, frozen)
        self._check()

    @property
    def num_entries(self) -> int:
        """Stored entries."""
        return len(self.indices)

    @property
    def density(self) -> float:
        """Stored entries by places; 0 for a matrix without places."""
        places = self.rows * self.columns
        return self.num_entries / places if places else 0.0

    @property
    def rows_of_entries(self) -> Ints:
        """The row of each entry."""
        return np.repeat(np.arange(self.rows), np.diff(self.pointers))

    def with_random_values(self, number_format: NumberFormat, seed: int) -> SparseMatrix:
        """The same places with uniform values of a format, none of them 0."""
        random = np.random.default_rng(seed)
        low, high = number_format.minimum, number_format.maximum
        values = random.integers(low, high, self.num_entries)  # one value less: 0 is left out
        return self._with(np.where(values >= 0, values + 1, values))

    def without_values(self) -> SparseMatrix:
        """The places alone."""
        return self._with(None)

    @staticmethod
    def from_entries(
        shape: tuple[int, int], rows: Any, indices: Any, values: Any = None
    ) -> SparseMatrix:
        """From entries in any order; those at one place keep theirs."""
        rows, indices = np.asarray(rows, np.int64), np.asarray(indices, np.int64)
        order = np.lexsort((indices, rows))
        pointers = np.zeros(shape[0] + 1, np.int64)
        np.cumsum(np.bincount(rows, minlength=shape[0]), out=pointers[1:])
        return SparseMatrix(
            rows=shape[0],
            columns=shape[1],
            pointers=pointers,
            indices=indices[order],
            values=None if values is None else np.asarray(values, np.int64)[order],
        )

    @staticmethod
    def from_scipy(matrix: Any, *, has_values: bool = True) -> SparseMatrix:
        """From a matrix or array of scipy.sparse in any format; values must be whole."""
        entries = scipy.sparse.coo_array(matrix)
        values = None
        if has_values:
            values = np.asarray(entries.data)
            whole = values.astype(np.int64)
            if not np.array_equal(whole, values):
                raise ValueError("values must be whole numbers of at most 64 bits")
            values = whole
        rows, indices = entries.coords
        return SparseMatrix.from_entries(entries.shape, rows, indices, values)

    def to_csr(self) -> Any:
        """A `scipy.sparse.csr_array`; places without values hold ones."""
        values = np.ones(self.num_entries, np.int64) if self.values is None else self.values
        arrays = (values.copy(), self.indices.copy(), self.pointers.copy())
        return scipy.sparse.csr_array(arrays, shape=(self.rows, self.columns))

    def to_bsr(self, block_rows: int, block_columns: int) -> Any:
        """A `scipy.sparse.bsr_array`; rows and columns are rounded up to whole blocks."""
        rows = -(-self.rows // block_rows) * block_rows
        columns = -(-self.columns // block_columns) * block_columns
        whole = self.to_csr()
        whole.resize((rows, columns))
        return whole.tobsr((block_rows, block_columns))

    def _with(self, values: Ints | None) -> SparseMatrix:
        return SparseMatrix(
            rows=self.rows,
            columns=self.columns,
            pointers=self.pointers,
            indices=self.indices,
            values=values,
        )

    def _check(self) -> None:
        if min(self.rows, self.columns) < 0 or len(self.pointers) != self.rows + 1:
            raise ValueError("pointers: one for each row, and one more")
        if self.pointers[0] != 0 or np.any(np.diff(self.pointers) < 0):
            raise ValueError("pointers: start at 0 and do not fall")
        if self.pointers[-1] != len(self.indices):
            raise ValueError("pointers: end at the number of entries")
        if self.num_entries and not 0 <= self.indices.min() <= self.indices.max() < self.columns:
            raise ValueError("indices: columns of the matrix")
        steps = np.diff(self.indices) < 0
        within = np.diff(self.rows_of_entries) == 0
        if np.any(steps & within):
            raise ValueError("indices: do not fall within a row")
        if self.values is not None and len(self.values) != self.num_entries:
            raise ValueError("values: one for each entry")
