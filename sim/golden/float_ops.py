"""Ops of a model graph in NumPy float32, a function for each kind: what the model file says.

Every function takes the op and its operands in order. Layout ops and `max_pool` keep the number
format of what they are given, so they serve integer tensors as well. Sums are float32: the order of
addition is not defined, and answers differ from other programs' by rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from tilewright.dataflow.graph import Op

from .float_windows import average_pool, conv, conv_transpose, max_pool

Array: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.float32]
FloatOp: TypeAlias = Callable[[Op, list[Array]], Array]

HALF, ONE, THREE, SIX = np.float32(0.5), np.float32(1), np.float32(3), np.float32(6)
PAD_MODES: Mapping[str, Literal["edge", "reflect", "wrap"]] = {
    "edge": "edge",
    "reflect": "reflect",
    "wrap": "wrap",
}
_erf = np.vectorize(math.erf, otypes=[np.float64])


def matmul(op: Op, operands: list[Array]) -> Array:
    """`a @ b + bias`; the axes in front broadcast."""
    del op
    activation, weight, *bias = operands
    product: Array = activation @ weight
    return product + bias[0] if bias else product


def power(op: Op, operands: list[Array]) -> Array:
    """A negative base with a fraction as exponent gives NaN, as in IEEE."""
    del op
    with np.errstate(invalid="ignore", divide="ignore", over="ignore", under="ignore"):
        raised: Array = np.power(*operands)
    return raised


def divide(op: Op, operands: list[Array]) -> Array:
    """IEEE's quotient of floats; integers: rounded toward zero."""
    del op
    a, b = operands
    if np.issubdtype(a.dtype, np.integer):
        quotient: Array = np.sign(a) * np.sign(b) * (np.abs(a) // np.abs(b))
        return quotient
    with np.errstate(all="ignore"):
        ratio: Array = a / b
    return ratio


def clip(op: Op, operands: list[Array]) -> Array:
    """Limits of infinity do nothing."""
    low, high = (np.float32(op.number(name)) for name in ("minimum", "maximum"))
    limited: Array = np.minimum(np.maximum(operands[0], low), high)
    return limited


def leaky_relu(op: Op, operands: list[Array]) -> Array:
    values = operands[0]
    return np.where(values < 0, values * np.float32(op.number("alpha")), values)


def sigmoid(op: Op, operands: list[Array]) -> Array:
    """`1 / (1 + exp(-x))`, through `exp(-|x|)`, which does not overflow."""
    del op
    small = np.exp(-np.abs(operands[0]))
    share: Array = np.where(operands[0] < 0, small, ONE) / (ONE + small)
    return share


def erf(op: Op, operands: list[Array]) -> Array:
    del op
    values = operands[0].astype(np.float64)
    return (_erf(values) if values.size else values).astype(np.float32)


def gelu(op: Op, operands: list[Array]) -> Array:
    """`x / 2 * (1 + erf(x / sqrt(2)))`, or with `approximate` "tanh" its form by tanh."""
    values = operands[0]
    if op.text("approximate") == "tanh":
        cubic = values + np.float32(0.044715) * values * values * values
        inner = np.tanh(np.float32(math.sqrt(2 / math.pi)) * cubic)
    else:
        inner = erf(op, [values * np.float32(math.sqrt(0.5))])
    gated: Array = HALF * values * (ONE + inner)
    return gated


def hard_swish(op: Op, operands: list[Array]) -> Array:
    """`x * clip(x + 3, 0, 6) / 6`."""
    del op
    values = operands[0]
    gated: Array = values * np.clip(values + THREE, 0, SIX) / SIX
    return gated


def softmax(op: Op, operands: list[Array]) -> Array:
    axis = op.integer("axis")
    powers = np.exp(operands[0] - operands[0].max(axis=axis, keepdims=True))
    share: Array = powers / powers.sum(axis=axis, keepdims=True, dtype=np.float32)
    return share


def layer_normalization(op: Op, operands: list[Array]) -> Array:
    """Over `axis` and all axes behind it; scale and bias broadcast."""
    values, *parameters = operands
    axes = tuple(range(op.integer("axis"), values.ndim))
    centred = values - values.mean(axis=axes, keepdims=True, dtype=np.float32)
    variance = np.square(centred).mean(axis=axes, keepdims=True, dtype=np.float32)
    result: Array = centred / np.sqrt(variance + np.float32(op.number("epsilon")))
    if parameters:
        result = result * parameters[0]
    return result + parameters[1] if len(parameters) > 1 else result


def batch_normalization(op: Op, operands: list[Array]) -> Array:
    """`(x - mean) / sqrt(variance + epsilon) * scale + bias`, each per channel (axis 1)."""
    values, *parameters = operands
    shape = [-1 if axis == 1 else 1 for axis in range(values.ndim)]
    scale, bias, mean, variance = (parameter.reshape(shape) for parameter in parameters)
    deviation = np.sqrt(variance + np.float32(op.number("epsilon")))
    normal: Array = scale * ((values - mean) / deviation) + bias
    return normal


def reduce_mean(op: Op, operands: list[Array]) -> Array:
    axes, keeps_axes = op.integers("axes"), bool(op.integer("keeps_axes"))
    mean: Array = operands[0].mean(axis=axes, keepdims=keeps_axes, dtype=np.float32)
    return mean


def global_average_pool(op: Op, operands: list[Array]) -> Array:
    del op
    axes = tuple(range(2, operands[0].ndim))
    mean: Array = operands[0].mean(axis=axes, keepdims=True, dtype=np.float32)
    return mean


def cut(op: Op, operands: list[Array]) -> Array:
    """`start:stop:step` for each axis; with a negative step, stop -1 lies before the first."""
    lists = [op.integers(name) for name in ("starts", "stops", "steps")]
    places = tuple(
        slice(start, None if stop < 0 else stop, step)
        for start, stop, step in zip(*lists, strict=True)
    )
    return operands[0][places]


def pad(op: Op, operands: list[Array]) -> Array:
    """Modes of ONNX: constant, edge, reflect, wrap."""
    values, pads = operands[0], op.integers("pads")
    widths = list(zip(pads[: values.ndim], pads[values.ndim :], strict=True))
    mode = op.text("mode")
    if mode == "constant":
        return np.pad(values, widths, constant_values=values.dtype.type(op.number("value")))
    if mode not in PAD_MODES:
        raise ValueError(f"op {op.name}: mode {mode!r} is not one of constant, edge, reflect, wrap")
    return np.pad(values, widths, mode=PAD_MODES[mode])


def resize(op: Op, operands: list[Array]) -> Array:
    values, *indices = operands
    for axis, vector in zip(op.integers("axes"), indices, strict=True):
        values = np.take(values, vector, axis=axis)
    return values


def threshold(op: Op, operands: list[Array]) -> Array:
    """`minimum` and 1 for each threshold of the value's channel that it reaches."""
    values, thresholds = operands
    channels_last = np.moveaxis(values, op.integer("axis"), -1)
    reached = np.zeros(channels_last.shape, np.int64)
    for channel in range(channels_last.shape[-1]):
        steps = thresholds[channel if len(thresholds) > 1 else 0]
        reached[..., channel] = np.searchsorted(steps, channels_last[..., channel], side="right")
    return np.moveaxis(reached, -1, op.integer("axis")) + op.integer("minimum")


FLOAT_OPS: Mapping[str, FloatOp] = {
    "conv": conv,
    "conv_transpose": conv_transpose,
    "matmul": matmul,
    "threshold": threshold,
    "add": lambda _op, operands: operands[0] + operands[1],
    "sub": lambda _op, operands: operands[0] - operands[1],
    "mul": lambda _op, operands: operands[0] * operands[1],
    "div": divide,
    "pow": power,
    "relu": lambda _op, operands: np.maximum(operands[0], operands[0].dtype.type(0)),
    "clip": clip,
    "leaky_relu": leaky_relu,
    "sigmoid": sigmoid,
    "tanh": lambda _op, operands: np.tanh(operands[0]),
    "erf": erf,
    "gelu": gelu,
    "hard_swish": hard_swish,
    "batch_normalization": batch_normalization,
    "max_pool": max_pool,
    "average_pool": average_pool,
    "global_average_pool": global_average_pool,
    "reduce_mean": reduce_mean,
    "softmax": softmax,
    "layer_normalization": layer_normalization,
    "concat": lambda op, operands: np.concatenate(operands, axis=op.integer("axis")),
    "slice": cut,
    "pad": pad,
    "transpose": lambda op, operands: operands[0].transpose(op.integers("perm")),
    "resize": resize,
    "gather": lambda op, operands: np.take(operands[0], operands[1], axis=op.integer("axis")),
}
