"""Why LiteRT's own kernels answer otherwise than its default path: op by op, on their own inputs.

Each op of a model gets the values that LiteRT's kernel got. Counted are the values in which its
result differs from ours (which is that of the default path), and those that are left when the sums
are rounded as the kernel rounds them:

* `two roundings`: to 31 bits half up, then by the shift half away from zero (reference kernels,
  gemmlowp's fixed point) or half up again (optimised kernels, ruy for x86);
* `one rounding`: half up (the reference FULLY_CONNECTED);
* sums of two tensors: operands shifted left by 20, each rounded so, and the sum again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tilewright.dataflow.graph import Graph, Op, Tensor
from tilewright.dataflow.litert import fixed_point, multiplied
from tilewright.sim.golden.operand import Operand, limits
from tilewright.sim.golden.ops import golden_function
from tilewright.sim.golden.oracle_litert import Kernels

IntArray = NDArray[np.int64]
Rounding = Callable[[IntArray, int, int], IntArray]
CHANNELS_FIRST = (0, 3, 1, 2)
ADD_SHIFT = 20
_REQUANTISATION = ("zero_point", "minimum", "maximum")


def half_up_twice(values: IntArray, multiplier: int, shift: int) -> IntArray:
    """`values * multiplier / 2**31 * 2**shift`."""
    high = (values * (1 << max(shift, 0)) * multiplier + (1 << 30)) >> 31
    exponent = max(-shift, 0)
    rounded: IntArray = (high + ((1 << exponent) >> 1)) >> exponent
    return rounded


def half_up_once(values: IntArray, multiplier: int, shift: int) -> IntArray:
    """The same with one rounding."""
    rounded: IntArray = (values * multiplier + (1 << (30 - shift))) >> (31 - shift)
    return rounded


ROUNDINGS: Mapping[Kernels, Mapping[str, Rounding]] = {
    "reference": {"conv": multiplied, "matmul": half_up_once, "add": multiplied},
    "optimised": {"conv": half_up_twice, "matmul": half_up_twice, "add": multiplied},
}


def explained(
    model: Graph, graph: Graph, kernels: Kernels, values: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[np.int64]]:
    """By kind of op: [checked, differ from the default path, left over]. `values` by the names in
    the file, as LiteRT has them."""
    counts: dict[str, NDArray[np.int64]] = {}
    for op in graph.ops:
        result = graph.tensor(op.outputs[0])
        if result.origin not in values or op.kind in ("transpose", "reshape"):
            continue
        operands = [_operand(model, graph.tensor(name), values) for name in op.inputs]
        theirs = _in_graph_order(model, result, values[result.origin])
        ours = golden_function(op)(op, operands, result)
        rounding = ROUNDINGS[kernels].get(op.kind)
        again = ours if rounding is None else _recomputed(op, operands, result, rounding)
        found = [theirs.size, (ours != theirs).sum(), (again != theirs).sum()]
        counts[op.kind] = counts.get(op.kind, np.zeros(3, np.int64)) + np.array(found)
    return counts


def _operand(model: Graph, tensor: Tensor, values: Mapping[str, NDArray[Any]]) -> Operand:
    if tensor.data is not None:
        return Operand(tensor=tensor, values=tensor.data)
    return Operand(tensor=tensor, values=_in_graph_order(model, tensor, values[tensor.origin]))


def _in_graph_order(model: Graph, tensor: Tensor, values: NDArray[Any]) -> NDArray[Any]:
    is_moved = model.tensor(tensor.name).layout == "BCYX"
    return values.transpose(CHANNELS_FIRST) if is_moved else values


def _recomputed(
    op: Op, operands: Sequence[Operand], result: Tensor, rounding: Rounding
) -> NDArray[Any]:
    low, high = limits(op, result)
    total = _sum(operands, result, rounding) if op.kind == "add" else None
    if total is None:
        total = _products(op, operands, result, rounding)
    return np.clip(total + result.zero_point[0], low, high)


def _products(op: Op, operands: Sequence[Operand], result: Tensor, rounding: Rounding) -> IntArray:
    """Sums of products in steps of the result. Scales are multiplied in float32 for matrices, in
    float64 for convolutions, as LiteRT prepares them."""
    kept = {key: value for key, value in op.attributes.items() if key not in _REQUANTISATION}
    raw = replace(op, inputs=op.inputs[:3], attributes=kept)
    plain = replace(result, number_format="int32", scale=(), zero_point=())
    sums = golden_function(raw)(raw, operands[:3], plain).astype(np.int64)
    precision = np.float32 if op.kind == "matmul" else np.float64
    unit = np.float32(operands[0].tensor.scale[0]).astype(precision)
    scales = unit * np.array(operands[1].tensor.scale, np.float32).astype(precision)
    reals = scales.astype(np.float64) / np.float64(np.float32(result.scale[0]))
    steps = np.empty_like(sums)
    for channel in range(sums.shape[1]):
        multiplier, shift = fixed_point(float(reals[channel % len(reals)]))
        steps[:, channel] = rounding(sums[:, channel], multiplier, shift)
    return steps


def _sum(operands: Sequence[Operand], result: Tensor, rounding: Rounding) -> IntArray:
    scales = [float(np.float32(operand.tensor.scale[0])) for operand in operands]
    twice = 2 * max(scales)
    total = sum(
        rounding(operand.centred().astype(np.int64) << ADD_SHIFT, *fixed_point(scale / twice))
        for operand, scale in zip(operands, scales, strict=True)
    )
    step = (1 << ADD_SHIFT) * float(np.float32(result.scale[0]))
    return rounding(np.asarray(total), *fixed_point(twice / step))
