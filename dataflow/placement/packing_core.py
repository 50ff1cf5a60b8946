"""The inner loop of the packing search, compiled by numba.

Rectangles have fixed times (sections `low` to `high`) and heights; the search gives each an offset,
so that all end at or below `capacity`. Method: M. D. Moffitt, "MiniMalloc: A Lightweight Memory
Allocator for Hardware-Accelerated Machine Learning", ASPLOS 2023 (canonical solutions, dominance,
section floors, dynamic decomposition); the code is our own.

* Offsets are given in rising order, each the lowest that what is already placed allows; among equal
  offsets in the order of rank. Every packing can be pushed down into one of these.
* Dominance: an offset at which some open rectangle could end below is never needed.
* A section's open rectangles must stack above the lowest offset that any of them may still have.
* A rectangle without open neighbours is placed at once; nothing can be gained by waiting.
* When no open rectangle spans a time, the two sides are independent: each is solved by itself, and
  if one fails, the choice that separated them was wrong.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]

SOLVED, INFEASIBLE, OUT_OF_NODES = 1, 0, -1
FAR = 1 << 60


class Shapes(NamedTuple):
    """What is fixed. Neighbours of *i*: `neighbours[first[i]:first[i + 1]]`, overlap in time."""

    low: Ints
    high: Ints
    size: Ints
    first: Ints
    neighbours: Ints
    order: Ints
    rank: Ints


class Board(NamedTuple):
    """What placing changes: lowest possible offsets, which are open; by section the sum of open
    sizes and how many open rectangles span its start; offsets; the trail of changes; work space.
    """

    lowest: Ints
    is_open: NDArray[np.bool_]
    total: Ints
    spans: Ints
    offsets: Ints
    trail: Ints
    floor: Ints
    members: Ints


class Frames(NamedTuple):
    """Open choices. `table` columns: PARENT .. ENTRIES; `rows` the candidates of each frame."""

    table: Ints
    rows: Ints
    entries: Ints


PARENT, BEGIN, END, REST, FLOOR, RANK, NEXT, COUNT, MARK, ENTRIES = range(10)


@njit(cache=True)
def least_end(shapes: Shapes, board: Board, frame: Ints, count: int, capacity: int) -> int:
    """The least end that an open rectangle of the frame can have; -1: there is no room for all."""
    for section in range(frame[BEGIN], frame[END]):
        board.floor[section] = FAR
    least = FAR
    for place in range(count):
        one = board.members[place]
        start = max(board.lowest[one], frame[FLOOR])
        end = start + shapes.size[one]
        least = min(least, end)
        if end > capacity:
            return -1
        for section in range(shapes.low[one], shapes.high[one]):
            board.floor[section] = min(board.floor[section], start)
    for section in range(frame[BEGIN], frame[END]):
        if board.total[section] and board.floor[section] + board.total[section] > capacity:
            return -1
    return least


@njit(cache=True)
def has_open_neighbour(shapes: Shapes, board: Board, one: int) -> bool:
    for index in range(shapes.first[one], shapes.first[one + 1]):
        if board.is_open[shapes.neighbours[index]]:
            return True
    return False


@njit(cache=True)
def list_candidates(
    shapes: Shapes, board: Board, frame: Ints, row: Ints, count: int, least: int, by_offset: bool
) -> int:
    """Write the rectangles that may come next into `row`, best first; their number."""
    found = 0
    for place in range(count):
        one = board.members[place]
        offset = board.lowest[one]
        if offset < frame[FLOOR] or offset >= least:
            continue
        if offset == frame[FLOOR] and shapes.rank[one] < frame[RANK]:
            continue
        if not has_open_neighbour(shapes, board, one):
            row[0] = one
            return 1
        spot = found
        while by_offset and spot > 0 and board.lowest[row[spot - 1]] > offset:
            row[spot] = row[spot - 1]
            spot -= 1
        row[spot] = one
        found += 1
    return found


@njit(cache=True)
def put(shapes: Shapes, board: Board, one: int, top: int) -> int:
    """Place a rectangle at its lowest offset and lift its open neighbours; the new trail's end."""
    board.offsets[one] = board.lowest[one]
    end = board.lowest[one] + shapes.size[one]
    board.is_open[one] = False
    board.trail[top, 0] = -1 - one
    top += 1
    for section in range(shapes.low[one], shapes.high[one]):
        board.total[section] -= shapes.size[one]
        if section > shapes.low[one]:
            board.spans[section] -= 1
    for index in range(shapes.first[one], shapes.first[one + 1]):
        other = shapes.neighbours[index]
        if board.is_open[other] and board.lowest[other] < end:
            board.trail[top, 0], board.trail[top, 1] = other, board.lowest[other]
            top += 1
            board.lowest[other] = end
    return top


