"""Cost laws of the nm_prune template: exact cycles. Pure.

An event in a cycle is a transfer. Group i of all packets is taken at t(i); word of group i:

    t(i) = max(t(i - 1) + 1, command of its packet + COMMAND_TO_GROUP_CYCLES,
               output of group i - BUFFERED_GROUPS + ROOM_CYCLES)
    `output: groups`: the word is valid at t(i) + GROUP_TO_WORD_CYCLES, one per cycle at most
    `output: words`: the group reaches the columns at c(i) = max(t(i) + GROUP_TO_WORD_CYCLES,
        c(i - 1) + 1), the last of a row (of `cols` groups or the end of a packet) not before the
        last word of the row before; word s of the row is valid at c(i) + 1 + s

so that a packet takes its number of groups, if `kept` <= `cols` in `output: words`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .params import NMPruneParams

COMMAND_TO_GROUP_CYCLES = 1
"""From a command's transfer to that of the first group of its packet."""

PIPELINE_CYCLES = 5
"""Magnitudes, comparisons, ranks, positions, elements."""

GROUP_TO_WORD_CYCLES = PIPELINE_CYCLES + 1
"""From a group's transfer to its elements behind the FIFO."""

ROOM_CYCLES = 1
"""From a transfer that makes room to the use of that room."""

COLUMNS_TO_WORD_CYCLES = 1
"""From the last group of a row to the row's first word."""

HELD_COMMANDS = 2
"""Commands inside: of the packet that is taken and of the next."""

BUFFERED_GROUPS = GROUP_TO_WORD_CYCLES + ROOM_CYCLES
"""Groups in the pipeline and the FIFO: as many as a group per cycle needs."""


@dataclass(frozen=True, kw_only=True)
class Packet:
    """A packet of `groups` groups of which `kept` values each stay."""

    groups: int
    kept: int


def kernel_cycles(params: NMPruneParams, packets: Sequence[Packet]) -> int:
    """Cycles from the first transfer to the last word out, both included, without stalls."""
    taken: list[int] = []
    left: list[int] = []  # the group's elements leave the FIFO
    ends: list[int] = []  # the last group of each packet is taken
    command = last_word = -1
    for packet in packets:
        command += 1
        if len(ends) >= HELD_COMMANDS:
            command = max(command, ends[-HELD_COMMANDS] + ROOM_CYCLES)
        for number in range(packet.groups):
            time = command + COMMAND_TO_GROUP_CYCLES
            if taken:
                time = max(time, taken[-1] + 1)
            if len(left) >= BUFFERED_GROUPS:
                time = max(time, left[-BUFFERED_GROUPS] + ROOM_CYCLES)
            taken.append(time)
            leaves = max(time + GROUP_TO_WORD_CYCLES, left[-1] + 1 if left else 0)
            if params.output == "groups":
                last_word = leaves
            elif (number + 1) % params.cols == 0 or number == packet.groups - 1:
                leaves = max(leaves, last_word)
                last_word = leaves + COLUMNS_TO_WORD_CYCLES + packet.kept - 1
            left.append(leaves)
        ends.append(taken[-1])
    return last_word + 1
