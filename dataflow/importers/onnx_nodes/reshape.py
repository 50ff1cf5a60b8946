"""Reshape, Flatten, Squeeze, Unsqueeze, Transpose; nodes that change nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ...number_formats import FLOAT
from ...shapes import Shape
from .arrays import type_name
from .axes import axis_from_front, from_front
from .node import Node, Refused
from .qoperator import plain_sums
from .registry import converter

if TYPE_CHECKING:
    from ..onnx_builder import Builder


@converter("Reshape")
def reshape(build: Builder, node: Node) -> None:
    """-1 is what is left over; 0 takes the extent that was there (with `allowzero` it is 0)."""
    source = node.input(0)
    shape = build.shape(source)
    wanted = list(build.integers(node.input(1, "the shape"), "the shape"))
    if not node.integer("allowzero", 0):
        for axis, extent in enumerate(wanted):
            if extent == 0 and axis >= len(shape):
                raise Refused(f"extent 0 at axis {axis} has nothing to copy from {shape}")
            wanted[axis] = shape[axis] if extent == 0 else extent
    if wanted.count(-1) > 1 or min(wanted, default=1) < -1 or 0 in wanted:
        raise Refused(f"the shape {tuple(wanted)} must have extents of 1 or more, or one -1")
    known = math.prod(extent for extent in wanted if extent != -1)
    if math.prod(shape) % known or (-1 not in wanted and math.prod(shape) != known):
        raise Refused(
            f"{shape} does not have as many elements as {tuple(wanted)}",
            help="is the batch fixed inside the model? export with a free first extent",
        )
    made = tuple(math.prod(shape) // known if extent == -1 else extent for extent in wanted)
    to_shape(build, source, node.output, made)


@converter("Flatten")
def flatten(build: Builder, node: Node) -> None:
    """Two axes: those before `axis`, and the others."""
    source = node.input(0)
    shape, axis = build.shape(source), node.integer("axis", 1)
    if axis != len(shape):
        axis = axis_from_front(axis, len(shape))
    to_shape(build, source, node.output, (math.prod(shape[:axis]), math.prod(shape[axis:])))


@converter("Squeeze")
def squeeze(build: Builder, node: Node) -> None:
    """Axes of extent 1 go; without a list all of them."""
    source = node.input(0)
    shape, listed = build.shape(source), _axes(build, node)
    if listed is None:
        axes = tuple(axis for axis, extent in enumerate(shape) if extent == 1)
    else:
        axes = from_front(listed, len(shape))
    wide = [axis for axis in axes if shape[axis] != 1]
    if wide:
        raise Refused(f"axis {wide[0]} of {shape} is not 1")
    kept = tuple(extent for axis, extent in enumerate(shape) if axis not in axes)
    to_shape(build, source, node.output, kept)


@converter("Unsqueeze")
def unsqueeze(build: Builder, node: Node) -> None:
    """Axes of extent 1 are put at these places of the result."""
    source = node.input(0)
    shape, listed = build.shape(source), _axes(build, node)
    if listed is None:
        raise Refused("needs the axes")
    rank = len(shape) + len(listed)
    axes, extents = from_front(listed, rank), iter(shape)
    made = tuple(1 if axis in axes else next(extents) for axis in range(rank))
    to_shape(build, source, node.output, made)


@converter("Transpose")
def transpose(build: Builder, node: Node) -> None:
    source = node.input(0)
    rank = len(build.shape(source))
    perm = node.integers("perm", tuple(reversed(range(rank))))
    if sorted(perm) != list(range(rank)):
        raise Refused(f"perm {perm} is not an order of {rank} axes")
    if perm == tuple(range(rank)):
        build.alias(node.output, source)
    else:
        build.move("transpose", [source], node.output, perm=perm)


@converter("Identity")
def same(build: Builder, node: Node) -> None:
    build.alias(node.output, node.input(0))


@converter("Dropout")
def dropout(build: Builder, node: Node) -> None:
    """Does nothing once a model is trained; the mask that it could make is not supported."""
    if node.has_input(2) and build.needed_constant(node.inputs[2], "training_mode").any():
        raise Refused("training_mode must be false", help="export the model for inference")
    build.alias(node.output, node.input(0))


@converter("Cast")
def cast(build: Builder, node: Node) -> None:
    """To the type that it has; from integers to float32 (`dequantize` of scale 1); or between
    plain integers, such as indices."""
    source, target = node.input(0), type_name(node.integer("to", 0)).lower()
    target = FLOAT if target == "float" else target
    tensor = build.tensor(source)
    if tensor.number_format == target:
        build.alias(node.output, source)
    elif target == FLOAT and (sums := plain_sums(build, source)) is not None:
        build.alias(node.output, sums)
    elif target == FLOAT and not tensor.scale:
        known = build.integers_of(source, (1.0,), (0,), None)
        build.dequantize(known, node.output)
    elif target in ("int32", "int64") and tensor.number_format != FLOAT and not tensor.scale:
        build.alias(node.output, source)
    else:
        raise Refused(
            f"a cast from {tensor.number_format} to {target} is not supported",
            help="export in float32, quantise with QuantizeLinear",
        )


def to_shape(build: Builder, source: str, output: str, shape: Shape) -> None:
    """A `reshape`, or nothing if the shape is that already."""
    if build.shape(source) == shape:
        build.alias(output, source)
    else:
        build.move("reshape", [source], output, shape=shape)


def _axes(build: Builder, node: Node) -> tuple[int, ...] | None:
    """Axes are an attribute before opset 13, an input since."""
    if node.opset < 13:
        return node.integers("axes") if "axes" in node.attributes else None
    return build.integers(node.inputs[1], "the axes") if node.has_input(1) else None


_CONSTANT_FORMS = {
    "value_int": np.int64,
    "value_ints": np.int64,
    "value_float": np.float32,
    "value_floats": np.float32,
}


@converter("Constant")
def constant(build: Builder, node: Node) -> None:
    for name, value in node.attributes.items():
        if name == "value" and isinstance(value, np.ndarray):
            array = value
        elif name in _CONSTANT_FORMS:
            array = np.asarray(value, _CONSTANT_FORMS[name])
        else:
            raise Refused(f"attribute {name} is not supported")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise Refused("a constant must not hold NaN or infinity")
        build.fold(node.output, array)


@converter("Shape")
def shape_of(build: Builder, node: Node) -> None:
    """Extents are known: a constant."""
    shape = np.array(build.shape(node.input(0)), np.int64)
    start, end = node.integer("start", 0), node.integer("end", len(shape))
    build.fold(node.output, shape[start:end])


@converter("Size")
def size_of(build: Builder, node: Node) -> None:
    build.fold(node.output, np.array(math.prod(build.shape(node.input(0))), np.int64))
