"""TFLite operators that move values and change none."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .tflite_build import Builder
from .tflite_objects import FileOp, FileTensor
from .tflite_ops_common import Converter, axis_of, no_activation, same_quantisation
from .tflite_ops_elementwise import without
from .tflite_values import CHANNELS_FIRST, RefusalError, Shape, file_order, permuted

_MASKS = ("BeginMask", "EndMask", "EllipsisMask", "NewAxisMask", "ShrinkAxisMask")


def reshape(build: Builder, op: FileOp) -> None:
    """The new extents are a constant or an option; one of them may be -1, the rest."""
    target = build.maybe(op, 1)
    given = op.integers("NewShape")
    if target is not None:
        given = build.integers(target, "the new shape")
    known = [extent for extent in given if extent != -1]
    elements = math.prod(build.tensor(op, 0).shape)
    rest = elements // max(1, math.prod(known))
    _reshaped(build, op, [rest if extent == -1 else extent for extent in given])


def squeeze(build: Builder, op: FileOp) -> None:
    """Removes the axes listed, or all of extent 1."""
    shape, listed = build.tensor(op, 0).shape, op.integers("SqueezeDims")
    gone = {axis_of(axis, len(shape)) for axis in listed}
    gone = gone or {axis for axis, extent in enumerate(shape) if extent == 1}
    if any(shape[axis] != 1 for axis in gone):
        raise RefusalError(f"axes {sorted(gone)} of {shape} are not all of extent 1")
    _reshaped(build, op, [extent for axis, extent in enumerate(shape) if axis not in gone])


def expand_dims(build: Builder, op: FileOp) -> None:
    shape = build.tensor(op, 0).shape
    given = build.integers(build.tensor(op, 1), "the axis")
    if len(given) != 1:
        raise RefusalError("the axis must be one number")
    axis = axis_of(given[0], len(shape) + 1)
    _reshaped(build, op, [*shape[:axis], 1, *shape[axis:]])


def _reshaped(build: Builder, op: FileOp, extents: Sequence[int]) -> None:
    """`extents` are the result's in the file, whose batch may not be the one asked for."""
    tensor, result = build.tensor(op, 0), build.result(op)
    same_quantisation(tensor, result)
    if tuple(extents) != result.shape:
        rule = f"{result.place} has shape {result.shape}, the operator makes {tuple(extents)}"
        raise RefusalError(rule, "the file contradicts itself: convert it again")
    shape, wanted = build.shape(tensor), build.expected(result)
    if math.prod(tensor.shape) != math.prod(result.shape):
        raise RefusalError(f"{tensor.shape} does not have as many elements as {result.shape}")
    if math.prod(shape) != math.prod(wanted):
        rule = f"a batch of {build.batch} does not fit the reshape to {result.shape}"
        raise RefusalError(rule, "import with a batch of 1")
    value = build.emit(op, "reshape", [_in_order(build, tensor)], shape=wanted)
    build.finish(op, value, file_order(len(wanted)))


def _in_order(build: Builder, tensor: FileTensor) -> str:
    """A float tensor whose elements lie in the file's order: any form that moves only ones."""
    shape, perm = build.shape(tensor), build.order(tensor)
    wide = [axis for axis in perm if shape[axis] > 1]
    return build.value(tensor, perm if wide == sorted(wide) else file_order(len(shape)))


def transpose(build: Builder, op: FileOp) -> None:
    """Another order of the axes, which the forms of the tensor have already."""
    tensor, result = build.tensor(op, 0), build.result(op)
    same_quantisation(tensor, result)
    order = build.integers(build.tensor(op, 1), "the order of the axes")
    rank = len(build.shape(tensor))
    if sorted(order) != list(range(rank)):
        raise RefusalError(f"{order} is not an order of {rank} axes")
    build.form(tensor, build.order(tensor))
    known = build.forms[tensor.index]
    build.alias(op, {tuple(order.index(axis) for axis in perm): n for perm, n in known.items()})


