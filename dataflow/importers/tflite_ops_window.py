"""TFLite operators with a window: convolutions and pools. NHWC in the file, NCHW in the graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .tflite_build import LITERT, Builder
from .tflite_objects import FileOp, FileTensor
from .tflite_ops_common import (
    SAME,
    Converter,
    activated,
    all_quantised,
    limited,
    same_quantisation,
)
from .tflite_values import CHANNELS_FIRST, RefusalError

MOST_RATIO = 256.0  # LiteRT has no kernel for more
_BIAS_SCALE_TOLERANCE = 0.02  # of an output step, as LiteRT's own check
_SIZES = (("StrideH", "StrideW"), ("DilationHFactor", "DilationWFactor"))


def conv_2d(build: Builder, op: FileOp) -> None:
    activation, weight = build.tensor(op, 0), build.tensor(op, 1)
    data = _image_weights(build, weight)
    groups, rest = divmod(_image(build, activation)[3], data.shape[3])
    if rest or groups < 1:
        raise RefusalError(f"weights {data.shape} do not fit {activation.place}")
    _convolution(build, op, data.transpose(0, 3, 1, 2), groups, axis=0, bias=2)


def depthwise_conv_2d(build: Builder, op: FileOp) -> None:
    activation, weight = build.tensor(op, 0), build.tensor(op, 1)
    data = _image_weights(build, weight)
    channels = _image(build, activation)[3]
    if data.shape[0] != 1 or data.shape[3] % channels:
        raise RefusalError(f"weights {data.shape} do not fit {activation.place}")
    _convolution(build, op, data.transpose(3, 0, 1, 2), channels, axis=3, bias=2)


def _convolution(
    build: Builder, op: FileOp, data: NDArray[Any], groups: int, axis: int, bias: int
) -> None:
    """`data` [K][C/groups][FY][FX]; `axis` is that of the output channels in the file."""
    activation, weight = build.tensor(op, 0), build.tensor(op, 1)
    all_quantised(activation, weight, build.result(op))
    extents = _image(build, activation)[1:3]
    attributes = _window(op, extents, (data.shape[2], data.shape[3])) | {"groups": groups}
    operands = [
        build.value(activation, CHANNELS_FIRST),
        weights(build, op, activation, data, axis, kept=0),
        *biases(build, op, bias, activation, data.shape[0]),
    ]
    value = activated(build, op, build.emit(op, "conv", operands, attributes))
    build.finish(op, value, CHANNELS_FIRST)


def transpose_conv(build: Builder, op: FileOp) -> None:
    """Inputs: extents of the result, weights [K][FY][FX][C], activation, bias."""
    activation, weight, result = build.tensor(op, 2), build.tensor(op, 1), build.result(op)
    all_quantised(activation, weight, result)
    data = _image_weights(build, weight).transpose(3, 0, 1, 2)
    sizes = build.integers(build.tensor(op, 0), "the shape of the result")
    if len(sizes) != 4:
        raise RefusalError(f"the shape of the result must have 4 extents, got {sizes}")
    strides = _pair(op, _SIZES[0])
    if op.integer("Padding") == SAME and any(map(int.__lt__, data.shape[2:], strides)):
        rule = f"strides {strides} are larger than the kernel {data.shape[2:]}, with padding SAME"
        raise RefusalError(rule, "LiteRT computes this by a kernel that is not defined yet")
    begins, ends, more = [], [], []
    for axis, extent in enumerate(_image(build, activation)[1:3]):
        kernel, wanted = data.shape[2 + axis], sizes[1 + axis]
        whole = strides[axis] * (extent - 1) + kernel
        pads = max(whole - wanted, 0) if op.integer("Padding") == SAME else 0
        begins.append(pads // 2)
        ends.append(pads - pads // 2)
        more.append(wanted - whole + pads)
    if not all(0 <= rest < stride for rest, stride in zip(more, strides, strict=True)):
        raise RefusalError(f"a result of {sizes} is not what the window makes")
    attributes = {
        "strides": strides,
        "pads": (*begins, *ends),
        "dilations": (1, 1),
        "groups": 1,
        "output_padding": tuple(more),
    }
    operands = [
        build.value(activation, CHANNELS_FIRST),
        weights(build, op, activation, data, axis=0, kept=1),
        *biases(build, op, 3, activation, data.shape[1]),
    ]
    value = activated(build, op, build.emit(op, "conv_transpose", operands, attributes))
    build.finish(op, value, CHANNELS_FIRST)


def weights(
    build: Builder, op: FileOp, activation: FileTensor, data: NDArray[Any], axis: int, kept: int
) -> str:
    """The float tensor of int8 weights, input 1, in the graph's order of axes as `data`.

    Scales along `axis` of the file lie along the axis `kept` of `data`.
    """
    weight = build.tensor(op, 1)
    if any(weight.zero_point):
        rule = f"{weight.place} must have zero point 0"
        raise RefusalError(rule, "convert again: TFLite's rules ask for it")
    if len(weight.scale) > 1 and weight.axis != axis:
        rule = f"{weight.place} must have its scales along axis {axis}, not {weight.axis}"
        raise RefusalError(rule, "scales belong to output channels")
    with np.errstate(over="ignore", under="ignore"):
        ratios = _units(activation, weight) / np.float32(build.result(op).scale[0])
    limited(ratios.max(), 0.0, MOST_RATIO, "input scale x weight scale / result scale")
    return build.add_constant(weight, np.ascontiguousarray(data), weight.scale, kept)


def _units(activation: FileTensor, weight: FileTensor) -> NDArray[np.float32]:
    """What 1 of each channel's accumulators stands for, in float32."""
    with np.errstate(under="ignore", over="ignore"):
        return np.float32(activation.scale[0]) * np.array(weight.scale, np.float32)


