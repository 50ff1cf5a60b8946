"""Operators of random TFLite models: each step adds one to what was there before."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from .tflite_models import MAX_ELEMENTS, RandomModel, Shape, Toy, byte, word
from .tflite_writer import Scalar

Step = Callable[[Toy], None]
SAME, VALID = 0, 1
ACTIVATIONS = (0, 0, 0, 1, 2, 3)


def _activation(toy: Toy) -> Scalar:
    return byte(int(toy.rng.choice(ACTIVATIONS)))


def _weights(toy: Toy, shape: Shape, axis: int, depth: int) -> tuple[int, int, float]:
    """Weights, a bias, and a scale for results that fill int8."""
    channels = shape[axis]
    scales = [toy.scale() / 10 for _ in range(channels if toy.integer(0, 1) else 1)]
    data = toy.rng.integers(-127, 128, shape).astype(np.int8)
    bias = toy.rng.integers(-3000, 3000, channels).astype(np.int32)
    units = [np.float32(toy.tensor.scale[0]) * np.float32(scale) for scale in scales]
    typical = float(np.mean(units)) * 74 * 74 * math.sqrt(depth) / 60
    weights = toy.constant(data, scales, axis)
    return weights, toy.constant(bias, [float(unit) for unit in units]), typical


def _window(toy: Toy) -> tuple[int, int, tuple[int, int], int, int]:
    """Padding, stride, kernel, dilation; always one that fits."""
    height, width = toy.shape[1:3]
    kernel = (toy.integer(1, min(3, height)), toy.integer(1, min(3, width)))
    stride = toy.integer(1, 2)
    dilation = 2 if stride == 1 and toy.integer(0, 3) == 0 else 1
    reach = [dilation * (k - 1) + 1 for k in kernel]
    fits = reach[0] <= height and reach[1] <= width
    padding = VALID if fits and toy.integer(0, 1) else SAME
    return padding, stride, kernel, dilation, max(reach)


def _positions(extent: int, kernel: int, padding: int, stride: int, dilation: int) -> int:
    reach = dilation * (kernel - 1) + 1
    return -(-extent // stride) if padding == SAME else (extent - reach) // stride + 1


def conv_2d(toy: Toy) -> None:
    batch, height, width, channels = toy.shape
    padding, stride, kernel, dilation, _ = _window(toy)
    filters = toy.integer(1, 8)
    weights, bias, scale = _weights(
        toy, (filters, *kernel, channels), 0, math.prod(kernel) * channels
    )
    extents = [
        _positions(extent, k, padding, stride, dilation)
        for extent, k in zip((height, width), kernel, strict=True)
    ]
    result = toy.add((batch, *extents, filters), scale)
    options = toy.op("CONV_2D", (toy.current, weights, bias), (result,), "Conv2DOptions")
    options |= {0: byte(padding), 1: word(stride), 2: word(stride), 3: _activation(toy)}
    options |= {4: word(dilation), 5: word(dilation)}


def depthwise_conv_2d(toy: Toy) -> None:
    batch, height, width, channels = toy.shape
    padding, stride, kernel, dilation, _ = _window(toy)
    multiplier = toy.integer(1, 2) if channels <= 8 else 1
    weights, bias, scale = _weights(toy, (1, *kernel, channels * multiplier), 3, math.prod(kernel))
    extents = [
        _positions(extent, k, padding, stride, dilation)
        for extent, k in zip((height, width), kernel, strict=True)
    ]
    result = toy.add((batch, *extents, channels * multiplier), scale)
    name = "DepthwiseConv2DOptions"
    options = toy.op("DEPTHWISE_CONV_2D", (toy.current, weights, bias), (result,), name)
    options |= {0: byte(padding), 1: word(stride), 2: word(stride), 3: word(multiplier)}
    options |= {4: _activation(toy), 5: word(dilation), 6: word(dilation)}


def transpose_conv(toy: Toy) -> None:
    batch, height, width, channels = toy.shape
    stride = toy.integer(1, 2)
    kernel = (toy.integer(stride, 3), toy.integer(stride, 3))
    padding = toy.integer(0, 1)
    filters = toy.integer(1, 4)
    extents = [
        extent * stride if padding == SAME else (extent - 1) * stride + k
        for extent, k in zip((height, width), kernel, strict=True)
    ]
    weights, bias, scale = _weights(
        toy, (filters, *kernel, channels), 0, math.prod(kernel) * channels
    )
    shape = toy.integers(batch, *extents, filters)
    result = toy.add((batch, *extents, filters), scale)
    inputs = (shape, weights, toy.current, bias)[: 3 + toy.integer(0, 1)]
    options = toy.op("TRANSPOSE_CONV", inputs, (result,), "TransposeConvOptions")
    options |= {0: byte(padding), 1: word(stride), 2: word(stride)}


def _pool(kind: str) -> Step:
    def step(toy: Toy) -> None:
        batch, height, width, channels = toy.shape
        padding, stride, kernel, _, _ = _window(toy)
        extents = [
            _positions(extent, k, padding, stride, 1)
            for extent, k in zip((height, width), kernel, strict=True)
        ]
        result = toy.add_like((batch, *extents, channels))
        options = toy.op(kind, (toy.current,), (result,), "Pool2DOptions")
        options |= {0: byte(padding), 1: word(stride), 2: word(stride)}
        options |= {3: word(kernel[1]), 4: word(kernel[0]), 5: _activation(toy)}

    return step


def fully_connected(toy: Toy) -> None:
    shape = toy.shape
    keeps = toy.integer(0, 1)
    depth = shape[-1] if keeps else math.prod(shape[1:])
    outputs = toy.integer(1, 12)
    weights, bias, scale = _weights(toy, (outputs, depth), 0, depth)
    extents = (*shape[:-1], outputs) if keeps else (math.prod(shape) // depth, outputs)
    result = toy.add(extents, scale)
    inputs = (toy.current, weights, bias)
    options = toy.op("FULLY_CONNECTED", inputs, (result,), "FullyConnectedOptions")
    options |= {0: _activation(toy), 2: byte(keeps)}


def batch_matmul(toy: Toy) -> None:
    *lead, rows, depth = toy.shape
    swaps_left, swaps_right = toy.integer(0, 1), toy.integer(0, 1)
    if swaps_left:
        rows, depth = depth, rows
    columns = toy.integer(1, 6)
    left = toy.current
    right = toy.add_input((*lead, *((columns, depth) if swaps_right else (depth, columns))), 0)
    scale = toy.tensors[left].scale[0] * toy.tensors[right].scale[0] * 90 * math.sqrt(depth)
    result = toy.add((*lead, rows, columns), scale)
    options = toy.op("BATCH_MATMUL", (left, right), (result,), "BatchMatMulOptions")
    options |= {0: byte(swaps_left), 1: byte(swaps_right)}


def _binary(kind: str, options_type: str) -> Step:
    def step(toy: Toy) -> None:
        shape, left = toy.shape, toy.current
        extents: Shape = shape
        form = toy.integer(0, 3)
        if form == 0:
            extents = (*(1 for _ in shape[:-1]), shape[-1])
        if form == 1:
            numbers = toy.rng.integers(-128, 128, shape[-1:]).astype(np.int8)
            right = toy.constant(numbers, (toy.scale(),), 0, (toy.integer(-128, 127),))
        else:
            right = toy.add_input(extents)
        one, other = toy.tensors[left].scale[0], toy.tensors[right].scale[0]
        scale = one * other * 90 if kind == "MUL" else max(one, other) * toy.rng.uniform(0.7, 2)
        result = toy.add(shape, scale)
        toy.op(kind, (left, right), (result,), options_type)[0] = _activation(toy)

    return step


def mean(toy: Toy) -> None:
    rank = len(toy.shape)
    chosen = [axis for axis in range(1, rank) if toy.integer(0, 1)] or [rank - 1]
    keeps = toy.integer(0, 1)
    if keeps:
        extents = [1 if axis in chosen else e for axis, e in enumerate(toy.shape)]
    else:
        extents = [e for axis, e in enumerate(toy.shape) if axis not in chosen]
    axes = toy.integers(*(axis - rank * toy.integer(0, 1) for axis in chosen))
    result = toy.add_like(extents) if toy.integer(0, 1) else toy.add(extents)
    toy.op("MEAN", (toy.current, axes), (result,), "ReducerOptions")[0] = byte(keeps)


def softmax(toy: Toy) -> None:
    result = toy.add(toy.shape, 1 / 256, -128)
    toy.op("SOFTMAX", (toy.current,), (result,), "SoftmaxOptions")[0] = Scalar("Float32", 1.0)


def _function(kind: str, quantisation: tuple[float, int] | None = None) -> Step:
    def step(toy: Toy) -> None:
        if quantisation is not None:
            result = toy.add(toy.shape, *quantisation)
        elif toy.integer(0, 1):
            result = toy.add_like(toy.shape)
        else:
            result = toy.add(toy.shape, toy.tensor.scale[0] * toy.rng.uniform(0.1, 3))
        toy.op(kind, (toy.current,), (result,))

    return step


def leaky_relu(toy: Toy) -> None:
    result = toy.add(toy.shape, toy.tensor.scale[0] * toy.rng.uniform(0.2, 2))
    alpha = Scalar("Float32", float(np.float32(toy.rng.uniform(0.05, 0.9))))
    toy.op("LEAKY_RELU", (toy.current,), (result,), "LeakyReluOptions")[0] = alpha


ON_VALUES: Mapping[str, Step] = {
    "ADD": _binary("ADD", "AddOptions"),
    "SUB": _binary("SUB", "SubOptions"),
    "MUL": _binary("MUL", "MulOptions"),
    "RELU": _function("RELU"),
    "RELU6": _function("RELU6"),
    "RELU_N1_TO_1": _function("RELU_N1_TO_1"),
    "LEAKY_RELU": leaky_relu,
    "LOGISTIC": _function("LOGISTIC", (1 / 256, -128)),
    "TANH": _function("TANH", (1 / 128, 0)),
    "HARD_SWISH": _function("HARD_SWISH"),
    "QUANTIZE": _function("QUANTIZE"),
    "SOFTMAX": softmax,
    "MEAN": mean,
    "FULLY_CONNECTED": fully_connected,
}
ON_IMAGES: Mapping[str, Step] = {
    "CONV_2D": conv_2d,
    "DEPTHWISE_CONV_2D": depthwise_conv_2d,
    "TRANSPOSE_CONV": transpose_conv,
    "AVERAGE_POOL_2D": _pool("AVERAGE_POOL_2D"),
    "MAX_POOL_2D": _pool("MAX_POOL_2D"),
    "BATCH_MATMUL": batch_matmul,
}

__all__ = ["MAX_ELEMENTS", "ON_IMAGES", "ON_VALUES", "RandomModel", "Step"]