def concatenation(build: Builder, op: FileOp) -> None:
    no_activation(op)
    parts = [build.tensor(op, position) for position in range(len(op.inputs))]
    if not parts:
        raise RefusalError("has no input")
    for part in parts:
        same_quantisation(part, build.result(op))
    perm = next((build.order(part) for part in parts if part.data is None), None)
    perm = build.order(parts[0]) if perm is None else perm
    if any(len(build.shape(part)) != len(perm) for part in parts):
        raise RefusalError("all parts must have as many axes")
    axis = perm.index(axis_of(op.integer("Axis"), len(perm)))
    values = [build.value(part, perm) for part in parts]
    build.finish(op, build.emit(op, "concat", values, {"axis": axis}), perm)


def pad(build: Builder, op: FileOp) -> None:
    """Zeros around, which are zero points in integers."""
    tensor = build.tensor(op, 0)
    same_quantisation(tensor, build.result(op))
    rank, perm = len(build.shape(tensor)), build.order(tensor)
    pads = build.integers(build.tensor(op, 1), "the padding")
    if len(pads) != 2 * rank:
        raise RefusalError(f"the padding must have two entries for each of {rank} axes")
    both = (*permuted(pads[::2], perm), *permuted(pads[1::2], perm))
    attributes = {"pads": both, "mode": "constant", "value": 0.0}
    build.finish(op, build.emit(op, "pad", [build.value(tensor, perm)], attributes), perm)


def cut(build: Builder, op: FileOp) -> None:
    """SLICE: begins and sizes; size -1 reaches to the end."""
    tensor = build.tensor(op, 0)
    shape = build.shape(tensor)
    begins = build.integers(build.tensor(op, 1), "begin")
    sizes = build.integers(build.tensor(op, 2), "size")
    if len(begins) != len(shape) or len(sizes) != len(shape):
        raise RefusalError(f"begin and size must have an entry for each of {len(shape)} axes")
    stops = [
        extent if size == -1 else begin + size
        for extent, begin, size in zip(tensor.shape, begins, sizes, strict=True)
    ]
    stops = _batched(build, tensor, begins, stops)
    _slice(build, op, tensor, 0, (begins, stops, (1,) * len(shape)))


def _batched(
    build: Builder, tensor: FileTensor, begins: Sequence[int], stops: Sequence[int]
) -> list[int]:
    """A slice that takes the whole batch of the file takes the whole batch asked for."""
    changed = list(stops)
    if tensor.shape and build.shape(tensor)[0] != tensor.shape[0]:
        if begins[0] != 0 or stops[0] != tensor.shape[0]:
            raise RefusalError("cuts the batch", "import with the file's batch")
        changed[0] = build.shape(tensor)[0]
    return changed


def _slice(
    build: Builder,
    op: FileOp,
    tensor: FileTensor,
    position: int,
    bounds: tuple[Sequence[int], Sequence[int], Sequence[int]],
    shrunk: Sequence[int] = (),
) -> None:
    """`bounds`: starts, stops and steps in the file's order; `shrunk` axes are removed after."""
    same_quantisation(tensor, build.result(op, position))
    perm = build.order(tensor)
    starts, stops, steps = (permuted(values, perm) for values in bounds)
    attributes = {"starts": starts, "stops": stops, "steps": steps}
    value = build.emit(op, "slice", [build.value(tensor, perm)], attributes)
    if shrunk:
        cut_shape = build.tensors[value].shape
        left: Shape = tuple(
            extent for axis, extent in zip(perm, cut_shape, strict=True) if axis not in shrunk
        )
        value = build.emit(op, "reshape", [value], shape=left)
        perm = without(perm, list(shrunk))
    build.finish(op, value, perm, position)


