"""Golden models of softmax and layer normalisation: integers only, no float anywhere.

docs/numbers.md has the formulas and how far the results are from those of float arithmetic. The
constants below are the widths that hardware needs.
"""

from __future__ import annotations

import decimal
import math
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from tilewright.dataflow.graph import Op, Tensor
from tilewright.dataflow.number_formats import FLOAT, bits_of

from .operand import Array, Operand, saturate, scale_of, zero_point_of
from .requantize import FAR_SHIFT, shift_half_even

IntArray = NDArray[np.int64]

EXP_BITS = 30
"""Fraction bits of the table of powers of e."""
MAX_SOFTMAX_INPUT_BITS = 16
MAX_RECIPROCAL = 1 << 32
VARIANCE_BITS = 16
"""Fraction bits of the variance, where epsilon is added."""
ROOT_BITS = 32
"""Bits of the variance that its reciprocal square root is made from: a multiple of four, cut."""
RECIPROCAL_BITS = 24
NORMAL_BITS = 20
"""Fraction bits of a normalised value (mean 0, variance 1)."""
FACTOR_BITS = 20
"""Bits of a channel's factor, without its sign."""
MAX_FRACTION_BITS = 16
"""Of the factors; the biases have NORMAL_BITS more."""
BIAS_BITS = 46
"""Bits of a channel's bias, without its sign."""


def softmax(op: Op, operands: Sequence[Operand], result: Tensor) -> Array:
    """`rne(reciprocal * e(x) / sum e(x)) + zero point` along `axis`, saturated.

    `e(x)` is an entry of `exp_table`, found by the distance of x from the row's greatest value;
    `reciprocal` is `floor(1 / scale)` of the result, in float32, as onnxruntime has it. The
    quotient is exact before it is rounded.
    """
    (activation,) = operands
    axis = op.integer("axis")
    table = exp_table(float(activation.scale), bits_of(activation.tensor.number_format))
    values = activation.values.astype(np.int64)
    powers = table[values.max(axis=axis, keepdims=True) - values]
    reciprocal = min(math.floor(np.float32(1) / scale_of(result)), MAX_RECIPROCAL)
    shares = divide_half_even(powers * reciprocal, powers.sum(axis=axis, keepdims=True))
    return saturate(op, shares + zero_point_of(result), result)


def divide_half_even(dividend: IntArray, divisor: IntArray) -> IntArray:
    """`dividend / divisor` rounded to the nearest integer, ties to the even one.

    The dividend must be 0 or more, the divisor more than 0.
    """
    floor, rest = np.divmod(dividend, divisor)
    is_up = (2 * rest > divisor) | ((2 * rest == divisor) & (floor % 2 == 1))
    rounded: IntArray = floor + is_up
    return rounded


@lru_cache(maxsize=64)
def exp_table(scale: float, input_bits: int) -> IntArray:
    """`rne(2**EXP_BITS * exp(-scale * d))` for d = 0 .. 2**input_bits - 1.

    Computed with 40 decimal digits, so that every machine has the same table.

    Raises:
        ValueError: if the inputs have more than 16 bits.
    """
    if input_bits > MAX_SOFTMAX_INPUT_BITS:
        raise ValueError(f"a softmax takes at most 16 bits, got {input_bits}")
    table = np.zeros(1 << input_bits, np.int64)
    with decimal.localcontext() as context:
        context.prec, context.rounding = 40, decimal.ROUND_HALF_EVEN
        one, step = decimal.Decimal(1 << EXP_BITS), decimal.Decimal(scale)
        for distance in range(len(table)):
            table[distance] = int((one * (-step * distance).exp()).to_integral_value())
            if table[distance] == 0:
                break  # and so are all that follow
    table.setflags(write=False)
    return table


def layer_normalization(op: Op, operands: Sequence[Operand], result: Tensor) -> Array:
    """Values of mean 0 and variance 1 over `axis` and all axes behind it, times scale, plus bias.

    Scale and bias have the shape of these axes or broadcast to it, as floats or as integers with a
    scale; 1 and 0 without them. The row's sums are exact; see `normalised` and `affine`.

    Raises:
        ValueError: if a row is so long that its variance would not fit 63 bits.
    """
    activation, *parameters = operands
    axis = op.integer("axis")
    shape = activation.values.shape
    rows = activation.values.reshape(math.prod(shape[:axis]), -1).astype(np.int64)
    if rows.shape[1] ** 2 << 2 * bits_of(activation.tensor.number_format) > 1 << 63:
        raise ValueError(f"rows of {rows.shape[1]} values are too long for exact sums in 64 bits")
    epsilon = Fraction(op.number("epsilon")) / Fraction(float(activation.scale)) ** 2
    normal = normalised(rows, epsilon)
    factors, offsets, shift = affine(
        _reals(parameters[0]) if parameters else np.ones(1),
        _reals(parameters[1]) if len(parameters) > 1 else np.zeros(1),
        float(scale_of(result)),
    )
    factors, offsets = (np.broadcast_to(a, shape[axis:]).ravel() for a in (factors, offsets))
    totals = normal * factors + offsets
    rounded = np.sign(totals) * shift_half_even(np.abs(totals), np.full_like(totals, shift))
    return saturate(op, rounded.reshape(shape) + zero_point_of(result), result)


