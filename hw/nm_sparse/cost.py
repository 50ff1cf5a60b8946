"""Cost laws of the nm_sparse template: exact cycles. Pure.

The array is a `systolic` one whose block is a *step*: one weight of each column. Cycle s(j) starts
step j, and step j is the first of group g if it is the first of `kept` steps with the same
activations. All that `systolic.cost` says of blocks holds of steps, with block_cycles = 1, but for
the activations, of which only the first step of a group needs any:

    first step of group g: s(j) >= last activation word of group g + WORD_TO_START_CYCLES
    a word of group g is taken no earlier than s(first step of group g - edge_groups)
        + group_room_cycles, nor earlier than one cycle after the word before

Groups thus follow each other every `group_cycles` if `edge_groups` is at least
`full_rate_groups`: a narrow feed (`feed_lanes` < group / kept) leaves the array waiting for
`group_words` - `kept` of `group_words` cycles.
"""

from ..systolic.cost import ROOM_CYCLES, packet_cycles
from .params import NMSparseParams

BANK_READ_CYCLES = 1
"""From the start of a group's first step to the read of its bank by row 0."""


def group_cycles(params: NMSparseParams, kept: int) -> int:
    """Cycles from group to group that steps and activation words take."""
    return max(kept, params.group_words)


def group_room_cycles(params: NMSparseParams) -> int:
    """From the start of a group's first step to a word in its room: every row has read it."""
    return BANK_READ_CYCLES + params.rows + ROOM_CYCLES


def round_cycles(params: NMSparseParams, kept: int) -> int:
    """Cycles in which `edge_groups` groups pass when nothing else is missing."""
    round_trip = params.group_words + group_room_cycles(params)
    return max(params.edge_groups * group_cycles(params, kept), round_trip)


def tile_cycles(params: NMSparseParams, groups: int, kept: int) -> int:
    """Cycles from tile to tile when nothing is missing and the buffers are deep enough."""
    return max(groups * group_cycles(params, kept), packet_cycles(params))


def speedup_limit(params: NMSparseParams, kept: int) -> tuple[int, int]:
    """Dense cycles over sparse ones, as a fraction, for products without fill and drain."""
    return group_cycles(params, params.group), group_cycles(params, kept)