def strided_slice(build: Builder, op: FileOp) -> None:
    """NumPy's slices, with bits of masks that leave out a bound or keep one index of an axis."""
    tensor = build.tensor(op, 0)
    shape = build.shape(tensor)
    begin, end, ellipsis, new_axis, shrink = (op.integer(name) for name in _MASKS)
    if ellipsis or new_axis or op.integer("Offset"):
        raise RefusalError("ellipsis, new axes and offsets are not supported")
    names = ("begin", "end", "strides")
    lists = [build.integers(build.tensor(op, n + 1), name) for n, name in enumerate(names)]
    if len({len(values) for values in lists}) != 1 or len(lists[0]) > len(shape):
        raise RefusalError(f"begin, end and strides do not fit {len(shape)} axes")
    starts, stops, steps, shrunk = [], [], [], []
    for axis, extent in enumerate(shape):
        if axis >= len(lists[0]):
            bounds = (0, extent, 1)
        elif shrink >> axis & 1:
            bounds = _one_index(lists[0][axis], extent)
            shrunk.append(axis)
        else:
            first = None if begin >> axis & 1 else lists[0][axis]
            is_whole = axis == 0 and lists[1][axis] == tensor.shape[0]
            last = None if end >> axis & 1 or is_whole else lists[1][axis]
            if lists[2][axis] == 0:
                raise RefusalError(f"the stride of axis {axis} is 0")
            bounds = slice(first, last, lists[2][axis]).indices(extent)
        starts.append(bounds[0])
        stops.append(bounds[1])
        steps.append(bounds[2])
    _slice(build, op, tensor, 0, (starts, stops, steps), shrunk)


def _one_index(index: int, extent: int) -> tuple[int, int, int]:
    if not -extent <= index < extent:
        raise RefusalError(f"index {index} is not in an axis of {extent}")
    return index % extent, index % extent + 1, 1


def split(build: Builder, op: FileOp) -> None:
    """Inputs: axis, activation. Equal parts."""
    tensor = build.tensor(op, 1)
    shape = build.shape(tensor)
    given = build.integers(build.tensor(op, 0), "the axis")
    if len(given) != 1:
        raise RefusalError("the axis must be one number")
    axis, parts = axis_of(given[0], len(shape)), len(op.outputs)
    if not parts or shape[axis] % parts:
        raise RefusalError(f"axis {axis} of {shape} does not split in {parts} equal parts")
    size = shape[axis] // parts
    for part in range(parts):
        starts = [part * size if a == axis else 0 for a in range(len(shape))]
        stops = [(part + 1) * size if a == axis else e for a, e in enumerate(shape)]
        _slice(build, op, tensor, part, (starts, stops, (1,) * len(shape)))


def resize_nearest_neighbor(build: Builder, op: FileOp) -> None:
    tensor = build.tensor(op, 0)
    same_quantisation(tensor, build.result(op))
    shape = build.shape(tensor)
    sizes = build.integers(build.tensor(op, 1), "the size")
    if len(shape) != 4 or sizes != build.result(op).shape[1:3]:
        rule = f"an image and its new rows and columns are needed, got {shape} and {sizes}"
        raise RefusalError(rule)
    operands = [build.value(tensor, CHANNELS_FIRST)]
    for name, extent, size in zip(("rows", "columns"), shape[1:3], sizes, strict=True):
        vector = nearest(extent, size, op.integer("AlignCorners"), op.integer("HalfPixelCenters"))
        operands.append(build.add_vector(f"resize_{op.index}_{name}", vector))
    value = build.emit(op, "resize", operands, {"axes": (2, 3)})
    build.finish(op, value, CHANNELS_FIRST)


def nearest(extent: int, size: int, aligns: int, halves: int) -> NDArray[np.int64]:
    """The index that each position of `size` takes from `extent`; float32 as in TFLite's kernel
    (`GetNearestNeighbor` of resize_nearest_neighbor.h)."""
    is_aligned = bool(aligns) and size > 1
    ratio = (extent - 1, size - 1) if is_aligned else (extent, size)
    scale = np.float32(ratio[0]) / np.float32(ratio[1])
    half = np.float32(0.5 if halves else 0.0)
    at = (np.arange(size, dtype=np.float32) + half) * scale
    whole = np.floor(at + np.float32(0.5)) if aligns else np.floor(at)
    indices: NDArray[np.int64] = np.clip(whole, 0, extent - 1).astype(np.int64)
    return indices


CONVERTERS: dict[str, Converter] = {
    "RESHAPE": reshape,
    "SQUEEZE": squeeze,
    "EXPAND_DIMS": expand_dims,
    "TRANSPOSE": transpose,
    "CONCATENATION": concatenation,
    "PAD": pad,
    "SLICE": cut,
    "STRIDED_SLICE": strided_slice,
    "SPLIT": split,
    "RESIZE_NEAREST_NEIGHBOR": resize_nearest_neighbor,
}
