"""Golden models of int8 ops as LiteRT computes them, where that is not what onnxruntime does.

Formulas from google/XNNPACK (add, sub, mul, reduce_mean, requantize: `microparams-init.c`,
`reduce-nd.c`), to which LiteRT gives these ops, and from LiteRT's own kernels (average_pool,
softmax: `pooling.h`, `optimized_ops.h`). docs/numbers.md has them under "LiteRT's arithmetic".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from tilewright.dataflow.graph import Op, Tensor
from tilewright.dataflow.litert import ratio_of, rescaled
from tilewright.dataflow.number_formats import range_of

from .operand import Array, Golden, Operand, saturate, scale_of, zero_point_of
from .ops_window import window_taps

IntArray = NDArray[np.int64]
MULTIPLIER_BITS = 21


def add(op: Op, operands: Sequence[Operand], result: Tensor) -> Array:
    """Sums with multipliers of 21 bits, one shift, rounded half up."""
    return _sum(op, operands, result, 1)


def sub(op: Op, operands: Sequence[Operand], result: Tensor) -> Array:
    """The same with the second multiplier negative."""
    return _sum(op, operands, result, -1)


def _sum(op: Op, operands: Sequence[Operand], result: Tensor, sign: int) -> Array:
    """`(a ma + b mb - za ma - zb mb + half) >> shift`, then the zero point, saturated.

    `shift` gives the greater of the two multipliers 21 bits.
    """
    a, b = operands
    ratios = [ratio_of(operand.tensor, result) for operand in operands]
    shift = MULTIPLIER_BITS - math.frexp(float(max(ratios)))[1]
    first, second = (int(np.rint(np.ldexp(ratio, shift))) for ratio in ratios)
    total = a.centred().astype(np.int64) * first + b.centred().astype(np.int64) * second * sign
    return saturate(op, ((total + (1 << (shift - 1))) >> shift) + zero_point_of(result), result)


def mul(op: Op, operands: Sequence[Operand], result: Tensor) -> Array:
    """`rne(float32((a - za)(b - zb)) * scale) + z` with `scale = float32(float32(sa sb) / s)`."""
    a, b = operands
    scale = a.scale * b.scale / scale_of(result)
    products = (a.centred() * b.centred()).astype(np.float32) * scale
    return saturate(op, np.rint(products) + zero_point_of(result), result)


def requantize(op: Op, operands: Sequence[Operand], result: Tensor) -> Array:
    """`((x - zx) m + 128) >> 8` with `m = rne(256 sx / s)`, then the zero point."""
    (activation,) = operands
    distances = activation.centred().astype(np.int64)
    values = rescaled(distances, ratio_of(activation.tensor, result))
    return saturate(op, values + zero_point_of(result), result)


def average_pool(op: Op, operands: Sequence[Operand], result: Tensor) -> Array:
    """Sums of the integers themselves over the window inside the image, divided by their number.

    Rounded half away from zero: of the stored numbers, not of what they stand for. Source and
    result have the same scale and zero point.
    """
    (activation,) = operands
    total = sum(window_taps(op, activation.values.astype(np.int64), 0))
    inside = np.ones((1, 1, *activation.values.shape[2:]), np.int64)
    count = sum(window_taps(op, inside, 0))
    magnitude = (np.abs(total) + count // 2) // count
    return saturate(op, np.sign(total) * magnitude, result)


def reduce_mean(op: Op, operands: Sequence[Operand], result: Tensor) -> Array:
    """`rne(float32(sum x) * scale + offset)`, float32 steps, the zero points in the offset.

    `scale = float32(sx / s) * float32(1 / n)`, `offset = z - float32(n zx) * scale`.
    """
    (activation,) = operands
    axes, shape = op.integers("axes"), activation.values.shape
    count = math.prod(shape[axis] for axis in axes)
    scale = ratio_of(activation.tensor, result) * (np.float32(1) / np.float32(count))
    centre = np.float32(count * activation.zero_point) * scale
    offset = np.float32(zero_point_of(result)) - centre
    sums = activation.values.sum(axis=axes, keepdims=bool(op.integer("keeps_axes")), dtype=np.int64)
    return saturate(op, np.rint(sums.astype(np.float32) * scale + offset), result)


def softmax(op: Op, operands: Sequence[Operand], result: Tensor) -> Array:
    """`round(e[max - x] * (1 / (sum e * s))) + z`: float32 steps, sums in order, half away from
    zero. `e[d] = exp(-sx d)`, rounded to float32 once."""
    (activation,) = operands
    values = np.moveaxis(activation.values.astype(np.int64), op.integer("axis"), -1)
    powers = exponentials(float(activation.scale), activation.tensor.number_format)
    terms = powers[values.max(axis=-1, keepdims=True) - values]
    total = np.zeros(terms.shape[:-1], np.float32)
    for position in range(terms.shape[-1]):
        total = total + terms[..., position]
    inverse = np.float32(1) / (total * scale_of(result))
    steps = np.floor((terms * inverse[..., None]).astype(np.float64) + 0.5)
    return saturate(op, np.moveaxis(steps, -1, op.integer("axis")) + zero_point_of(result), result)


@lru_cache(maxsize=64)
def exponentials(scale: float, number_format: str) -> NDArray[np.float32]:
    """`exp(-scale d)` for each distance d that two integers of a format can have."""
    least, greatest = range_of(number_format)
    step = -np.float32(scale)
    arguments = np.arange(greatest - least + 1, dtype=np.float32) * step
    powers = np.array([math.exp(float(argument)) for argument in arguments]).astype(np.float32)
    powers.setflags(write=False)
    return powers


KINDS: Mapping[str, Golden] = {
    "add": add,
    "sub": sub,
    "mul": mul,
    "requantize": requantize,
    "average_pool": average_pool,
    "reduce_mean": reduce_mean,
    "softmax": softmax,
}
