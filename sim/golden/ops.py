"""Integer golden models of the ops of a Graph, one function for each kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tilewright.dataflow.graph import Op

from . import (
    ops_accumulate,
    ops_elementwise,
    ops_layout,
    ops_litert,
    ops_normalise,
    ops_window,
)
from .operand import Golden

KINDS: Mapping[str, Golden] = {
    "conv": ops_accumulate.conv,
    "conv_transpose": ops_accumulate.conv_transpose,
    "matmul": ops_accumulate.matmul,
    "threshold": ops_elementwise.threshold,
    "add": ops_elementwise.add,
    "sub": ops_elementwise.sub,
    "mul": ops_elementwise.mul,
    "table": ops_elementwise.table,
    "requantize": ops_elementwise.requantize,
    "max_pool": ops_window.max_pool,
    "average_pool": ops_window.average_pool,
    "global_average_pool": ops_window.global_average_pool,
    "reduce_mean": ops_window.reduce_mean,
    "softmax": ops_normalise.softmax,
    "layer_normalization": ops_normalise.layer_normalization,
    "concat": ops_layout.concat,
    "slice": ops_layout.cut,
    "pad": ops_layout.pad,
    "reshape": ops_layout.reshape,
    "transpose": ops_layout.transpose,
    "resize": ops_layout.resize,
    "gather": ops_layout.gather,
}
"""The function of each kind of op, as onnxruntime computes it wherever it does in integers."""

ARITHMETICS: Mapping[str, Mapping[str, Golden]] = {"litert": ops_litert.KINDS}
"""Other definitions, by the op's attribute `arithmetic` and its kind."""


def golden_function(op: Op) -> Golden:
    """What computes an op.

    Raises:
        ValueError: if nothing does.
    """
    arithmetic: Any = op.attributes.get("arithmetic")
    if arithmetic is None:
        if op.kind not in KINDS:
            raise ValueError(f"op {op.name}: kind {op.kind!r} has no golden model")
        return KINDS[op.kind]
    if op.kind not in ARITHMETICS.get(arithmetic, {}):
        raise ValueError(
            f"op {op.name}: kind {op.kind!r} has no golden model in arithmetic {arithmetic!r}"
        )
    return ARITHMETICS[arithmetic][op.kind]
