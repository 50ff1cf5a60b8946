"""Golden model of the sddmm template: sampled scores, and the words that they leave in."""

from collections.abc import Sequence
from itertools import zip_longest

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .requantize import wrap

IntArray = NDArray[np.int64]


def sddmm(
    pointers: ArrayLike,
    columns: ArrayLike,
    queries: ArrayLike,
    keys: ArrayLike,
    accumulator_bits: int,
) -> IntArray:
    """The scores of a mask in CSR form, in stored order: row i of Q times row j of K for (i, j)."""
    rows = _rows_of(pointers)
    q = np.asarray(queries, np.int64)[rows]
    k = np.asarray(keys, np.int64)[np.asarray(columns, np.int64)]
    # int64 wraps at 64 bits, and its low bits are right whatever the sum.
    return wrap((q * k).sum(axis=1), accumulator_bits)


def lane_words(
    pointers: ArrayLike,
    scores: ArrayLike,
    lanes: int,
    accumulator_bits: int,
    row_bits: int,
    lane_rows: Sequence[Sequence[int]] | None = None,
) -> list[list[int]]:
    """The words of each lane's stream: score, row, has_score, is_end, last, the first lowest.

    The stored order is cut into as equal parts as can be, the longer ones first; or each lane has
    the whole rows of `lane_rows`. A lane without scores sends one word without a score.
    """
    values, rows = _rows(pointers, scores)
    if lane_rows is None:
        parts = [part.tolist() for part in np.array_split(np.arange(len(values)), lanes)]
    else:
        parts = [
            [n for row in own for n in range(len(rows)) if rows[n] == row] for own in lane_rows
        ]
    streams = []
    for part in parts:
        words = []
        for n, following in zip_longest(part, part[1:]):
            is_end = following is None
            is_row_end = is_end or rows[following] != rows[n]
            told = (values[n], accumulator_bits), (rows[n], row_bits), (1, 1)
            words.append(_word(*told, (is_end, 1), (is_row_end, 1)))
        empty = _word((0, accumulator_bits + row_bits + 1), (1, 1), (1, 1))
        streams.append(words or [empty])
    return streams


def row_words(
    pointers: ArrayLike,
    scores: ArrayLike,
    lanes: int,
    accumulator_bits: int,
    row_bits: int,
) -> list[int]:
    """The words of the row stream: scores, mask, row, is_end, last, the first lowest.

    Score n stands in lane n % lanes; a word ends with a row or with the last lane.
    """
    values, rows = _rows(pointers, scores)
    words = []
    begin = 0
    while begin < len(values):
        row = rows[begin]
        end = begin + 1
        while end < len(values) and rows[end] == row and end % lanes:
            end += 1
        data = mask = 0
        for n in range(begin, end):
            mask |= 1 << (n % lanes)
            data |= _word((values[n], accumulator_bits)) << (n % lanes * accumulator_bits)
        is_end = end == len(values)
        is_row_end = is_end or rows[end] != row
        told = (data, lanes * accumulator_bits), (mask, lanes), (row, row_bits)
        words.append(_word(*told, (is_end, 1), (is_row_end, 1)))
        begin = end
    return words or [_word((0, lanes * (accumulator_bits + 1) + row_bits), (1, 1), (1, 1))]


def _rows(pointers: ArrayLike, scores: ArrayLike) -> tuple[list[int], list[int]]:
    return np.asarray(scores, np.int64).tolist(), _rows_of(pointers).tolist()


def _rows_of(pointers: ArrayLike) -> IntArray:
    """The row of each nonzero."""
    bounds = np.asarray(pointers, np.int64)
    return np.repeat(np.arange(len(bounds) - 1), bounds[1:] - bounds[:-1])


def _word(*fields: tuple[int, int]) -> int:
    """Fields of (value, bits), the first in the lowest bits."""
    word, offset = 0, 0
    for value, bits in fields:
        word |= (int(value) & ((1 << bits) - 1)) << offset
        offset += bits
    return word
