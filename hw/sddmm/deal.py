"""What goes where before a mask is scheduled: scores to lanes, rows of K to banks, rows of Q in
their order. Pure: no Amaranth here.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .params import SddmmParams

IntArray = NDArray[np.int64]
NOTHING = -1


class DoesNotFitError(ValueError):
    """A mask is larger than the unit; `key` is the parameter that limits it."""

    def __init__(self, key: str, rule: str) -> None:
        self.key, self.rule = key, rule
        super().__init__(f"{key}: {rule}")


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where K lies: row j in bank `bank[j]` from `address[j]` on; -1: it is not stored."""

    bank: IntArray
    address: IntArray


def deal(params: SddmmParams, num_scores: int) -> tuple[IntArray, ...]:
    """Stored positions of each lane's places; every lane has at least one place."""
    stored = np.arange(num_scores)
    if params.is_row_stream:
        width = max(1, -(-num_scores // params.lanes))
        padded = np.full(width * params.lanes, NOTHING, np.int64)
        padded[:num_scores] = stored
        return tuple(padded.reshape(width, params.lanes).T)
    parts = np.array_split(stored, params.lanes)
    return tuple(part if len(part) else np.array([NOTHING], np.int64) for part in parts)


def deal_rows(params: SddmmParams, rows: IntArray) -> tuple[IntArray, ...]:
    """The same with whole rows: the longest first, each to the lane with the least so far."""
    counts = np.bincount(rows) if len(rows) else np.zeros(0, np.int64)
    ends = np.cumsum(counts)
    lanes: list[list[int]] = [[] for _ in range(params.lanes)]
    loads = [0] * params.lanes
    for row in np.argsort(-counts, kind="stable").tolist():
        least = loads.index(min(loads))
        if counts[row]:
            lanes[least].append(row)
            loads[least] += int(counts[row])
    nothing = np.array([NOTHING], np.int64)
    return tuple(
        np.concatenate([np.arange(ends[row] - counts[row], ends[row]) for row in sorted(lane)])
        if lane
        else nothing
        for lane in lanes
    )


def place_keys(params: SddmmParams, counts: IntArray, chunks: int) -> Placement:
    """Each row of K that is needed (`counts` times): the most needed first, into the bank that is
    needed least so far.
    """
    room = params.bank_words // chunks
    needed = int(np.count_nonzero(counts))
    if needed > room * params.banks:
        rule = (
            f"{needed} rows of K of {chunks} words do not fit {params.banks} banks of "
            f"{params.bank_words} words, which hold {room * params.banks}"
        )
        raise DoesNotFitError("bank_words", rule)
    bank, address = (np.full(len(counts), NOTHING, np.int64) for _ in range(2))
    loads, used = [0] * params.banks, [0] * params.banks
    for column in np.argsort(-counts, kind="stable")[:needed].tolist():
        free = (b for b in range(params.banks) if used[b] < room)
        best = min(free, key=lambda b: (loads[b], used[b]))
        bank[column], address[column] = best, used[best] * chunks
        loads[best] += int(counts[column])
        used[best] += 1
    return Placement(bank=bank, address=address)


def order_queries(
    params: SddmmParams, rows: IntArray, scores: tuple[IntArray, ...]
) -> tuple[IntArray, tuple[IntArray, ...]]:
    """Which rows of Q come when, and which of them each place needs."""
    if params.is_row_stream:
        ids, order = np.unique(rows, return_inverse=True)
        order = order if len(order) else np.zeros(1, np.int64)
        # Empty words stand at the end: with the last row they hold up none that comes before it.
        return ids.reshape(-1, 1).astype(np.int64), tuple(order[lane] for lane in scores)
    lanes = []
    queries_of = []
    for lane in scores:
        stored = lane[lane >= 0]
        ids, order = np.unique(rows[stored], return_inverse=True)
        lanes.append(ids)
        queries_of.append(order if len(stored) else np.zeros(1, np.int64))
    table = np.full((max(len(ids) for ids in lanes), params.lanes), NOTHING, np.int64)
    for number, ids in enumerate(lanes):
        table[: len(ids), number] = ids
    return table, tuple(queries_of)


def words_of_places(params: SddmmParams, rows: IntArray, scores: tuple[IntArray, ...]) -> list[int]:
    """Words of the row stream that the scores of each place leave in; 1 for the lanes' streams."""
    if not params.is_row_stream:
        return [1] * max(len(lane) for lane in scores)
    table = np.array(scores).T
    return [max(1, len(np.unique(rows[place[place >= 0]]))) for place in table]
