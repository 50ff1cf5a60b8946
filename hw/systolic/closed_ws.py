"""The weight-stationary law of `law_ws` in closed form: one command, free ports, many at once.

Pure. A pass follows the one before after `pass_cycles`, the first of a packet after its rows or the
weights' words; packets of requantized results are `cols` cycles apart at least. Words of results
leave in the order of their steps, so the output FIFO holds nothing up. What is left is the
parameter ring (`ring_law`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from . import cost, cost_ws
from .mapping_ws import PassLoops
from .params import SystolicParams
from .ring_law import Costs, Counts, common_costs, counts, last_tile_start


@dataclass(frozen=True, kw_only=True)
class PassCosts(Costs):
    """The law's numbers for weight-stationary kernels."""

    subblocks: Counts


@dataclass(frozen=True, kw_only=True)
class Passes:
    """Commands as `mapping_ws.PassLoops` has them, one entry for each."""

    m: Counts
    k_blocks: Counts
    subpanels: Counts
    panels: Counts


def costs_of(kernels: Sequence[SystolicParams]) -> PassCosts:
    """The laws of `cost_ws` for each of some weight-stationary kernels."""
    return PassCosts(
        **common_costs(kernels),
        release_cycles=counts(map(cost_ws.release_cycles, kernels)),
        first_output_cycles=counts(map(cost_ws.first_output_cycles, kernels)),
        subblocks=counts(map(cost_ws.subblocks, kernels)),
    )


def pass_cycles(costs: PassCosts, m: Counts) -> Counts:
    """`cost_ws.pass_cycles`."""
    return np.maximum(np.maximum(m, costs.rows), cost_ws.ACCUMULATE_CYCLES)


def packet_cycles(costs: PassCosts, m: Counts, k_blocks: Counts) -> Counts:
    """`cost_ws.packet_cycles`."""
    more = k_blocks * costs.subblocks - 1
    cycles = more * pass_cycles(costs, m) + np.maximum(m, costs.rows)
    return np.maximum(cycles, np.where(costs.words_per_set > 0, costs.cols, 0))


def panel_cycles(costs: PassCosts, passes: Passes) -> Counts:
    """From panel to panel when nothing is missing."""
    return packet_cycles(costs, passes.m, passes.k_blocks) * passes.subpanels


def command_cycles(costs: PassCosts, passes: Passes) -> Counts:
    """`law_ws.kernel_cycles` of each command alone."""
    packet = packet_cycles(costs, passes.m, passes.k_blocks)
    more = (passes.k_blocks * costs.subblocks - 1) * pass_cycles(costs, passes.m)
    weights = costs.rows - 1 + cost.WORD_TO_START_CYCLES
    rest = (passes.subpanels - 1) * packet
    last = last_tile_start(
        costs,
        operands=np.maximum(weights, cost.COMMAND_TO_START_CYCLES) + more + rest,
        tail=cost.WORD_TO_START_CYCLES + rest,
        panel=packet * passes.subpanels,
        subpanels=passes.subpanels,
        panels=passes.panels,
    )
    return last + passes.m + costs.first_output_cycles


def one_command_cycles(params: SystolicParams, loops: PassLoops) -> int:
    """The same of one command of one kernel."""
    bounds = {name: counts([getattr(loops, name)]) for name in Passes.__dataclass_fields__}
    return int(command_cycles(costs_of([params]), Passes(**bounds))[0])
