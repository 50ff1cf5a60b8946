"""TFLite operators on single values, and reductions.

Each carries `arithmetic: litert`: LiteRT rounds otherwise than onnxruntime (docs/numbers.md). Where
LiteRT's fast path has limits and another kernel would take over, the op is refused.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .tflite_build import LITERT, Builder
from .tflite_objects import FileOp, FileTensor
from .tflite_ops_common import (
    Converter,
    activated,
    all_quantised,
    axis_of,
    is_quantised,
    limited,
    product_ratio,
    ratio,
)
from .tflite_values import Perm, RefusalError, file_order

_LEAST_LOGISTIC = ((1 / 256,), (-128,))  # scale and zero point that TFLite asks for
_TANH = ((1 / 128,), (0,))


def add(build: Builder, op: FileOp) -> None:
    _sum(build, op, "add")


def sub(build: Builder, op: FileOp) -> None:
    _sum(build, op, "sub")


def _sum(build: Builder, op: FileOp, kind: str) -> None:
    left, right, result = build.tensor(op, 0), build.tensor(op, 1), build.result(op)
    all_quantised(left, right, result)
    for operand in (left, right):
        limited(ratio(operand, result), 2.0**-10, 2.0**8, f"scale of {operand.place} / result's")
    _binary(build, op, kind, left, right)


def mul(build: Builder, op: FileOp) -> None:
    left, right, result = build.tensor(op, 0), build.tensor(op, 1), build.result(op)
    all_quantised(left, right, result)
    limited(product_ratio(left, right, result), 2.0**-16, 2.0**8, "product of scales / result's")
    _binary(build, op, "mul", left, right)


def _binary(build: Builder, op: FileOp, kind: str, left: FileTensor, right: FileTensor) -> None:
    """Both operands in the form of the first that is no constant and has all axes."""
    ranks = [len(build.shape(tensor)) for tensor in (left, right)]
    perm = file_order(max(ranks))
    for tensor, rank in zip((left, right), ranks, strict=True):
        if tensor.data is None and rank == max(ranks):
            perm = build.order(tensor)
            break
    operands = [_widened(build, tensor, perm) for tensor in (left, right)]
    value = build.emit(op, kind, operands, {"arithmetic": LITERT})
    build.finish(op, activated(build, op, value), perm)


def _widened(build: Builder, tensor: FileTensor, perm: Perm) -> str:
    """An operand in the form `perm`, with axes of one in front if it has fewer."""
    shape = build.shape(tensor)
    if len(shape) == len(perm) or tensor.data is not None:
        return build.value(tensor, perm)
    padded = (1,) * (len(perm) - len(shape)) + shape
    source = build.form(tensor, file_order(len(shape)))
    return build.dequantized(build.moved(build.reshaped(source, padded), perm))


def relu(build: Builder, op: FileOp) -> None:
    _saturating(build, op, "relu", {})


def _saturating(build: Builder, op: FileOp, kind: str, attributes: dict[str, float]) -> None:
    """Up to 8 bits and 22 more fill LiteRT's 32."""
    tensor, result = build.tensor(op, 0), build.result(op)
    all_quantised(tensor, result)
    limited(ratio(tensor, result), 0.0, 2.0**22, "input scale / result scale")
    _function(build, op, kind, attributes)


def _function(build: Builder, op: FileOp, kind: str, attributes: dict[str, Any]) -> None:
    tensor = build.tensor(op, 0)
    all_quantised(tensor, build.result(op))
    perm = build.order(tensor)
    inputs = [build.value(tensor, perm)]
    build.finish(op, build.emit(op, kind, inputs, attributes | {"arithmetic": LITERT}), perm)


def _clip(low: float, high: float) -> Converter:
    def convert(build: Builder, op: FileOp) -> None:
        _saturating(build, op, "clip", {"minimum": low, "maximum": high})

    return convert


def leaky_relu(build: Builder, op: FileOp) -> None:
    tensor, result = build.tensor(op, 0), build.result(op)
    all_quantised(tensor, result)
    alpha = np.float32(op.number("Alpha", 0.0))
    positive = ratio(tensor, result)
    with np.errstate(over="ignore", under="ignore"):
        negative = np.float32(positive * alpha)
    limited(positive, 2.0**-8, np.nextafter(2.0**7, np.inf), "input scale / result scale")
    limited(negative, -127.99609375, np.nextafter(2.0**7, np.inf), "that times alpha")
    limited(abs(negative), 2.0**-8, np.inf, "the magnitude of that times alpha")
    _function(build, op, "leaky_relu", {"alpha": float(alpha)})


