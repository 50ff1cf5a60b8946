"""What the streaming schedules move and compute on many machines, summed over a list of ops."""

from __future__ import annotations

import numpy as np
from tilewright.dataflow.streaming import Tiling, read_words, written_words
from tilewright.dataflow.streaming_sizes import Arrays, Numbers, Ops, ceil_div

from .energy.accelerator import ELEMENT_BITS, Moved


def array_steps(arrays: Arrays, ops: Ops, tiling: Tiling) -> Numbers:
    """Cycles in which the array has operands, padding among them, of each op on each machine."""
    sizes = tiling.sizes
    subblocks = ceil_div(arrays.lanes, arrays.rows)
    m_tiles = ceil_div(ops.M, arrays.rows)
    of_block = np.where(arrays.is_weight_stationary, ops.M * subblocks, m_tiles * arrays.lanes)
    steps: Numbers = of_block * sizes.panels * sizes.subpanels * sizes.k_blocks
    return steps


def moved_by_ops(arrays: Arrays, ops: Ops, tiling: Tiling) -> Moved:
    """`energy.accelerator.moved_by` of the program of each machine, one entry for each."""
    sizes, is_ws = tiling.sizes, arrays.is_weight_stationary
    packets = sizes.panels * sizes.subpanels
    m_tiles = ceil_div(ops.M, arrays.rows)
    subblocks = ceil_div(arrays.lanes, arrays.rows)
    # Words of A: a row of a tile and k block, or a step of a pass.
    a_words = np.where(is_ws, ops.M * subblocks, m_tiles * arrays.rows) * packets * sizes.k_blocks
    times = np.where(is_ws, tiling.blocks, m_tiles)
    b_words = times * packets * sizes.k_blocks * sizes.b_block_words
    steps = array_steps(arrays, ops, tiling)
    results = np.where(is_ws, ops.M, m_tiles * arrays.rows) * packets
    read, written = read_words(ops, tiling), written_words(ops, tiling)
    parameters = tiling.blocks * sizes.panels * sizes.parameter_panel_words
    word_bits = ELEMENT_BITS * arrays.lanes[:, 0]

    def total(of_ops: Numbers) -> Numbers:
        return of_ops @ ops.count

    result_bits = total(results) * arrays.cols[:, 0] * ELEMENT_BITS
    return Moved(
        products=total(steps) * arrays.rows[:, 0] * arrays.cols[:, 0],
        bank_bytes=arrays.words_per_bank[:, 0] * word_bits / 8,
        read_bits=total(a_words + b_words + written) * word_bits,
        written_bits=total(read - parameters) * word_bits + result_bits,
        bytes_off_chip=total(read + written) * arrays.word_bytes[:, 0],
    )
