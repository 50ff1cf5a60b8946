"""TFLite operators that are matrix products."""

from __future__ import annotations

import math

from .tflite_build import Builder
from .tflite_objects import FileOp, FileTensor
from .tflite_ops_common import Converter, activated, all_quantised, limited, product_ratio
from .tflite_ops_window import MOST_RATIO, biases, weights
from .tflite_values import RefusalError, file_order


def fully_connected(build: Builder, op: FileOp) -> None:
    """Activation [..., K] or anything of rows x K elements, weights [N][K], bias [N]."""
    activation, weight = build.tensor(op, 0), build.tensor(op, 1)
    all_quantised(activation, weight, build.result(op))
    if op.integer("WeightsFormat"):
        raise RefusalError("shuffled weights are not read", "convert with a current TensorFlow")
    data = build.constant(weight, "the weights")
    shape = build.shape(activation)
    if data.ndim != 2 or data.shape[1] < 1 or math.prod(shape) % data.shape[1]:
        raise RefusalError(f"weights {data.shape} do not fit {activation.place} of shape {shape}")
    source = build.form(activation, file_order(len(shape)))
    if not op.integer("KeepNumDims") or len(shape) < 2:
        source = build.reshaped(source, (math.prod(shape) // data.shape[1], data.shape[1]))
    operands = [
        build.dequantized(source),
        weights(build, op, activation, data.T, axis=0, kept=1),
        *biases(build, op, 2, activation, data.shape[0]),
    ]
    value = activated(build, op, build.emit(op, "matmul", operands))
    build.finish(op, value, file_order(len(build.tensors[value].shape)))


def batch_matmul(build: Builder, op: FileOp) -> None:
    """`[..., M, K]` times `[..., K, N]`; AdjX and AdjY swap the last two axes first."""
    left, right = build.tensor(op, 0), build.tensor(op, 1)
    all_quantised(left, right, build.result(op))
    if right.zero_point != (0,):
        rule = f"{right.place} must have one scale and zero point 0"
        raise RefusalError(rule, "LiteRT computes this product by a kernel that is not defined yet")
    limited(
        product_ratio(left, right, build.result(op)),
        0.0,
        MOST_RATIO,
        "product of the scales / result scale",
    )
    operands = [_factor(build, left, op.integer("AdjX")), _factor(build, right, op.integer("AdjY"))]
    value = build.emit(op, "matmul", operands)
    build.finish(op, value, file_order(len(build.tensors[value].shape)))


def _factor(build: Builder, tensor: FileTensor, is_swapped: int) -> str:
    rank = len(build.shape(tensor))
    if rank < 2:
        raise RefusalError(f"{tensor.place} must have two axes or more")
    perm = file_order(rank)
    if is_swapped:
        perm = (*perm[:-2], perm[-1], perm[-2])
    return build.value(tensor, perm)


CONVERTERS: dict[str, Converter] = {
    "FULLY_CONNECTED": fully_connected,
    "BATCH_MATMUL": batch_matmul,
}
