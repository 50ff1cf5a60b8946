"""Sizes of many matmuls on many machines at once: what the streaming schedules count with. Pure.

Numbers are whole and below 2^52, in float64, where a rounded quotient is exact and fast. Machines
lie along axis 0 and ops along axis 1.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .commands import MIN_BURST_BEATS
from .tiling import PARAMETER_BYTES

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]
Indices = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Numbers that are indexed together."""

    def at(self, index: Any) -> Self:
        """The entries at an index as NumPy's arrays take it."""
        return type(self)(**{f.name: _at(getattr(self, f.name), index) for f in fields(self)})


def _at(values: Any, index: Any) -> Any:
    return values.at(index) if isinstance(values, Columns) else values[index]


@dataclass(frozen=True, kw_only=True)
class Arrays(Columns):
    """Machines with one systolic engine, as `Machine` has them; each an axis of (machines, 1).

    `accumulator_rows` is used by weight-stationary arrays only.
    """

    rows: Numbers
    cols: Numbers
    lanes: Numbers
    word_bytes: Numbers
    beats_per_word: Numbers
    banks: Numbers
    words_per_bank: Numbers
    accumulator_rows: Numbers
    is_weight_stationary: Flags


@dataclass(frozen=True, kw_only=True)
class Ops(Columns):
    """Matmuls `M x K @ K x N`, each of them `count` times; each an axis of (ops,)."""

    M: Numbers
    K: Numbers
    N: Numbers
    count: Numbers


@dataclass(frozen=True, kw_only=True)
class Sizes(Columns):
    """`tiling.Matmul` of each machine and op, in words."""

    k_blocks: Numbers
    panels: Numbers
    subpanels: Numbers
    b_block_words: Numbers
    b_panel_words: Numbers
    parameter_panel_words: Numbers


def ceil_div(value: Numbers, divisor: Numbers | float) -> Numbers:
    """`value / divisor` rounded up; exact for whole numbers below 2^52."""
    quotient = value / divisor
    np.ceil(quotient, out=quotient)
    return quotient


def floor_div(value: Numbers, divisor: Numbers | float) -> Numbers:
    """`value / divisor` rounded down; exact for whole numbers below 2^52."""
    quotient = value / divisor
    np.floor(quotient, out=quotient)
    return quotient


def sizes_of(arrays: Arrays, ops: Ops) -> Sizes:
    """The properties of `tiling.Matmul`."""
    subpanels = ceil_div(arrays.lanes, arrays.cols)
    subblocks = ceil_div(arrays.lanes, arrays.rows)
    k_blocks = ceil_div(ops.K, arrays.lanes)
    block = np.where(arrays.is_weight_stationary, subblocks * arrays.rows, arrays.cols)
    parameters = ceil_div(arrays.cols * PARAMETER_BYTES, arrays.word_bytes)
    shape = k_blocks.shape
    return Sizes(
        k_blocks=k_blocks,
        panels=ceil_div(ops.N, arrays.lanes),
        subpanels=np.broadcast_to(subpanels, shape),
        b_block_words=np.broadcast_to(block, shape),
        b_panel_words=subpanels * k_blocks * block,
        parameter_panel_words=np.broadcast_to(subpanels * parameters, shape),
    )


def run_blocks(blocks: Numbers, block_words: Numbers, beats_per_word: Numbers) -> Numbers:
    """`commands.blocks_per_run`: the least divisor of `blocks` that fills a burst, else all."""
    kinds, places = np.unique(blocks, return_inverse=True)
    table = np.array([_least_divisors(int(kind)) for kind in kinds])
    least = ceil_div(np.array(float(MIN_BURST_BEATS)), block_words * beats_per_word)
    return table[places.reshape(blocks.shape), np.broadcast_to(least, blocks.shape).astype(np.intp)]


@cache
def _least_divisors(number: int) -> list[float]:
    """By bound the least divisor that is not below it, else the number itself."""
    divisors = [d for d in range(1, number + 1) if number % d == 0]
    bounds = range(MIN_BURST_BEATS + 1)
    return [float(next((d for d in divisors if d >= bound), number)) for bound in bounds]


def single_token(
    tiles: Numbers, blocks: Numbers, ops: Ops, panels: Numbers, o_slots: Numbers
) -> Numbers:
    """By machine 1 where `placement.simple.result_windows` finds room for one token only, else 0.

    `tiles` of a block; `o_slots` by machine. Blocks that follow each other need windows of their
    own: the two largest are taken to be such.
    """
    slots = tiles * np.minimum(np.maximum(1, np.ceil(2 / tiles)), panels)
    most = slots.max(axis=1)
    is_most = slots == most[:, None]
    times = (blocks * ops.count * is_most).sum(axis=1)
    second = np.where(is_most, 0, slots).max(axis=1)
    together = most + np.where(times > 1, most, second)
    is_single: Numbers = (together > o_slots).astype(np.float64)
    return is_single
