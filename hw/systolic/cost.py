"""Cost laws of the systolic template: exact cycles, given when words arrive and leave. Pure.

Output stationary. A *block* is what starts at once: `block_cycles` steps of k. Cycle s(j) starts
block j; an event in a cycle is a transfer (valid and ready) in that cycle. Then

    s(j) = max(s(j - 1) + block_cycles,
               last A word of block j + WORD_TO_START_CYCLES,
               last B word of block j + WORD_TO_START_CYCLES,
               command of block j + COMMAND_TO_START_CYCLES,
               first block of a panel: last parameter word of its sets + WORD_TO_START_CYCLES,
               last block of tile t: last word out of tile t - output_tiles + ROOM_CYCLES,
               last block of tile t: start of the last block of tile t - 1 + packet_cycles)

    A word i of block j is taken no earlier than s(j - edge_blocks) + i + ROOM_CYCLES, B likewise
    output word i of tile t is valid at s(last block of t) + first_output_cycles + i, or one cycle
        after word i - 1 has left (word 0: after the last word of tile t - 1)
    panel release at s(last block of the panel) + release_cycles
"""

from tilewright.hw.lib.cost import requantize_latency

from .params import SystolicParams

ANNOUNCE_CYCLES = 2
"""From a packet's announcement to its first value at the drain."""

WORD_TO_START_CYCLES = 1
"""From the last missing word to the start of a block."""

COMMAND_TO_START_CYCLES = 2
"""From a command's transfer to the start of its first block, when the core is idle."""

ROOM_CYCLES = 1
"""From a transfer that makes room to the use of that room."""

START_TO_STEP_CYCLES = 2
"""From the start of a block to its first operands at PE (0, 0): edge memory, edge register."""

STEP_TO_SUM_CYCLES = 3
"""From a tile's last operands at a PE to its sum: operands, product, sum."""

COLLECT_FAN_IN = 4
"""Rows, or groups of rows, among which a level of the collecting tree picks in a cycle: as many as
a multiplexer in one LUT of six inputs."""

OUTPUT_FIFO_CYCLES = 2
"""From a word written into the empty output FIFO to its transfer."""


def block_cycles(params: SystolicParams) -> int:
    """Steps of k in a block: `lanes` if a feed is `k_inner`, else 1."""
    return params.lanes if "k_inner" in (params.a_feed, params.b_feed) else 1


def a_block_words(params: SystolicParams) -> int:
    """A words of a block: one per row, or one per step."""
    return params.rows if params.a_feed == "k_inner" else block_cycles(params)


def b_block_words(params: SystolicParams) -> int:
    """B words of a block: one per column, or one per step."""
    return params.cols if params.b_feed == "k_inner" else block_cycles(params)


def packet_cycles(params: SystolicParams) -> int:
    """Cycles that a tile takes at least: the drain moves `rows` rows and reads `cols` entries."""
    return max(params.rows, params.cols)


def tile_cycles(params: SystolicParams, k_blocks: int) -> int:
    """Cycles from tile to tile when nothing is missing."""
    return max(k_blocks * block_cycles(params), packet_cycles(params))


def drain_cycles(params: SystolicParams) -> int:
    """From a value of column 0 at the drain to its output word, when the output FIFO is empty."""
    latency = requantize_latency(params.requantize_params) if params.has_parameters else 0
    return latency + params.cols - 1 + OUTPUT_FIFO_CYCLES


def collect_levels(params: SystolicParams) -> int:
    """Cycles from a sum in its PE to the drain: levels of the tree that collects the rows."""
    levels = 0
    while COLLECT_FAN_IN**levels < params.rows:
        levels += 1
    return levels


def pair_cycles(params: SystolicParams) -> int:
    """Cycles that values come later because columns that share a multiplier wait for each other."""
    return params.products_per_dsp - 1


def start_to_value_cycles(params: SystolicParams) -> int:
    """From the start of a tile's last block to its first value (that of row 0) at the drain."""
    last_step = START_TO_STEP_CYCLES + block_cycles(params) - 1
    return last_step + STEP_TO_SUM_CYCLES + collect_levels(params) + pair_cycles(params)


def first_output_cycles(params: SystolicParams) -> int:
    """From the start of a tile's last block to its first output word."""
    return start_to_value_cycles(params) + drain_cycles(params)


def release_cycles(params: SystolicParams) -> int:
    """From the start of a panel's last block to the release of its parameters."""
    return start_to_value_cycles(params) - ANNOUNCE_CYCLES + params.cols


def output_tiles(params: SystolicParams) -> int:
    """Tiles that fit the output FIFO: enough that a ready destination never holds the array up."""
    under_way = first_output_cycles(params) + params.rows - 1 + ROOM_CYCLES
    return -(-under_way // tile_cycles(params, 1))


def output_words(params: SystolicParams) -> int:
    """Depth of the output FIFO."""
    return output_tiles(params) * params.rows


def packets_under_way(params: SystolicParams) -> int:
    """Packets between the start of their last block and their announcement, at most."""
    waiting = start_to_value_cycles(params) - ANNOUNCE_CYCLES
    return -(-waiting // tile_cycles(params, 1)) + 1
