"""Elementwise float functions in float32, as onnxruntime's kernels for single nodes compute them.

Each takes the op of the model and its operands, and gives float32.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..graph import Op
from .float32_functions import Floats, erf, gelu, gelu_by_tanh, sigmoid, tanh

Function = Callable[[Op, Sequence[Floats]], Floats]


def _float32(values: NDArray[Any]) -> Floats:
    return np.asarray(values, np.float32)


def _relu(op: Op, operands: Sequence[Floats]) -> Floats:
    del op
    return np.maximum(operands[0], np.float32(0))


def _clip(op: Op, operands: Sequence[Floats]) -> Floats:
    low, high = np.float32(op.number("minimum")), np.float32(op.number("maximum"))
    return np.minimum(np.maximum(operands[0], low), high)


def _leaky_relu(op: Op, operands: Sequence[Floats]) -> Floats:
    x = operands[0]
    return np.where(x >= 0, x, np.float32(op.number("alpha")) * x)


def _gelu(op: Op, operands: Sequence[Floats]) -> Floats:
    by_tanh = op.text("approximate") == "tanh"
    return gelu_by_tanh(operands[0]) if by_tanh else gelu(operands[0])


def _unary(function: Callable[[Floats], Floats]) -> Function:
    def apply(op: Op, operands: Sequence[Floats]) -> Floats:
        del op
        return function(np.asarray(operands[0], np.float32))

    return apply


def _hard_swish(op: Op, operands: Sequence[Floats]) -> Floats:
    """`x max(0, min(1, x/6 + 1/2))`."""
    del op
    x = operands[0]
    gate = np.float32(1 / 6) * x + np.float32(0.5)
    return _float32(x * np.maximum(np.float32(0), np.minimum(np.float32(1), gate)))


def _binary(function: Callable[..., Any]) -> Function:
    def apply(op: Op, operands: Sequence[Floats]) -> Floats:
        del op
        return _float32(function(*operands))

    return apply


FUNCTIONS: Mapping[str, Function] = {
    "relu": _relu,
    "clip": _clip,
    "leaky_relu": _leaky_relu,
    "sigmoid": _unary(sigmoid),
    "tanh": _unary(tanh),
    "erf": _unary(erf),
    "gelu": _gelu,
    "hard_swish": _hard_swish,
    "add": _binary(np.add),
    "sub": _binary(np.subtract),
    "mul": _binary(np.multiply),
    "div": _binary(np.divide),
    "pow": _binary(np.power),
}
"""By kind of op."""
