"""Golden model of the systolic template: integer matrix product, requantized or raw."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from tilewright.hw.systolic.params import SystolicParams

from .requantize import requantize, wrap


def matmul(a: ArrayLike, b: ArrayLike, accumulator_bits: int) -> NDArray[np.int64]:
    """Integer product whose sums wrap at `accumulator_bits` (at most 48)."""
    # int64 wraps at 64 bits, and its low bits are right whatever the sum.
    product = np.asarray(a, np.int64) @ np.asarray(b, np.int64)
    return wrap(product, accumulator_bits)


def systolic(
    params: SystolicParams,
    a: ArrayLike,
    b: ArrayLike,
    *,
    biases: ArrayLike = 0,
    scale_words: ArrayLike = 0,
    zero_point: int = 0,
    minimum: int | None = None,
    maximum: int | None = None,
) -> NDArray[np.int64]:
    """What a kernel with `params` answers for a x b; biases and scales are per column."""
    sums = matmul(a, b, params.accumulator_bits)
    if not params.has_parameters:
        return sums
    return requantize(
        sums,
        np.asarray(biases, np.int64),
        np.asarray(scale_words, np.int64),
        params.requantize_params,
        zero_point,
        minimum,
        maximum,
    )
