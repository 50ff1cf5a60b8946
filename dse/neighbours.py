"""Designs of a sweep that differ in one parameter, and with it in what hangs on it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .point_detail import Tried
from .sweep_file import SweepFile, SweptParameter
from .sweep_values import written_value

CYCLES: Final = "cycles"
BATCH: Final = "verify.batch"
"""One start of a design with another value does other work: its cycles say nothing."""
Flags = NDArray[np.bool_]


def known_changes(file: SweepFile, index: int) -> tuple[Tried, ...]:
    """The cycles of the designs listed that differ from design `index` in one parameter. Derived
    parameters are no difference, nor is one that a condition leaves out of one of the two designs.
    """
    chosen = [one for one in file.space.parameters if not one.is_derived]
    if CYCLES not in file.columns or not chosen:
        return ()
    row = file.row_of(index)
    differs = np.array([_differs(file, one, row) for one in chosen])
    found = []
    for place in np.flatnonzero(differs.sum(axis=0) == 1).tolist():
        which = int(differs[:, place].argmax())
        if chosen[which].path != BATCH:
            found.append(_tried(file, [chosen[which], *chosen], row, place))
    return tuple(found)


def _differs(file: SweepFile, parameter: SweptParameter, row: int) -> Flags:
    """By design: whether it has another value than design `row`, and both have one."""
    column = file.columns[parameter.path]
    mine = column[row]
    if mine is None:
        return np.zeros(len(column), np.bool_)
    return np.array([value is not None and value != mine for value in column], np.bool_)


def _tried(file: SweepFile, parameters: Sequence[SweptParameter], row: int, place: int) -> Tried:
    """The design at `place`; `parameters`: first the one that differs, then all."""
    texts = {}
    for one in parameters:
        value = file.columns[one.path][place]
        if value is not None and value != file.columns[one.path][row]:
            texts[one.path] = f"{one.path}: {written_value(value, one.unit)}"
    return Tried(
        change=" with ".join(texts.values()),
        cycles=int(file.columns[CYCLES][place]),  # type: ignore[arg-type]
        design=int(file.columns["index"][place]),  # type: ignore[arg-type]
        breaks=", ".join(_broken(file, place)),
    )


def _broken(file: SweepFile, place: int) -> list[str]:
    """The constraints that a design fails."""
    found = []
    for one in file.constraints:
        value = file.columns.get(one.metric, (None,) * (place + 1))[place]
        if not isinstance(value, int | float):
            continue
        is_low = one.minimum is not None and value < one.minimum
        if is_low or (one.maximum is not None and value > one.maximum):
            found.append(one.name)
    return found
