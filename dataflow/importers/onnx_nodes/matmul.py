"""MatMul and Gemm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .node import Node, Refused
from .registry import converter

if TYPE_CHECKING:
    from ..onnx_builder import Builder


@converter("MatMul")
def matmul(build: Builder, node: Node) -> None:
    """`[..., M, K] x [..., K, N]`; a list counts as one row (left) or one column (right)."""
    left, right = node.input(0), node.input(1)
    a, b = build.shape(left), build.shape(right)
    if not a or not b:
        raise Refused(f"needs 1 or more axes, got {a} and {b}")
    if len(a) == 1:
        left = build.move("reshape", [left], build.fresh(node.output, "row"), shape=(1, *a))
    if len(b) == 1:
        right = build.move("reshape", [right], build.fresh(node.output, "column"), shape=(*b, 1))
    if len(a) > 1 and len(b) > 1:
        build.op("matmul", [left, right], node.output)
        return
    product = build.op("matmul", [left, right], build.fresh(node.output, "product"))
    kept = list(build.shape(product))
    if len(a) == 1:
        del kept[-2]
    if len(b) == 1:
        del kept[-1]
    build.move("reshape", [product], node.output, shape=tuple(kept))


@converter("Gemm")
def gemm(build: Builder, node: Node) -> None:
    """`matmul` of two axes with a bias [N]; a bias that differs by row becomes an `add`."""
    left = _transposed(build, node, node.input(0), "transA")
    right = _transposed(build, node, node.input(1), "transB")
    right = _scaled(build, node, right, "alpha")
    a, b = build.shape(left), build.shape(right)
    if len(a) != 2 or len(b) != 2 or a[1] != b[0]:
        raise Refused(f"{a} times {b} is no matrix product")
    if not node.has_input(2):
        build.op("matmul", [left, right], node.output)
        return
    bias = _scaled(build, node, node.inputs[2], "beta")
    shape, columns = build.shape(bias), b[1]
    values = build.constant(bias)
    if values is not None and values.dtype == np.float32 and values.size in (1, columns):
        if values.size == 1 or shape[-1] == columns:
            row = np.broadcast_to(values.reshape(-1), (columns,))
            if shape != (columns,):
                bias = build.fold(build.fresh(node.output, "bias"), row)
            build.op("matmul", [left, right, bias], node.output)
            return
    elif shape and shape[-1] == columns and all(extent == 1 for extent in shape[:-1]):
        if len(shape) > 1:
            name = build.fresh(node.output, "bias")
            bias = build.move("reshape", [bias], name, shape=(columns,))
        build.op("matmul", [left, right, bias], node.output)
        return
    product = build.op("matmul", [left, right], build.fresh(node.output, "product"))
    build.op("add", [product, bias], node.output)


def _transposed(build: Builder, node: Node, name: str, attribute: str) -> str:
    flag = node.integer(attribute, 0)
    if flag == 0:
        return name
    if len(build.shape(name)) != 2:
        raise Refused(f"operands must have 2 axes, got {build.shape(name)}")
    return build.move("transpose", [name], build.fresh(build.real(name), "transposed"), perm=(1, 0))


def _scaled(build: Builder, node: Node, name: str, attribute: str) -> str:
    """The operand times alpha or beta, which must be 1 unless the operand is a float constant."""
    factor = node.number(attribute, 1.0)
    if factor == 1.0:
        return name
    values = build.constant(name)
    if values is None or values.dtype != np.float32:
        raise Refused(
            f"{attribute} must be 1.0, got {factor}",
            help="multiply the weights (or the bias) before the model is quantised",
        )
    with np.errstate(all="ignore"):
        scaled = values * np.float32(factor)
    if not np.isfinite(scaled).all():
        raise Refused(f"{attribute} {factor} makes values that are not finite")
    return build.fold(build.fresh(build.real(name), attribute), scaled)
