"""The output-stationary law of `law` in closed form: one command, free ports, many at once. Pure.

Blocks follow each other every `block_cycles` once the first one has its operands, since both edges
hold two blocks at least; a tile follows every `tile_cycles`; the output FIFO never holds the array
up. What is left is the parameter ring (`ring_law`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from . import cost
from .mapping import TileLoops
from .params import SystolicParams
from .ring_law import Costs, Counts, common_costs, counts, last_tile_start


@dataclass(frozen=True, kw_only=True)
class TileCosts(Costs):
    """The law's numbers for output-stationary kernels; `first_words`: words of the first block."""

    block_cycles: Counts
    packet_cycles: Counts
    first_words: Counts


@dataclass(frozen=True, kw_only=True)
class Tiles:
    """Commands as `mapping.TileLoops` has them, one entry for each."""

    k_blocks: Counts
    subpanels: Counts
    m_tiles: Counts
    panels: Counts


def costs_of(kernels: Sequence[SystolicParams]) -> TileCosts:
    """The laws of `cost` for each of some output-stationary kernels."""
    first = (max(cost.a_block_words(p), cost.b_block_words(p)) for p in kernels)
    return TileCosts(
        **common_costs(kernels),
        release_cycles=counts(map(cost.release_cycles, kernels)),
        first_output_cycles=counts(map(cost.first_output_cycles, kernels)),
        block_cycles=counts(map(cost.block_cycles, kernels)),
        packet_cycles=counts(map(cost.packet_cycles, kernels)),
        first_words=counts(first),
    )


def tile_cycles(costs: TileCosts, k_blocks: Counts) -> Counts:
    """`cost.tile_cycles`."""
    return np.maximum(k_blocks * costs.block_cycles, costs.packet_cycles)


def panel_cycles(costs: TileCosts, tiles: Tiles) -> Counts:
    """From panel to panel when nothing is missing."""
    return tile_cycles(costs, tiles.k_blocks) * tiles.subpanels * tiles.m_tiles


def command_cycles(costs: TileCosts, tiles: Tiles) -> Counts:
    """`law.kernel_cycles` of each command alone."""
    panel = panel_cycles(costs, tiles)
    first_tile = (tiles.k_blocks - 1) * costs.block_cycles
    rest = first_tile + panel - tile_cycles(costs, tiles.k_blocks)
    first_words = costs.first_words - 1 + cost.WORD_TO_START_CYCLES
    last = last_tile_start(
        costs,
        operands=np.maximum(first_words, cost.COMMAND_TO_START_CYCLES) + rest,
        tail=cost.WORD_TO_START_CYCLES + rest,
        panel=panel,
        subpanels=tiles.subpanels,
        panels=tiles.panels,
    )
    return last + costs.first_output_cycles + costs.rows


def one_command_cycles(params: SystolicParams, loops: TileLoops) -> int:
    """The same of one command of one kernel."""
    bounds = {name: counts([getattr(loops, name)]) for name in Tiles.__dataclass_fields__}
    return int(command_cycles(costs_of([params]), Tiles(**bounds))[0])
