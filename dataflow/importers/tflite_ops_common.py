"""What converters of TFLite operators share."""

from __future__ import annotations

from collections.abc import Callable
from typing import SupportsFloat, TypeAlias

import numpy as np

from .tflite_build import Builder
from .tflite_objects import FileOp, FileTensor
from .tflite_values import RefusalError

Converter: TypeAlias = Callable[[Builder, FileOp], None]

NO_ACTIVATION, RELU, RELU_N1_TO_1, RELU6 = range(4)
_CLIPS = {RELU_N1_TO_1: (-1.0, 1.0), RELU6: (0.0, 6.0)}
SAME = 0


def activated(build: Builder, op: FileOp, value: str) -> str:
    """`value` behind the op's fused activation."""
    activation = op.integer("FusedActivationFunction")
    if activation == NO_ACTIVATION:
        return value
    if activation == RELU:
        return build.emit(op, "relu", [value])
    if activation in _CLIPS:
        low, high = _CLIPS[activation]
        return build.emit(op, "clip", [value], {"minimum": low, "maximum": high})
    raise RefusalError(f"the fused activation number {activation} is not supported")


def no_activation(op: FileOp) -> None:
    if op.integer("FusedActivationFunction") != NO_ACTIVATION:
        raise RefusalError("a fused activation is not supported here")


def same_quantisation(a: FileTensor, b: FileTensor) -> None:
    """TFLite's rule for ops that move or choose values."""
    mine, theirs = (a.type, a.scale, a.zero_point), (b.type, b.scale, b.zero_point)
    if mine != theirs:
        rule = f"{a.place} and {b.place} must have the same type, scale and zero point"
        raise RefusalError(rule, "the file breaks TFLite's quantisation rules: convert it again")


def is_quantised(tensor: FileTensor) -> bool:
    return tensor.type == "INT8"


def all_quantised(*tensors: FileTensor) -> None:
    """Refuses ops that compute in floats, or partly."""
    for tensor in tensors:
        if not is_quantised(tensor):
            rule = f"{tensor.place} is {tensor.type}, it must be INT8 with a scale"
            help_text = "convert to full integers: a representative dataset, TFLITE_BUILTINS_INT8"
            raise RefusalError(rule, help_text)
        if len(tensor.scale) < 1:
            raise RefusalError(f"{tensor.place} has no scale", "convert it again")


def limited(ratio: SupportsFloat, low: float, high: float, what: str) -> None:
    """Refuses ratios of scales for which LiteRT has no kernel, or one that is not defined yet."""
    if not low <= float(ratio) < high:
        rule = f"{what} is {float(ratio):.6g}, it must be {low:.6g} or more and below {high:.6g}"
        raise RefusalError(rule, "calibrate the model with more typical data")


def ratio(a: FileTensor, b: FileTensor) -> np.float32:
    """The scale of `a` in units of that of `b`, in float32; infinity and 0 stand for themselves."""
    with np.errstate(over="ignore", under="ignore"):
        return np.float32(np.float32(a.scale[0]) / np.float32(b.scale[0]))


def product_ratio(a: FileTensor, b: FileTensor, result: FileTensor) -> np.float32:
    """What 1 of a product of integers is in units of the result, in float32."""
    with np.errstate(over="ignore", under="ignore"):
        product = np.float32(a.scale[0]) * np.float32(b.scale[0])
        return np.float32(product / np.float32(result.scale[0]))


def axis_of(value: int, rank: int, what: str = "axis") -> int:
    """An axis counted from the front."""
    if not -rank <= value < rank:
        raise RefusalError(f"{what} {value} is not one of {rank} axes")
    return value % rank
