"""Columns of a block of designs: which combinations of values there are, each told once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.intp]
DENSE_CODES = 1 << 20
"""Up to so many possible combinations a table of all of them is faster than sorting."""

FEW_CODES, FEW_TEXTS = 1 << 8, 16
PLAIN = {int, type(None)}


@dataclass(frozen=True, kw_only=True)
class Kinds:
    """Rows that are equal have one kind: `first` is a row of each, `of` the kind of each row."""

    first: Indices
    of: Indices

    def __len__(self) -> int:
        return len(self.first)


def kinds_of(columns: Sequence[NDArray[Any]], rows: int) -> Kinds:
    """The distinct rows of some columns; one kind if there is no column."""
    code = np.zeros(rows, np.int64)
    size = 1
    for column in columns:
        codes, num = _codes(column)
        if size * num > DENSE_CODES:
            kinds = _kinds(code, size)
            code, size = kinds.of, len(kinds)
        code = code * num + codes
        size *= num
    return _kinds(code, size)


def _codes(column: NDArray[Any]) -> tuple[NDArray[Any], int]:
    """A number for each distinct value, from 0; and a bound of them."""
    if column.dtype.kind == "b":
        return column.astype(np.int64), 2
    if column.dtype.kind == "i" and len(column):
        low, high = int(column.min()), int(column.max())
        if high - low < FEW_CODES:
            return column - low, high - low + 1
        if high - low < DENSE_CODES:
            kinds = _kinds(column - low, high - low + 1)
            return kinds.of, len(kinds)
    if column.dtype.kind == "U" and (found := _few_texts(column)) is not None:
        return found
    return _by_value(column.tolist())


def _few_texts(column: NDArray[Any]) -> tuple[NDArray[Any], int] | None:
    """The same of words of which there are not many; comparing them is faster than reading them."""
    codes = np.empty(len(column), np.int64)
    left = np.arange(len(column))
    for number in range(FEW_TEXTS):
        if not len(left):
            return codes, max(1, number)
        is_same = column[left] == column[left[0]]
        codes[left[is_same]] = number
        left = left[~is_same]
    return None


def _by_value(values: list[Any]) -> tuple[NDArray[Any], int]:
    kinds = set(map(type, values))
    # 1, 1.0 and True are equal.
    keys = values if kinds <= PLAIN else list(zip(map(type, values), values, strict=True))
    index = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    codes = np.fromiter(map(index.__getitem__, keys), np.int64, len(keys))
    return codes, max(1, len(index))


def _kinds(code: NDArray[Any], size: int) -> Kinds:
    if size > DENSE_CODES:
        _, first, of = np.unique(code, return_index=True, return_inverse=True)
        return Kinds(first=first, of=of)
    places = np.full(size, -1, np.int32)
    rows = np.arange(len(code), dtype=np.int32)
    places[code[::-1]] = rows[::-1]
    seen = np.flatnonzero(places >= 0)
    first = places[seen].astype(np.intp)
    places[seen] = np.arange(len(seen))
    return Kinds(first=first, of=places[code].astype(np.intp))
