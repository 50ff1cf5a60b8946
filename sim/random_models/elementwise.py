"""Steps on single elements, windows without weights, and reductions."""

from __future__ import annotations

import numpy as np

from .accumulating import activation, window, window_result
from .sketch import Shape, Sketch


def _partner(s: Sketch, x: str) -> str:
    """A value of the same shape: an earlier one (a residual fork), or a new convolution of `x`."""
    shape = s.shapes[x]
    others = [name for name in s.values if s.shapes[name] == shape and name != x]
    if others:
        return s.draw.choice(others)
    if s.draw.chance(25):
        values = s.numbers.normal(size=shape).astype(np.float32)
        if shape[0] == s.batch:
            values = values[:1]
        return s.constant(values, "operand")
    return s.step("leaky_relu", "LeakyRelu", (x,), shape, {"alpha": 0.1})


def _binary(s: Sketch, x: str, kind: str, op_type: str) -> str:
    other = _partner(s, x)
    operands = (x, other) if s.draw.chance(50) else (other, x)
    more = activation(s) if op_type != "Mul" else {}
    return s.step(kind, op_type, operands, s.shapes[x], **more)


def add(s: Sketch, x: str) -> str:
    return _binary(s, x, "add", "Add")


def add_wide(s: Sketch, x: str) -> str | None:
    """A residual path in int16: a sum of 16 bits, to which the next is added."""
    if s.opset < 21:  # QuantizeLinear has int16 from there on
        return None
    wide = s.step("add, int16", "Add", (x, _partner(s, x)), s.shapes[x], number_format="int16")
    if s.draw.chance(50):
        wide = s.step("add, int16", "Add", (wide, wide), s.shapes[x])
    if s.draw.chance(50):
        return s.step("requantize", "", (wide,), s.shapes[x], number_format="int8")
    return s.step("add", "Add", (wide, wide), s.shapes[x], number_format="int8")


def mul(s: Sketch, x: str) -> str | None:
    return None if s.is_large else _binary(s, x, "mul", "Mul")


def sub(s: Sketch, x: str) -> str:
    return _binary(s, x, "sub", "Sub")


def _narrow(s: Sketch, x: str) -> str:
    """An operand that broadcasts against `x`: constant, or a mean of `x` (squeeze and excite)."""
    shape = s.shapes[x]
    if len(shape) == 4 and s.draw.chance(40):
        result = (*shape[:2], 1, 1)
        return s.step("global_average_pool", "GlobalAveragePool", (x,), result)
    if s.draw.chance(15):
        return _column(s, x)
    options: list[Shape] = [shape[-1:], (1,), (), tuple(1 for _ in shape)]
    if len(shape) >= 3:
        options += [(shape[1], *(1 for _ in shape[2:])), (1, shape[1], *(1 for _ in shape[2:]))]
        options += [shape[1:]]
    values = s.numbers.normal(size=s.draw.choice(options))
    return s.constant(np.asarray(values, np.float32), "operand")


def _column(s: Sketch, x: str) -> str:
    """The first entry of `x` along its last axis."""
    bounds = [s.constant(np.array([n], np.int64), "plain") for n in (0, 1, -1)]
    return s.step("slice", "Slice", (x, *bounds), (*s.shapes[x][:-1], 1), keeps=True)


def _row(s: Sketch, x: str) -> str:
    """The first entry of `x` along its last axis but one."""
    bounds = [s.constant(np.array([n], np.int64), "plain") for n in (0, 1, -2)]
    shape = (*s.shapes[x][:-2], 1, s.shapes[x][-1])
    return s.step("slice", "Slice", (x, *bounds), shape, keeps=True)


def add_broadcast(s: Sketch, x: str) -> str:
    """One operand is narrower, at times each in another axis."""
    if len(s.shapes[x]) > 2 and min(s.shapes[x][-2:]) > 1 and s.draw.chance(15):
        operands = (_row(s, x), _column(s, x))
    else:
        narrow = _narrow(s, x)
        operands = (x, narrow) if s.draw.chance(70) else (narrow, x)
    return s.step("add, broadcast", "Add", operands, s.shapes[x], **activation(s))


def mul_broadcast(s: Sketch, x: str) -> str:
    narrow = _narrow(s, x)
    operands = (x, narrow) if s.draw.chance(70) else (narrow, x)
    return s.step("mul, broadcast", "Mul", operands, s.shapes[x])


