"""Cost law of the zero_skip template: exact cycles from how many elements each word keeps. Pure.

Words enter one per cycle, whatever is kept. Word t of all (t = 0, 1 ..) ends an output word if with
what is open there are more elements than `lanes`, and as the last word of a packet what remains. A
full output word stays open: it may be the last one. An output word leaves at

    max(t + latency_cycles, one cycle after the output word before it)

At most one output word is late, by one cycle, and only behind a packet whose last input word ends
two output words. So all words of all packets take words + latency_cycles cycles, or one more.
"""

from collections.abc import Iterator, Sequence

from .params import ZeroSkipParams

STAGES_PER_REGISTER = 2
"""Stages of the routing network between two rows of registers."""

COMMAND_TO_WORD_CYCLES = 1
"""From a command's transfer to the first word of its packet."""

SELECT_CYCLES = 1
READ_STATE_CYCLES = 1
"""`delta` only: the values last sent come out of their memory."""
COUNT_CYCLES = 1
PLACE_CYCLES = 1
OUTPUT_FIFO_CYCLES = 1
"""From the word that ends an output word, at the merging buffer, to the output."""

LATE_CYCLES = 1


def network_cycles(params: ZeroSkipParams) -> int:
    """Rows of registers in the routing network."""
    return -(-params.stages // STAGES_PER_REGISTER)


def latency_cycles(params: ZeroSkipParams) -> int:
    """From an input word to the output word that it ends."""
    state = READ_STATE_CYCLES if params.function == "delta" else 0
    before = state + SELECT_CYCLES + COUNT_CYCLES + PLACE_CYCLES
    return before + network_cycles(params) + OUTPUT_FIFO_CYCLES


def credits(params: ZeroSkipParams) -> int:
    """Words under way at most: never fewer than a ready destination needs for one per cycle.

    A word's credit is back one cycle after its output word has left; an open output word keeps
    one, and an output word may be late.
    """
    return latency_cycles(params) + 1 + 1 + LATE_CYCLES


def output_cycles(params: ZeroSkipParams, packets: Sequence[Sequence[int]]) -> Iterator[int]:
    """When each output word leaves, counted from the transfer of the first input word.

    `packets` has for each input word of each packet the number of elements that it keeps.
    """
    latency = latency_cycles(params)
    word, previous = 0, -1
    for packet in packets:
        num_open = 0
        for position, num_kept in enumerate(packet, start=1):
            num_open += num_kept
            is_over, is_last = num_open > params.lanes, position == len(packet)
            num_open -= params.lanes if is_over else 0
            num_words = is_over + is_last
            for _ in range(num_words):
                previous = max(previous + 1, word + latency)
                yield previous
            word += 1


def kernel_cycles(params: ZeroSkipParams, packets: Sequence[Sequence[int]]) -> int:
    """First transfer of any input to last of the output, both counted, without stalls."""
    last = max(output_cycles(params, packets))
    return (COMMAND_TO_WORD_CYCLES if params.has_command else 0) + last + 1


def bound_cycles(params: ZeroSkipParams, num_words: int) -> int:
    """The same for any data of `num_words` input words: never more."""
    command = COMMAND_TO_WORD_CYCLES if params.has_command else 0
    return command + num_words + latency_cycles(params) + LATE_CYCLES
