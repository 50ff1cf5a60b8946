"""A sweep for programs: all designs as CSV, and what a report finds as JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from tilewright.dataflow.serial import plain

from ..point_detail import PointDetail
from ..space_domains import Value
from ..sweep_file import INDEX, SweepFile
from .page_data import worst_excesses
from .sensitivity import Effect

FEASIBLE: Final = "feasible"
_TRUTH: Final = {True: "true", False: "false"}
FORMAT: Final = "tilewright-exploration-1"
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""With one of these a text is a formula to a spreadsheet."""


def designs_csv(file: SweepFile) -> str:
    """A line for each design: number, whether it is on the front, if there are constraints whether
    it meets them all, parameters, metrics. A text that a spreadsheet would take for a formula gets
    an apostrophe in front.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    names = [name for name in file.columns if name != INDEX]
    front = set(file.front)
    columns = [file.columns[name] for name in names]
    if file.constraints:
        names.insert(0, FEASIBLE)
        columns.insert(0, tuple(_TRUTH[excess <= 0] for excess in worst_excesses(file).tolist()))
    writer.writerow([INDEX, "is_on_front", *map(_cell, names)])
    for index, *values in zip(file.columns[INDEX], *columns, strict=True):
        writer.writerow([index, int(index in front), *map(_cell, values)])
    return text.getvalue()


def _cell(value: Value | None) -> Value:
    if value is None:
        return ""
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return value


def report_data(
    file: SweepFile, details: Mapping[int, PointDetail], effects: Sequence[Effect]
) -> dict[str, Any]:
    """Everything of the page but the designs off the front, which are in `designs.csv`."""
    data = plain(file)
    del data["columns"]
    return {
        "format": FORMAT,
        **data,
        "front": [_front_point(file, index, details.get(index)) for index in file.front],
        "sensitivity": [{**asdict(effect), "total": effect.total} for effect in effects],
    }


def _front_point(file: SweepFile, index: int, detail: PointDetail | None) -> dict[str, Any]:
    row = file.row_of(index)
    point: dict[str, Any] = {
        "index": index,
        "settings": {p.path: file.columns[p.path][row] for p in file.space.parameters},
        "metrics": {name: file.columns[name][row] for name in file.metrics},
    }
    if detail is not None:
        point["waterfall"] = plain(detail.waterfall)
        point["mean_utilisation"] = detail.mean_utilisation
        point["limit"] = detail.sentence
    return point
