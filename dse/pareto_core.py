"""Inner loops of exact Pareto fronts and hypervolumes, compiled by numba.

Points are minimised. `keeps_*` take distinct points in lexicographic order, so only an earlier one
can dominate, and an earlier one that is nowhere greater does.

* Three columns: points enter in the order of the first; a Fenwick tree of prefix minima holds, by
  rank in the second, the least third (H. T. Kung, F. Luccio, F. P. Preparata, "On Finding the
  Maxima of a Set of Vectors", JACM 22, 1975). n log n.
* Four columns: merge sort over the first; in each merge the left half enters the tree in the order
  of the second column and the right half asks it. n log^2 n.
* More columns: every point against the front so far.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

FAR = np.int64(1) << 62


@njit(cache=True)
def least_up_to(tree: Ints, rank: int) -> int:
    """The least value that was put at `rank` or below."""
    least = FAR
    position = rank + 1
    while position > 0:
        least = min(least, tree[position])
        position -= position & -position
    return int(least)


@njit(cache=True)
def put(tree: Ints, rank: int, value: int) -> None:
    """Put a value at a rank."""
    position = rank + 1
    while position < len(tree):
        tree[position] = min(tree[position], value)
        position += position & -position


@njit(cache=True)
def clear(tree: Ints, rank: int) -> None:
    """Undo whatever was put at `rank`, once everything is to be undone."""
    position = rank + 1
    while position < len(tree):
        tree[position] = FAR
        position += position & -position


@njit(cache=True)
def keeps_3(ranks: Ints) -> Bools:
    """Which of the rows (ranks in three columns) no other dominates."""
    count = len(ranks)
    keeps = np.ones(count, dtype=np.bool_)
    tree = np.full(ranks[:, 1].max() + 2, FAR, dtype=np.int64)
    for i in range(count):
        second, third = ranks[i, 1], ranks[i, 2]
        if least_up_to(tree, second) <= third:
            keeps[i] = False
        else:
            put(tree, second, third)
    return keeps


@njit(cache=True)
def cross(ranks: Ints, keeps: Bools, order: Ints, bounds: tuple[int, int, int], tree: Ints) -> None:
    """Drop rows of the right half that one of the left half dominates; halves sorted by column 1.

    `order` holds rows at [start, middle) and [middle, end) of `bounds`.
    """
    start, middle, end = bounds
    left = start
    for at in range(middle, end):
        row = order[at]
        if not keeps[row]:
            continue
        while left < middle and ranks[order[left], 1] <= ranks[row, 1]:
            if keeps[order[left]]:
                put(tree, ranks[order[left], 2], ranks[order[left], 3])
            left += 1
        if least_up_to(tree, ranks[row, 2]) <= ranks[row, 3]:
            keeps[row] = False
    for at in range(start, left):
        if keeps[order[at]]:
            clear(tree, ranks[order[at], 2])


@njit(cache=True)
def merge(ranks: Ints, order: Ints, work: Ints, bounds: tuple[int, int, int]) -> None:
    """Merge two halves of `order`, each sorted by column 1."""
    start, middle, end = bounds
    left, right = start, middle
    for at in range(start, end):
        takes_left = left < middle and (
            right >= end or ranks[order[left], 1] <= ranks[order[right], 1]
        )
        if takes_left:
            work[at] = order[left]
            left += 1
        else:
            work[at] = order[right]
            right += 1
    order[start:end] = work[start:end]


@njit(cache=True)
def keeps_4(ranks: Ints) -> Bools:
    """Which of the rows (ranks in four columns) no other dominates."""
    count = len(ranks)
    keeps = np.ones(count, dtype=np.bool_)
    order = np.arange(count)
    work = np.empty(count, dtype=np.int64)
    tree = np.full(ranks[:, 2].max() + 2, FAR, dtype=np.int64)
    width = 1
    while width < count:
        for start in range(0, count - width, 2 * width):
            bounds = (start, start + width, min(start + 2 * width, count))
            cross(ranks, keeps, order, bounds, tree)
            merge(ranks, order, work, bounds)
        width *= 2
    return keeps


@njit(cache=True)
def keeps_any(ranks: Ints) -> Bools:
    """The same for any number of columns, in time of rows x front."""
    count, columns = ranks.shape
    keeps = np.ones(count, dtype=np.bool_)
    front = np.empty(count, dtype=np.int64)
    size = 0
    for i in range(count):
        for at in range(size):
            other = front[at]
            column = 0
            while column < columns and ranks[other, column] <= ranks[i, column]:
                column += 1
            if column == columns:
                keeps[i] = False
                # Who dominates one dominates its neighbours, too: ask it first.
                front[at], front[at // 2] = front[at // 2], front[at]
                break
        if keeps[i]:
            front[size] = i
            size += 1
    return keeps


@njit(cache=True)
def unbeaten(costs: Floats, strong: Floats) -> Bools:
    """Which rows none of `strong` dominates."""
    count, columns = costs.shape
    keeps = np.ones(count, dtype=np.bool_)
    for i in range(count):
        for k in range(len(strong)):
            column, is_better = 0, False
            while column < columns and strong[k, column] <= costs[i, column]:
                is_better |= strong[k, column] < costs[i, column]
                column += 1
            if column == columns and is_better:
                keeps[i] = False
                break
    return keeps


@njit(cache=True)
def volume_2(points: Floats, reference: Floats) -> float:
    """Area between points sorted by column 0 and the reference."""
    area, ceiling = 0.0, reference[1]
    for i in range(len(points)):
        if points[i, 1] < ceiling:
            area += (reference[0] - points[i, 0]) * (ceiling - points[i, 1])
            ceiling = points[i, 1]
    return area


@njit(cache=True)
def volume_3(points: Floats, reference: Floats) -> float:
    """Volume between points sorted by column 2 and the reference.

    A plane sweeps along column 2; the area that the points below it cover is a staircase, kept with
    x rising and y falling, and grows with each point.
    """
    count = len(points)
    xs, ys = np.empty(count + 2), np.empty(count + 2)
    xs[0], ys[0], xs[1], ys[1] = -np.inf, reference[1], reference[0], -np.inf
    size, area, volume = 2, 0.0, 0.0
    for i in range(count):
        x, y = points[i, 0], points[i, 1]
        if i > 0:
            volume += area * (points[i, 2] - points[i - 1, 2])
        first = np.searchsorted(xs[:size], x, side="right")
        if ys[first - 1] <= y:  # one with x no greater covers it
            continue
        if xs[first - 1] == x:
            first -= 1
        last, left, ceiling = first, x, ys[first - 1]
        while ys[last] >= y:  # steps that it covers
            area += (xs[last] - left) * (ceiling - y)
            left, ceiling = xs[last], ys[last]
            last += 1
        area += (xs[last] - left) * (ceiling - y)
        moved = size - last
        xs[first + 1 : first + 1 + moved] = xs[last:size].copy()
        ys[first + 1 : first + 1 + moved] = ys[last:size].copy()
        xs[first], ys[first] = x, y
        size = first + 1 + moved
    if count:
        volume += area * (reference[2] - points[count - 1, 2])
    return volume