@njit(cache=True)
def take_back(shapes: Shapes, board: Board, mark: int, top: int) -> None:
    """Undo the trail down to `mark`."""
    while top > mark:
        top -= 1
        one = board.trail[top, 0]
        if one >= 0:
            board.lowest[one] = board.trail[top, 1]
            continue
        one = -1 - one
        board.is_open[one] = True
        for section in range(shapes.low[one], shapes.high[one]):
            board.total[section] += shapes.size[one]
            if section > shapes.low[one]:
                board.spans[section] += 1


@njit(cache=True)
def open_frame(
    shapes: Shapes, board: Board, frames: Frames, depth: int, capacity: int, by_offset: bool
) -> None:
    """List the candidates of frame `depth`, whose range and floor are set."""
    frame, count = frames.table[depth], 0
    for index in range(len(shapes.order)):
        one = shapes.order[index]
        inside = shapes.low[one] >= frame[BEGIN] and shapes.high[one] <= frame[END]
        if inside and board.is_open[one]:
            board.members[count] = one
            count += 1
    frame[NEXT], frame[COUNT] = 0, 0
    least = least_end(shapes, board, frame, count, capacity)
    if least >= 0:
        frame[COUNT] = list_candidates(
            shapes, board, frame, frames.rows[depth], count, least, by_offset
        )


@njit(cache=True)
def split(board: Board, frames: Frames, depth: int, used: int) -> tuple[int, int]:
    """What is left of a frame's range as independent parts, in front of the list: (head, used)."""
    frame, entries = frames.table[depth], frames.entries
    head, section = frame[REST], frame[END]
    while section > frame[BEGIN]:
        right = section
        section -= 1
        while section > frame[BEGIN] and board.spans[section] > 0:
            section -= 1
        for inner in range(section, right):
            if board.total[inner] > 0:
                entries[used, 0], entries[used, 1] = section, right
                entries[used, 2], entries[used, 3] = depth, head
                head = used
                used += 1
                break
    return head, used


@njit(cache=True)
def search(
    shapes: Shapes, board: Board, frames: Frames, capacity: int, node_limit: int, by_offset: bool
) -> tuple[int, int]:
    """(SOLVED, INFEASIBLE or OUT_OF_NODES, nodes visited); offsets are in the board.

    A frame is an open range of sections with its candidates. The entries are a linked list of
    ranges that choices have separated and that are still to be solved (range, frame that made it,
    next), so a frame that is done goes on with the next range, and one that fails goes back to the
    frame whose choice made its range. Entry 0 is the whole.
    """
    table, top, used, head, depth, nodes = frames.table, 0, 1, 0, -1, 0
    while head >= 0:
        nodes += 1
        if nodes > node_limit:
            return OUT_OF_NODES, nodes
        begin, end, maker, rest = frames.entries[head]
        depth += 1
        frame = table[depth]
        frame[PARENT], frame[BEGIN], frame[END], frame[REST] = maker, begin, end, rest
        frame[MARK], frame[ENTRIES], frame[FLOOR], frame[RANK] = top, used, 0, -1
        if maker >= 0:
            cause = frames.rows[maker, table[maker, NEXT] - 1]
            frame[FLOOR], frame[RANK] = board.offsets[cause], shapes.rank[cause]
        open_frame(shapes, board, frames, depth, capacity, by_offset)
        while table[depth, NEXT] >= table[depth, COUNT]:
            depth = table[depth, PARENT]
            if depth < 0:
                return INFEASIBLE, nodes
            take_back(shapes, board, table[depth, MARK], top)
            top, used = table[depth, MARK], table[depth, ENTRIES]
        chosen = frames.rows[depth, table[depth, NEXT]]
        table[depth, NEXT] += 1
        top = put(shapes, board, chosen, top)
        head, used = split(board, frames, depth, used)
    return SOLVED, nodes


def new_board(shapes: Shapes, sections: int) -> tuple[Board, Frames]:
    """Everything open, at offset 0.

    The trail notes each rectangle once when it is placed, and once for each pair of neighbours. An
    entry becomes a frame, which places a rectangle, or is a range of its own with an open one.
    """
    n = len(shapes.size)
    total, spans = np.zeros(sections + 1, np.int64), np.zeros(sections + 1, np.int64)
    for one in range(n):
        total[shapes.low[one] : shapes.high[one]] += shapes.size[one]
        spans[shapes.low[one] + 1 : shapes.high[one]] += 1
    board = Board(
        lowest=np.zeros(n, np.int64),
        is_open=np.ones(n, np.bool_),
        total=total,
        spans=spans,
        offsets=np.zeros(n, np.int64),
        trail=np.zeros((len(shapes.neighbours) + n + 1, 2), np.int64),
        floor=np.zeros(sections + 1, np.int64),
        members=np.zeros(n, np.int64),
    )
    entries: Any = np.zeros((2 * n + 4, 4), np.int64)
    entries[0] = 0, sections, -1, -1
    frames = Frames(
        table=np.zeros((n + 2, 10), np.int64), rows=np.zeros((n + 2, n), np.int64), entries=entries
    )
    return board, frames
