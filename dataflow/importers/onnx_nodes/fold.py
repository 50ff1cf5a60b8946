"""Nodes whose operands are all constants are computed while reading, within limits.

The values come from ONNX's own reference evaluator. Before it runs, a bound of the result's size is
computed from the operands: a file cannot make us allocate what it does not hold. Quantising and
dequantising nodes are never computed: they say what the integers mean.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto
from onnx.reference import ReferenceEvaluator

from .arrays import type_name
from .node import Node, Refused

MAX_ELEMENTS = 1 << 24  # of one computed constant, unless the file holds as many
_BROADCAST = (
    "Add", "And", "Div", "Equal", "Expand", "Greater", "GreaterOrEqual", "Less", "LessOrEqual",
    "Max", "Min", "Mod", "Mul", "Not", "Or", "Pow", "Sub", "Where",
)  # fmt: skip
_NO_LARGER = (
    "Abs", "Cast", "Ceil", "Exp", "Flatten", "Floor", "Identity", "Log", "Neg", "Reciprocal",
    "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "Relu", "Reshape", "Round",
    "Sign", "Slice", "Split", "Sqrt", "Squeeze", "Transpose", "Unsqueeze",
)  # fmt: skip
_CAST_TO = (
    TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BOOL,
    TensorProto.INT8, TensorProto.INT16, TensorProto.INT32, TensorProto.INT64,
    TensorProto.UINT8, TensorProto.UINT16, TensorProto.UINT32, TensorProto.UINT64,
)  # fmt: skip
_MOVES = ("Flatten", "Gather", "Reshape", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze")
_OWN_BOUND = ("Concat", "ConstantOfShape", "Gather", "Range", "Tile")
FOLDED = frozenset((*_BROADCAST, *_NO_LARGER, *_OWN_BOUND))

Array = NDArray[Any]


def fold_node(node: Node, proto: onnx.NodeProto, operands: Sequence[Array | None]) -> list[Array]:
    """The results of a node (of `FOLDED`, standard domain) on constants; None: left out.

    Raises:
        Refused: if a result would have more than MAX_ELEMENTS, or cannot be computed.
    """
    try:
        bound = _bound(node, operands)
    except (ValueError, TypeError, IndexError, OverflowError, ZeroDivisionError) as error:
        raise Refused(f"its constants do not fit: {error}") from None
    given = sum(array.size for array in operands if array is not None)
    if bound > max(MAX_ELEMENTS, given):
        raise Refused(f"would make a constant of {bound} elements, at most {MAX_ELEMENTS} are made")
    odd = {
        array.dtype for array in operands if array is not None and array.dtype.kind not in "iufb"
    }
    tight = {kind for kind in odd if kind.name in ("int4", "uint4", "int2", "uint2")}
    if odd != tight or len(tight) > 1 or (tight and node.op_type not in _MOVES):
        raise Refused(f"constants of {odd.pop()} cannot be computed with")
    if tight:  # integers of less than a byte
        kind = tight.pop()
        wide = [
            array.astype(np.int8) if array is not None and array.dtype == kind else array
            for array in operands
        ]
        return [array.astype(kind) for array in _evaluate(node, proto, wide)]
    if node.op_type == "Cast" and node.integer("to", 0) not in _CAST_TO:
        raise Refused(f"a cast to {type_name(node.integer('to', 0))} is not supported")
    return _evaluate(node, proto, operands)


def _evaluate(node: Node, proto: onnx.NodeProto, operands: Sequence[Array | None]) -> list[Array]:
    function = onnx.helper.make_function(
        "folded",
        "one",
        [name for name in dict.fromkeys(proto.input) if name],
        [name for name in proto.output if name],
        [proto],
        [onnx.helper.make_opsetid("", node.opset)],
    )
    feeds = {
        name: array
        for name, array in zip(proto.input, operands, strict=True)
        if name and array is not None
    }
    try:
        with np.errstate(all="ignore"):
            results = ReferenceEvaluator(function).run(None, feeds, attributes={})
        arrays = [np.asarray(result) for result in results]
    except Exception as error:  # whatever the evaluator says about operands that do not fit
        raise Refused(f"its constants cannot be computed: {error}") from None
    for array in arrays:
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise Refused("its constants give NaN or infinity")
    return arrays


def _bound(node: Node, operands: Sequence[Array | None]) -> int:
    """No result has more elements than this."""
    arrays = [array for array in operands if array is not None]
    if node.op_type == "Expand":
        shape = _extents(arrays[1])
        return _broadcast(arrays[0].shape, shape)
    if node.op_type in _BROADCAST:
        return _broadcast(*(array.shape for array in arrays))
    if node.op_type == "ConstantOfShape":
        return math.prod(_extents(arrays[0]))
    if node.op_type == "Tile":
        return math.prod((arrays[0].size, *_extents(arrays[1])))
    if node.op_type == "Range":
        start, limit, delta = (float(array.reshape(-1)[0]) for array in arrays)
        return max(0, math.ceil((limit - start) / delta))
    if node.op_type == "Gather":
        return arrays[0].size * max(1, arrays[1].size)
    return sum(array.size for array in arrays)


def _broadcast(*shapes: tuple[int, ...]) -> int:
    """Elements of the result by NumPy's rule, in integers that do not wrap."""
    rank = max(map(len, shapes))
    padded = [(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes]
    return math.prod(max(extents) for extents in zip(*padded, strict=True))


def _extents(array: Array) -> tuple[int, ...]:
    extents = tuple(int(value) for value in array.reshape(-1))
    if len(extents) > 16 or any(extent < 0 for extent in extents):
        raise ValueError(f"{extents[:16]} are no extents")
    return extents
