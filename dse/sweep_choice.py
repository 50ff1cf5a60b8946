"""Which designs of a sweep are looked at closely: the best ones, and some at random. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .pareto import front_indices
from .sweep import Kept, Sweep
from .sweep_tasks import with_paths


def best_designs(sweep: Sweep, kept: Kept, count: int) -> list[int]:
    """At most `count` designs that meet all constraints: the front's first, then that of the
    others, and so on. Within a front the best of each objective, then always the one that is
    farthest from those chosen, so that they cover it; costs count by their ranges.
    """
    numbers = np.array(sorted(kept), dtype=np.int64)
    if not len(numbers):
        return []
    columns = _columns(sweep, numbers, kept)
    is_feasible = np.all(sweep.goals.excesses(columns) <= 0, axis=1)
    left, costs = numbers[is_feasible], sweep.goals.costs(columns)[is_feasible]
    chosen: list[int] = []
    while len(left) and len(chosen) < count:
        rows = front_indices(costs)
        places = spread(costs[rows], count - len(chosen))
        chosen += left[rows][places].tolist()
        is_left = np.ones(len(left), dtype=bool)
        is_left[rows] = False
        left, costs = left[is_left], costs[is_left]
    return chosen


def random_designs(kept: Kept, count: int, *, but: Sequence[int], seed: int) -> list[int]:
    """At most `count` designs of those with numbers, each with the same probability."""
    others = sorted(set(kept) - set(but))
    rng = np.random.default_rng(seed)
    return sorted(rng.permutation(np.array(others, dtype=np.int64))[:count].tolist())


def spread(costs: NDArray[np.float64], count: int) -> list[int]:
    """At most `count` rows: the least of each column, then the farthest from those chosen."""
    ranges = np.ptp(costs, axis=0)
    scaled = (costs - costs.min(axis=0)) / np.where(ranges > 0, ranges, 1.0)
    chosen = list(dict.fromkeys(int(row) for row in scaled.argmin(axis=0)))[:count]
    while len(chosen) < min(count, len(costs)):
        gaps = np.abs(scaled[:, None, :] - scaled[chosen][None, :, :]).max(axis=2).min(axis=1)
        gaps[chosen] = -1.0
        chosen.append(int(gaps.argmax()))
    return chosen


def _columns(sweep: Sweep, numbers: NDArray[np.int64], kept: Kept) -> Mapping[str, Any]:
    names = sweep.evaluation.metrics
    metrics = {name: np.array([kept[n][name] for n in numbers.tolist()], float) for name in names}
    return with_paths(sweep.space, sweep.goals, numbers, metrics)
