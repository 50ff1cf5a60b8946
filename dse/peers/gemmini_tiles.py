"""What each tile of Gemmini's default loops computes and moves.

Loops as in `tiled_conv` and `tiled_matmul_outer` (ucb-bar/gemmini-rocc-tests, include/gemmini.h):
batches, rows, columns, filters, channels; a product: rows, columns, steps. Work of a tile as in
LoopConv.scala and ExecuteController.scala of ucb-bar/gemmini: for each block of weights the rows of
results go through the array in runs of up to `side` along a row of the image, `least_rows` or more
cycles each, the one that comes with new weights `side` or more. A row of a tile (a pixel, or a row
of weights) is read in requests of up to 64 bytes, which do not cross a line of the caches.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tilewright.dse.workloads.layers import Convolution, Matmul

from .gemmini_machine import GemminiMachine
from .gemmini_tiling import blocks, convolution_tiling, matmul_tiling

Counts = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Again:
    """Lines that tiles touch again, after `distance` bytes of other lines."""

    lines: Counts
    distance: float


@dataclass(frozen=True, kw_only=True)
class Tiles:
    """One entry per tile, in the order of the loops.

    `compute`: cycles of the array; `requests`: of loads; `stores`: rows of results of up to `side`
    bytes; `first`, `stored`: lines touched for the first time; `again`: lines that may still be in
    a cache. `footprint`: bytes of all operands; `candidates`: of the search for the tiling.
    """

    compute: Counts
    requests: Counts
    stores: Counts
    first: Counts
    stored: Counts
    again: tuple[Again, ...]
    footprint: int
    candidates: int


@dataclass(frozen=True)
class _Move:
    """What one tile reads: requests, lines, and whether earlier tiles have read them."""

    requests: float
    lines: float
    is_new: bool

    @property
    def first(self) -> float:
        return self.lines if self.is_new else 0.0

    @property
    def returning(self) -> float:
        """Lines read before by another tile of the outer loop."""
        return 0.0 if self.is_new else self.lines

    @property
    def beside(self) -> float:
        """Touches of a line whose other parts were read just before."""
        return max(0.0, self.requests - self.lines)


def lines_of_rows(length: int, stride: int, line: int) -> float:
    """Lines that a row of `length` bytes touches on average, rows being `stride` bytes apart."""
    step = math.gcd(stride, line)
    return 1 + max(0, length - step) / line if step < line else blocks(length, line)


def requests_of_row(length: int, stride: int, line: int) -> float:
    """Requests that read a row of `length` bytes in moves of up to a line."""
    whole, rest = divmod(length, line)
    requests = whole * lines_of_rows(line, stride, line)
    return requests + (lines_of_rows(rest, stride, line) if rest else 0)


def _runs(columns: int, rows: int, machine: GemminiMachine) -> int:
    """Cycles of `rows` x `columns` results for one block of weights."""
    side, least = machine.side, machine.least_rows
    run = [max(least, min(side, columns - start)) for start in range(0, columns, side)]
    return sum(run) * rows - run[-1] + max(run[-1], side)


def convolution_tiles(layer: Convolution, machine: GemminiMachine) -> Tiles:
    """The tiles of a convolution, one element a byte. Groups are not supported."""
    if layer.groups != 1 or layer.dilation != (1, 1):
        raise ValueError(f"{layer.name}: groups and dilation have loops of their own")
    tiling = convolution_tiling(layer, machine)
    batches, rows, columns, filters, _, _, channels = tiling.extents
    outer = (
        _cuts(layer.B, batches),
        _cuts(layer.OY, rows),
        _cuts(layer.OX, columns),
        _cuts(layer.K, filters),
        _cuts(layer.C, channels),
    )
    taps = layer.FY * layer.FX
    places = len(outer[0]) * len(outer[1]) * len(outer[2])
    keeps_inputs = len(outer[4]) * places <= 2
    keeps_weights = len(outer[4]) * len(outer[3]) <= 2
    window = _input(layer, rows, columns) * batches * layer.C
    sliver = taps * layer.C * lines_of_rows(filters, layer.K, 64) * 64
    results = batches * rows * columns
    distances = (
        window + sliver + results * lines_of_rows(filters, layer.K, 64) * 64,
        layer.weights + window + results * layer.K,
        window + sliver,
    )
    entries = list(_convolution_moves(layer, machine, outer, (keeps_inputs, keeps_weights)))
    footprint = layer.inputs + layer.weights + layer.outputs
    return _tiles(entries, distances, footprint, tiling.candidates)


def _input(layer: Convolution, rows: int, columns: int) -> int:
    """Input pixels under `rows` x `columns` results."""
    down = (rows - 1) * layer.stride[0] + layer.FY
    return down * ((columns - 1) * layer.stride[1] + layer.FX)


def _cuts(extent: int, size: int) -> list[int]:
    """`extent` in pieces of `size`, the last one smaller."""
    return [min(size, extent - start) for start in range(0, extent, size)]


@dataclass(frozen=True)
class _Entry:
    compute: int
    inputs: _Move
    weights: _Move
    stores: int
    stored: float


def _convolution_moves(
    layer: Convolution,
    machine: GemminiMachine,
    outer: Sequence[Sequence[int]],
    keeps: tuple[bool, bool],
) -> Iterator[_Entry]:
    side, line, taps = machine.side, machine.request_bytes, layer.FY * layer.FX
    step_rows, step_columns = layer.stride
    numbered = [list(enumerate(cut)) for cut in outer]
    for (b, batch), (y, rows), (x, columns), (f, filters), (c, depth) in itertools.product(
        *numbered
    ):
        pixels = _input(layer, rows, columns) * batch
        fresh = min(rows * step_rows, pixels) * columns * step_columns * batch
        is_first_place = b + y + x == 0
        reads_inputs = not (keeps[0] and f)
        reads_weights = not (keeps[1] and not is_first_place)
        results = batch * rows * columns
        is_done = c == len(outer[4]) - 1
        yield _Entry(
            compute=blocks(filters, side) * taps * blocks(depth, side)
            * _runs(columns, rows * batch, machine),
            inputs=_Move(
                reads_inputs * pixels * requests_of_row(depth, layer.C, line),
                reads_inputs * min(fresh, pixels) * depth / line,
                f == 0,
            ),
            weights=_Move(
                reads_weights * taps * depth * requests_of_row(filters, layer.K, line),
                reads_weights * taps * depth * filters / line,
                is_first_place,
            ),
            stores=results * blocks(filters, side) * is_done,
            stored=results * filters / line * is_done,
        )  # fmt: skip


def matmul_tiles(layer: Matmul, machine: GemminiMachine) -> Tiles:
    """The tiles of one product, one element a byte."""
    tiling = matmul_tiling(layer, machine)
    rows, columns, steps = (extent * machine.side for extent in tiling.extents)
    outer = (_cuts(layer.M, rows), _cuts(layer.N, columns), _cuts(layer.K, steps))
    height, width = min(layer.M, rows), min(layer.N, columns)
    distances = (
        height * layer.K + layer.K * columns + layer.M * columns,
        layer.K * layer.N + height * (layer.K + layer.N),
        layer.K * lines_of_rows(width, layer.N, 64) * 64 + height * layer.K,
    )
    entries = list(_matmul_moves(layer, machine, outer))
    footprint = layer.M * layer.K + layer.K * layer.N + layer.M * layer.N
    return _tiles(entries, distances, footprint, tiling.candidates)


def _matmul_moves(
    layer: Matmul, machine: GemminiMachine, outer: Sequence[Sequence[int]]
) -> Iterator[_Entry]:
    side, line = machine.side, machine.request_bytes
    keeps_inputs = len(outer[0]) * len(outer[2]) <= 2
    keeps_weights = len(outer[1]) * len(outer[2]) <= 2
    numbered = [list(enumerate(cut)) for cut in outer]
    for (i, rows), (j, columns), (k, steps) in itertools.product(*numbered):
        is_done = k == len(outer[2]) - 1
        reads_inputs, reads_weights = not (keeps_inputs and j), not (keeps_weights and i)
        yield _Entry(
            compute=blocks(columns, side) * blocks(steps, side) * _product_runs(rows, machine),
            inputs=_Move(
                reads_inputs * rows * requests_of_row(steps, layer.K, line),
                reads_inputs * rows * steps / line,
                j == 0,
            ),
            weights=_Move(
                reads_weights * steps * requests_of_row(columns, layer.N, line),
                reads_weights * steps * columns / line,
                i == 0,
            ),
            stores=rows * blocks(columns, side) * is_done,
            stored=rows * columns / line * is_done,
        )


def _product_runs(rows: int, machine: GemminiMachine) -> int:
    """Cycles of `rows` rows for one block of weights: the first run waits for the weights."""
    side, least = machine.side, machine.least_rows
    runs = [max(least, min(side, rows - start)) for start in range(0, rows, side)]
    return sum(runs) - runs[0] + max(runs[0], side)


def _tiles(
    entries: Sequence[_Entry], distances: Sequence[float], footprint: int, candidates: int
) -> Tiles:
    """Distances of inputs, of weights, and between the parts of a line of weights."""
    inputs, weights = [e.inputs for e in entries], [e.weights for e in entries]
    beside_inputs = [m.returning + m.beside for m in inputs]
    lists = (beside_inputs, [m.returning for m in weights], [m.beside for m in weights])
    again = [
        Again(lines=np.array(lines, np.float64), distance=distance)
        for lines, distance in zip(lists, distances, strict=True)
    ]
    return Tiles(
        compute=np.array([e.compute for e in entries], np.float64),
        requests=np.array([i.requests + w.requests for i, w in zip(inputs, weights, strict=True)]),
        stores=np.array([e.stores for e in entries], np.float64),
        first=np.array([i.first + w.first for i, w in zip(inputs, weights, strict=True)]),
        stored=np.array([e.stored for e in entries], np.float64),
        again=tuple(again),
        footprint=footprint,
        candidates=candidates,
    )
