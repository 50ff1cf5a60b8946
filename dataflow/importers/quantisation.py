"""Scales, zero points and constants of QuantizeLinear and DequantizeLinear nodes, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]
Constants = Mapping[str, NDArray[Any]]


class Refused(Exception):
    """A node breaks a rule: `rule`, `help`."""

    def __init__(self, rule: str, help: str | None = None) -> None:
        super().__init__(rule)
        self.rule, self.help = rule, help


@dataclass(frozen=True, kw_only=True)
class Constant:
    """A dequantised constant: integers, their scales, the axis of the scales."""

    name: str
    values: NDArray[Any]
    scale: Float32Array
    axis: int | None


def attributes_of(node: onnx.NodeProto) -> dict[str, Any]:
    return {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}


def read_constant(node: onnx.NodeProto, constants: Constants) -> Constant:
    """The constant that a DequantizeLinear makes, checked."""
    values = constants[node.input[0]]
    if values.dtype.name not in ("int8", "int32"):
        raise Refused(f"constants must be int8 (weights) or int32 (bias), got {values.dtype}")
    scale, zero_point = read_quantisation(node, constants, values.dtype.name)
    if np.any(zero_point != 0):
        raise Refused(
            "weights and biases must have zero point 0",
            help="quantise weights symmetrically",
        )
    if attributes_of(node).get("block_size", 0):
        raise Refused("blocked quantisation is not supported")
    axis = None
    if scale.ndim == 1 and scale.size > 1:
        axis = int(attributes_of(node).get("axis", 1))
        axis += values.ndim if axis < 0 else 0
        if not 0 <= axis < values.ndim or values.shape[axis] != scale.size:
            raise Refused(f"{scale.size} scales do not fit axis {axis} of {values.shape}")
    return Constant(name=node.input[0], values=values, scale=scale.reshape(-1), axis=axis)


def read_quantisation(
    node: onnx.NodeProto, constants: Constants, number_format: str
) -> tuple[Float32Array, NDArray[Any]]:
    """Checked scales and zero points of a (de)quantising node."""
    scale = constants.get(node.input[1]) if len(node.input) > 1 else None
    if scale is None:
        raise Refused("the scale must be a constant")
    if scale.dtype != np.float32 or scale.ndim > 1 or not scale.size:
        raise Refused(f"scales must be float32, one or a list, got {scale.dtype}{scale.shape}")
    if not (scale >= np.finfo(np.float32).tiny).all():
        raise Refused(f"scales must be positive normal numbers, got {scale.min()!s}")
    if len(node.input) < 3 or not node.input[2]:
        return scale, np.zeros(scale.shape, number_format)
    zero_point = constants.get(node.input[2])
    if zero_point is None:
        raise Refused("the zero point must be a constant")
    if zero_point.dtype.name != number_format or zero_point.size != scale.size:
        raise Refused(
            f"zero points must be {scale.size} of {number_format}, "
            f"got {zero_point.size} of {zero_point.dtype}"
        )
    return scale, zero_point


def read_scalar_quantisation(node: onnx.NodeProto, constants: Constants) -> tuple[float, int]:
    """The one scale and zero point of an activation, checked."""
    zero = constants.get(node.input[2]) if len(node.input) > 2 else None
    found = "uint8" if zero is None else zero.dtype.name
    if found != "int8":
        raise Refused(
            f"activations must be int8, got {found}",
            help="quantise with activation_type=QInt8, weight_type=QInt8",
        )
    scale, zero_point = read_quantisation(node, constants, "int8")
    if scale.size != 1:
        raise Refused(f"activations must have one scale, got {scale.size}")
    return float(scale.reshape(-1)[0]), int(zero_point.reshape(-1)[0])
