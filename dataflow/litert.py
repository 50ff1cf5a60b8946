"""Functions of one int8 number as LiteRT's kernels compute them: all 256 results.

Formulas from google/XNNPACK (`microparams-init.c`, `qs8-vlrelu`, `reference-utils.h`) for the ops
that LiteRT gives to it, and from LiteRT's own kernels (`activations.cc`, `hard_swish.h`, gemmlowp's
fixed-point functions) for the others; docs/numbers.md says which. Scales are float32.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from .graph import Op
from .number_formats import range_of
from .tensor import Tensor

IntArray = NDArray[np.int64]
LITERT = "litert"
_INT16_LEAST, _INT16_GREATEST = -(1 << 15), (1 << 15) - 1


def litert_table(op: Op, source: Tensor, result: Tensor) -> IntArray:
    """Results of the op for every integer of `source`, from the least, as integers of `result`.

    Raises:
        ValueError: if the op is no function of one number, or a tensor has not one scale.
    """
    function = _FUNCTIONS.get(op.kind)
    if function is None:
        raise ValueError(f"{op.kind} is no function of one number in LiteRT's arithmetic")
    if len(source.scale) != 1 or len(result.scale) != 1:
        raise ValueError(f"{op.kind}: tensors must have one scale")
    least, greatest = range_of(source.number_format)
    distances = np.arange(least, greatest + 1) - source.zero_point[0]
    low, high = range_of(result.number_format)
    return np.clip(function(op, distances, source, result), low, high)


def ratio_of(source: Tensor, result: Tensor) -> np.float32:
    """The source's scale in units of the result's, rounded to float32."""
    return np.float32(np.float32(source.scale[0]) / np.float32(result.scale[0]))


def rescaled(distances: IntArray, ratio: np.float32) -> IntArray:
    """`distances * ratio` with 8 fraction bits of the ratio; rounded half up.

    For ratios of 2**-8 to 2**7: XNNPACK's conversion between int8 tensors.
    """
    multiplier = int(np.rint(np.float32(256) * ratio))
    product: IntArray = (distances * multiplier + 128) >> 8
    return product


def _leaky_relu(op: Op, distances: IntArray, source: Tensor, result: Tensor) -> IntArray:
    positive = ratio_of(source, result)
    negative = np.float32(positive * np.float32(op.number("alpha")))
    chosen: IntArray = np.where(
        distances > 0, rescaled(distances, positive), rescaled(distances, negative)
    )
    shifted: IntArray = chosen + result.zero_point[0]
    return shifted


def _by_float(function: Callable[[NDArray[np.float32]], NDArray[np.float64]]) -> _Function:
    """`rne(f(x) * (1 / scale) + zero point)`, each step in float32."""

    def values(op: Op, distances: IntArray, source: Tensor, result: Tensor) -> IntArray:
        del op
        x = distances.astype(np.float32) * np.float32(source.scale[0])
        inverse = np.float32(1) / np.float32(result.scale[0])
        scaled = function(x).astype(np.float32) * inverse + np.float32(result.zero_point[0])
        rounded: IntArray = np.rint(scaled).astype(np.int64)
        return rounded

    return values


def _sigmoid(x: NDArray[np.float32]) -> NDArray[np.float64]:
    """Beyond 100 it is 1, below -100 it is 0, without overflow."""
    power: NDArray[np.float64] = np.exp(np.clip(x, -100, 100).astype(np.float64))
    return power / (1 + power)


def _tanh(x: NDArray[np.float32]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = np.tanh(x.astype(np.float64))
    return result


def _saturating(op: Op, distances: IntArray, source: Tensor, result: Tensor) -> IntArray:
    """relu and clip: a fixed-point rescaling, limits rounded half away from zero."""
    multiplier, shift = fixed_point(float(ratio_of(source, result)))
    zero = result.zero_point[0]
    values = multiplied(distances, multiplier, shift) + zero
    bounds = (0.0, math.inf)
    if op.kind == "clip":
        bounds = op.number("minimum"), op.number("maximum")
    low, high = (_limit(bound, np.float32(result.scale[0])) + zero for bound in bounds)
    return np.clip(values, low, high)


def _limit(bound: float, scale: np.float32) -> int:
    if math.isinf(bound):
        return 1 << 20
    steps = float(np.float32(bound) / scale)
    return int(math.copysign(math.floor(abs(steps) + 0.5), steps))


def fixed_point(real: float) -> tuple[int, int]:
    """`real = multiplier / 2**31 * 2**shift`, the multiplier in 2**30..2**31 - 1."""
    mantissa, shift = math.frexp(real)
    multiplier = math.floor(mantissa * (1 << 31) + 0.5)
    if multiplier == 1 << 31:
        multiplier, shift = multiplier // 2, shift + 1
    return (0, 0) if shift < -31 else (multiplier, shift)


def multiplied(values: IntArray, multiplier: int, shift: int) -> IntArray:
    """`values * multiplier / 2**31 * 2**shift` with two roundings: half up, half away from zero."""
    high = (values * (1 << max(shift, 0)) * multiplier + (1 << 30)) >> 31
    return divided_by_power(high, max(-shift, 0))


def divided_by_power(values: IntArray, exponent: int) -> IntArray:
    """`values / 2**exponent`, rounded half away from zero."""
    half = (1 << exponent) >> 1
    rounded: IntArray = np.sign(values) * ((np.abs(values) + half) >> exponent)
    return rounded


def _hard_swish(op: Op, distances: IntArray, source: Tensor, result: Tensor) -> IntArray:
    """`x relu6(x + 3) / 6` in int16 fixed point.

    The argument gets 7 more bits; `gate` is (x + 3) / 6 saturated to 0..1 with 15 fraction bits.
    """
    del op
    fine = distances << 7
    fine_scale = np.float32(np.float32(1 / 128) * np.float32(source.scale[0]))
    output_multiplier, output_shift = _short(fine_scale / np.float32(result.scale[0]))
    gate_multiplier, gate_shift = _short(fine_scale / np.float32(3.0 / 32768.0))
    scaled = (fine * output_multiplier + (1 << 14)) >> 15
    gate = fine
    if gate_shift > 0:
        gate = _saturated(gate << (gate_shift - 1))
    gate = (gate * gate_multiplier + (1 << 14)) >> 15
    if gate_shift > 0:
        gate = _saturated(gate << 1)
    gate = divided_by_power(gate, max(-gate_shift, 0))
    gate = (gate + (1 << 15)) >> 1
    product = gate * scaled
    high = np.sign(product) * (np.abs(product) >> 15)  # rounded towards zero
    return divided_by_power(high, -output_shift) + result.zero_point[0]


def _short(real: np.float32) -> tuple[int, int]:
    """`fixed_point` with a multiplier of 16 bits."""
    multiplier, shift = fixed_point(float(np.float32(real)))
    return min((multiplier + (1 << 15)) >> 16, _INT16_GREATEST), shift


def _saturated(values: IntArray) -> IntArray:
    return np.clip(values, _INT16_LEAST, _INT16_GREATEST)


_Function = Callable[[Op, IntArray, Tensor, Tensor], IntArray]

_FUNCTIONS: Mapping[str, _Function] = {
    "leaky_relu": _leaky_relu,
    "sigmoid": _by_float(_sigmoid),
    "tanh": _by_float(_tanh),
    "relu": _saturating,
    "clip": _saturating,
    "hard_swish": _hard_swish,
}
