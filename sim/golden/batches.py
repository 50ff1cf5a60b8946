"""Runs of a graph with several batches at once: which ops leave the first axis to the batch.

Inputs with `count` times the graph's first extent stand for `count` runs of the graph. Most ops can
take them together; the others are computed run by run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from tilewright.dataflow.graph import Graph, Op, Tensor

from .operand import Array

Rule = Callable[[Op, Sequence[Tensor], Tensor], bool]


def keeps_batch(graph: Graph, op: Op) -> bool:
    """Whether index i of the result's first axis comes from index i of the operands' alone.

    Constants may have one index there, or fewer axes than the result, so that they serve all.
    """
    operands = [graph.tensor(name) for name in op.inputs]
    result = graph.tensor(op.outputs[0])
    rule = _RULES.get(op.kind)
    return rule is not None and bool(result.shape) and rule(op, operands, result)


def split(tensor: Tensor, values: Array, count: int) -> list[Array]:
    """The values of each of `count` runs; a constant's are the same in all.

    Raises:
        ValueError: if the tensor has no axis that could be the batch.
    """
    if tensor.data is not None:
        return [values] * count
    if not tensor.shape:
        raise ValueError(f"tensor {tensor.name}: has no axes, so one run cannot take {count}")
    return np.split(values, count)


def _one_activation(op: Op, operands: Sequence[Tensor], result: Tensor) -> bool:
    """The first operand is an activation, the others are constants."""
    del op, result
    return operands[0].data is None and all(tensor.data is not None for tensor in operands[1:])


def _elementwise(op: Op, operands: Sequence[Tensor], result: Tensor) -> bool:
    """Operands that reach the first axis have one index there (constants) or all."""
    del op
    rank = len(result.shape)
    for tensor in operands:
        if tensor.data is None and (len(tensor.shape), *tensor.shape[:1]) != (
            rank,
            result.shape[0],
        ):
            return False
        if tensor.data is not None and len(tensor.shape) == rank and tensor.shape[0] != 1:
            return False
    return True


def _matmul(op: Op, operands: Sequence[Tensor], result: Tensor) -> bool:
    """A constant of two axes; or two activations with axes in front of the matrices'."""
    left, right, *_ = operands
    if right.data is not None:
        return left.data is None and len(right.shape) == 2
    return len(left.shape) >= 3 and _elementwise(op, [left, right], result)


def _off_first_axis(op: Op, operands: Sequence[Tensor], result: Tensor) -> bool:
    return op.integer("axis") != 0 and _one_activation(op, operands, result)


def _concat(op: Op, operands: Sequence[Tensor], result: Tensor) -> bool:
    del result
    return op.integer("axis") != 0 and all(part.data is None for part in operands)


def _without_first_axis(op: Op, operands: Sequence[Tensor], result: Tensor) -> bool:
    return 0 not in op.integers("axes") and _one_activation(op, operands, result)


def _gather(op: Op, operands: Sequence[Tensor], result: Tensor) -> bool:
    """Rows of a constant by an activation's indices, or constant indices along another axis."""
    data, indices = operands
    if data.data is not None:
        return op.integer("axis") == 0 and indices.data is None and bool(indices.shape)
    return _off_first_axis(op, operands, result)


def _cut(op: Op, operands: Sequence[Tensor], result: Tensor) -> bool:
    del result
    first = tuple(op.integers(name)[0] for name in ("starts", "stops", "steps"))
    return first == (0, operands[0].shape[0], 1)


def _pad(op: Op, operands: Sequence[Tensor], result: Tensor) -> bool:
    del result
    pads = op.integers("pads")
    return pads[0] == pads[len(operands[0].shape)] == 0


def _same_scales(op: Op, operands: Sequence[Tensor], result: Tensor) -> bool:
    """No scale of its own for each index of the first axis."""
    return 0 not in (operands[0].axis, result.axis) and _one_activation(op, operands, result)


_FLOAT_FUNCTIONS = "relu clip leaky_relu sigmoid tanh erf gelu hard_swish batch_normalization"
_RULES: Mapping[str, Rule] = {
    **dict.fromkeys(_FLOAT_FUNCTIONS.split(), _one_activation),
    **dict.fromkeys(("quantize", "dequantize"), _same_scales),
    **dict.fromkeys(("conv", "conv_transpose", "table", "requantize"), _one_activation),
    **dict.fromkeys(("max_pool", "average_pool", "global_average_pool"), _one_activation),
    **dict.fromkeys(("add", "sub", "mul", "div", "pow"), _elementwise),
    **dict.fromkeys(("threshold", "softmax", "layer_normalization"), _off_first_axis),
    **dict.fromkeys(("reduce_mean", "resize"), _without_first_axis),
    "gather": _gather,
    "matmul": _matmul,
    "concat": _concat,
    "slice": _cut,
    "pad": _pad,
    "reshape": _one_activation,
    "transpose": lambda op, _operands, _result: op.integers("perm")[0] == 0,
}
