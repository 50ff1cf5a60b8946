"""Extents of results, a rule for each form of op; ValueError where operands do not fit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

Shape: TypeAlias = tuple[int, ...]
AttributeValue: TypeAlias = int | float | str | tuple[int, ...]
Attributes: TypeAlias = Mapping[str, AttributeValue]


MAX_PADDED = 1 << 24
"""Positions along an axis, pads included: what a file claims must not fill the memory."""


def integers(attributes: Attributes, name: str, length: int | None = None) -> tuple[int, ...]:
    """An attribute that lists integers, `length` of them."""
    value = attributes[name]
    if not isinstance(value, tuple) or (length is not None and len(value) != length):
        wanted = "integers" if length is None else f"{length} integers"
        raise ValueError(f"{name} must list {wanted}, got {value!r}")
    return value


def integer(attributes: Attributes, name: str) -> int:
    value = attributes[name]
    if type(value) is not int:
        raise ValueError(f"{name} must be an integer, got {value!r}")
    return value


def axis_of(attributes: Attributes, rank: int, name: str = "axis") -> int:
    """An axis counted from the front."""
    axis = integer(attributes, name)
    if not 0 <= axis < rank:
        raise ValueError(f"{name} {axis} is not one of {rank} axes")
    return axis


def same(operands: Sequence[Shape], attributes: Attributes) -> Shape:
    del attributes
    return operands[0]


def any_of_same_size(operands: Sequence[Shape], attributes: Attributes) -> None:
    """The result's tensor says the extents; `Graph` checks the number of elements."""
    del operands, attributes


def broadcast(operands: Sequence[Shape], attributes: Attributes) -> Shape:
    """NumPy's rule."""
    del attributes
    rank = max(map(len, operands))
    padded = [(1,) * (rank - len(shape)) + shape for shape in operands]
    result = []
    for extents in zip(*padded, strict=True):
        wide = {extent for extent in extents if extent != 1}
        if len(wide) > 1:
            raise ValueError(f"shapes {' and '.join(map(str, operands))} do not broadcast")
        result.append(wide.pop() if wide else 1)
    return tuple(result)


