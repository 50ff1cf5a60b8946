"""Walks the loops of a command and says which levels begin and end at each body."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def walk(bounds: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield `(start_level, end_level)` for each body of loops with `bounds`, innermost first.

    A wait at level *l* happens before a body with `start_level >= l`: all counters below *l* are
    zero there. A signal at level *l* happens after a body with `end_level >= l`: all counters below
    *l* are at their last.
    """
    depth = len(bounds)
    counters = [0] * depth
    start_level = depth
    while True:
        end_level = 0
        while end_level < depth and counters[end_level] == bounds[end_level] - 1:
            end_level += 1
        yield start_level, end_level
        if end_level == depth:
            return
        counters[:end_level] = [0] * end_level
        counters[end_level] += 1
        start_level = end_level
