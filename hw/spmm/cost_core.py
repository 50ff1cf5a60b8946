"""The lanes' results cycle by cycle, compiled by numba: what `cost` counts with.

In a cycle, all from the state before it:

    load       a word of B is taken while a buffer is free
    issue      a word of the schedule is taken if a buffer is full and each lane has room for a
               result: fewer than `depth` issued that have not been fetched
    result     fetched into the lane's register when the register is empty or empties, from
               FETCH_CYCLES after the issue of its closing entry
    carry      a register that waits takes it from the carry register to the right, if it sends
               nothing or its own carry register is empty; a register that sends, and has what it
               waits for, goes to its empty carry register; the last stays as a word without a row
    output     any other register that waits for nothing empties
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]

CLOSES, SENDS, WAITS, LAST = 1, 2, 4, 8


class Results(NamedTuple):
    """By lane: closing entries issued and fetched so far, with flags and issue cycle of each of
    the last `depth`; flags in the register (0: empty); whether the carry register is full.
    """

    issued: Ints
    fetched: Ints
    flags: Ints
    cycles: Ints
    register: Ints
    carried: Ints


def new_results(lanes: int, depth: int) -> Results:
    """Nothing has been issued."""
    by_lane = [np.zeros(lanes, np.int64) for _ in range(4)]
    by_result = [np.zeros((lanes, depth), np.int64) for _ in range(2)]
    return Results(*by_lane[:2], *by_result, *by_lane[2:])


def _step(results, cycle, fetch_cycles):
    """One cycle of all registers, left to right; how many words leave."""
    num_lanes = len(results.register)
    num_out, was_carried = 0, False
    for lane in range(num_lanes):
        flags = results.register[lane]
        sends, waits = (flags & SENDS) > 0, (flags & WAITS) > 0
        blocked = sends and was_carried if lane else False
        right = lane + 1 < num_lanes and results.carried[lane + 1] > 0
        adds = waits and right and not blocked
        is_sent = sends and not blocked and (adds or not waits)
        was_carried = right
        if adds:
            results.carried[lane + 1] = 0
        is_free = flags == 0
        if is_sent:
            results.carried[lane] = 1
            results.register[lane] = CLOSES | LAST
            is_free = (flags & LAST) == 0
        elif adds:
            results.register[lane] = flags & ~WAITS
        elif flags and not sends and not waits:
            num_out += 1
            is_free = True
        if is_free:
            fetch(results, lane, cycle - fetch_cycles)
    return num_out


def _fetch(results, lane, latest):
    """The lane's next result, if it was issued by the cycle `latest`, takes the register."""
    results.register[lane] = 0
    slot = results.fetched[lane] % results.flags.shape[1]
    if results.fetched[lane] < results.issued[lane] and results.cycles[lane, slot] <= latest:
        results.register[lane] = results.flags[lane, slot]
        results.fetched[lane] += 1


def _issue(results, lane, flags, cycle):
    """A closing entry starts."""
    slot = results.issued[lane] % results.flags.shape[1]
    results.flags[lane, slot] = flags
    results.cycles[lane, slot] = cycle
    results.issued[lane] += 1


def _have_room(results):
    """Whether every lane has."""
    return (results.issued - results.fetched).max() < results.flags.shape[1]


def _progress(results):
    """A number that changes when a register does."""
    return 64 * results.fetched.sum() + results.register.sum()


def _play_words(results, words, ends, load_words, buffers, fetch_cycles):
    """Play packets: flags by word and lane, which words end a packet, load words by packet.

    Cycles of the first and last issue and of the last word out, the first load word in cycle 0;
    -1: it stands still.
    """
    packet, loaded, num_full, word = 0, 0, 0, 0
    first, last, last_out, cycle, idle = -1, -1, -1, 0, 0
    while word < len(words) or (results.issued > results.fetched).any() or results.register.any():
        is_loaded = packet < len(load_words) and num_full < buffers
        is_issued = word < len(words) and num_full > 0 and have_room(results)
        moves = progress(results)
        if step(results, cycle, fetch_cycles) > 0:
            last_out = cycle
        idle = 0 if moves != progress(results) else idle + 1
        if is_loaded:
            idle = 0
            loaded += 1
            if loaded == load_words[packet]:
                packet, loaded, num_full = packet + 1, 0, num_full + 1
        if is_issued:
            idle, last = 0, cycle
            first = cycle if first < 0 else first
            for lane in range(words.shape[1]):
                if words[word, lane]:
                    issue(results, lane, words[word, lane], cycle)
            num_full -= ends[word]
            word += 1
        if idle > fetch_cycles + 2:
            return -1, -1, -1
        cycle += 1
    return first, last, last_out


# Without decorators: a compiled function has no type that mypy knows.
fetch = njit(cache=True)(_fetch)
step = njit(cache=True)(_step)
progress = njit(cache=True)(_progress)
issue = njit(cache=True)(_issue)
have_room = njit(cache=True)(_have_room)
play_words = njit(cache=True)(_play_words)
