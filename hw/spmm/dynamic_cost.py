"""Cost law of mode `dynamic`: exact cycles without stalls, from the entries themselves. Pure.

Which entry starts when depends on the banks of all of them, so the law is a model of windows,
arbiter, results and carries, cycle by cycle. `bounds` need no model: a packet takes at least as
many cycles as its longest lane has entries and its most read bank has reads; at most one per entry,
since some lane starts in every cycle, and those of a result for each one that waits for another
lane, when results fill all lanes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numba import njit

from .cost import FETCH_CYCLES, ISSUE_TO_RESULT_CYCLES
from .cost_core import CLOSES, LAST, SENDS, WAITS, Ints, issue, new_results, step
from .dynamic_mapping import join_packets
from .entry_mapping import EntryStream
from .params import SpmmParams

TAKE_TO_START_CYCLES = 2
"""From an entry's transfer to its start, when its bank is free: window, choice."""

# The model's state of a lane: next entry, entries in the window, whether its packet is over, place
# of the entry that goes, entry that went in the cycle before, and its flags.
NEXT, COUNT, IS_OVER, CHOSEN, GONE, GONE_FLAGS, NUM_STATES = range(7)
FLAGS = {"is_row_end": CLOSES, "sends": SENDS, "waits": WAITS, "last": LAST}


@dataclass(frozen=True, kw_only=True)
class Times:
    """Cycles of the model, from the first word of B on; `last_out` is that of the last result."""

    first_a: int
    last_out: int
    starts: tuple[Ints, ...]

    @property
    def cycles(self) -> int:
        """From the first transfer of any input to the last of any output."""
        return self.last_out + 1

    @property
    def work_cycles(self) -> int:
        """From the first entry's transfer to the last result's: B lies in the banks before."""
        return self.last_out - self.first_a + 1


def times(
    params: SpmmParams, packets: Sequence[tuple[EntryStream, ...]], load_words: Sequence[int]
) -> Times:
    """What happens when, for packets with `load_words` words of `b` each, when nothing stalls."""
    lanes = join_packets(packets)
    flags = [sum(getattr(lane, name) * flag for name, flag in FLAGS.items()) for lane in lanes]
    shares = np.concatenate([[0], np.cumsum([len(lane) for lane in lanes])]).astype(np.int64)
    first_a, last_out, starts = play(
        shares,
        np.concatenate([lane.bank for lane in lanes]),
        np.concatenate(flags).astype(np.int64),
        np.asarray(load_words, np.int64),
        (params.banks, params.window, params.buffers, FETCH_CYCLES),
        new_results(params.lanes, params.result_words),
    )
    return Times(
        first_a=first_a,
        last_out=last_out,
        starts=tuple(starts[a:b] for a, b in pairwise(shares.tolist())),
    )


def kernel_cycles(
    params: SpmmParams, packets: Sequence[tuple[EntryStream, ...]], load_words: Sequence[int]
) -> int:
    """Cycles from the first transfer of any input to the last of any output, without stalls."""
    return times(params, packets, load_words).cycles


def bounds(params: SpmmParams, packet: tuple[EntryStream, ...]) -> tuple[int, int]:
    """Least and most `work_cycles` of one packet."""
    bank = np.concatenate([lane.bank for lane in packet])
    longest = max(len(lane) for lane in packet)
    most_reads = int(np.bincount(bank, minlength=params.banks).max())
    num_waits = sum(int((lane.waits & lane.is_row_end).sum()) for lane in packet)
    latency = TAKE_TO_START_CYCLES + ISSUE_TO_RESULT_CYCLES
    return max(longest, most_reads) + latency, len(bank) + latency * (num_waits + 1)


def _play(shares, bank, flags, load_words, sizes, results):
    """Cycle by cycle; the parts see what was so at the beginning of the cycle."""
    banks, depth, buffers, fetch_cycles = sizes
    lanes = len(shares) - 1
    state = np.zeros((lanes, NUM_STATES), np.int64)
    for lane in range(lanes):
        state[lane, NEXT], state[lane, GONE], state[lane, CHOSEN] = shares[lane], -1, -1
    window = np.zeros((2, lanes, depth + 1), np.int64)  # entries; flags: ends of rows move
    taken = np.zeros(banks, np.int64)
    starts = np.zeros(shares[-1], np.int64)
    num_full, packet, loaded, turn, first_a, last_out, cycle = 0, 0, 0, 0, -1, 0, 0
    while is_busy(state, shares, results):
        is_full, is_over = num_full > 0, count(state, IS_OVER) == lanes
        was_empty = count(state, COUNT) == 0
        num_chosen = choose(window, state, bank, taken, turn, results) if is_full else 0
        start(state, results, starts, cycle)
        if step(results, cycle, fetch_cycles) > 0:
            last_out = cycle
        if is_full and first_a < 0:
            first_a = cycle
        move(window, state, flags, shares, is_full, is_over)
        turn = 0 if was_empty else (turn + (num_chosen > 0)) % lanes
        if packet < len(load_words) and num_full < buffers:
            loaded += 1
        if is_over:
            num_full -= 1
        if packet < len(load_words) and loaded == load_words[packet]:
            loaded, packet, num_full = 0, packet + 1, num_full + 1
        cycle += 1
    return first_a, last_out, starts


