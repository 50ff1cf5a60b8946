"""`.smtx` files: the places of pruned matrices, as in the deep-learning matrix collection.

Three lines: `rows, columns, entries`; row pointers; column indices. Values are not stored.
"""

from __future__ import annotations

import numpy as np

from .matrix import SparseMatrix
from .text import MAX_ENTRIES, MAX_SIDE, MatrixText, check_size, whole

SIZES, POINTERS, INDICES = range(3)


def parse_smtx(text: MatrixText) -> SparseMatrix:
    """The matrix of a file's lines; `SpecError` has what is wrong."""
    for number in range(3, len(text.lines)):
        if text.lines[number].strip():
            text.say(number, "has three lines: sizes, row pointers, column indices", word=0)
            break
    words = text.words(SIZES)
    names = ("rows", "columns", "entries")
    if len(words) != len(names):
        rule = "must be `rows, columns, entries`"
        text.say(SIZES, rule, path="sizes", value=f"{len(words)} words")
        raise text.error()
    limits = (MAX_SIDE, MAX_SIDE, MAX_ENTRIES)
    numbers = [whole(word) for word in words]
    sizes = check_size(text, SIZES, zip(names, numbers, words, limits, strict=True))
    if sizes is None:
        raise text.error()
    rows, columns, entries = sizes
    pointers = _numbers(text, POINTERS, "row pointers", rows + 1, entries)
    indices = _numbers(text, INDICES, "column indices", entries, columns - 1)
    text.stop()
    _check_pointers(text, pointers, entries)
    text.stop()
    _check_order(text, pointers, indices)
    text.stop()
    return SparseMatrix(
        rows=rows,
        columns=columns,
        pointers=np.array(pointers, np.int64),
        indices=np.array(indices, np.int64),
    )


def _numbers(text: MatrixText, line: int, name: str, count: int, most: int) -> list[int]:
    """A line of `count` numbers from 0 to `most`."""
    words = text.words(line)
    if len(words) != count:
        text.say(line, f"must be {count} numbers", path=name, value=str(len(words)))
    numbers = []
    for place, word in enumerate(words):
        number = whole(word)
        if number is None or not 0 <= number <= most:
            rule = f"must be a whole number from 0 to {most}" if most >= 0 else "has no places"
            text.say(line, rule, path=f"{name}[{place}]", word=place, value=word)
        else:
            numbers.append(number)
    return numbers


def _check_pointers(text: MatrixText, pointers: list[int], entries: int) -> None:
    if pointers[0] != 0:
        _say_pointer(text, 0, "must be 0", pointers)
    for place in range(1, len(pointers)):
        if pointers[place] < pointers[place - 1]:
            _say_pointer(text, place, f"must not fall below {pointers[place - 1]}", pointers)
    if pointers[-1] != entries:
        rule = f"must be {entries}, the number of entries"
        _say_pointer(text, len(pointers) - 1, rule, pointers)


def _say_pointer(text: MatrixText, place: int, rule: str, pointers: list[int]) -> None:
    path = f"row pointers[{place}]"
    text.say(POINTERS, rule, path=path, word=place, value=str(pointers[place]))


def _check_order(text: MatrixText, pointers: list[int], indices: list[int]) -> None:
    begins = set(pointers)
    for place in range(1, len(indices)):
        if place not in begins and indices[place] < indices[place - 1]:
            rule = f"must not fall within a row, stands behind {indices[place - 1]}"
            path = f"column indices[{place}]"
            text.say(INDICES, rule, path=path, word=place, value=str(indices[place]))
