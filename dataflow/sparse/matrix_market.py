"""`.mtx` files: the Matrix Market exchange format, as far as it has whole numbers.

A banner, comments, a line of sizes, then `row column value` of each entry (`coordinate`), or all
values column after column (`array`). Symmetric matrices store one half: the other is added.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tilewright.spec.numbers import NumberFormat

from .matrix import SparseMatrix
from .text import MAX_ENTRIES, MAX_SIDE, MatrixText, check_size, whole

BANNER = "%%MatrixMarket"
CHOICES = (
    ("object", ("matrix",)),
    ("format", ("coordinate", "array")),
    ("field", ("real", "integer", "pattern")),
    ("symmetry", ("general", "symmetric", "skew-symmetric")),
)
MAX_EXACT = 1 << 53
_REAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eEdD][+-]?[0-9]{1,4})?", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class ValueRule:
    """What becomes of values: without `is_kept` they only need be numbers; each fits a `format`."""

    is_kept: bool = True
    format: NumberFormat | None = None


@dataclass(frozen=True, kw_only=True)
class _Header:
    format: str
    field: str
    symmetry: str
    rows: int
    columns: int
    entries: int
    body: int  # first line behind the sizes

    @property
    def is_symmetric(self) -> bool:
        return self.symmetry != "general"


def parse_matrix_market(text: MatrixText, rule: ValueRule) -> SparseMatrix:
    """The matrix of a file's lines; `SpecError` has what is wrong.

    Zeros of an `array` are not stored.
    """
    header = _read_header(text)
    parse = _coordinates if header.format == "coordinate" else _array
    rows: list[int] = []
    columns: list[int] = []
    values: list[int] = []
    is_skew = header.symmetry == "skew-symmetric"
    for row, column, value in parse(text, header, rule):
        rows.append(row)
        columns.append(column)
        values.append(value)
        if header.is_symmetric and row != column:
            rows.append(column)
            columns.append(row)
            values.append(-value if is_skew else value)
    text.stop()
    keeps_values = rule.is_kept and header.field != "pattern"
    return SparseMatrix.from_entries(
        (header.rows, header.columns), rows, columns, values if keeps_values else None
    )


def _read_header(text: MatrixText) -> _Header:
    words = text.words(0)
    if not words or words[0] != BANNER:
        text.say(0, f"must begin with `{BANNER}`", path="banner", word=0)
        raise text.error()
    if len(words) != 1 + len(CHOICES):
        names = " ".join(name for name, _ in CHOICES)
        text.say(0, f"must be `{BANNER} {names}`", path="banner", value=f"{len(words)} words")
        raise text.error()
    chosen = []
    for place, ((name, known), word) in enumerate(zip(CHOICES, words[1:], strict=True), start=1):
        chosen.append(word.lower())
        if chosen[-1] not in known:
            text.say(0, f"must be {' or '.join(known)}", path=name, word=place, value=word)
    _, kind, field, symmetry = chosen
    if kind == "array" and field == "pattern":
        text.say(0, "an array has values, not a pattern", path="field", word=3, value=field)
    text.stop()
    line = _skip(text, 1)
    return _read_sizes(text, line, kind, field, symmetry)


def _read_sizes(text: MatrixText, line: int, kind: str, field: str, symmetry: str) -> _Header:
    names = ["rows", "columns"] + (["entries"] if kind == "coordinate" else [])
    words = text.words(line)
    if len(words) != len(names):
        rule = f"must be `{' '.join(names)}`"
        text.say(line, rule, path="sizes", value=f"{len(words)} words")
        raise text.error()
    limits = (MAX_SIDE, MAX_SIDE, MAX_ENTRIES)[: len(names)]
    numbers = [whole(word) for word in words]
    sizes = check_size(text, line, zip(names, numbers, words, limits, strict=True))
    if sizes is None:
        raise text.error()
    rows, columns = sizes[:2]
    if symmetry != "general" and rows != columns:
        rule = f"must be square to be {symmetry}"
        text.say(line, rule, path="sizes", value=f"{rows} x {columns}")
    entries = sizes[2] if kind == "coordinate" else _stored(symmetry, rows, columns)
    if entries > MAX_ENTRIES:
        text.say(line, f"has at most {MAX_ENTRIES} entries", path="sizes", value=str(entries))
    text.stop()
    return _Header(
        format=kind,
        field=field,
        symmetry=symmetry,
        rows=rows,
        columns=columns,
        entries=entries,
        body=line + 1,
    )


def _stored(symmetry: str, rows: int, columns: int) -> int:
    """Values of an array: all, or those on and below (or below) the diagonal."""
    if symmetry == "general":
        return rows * columns
    return rows * (rows + 1) // 2 if symmetry == "symmetric" else rows * (rows - 1) // 2


def _skip(text: MatrixText, line: int) -> int:
    """The next line that is neither blank nor a comment."""
    while line < len(text.lines) and (
        text.lines[line].startswith("%") or not text.lines[line].strip()
    ):
        line += 1
    return line


def _lines(text: MatrixText, header: _Header) -> Iterator[tuple[int, list[str]]]:
    """Number and words of the lines of entries; their count must be right."""
    line, count = _skip(text, header.body), 0
    while line < len(text.lines):
        count += 1
        if count > header.entries:
            rule = f"is one too many: the sizes say {header.entries} entries"
            text.say(line, rule, path="entries", word=0)
            return
        yield line, text.words(line)
        line = _skip(text, line + 1)
    if count < header.entries:
        rule = f"must be {header.entries}, as the sizes say"
        text.say(len(text.lines) - 1, rule, path="entries", value=str(count))


def _coordinates(
    text: MatrixText, header: _Header, rule: ValueRule
) -> Iterator[tuple[int, int, int]]:
    has_field = header.field != "pattern"
    num_words = 3 if has_field else 2
    for number, (line, words) in enumerate(_lines(text, header), start=1):
        path = f"entry {number}"
        if len(words) != num_words:
            form = "row column value" if has_field else "row column"
            text.say(line, f"must be `{form}`", path=path, value=f"{len(words)} words")
            continue
        row = _index(text, line, 0, words[0], header.rows, f"{path}, row")
        column = _index(text, line, 1, words[1], header.columns, f"{path}, column")
        value = _value(text, line, 2, words[2], header, path, rule) if has_field else 1
        if row is None or column is None or value is None:
            continue
        least = row if header.symmetry == "symmetric" else row - 1
        if header.is_symmetric and column > least:
            where = "on or below" if header.symmetry == "symmetric" else "below"
            place = f"must lie {where} the diagonal of a {header.symmetry} matrix"
            text.say(line, place, path=path, word=1, value=f"{row + 1} {column + 1}")
            continue
        yield row, column, value


def _array(text: MatrixText, header: _Header, rule: ValueRule) -> Iterator[tuple[int, int, int]]:
    below = int(header.symmetry == "skew-symmetric")  # the diagonal is not stored
    places = (
        (row, column)
        for column in range(header.columns)
        for row in range(column + below if header.is_symmetric else 0, header.rows)
    )
    for (line, words), (row, column) in zip(_lines(text, header), places, strict=False):
        path = f"value of {row + 1} {column + 1}"
        if len(words) != 1:
            text.say(line, "must be one value", path=path, value=f"{len(words)} words")
            continue
        value = _value(text, line, 0, words[0], header, path, rule)
        if value:
            yield row, column, value


def _index(text: MatrixText, line: int, place: int, word: str, most: int, path: str) -> int | None:
    """A row or column, which count from 1 in the file and from 0 here."""
    number = whole(word)
    if number is None or not 1 <= number <= most:
        rule = f"must be a whole number from 1 to {most}" if most else "has no places"
        text.say(line, rule, path=path, word=place, value=word)
        return None
    return number - 1


def _value(
    text: MatrixText,
    line: int,
    place: int,
    word: str,
    header: _Header,
    path: str,
    rule: ValueRule,
) -> int | None:
    """A value; if values are not kept 1, or 0 for a zero; None if it is wrong."""
    number = whole(word)
    is_real = header.field == "real" and _REAL.fullmatch(word) is not None
    if number is None and is_real:
        real = float(re.sub("[dD]", "e", word))
        if not rule.is_kept:
            return int(real != 0)
        if real.is_integer() and abs(real) <= MAX_EXACT:
            number = int(real)
    if number is None:
        kind = "a whole number" if rule.is_kept or header.field == "integer" else "a number"
        help = "`--values random` draws whole numbers for the same places" if is_real else None
        text.say(line, f"must be {kind}", path=path, word=place, value=word, help=help)
        return None
    if not rule.is_kept:
        return int(number != 0)
    other = -number if header.symmetry == "skew-symmetric" else number  # its mirror image
    kept = rule.format
    if kept is not None and not all(kept.minimum <= n <= kept.maximum for n in (number, other)):
        limits = f"must be from {kept.minimum} to {kept.maximum}, as {kept} holds"
        text.say(line, limits, path=path, word=place, value=word)
        return None
    return number
