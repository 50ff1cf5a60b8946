"""Integer golden models of the ops of a Graph, one function for each kind."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from tilewright.dataflow.graph import Op
from tilewright.hw.lib.requantize_params import RequantizeParams

from .requantize import requantize, wrap

ACCUMULATOR_BITS = 32

IntArray = NDArray[np.int64]


def matmul(op: Op, inputs: list[NDArray[Any]], zero_point: int) -> IntArray:
    """`requantize((x - zero_point) @ w + bias)`: accumulators wrap at 32 bits."""
    activation, weight, bias, scale = inputs
    centred = activation.astype(np.int64) - zero_point
    accumulators = wrap(centred @ weight.astype(np.int64), ACCUMULATOR_BITS)
    scale_words = np.ascontiguousarray(scale).view(np.uint32).astype(np.int64)
    return requantize(
        accumulators,
        bias.astype(np.int64),
        scale_words,
        _requantize_params(op, scale),
        op.integer("zero_point"),
        op.integer("minimum"),
        op.integer("maximum"),
    )


def _requantize_params(op: Op, scale: NDArray[Any]) -> RequantizeParams:
    """Scales are float32, or words of a fixed-point multiplier and a shift."""
    if scale.dtype == np.float32:
        return RequantizeParams(accumulator_bits=ACCUMULATOR_BITS)
    return RequantizeParams(
        accumulator_bits=ACCUMULATOR_BITS,
        mode="fixed",
        multiplier_bits=op.integer("multiplier_bits"),
    )
