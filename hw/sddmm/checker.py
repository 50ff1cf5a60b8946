"""Proves a schedule: replays its words and shares nothing with the search that made it. Pure."""

from collections.abc import Sequence

import numpy as np

from .deal import IntArray
from .params import SddmmParams
from .schedule import Schedule, Split

Fields = dict[str, int]


def check_schedule(
    params: SddmmParams,
    words: Sequence[int],
    schedule: Schedule,
    pointers: Sequence[int] | IntArray,
    columns: Sequence[int] | IntArray,
    split: Split = "nonzeros",
) -> list[str]:
    """What is wrong with the words of `a` for a mask in CSR form; nothing if they are right.

    Of the schedule only the tables are used that say where the rows of K and Q were put, and with
    `split` by rows which lane has which row.
    """
    lane_rows = schedule.lane_rows if split == "rows" else None
    replay = _Replay(params, schedule, np.asarray(pointers), np.asarray(columns), lane_rows)
    replay.check_keys()
    for number, word in enumerate(words):
        replay.slot(number, params.slot_format.decode(word), number == len(words) - 1)
    replay.check_end()
    return replay.problems


class _Replay:
    def __init__(
        self,
        params: SddmmParams,
        schedule: Schedule,
        pointers: IntArray,
        columns: IntArray,
        lane_rows: Sequence[Sequence[int]] | None,
    ) -> None:
        self.params, self.chunks = params, schedule.chunks
        self.bank = schedule.placement.bank.tolist()
        self.address = schedule.placement.address.tolist()
        self.query_rows = schedule.query_rows.tolist()
        self.pairs = [
            (row, int(column))
            for row in range(len(pointers) - 1)
            for column in columns[pointers[row] : pointers[row + 1]]
        ]
        self.expected = [self._stored(lane) for lane in range(params.lanes)]
        if lane_rows is not None:
            self.expected = [self._stored_rows(rows, pointers.tolist()) for rows in lane_rows]
        self.computed: list[set[int]] = [set() for _ in range(params.lanes)]
        self.heads = [0] * params.lanes
        self.taken = self.freed = 0
        self.problems: list[str] = []

    def _stored(self, lane: int) -> list[int | None]:
        """Stored positions of a lane in the order in which they leave; None: an empty word."""
        total, lanes = len(self.pairs), self.params.lanes
        if self.params.is_row_stream:
            width = max(1, (total + lanes - 1) // lanes)
            dealt = [turn * lanes + lane for turn in range(width)]
            return [stored if stored < total else None for stored in dealt]
        longer = total % lanes
        begin = lane * (total // lanes) + min(lane, longer)
        end = begin + total // lanes + (1 if lane < longer else 0)
        return [*range(begin, end)] or [None]

    def _stored_rows(self, rows: Sequence[int], pointers: Sequence[int]) -> list[int | None]:
        """The same for a lane that has whole rows."""
        stored = [s for row in rows for s in range(pointers[row], pointers[row + 1])]
        return [*stored] or [None]

    def check_keys(self) -> None:
        """Rows of K lie inside their banks and do not overlap."""
        users: dict[tuple[int, int], int] = {}
        for column, (bank, address) in enumerate(zip(self.bank, self.address, strict=True)):
            for word in range(address, address + self.chunks) if bank >= 0 else ():
                if not (bank < self.params.banks and word < self.params.bank_words):
                    self.problems.append(f"K row {column}: no word {word} in bank {bank}")
                if users.setdefault((bank, word), column) != column:
                    other = users[bank, word]
                    self.problems.append(f"K rows {other} and {column}: both in {bank}, {word}")

    def slot(self, number: int, fields: Fields, is_end: bool) -> None:
        """One word: its counts, then what each lane does."""
        self.taken += fields["takes"]
        if self.taken - self.freed > self.params.query_rows:
            self._say(number, f"{self.taken - self.freed} rows of Q are held")
        if fields["last_chunk"] != self.chunks - 1 or fields["last"] != is_end:
            self._say(number, "wrong length, or the end of the packet is elsewhere")
        if fields["frees_keys"] and not is_end:
            self._say(number, "K is freed before the last slot")
        heads = [self._head(lane) for lane in range(self.params.lanes)]
        if self.params.is_row_stream:
            heads = [min(heads)] * self.params.lanes
        for lane, head in enumerate(heads):
            if fields[f"is_active_{lane}"]:
                self._entry(number, lane, head, fields)
        self.freed += fields["frees"]

    def _head(self, lane: int) -> int:
        """The first place whose score is missing."""
        while self.heads[lane] in self.computed[lane]:
            self.heads[lane] += 1
        return self.heads[lane]

    def _entry(self, number: int, lane: int, head: int, fields: Fields) -> None:
        window = self.params.window
        place = head + (fields[f"position_{lane}"] - head) % window
        if place in self.computed[lane] or place >= len(self.expected[lane]):
            self._say(number, f"lane {lane}: place {place} is computed twice, or there is none")
            return
        self.computed[lane].add(place)
        stored = self.expected[lane][place]
        if fields[f"has_score_{lane}"] != (stored is not None):
            self._say(number, f"lane {lane}: a score in an empty word, or none where one is due")
        if fields[f"is_end_{lane}"] != (place == len(self.expected[lane]) - 1):
            self._say(number, f"lane {lane}: wrong end of the packet at place {place}")
        if stored is not None:
            self._score(number, lane, stored, fields)

    def _score(self, number: int, lane: int, stored: int, fields: Fields) -> None:
        row, column = self.pairs[stored]
        bank = fields[f"bank_{lane}"]
        where = (bank, fields[f"address_{bank}"]) if bank < self.params.banks else (bank, -1)
        if where != (self.bank[column], self.address[column]):
            self._say(number, f"lane {lane}: K row {column} is not where it reads: {where}")
        query = self.freed + fields[f"query_{lane}"]
        of_lane = 0 if self.params.is_row_stream else lane
        if query >= self.taken or self.query_rows[query][of_lane] != row:
            self._say(number, f"lane {lane}: Q row {row} is not the one that it reads: {query}")
        if fields[f"row_{lane}"] != row:
            self._say(number, f"lane {lane}: row {row} is called {fields[f'row_{lane}']}")
        is_lane_end = not self.params.is_row_stream and stored == self.expected[lane][-1]
        is_mask_end = stored == len(self.pairs) - 1
        ends = is_lane_end or is_mask_end or self.pairs[stored + 1][0] != row
        if fields[f"is_row_end_{lane}"] != ends:
            self._say(number, f"lane {lane}: wrong end of row {row}")

    def check_end(self) -> None:
        """Every score was computed once, and every row of Q was taken and freed."""
        dealt = [stored for lane in self.expected for stored in lane if stored is not None]
        if sorted(dealt) != [*range(len(self.pairs))]:
            self.problems.append("a nonzero belongs to two lanes, or to none")
        for lane, computed in enumerate(self.computed):
            if len(computed) != len(self.expected[lane]):
                missing = self._head(lane)
                self.problems.append(f"lane {lane}: place {missing} is never computed")
        if not self.taken == self.freed == len(self.query_rows):
            self.problems.append(
                f"{len(self.query_rows)} rows of Q come, {self.taken} are taken, {self.freed} freed"
            )

    def _say(self, number: int, problem: str) -> None:
        self.problems.append(f"slot {number}: {problem}")