def hard_swish(build: Builder, op: FileOp) -> None:
    tensor, result = build.tensor(op, 0), build.result(op)
    all_quantised(tensor, result)
    limited(ratio(tensor, result), 0.0, 2.0**7, "input scale / result scale")
    _function(build, op, "hard_swish", {})


def _fixed_result(kind: str, wanted: tuple[tuple[float], tuple[int]]) -> Converter:
    """A function whose result has the one quantisation that TFLite allows."""

    def convert(build: Builder, op: FileOp) -> None:
        result = build.result(op)
        if (result.scale, result.zero_point) != wanted:
            rule = f"{result.place} must have scale {wanted[0][0]} and zero point {wanted[1][0]}"
            raise RefusalError(rule, "the file breaks TFLite's quantisation rules")
        _function(build, op, kind, {})

    return convert


def softmax(build: Builder, op: FileOp) -> None:
    tensor, result = build.tensor(op, 0), build.result(op)
    all_quantised(tensor, result)
    beta = op.number("Beta", 1.0)
    if beta != 1.0:
        raise RefusalError(f"beta must be 1, is {beta}", "scale the logits instead")
    if (result.scale, result.zero_point) != _LEAST_LOGISTIC:
        raise RefusalError(f"{result.place} must have scale 1/256 and zero point -128")
    perm = build.order(tensor)
    attributes = {"axis": perm.index(len(perm) - 1), "arithmetic": LITERT}
    value = build.emit(op, "softmax", [build.value(tensor, perm)], attributes)
    build.finish(op, value, perm)


def mean(build: Builder, op: FileOp) -> None:
    tensor = build.tensor(op, 0)
    all_quantised(tensor, build.result(op))
    rank, perm = len(build.shape(tensor)), build.order(tensor)
    given = build.integers(build.tensor(op, 1), "the axes")
    axes = sorted({axis_of(axis, rank) for axis in given})
    if not axes:
        raise RefusalError("a mean over no axis is not supported")
    keeps = int(bool(op.integer("KeepDims")))
    attributes = {
        "axes": tuple(sorted(perm.index(axis) for axis in axes)),
        "keeps_axes": keeps,
        "arithmetic": LITERT,
    }
    value = build.emit(op, "reduce_mean", [build.value(tensor, perm)], attributes)
    build.finish(op, value, perm if keeps else without(perm, axes))


def without(perm: Perm, axes: list[int]) -> Perm:
    """The form that is left of `perm` when axes of the file go."""
    left = [axis for axis in range(len(perm)) if axis not in axes]
    return tuple(left.index(axis) for axis in perm if axis in left)


def quantize(build: Builder, op: FileOp) -> None:
    """Floats to integers, or integers to other ones."""
    tensor, result = build.tensor(op, 0), build.result(op)
    all_quantised(result)
    perm = build.order(tensor)
    if not is_quantised(tensor):
        build.finish(op, build.value(tensor, perm), perm)
        return
    all_quantised(tensor)
    if (tensor.scale, tensor.zero_point) == (result.scale, result.zero_point):
        build.form(tensor, perm)
        build.alias(op, build.forms[tensor.index])
        return
    limited(ratio(tensor, result), 2.0**-8, np.nextafter(2.0**7, np.inf), "scale / result's")
    build.finish(op, build.value(tensor, perm), perm, arithmetic=LITERT)


def dequantize(build: Builder, op: FileOp) -> None:
    tensor, result = build.tensor(op, 0), build.result(op)
    all_quantised(tensor)
    if result.type != "FLOAT32":
        raise RefusalError(f"{result.place} must be FLOAT32, is {result.type}")
    perm = build.order(tensor)
    build.finish(op, build.value(tensor, perm), perm)


CONVERTERS: dict[str, Converter] = {
    "ADD": add,
    "SUB": sub,
    "MUL": mul,
    "RELU": relu,
    "RELU6": _clip(0.0, 6.0),
    "RELU_N1_TO_1": _clip(-1.0, 1.0),
    "LEAKY_RELU": leaky_relu,
    "LOGISTIC": _fixed_result("sigmoid", _LEAST_LOGISTIC),
    "TANH": _fixed_result("tanh", _TANH),
    "HARD_SWISH": hard_swish,
    "SOFTMAX": softmax,
    "MEAN": mean,
    "QUANTIZE": quantize,
    "DEQUANTIZE": dequantize,
}
