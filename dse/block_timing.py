"""Cycles of all designs of a block: designs that differ in timing, times layers, in pieces.

A piece is (works, ports, ops): designs that ask the same of array and port, behind as many memories
each, so that what depends on no memory is computed once for all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from tilewright.dataflow.streaming_sizes import Numbers

from .block_columns import Indices, Kinds, kinds_of
from .block_cycles import Port, Work, op_cycles, start_cycles
from .block_layout import Layout
from .block_work import rows_work, tiles_work

PIECE_NUMBERS = 1 << 15
"""Designs times layers that are computed together: their numbers stay in the cache."""

FIRST_LAYER = np.s_[..., :1]


def cycles_of(layout: Layout) -> Numbers:
    """Cycles of each design for all ops, one after the other."""
    works, times = kinds_of_timing(layout)
    found = np.empty(len(times))
    ports = layout.port(times.first)
    for piece in _pieces(layout, works, times):
        port = _with_words_of_work(ports.at(piece.times))
        cycles = op_cycles(piece.work, port) @ layout.ops.count
        found[piece.times] = cycles + start_cycles(piece.work.at(FIRST_LAYER), port)[..., 0]
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
    """`times` (works, ports), `work` (works, 1, ops)."""

    times: Indices
    work: Work


def _with_words_of_work(port: Port) -> Port:
    """Ports (works, ports, 1) whose words, the same behind every memory, are told once a work."""
    beats, burst = port.beats_per_word[:, :1], port.burst_words[:, :1]
    return replace(port, beats_per_word=beats, burst_words=burst)


def work_of_design(layout: Layout, design: int) -> Work:
    """What the ops ask for on one design: (1, ops)."""
    is_ws = bool(layout.is_weight_stationary[design])
    return _work(layout, np.array([design]), is_weight_stationary=is_ws)


def _pieces(layout: Layout, works: Kinds, times: Kinds) -> Iterator[_Piece]:
    """All kinds of timing, those of one dataflow together, with what they ask for."""
    designs = max(1, PIECE_NUMBERS // len(layout.ops.M))
    of_work = works.of[times.first]
    is_ws = layout.is_weight_stationary[works.first]
    order = np.argsort(of_work, kind="stable")
    counts = np.bincount(of_work, minlength=len(works))
    begins = np.cumsum(counts) - counts
    for dataflow, count in np.unique(np.stack([is_ws, counts]), axis=1).T.tolist():
        mine = np.flatnonzero((is_ws == dataflow) & (counts == count))
        width = min(count, designs)
        for start in range(0, len(mine), designs // width):
            some = mine[start : start + designs // width]
            work = _work(layout, works.first[some], is_weight_stationary=bool(dataflow))
            for left in range(0, count, width):
                ports = np.arange(left, min(left + width, count))
                times_of = order[begins[some][:, None] + ports]
                yield _Piece(times=times_of, work=work.at(np.s_[:, None]))


def _work(layout: Layout, designs: Indices, *, is_weight_stationary: bool) -> Work:
    tilings, engines = layout.tilings.of[designs], layout.machines.engine_of[designs][:, None]
    tiling = layout.tiling.at(tilings)
    if is_weight_stationary:
        return rows_work(layout.pass_costs.at(engines), layout.ops, tiling)
    return tiles_work(layout.tile_costs.at(engines), layout.arrays.at(tilings), layout.ops, tiling)