def _unary(s: Sketch, x: str, kind: str, op_type: str, **attributes: float) -> str:
    return s.step(kind, op_type, (x,), s.shapes[x], attributes)


def relu(s: Sketch, x: str) -> str:
    """A Relu of its own: between its own dequantisation and quantisation."""
    return s.step("relu", "Relu", (x,), s.shapes[x], keeps=s.draw.chance(30))


def clip(s: Sketch, x: str) -> str:
    ends = s.draw.choice(((0.0, 6.0), (-1.0, 1.0), (0.0, 1.0), (-0.5, 6.0), (0.5,), ("", 0.7)))
    limits = tuple(
        end if isinstance(end, str) else s.constant(np.array(end, np.float32), "plain")
        for end in ends
    )
    return s.step("clip", "Clip", (x, *limits), s.shapes[x])


def leaky_relu(s: Sketch, x: str) -> str:
    return _unary(s, x, "leaky_relu", "LeakyRelu", alpha=s.draw.choice((0.1, 0.01, 0.3)))


def sigmoid(s: Sketch, x: str) -> str:
    limits = (0.0, 1.0) if s.draw.chance(50) else None
    return s.step("sigmoid", "Sigmoid", (x,), s.shapes[x], limits=limits)


def tanh(s: Sketch, x: str) -> str:
    return _unary(s, x, "tanh", "Tanh")


def hard_swish(s: Sketch, x: str) -> str | None:
    return _unary(s, x, "hard_swish", "HardSwish") if s.opset >= 14 else None


def gelu(s: Sketch, x: str) -> str | None:
    return _unary(s, x, "gelu", "Gelu") if s.opset >= 20 else None


def requantize(s: Sketch, x: str) -> str:
    """Another scale and zero point, at times the other signedness."""
    return s.step("requantize", "", (x,), s.shapes[x], toggles_sign=s.draw.chance(20))


def max_pool(s: Sketch, x: str) -> str:
    shape = s.shapes[x]
    attributes = window(s, shape[2:], most=3)
    if attributes["kernel_shape"] == [1] * len(shape[2:]) and attributes["strides"][0] == 1:
        attributes["kernel_shape"][-1] = min(2, shape[-1])  # lest nothing is compared
    if "auto_pad" not in attributes and s.draw.chance(10):
        # Where a window may begin behind the last element is not said in one voice: it never does.
        rank, kernel = len(shape) - 2, attributes["kernel_shape"]
        strides = [min(pair) for pair in zip(attributes["strides"], kernel, strict=True)]
        pads = attributes["pads"][:rank] + [0] * rank
        attributes |= {"ceil_mode": 1, "pads": pads, "strides": strides}
    result = (*shape[:2], *window_result(shape[2:], attributes))
    return s.step("max_pool", "MaxPool", (x,), result, attributes, keeps=s.draw.chance(85))


def average_pool(s: Sketch, x: str) -> str:
    shape = s.shapes[x]
    attributes = window(s, shape[2:], most=3, may_dilate=False)
    if s.draw.chance(30):
        attributes["count_include_pad"] = 1
    result = (*shape[:2], *window_result(shape[2:], attributes))
    return s.step("average_pool", "AveragePool", (x,), result, attributes)


def global_average_pool(s: Sketch, x: str) -> str:
    shape = s.shapes[x]
    result = (*shape[:2], *(1 for _ in shape[2:]))
    return s.step("global_average_pool", "GlobalAveragePool", (x,), result)


def reduce_mean(s: Sketch, x: str) -> str:
    shape = s.shapes[x]
    rank = len(shape)
    axes = [rank - 2, rank - 1] if rank > 2 and s.draw.chance(50) else [rank - 1]
    keeps = 0 if rank > 2 and s.draw.chance(30) else 1
    result = tuple(
        1 if axis in axes else extent
        for axis, extent in enumerate(shape)
        if keeps or axis not in axes
    )
    if s.opset >= 18:
        inputs = (x, s.constant(np.array(axes, np.int64), "plain"))
        return s.step("reduce_mean", "ReduceMean", inputs, result, {"keepdims": keeps})
    attributes = {"axes": axes, "keepdims": keeps}
    return s.step("reduce_mean", "ReduceMean", (x,), result, attributes)


def softmax(s: Sketch, x: str) -> str | None:
    if s.shapes[x][-1] == 1:
        return None
    return s.step("softmax", "Softmax", (x,), s.shapes[x], {"axis": -1}, limits=(0.0, 1.0))
