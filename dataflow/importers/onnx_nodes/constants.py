"""Constants are transposed and reshaped while reading, under their DequantizeLinear too."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...graph import Tensor
from ...shapes import AttributeValue, Shape

if TYPE_CHECKING:
    from ..onnx_builder import Builder

Attributes = Mapping[str, AttributeValue]


def move_constant(
    build: Builder, kind: str, source: str, output: str, shape: Shape | None, attributes: Attributes
) -> bool:
    """Makes `output` a constant, or the `dequantize` of one, if `source` is that and `kind` is
    `transpose` or `reshape`; says whether it did. Scales of an axis go where the axis goes; if a
    reshape merges or splits it, nothing is done."""
    if kind not in ("transpose", "reshape"):
        return False
    key = (build.real(source), kind, shape, tuple(attributes.items()))
    if key in build.moved:
        build.alias(output, build.moved[key])
        return True
    if not _move(build, kind, source, output, shape, attributes):
        return False
    build.moved[key] = output
    return True


def _move(
    build: Builder, kind: str, source: str, output: str, shape: Shape | None, attributes: Attributes
) -> bool:
    real = build.real(source)
    if real in build.tensors and build.tensors[real].scale:
        return _describe(build, build.tensors[real], output, kind, shape, attributes)
    array = build.constant(source)
    if array is not None:
        build.fold(output, _moved(array, kind, shape, attributes))
        return True
    maker = build.maker(source)
    if maker is None or maker.kind != "dequantize":
        return False
    tensor = build.tensor(maker.inputs[0])
    name = build.fresh(tensor.name, "moved")
    if not _describe(build, tensor, name, kind, shape, attributes):
        return False
    build.dequantize(name, output)
    return True


def _describe(
    build: Builder,
    tensor: Tensor,
    output: str,
    kind: str,
    shape: Shape | None,
    attributes: Attributes,
) -> bool:
    """Makes `output` a constant of moved integers with their scale, if they are constant."""
    if tensor.data is None:
        return False
    data = _moved(tensor.data, kind, shape, attributes)
    axis = _new_axis(tensor, kind, data.shape, attributes)
    if (axis is None) != (tensor.axis is None):
        return False
    build.spend(data.nbytes)
    build.tensors[output] = replace(tensor, name=output, shape=data.shape, data=data, axis=axis)
    return True


def _moved(
    array: NDArray[Any], kind: str, shape: Shape | None, attributes: Attributes
) -> NDArray[Any]:
    if kind == "transpose":
        perm = attributes["perm"]
        assert isinstance(perm, tuple)
        return np.ascontiguousarray(array.transpose(perm))
    assert shape is not None
    return array.reshape(shape)


def _new_axis(tensor: Tensor, kind: str, shape: Shape, attributes: Attributes) -> int | None:
    """Where the axis of the scales is afterwards; None if there is none any more."""
    if tensor.axis is None:
        return None
    if kind == "transpose":
        perm = attributes["perm"]
        assert isinstance(perm, tuple)
        return perm.index(tensor.axis)
    before, extent = math.prod(tensor.shape[: tensor.axis]), tensor.shape[tensor.axis]
    for axis, found in enumerate(shape):
        if found == extent and math.prod(shape[:axis]) == before:
            return axis
    return None
