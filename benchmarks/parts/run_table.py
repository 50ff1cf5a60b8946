"""Tables of runs as CSV files: one frozen object a line, the first field names it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

__all__ = ["read_table", "write_row"]

R = TypeVar("R")


def read_table(kind: type[R], path: Path) -> dict[str, R]:
    """The rows of a table by their first field; fields are texts, integers and floats."""
    if not path.exists():
        return {}
    types: dict[str, Callable[[str], Any]] = get_type_hints(kind)
    with path.open(newline="") as file:
        return {
            next(iter(row.values())): kind(
                **{name: types[name](text) for name, text in row.items()}
            )
            for row in csv.DictReader(file)
        }


def write_row(row: Any, path: Path, order: Sequence[str]) -> None:
    """Put a row in its table, whose lines are in the `order` of their first fields."""
    names = [field.name for field in fields(row)]
    rows = read_table(type(row), path) | {getattr(row, names[0]): row}
    partial = path.with_suffix(".partial")
    with partial.open("w", newline="") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(rows[name]) for name in order if name in rows)
    partial.replace(path)
