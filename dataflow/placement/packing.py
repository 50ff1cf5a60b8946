"""Offsets for rectangles of fixed times: greedy first, then a search that proves or refutes.

The problem is dynamic storage allocation, also drawn as two-dimensional strip packing without
rotation or sideways moves: NP-hard, and the part of planning where sums of sizes are not enough.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..checks import at_least
from ..planning.solvers import SolverFailed
from .packing_core import INFEASIBLE, SOLVED, Ints, Shapes, new_board, search
from .packing_cpsat import cpsat_offsets
from .packing_greedy import greedy_offsets, neighbours

FIRST_NODES, MORE_NODES = 20_000, 400_000
SECOND_OPINION_SHARE = 0.25
MOST_SEARCHED = 3_000  # rectangles of one part: the search's memory grows with the square


@dataclass(frozen=True, kw_only=True)
class Rectangle:
    """Alive in the half-open time `[start, end)`, `size` bytes high."""

    start: int
    end: int
    size: int

    def __post_init__(self) -> None:
        at_least("end", self.end, self.start + 1)
        at_least("size", self.size, 1)


@dataclass(frozen=True, kw_only=True)
class Packing:
    """Offsets in the order of the rectangles, or None; whether it is known that there are none."""

    offsets: tuple[int, ...] | None
    is_refuted: bool
    method: str
    nodes: int = 0


def peak(rectangles: Sequence[Rectangle]) -> int:
    """The largest sum of sizes at one time: no packing is lower."""
    changes: dict[int, int] = {}
    for one in rectangles:
        changes[one.start] = changes.get(one.start, 0) + one.size
        changes[one.end] = changes.get(one.end, 0) - one.size
    return max(itertools.accumulate(changes[at] for at in sorted(changes)), default=0)


def overlaps(a: Rectangle, b: Rectangle) -> bool:
    return a.start < b.end and b.start < a.end


def height(rectangles: Sequence[Rectangle], offsets: Sequence[int]) -> int:
    return max((o + r.size for o, r in zip(offsets, rectangles, strict=True)), default=0)


Key = Callable[[Rectangle], tuple[int, ...]]
GREEDY_ORDERS: dict[str, Key] = {
    "size": lambda r: (-r.size, r.start),
    "area": lambda r: (-r.size * (r.end - r.start), r.start),
    "length": lambda r: (r.start - r.end, -r.size),
    "start": lambda r: (r.start, -r.size),
}


def greedy(rectangles: Sequence[Rectangle], key: Key, is_best_fit: bool = False) -> list[int]:
    """Each rectangle in the order of `key` at the lowest offset that is free, or in the tightest
    hole (`is_best_fit`).
    """
    return _greedy(_arrays(rectangles), rectangles, key, is_best_fit)


class _Arrays(NamedTuple):
    """Rectangles as arrays, and who shares a time with whom (see `packing_greedy.neighbours`)."""

    start: Ints
    end: Ints
    size: Ints
    first: Ints
    others: Ints


def _arrays(rectangles: Sequence[Rectangle]) -> _Arrays:
    start = np.array([one.start for one in rectangles], np.int64)
    end = np.array([one.end for one in rectangles], np.int64)
    size = np.array([one.size for one in rectangles], np.int64)
    return _Arrays(start, end, size, *neighbours(start, end))


def _greedy(
    arrays: _Arrays, rectangles: Sequence[Rectangle], key: Key, is_best_fit: bool
) -> list[int]:
    order = np.array(sorted(range(len(rectangles)), key=lambda i: key(rectangles[i])), np.int64)
    _, _, size, first, others = arrays
    offsets: list[int] = greedy_offsets(order, size, first, others, is_best_fit).tolist()
    return offsets


def greedy_best(rectangles: Sequence[Rectangle]) -> tuple[int, ...]:
    """The lowest of all greedy packings."""
    arrays = _arrays(rectangles)
    tries = (
        _greedy(arrays, rectangles, key, is_best_fit)
        for key in GREEDY_ORDERS.values()
        for is_best_fit in (False, True)
    )
    lowest: list[int] = min(tries, key=lambda offsets: height(rectangles, offsets))
    return tuple(lowest)


def pack(
    rectangles: Sequence[Rectangle], capacity: int, *, seconds: float = 60.0, seed: int = 1
) -> Packing:
    """Offsets such that no two rectangles share a byte at one time and all end by `capacity`.

    Greedy packings are tried first; then each part that shares no time with the others is searched,
    and where the search runs out of time CP-SAT is asked.
    """
    if not rectangles or peak(rectangles) > capacity:
        return Packing(offsets=None if rectangles else (), is_refuted=True, method="peak")
    offsets = greedy_best(rectangles)
    if height(rectangles, offsets) <= capacity:
        return Packing(offsets=offsets, is_refuted=False, method="greedy")
    deadline = time.monotonic() + seconds
    found = [0] * len(rectangles)
    nodes, method = 0, "search"
    separate = parts(rectangles)
    for part in separate:
        members = [rectangles[i] for i in part]
        tried = len(separate) == 1  # then the greedy packings of the whole were its own
        result = (None if tried else _greedy_part(members, capacity)) or _search_part(
            members, capacity, deadline, seed
        )
        nodes += result.nodes
        if result.offsets is None:
            return replace(result, nodes=nodes)
        method = result.method if result.method == "CP-SAT" else method
        for index, offset in zip(part, result.offsets, strict=True):
            found[index] = offset
    return Packing(offsets=tuple(found), is_refuted=False, method=method, nodes=nodes)


def parts(rectangles: Sequence[Rectangle]) -> list[list[int]]:
    """Indices of rectangles by stretches of time that nothing spans."""
    result: list[list[int]] = []
    end = -math.inf
    for index in sorted(range(len(rectangles)), key=lambda i: rectangles[i].start):
        if rectangles[index].start >= end:
            result.append([])
        result[-1].append(index)
        end = max(end, rectangles[index].end)
    return result


def _greedy_part(rectangles: Sequence[Rectangle], capacity: int) -> Packing | None:
    offsets = greedy_best(rectangles)
    if height(rectangles, offsets) > capacity:
        return None
    return Packing(offsets=offsets, is_refuted=False, method="greedy")


def _search_part(
    rectangles: Sequence[Rectangle], capacity: int, deadline: float, seed: int
) -> Packing:
    if len(rectangles) > MOST_SEARCHED:
        return Packing(offsets=None, is_refuted=False, method="greedy")
    unit = math.gcd(*(one.size for one in rectangles))  # offsets are sums of sizes
    shapes, sections = _shapes(rectangles, unit)
    total = 0
    until = deadline - SECOND_OPINION_SHARE * (deadline - time.monotonic())
    for order, by_offset, limit in _tries(rectangles, seed):
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        board, frames = new_board(shapes, sections)
        ordered = shapes._replace(order=order, rank=rank)
        verdict, nodes = search(ordered, board, frames, capacity // unit, limit, by_offset)
        total += int(nodes)
        if verdict == SOLVED:
            scaled = tuple(int(offset) * unit for offset in board.offsets)
            return Packing(offsets=scaled, is_refuted=False, method="search", nodes=total)
        if verdict == INFEASIBLE:
            return Packing(offsets=None, is_refuted=True, method="search", nodes=total)
        if time.monotonic() > until:
            break
    return _second_opinion(rectangles, capacity, unit, deadline, seed, total)


def _second_opinion(
    rectangles: Sequence[Rectangle],
    capacity: int,
    unit: int,
    deadline: float,
    seed: int,
    nodes: int,
) -> Packing:
    """CP-SAT's answer in the time that is left, if it has one."""
    try:
        offsets, is_refuted = cpsat_offsets(
            rectangles,
            capacity,
            unit=unit,
            seconds=max(0.1, deadline - time.monotonic()),
            seed=seed,
        )
    except SolverFailed:
        return Packing(offsets=None, is_refuted=False, method="search", nodes=nodes)
    return Packing(offsets=offsets, is_refuted=is_refuted, method="CP-SAT", nodes=nodes)


