"""Offline schedule of a mask: no bank has two rows to read in a slot, nothing is decided at run
time.

Every lane gets its scores in an order of *places*: the stored order of the mask, cut evenly or by
rows (output `lanes`), or dealt out in turn (output `rows`). In each slot each lane computes one of
the scores of its window, chosen so that the banks serve as many lanes as possible; a row of K that
several lanes want is read once for all of them. Pure: no Amaranth here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .cost import SLOT_BUFFER, Departures, start_to_score
from .deal import (
    NOTHING,
    DoesNotFitError,
    IntArray,
    Placement,
    deal,
    deal_rows,
    order_queries,
    place_keys,
    words_of_places,
)
from .matching import match
from .params import SddmmParams

Split = Literal["nonzeros", "rows"]


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """What a unit does with a mask of stored `rows` and `columns` (both by stored position).

    `scores[l][p]` is the stored position of the score at place p of lane l, -1: an empty word.
    `places[s, l]` is the place that lane l computes in slot s, -1: none. `query_rows[r]` has the
    rows of Q that come r-th, one for each lane (or one for all), -1: none; `queries[l][p]` is r
    for place p. `takes` and `frees` of each slot are those of a word of the schedule.
    """

    chunks: int
    rows: IntArray
    columns: IntArray
    scores: tuple[IntArray, ...]
    places: IntArray
    placement: Placement
    query_rows: IntArray
    queries: tuple[IntArray, ...]
    takes: IntArray
    frees: IntArray

    @property
    def num_slots(self) -> int:
        """Slots of the schedule."""
        return len(self.places)

    @property
    def lane_loads(self) -> IntArray:
        """Scores of each lane."""
        return np.array([np.count_nonzero(lane >= 0) for lane in self.scores], np.int64)

    @property
    def lane_rows(self) -> list[list[int]]:
        """Rows of each lane, in order."""
        return [np.unique(self.rows[lane[lane >= 0]]).tolist() for lane in self.scores]


def schedule_mask(
    params: SddmmParams,
    pointers: Sequence[int] | IntArray,
    columns: Sequence[int] | IntArray,
    *,
    num_columns: int,
    depth: int | None = None,
    placement: Placement | None = None,
    split: Split = "nonzeros",
) -> Schedule:
    """The schedule of a mask in CSR form for rows of `depth` elements (default: the most).

    `placement`: where K lies, for several masks on the same K; default: balanced for this mask.
    `split` is between lanes that have streams of their own: `nonzeros` gives them equal numbers,
    `rows` gives each row to one lane, which is fair if there are many.
    """
    depth = params.depth if depth is None else depth
    pointers, columns = np.asarray(pointers, np.int64), np.asarray(columns, np.int64)
    _check(params, len(pointers) - 1, depth, split)
    chunks = -(-depth // params.products)
    rows = np.repeat(np.arange(len(pointers) - 1), np.diff(pointers))
    if placement is None:
        placement = place_keys(params, np.bincount(columns, minlength=num_columns), chunks)
    if len(columns) and placement.bank[columns].min() < 0:
        raise ValueError("placement: a row of K that the mask needs is not stored")
    by_rows = split == "rows"
    scores = deal_rows(params, rows) if by_rows else deal(params, len(columns))
    query_rows, queries = order_queries(params, rows, scores)
    search = _Search(
        params, rows, columns, placement.bank, scores, queries, len(query_rows), chunks
    )
    search.run()
    return Schedule(
        chunks=chunks,
        rows=rows,
        columns=columns,
        scores=scores,
        places=np.array(search.places, np.int64).reshape(-1, params.lanes),
        placement=placement,
        query_rows=query_rows,
        queries=queries,
        takes=np.array(search.takes, np.int64),
        frees=np.array(search.frees, np.int64),
    )


def _check(params: SddmmParams, num_rows: int, depth: int, split: Split) -> None:
    if not 1 <= depth <= params.depth:
        raise DoesNotFitError("depth", f"1..{params.depth}, got {depth}")
    if num_rows > params.max_rows:
        raise DoesNotFitError("max_rows", f"{num_rows} rows, at most {params.max_rows}")
    if split == "rows" and params.is_row_stream:
        raise DoesNotFitError("output", "must be lanes for a split by rows, got rows")


class _Search:
    """Slot by slot, as the unit would run if no operand were late."""

    def __init__(
        self,
        params: SddmmParams,
        rows: IntArray,
        columns: IntArray,
        bank: IntArray,
        scores: tuple[IntArray, ...],
        queries: tuple[IntArray, ...],
        num_queries: int,
        chunks: int,
    ) -> None:
        self.params = params
        self.chunks = chunks
        self.num_queries = num_queries
        self.column = [[int(columns[s]) if s >= 0 else NOTHING for s in lane] for lane in scores]
        self.bank = [[int(bank[c]) if c >= 0 else NOTHING for c in lane] for lane in self.column]
        self.query = [lane.tolist() for lane in queries]
        self.departures = Departures(params)
        self.departures.expect(words_of_places(params, rows, scores))
        lanes = params.lanes
        self.open: list[list[int]] = [[] for _ in range(lanes)]  # places to choose from
        self.reached = [0] * lanes  # places that are or were open
        self.left_lane = [0] * lanes  # places whose scores have left
        self.places: list[list[int]] = []
        self.takes: list[int] = []
        self.frees: list[int] = []
        self.taken = self.freed = 0

    def run(self) -> None:
        """Fill `places`, `takes`, `frees`."""
        time = SLOT_BUFFER
        left = sum(len(lane) for lane in self.column)
        while left:
            self._open(time)
            chosen = match(self._order(), self.open, self.bank, self.column)
            if not chosen:  # every place waits for scores to leave
                time += 1
                continue
            self._record(chosen, time)
            time += self.chunks
            left -= len(chosen)

    def _order(self) -> list[int]:
        """Lanes with something to do, the most first."""
        work = [
            (self.reached[lane] - len(opened) - len(self.column[lane]), lane)
            for lane, opened in enumerate(self.open)
            if opened
        ]
        return [lane for _, lane in sorted(work)]

    def _open(self, time: int) -> None:
        """Places that are free and whose rows of Q may be held by now."""
        for lane, opened in enumerate(self.open):
            while (gone := self.departures.time(lane, self.left_lane[lane])) is not None:
                if gone >= time:
                    break
                self.left_lane[lane] += 1
            queries = self.query[lane]
            end = min(len(queries), self.left_lane[lane] + self.params.window)
            newest = self.freed + self.params.query_rows
            place = self.reached[lane]
            while place < end and queries[place] < newest:
                opened.append(place)
                place += 1
            self.reached[lane] = place

    def _record(self, chosen: dict[int, int], time: int) -> None:
        slot = [chosen.get(lane, NOTHING) for lane in range(self.params.lanes)]
        score = time + start_to_score(self.params, self.chunks)
        needed = self.taken
        for lane, place in chosen.items():
            self.open[lane].remove(place)
            self.departures.add(lane, place, score)
            if self.column[lane][place] >= 0:
                needed = max(needed, self.query[lane][place] + 1)
        freed = min(self._oldest_query(lane) for lane in range(self.params.lanes))
        self.places.append(slot)
        self.takes.append(needed - self.taken)
        self.frees.append(freed - self.freed)
        self.taken, self.freed = needed, freed

    def _oldest_query(self, lane: int) -> int:
        """The oldest row of Q that a lane still needs."""
        queries = self.query[lane]
        place = self.open[lane][0] if self.open[lane] else self.reached[lane]
        return queries[place] if place < len(queries) else self.num_queries
