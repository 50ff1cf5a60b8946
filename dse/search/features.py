"""Designs as points for a surrogate: near designs are near points."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..space import Space
from ..space_domains import Parameter

Floats = NDArray[np.float64]


def features(space: Space, indices: NDArray[Any]) -> Floats:
    """One row per design. A number is one column, scaled to 0..1 by its logarithm if all its values
    are positive and span a factor of 4; text is a column per value; where a parameter is absent,
    its columns hold the middle and a further column says so.
    """
    states = space.states_at(indices)
    columns: list[Floats] = []
    for parameter in space.free:
        points = _points(parameter)
        if len(points) < 2 and parameter.when is None:
            continue
        absent = np.full((1, points.shape[1]), 0.5)
        state = states[parameter.path]
        columns += list(np.concatenate([points, absent])[state].T)
        if parameter.when is not None:
            columns.append((state == len(points)).astype(np.float64))
    return np.stack(columns, axis=1) if columns else np.zeros((len(indices), 1))


def _points(parameter: Parameter) -> Floats:
    """The columns of each value."""
    values = parameter.points()
    is_number = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    if not is_number:
        categories: Floats = np.eye(len(values))
        return categories if len(values) > 2 else categories[:, 1:]
    numbers = np.array(values, dtype=np.float64)
    if numbers.min() > 0 and numbers.max() >= 4 * numbers.min():
        numbers = np.log2(numbers)
    span = numbers.max() - numbers.min()
    scaled: Floats = (numbers - numbers.min()) / (span or 1.0)
    return scaled[:, None]