def _shapes(rectangles: Sequence[Rectangle], unit: int) -> tuple[Shapes, int]:
    """Times as numbers of sections between events, sizes in `unit`s, neighbours in time."""
    arrays = _arrays(rectangles)
    times = np.unique(np.concatenate([arrays.start, arrays.end]))
    empty = np.zeros(0, np.int64)
    shapes = Shapes(
        low=np.searchsorted(times, arrays.start).astype(np.int64),
        high=np.searchsorted(times, arrays.end).astype(np.int64),
        size=arrays.size // unit,
        first=arrays.first,
        neighbours=arrays.others,
        order=empty,
        rank=empty,
    )
    return shapes, len(times) - 1


def _tries(rectangles: Sequence[Rectangle], seed: int) -> Iterator[tuple[Ints, bool, int]]:
    """Orders to branch in, whether the lowest offset comes first, and limits of nodes; endless.

    First by combinations of contention, length, area and size, then by random mixes of them: many
    short searches find more than one long one.
    """
    size = np.array([one.size for one in rectangles], np.float64)
    length = np.array([one.end - one.start for one in rectangles], np.float64)
    contention = _contention(rectangles)
    area = size * length
    keys = [
        (contention, length, area),
        (contention, area, length),
        (length, area, contention),
        (size, length, contention),
    ]
    for limit in (FIRST_NODES, MORE_NODES):
        for by_offset in (True, False):
            for key in keys:
                order = np.lexsort([-values for values in reversed(key)]).astype(np.int64)
                yield order, by_offset, limit
    rng = np.random.default_rng(seed)
    scaled = [
        contention / contention.max(),
        np.log1p(length) / np.log1p(length).max(),
        np.log1p(size) / np.log1p(size).max(),
    ]
    while True:
        shares = rng.uniform(0, 1, 3) * (9.0, 3.0, 3.0)
        noise = rng.uniform(0, 0.3) * rng.standard_normal(len(size))
        mixed = sum(share * values for share, values in zip(shares, scaled, strict=True)) + noise
        yield np.argsort(-mixed).astype(np.int64), bool(rng.integers(0, 3) > 0), FIRST_NODES


def _contention(rectangles: Sequence[Rectangle]) -> NDArray[np.float64]:
    """For each rectangle the largest sum of sizes at one of its times."""
    times = sorted({at for one in rectangles for at in (one.start, one.end)})
    place = {at: index for index, at in enumerate(times)}
    total = np.zeros(len(times), np.float64)
    for one in rectangles:
        total[place[one.start] : place[one.end]] += one.size
    return np.array([total[place[one.start] : place[one.end]].max() for one in rectangles])
