"""Gemmini's own choice of tiles, and how many candidates the host tries for it.

The rules of `tiled_conv_stride_auto` and `tiled_matmul_auto` in ucb-bar/gemmini-rocc-tests,
include/gemmini.h: half of each memory, because tiles alternate between halves. Of a convolution
the largest extent shrinks until a tile fits, then columns grow, then whatever can. Of a product the
result is square at first, then grows.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

from tilewright.dse.workloads.layers import Convolution, Matmul

from .gemmini_machine import GemminiMachine

BATCHES, ROWS, COLUMNS, FILTERS, TAP_ROWS, TAP_COLUMNS, CHANNELS = range(7)


@dataclass(frozen=True, kw_only=True)
class Tiling:
    """Extents of a tile and the number of candidates tried.

    Of a convolution (batches, output rows, output columns, filters, tap rows, tap columns, input
    channels); of a product (rows, columns, steps) in blocks of the array's side.
    """

    extents: tuple[int, ...]
    candidates: int


def blocks(extent: int, side: int) -> int:
    """How many blocks of `side` cover `extent`."""
    return -(-extent // side)


@functools.lru_cache(maxsize=4096)
def convolution_tiling(layer: Convolution, machine: GemminiMachine) -> Tiling:
    """The tile that Gemmini's software takes for a convolution."""
    whole = (layer.B, layer.OY, layer.OX, layer.K, layer.FY, layer.FX, layer.C)
    tile, tried = _shrunk(list(whole), layer, machine)
    while tile[COLUMNS] < whole[COLUMNS]:
        tried += 1
        wider = [*tile[:COLUMNS], tile[COLUMNS] + 1, *tile[COLUMNS + 1 :]]
        if not _fits(wider, layer, machine):
            break
        tile = wider
    has_grown = True
    while has_grown:
        has_grown = False
        for axis in range(len(tile)):
            if tile[axis] == whole[axis]:
                continue
            tried += 1
            larger = [extent + (place == axis) for place, extent in enumerate(tile)]
            if _fits(larger, layer, machine):
                tile, has_grown = larger, True
    return Tiling(extents=tuple(tile), candidates=tried)


def _shrunk(tile: list[int], layer: Convolution, machine: GemminiMachine) -> tuple[list[int], int]:
    """Shrinks the largest extent, the last but columns of a full array, until the tile fits."""
    tried = 1
    while not _fits(tile, layer, machine):
        tried += 1
        is_full = tile[COLUMNS] <= machine.side and tile[ROWS] > 1
        axes = [axis for axis in range(len(tile)) if not (axis == COLUMNS and is_full)]
        axis = max(axes, key=lambda a: (tile[a], -a))
        if axis in (FILTERS, CHANNELS):
            rest = tile[axis] % machine.side
            tile[axis] = max(1, tile[axis] - (rest or machine.side))
        else:
            tile[axis] -= 1
    return tile, tried


def _fits(tile: list[int], layer: Convolution, machine: GemminiMachine) -> bool:
    batches, rows, columns, filters, tap_rows, tap_columns, channels = tile
    input_rows = rows * layer.stride[0] + tap_rows - 1
    input_columns = columns * layer.stride[1] + tap_columns - 1
    inputs = blocks(channels, machine.side) * batches * input_rows * input_columns
    weights = blocks(filters, machine.side) * tap_rows * tap_columns * channels
    results = blocks(filters, machine.side) * batches * rows * columns
    has_room = inputs + weights <= machine.scratchpad_rows // 2
    return has_room and results <= machine.accumulator_rows // 2


@functools.lru_cache(maxsize=4096)
def matmul_tiling(layer: Matmul, machine: GemminiMachine) -> Tiling:
    """The tile for a product, in blocks of the side; its few candidates take no time worth it."""
    side = machine.side
    whole = [blocks(extent, side) for extent in (layer.M, layer.N, layer.K)]
    results = machine.accumulator_rows // 2 // side
    operands = machine.scratchpad_rows // 2 // side
    square = math.isqrt(results)
    tile = [
        min(whole[0], square),
        min(whole[1], square),
        min(whole[2], operands // 2 // square),
    ]
    has_grown = True
    while has_grown:
        has_grown = False
        for axis in (1, 0, 2):
            rows, columns, steps = larger = [e + (a == axis) for a, e in enumerate(tile)]
            has_room = (rows + columns) * steps <= operands and rows * columns <= results
            if larger[axis] <= whole[axis] and has_room:
                tile, has_grown = larger, True
    return Tiling(extents=tuple(tile), candidates=0)
