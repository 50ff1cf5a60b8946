"""Float ops between a sum of integers and its quantisation, as one monotone function per channel.

What stands there in QONNX models (a scale, a bias, BatchNormalization, Relu, Clip) is evaluated op
by op in float32, in the order and with the roundings of onnxruntime's kernels for single nodes,
which is what QONNX's own executor runs. Every step is monotone in its float32 arithmetic (rounding
is), so the whole is, and rises or falls for each channel.

Sigmoid and Tanh are approximated by onnxruntime; here they are their float64 values, rounded once.
BatchNormalization is `x * a + (bias - mean * a)` with `a = scale * (1 / sqrt(variance + epsilon))`,
each step rounded to float32 (measured on onnxruntime 1.31.1: equal in every bit).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..graph import Op
from ..shapes import Shape
from .float32_functions import ROUNDED

Floats = NDArray[np.float32]
ConstantOf = Callable[[str], Floats | None]
"""The float values of a constant by its tensor's name, None for what is no constant."""

CHAIN_KINDS = (
    "add",
    "sub",
    "mul",
    "div",
    "batch_normalization",
    "relu",
    "clip",
    "leaky_relu",
    "sigmoid",
    "tanh",
)


class ChainError(ValueError):
    """The float op `op` has no exact thresholds: `rule` says why."""

    def __init__(self, op: Op, rule: str) -> None:
        super().__init__(rule)
        self.op, self.rule = op, rule


@dataclass(frozen=True)
class Step:
    """One function of a float: `apply(value, *operands)`; operands are [channels or 1][1].

    `slope` has the sign of its slope for each channel (or all): below 0 where it falls.
    """

    op: Op
    apply: Callable[..., Floats]
    operands: tuple[Floats, ...]
    slope: Floats

    def of(self, channels: slice) -> Step:
        """The same for some of the channels."""
        operands = tuple(_cut(operand, channels) for operand in self.operands)
        return replace(self, operands=operands, slope=_cut(self.slope, channels))


@dataclass(frozen=True)
class Chain:
    """A function of one float for each of `channels` channels: its steps in order."""

    steps: tuple[Step, ...]
    channels: int

    @property
    def falls(self) -> NDArray[np.bool_]:
        """For each channel, whether greater values give smaller results."""
        falls = np.zeros((self.channels, 1), np.bool_)
        for step in self.steps:
            falls ^= np.broadcast_to(step.slope < 0, falls.shape)
        return falls[:, 0]

    def of(self, channels: slice) -> Chain:
        """The same for some of the channels."""
        count = len(range(*channels.indices(self.channels)))
        return Chain(tuple(step.of(channels) for step in self.steps), count)

    def __call__(self, values: Floats) -> Floats:
        """Results for `values` [channels][n].

        Raises:
            ChainError: where a result is infinite or NaN.
        """
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            for step in self.steps:
                values = step.apply(values, *step.operands)
                if not np.isfinite(values).all():
                    raise ChainError(step.op, "its results are beyond float32's range")
        return values


def chain_of(ops: Sequence[Op], shape: Shape, axis: int, constant: ConstantOf) -> Chain:
    """The function that `ops`, each fed by the one before, make of a value.

    `shape` is the extents of the value and of all results; channels lie along `axis`.

    Raises:
        ChainError: for an op that is no function of one value and its channel's constants, or
            that is neither rising nor falling.
    """
    steps = []
    for op in ops:
        try:
            steps.append(_step(op, shape, axis, constant))
        except ChainError:
            raise
        except ValueError as error:
            raise ChainError(op, str(error)) from None
    return Chain(tuple(steps), shape[axis])


def linear_step(op: Op, scale: Floats) -> Step:
    """Times a positive scale, one or one for each channel."""
    factor = np.asarray(scale, np.float32).reshape(-1, 1)
    return Step(op, np.multiply, (factor,), factor)


def offset_step(op: Op, offset: Floats) -> Step:
    """Plus an offset, one or one for each channel."""
    return Step(op, np.add, (np.asarray(offset, np.float32).reshape(-1, 1),), _RISING)


