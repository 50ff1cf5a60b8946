"""The offline schedule of mode static: which lane takes which entry from which bank, when. Pure."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from . import schedule_core as core
from .banks import Placement, place
from .cost_core import CLOSES, LAST, SENDS, WAITS
from .entries import Entries, Pieces, split

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

WINDOW = 32
"""Entries of each open row that a cycle chooses from."""
ATTEMPTS = 4
"""Placements tried until a schedule has no idle lane; the best is kept."""
AGE_WEIGHTS = (100.0, -1.0, 1.0)
"""Orders of candidates: the older row first, in sequence, the most wanted bank first."""


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """One pass over A on `lanes` lanes: of each entry its cycle, its bank and its accumulator."""

    entries: Entries
    pieces: Pieces
    placement: Placement
    lanes: int
    num_cycles: int
    cycles: Ints
    banks: Ints
    accumulators: Ints

    @property
    def least_cycles(self) -> int:
        """What the lane with the most entries needs."""
        return -(-self.entries.num // self.lanes)

    @property
    def lane_of_entries(self) -> Ints:
        """The lane of each entry."""
        return self.pieces.lanes[self.pieces.of_entries]

    @cached_property
    def lane_loads(self) -> Ints:
        """Entries by lane."""
        return np.bincount(self.lane_of_entries, minlength=self.lanes)

    @cached_property
    def bank_loads(self) -> Ints:
        """Reads by bank."""
        return np.bincount(self.banks, minlength=self.placement.num_banks)

    @cached_property
    def are_first(self) -> Flags:
        """Whether an entry is the first of its piece to be taken."""
        return self._are_at(np.minimum)

    @cached_property
    def are_closing(self) -> Flags:
        """Whether an entry is the last of its piece to be taken."""
        return self._are_at(np.maximum)

    def closings(self, panels: int) -> Ints:
        """For every word of a packet of `panels` passes and every lane: the flags (as in
        `cost_core`) of the result that it closes, or 0. A packet without entries is one word.
        """
        if not self.entries.num or not panels:
            return np.full((1, self.lanes), CLOSES | LAST)
        flags = np.zeros((self.num_cycles, self.lanes), np.int64)
        pieces, closing = self.pieces, np.flatnonzero(self.are_closing)
        closed = pieces.of_entries[closing]
        ends = CLOSES + SENDS * pieces.sends[closed] + WAITS * pieces.waits[closed]
        flags[self.cycles[closing], pieces.lanes[closed]] = ends
        words = np.tile(flags, (panels, 1))
        last_pass = words[-self.num_cycles :]
        final = self.num_cycles - 1 - (last_pass[::-1] != 0).argmax(axis=0)
        has_result = (last_pass != 0).any(axis=0)
        last_pass[np.where(has_result, final, 0), np.arange(self.lanes)] |= CLOSES | LAST
        return words

    def closed_rows(self) -> list[list[tuple[int, bool]]]:
        """By lane, in the order in which they close: rows, and whether their sum goes left."""
        closing = np.flatnonzero(self.are_closing)
        closing = closing[np.argsort(self.cycles[closing], kind="stable")]
        pieces = self.pieces.of_entries[closing]
        rows, sends = self.entries.rows[closing], self.pieces.sends[pieces]
        lanes = self.pieces.lanes[pieces]
        return [
            list(zip(rows[lanes == lane].tolist(), sends[lanes == lane].tolist(), strict=True))
            for lane in range(self.lanes)
        ]

    def _are_at(self, extreme: np.ufunc) -> Flags:
        """Whether an entry goes in the `extreme` cycle of its piece."""
        if not self.entries.num:
            return np.zeros(0, np.bool_)
        pieces = self.pieces
        cycles = extreme.reduceat(self.cycles, pieces.starts)
        return np.asarray(self.cycles == cycles[pieces.of_entries], np.bool_)


def make_schedule(
    entries: Entries,
    *,
    lanes: int,
    banks: int,
    slots: int,
    num_columns: int,
    window: int = WINDOW,
    attempts: int = ATTEMPTS,
    seed: int = 0,
) -> Schedule:
    """The shortest of the schedules tried, for B of `num_columns` rows in `slots` slots a bank."""
    pieces = split(entries, lanes)
    counts = np.bincount(entries.columns, minlength=num_columns)
    if len(counts) > num_columns:
        raise ValueError(f"column {len(counts) - 1}: B has {num_columns} rows")
    least = -(-entries.num // lanes)
    best: Schedule | None = None
    for attempt in range(attempts):
        placement = place(
            counts,
            banks=banks,
            slots=slots,
            max_copies=lanes,
            cycles=max(1, least),
            seed=seed + attempt,
        )
        for weight in AGE_WEIGHTS:
            found = _play(entries, pieces, placement, lanes, window, weight)
            if best is None or found.num_cycles < best.num_cycles:
                best = found
            if best.num_cycles == least:
                return best
    assert best is not None
    return best


def _play(
    entries: Entries,
    pieces: Pieces,
    placement: Placement,
    lanes: int,
    window: int,
    age_weight: float,
) -> Schedule:
    """One schedule."""
    num_banks = placement.num_banks
    work = core.Work(
        columns=entries.columns,
        first_place=placement.first,
        places=placement.banks,
        piece_end=pieces.ends,
        first_piece=pieces.first,
        window=window,
        age_weight=age_weight,
    )
    cycles, banks, accumulators = (np.zeros(entries.num, np.int64) for _ in range(3))
    state, match = _start(entries, pieces, placement), _match(lanes, num_banks, window)
    num_cycles = core.play(work, state, match, cycles, banks, accumulators)
    return Schedule(
        entries=entries,
        pieces=pieces,
        placement=placement,
        lanes=lanes,
        num_cycles=int(num_cycles),
        cycles=cycles,
        banks=banks,
        accumulators=accumulators,
    )


def _start(entries: Entries, pieces: Pieces, placement: Placement) -> core.State:
    """Nothing is taken yet."""
    lanes, num_banks = len(pieces.first) - 1, placement.num_banks
    counts = np.bincount(entries.columns, minlength=len(placement.first) - 1)
    share = np.repeat(counts / np.maximum(placement.copies, 1), placement.copies)
    return core.State(
        order=np.arange(entries.num),
        low=pieces.starts.copy(),
        open_pieces=np.full((lanes, 2), -1),
        next_piece=pieces.first[:-1].copy(),
        left=np.bincount(pieces.lanes[pieces.of_entries], minlength=lanes),
        demand=np.bincount(placement.banks, weights=share, minlength=num_banks).astype(np.float64),
        lanes=np.arange(lanes),
    )


def _match(lanes: int, banks: int, window: int) -> core.Match:
    """Room for the matching of a cycle."""
    return core.Match(
        owner=np.zeros(banks, np.int64),
        pick=np.zeros(banks, np.int64),
        parent=np.zeros(banks, np.int64),
        parent_pick=np.zeros(banks, np.int64),
        seen=np.zeros(banks, np.int64),
        bank_of=np.zeros(lanes, np.int64),
        queue=np.zeros(banks + 1, np.int64),
        candidates=np.zeros((lanes, 2 * window), np.int64),
        num_candidates=np.zeros(lanes, np.int64),
        scores=np.zeros(2 * window),
    )
