"""Elementwise float functions in float32, as onnxruntime's kernels for single nodes compute them.

Each takes the op of the model and its operands, and gives float32. Transcendental functions are
computed in float64 and rounded once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..graph import Op

Floats = NDArray[np.float32]
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


def _sigmoid(op: Op, operands: Sequence[Floats]) -> Floats:
    del op
    x = operands[0].astype(np.float64)
    small = np.exp(-np.abs(x))
    return _float32(np.where(x >= 0, 1.0, small) / (1.0 + small))


def _tanh(op: Op, operands: Sequence[Floats]) -> Floats:
    del op
    return _float32(np.tanh(operands[0].astype(np.float64)))


_ERF = np.frompyfunc(math.erf, 1, 1)


def erf(x: NDArray[np.float64]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = np.asarray(_ERF(x), np.float64)
    return result


def _erf(op: Op, operands: Sequence[Floats]) -> Floats:
    del op
    return _float32(erf(operands[0].astype(np.float64)))


def _gelu(op: Op, operands: Sequence[Floats]) -> Floats:
    x = operands[0].astype(np.float64)
    if op.text("approximate") == "tanh":
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
        return _float32(0.5 * x * (1 + np.tanh(inner)))
    return _float32(0.5 * x * (1 + erf(x / math.sqrt(2))))


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
    "sigmoid": _sigmoid,
    "tanh": _tanh,
    "erf": _erf,
    "gelu": _gelu,
    "hard_swish": _hard_swish,
    "add": _binary(np.add),
    "sub": _binary(np.subtract),
    "mul": _binary(np.multiply),
    "div": _binary(np.divide),
    "pow": _binary(np.power),
}
"""By kind of op."""
