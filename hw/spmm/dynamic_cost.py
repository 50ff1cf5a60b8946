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

# The model's state of a lane: next entry, entries in the window, whether its packet is over, entry
# that went and its flags (FLAGS, in the order of `cost_core`).
NEXT, COUNT, IS_OVER, GONE, GONE_FLAGS, NUM_STATES = range(6)
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


def _play(shares, bank, flags, load_words, sizes, results):  # type: ignore[no-untyped-def]
    """Cycle by cycle; the parts see what was so at the beginning of the cycle."""
    banks, depth, buffers, fetch_cycles = sizes
    lanes = len(shares) - 1
    state = np.zeros((lanes, NUM_STATES), np.int64)
    state[:, NEXT], state[:, GONE] = shares[:-1], -1
    window = np.zeros((lanes, depth + 1), np.int64)  # entries
    ends = np.zeros((lanes, depth + 1), np.int64)  # their flags; those of ends of rows move
    starts = np.zeros(shares[-1], np.int64)
    num_full, packet, loaded, turn, first_a, last_out, cycle = 0, 0, 0, 0, -1, 0, 0
    while is_busy(state, shares) or is_any_left(results):
        is_full, is_over = num_full > 0, state[:, IS_OVER].all()
        was_empty = not state[:, COUNT].any()
        spare = results.flags.shape[1] - (results.issued - results.fetched)
        chosen = choose(window, ends, state, bank, (banks, depth, turn, is_full), spare)
        start(state, results, starts, cycle)
        if step(results, cycle, fetch_cycles) > 0:
            last_out = cycle
        if is_full and first_a < 0:
            first_a = cycle
        move(window, ends, state, chosen, (flags, shares, is_full))
        turn = 0 if was_empty else (turn + (chosen >= 0).any()) % lanes
        if is_over:
            state[:, IS_OVER] = 0
        if packet < len(load_words) and num_full < buffers:
            loaded += 1
        num_full -= is_over
        if packet < len(load_words) and loaded == load_words[packet]:
            loaded, packet, num_full = 0, packet + 1, num_full + 1
        cycle += 1
    return first_a, last_out, starts


def _is_busy(state, shares):  # type: ignore[no-untyped-def]
    """Whether entries are to come or have not started."""
    for lane in range(len(state)):
        here = state[lane]
        if here[NEXT] < shares[lane + 1] or here[COUNT] or here[GONE] >= 0:
            return True
    return False


def _is_any_left(results):  # type: ignore[no-untyped-def]
    """Whether results have not left."""
    return (results.issued > results.fetched).any() or results.register.any()


def _choose(window, ends, state, bank, circumstances, spare):  # type: ignore[no-untyped-def]
    """The place in its window of each lane's entry that goes, or -1: two rounds, by the turn."""
    banks, depth, turn, is_full = circumstances
    lanes = len(state)
    chosen = np.full(lanes, -1)
    taken, taken_now = np.zeros(banks, np.bool_), np.zeros(banks, np.bool_)
    for number in range(2 * lanes if depth > 1 else lanes):
        lane = (turn + number) % lanes
        is_second = number >= lanes
        if number == lanes:
            taken[:] = taken_now
        here = state[lane]
        if not is_full or here[IS_OVER] or spare[lane] < 2 or chosen[lane] >= 0:
            continue
        rows_before = 0
        for place in range(min(here[COUNT], depth if is_second else 1)):
            wanted, flag = bank[window[lane, place]], ends[lane, place]
            ends_alone = place > 0 and flag & CLOSES and ends[lane, place - 1] & CLOSES
            if rows_before < 2 and not ends_alone and not taken[wanted]:
                if not taken_now[wanted]:
                    taken_now[wanted] = True
                    chosen[lane] = place
                break
            if flag & CLOSES:
                rows_before += 2 if flag & LAST else 1
    return chosen


def _start(state, results, starts, cycle):  # type: ignore[no-untyped-def]
    """What went in the cycle before starts."""
    for lane in range(len(state)):
        entry, flags = state[lane, GONE], state[lane, GONE_FLAGS]
        if entry >= 0:
            starts[entry] = cycle
            if flags & CLOSES:
                issue(results, lane, flags, cycle)


def _move(window, ends, state, chosen, circumstances):  # type: ignore[no-untyped-def]
    """Entries close up behind those that go; new ones come behind them."""
    flags, shares, is_full = circumstances
    for lane in range(len(state)):
        here, place = state[lane], chosen[lane]
        has_space = here[COUNT] < window.shape[1]
        here[GONE] = -1
        if place >= 0:
            here[GONE], here[GONE_FLAGS] = window[lane, place], ends[lane, place]
            if place and ends[lane, place] & CLOSES:
                ends[lane, place - 1], here[GONE_FLAGS] = ends[lane, place], 0
            if here[GONE_FLAGS] & CLOSES and here[GONE_FLAGS] & LAST:
                here[IS_OVER] = 1
            here[COUNT] -= 1
            for other in range(place, here[COUNT]):
                window[lane, other] = window[lane, other + 1]
                ends[lane, other] = ends[lane, other + 1]
        if is_full and has_space and here[NEXT] < shares[lane + 1]:
            window[lane, here[COUNT]] = here[NEXT]
            ends[lane, here[COUNT]] = flags[here[NEXT]]
            here[NEXT] += 1
            here[COUNT] += 1


# Without decorators: a compiled function has no type that mypy knows.
is_busy, is_any_left = njit(cache=True)(_is_busy), njit(cache=True)(_is_any_left)
choose, start, move = njit(cache=True)(_choose), njit(cache=True)(_start), njit(cache=True)(_move)
play = njit(cache=True)(_play)