_RISING = np.ones((1, 1), np.float32)


def _cut(operand: Floats, channels: slice) -> Floats:
    return operand if operand.shape[0] == 1 else operand[channels]


def _step(op: Op, shape: Shape, axis: int, constant: ConstantOf) -> Step:
    if op.kind in ("add", "sub", "mul", "div"):
        return _arithmetic(op, shape, axis, constant)
    if op.kind == "relu":
        return Step(op, lambda x: np.maximum(x, np.float32(0)), (), _RISING)
    if op.kind == "clip":
        low, high = np.float32(op.number("minimum")), np.float32(op.number("maximum"))
        return Step(op, lambda x: np.clip(x, low, high), (), _RISING)
    if op.kind == "leaky_relu":
        alpha = np.float32(op.number("alpha"))
        if alpha < 0:
            raise ChainError(op, "a LeakyRelu with alpha below 0 neither rises nor falls")
        return Step(op, lambda x: np.where(x >= 0, x, x * alpha), (), _RISING)
    if op.kind in ("sigmoid", "tanh"):  # in float64, rounded once
        return Step(op, ROUNDED[op.kind], (), _RISING)
    if op.kind == "batch_normalization":
        return _batch_normalization(op, axis, constant)
    raise ChainError(op, f"no exact thresholds for {op.kind}")


def _arithmetic(op: Op, shape: Shape, axis: int, constant: ConstantOf) -> Step:
    """`x + c`, `x - c`, `c - x`, `x * c`, `x / c` with one constant for each channel, or one."""
    left, right = map(constant, op.inputs)
    is_left = left is None
    values = right if is_left else left
    if values is None or not (is_left or right is None):
        raise ChainError(op, "one of its operands must be a constant, the other not")
    operand = _per_channel(values, shape, axis)
    if op.kind == "add":
        return Step(op, np.add, (operand,), _RISING)
    if op.kind == "sub" and is_left:
        return Step(op, np.subtract, (operand,), _RISING)
    if op.kind == "sub":
        return Step(op, lambda x, c: c - x, (operand,), -_RISING)
    if op.kind == "mul":
        return Step(op, np.multiply, (operand,), operand)
    if not is_left or not operand.all():
        raise ChainError(op, "only a division by constants other than 0 rises or falls")
    return Step(op, np.divide, (operand,), operand)


def _per_channel(values: Floats, shape: Shape, axis: int) -> Floats:
    """A constant that broadcasts with `shape` as [channels or 1][1]."""
    if values.size == 1:
        return values.astype(np.float32).reshape(1, 1)
    extents = (1,) * (len(shape) - values.ndim) + values.shape
    if len(extents) != len(shape) or extents[axis] not in (1, shape[axis]):
        raise ValueError(f"a constant of shape {values.shape} does not fit values {shape}")
    elsewhere = extents[:axis] + extents[axis + 1 :]
    if any(extent != 1 for extent in elsewhere):
        raise ValueError(
            f"its constant {values.shape} differs along other axes than the channels' (axis {axis})"
        )
    return values.astype(np.float32).reshape(-1, 1)


def _batch_normalization(op: Op, axis: int, constant: ConstantOf) -> Step:
    if axis != 1:
        raise ChainError(op, f"its channels are axis 1, those of the sums axis {axis}")
    read = [constant(name) for name in op.inputs[1:]]
    parameters = [values.reshape(-1, 1) for values in read if values is not None]
    if len(parameters) != 4:
        raise ChainError(op, "scale, bias, mean and variance must be constants")
    scale, bias, mean, variance = parameters
    with np.errstate(all="ignore"):
        deviation = np.sqrt(variance + np.float32(op.number("epsilon")))
        factor = scale * (np.float32(1) / deviation)
        offset = bias - mean * factor
    if not (np.isfinite(factor).all() and np.isfinite(offset).all()):
        raise ChainError(op, "its variance + epsilon must be above 0")
    return Step(op, lambda x, a, b: x * a + b, (factor, offset), factor)
