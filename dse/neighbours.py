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


class Neighbours:
    """Of the designs of one sweep. Derived parameters are no difference, nor is one that a
    condition leaves out of one of the two designs.
    """

    def __init__(self, file: SweepFile) -> None:
        self._file = file
        self._chosen = [one for one in file.space.parameters if not one.is_derived]
        self._codes = [_codes(file, one) for one in self._chosen]

    def known(self, index: int) -> tuple[Tried, ...]:
        """The cycles of the designs listed that differ from design `index` in one parameter."""
        if CYCLES not in self._file.columns or not self._chosen:
            return ()
        row = self._file.row_of(index)
        differs = np.array([_differs(codes, row) for codes in self._codes])
        found = []
        for place in np.flatnonzero(differs.sum(axis=0, dtype=np.int8) == 1).tolist():
            which = self._chosen[int(differs[:, place].argmax())]
            if which.path != BATCH:
                found.append(_tried(self._file, [which, *self._chosen], row, place))
        return tuple(found)


def known_changes(file: SweepFile, index: int) -> tuple[Tried, ...]:
    """The same for one design alone."""
    return Neighbours(file).known(index)


def _codes(file: SweepFile, parameter: SweptParameter) -> NDArray[np.int64]:
    """By design the place of its value among the parameter's; -1: it has none."""
    place = {(type(value), value): i for i, value in enumerate(parameter.values)}
    place[type(None), None] = -1
    return np.array([place[type(v), v] for v in file.columns[parameter.path]], np.int64)


def _differs(codes: NDArray[np.int64], row: int) -> NDArray[np.bool_]:
    """By design: whether it has another value than design `row`, and both have one."""
    found: NDArray[np.bool_] = (codes != codes[row]) & (codes >= 0) & (codes[row] >= 0)
    return found


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
