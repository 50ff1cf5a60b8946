"""The streaming schedules' tiling and traffic of many machines and lists of matmuls at once. Pure.

The same choices as `schedule.plan_simple` (output stationary) and `schedule_rows.plan_rows` (weight
stationary), without a plan: how many blocks each op is cut into, what stays, what is moved.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from .streaming_rows import rows_tiling
from .streaming_sizes import Arrays, Columns, Flags, Indices, Numbers, Ops, Sizes, sizes_of
from .streaming_tiles import tiles_tiling

PIECE_MACHINES = 512
"""Machines that are tiled together: their numbers stay in the cache."""


@dataclass(frozen=True, kw_only=True)
class Tiling(Columns):
    """What the schedules choose; each (machines, ops).

    `blocks` are tasks of an op; `block_rows` rows of the largest, `resident` row tiles of it
    (output stationary). `b_slots`: slots of the weights' ring; `run_blocks` k blocks in a run of
    them. `is_single`: with one token for results, so that they are stored before more are written
    (`single_token`). By machine: `is_fitting`, whether all ops have a schedule; `b_banks` and
    `o_banks`, the banks of weights and of results, which are the last ones.
    """

    sizes: Sizes
    blocks: Numbers
    block_rows: Numbers
    resident: Numbers
    b_slots: Numbers
    run_blocks: Numbers
    is_single: Numbers
    b_banks: Numbers
    o_banks: Numbers
    is_fitting: Flags


OF_MACHINES = ("b_banks", "o_banks", "is_fitting")
"""Fields with one entry for each machine."""


def read_words(ops: Ops, tiling: Tiling) -> Numbers:
    """Words loaded for each op: `loads` of the plans."""
    sizes = tiling.sizes
    panel = sizes.b_panel_words + sizes.parameter_panel_words
    return activation_words(ops, tiling) + tiling.blocks * sizes.panels * panel


def activation_words(ops: Ops, tiling: Tiling) -> Numbers:
    """Of these, words of the first operand."""
    return ops.M * tiling.sizes.k_blocks


def parameter_words(tiling: Tiling) -> Numbers:
    """Of these, words of biases and scales; the rest are weights."""
    return tiling.blocks * tiling.sizes.panels * tiling.sizes.parameter_panel_words


def written_words(ops: Ops, tiling: Tiling) -> Numbers:
    """Words stored for each op: `stores` of the plans."""
    return ops.M * tiling.sizes.panels


def tile(arrays: Arrays, ops: Ops) -> Tiling:
    """The schedule of each machine for all ops together, which share its bank ranges."""
    sizes = sizes_of(arrays, ops)
    shape = sizes.k_blocks.shape
    found: dict[str, Any] = {f.name: np.zeros(shape) for f in fields(Tiling) if f.name != "sizes"}
    found |= {name: np.zeros(shape[0]) for name in OF_MACHINES}
    found["is_fitting"] = np.zeros(shape[0], np.bool_)
    is_ws = arrays.is_weight_stationary[:, 0]
    for choose, chosen in ((rows_tiling, is_ws), (tiles_tiling, ~is_ws)):
        for some in _pieces(np.flatnonzero(chosen)):
            part = choose(arrays.at(some), ops, sizes.at(some))
            for name, values in part.items():
                found[name][some] = values
    return Tiling(sizes=sizes, **found)


def _pieces(indices: Indices) -> Iterator[Indices]:
    """Pieces that stay in the cache."""
    for start in range(0, len(indices), PIECE_MACHINES):
        yield indices[start : start + PIECE_MACHINES]
