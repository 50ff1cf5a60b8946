"""Softmax, LayerNormalization, BatchNormalization."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .axes import axis_from_front
from .node import Node, Refused
from .registry import converter

if TYPE_CHECKING:
    from ..onnx_builder import Builder


@converter("Softmax")
def softmax(build: Builder, node: Node) -> None:
    """Along one axis; before opset 13 along all axes from `axis` (default 1) on, as one."""
    source = node.input(0)
    shape = build.shape(source)
    rank = len(shape)
    if node.opset >= 13:
        axis = axis_from_front(node.integer("axis", -1), rank)
        build.op("softmax", [source], node.output, axis=axis)
        return
    axis = node.integer("axis", 1)
    if axis != rank:
        axis = axis_from_front(axis, rank)
    if axis < rank and math.prod(shape[axis + 1 :]) == 1:
        build.op("softmax", [source], node.output, axis=axis)
        return
    flat = (math.prod(shape[:axis]), math.prod(shape[axis:]))
    rows = build.move("reshape", [source], build.fresh(node.output, "rows"), shape=flat)
    made = build.op("softmax", [rows], build.fresh(node.output, "softmax"), axis=1)
    build.move("reshape", [made], node.output, shape=shape)


@converter("LayerNormalization")
def layer_normalization(build: Builder, node: Node) -> None:
    """Over all axes from `axis` on; scale and bias have (or broadcast to) their extents. Mean and
    one over the standard deviation are made if they have names."""
    source = node.input(0)
    shape = build.shape(source)
    axis = axis_from_front(node.integer("axis", -1), len(shape))
    node.only("stash_type", 1)
    epsilon = _epsilon(node)
    operands = [source, node.input(1, "the scale")]
    if node.has_input(2):
        operands.append(node.inputs[2])
    for name in operands[1:]:
        extents = build.shape(name)
        wanted = shape[len(shape) - len(extents) :] if extents else ()
        fits = zip(extents, wanted, strict=False)
        if len(extents) > len(shape) - axis or any(a not in (1, b) for a, b in fits):
            raise Refused(f"scale and bias must have shape {shape[axis:]}, got {extents}")
    build.op("layer_normalization", operands, node.output, axis=axis, epsilon=epsilon)
    if any(node.outputs[1:]):
        _statistics(build, node, tuple(range(axis, len(shape))), epsilon)


def _statistics(build: Builder, node: Node, axes: tuple[int, ...], epsilon: float) -> None:
    """`mean(x)` and `(mean((x - mean(x)) ** 2) + epsilon) ** -0.5`."""
    source, (_, mean, inverse, *_) = node.inputs[0], (*node.outputs, "", "")
    mean = mean or build.fresh(node.output, "mean")
    build.op("reduce_mean", [source], mean, axes=axes, keeps_axes=1)
    if not inverse:
        return
    names = [build.fresh(node.output, hint) for hint in ("centred", "squares", "variance", "sum")]
    numbers = [build.numbers(node.output, "number", value) for value in (2.0, epsilon, -0.5)]
    build.op("sub", [source, mean], names[0])
    build.op("pow", [names[0], numbers[0]], names[1])
    build.op("reduce_mean", [names[1]], names[2], axes=axes, keeps_axes=1)
    build.op("add", [names[2], numbers[1]], names[3])
    build.op("pow", [names[3], numbers[2]], inverse)


@converter("BatchNormalization")
def batch_normalization(build: Builder, node: Node) -> None:
    """With mean and variance as they were trained, each of one number per channel (axis 1)."""
    if node.integer("training_mode", 0):
        raise Refused("training_mode must be 0", help="export the model for inference")
    node.only("spatial", 1)
    shape, output = build.shape(node.input(0)), node.sole_output()
    if len(shape) < 2:
        raise Refused(f"needs a batch and channels, got {shape}")
    operands = [node.input(index) for index in range(5)]
    for name in operands[1:]:
        if build.shape(name) != (shape[1],):
            raise Refused(f"`{name}` must have {shape[1]} entries, got {build.shape(name)}")
    variance = build.constant(operands[4])
    if variance is not None and (variance < 0).any():
        raise Refused("the variance must not be negative")
    build.op("batch_normalization", operands, output, epsilon=_epsilon(node))


def _epsilon(node: Node) -> float:
    epsilon = node.number("epsilon", 1e-5)
    if epsilon < 0:
        raise Refused(f"epsilon must not be negative, got {epsilon}")
    return epsilon
