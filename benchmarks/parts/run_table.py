"""Committed tables of runs: a CSV file with a line for each frozen object of one class."""

from __future__ import annotations

import csv
import fcntl
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

__all__ = ["put_object", "read_objects", "read_table", "write_row"]

R = TypeVar("R")


def read_objects(kind: type[R], path: Path) -> list[R]:
    """The table, empty if there is none; fields are texts, numbers, True and False."""
    if not path.exists():
        return []
    types: dict[str, Callable[[str], Any]] = get_type_hints(kind)
    with path.open(newline="") as file:
        return [
            kind(**{name: _value(types[name], text) for name, text in row.items()})
            for row in csv.DictReader(file)
        ]


def read_table(kind: type[R], path: Path) -> dict[str, R]:
    """The same by their first field."""
    return {_first(each): each for each in read_objects(kind, path)}


def put_object(row: Any, path: Path, key: Callable[[Any], Any]) -> None:
    """Put a row in the place of that with its key, by which rows are sorted; runs side by side wait
    for each other.
    """
    with (Path(tempfile.gettempdir()) / f"tilewright-{path.stem}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = [old for old in read_objects(type(row), path) if key(old) != key(row)]
        partial = path.with_suffix(".partial")
        with partial.open("w", newline="") as file:
            names = [field.name for field in fields(row)]
            writer = csv.DictWriter(file, names, lineterminator="\n")
            writer.writeheader()
            writer.writerows(asdict(each) for each in sorted([*kept, row], key=key))
        partial.replace(path)


def write_row(row: Any, path: Path, order: Sequence[str]) -> None:
    """The same for rows whose first fields are in the given `order`."""
    put_object(row, path, lambda each: order.index(_first(each)))


def _value(kind: Callable[[str], Any], text: str) -> Any:
    return text == "True" if kind is bool else kind(text)


def _first(row: Any) -> str:
    return str(getattr(row, fields(row)[0].name))
