"""Exact Pareto fronts and hypervolumes of designs. Costs: one row per design, smaller is better.

A design is on the front if no other is at least as good in every column and better in one; designs
with equal costs are on it together or not at all.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .pareto_core import keeps_3, keeps_4, keeps_any, unbeaten, volume_2, volume_3

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

SAMPLE_ROWS = 4096
STRONG_ROWS = 64
SMALL_ROWS = 4 * SAMPLE_ROWS


def front_indices(costs: Floats) -> Ints:
    """Rows on the Pareto front, rising.

    Two columns: by sorting; three and four: n log n and n log^2 n; more: rows x front. A first pass
    drops what a few strong designs dominate.

    Raises:
        ValueError: a cost is not finite, or there is no column.
    """
    _require_costs(costs)
    rows = np.arange(len(costs))
    if len(costs) > SMALL_ROWS:
        rows = _not_beaten_by_strong(costs)
    kept = rows[_mask(costs[rows])]
    return np.sort(kept)


def front_mask(costs: Floats) -> Bools:
    """Whether each row is on the Pareto front; as `front_indices`."""
    mask = np.zeros(len(costs), dtype=bool)
    mask[front_indices(costs)] = True
    return mask


def hypervolume(costs: Floats, reference: Floats) -> float:
    """Exact volume of what the rows dominate and `reference` bounds; other rows do not count.

    Two and three columns: a sweep. More: sums of exclusive volumes, each cut off at its row and one
    column less (L. While, L. Bradstreet, L. Barone, "A Fast Way of Calculating Exact Hypervolumes",
    IEEE Trans. Evol. Comp. 16, 2012).

    Raises:
        ValueError: a cost is not finite, or the columns are not those of the reference.
    """
    _require_costs(costs)
    if costs.shape[1:] != reference.shape:
        raise ValueError(f"{costs.shape[1]} costs need as many references, got {reference.shape}")
    inside = costs[(costs < reference).all(axis=1)]
    return _volume(inside, reference) if len(inside) else 0.0


def _require_costs(costs: Floats) -> None:
    if costs.ndim != 2 or costs.shape[1] == 0:
        raise ValueError(f"costs are rows of at least one column, got shape {costs.shape}")
    if not np.isfinite(costs).all():
        row = int(np.flatnonzero(~np.isfinite(costs).all(axis=1))[0])
        raise ValueError(f"costs must be finite, got {costs[row].tolist()} in row {row}")


def _not_beaten_by_strong(costs: Floats) -> Ints:
    """Rows that some designs of large dominated volume do not dominate; exact, only less to do."""
    sample = costs[:: max(1, len(costs) // SAMPLE_ROWS)]
    front = sample[_mask(sample)]
    least, most = sample.min(axis=0), sample.max(axis=0)
    volume = np.log1p((most - front) / np.where(most > least, most - least, 1.0)).sum(axis=1)
    strong = np.ascontiguousarray(front[np.argsort(-volume)[:STRONG_ROWS]])
    return np.flatnonzero(unbeaten(np.ascontiguousarray(costs), strong))


def _mask(costs: Floats) -> Bools:
    if len(costs) == 0:
        return np.zeros(0, dtype=bool)
    if costs.shape[1] == 1:
        only: Bools = costs[:, 0] == costs[:, 0].min()
        return only
    order = np.lexsort(costs.T[::-1])
    ranked = costs[order]
    is_first = np.concatenate([[True], (ranked[1:] != ranked[:-1]).any(axis=1)])
    distinct = ranked[is_first]
    keeps = _keeps(distinct)
    mask = np.empty(len(costs), dtype=bool)
    mask[order] = keeps[np.cumsum(is_first) - 1]
    return mask


def _keeps(distinct: Floats) -> Bools:
    """Which of distinct rows in lexicographic order are on the front."""
    columns = distinct.shape[1]
    if columns == 2:
        before = np.minimum.accumulate(distinct[:, 1])[:-1]
        return np.concatenate([[True], distinct[1:, 1] < before])
    ranks = np.stack([_ranks(distinct[:, i]) for i in range(columns)], axis=1)
    by_columns: dict[int, Any] = {3: keeps_3, 4: keeps_4}
    keeps: Bools = by_columns.get(columns, keeps_any)(ranks)
    return keeps


def _ranks(column: Floats) -> Ints:
    """Equal values share a rank."""
    return np.unique(column, return_inverse=True)[1].astype(np.int64)


def _volume(costs: Floats, reference: Floats) -> float:
    columns = costs.shape[1]
    if columns == 1:
        return float(reference[0] - costs.min())
    if columns == 2:
        return float(volume_2(np.ascontiguousarray(costs[np.lexsort(costs.T[::-1])]), reference))
    if columns == 3:
        order = np.argsort(costs[:, 2], kind="stable")
        return float(volume_3(np.ascontiguousarray(costs[order]), reference))
    kept = costs[_mask(costs)]
    kept = np.unique(kept, axis=0)
    kept = kept[np.argsort(-kept[:, -1], kind="stable")]  # worst last column first
    total = 0.0
    for i, row in enumerate(kept):
        edges = reference - row
        total += float(np.prod(edges))
        later = np.maximum(kept[i + 1 :, :-1], row[:-1])
        if len(later):  # all reach down to the row in the last column
            total -= _volume(later, reference[:-1]) * float(edges[-1])
    return total
