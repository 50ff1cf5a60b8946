"""Greedy packing, compiled by numba: one rectangle after the other into a hole that is free.

Rectangles that share a time are found by sorting: of the rectangles in the order of their starts,
those that start while one lives follow it directly. So all pairs cost their number, not its square.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def neighbours(start: Ints, end: Ints) -> tuple[Ints, Ints]:
    """Which rectangles share a time with each: those of *i* are `others[first[i]:first[i + 1]]`."""
    count = len(start)
    order = np.argsort(start, kind="stable")
    last = np.searchsorted(start[order], end[order], side="left")
    following = last - np.arange(count) - 1
    one = np.repeat(np.arange(count), following)
    skipped = np.cumsum(following) - following
    other = np.arange(following.sum()) - np.repeat(skipped, following) + one + 1
    left = np.concatenate([order[one], order[other]])
    right = np.concatenate([order[other], order[one]])
    first = np.zeros(count + 1, np.int64)
    np.cumsum(np.bincount(left, minlength=count), out=first[1:])
    return first, right[np.lexsort((right, left))].astype(np.int64)


def num_pairs(start: Ints, end: Ints) -> int:
    """How many pairs share a time: what `neighbours` needs memory for."""
    starts = np.sort(start)
    count = len(start)
    return int(np.searchsorted(starts, end, side="left").sum()) - count * (count + 1) // 2


@njit(cache=True)
def greedy_offsets(order: Ints, size: Ints, first: Ints, others: Ints, is_best_fit: bool) -> Ints:
    """Offsets: in `order`, each at the lowest free place, or in the tightest hole."""
    offsets = np.full(len(size), -1, np.int64)
    low, high = np.zeros(len(size), np.int64), np.zeros(len(size), np.int64)
    for one in order:
        count = 0
        for index in range(first[one], first[one + 1]):
            other = others[index]
            if offsets[other] >= 0:
                low[count] = offsets[other]
                high[count] = offsets[other] + size[other]
                count += 1
        rising = np.argsort(low[:count])
        level, tightest, chosen = 0, -1, -1
        for place in rising:
            hole = low[place] - level
            if hole >= size[one] and (tightest < 0 or hole < tightest):
                tightest, chosen = hole, level
                if not is_best_fit:
                    break
            level = max(level, high[place])
        offsets[one] = level if chosen < 0 else chosen
    return offsets
