"""Golden model of requantisation: accumulators to narrow integers, in integers only."""

import numpy as np
from numpy.typing import NDArray
from tilewright.hw.lib.requantize_params import RequantizeParams

IntArray = NDArray[np.int64]

FLOAT32_BITS = 24  # significant bits, with the hidden one
FLOAT32_BIAS = 127
FAR_SHIFT = 62  # shifts further right give zero for every value that occurs
HUGE = 1 << 40  # stands for every magnitude that saturates


def requantize(
    accumulators: IntArray,
    bias: IntArray | int,
    scale_words: IntArray | int,
    params: RequantizeParams,
    zero_point: int = 0,
    minimum: int | None = None,
    maximum: int | None = None,
) -> IntArray:
    """Bias, scale, round half to even, zero point, saturate; all arguments broadcast.

    ``scale_words`` are encoded scales (``encode_scale``); minimum and maximum default to the
    output format's.
    """
    total = wrap(np.asarray(accumulators, np.int64) + bias, params.accumulator_bits)
    words = np.broadcast_to(np.asarray(scale_words, np.int64), total.shape)
    rounded = _scale_exact(total, words) if params.mode == "exact" else _scale_fixed(total, words)
    low, high = params.output_range
    low = low if minimum is None else minimum
    high = high if maximum is None else maximum
    return np.maximum(np.minimum(rounded + zero_point, high), low)


def wrap(values: IntArray, bits: int) -> IntArray:
    """Two's complement of ``bits`` bits."""
    half = np.int64(1) << (bits - 1)
    return (values + half) % (2 * half) - half


def _scale_exact(values: IntArray, scale_words: IntArray) -> IntArray:
    """``rne(float32(value) * scale)`` with float32 arithmetic spelled out in integers."""
    mantissa, exponent = round_to_float32(np.abs(values))
    scale_mantissa = (scale_words & 0x7FFFFF) | 0x800000
    scale_exponent = ((scale_words >> 23) & 0xFF) - FLOAT32_BIAS - (FLOAT32_BITS - 1)
    product, carry = round_to_float32(mantissa * scale_mantissa)
    exponent = exponent + scale_exponent + carry
    # A magnitude of 2**23 or more is an integer and saturates; below, round the fraction off.
    shift = np.clip(-exponent, 0, FAR_SHIFT)
    magnitude = np.where(exponent > 0, HUGE, shift_half_even(product, shift))
    return np.sign(values) * magnitude


def _scale_fixed(values: IntArray, scale_words: IntArray) -> IntArray:
    """``rne(value * multiplier / 2**shift)``; Python integers, as products take up to 72 bits."""
    multiplier = (scale_words & 0xFFFFFF).astype(object)
    shift = (scale_words >> 24).astype(object)
    magnitude = shift_half_even(np.abs(values).astype(object) * multiplier, shift)
    return np.sign(values) * np.minimum(magnitude, HUGE).astype(np.int64)


def round_to_float32(magnitude: IntArray) -> tuple[IntArray, IntArray]:
    """``(mantissa, exponent)`` with at most 24 bits of mantissa, rounded half to even."""
    excess = bit_length(magnitude) - FLOAT32_BITS
    mantissa = shift_half_even(magnitude << np.maximum(-excess, 0), np.maximum(excess, 0))
    overflow = mantissa >> FLOAT32_BITS  # 0xFFFFFF and a half became 0x1000000
    return mantissa >> overflow, excess + overflow


def shift_half_even(magnitude: IntArray, shift: IntArray) -> IntArray:
    """``magnitude / 2**shift`` rounded to the nearest integer, ties to the even one."""
    floor = magnitude >> shift
    twice_rest = (magnitude - (floor << shift)) * 2
    one = np.ones_like(magnitude) << shift
    is_up = (twice_rest > one) | ((twice_rest == one) & (floor % 2 == 1))
    rounded: IntArray = floor + is_up
    return rounded


def bit_length(magnitude: IntArray) -> IntArray:
    """Number of bits of each value; 0 for 0."""
    length = np.zeros_like(magnitude)
    rest = magnitude.copy()
    for step in (32, 16, 8, 4, 2, 1):
        is_wide = rest >= (np.int64(1) << step)
        length += np.where(is_wide, step, 0)
        rest = np.where(is_wide, rest >> step, rest)
    length += rest > 0
    return length
