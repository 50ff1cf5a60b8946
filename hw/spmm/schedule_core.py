"""The inner loop of the static schedule, compiled by numba.

In each cycle every lane may take one entry of its two open rows, every bank may be read once: a
matching of lanes and banks. It is grown lane by lane along shortest alternating paths, the lanes
with the most work left first, so a lane that has lost a cycle is not passed over again. Within a
lane, candidates are tried in an order that the weights decide: by how much the banks they need are
still wanted, the older row before the younger one if `age_weight` says so, or simply in sequence.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Work(NamedTuple):
    """What is fixed: of each entry its row of B; of that its places; pieces of entries; pieces of
    lanes; how many entries of a row are looked at.
    """

    columns: Ints
    first_place: Ints
    places: Ints
    piece_end: Ints
    first_piece: Ints
    window: int
    age_weight: float


class State(NamedTuple):
    """What a cycle changes. `order` has the entries of each piece, those not yet taken from `low`
    of the piece on; `open_pieces` two per lane or -1; `demand` is what each bank is still wanted.
    """

    order: Ints
    low: Ints
    open_pieces: Ints
    next_piece: Ints
    left: Ints
    demand: Floats
    lanes: Ints


class Match(NamedTuple):
    """The matching of one cycle, and the search for a path: by bank its lane and its candidate,
    the lane and candidate that reached it, in which search; by lane its bank; candidates by lane.
    """

    owner: Ints
    pick: Ints
    parent: Ints
    parent_pick: Ints
    seen: Ints
    bank_of: Ints
    queue: Ints
    candidates: Ints
    num_candidates: Ints
    scores: Floats


def _gather(work, state, match, lane):
    """The lane's candidates, best first: places in `order`."""
    older, younger = state.open_pieces[lane, 0], state.open_pieces[lane, 1]
    if older < 0 or 0 <= younger < older:
        older, younger = younger, older
    num = 0
    for age, piece in ((0, older), (1, younger)):
        if piece < 0:
            continue
        end = min(work.piece_end[piece], state.low[piece] + work.window)
        for at in range(state.low[piece], end):
            score = float(num)
            if work.age_weight >= 0.0:
                column = work.columns[state.order[at]]
                score = 0.0
                for place in range(work.first_place[column], work.first_place[column + 1]):
                    score = max(score, state.demand[work.places[place]])
                score = age * work.age_weight - score
            slot = num
            while slot > 0 and match.scores[slot - 1] > score:
                match.scores[slot] = match.scores[slot - 1]
                match.candidates[lane, slot] = match.candidates[lane, slot - 1]
                slot -= 1
            match.scores[slot] = score
            match.candidates[lane, slot] = at
            num += 1
    match.num_candidates[lane] = num


def _reach(work, state, match, lane, tail, stamp):
    """Every bank that the lane could read and no lane of this search has; a free one ends it."""
    for candidate in range(match.num_candidates[lane]):
        at = match.candidates[lane, candidate]
        column = work.columns[state.order[at]]
        for place in range(work.first_place[column], work.first_place[column + 1]):
            bank = work.places[place]
            if match.seen[bank] == stamp:
                continue
            match.seen[bank] = stamp
            match.parent[bank] = lane
            match.parent_pick[bank] = at
            if match.owner[bank] < 0:
                return bank, tail
            match.queue[tail] = match.owner[bank]
            tail += 1
    return -1, tail


def _augment(work, state, match, start, stamp):
    """Find a bank for lane `start`; the lanes on the path move to other banks."""
    match.queue[0] = start
    head, tail, bank = 0, 1, -1
    while head < tail and bank < 0:
        bank, tail = reach(work, state, match, match.queue[head], tail, stamp)
        head += 1
    while bank >= 0:
        lane = match.parent[bank]
        before = match.bank_of[lane]
        match.owner[bank] = lane
        match.pick[bank] = match.parent_pick[bank]
        match.bank_of[lane] = bank
        bank = -1 if lane == start else before


def _take(work, state, lane, at):
    """Remove what lies at `at` from the lane's open rows; which of the two it was."""
    number = 1
    piece = state.open_pieces[lane, 0]
    if piece >= 0 and state.low[piece] <= at < work.piece_end[piece]:
        number = 0
    piece = state.open_pieces[lane, number]
    entry = state.order[at]
    while at > state.low[piece]:
        state.order[at] = state.order[at - 1]
        at -= 1
    state.order[at] = entry
    state.low[piece] += 1
    state.left[lane] -= 1
    if state.low[piece] == work.piece_end[piece]:
        open_next(work, state, lane, number)
    return number


def _open_next(work, state, lane, number):
    """The lane's next row takes an accumulator."""
    state.open_pieces[lane, number] = -1
    if state.next_piece[lane] < work.first_piece[lane + 1]:
        state.open_pieces[lane, number] = state.next_piece[lane]
        state.next_piece[lane] += 1


def _rank(state):
    """Lanes with the most work left first; they were so before the last cycle, nearly."""
    for i in range(1, len(state.lanes)):
        lane, slot = state.lanes[i], i
        while slot > 0 and state.left[state.lanes[slot - 1]] < state.left[lane]:
            state.lanes[slot] = state.lanes[slot - 1]
            slot -= 1
        state.lanes[slot] = lane


def _play(work, state, match, cycles, banks, accumulators):
    """Choose for every entry its cycle, bank and accumulator; the number of cycles."""
    for lane in range(len(state.left)):
        for number in range(2):
            open_next(work, state, lane, number)
    cycle, stamp = 0, 0
    while state.left.max() > 0:
        match.owner[:] = -1
        match.bank_of[:] = -1
        rank(state)
        for lane in state.lanes:
            gather(work, state, match, lane)
        for lane in state.lanes:
            stamp += 1
            augment(work, state, match, lane, stamp)
        for bank in range(len(match.owner)):
            lane = match.owner[bank]
            if lane < 0:
                continue
            entry = state.order[match.pick[bank]]
            cycles[entry] = cycle
            banks[entry] = bank
            accumulators[entry] = take(work, state, lane, match.pick[bank])
            state.demand[bank] -= 1.0
        cycle += 1
    return cycle


# Without decorators: a compiled function has no type that mypy knows.
gather = njit(cache=True)(_gather)
reach = njit(cache=True)(_reach)
augment = njit(cache=True)(_augment)
open_next = njit(cache=True)(_open_next)
take = njit(cache=True)(_take)
rank = njit(cache=True)(_rank)
play = njit(cache=True)(_play)
