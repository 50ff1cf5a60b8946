"""Cost laws of the spmm template: exact cycles without stalls. Pure: no Amaranth here.

Mode static. Each cycle that is counted follows from the schedule; the recurrence is in `cost_core`.
With w(p) words in packet p, one word of the schedule goes per cycle unless

    the packet's B is not there: a word of `b` per cycle while a buffer is free, the first word of
        the schedule in the cycle after the last one; the buffer is free in the cycle after the
        packet's last word of the schedule
    a lane has no room: `result_words` results have been issued and not fetched

A result that waits for no other lane leaves ISSUE_TO_RESULT_CYCLES after its closing entry, if the
lane's results before it have left; pieces of a row go from lane to lane in one cycle each. Hence

    w <= cycles of a packet whose B is there <= w + ISSUE_TO_RESULT_CYCLES + 2 * lanes

as long as no lane runs out of room: at the end at most `lanes` carries follow each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import cost_core
from .params import SpmmParams

ISSUE_TO_ITEM_CYCLES = 3
"""From an entry's start to its result in the FIFO's input: bank, word, product."""

FETCH_CYCLES = ISSUE_TO_ITEM_CYCLES + 1
"""From an entry's start to its result at the FIFO's output."""

MERGE_CYCLES = 1
"""From the FIFO's output to a lane's output, or to the lane to the left."""

ISSUE_TO_RESULT_CYCLES = FETCH_CYCLES + MERGE_CYCLES
"""From an entry's start to its result on the lane's output, if nothing is before it."""


@dataclass(frozen=True, kw_only=True)
class StaticTiming:
    """Cycles counted from the first word of `b`, which is cycle 0."""

    first_issue: int
    last_issue: int
    last_output: int

    @property
    def cycles(self) -> int:
        """From the first word of `b` to the last result, both counted."""
        return self.last_output + 1

    @property
    def busy_cycles(self) -> int:
        """From the first word of `a` to the last result, both counted."""
        return self.last_output - self.first_issue + 1


def static_timing(
    params: SpmmParams, closings: Sequence[NDArray[np.int64]], load_words: Sequence[int]
) -> StaticTiming:
    """Packets back to back: by packet `Schedule.closings` and the words of `b`."""
    ends = np.concatenate([np.arange(len(words)) == len(words) - 1 for words in closings])
    first, last, last_output = cost_core.play_words(
        cost_core.new_results(params.lanes, params.result_words),
        np.concatenate(list(closings)).astype(np.int64),
        ends.astype(np.int64),
        np.asarray(load_words, np.int64),
        params.buffers,
        FETCH_CYCLES,
    )
    if last_output < 0:
        raise ValueError("this schedule never ends: a lane waits for a result that cannot come")
    return StaticTiming(first_issue=first, last_issue=last, last_output=last_output)