def normalised(rows: IntArray, epsilon: Fraction) -> IntArray:
    """`(x - mean) / sqrt(variance + epsilon)` of each row, with NORMAL_BITS fraction bits.

    With n values in a row everything is multiplied by n: `n x - sum x` are the differences from the
    mean, `n sum x**2 - (sum x)**2` is the variance times n**2, both exact. Epsilon is in units of
    the integers' square.
    """
    length = rows.shape[1]
    sums = rows.sum(axis=1, keepdims=True)
    differences = length * rows - sums
    variances = length * np.square(rows).sum(axis=1) - sums[:, 0] ** 2
    added = round(epsilon * length**2 * 2**VARIANCE_BITS)  # round(): half to even
    pairs = [reciprocal_root((int(v) << VARIANCE_BITS) + added) for v in variances]
    mantissas, exponents = np.array(pairs, np.int64).reshape(-1, 2).T
    # differences * 2**(VARIANCE_BITS / 2) * mantissa * 2**-exponent, with NORMAL_BITS
    shifts = np.clip(exponents - VARIANCE_BITS // 2 - NORMAL_BITS, 0, FAR_SHIFT)
    products = np.abs(differences) * mantissas[:, None]
    normal: IntArray = np.sign(differences) * shift_half_even(products, shifts[:, None])
    return normal


def reciprocal_root(value: int) -> tuple[int, int]:
    """Mantissa of RECIPROCAL_BITS bits and exponent: `1 / sqrt(value) ~ mantissa / 2**exponent`.

    `value` is cut to its upper ROOT_BITS or ROOT_BITS - 1 bits, an even number of bits lower; the
    root is rounded half up, and 2**RECIPROCAL_BITS becomes the next smaller. 0 gives 0.
    """
    if value == 0:
        return 0, 0
    cut = value.bit_length() - ROOT_BITS
    cut += cut % 2
    mantissa = value >> cut if cut >= 0 else value << -cut
    doubled = math.isqrt((1 << (2 * RECIPROCAL_BITS + ROOT_BITS)) // mantissa)
    root = min((doubled + 1) >> 1, (1 << RECIPROCAL_BITS) - 1)
    return root, RECIPROCAL_BITS - 1 + (ROOT_BITS + cut) // 2


def affine(
    scales: NDArray[np.float64], biases: NDArray[np.float64], result_scale: float
) -> tuple[IntArray, IntArray, int]:
    """Factors and biases of the channels as integers, and the shift that ends their sum.

    `scale / result_scale` gets fraction bits, 0 to MAX_FRACTION_BITS, as many as leave factors of
    FACTOR_BITS and biases of BIAS_BITS; a bias has NORMAL_BITS more. What is too large even
    without fraction bits saturates.
    """
    unit = Fraction(result_scale)
    exact = [[Fraction(float(real)) / unit for real in reals.flat] for reals in (scales, biases)]
    factor, bias = (max(map(abs, ratios)) for ratios in exact)
    fraction_bits = MAX_FRACTION_BITS
    while fraction_bits and not (
        round(factor * 2**fraction_bits) < 1 << FACTOR_BITS
        and round(bias * 2 ** (fraction_bits + NORMAL_BITS)) < 1 << BIAS_BITS
    ):
        fraction_bits -= 1
    shift = fraction_bits + NORMAL_BITS
    factors = [_fixed(ratio, fraction_bits, FACTOR_BITS) for ratio in exact[0]]
    offsets = [_fixed(ratio, shift, BIAS_BITS) for ratio in exact[1]]
    return (
        np.array(factors, np.int64).reshape(scales.shape),
        np.array(offsets, np.int64).reshape(biases.shape),
        shift,
    )


def _fixed(value: Fraction, fraction_bits: int, bits: int) -> int:
    """`value` with fraction bits, rounded half to even, saturated at `bits` and a sign."""
    most = (1 << bits) - 1
    rounded: int = round(value * 2**fraction_bits)
    return max(-most, min(most, rounded))


def _reals(parameter: Operand) -> NDArray[np.float64]:
    """What a scale or bias stands for."""
    if parameter.tensor.number_format == FLOAT:
        return parameter.values.astype(np.float64)
    return parameter.tensor.dequantize(parameter.values).astype(np.float64)