def _is_busy(state, shares, results):
    """Whether entries are to come or have not started, or results have not left."""
    for lane in range(len(state)):
        if state[lane, NEXT] < shares[lane + 1] or state[lane, COUNT] or state[lane, GONE] >= 0:
            return True
        if results.issued[lane] > results.fetched[lane] or results.register[lane]:
            return True
    return False


def _count(state, what):
    """Lanes whose state is not 0."""
    number = 0
    for lane in range(len(state)):
        number += state[lane, what] != 0
    return number


def _choose(window, state, bank, taken, turn, results):
    """Sets CHOSEN, the place in its window of each lane's entry that goes: two rounds, by the turn.
    How many go. `taken`: by bank the round in which it was.
    """
    lanes, depth, num_chosen = len(state), window.shape[2] - 1, 0
    for number in range(len(taken)):
        taken[number] = 0
    for number in range(2 * lanes if depth > 1 else lanes):
        lane, this_round = (turn + number) % lanes, 1 + number // lanes
        has_spare = results.issued[lane] - results.fetched[lane] < results.flags.shape[1] - 1
        if state[lane, IS_OVER] or state[lane, CHOSEN] >= 0 or not has_spare:
            continue
        place = candidate(window[:, lane], state[lane, COUNT], bank, taken, this_round)
        if place >= 0 and taken[bank[window[0, lane, place]]] == 0:
            taken[bank[window[0, lane, place]]] = this_round
            state[lane, CHOSEN] = place
            num_chosen += 1
    return num_chosen


def _candidate(window, num_kept, bank, taken, this_round):
    """The place of the entry that a lane asks for, or -1."""
    num_seen = 1 if this_round == 1 else window.shape[1] - 1
    rows_before, ended = 0, False
    for place in range(min(num_kept, num_seen)):
        flags = window[1, place]
        ends_alone = ended and flags & CLOSES
        ended = flags & CLOSES != 0
        if taken[bank[window[0, place]]] != 1 and rows_before < 2 and not ends_alone:
            return place
        if ended:
            rows_before += 2 if flags & LAST else 1
    return -1


def _start(state, results, starts, cycle):
    """What went in the cycle before starts."""
    for lane in range(len(state)):
        entry, flags = state[lane, GONE], state[lane, GONE_FLAGS]
        if entry >= 0:
            starts[entry] = cycle
            if flags & CLOSES:
                issue(results, lane, flags, cycle)


def _move(window, state, flags, shares, is_full, is_over):
    """Entries close up behind those that go; new ones come behind them."""
    for lane in range(len(state)):
        here, entries, ends = state[lane], window[0, lane], window[1, lane]
        place, has_space = here[CHOSEN], here[COUNT] < len(entries)
        here[CHOSEN], here[GONE] = -1, -1
        if is_over:
            here[IS_OVER] = 0
        if place >= 0:
            here[GONE], here[GONE_FLAGS] = entries[place], ends[place]
            if place and ends[place] & CLOSES:
                ends[place - 1], here[GONE_FLAGS] = ends[place], 0
            if here[GONE_FLAGS] & CLOSES and here[GONE_FLAGS] & LAST:
                here[IS_OVER] = 1
            here[COUNT] -= 1
            for other in range(place, here[COUNT]):
                entries[other], ends[other] = entries[other + 1], ends[other + 1]
        if is_full and has_space and here[NEXT] < shares[lane + 1]:
            entries[here[COUNT]], ends[here[COUNT]] = here[NEXT], flags[here[NEXT]]
            here[NEXT] += 1
            here[COUNT] += 1


# Without decorators: a compiled function has no type that mypy knows.
is_busy, count, candidate = (njit(cache=True)(part) for part in (_is_busy, _count, _candidate))
choose, start, move = (njit(cache=True)(part) for part in (_choose, _start, _move))
play = njit(cache=True)(_play)
