"""Committed tables of runs: a CSV file with a line for each frozen object of one class."""

from __future__ import annotations

import csv
import fcntl
import tempfile
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar

RowOf = TypeVar("RowOf")


def read_objects(kind: type[RowOf], path: Path) -> list[RowOf]:
    """The table; empty if there is none."""
    if not path.exists():
        return []
    kinds = {field.name: field.type for field in fields(kind)}  # type: ignore[arg-type]
    with path.open(newline="") as file:
        return [
            kind(**{name: _value(kinds[name], text) for name, text in row.items()})
            for row in csv.DictReader(file)
        ]


def _value(kind: Any, text: str) -> Any:
    if kind is bool:
        return text == "True"
    return kind(text)


def put_object(row: Any, path: Path, key: Callable[[Any], tuple[str, ...]]) -> None:
    """Put a row in the place of that with its key; runs side by side wait for each other."""
    with (Path(tempfile.gettempdir()) / f"tilewright-{path.stem}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = [old for old in read_objects(type(row), path) if key(old) != key(row)]
        partial = path.with_suffix(".partial")
        with partial.open("w", newline="") as file:
            names = [field.name for field in fields(row)]
            writer = csv.DictWriter(file, names, lineterminator="\n")
            writer.writeheader()
            for each in sorted([*kept, row], key=key):
                writer.writerow(asdict(each))
        partial.replace(path)
