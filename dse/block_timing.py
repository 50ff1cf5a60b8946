"""Cycles of all designs of a block: designs that differ in timing, times layers, in pieces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from tilewright.dataflow.streaming_sizes import Numbers

from .block_columns import Indices, Kinds, kinds_of
from .block_cycles import Work, op_cycles, start_cycles
from .block_layout import Layout
from .block_work import rows_work, tiles_work

PIECE_NUMBERS = 1 << 13
"""Designs times layers that are computed together: their numbers stay in the cache."""

FIRST_LAYER = np.s_[:, :1]


def cycles_of(layout: Layout) -> Numbers:
    """Cycles of each design for all ops, one after the other."""
    works, times = kinds_of_timing(layout)
    found = np.empty(len(times))
    ports = layout.port(times.first)
    for piece in _pieces(layout, works, times):
        work, port = piece.work, ports.at(piece.times)
        found[piece.times] = op_cycles(work, port) @ layout.ops.count
        found[piece.times] += start_cycles(work.at(FIRST_LAYER), port)[:, 0]
    return np.rint(found)[times.of]


def kinds_of_timing(layout: Layout) -> tuple[Kinds, Kinds]:
    """Designs that ask the same of array and port, and those that take the same time for it."""
    machines = layout.machines
    rows = len(machines.engine_of)
    works = kinds_of([layout.tilings.of, machines.engine_of], rows)
    columns = [layout.memory(name).astype(np.int64) for name in ("latency_cycles", "outstanding")]
    return works, kinds_of([works.of, *columns], rows)


@dataclass(frozen=True, kw_only=True)
class _Piece:
    times: Indices
    work: Work


def work_of_design(layout: Layout, design: int) -> Work:
    """What the ops ask for on one design: (1, ops)."""
    is_ws = bool(layout.is_weight_stationary[design])
    return _work(layout, np.array([design]), is_weight_stationary=is_ws)


def _pieces(layout: Layout, works: Kinds, times: Kinds) -> Iterator[_Piece]:
    """All kinds of timing, those of one dataflow together, with what they ask for."""
    size = max(1, PIECE_NUMBERS // len(layout.ops.M))
    of_work = works.of[times.first]
    is_ws = layout.is_weight_stationary[times.first]
    for dataflow in (False, True):
        mine = np.flatnonzero(is_ws == dataflow)
        mine = mine[np.argsort(of_work[mine], kind="stable")]
        for start in range(0, len(mine), size):
            piece = mine[start : start + size]
            kinds, place = np.unique(of_work[piece], return_inverse=True)
            work = _work(layout, works.first[kinds], is_weight_stationary=dataflow)
            is_same = len(kinds) == len(piece)
            yield _Piece(times=piece, work=work if is_same else work.at(place))


def _work(layout: Layout, designs: Indices, *, is_weight_stationary: bool) -> Work:
    tilings, engines = layout.tilings.of[designs], layout.machines.engine_of[designs][:, None]
    tiling = layout.tiling.at(tilings)
    if is_weight_stationary:
        return rows_work(layout.pass_costs.at(engines), layout.ops, tiling)
    return tiles_work(layout.tile_costs.at(engines), layout.arrays.at(tilings), layout.ops, tiling)