def biases(
    build: Builder,
    op: FileOp,
    position: int,
    activation: FileTensor,
    channels: int,
) -> list[str]:
    """The float tensor of the int32 bias, in units of the products; none if there is no bias."""
    bias = build.maybe(op, position)
    if bias is None:
        return []
    data = build.constant(bias, "the bias")
    if data.dtype != np.int32 or data.size != channels:
        raise RefusalError(f"{bias.place} must be int32 with {channels} entries")
    unit = _units(activation, build.tensor(op, 1))
    if bias.scale:
        _check_unit(bias, unit, np.float32(build.result(op).scale[0]))
    scale = [float(value) for value in unit]
    return [build.add_constant(bias, data.reshape(-1), scale, 0)]


def _check_unit(bias: FileTensor, unit: NDArray[np.float32], step: np.float32) -> None:
    """A bias is added to the products: its scale in the file says nothing else."""
    given = np.array(bias.scale, np.float64)
    if given.size not in (1, unit.size):
        raise RefusalError(f"{bias.place} has {given.size} scales, the weights {unit.size}")
    if (np.abs(given - unit) > _BIAS_SCALE_TOLERANCE * float(step)).any():
        rule = f"{bias.place} must have the scale input scale x weight scale"
        raise RefusalError(rule, "the file contradicts itself: convert it again")


def average_pool_2d(build: Builder, op: FileOp) -> None:
    """Padding does not count."""
    activation = build.tensor(op, 0)
    all_quantised(activation)
    more = {"counts_padding": 0, "arithmetic": LITERT}
    _pool(build, op, "average_pool", activation, more)


def max_pool_2d(build: Builder, op: FileOp) -> None:
    _pool(build, op, "max_pool", build.tensor(op, 0), {})


def _pool(
    build: Builder, op: FileOp, kind: str, activation: FileTensor, more: Mapping[str, Any]
) -> None:
    same_quantisation(activation, build.result(op))
    kernel = _pair(op, ("FilterHeight", "FilterWidth"), least=1)
    window = _window(op, _image(build, activation)[1:3], kernel)
    attributes = {**window, "kernel": kernel, **more}
    value = build.emit(op, kind, [build.value(activation, CHANNELS_FIRST)], attributes)
    build.finish(op, activated(build, op, value), CHANNELS_FIRST)


def _image(build: Builder, tensor: FileTensor) -> tuple[int, ...]:
    """Extents [N][H][W][C] of an activation."""
    shape = build.shape(tensor)
    if len(shape) != 4:
        raise RefusalError(f"{tensor.place} must have four axes, has shape {shape}")
    return shape


def _image_weights(build: Builder, tensor: FileTensor) -> NDArray[Any]:
    data = build.constant(tensor, "the weights")
    if data.ndim != 4 or data.dtype != np.int8 or not data.size:
        raise RefusalError(f"{tensor.place} must be INT8 with four axes, is {tensor.type}")
    return data


def _pair(op: FileOp, names: tuple[str, str], least: int = 0) -> tuple[int, int]:
    """Two options for rows and columns, at least 1."""
    first, second = (op.integer(name, 1 - least) for name in names)
    if min(first, second) < 1:
        raise RefusalError(f"{names[0]} and {names[1]} must be 1 or more, got {first}, {second}")
    return first, second


def _window(
    op: FileOp, extents: tuple[int, ...], kernel: tuple[int, int]
) -> dict[str, tuple[int, ...]]:
    """Strides, dilations and pads: SAME keeps ceil(extent / stride) positions, less at the front
    where the pads are odd."""
    strides, dilations = (_pair(op, names) for names in _SIZES)
    begins, ends = [], []
    for axis in range(2):
        reach = dilations[axis] * (kernel[axis] - 1) + 1
        positions = -(-extents[axis] // strides[axis])
        pads = max((positions - 1) * strides[axis] + reach - extents[axis], 0)
        pads = pads if op.integer("Padding") == SAME else 0
        begins.append(pads // 2)
        ends.append(pads - pads // 2)
    return {"strides": strides, "dilations": dilations, "pads": (*begins, *ends)}


CONVERTERS: dict[str, Converter] = {
    "CONV_2D": conv_2d,
    "DEPTHWISE_CONV_2D": depthwise_conv_2d,
    "TRANSPOSE_CONV": transpose_conv,
    "AVERAGE_POOL_2D": average_pool_2d,
    "MAX_POOL_2D": max_pool_2d,
}
