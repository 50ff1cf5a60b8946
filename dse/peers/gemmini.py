"""Cycles of Gemmini (16 x 16, weight stationary) for its own default tiles and loops.

A comparison model of *that* machine; nothing here says anything about ours. Each tile loads, then
computes, then stores; the scratchpad and the accumulator have two halves, so a tile may begin to
load when the last but one has stored, and loads, array and stores each do one tile at a time. The
caches replace lines at random: of lines touched again after W bytes of others a cache of C bytes
still has the share h with `h = exp(-(1 - h) W / C)`. A stored line is filled and written back.
Four times are fitted (`gemmini_fit.py`); the rest is counted (`gemmini_tiles.py`).
"""

from __future__ import annotations

import functools
import math

import numpy as np
from tilewright.dse.workloads.layers import Layer, Matmul

from .gemmini_machine import GemminiMachine, GemminiTimes
from .gemmini_tiles import Tiles, convolution_tiles, matmul_tiles

DEFAULT_MACHINE = GemminiMachine()
FITTED = GemminiTimes(request=4.99, llc=2.15, dram=33.9, candidate=285.8)
"""As `gemmini_fit.fitted` finds them on the training half of seed 1: 36 of 71 layers."""

_ROUNDS = 100


def gemmini_cycles(
    layer: Layer, times: GemminiTimes = FITTED, machine: GemminiMachine = DEFAULT_MACHINE
) -> float:
    """Cycles that Gemmini's driver measures for a layer of 8-bit values, its repeats in turn."""
    return timed(tiles_of(layer, machine), times, machine) * layer.repeats


@functools.lru_cache(maxsize=4096)
def tiles_of(layer: Layer, machine: GemminiMachine = DEFAULT_MACHINE) -> Tiles:
    """The tiles of one repeat of a layer."""
    if isinstance(layer, Matmul):
        return matmul_tiles(layer, machine)
    return convolution_tiles(layer, machine)


def timed(tiles: Tiles, times: GemminiTimes, machine: GemminiMachine) -> float:
    """Cycles of these tiles, the search for the tiling in front."""
    warm = share_kept(tiles.footprint, machine.llc_bytes)
    first = times.llc * warm + times.dram * (1 - warm)
    loads = tiles.requests * times.request + tiles.first * first
    for again in tiles.again:
        loads = loads + again.lines * _line_cycles(again.distance, times, machine)
    stores = tiles.stores * times.request + 2 * first * tiles.stored
    steps = zip(loads.tolist(), tiles.compute.tolist(), stores.tolist(), strict=True)
    loaded = computed = stored = 0.0
    freed, last = 0.0, 0.0
    for load, compute, store in steps:
        loaded = max(loaded, freed) + load
        computed = max(computed, loaded) + compute
        if store:
            stored = max(stored, computed) + store
        freed, last = last, max(stored, computed)
    return max(stored, computed) + tiles.candidates * times.candidate


def _line_cycles(distance: float, times: GemminiTimes, machine: GemminiMachine) -> float:
    near, far = (share_kept(distance, size) for size in (machine.l2_bytes, machine.llc_bytes))
    return (1 - near) * (times.llc * far + times.dram * (1 - far))


def share_kept(distance: float, capacity: int) -> float:
    """The share of lines that a cache with random replacement still has after `distance` bytes.

    Each line of others that misses evicts one of `capacity` at random; the fixed point of
    `h = exp(-(1 - h) distance / capacity)` below 1, or 1 where everything fits.
    """
    if distance <= capacity:
        return 1.0
    share = 0.0
    for _ in range(_ROUNDS):
        share = math.exp(-(1 - share) * distance / capacity)
    return share


def mean_error(estimates: object, measured: object) -> float:
    """Mean of |estimate - measured| / measured."""
    e, m = np.asarray(estimates, np.float64), np.asarray(measured, np.float64)
    return float(np.mean(np.abs(e - m) / m))
