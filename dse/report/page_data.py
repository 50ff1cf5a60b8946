"""What the page's script gets: columns, front, goals, details, in the shortest form."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tilewright.dataflow.serial import plain

from ..point_detail import PointDetail
from ..space_goals import Constraint, Goals, Objective
from ..sweep_file import INDEX, SweepFile
from .sensitivity import Codes

DIGITS = 7
MOST_AXIS_VALUES = 1000
"""Of a parameter with more values those of the designs listed are shown."""


def short_names(paths: Sequence[str]) -> dict[str, str]:
    """Each path's shortest end that no other path has."""
    found = {}
    for path in paths:
        parts = path.split(".")
        ends = (".".join(parts[-count:]) for count in range(1, len(parts) + 1))
        found[path] = next(
            (
                end
                for end in ends
                if sum(other == end or other.endswith(f".{end}") for other in paths) == 1
            ),
            path,
        )
    return found


def page_data(
    file: SweepFile, codes: Mapping[str, Codes], details: Mapping[int, PointDetail]
) -> dict[str, Any]:
    """Plain data; rows stand for designs, `index` is left out where a row's number is its own."""
    index = list(file.columns[INDEX])
    num_rows = len(index)
    names = short_names([parameter.path for parameter in file.space.parameters])
    row_of = {design: row for row, design in enumerate(index)}
    return {
        "num_rows": num_rows,
        "index": None if index == list(range(num_rows)) else index,
        "parameters": [
            {
                "path": parameter.path,
                "short": names[parameter.path],
                "unit": parameter.unit,
                "is_derived": parameter.is_derived,
                **_by_size(parameter.values, codes[parameter.path]),
            }
            for parameter in file.space.parameters
        ],
        "metrics": [
            {
                "name": name,
                "unit": source.unit,
                "error": source.error,
                "values": [_rounded(value) for value in file.columns[name]],
            }
            for name, source in file.metrics.items()
        ],
        "objectives": plain(file.objectives),
        "constraints": plain(file.constraints),
        "front": [row_of[design] for design in file.front],
        "first": first_row(file, details),
        "confirmations": {str(one.index): plain(one) for one in file.confirmations},
        "details": {str(design): plain(detail) for design, detail in details.items()},
    }


def goals_of(file: SweepFile) -> Goals:
    """The sweep's objectives, and the constraints whose columns there are."""
    return Goals(
        objectives=tuple(Objective(metric=o.metric, goal=o.direction) for o in file.objectives),
        constraints=tuple(
            Constraint(name=one.name, metric=one.metric, minimum=one.minimum, maximum=one.maximum)
            for one in file.constraints
            if one.metric in file.columns
        ),
    )


def worst_excesses(file: SweepFile) -> NDArray[np.float64]:
    """By row how far the design lies outside of the constraint that it misses most, as
    `Constraint.excess`; <= 0: it meets all.
    """
    goals = goals_of(file)
    columns = {
        one.metric: np.array(file.columns[one.metric], np.float64) for one in goals.constraints
    }
    excesses = goals.excesses({INDEX: file.columns[INDEX], **columns})
    known = np.where(np.isnan(excesses), -np.inf, excesses)
    worst: NDArray[np.float64] = known.max(axis=1, initial=-np.inf)
    return worst


def first_row(file: SweepFile, details: Collection[int] = ()) -> int:
    """The row that is shown first: of the front (if some have details, of those), the nearest to
    the best of all objectives, each scaled to the range there; without a front the one that comes
    nearest to all constraints; -1 if there is no design.
    """
    if not file.front:
        return int(worst_excesses(file).argmin()) if file.columns[INDEX] else -1
    known = [design for design in file.front if design in details]
    rows = [file.row_of(design) for design in known or file.front]
    metrics = {o.metric: np.array(file.columns[o.metric], np.float64) for o in file.objectives}
    costs = goals_of(file).costs(metrics)[rows]
    reach = np.ptp(costs, axis=0)
    scaled = (costs - costs.min(axis=0)) / np.where(reach > 0, reach, 1.0)
    return rows[int((scaled**2).sum(axis=1).argmin())]


def _by_size(values: Sequence[Any], codes: Codes) -> dict[str, Any]:
    """Numbers rise, whatever the order in the spec; words stay in theirs; none comes last."""
    if len(values) > MOST_AXIS_VALUES:
        listed, codes = np.unique(codes, return_inverse=True)
        values = [values[i] for i in listed.tolist()]
    numbers = [type(value) in (int, float) for value in values if value is not None]
    order = list(range(len(values)))
    if all(numbers):
        order.sort(key=lambda i: (values[i] is None, values[i] or 0))
    else:
        order.sort(key=lambda i: values[i] is None)
    place = np.argsort(np.array(order, np.int64)) if order else np.zeros(0, np.int64)
    return {"values": [values[i] for i in order], "codes": place[codes].tolist()}


def _rounded(value: Any) -> Any:
    """Whole numbers as they are, others to the digits that a screen can show."""
    if not isinstance(value, float):
        return value
    is_whole = value.is_integer() and abs(value) < 1e15
    return int(value) if is_whole else float(f"{value:.{DIGITS}g}")
