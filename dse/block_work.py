"""What ops ask of a systolic array and its memory port: laws and schedule put together."""

from __future__ import annotations

import numpy as np
from tilewright.dataflow.streaming import Tiling
from tilewright.dataflow.streaming_sizes import Arrays, Ops, ceil_div
from tilewright.hw.systolic import closed, closed_ws

from .block_cycles import Work


def tiles_work(costs: closed.TileCosts, arrays: Arrays, ops: Ops, tiling: Tiling) -> Work:
    """Output stationary: row tiles stay, panels of weights pass."""
    sizes, resident = tiling.sizes, tiling.resident
    k_blocks, panels, subpanels = sizes.k_blocks, sizes.panels, sizes.subpanels
    m_tiles = ceil_div(ops.M, arrays.rows)
    tile = closed.tile_cycles(costs, k_blocks)
    of_tile = tile * subpanels
    first = of_tile * resident
    a_run = np.minimum(ops.M, arrays.rows)
    b_of_panel = subpanels * k_blocks / tiling.run_blocks
    is_single = resident == 1
    # The tiles of one subpanel are taken k block by k block, others once they are whole.
    behind = np.where(is_single, of_tile - tile, of_tile)
    return Work(
        first=first,
        total=of_tile * m_tiles * panels,
        after_load=np.where(subpanels == 1, costs.block_cycles, behind),
        last=np.where(is_single, costs.block_cycles, first),
        again=first - of_tile,
        to_result=costs.first_output_cycles + costs.rows - 1
        + (k_blocks - 1) * costs.block_cycles - tile,
        blocks=tiling.blocks,
        panels=panels * tiling.blocks,
        a_run_words=a_run,
        a_runs=ops.M * k_blocks / a_run,
        a_first_runs=resident * k_blocks,
        a_early_runs=k_blocks - 1,
        b_run_words=tiling.run_blocks * sizes.b_block_words,
        b_runs=tiling.blocks * panels * b_of_panel,
        b_early_runs=b_of_panel,
        b_first_runs=np.zeros_like(first),
        b_ahead_runs=(tiling.b_slots - 1) * b_of_panel,
        parameter_words=sizes.parameter_panel_words,
        o_runs=panels * ops.M / a_run,
        o_last_words=ops.M - (m_tiles - 1) * arrays.rows,
        o_busy=np.maximum(
            subpanels * costs.rows, of_tile - tile + costs.rows - costs.first_output_cycles
        ),
        is_single=tiling.is_single,
        edge_words=np.broadcast_to(arrays.rows, first.shape),
    )  # fmt: skip


def rows_work(costs: closed_ws.PassCosts, ops: Ops, tiling: Tiling) -> Work:
    """Weight stationary: a block of rows stays, weights pass."""
    sizes, rows = tiling.sizes, tiling.block_rows
    k_blocks, packets = sizes.k_blocks, sizes.panels * sizes.subpanels * tiling.blocks
    packet = closed_ws.packet_cycles(costs, rows, k_blocks)
    of_block = closed_ws.pass_cycles(costs, rows) * costs.subblocks
    runs = k_blocks / tiling.run_blocks
    return Work(
        first=packet,
        total=packet * packets,
        after_load=of_block,
        last=of_block * tiling.run_blocks,
        again=packet - of_block,
        to_result=costs.first_output_cycles + rows - 1 - np.maximum(rows, costs.rows),
        blocks=tiling.blocks,
        panels=sizes.panels * tiling.blocks,
        a_run_words=rows,
        a_runs=k_blocks * tiling.blocks,
        a_first_runs=k_blocks,
        a_early_runs=np.zeros_like(packet),
        b_run_words=tiling.run_blocks * sizes.b_block_words,
        b_runs=packets * runs,
        b_early_runs=np.ones_like(packet),
        b_first_runs=runs - 1,
        b_ahead_runs=tiling.b_slots,
        parameter_words=sizes.parameter_panel_words,
        o_runs=sizes.panels * tiling.blocks,
        o_last_words=np.floor(ops.M / tiling.blocks),
        o_busy=np.maximum(
            sizes.subpanels * rows,
            (sizes.subpanels - 1) * packet + rows - costs.first_output_cycles,
        ),
        is_single=tiling.is_single,
        edge_words=np.zeros_like(packet),
    )
