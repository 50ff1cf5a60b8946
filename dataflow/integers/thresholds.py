"""Exact integer thresholds in place of a float function and its quantisation.

A float32 function of a sum of integers that rises (or falls) and is then quantised is a staircase.
For each channel and each step of it the least sum that reaches the step is searched by bisection,
evaluating the float function itself; so `minimum + #{t: sum >= t}` equals it for every sum that can
occur, without a float. (FINN, Umuroglu et al., FPGA 2017, introduced thresholds for this.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..rounding import limits_of, quantize_as
from ..shapes import Attributes
from ..tensor import Tensor
from .float_chain import Chain, Floats

Sums = NDArray[np.int64]

MAX_THRESHOLDS = 2**22
_BLOCK = 2**18
_INT32 = np.iinfo(np.int32)


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """`minimum + #{t in table[channel]: sum >= t}` is the function of each channel.

    `table` is int32 [channels][steps], rising (equal neighbours: a step by more than one); a step
    that no sum reaches is one above the greatest. Where `is_negated`, the sum is to be negated
    first: the function falls.
    """

    table: NDArray[np.int32]
    minimum: int
    is_negated: NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Staircase:
    """`chain` of a sum in `[least, greatest]` (each [channels]), quantised to `result`.

    `attributes` are those of the op `quantize`. `result` has one scale, or one per channel.
    """

    chain: Chain
    least: Sums
    greatest: Sums
    result: Tensor
    attributes: Attributes

    def levels(self, sums: Sums) -> Sums:
        """The integers of the result for `sums` [channels][n]; float32 rounds sums above 2^24."""
        values: Floats = sums.astype(np.float32)
        return self._quantized(self.chain(values))

    def of(self, channels: slice) -> Staircase:
        """The same for some of the channels."""
        scale, zero_point = self.result.scale, self.result.zero_point
        if len(scale) > 1:
            scale, zero_point = scale[channels], zero_point[channels]
        chain = self.chain.of(channels)
        result = Tensor(
            name=self.result.name,
            shape=(chain.channels, 1),
            number_format=self.result.number_format,
            scale=scale,
            zero_point=zero_point,
            axis=0 if len(self.result.scale) > 1 else None,
        )
        return Staircase(
            chain=chain,
            least=self.least[channels],
            greatest=self.greatest[channels],
            result=result,
            attributes=self.attributes,
        )

    def _quantized(self, values: Floats) -> Sums:
        return quantize_as(values, self.result, self.attributes).astype(np.int64)


def thresholds_of(stairs: Staircase) -> Thresholds:
    """The thresholds of a staircase, proven at each step.

    Levels below all channels' least and above their greatest take no thresholds, but one step is
    always there.

    Raises:
        ValueError: if sums or thresholds leave 32 bits, or there would be too many of them.
        ChainError: if the function leaves float32's range on sums that can occur.
    """
    limits_of(stairs.result, stairs.attributes)
    channels = stairs.chain.channels
    if int(stairs.least.min()) <= _INT32.min or int(stairs.greatest.max()) >= _INT32.max:
        raise ValueError("its sums can leave 32 bits")
    falls = stairs.chain.falls
    whole = stairs.of(slice(None))
    first = whole.levels(np.where(falls, stairs.greatest, stairs.least)[:, None])
    last = whole.levels(np.where(falls, stairs.least, stairs.greatest)[:, None])
    minimum, maximum = int(first.min()), int(last.max())
    steps = max(1, maximum - minimum)
    if channels * steps > MAX_THRESHOLDS:
        raise ValueError(
            f"{steps} steps for each of {channels} channels are more than {MAX_THRESHOLDS} "
            "thresholds: quantise it to fewer bits"
        )
    table = np.empty((channels, steps), np.int32)
    per_block = max(1, _BLOCK // steps)
    for start in range(0, channels, per_block):
        block = slice(start, min(start + per_block, channels))
        table[block] = _search(stairs.of(block), falls[block], minimum, steps)
    return Thresholds(table=table, minimum=minimum, is_negated=falls)


def _search(stairs: Staircase, falls: NDArray[np.bool_], minimum: int, steps: int) -> Sums:
    """The least (negated, where it falls) sums that reach each step [channels][steps]."""
    sign = np.where(falls, -1, 1)[:, None].astype(np.int64)
    ends = np.stack([stairs.least * sign[:, 0], stairs.greatest * sign[:, 0]])
    low, high = ends.min(0)[:, None], ends.max(0)[:, None]
    wanted = minimum + 1 + np.arange(steps, dtype=np.int64)[None, :]

    def reaches(sums: Sums) -> NDArray[np.bool_]:
        reached: NDArray[np.bool_] = stairs.levels(np.clip(sums, low, high) * sign) >= wanted
        return reached

    least = np.broadcast_to(low, (len(low), steps)).copy()
    beyond = np.broadcast_to(high + 1, least.shape).copy()
    while (is_open := least < beyond).any():
        middle = (least + beyond) >> 1
        reached = reaches(middle)
        beyond = np.where(is_open & reached, middle, beyond)
        least = np.where(is_open & ~reached, middle + 1, least)
    is_exact = (reaches(least) | (least > high)) & (~reaches(least - 1) | (least == low))
    if not is_exact.all():  # only functions computed in float64 could do that
        raise ValueError("what follows its sums neither rises nor falls in float32")
    return least
