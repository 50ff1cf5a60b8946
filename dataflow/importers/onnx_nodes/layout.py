"""Concat, Split, Slice, Pad, Gather: what moves values and keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...shapes import Shape
from .axes import axis_from_front
from .node import Node, Refused
from .registry import converter

if TYPE_CHECKING:
    from ..onnx_builder import Builder

PAD_MODES = ("constant", "edge", "reflect", "wrap")


@converter("Concat")
def concat(build: Builder, node: Node) -> None:
    """Parts without elements are left out."""
    names = [node.input(index) for index in range(len(node.inputs))]
    parts = [name for name in names if 0 not in build.shape(name)]
    if not parts:
        raise Refused("needs a part that has elements")
    axis = axis_from_front(node.integer("axis", 1), len(build.shape(parts[0])))
    if len(parts) == 1:
        build.alias(node.output, parts[0])
    else:
        build.move("concat", parts, node.output, axis=axis)


@converter("Split")
def split(build: Builder, node: Node) -> None:
    """A `slice` for each output. Extents are an attribute before opset 13, an input since; without
    them parts are equal (the last may be smaller since opset 18)."""
    source = node.input(0)
    shape = build.shape(source)
    axis = axis_from_front(node.integer("axis", 0), len(shape))
    sizes = node.integers("split", ()) if node.opset < 13 else ()
    if node.opset >= 13 and node.has_input(1):
        sizes = build.integers(node.inputs[1], "the extents of the parts")
    sizes = sizes or _equal_parts(node, shape[axis])
    if len(sizes) != len(node.outputs) or sum(sizes) != shape[axis] or min(sizes) < 0:
        raise Refused(
            f"parts {sizes} must be {len(node.outputs)} of 0 or more and {shape[axis]} in all"
        )
    start = 0
    for name, size in zip(node.outputs, sizes, strict=True):
        if name and not size:
            nothing = (*shape[:axis], 0, *shape[axis + 1 :])
            build.fold(name, np.zeros(nothing, np.float32))
        elif name:
            bounds = [(0, extent, 1) for extent in shape]
            bounds[axis] = (start, start + size, 1)
            cut(build, source, name, bounds)
        start += size


def _equal_parts(node: Node, extent: int) -> tuple[int, ...]:
    count = node.integer("num_outputs", len(node.outputs))
    if not 1 <= count <= extent or (node.opset < 18 and extent % count):
        raise Refused(f"{extent} cannot be split in {count} equal parts")
    size = -(-extent // count)
    return (*(size,) * (count - 1), extent - size * (count - 1))


@converter("Slice")
def slice_(build: Builder, node: Node) -> None:
    """Bounds are attributes before opset 10, inputs since; they saturate at the extent."""
    source = node.input(0)
    shape = build.shape(source)
    if node.opset < 10:
        starts, ends = node.integers("starts"), node.integers("ends")
        axes: tuple[int, ...] | None = node.integers("axes", tuple(range(len(starts))))
        steps: tuple[int, ...] | None = None
    else:
        starts = build.integers(node.input(1, "starts"), "starts")
        ends = build.integers(node.input(2, "ends"), "ends")
        axes = build.integers(node.inputs[3], "axes") if node.has_input(3) else None
        steps = build.integers(node.inputs[4], "steps") if node.has_input(4) else None
    axes = tuple(range(len(starts))) if axes is None else axes
    steps = (1,) * len(starts) if steps is None else steps
    if not len(starts) == len(ends) == len(axes) == len(steps):
        raise Refused(f"starts {starts}, ends {ends}, axes {axes}, steps {steps} differ in length")
    bounds = [(0, extent, 1) for extent in shape]
    named = [axis_from_front(axis, len(shape), "axes") for axis in axes]
    if len(set(named)) != len(named):
        raise Refused(f"axes {axes} name an axis twice")
    for axis, start, end, step in zip(named, starts, ends, steps, strict=True):
        if step == 0:
            raise Refused("a step must not be 0")
        bounds[axis] = slice(start, end, step).indices(shape[axis])
    cut(build, source, node.output, bounds)


def cut(build: Builder, source: str, output: str, bounds: list[tuple[int, int, int]]) -> None:
    """A `slice` of start, stop and step for each axis, or nothing if that takes all."""
    shape = build.shape(source)
    for axis, bound in enumerate(bounds):
        if not range(*bound):
            raise Refused(f"takes nothing of axis {axis} of {shape}")
    if all(bound == (0, extent, 1) for bound, extent in zip(bounds, shape, strict=True)):
        build.alias(output, source)
        return
    starts, stops, steps = zip(*bounds, strict=True)
    build.move("slice", [source], output, starts=starts, stops=stops, steps=steps)


@converter("Pad")
def pad(build: Builder, node: Node) -> None:
    """Pads are an attribute before opset 11, an input since; negative ones cut."""
    source, mode = node.input(0), node.text("mode", "constant")
    shape = build.shape(source)
    if mode not in PAD_MODES:
        raise Refused(f"mode must be {', '.join(PAD_MODES)}, got {mode}")
    pads = _pads(build, node, len(shape))
    value = _pad_value(build, node, source) if mode == "constant" else 0.0
    if min(pads, default=0) < 0:
        bounds = [
            (max(-before, 0), extent + min(after, 0), 1)
            for extent, before, after in zip(
                shape, pads[: len(shape)], pads[len(shape) :], strict=True
            )
        ]
        name = build.fresh(node.output, "cut")
        cut(build, source, name, bounds)
        source, pads = name, [max(pad, 0) for pad in pads]
    _check_mode(mode, build.shape(source), pads)
    if not any(pads):
        build.alias(node.output, source)
    else:
        build.move("pad", [source], node.output, pads=tuple(pads), mode=mode, value=value)


def _pads(build: Builder, node: Node, rank: int) -> list[int]:
    """What is put before each axis, then after each."""
    if node.opset < 11:
        listed = node.integers("pads")
    else:
        listed = build.integers(node.input(1, "the pads"), "the pads")
    axes = tuple(range(rank))
    if node.opset >= 18 and node.has_input(3):
        named = build.integers(node.inputs[3], "the axes")
        axes = tuple(axis_from_front(axis, rank, "axes") for axis in named)
    if len(listed) != 2 * len(axes) or len(set(axes)) != len(axes):
        raise Refused(f"pads {listed} must be two for each of the axes {axes}")
    pads = [0] * (2 * rank)
    for place, axis in enumerate(axes):
        pads[axis] = listed[place]
        pads[rank + axis] = listed[len(axes) + place]
    return pads


def _pad_value(build: Builder, node: Node, source: str) -> float:
    """The value as a float; for quantised integers what it stands for."""
    if node.opset < 11:
        return node.number("value", 0.0)
    value = build.number(node.inputs[2], "the value") if node.has_input(2) else 0.0
    tensor = build.tensor(source)
    if tensor.scale and tensor.axis is None:
        return (value - tensor.zero_point[0]) * tensor.scale[0]
    return value


def _check_mode(mode: str, shape: Shape, pads: list[int]) -> None:
    for axis, extent in enumerate(shape):
        most = {"reflect": extent - 1, "wrap": extent}.get(mode)
        if most is not None and max(pads[axis], pads[len(shape) + axis]) > most:
            raise Refused(f"{mode} can add at most {most} to axis {axis} of {shape}")


@converter("Gather")
def gather(build: Builder, node: Node) -> None:
    """Constant indices may be negative; others are integers of the model (their range is checked
    when it runs)."""
    source, name = node.input(0), node.input(1, "the indices")
    shape = build.shape(source)
    axis = axis_from_front(node.integer("axis", 0), len(shape))
    indices = build.constant(name)
    if indices is None:
        found = build.tensor(name)
        if found.scale or not found.number_format.startswith(("int", "uint")):
            raise Refused(f"indices must be plain integers, got {found.number_format}")
    else:
        extent = shape[axis]
        if indices.dtype.kind not in "iu":
            raise Refused(f"indices must be integers, got {indices.dtype}")
        if not indices.size or indices.min() < -extent or indices.max() >= extent:
            raise Refused(f"indices must be {-extent} to {extent - 1}")
        counted = np.where(indices < 0, indices + extent, indices).astype(np.int64)
        name = build.fold(build.fresh(node.output, "indices"), counted)
    build.move("gather", [source], node.output, indices=[name], axis=axis)
