"""Sparse matrices from files, by the ending of their names."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tilewright.spec.diagnostics import Diagnostic, SpecError, suggestion
from tilewright.spec.numbers import NumberFormat

from .matrix import SparseMatrix
from .matrix_market import ValueRule, parse_matrix_market
from .smtx import parse_smtx
from .text import read_text

ENDINGS: Final = (".mtx", ".smtx")


def read_matrix(
    path: Path | str,
    *,
    has_values: bool = True,
    number_format: NumberFormat | None = None,
) -> SparseMatrix:
    """The matrix of a `.mtx` or `.smtx` file.

    Without `has_values` its values are not looked at; with a `number_format` each must fit it.

    Raises:
        SpecError: with all that is wrong in the file, each with its line and column.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        help = suggestion(ending, ENDINGS, "ending")
        rule = "must end in .mtx or .smtx to say what it is"
        raise SpecError([Diagnostic.plain(str(path), "", rule, help=help)])
    text = read_text(path, has_commas=ending == ".smtx")
    if ending == ".smtx":
        return parse_smtx(text)
    return parse_matrix_market(text, ValueRule(is_kept=has_values, format=number_format))
