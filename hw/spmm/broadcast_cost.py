"""Cost law of mode `broadcast`: exact cycles without stalls. Pure: no Amaranth here.

With w(p) words of `a` (entries of A times passes, at least 1) and l(p) words of `b` in packet p:

    load end l_end(p) = l(p) - 1 + max(l_end(p - 1), last(p - buffers)) + 1
    first(p) = max(l_end(p), last(p - 1)) + 1
    last(p) = first(p) + w(p) - 1

and the last result leaves ISSUE_TO_RESULT_CYCLES after last(p). (All before the first word is -1.)
That is w + ISSUE_TO_RESULT_CYCLES cycles for a packet whose B is there. A lane with fewer than
FETCH_CYCLES + 1 places for results may be full; then a word waits until the result that many
before it has been fetched.
"""

from collections.abc import Sequence

import numpy as np

from .cost import FETCH_CYCLES, ISSUE_TO_RESULT_CYCLES
from .entry_mapping import EntryStream
from .params import SpmmParams


def kernel_cycles(
    params: SpmmParams, packets: Sequence[EntryStream], load_words: Sequence[int]
) -> int:
    """Cycles from the first transfer of any input to the last of any output, without stalls."""
    ends: list[int] = []  # last start of each packet
    load_end, closed = -1, [-FETCH_CYCLES - 1] * params.result_words
    for number, (words, loads) in enumerate(zip(packets, load_words, strict=True)):
        freed = ends[number - params.buffers] if number >= params.buffers else -1
        load_end = max(load_end, freed) + loads
        previous = max(load_end, ends[-1] if ends else -1)
        ends.append(_last_start(params, words, previous, closed))
    return ends[-1] + ISSUE_TO_RESULT_CYCLES + 1


def packet_cycles(num_words: int) -> int:
    """Cycles of one packet from the first word of `a`, whose B is there."""
    return num_words + ISSUE_TO_RESULT_CYCLES


def _last_start(params: SpmmParams, words: EntryStream, previous: int, closed: list[int]) -> int:
    """The cycle of a packet's last word; `closed` keeps when the last results were closed."""
    if params.result_words > FETCH_CYCLES:
        return previous + len(words)
    for is_end in np.asarray(words.is_row_end).tolist():
        previous = max(previous + 1, closed[0] + FETCH_CYCLES + 1)
        if is_end:
            closed.append(previous)
            closed.pop(0)
    return previous
