"""Cost laws of the weight-stationary core: exact cycles, given when words arrive and leave. Pure.

A *pass* uses one block of `rows` B words for `m` *steps*, one A word each. The passes of a packet
(the results of one subpanel) are its k passes: `subblocks` per k block. Only steps of a packet's
last pass give output words. s(p, j) is the cycle in which step j of pass p starts; it is the cycle
of the transfer of its A word. b(p, i) is the cycle of the transfer of B word i of pass p. Then

    s(p, j) = max(A word of (p, j) is offered,
                  s(the step before) + 1,
                  command of pass p + COMMAND_TO_START_CYCLES,
                  j = 0: b(p, rows - 1) + WORD_TO_START_CYCLES,
                  j = 0, not the packet's first pass: s(p - 1, m - 1) + pass_distance(m),
                  last pass: the transfer of the output word output_words before its own
                             + ROOM_CYCLES,
      requantized, last pass, j = 0:
                  s(the packet before's last pass, 0) + cols,
                  first packet of a panel: last parameter word of the panel's sets
                             + WORD_TO_START_CYCLES)
    b(p, i) = max(B word is offered, b(the word before) + 1, i = 0: s(p - 1, 0))

    output word of step (p, j) is valid at s(p, j) + first_output_cycles, or one cycle after the
        word before it has left
    panel release at s(last pass of the panel, 0) + release_cycles

So a pass takes `pass_cycles` when words arrive one per cycle, and passes follow without a gap.
"""

from .cost import ANNOUNCE_CYCLES, ROOM_CYCLES, drain_cycles
from .params import SystolicParams

START_TO_EDGE_CYCLES = 2
"""From a step's start to its first operand at PE (0, 0): word register, edge register."""

EDGE_TO_PSUM_CYCLES = 3
"""From a PE's operand to its psum: operand, product, psum."""

PSUM_TO_VALUE_CYCLES = 1
"""From the bottom of a column to its accumulated value."""

ACCUMULATE_CYCLES = 4
"""From the read of an accumulator to the next one: memory, register, sum, write."""


def subblocks(params: SystolicParams) -> int:
    """Passes that a word of `lanes` values of k takes with `rows` rows."""
    return -(-params.lanes // params.rows)


def pass_distance(m: int) -> int:
    """From the last step of a pass to the first of the next one, which adds to its sums."""
    return max(1, ACCUMULATE_CYCLES + 1 - m)


def pass_cycles(params: SystolicParams, m: int) -> int:
    """Cycles from pass to pass of a packet when nothing is missing."""
    return max(m, params.rows, ACCUMULATE_CYCLES)


def packet_cycles(params: SystolicParams, m: int, k_blocks: int) -> int:
    """Cycles from packet to packet when nothing is missing."""
    passes = k_blocks * subblocks(params)
    # The first pass of the next packet adds to nothing: no distance to the last one.
    cycles = (passes - 1) * pass_cycles(params, m) + max(m, params.rows)
    return max(cycles, params.cols) if params.has_parameters else cycles


def start_to_value_cycles(params: SystolicParams) -> int:
    """From a step of a last pass to its value in column 0 at the drain."""
    to_bottom = params.rows - 1 + EDGE_TO_PSUM_CYCLES
    return START_TO_EDGE_CYCLES + to_bottom + PSUM_TO_VALUE_CYCLES


def first_output_cycles(params: SystolicParams) -> int:
    """From a step of a last pass to its output word, when the output FIFO is empty."""
    return start_to_value_cycles(params) + drain_cycles(params)


def release_cycles(params: SystolicParams) -> int:
    """From the first step of a panel's last pass to the release of its parameters."""
    return start_to_value_cycles(params) - ANNOUNCE_CYCLES + params.cols


def output_words(params: SystolicParams) -> int:
    """Depth of the output FIFO: enough that a ready destination never holds the array up."""
    return first_output_cycles(params) + ROOM_CYCLES


def packets_under_way(params: SystolicParams) -> int:
    """Packets between the start of their last pass and their announcement, at most."""
    return -(-(start_to_value_cycles(params) - ANNOUNCE_CYCLES) // params.cols) + 1
