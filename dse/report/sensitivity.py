"""How much each parameter matters: what a change of it alone does to each metric.

For two neighbouring values of a parameter, of those that designs with numbers have, all designs
are paired whose other parameters (derived ones aside) are equal; of each pair the metric's quotient
counts, and the effect of the step is the geometric mean of the quotients (of differences the mean,
for a metric that is not above 0 everywhere). The effect of the parameter is that of all its steps
one after the other. Parameters that a condition leaves out on one side of the step cannot be equal:
there the mean over their values is paired, and they are named. Where a sweep lists a sample of its
designs, few have a partner: a step with less than `LEAST_PAIRS` is the quotient of the means over
all designs listed.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..space_domains import Value
from ..sweep_file import SweepFile

LEAST_PAIRS: Final = 30
Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Step:
    """From one value to the next. `mean`, `low`, `high`: factors, or differences where the metric
    is not above 0 everywhere; over `num_pairs`.
    """

    start: Value
    end: Value
    mean: float
    low: float
    high: float
    num_pairs: int


@dataclass(frozen=True, kw_only=True)
class Effect:
    """Of one parameter on one metric: steps with at least one pair. `ignored`: see above."""

    parameter: str
    metric: str
    is_factor: bool
    steps: tuple[Step, ...]
    ignored: tuple[str, ...]

    @property
    def total(self) -> float:
        """From the first value to the last."""
        means = [step.mean for step in self.steps]
        return float(np.prod(means)) if self.is_factor else float(np.sum(means))

    @property
    def size(self) -> float:
        """For an order: the largest change on the way, in logarithms or relative to nothing."""
        means = np.array([step.mean for step in self.steps])
        path = np.concatenate([[0.0], np.cumsum(np.log(means) if self.is_factor else means)])
        return float(path.max() - path.min())


def codes_of(file: SweepFile) -> dict[str, Codes]:
    """For each parameter, the place of each design's value among `values`."""
    found = {}
    for parameter in file.space.parameters:
        place = {(type(value), value): i for i, value in enumerate(parameter.values)}
        column = file.columns[parameter.path]
        found[parameter.path] = np.array([place[(type(v), v)] for v in column], np.int64)
    return found


def effects(file: SweepFile, codes: dict[str, Codes]) -> tuple[Effect, ...]:
    """Of each parameter that is not derived on each metric, strongest parameter first."""
    chosen = [parameter for parameter in file.space.parameters if not parameter.is_derived]
    values = {name: np.array(file.columns[name], np.float64) for name in file.metrics}
    by_parameter = []
    for parameter in chosen:
        others = [other.path for other in chosen if other.path != parameter.path]
        absent = {other.path: other.values.index(None) for other in chosen if None in other.values}
        least = LEAST_PAIRS if file.num_left_out else 0
        pairs = list(_pairs(parameter, codes, others, absent, least))
        found = [_effect(parameter.path, name, column, pairs) for name, column in values.items()]
        by_parameter.append([effect for effect in found if effect.steps])
    goals = {objective.metric for objective in file.objectives}

    def strength(of: Sequence[Effect]) -> float:
        return max((e.size for e in of if e.metric in goals and e.is_factor), default=0.0)

    by_parameter.sort(key=strength, reverse=True)
    return tuple(effect for of in by_parameter for effect in of)


@dataclass(frozen=True, kw_only=True)
class _Pairing:
    """Rows of two values, and the group of each: equal groups are pairs."""

    start: Value
    end: Value
    rows: tuple[Codes, Codes]
    groups: tuple[Codes, Codes]
    num_groups: int
    ignored: tuple[str, ...]


def _pairs(
    parameter: Any,
    codes: dict[str, Codes],
    others: Sequence[str],
    absent: dict[str, int],
    least: int,
) -> Iterator[_Pairing]:
    mine = codes[parameter.path]
    listed = np.unique(mine).tolist()  # a value of which no design has numbers is no step
    present = [i for i in listed if parameter.values[i] is not None]
    for one, other in itertools.pairwise(present):
        rows = (np.flatnonzero(mine == one), np.flatnonzero(mine == other))
        ignored = tuple(path for path in others if _is_one_sided(path, codes, rows, absent))
        key = [codes[path] for path in others if path not in ignored]
        groups, num_groups = _groups(key, rows)
        if least and len(np.intersect1d(*groups)) < least:
            ignored = tuple(others)
            groups, num_groups = _groups([], rows)
        yield _Pairing(
            start=parameter.values[one],
            end=parameter.values[other],
            rows=rows,
            groups=groups,
            num_groups=num_groups,
            ignored=ignored,
        )


def _is_one_sided(
    path: str, codes: dict[str, Codes], rows: tuple[Codes, Codes], absent: dict[str, int]
) -> bool:
    """Whether a parameter is left out throughout on one side, and not on the other."""
    if path not in absent:
        return False
    out = [bool((codes[path][side] == absent[path]).all()) for side in rows]
    return out[0] != out[1]


def _groups(key: Sequence[Codes], rows: tuple[Codes, Codes]) -> tuple[tuple[Codes, Codes], int]:
    both = np.concatenate(rows)
    inverse = np.zeros(len(both), np.int64)
    num_groups = 1
    for column in key:  # one column after the other, so that numbers stay below designs x values
        joined = inverse * (int(column.max()) + 1) + column[both]
        distinct, inverse = np.unique(joined, return_inverse=True)
        num_groups = len(distinct)
    return (inverse[: len(rows[0])], inverse[len(rows[0]) :]), num_groups


def _effect(path: str, metric: str, values: Floats, pairs: Sequence[_Pairing]) -> Effect:
    is_factor = bool((values > 0).all())
    scaled = np.log(values) if is_factor else values
    steps, ignored = [], []
    for pair in pairs:
        sums, counts = [], []
        for rows, groups in zip(pair.rows, pair.groups, strict=True):
            sums.append(np.bincount(groups, scaled[rows], pair.num_groups))
            counts.append(np.bincount(groups, minlength=pair.num_groups))
        is_both = (counts[0] > 0) & (counts[1] > 0)
        if not is_both.any():
            continue
        change = sums[1][is_both] / counts[1][is_both] - sums[0][is_both] / counts[0][is_both]
        found = np.array([change.mean(), change.min(), change.max()])
        mean, low, high = (np.exp(found) if is_factor else found).tolist()
        steps.append(
            Step(
                start=pair.start,
                end=pair.end,
                mean=mean,
                low=low,
                high=high,
                num_pairs=int(is_both.sum()),
            )
        )
        ignored += [name for name in pair.ignored if name not in ignored]
    return Effect(
        parameter=path,
        metric=metric,
        is_factor=is_factor,
        steps=tuple(steps),
        ignored=tuple(ignored),
    )