def window_extents(
    spatial: Shape, kernel: Shape, attributes: Attributes, form: str = "window"
) -> Shape:
    """Positions of a window: `floor((extent + pads - dilation (kernel - 1) - 1) / stride) + 1`."""
    rank = len(spatial)
    strides = integers(attributes, "strides", rank)
    pads = integers(attributes, "pads", 2 * rank)
    dilations = integers(attributes, "dilations", rank)
    if min((*strides, *dilations, *kernel)) < 1 or min(pads) < 0:
        raise ValueError("strides, dilations and the kernel must be 1 or more, pads 0 or more")
    result = []
    for axis, extent in enumerate(spatial):
        padded = extent + pads[axis] + pads[rank + axis]
        reach = dilations[axis] * (kernel[axis] - 1) + 1
        if reach > padded:
            raise ValueError(f"a {form} of {reach} does not fit in {padded} (axis {axis})")
        if padded > MAX_PADDED:
            raise ValueError(f"axis {axis} has {padded} positions with pads, at most {MAX_PADDED}")
        result.append((padded - reach) // strides[axis] + 1)
    return tuple(result)


def conv(operands: Sequence[Shape], attributes: Attributes) -> Shape:
    activation, weight, *rest = operands
    groups = integer(attributes, "groups")
    if len(activation) < 3 or len(weight) != len(activation):
        raise ValueError(f"a convolution needs 3 or more axes, got {activation} and {weight}")
    if groups < 1 or activation[1] != weight[1] * groups or weight[0] % groups:
        raise ValueError(
            f"weights {weight} in {groups} groups do not fit {activation[1]} input channels"
        )
    _per_channel(rest, weight[0])
    extents = window_extents(activation[2:], weight[2:], attributes, "kernel")
    return (activation[0], weight[0], *extents)


def conv_transpose(operands: Sequence[Shape], attributes: Attributes) -> Shape:
    """`stride (extent - 1) + dilation (kernel - 1) + 1 + output_padding - pads` per axis."""
    activation, weight, *rest = operands
    groups, rank = integer(attributes, "groups"), len(activation) - 2
    if rank < 1 or len(weight) != len(activation):
        raise ValueError(f"a convolution needs 3 or more axes, got {activation} and {weight}")
    if groups < 1 or activation[1] != weight[0] or weight[0] % groups:
        raise ValueError(f"weights {weight} in {groups} groups do not fit {activation}")
    _per_channel(rest, weight[1] * groups)
    strides = integers(attributes, "strides", rank)
    pads = integers(attributes, "pads", 2 * rank)
    dilations = integers(attributes, "dilations", rank)
    more = integers(attributes, "output_padding", rank)
    extents = []
    for axis in range(rank):
        reach = dilations[axis] * (weight[2 + axis] - 1) + 1
        extent = strides[axis] * (activation[2 + axis] - 1) + reach + more[axis]
        extents.append(extent - pads[axis] - pads[rank + axis])
    if min(extents) < 1:
        raise ValueError("pads leave nothing of the result")
    return (activation[0], weight[1] * groups, *extents)


def matmul(operands: Sequence[Shape], attributes: Attributes) -> Shape:
    """`[..., M, K]` times `[..., K, N]`; axes in front broadcast."""
    left, right, *rest = operands
    if len(left) < 2 or len(right) < 2 or left[-1] != right[-2]:
        raise ValueError(f"{left} times {right} is no matrix product")
    _per_channel(rest, right[-1])
    batch = broadcast([left[:-2], right[:-2]], attributes)
    return (*batch, left[-2], right[-1])


def _per_channel(parameters: Sequence[Shape], channels: int) -> None:
    for shape in parameters:
        if shape != (channels,):
            raise ValueError(f"bias and scale must have {channels} entries, got {shape}")


def pool(operands: Sequence[Shape], attributes: Attributes) -> Shape:
    shape = operands[0]
    kernel = integers(attributes, "kernel", len(shape) - 2)
    return (*shape[:2], *window_extents(shape[2:], kernel, attributes))


def global_pool(operands: Sequence[Shape], attributes: Attributes) -> Shape:
    del attributes
    shape = operands[0]
    if len(shape) < 3:
        raise ValueError(f"needs axes after batch and channels, got {shape}")
    return (*shape[:2], *(1 for _ in shape[2:]))


def reduce(operands: Sequence[Shape], attributes: Attributes) -> Shape:
    shape, axes = operands[0], integers(attributes, "axes")
    if any(not 0 <= axis < len(shape) for axis in axes) or len(set(axes)) != len(axes):
        raise ValueError(f"axes {axes} are not axes of {shape}")
    if integer(attributes, "keeps_axes"):
        return tuple(1 if axis in axes else extent for axis, extent in enumerate(shape))
    return tuple(extent for axis, extent in enumerate(shape) if axis not in axes)


def concat(operands: Sequence[Shape], attributes: Attributes) -> Shape:
    first, axis = operands[0], axis_of(attributes, len(operands[0]))
    rest = {shape[:axis] + shape[axis + 1 :] for shape in operands}
    if len(rest) != 1 or any(len(shape) != len(first) for shape in operands):
        raise ValueError(f"shapes {', '.join(map(str, operands))} differ beside axis {axis}")
    return (*first[:axis], sum(shape[axis] for shape in operands), *first[axis + 1 :])


def cut(operands: Sequence[Shape], attributes: Attributes) -> Shape:
    """A slice `start:stop:step` for each axis; a negative step walks down, stop -1 is the end."""
    shape = operands[0]
    lists = [integers(attributes, name, len(shape)) for name in ("starts", "stops", "steps")]
    for extent, start, stop, step in zip(shape, *lists, strict=True):
        inside = 0 <= start < extent and -1 <= stop <= extent and step != 0
        if not inside or not range(start, stop, step):
            raise ValueError(f"slice {start}:{stop}:{step} takes nothing of {extent}")
    return tuple(len(range(*bounds)) for bounds in zip(*lists, strict=True))


def pad(operands: Sequence[Shape], attributes: Attributes) -> Shape:
    """`pads` lists what is put before each axis, then after each; never negative."""
    shape = operands[0]
    pads = integers(attributes, "pads", 2 * len(shape))
    if min(pads, default=0) < 0:
        raise ValueError(f"pads must be 0 or more, got {pads}")
    return tuple(
        extent + before + after
        for extent, before, after in zip(shape, pads[: len(shape)], pads[len(shape) :], strict=True)
    )


def transpose(operands: Sequence[Shape], attributes: Attributes) -> Shape:
    shape = operands[0]
    perm = integers(attributes, "perm", len(shape))
    if sorted(perm) != list(range(len(shape))):
        raise ValueError(f"perm {perm} is not an order of {len(shape)} axes")
    return tuple(shape[axis] for axis in perm)


def resize(operands: Sequence[Shape], attributes: Attributes) -> Shape:
    """One vector of indices for each of `axes`."""
    shape, *indices = operands
    axes = integers(attributes, "axes", len(indices))
    result = list(shape)
    for axis, vector in zip(axes, indices, strict=True):
        if not 0 <= axis < len(shape) or len(vector) != 1:
            raise ValueError(f"axis {axis} of {shape} cannot take indices of shape {vector}")
        result[axis] = vector[0]
    return tuple(result)


def gather(operands: Sequence[Shape], attributes: Attributes) -> Shape:
    data, indices = operands
    axis = axis_of(attributes, len(data))
    return (*data[:axis], *indices, *data[axis + 1 :])


def elements(shape: Shape) -> int:
    return math.prod(shape)
