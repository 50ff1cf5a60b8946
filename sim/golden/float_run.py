"""Run of a model graph in NumPy float32: the floats that a model file asks for.

It serves tests and benchmarks, and the ends of a network that stay in floats on the host
(`Imported.before`, `Imported.after`). Integers occur between `quantize` and `dequantize` and as
indices. No hardware is checked against it: the golden run of the integer graph is `run.run`.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import numpy as np
from tilewright.dataflow.graph import Graph, Op
from tilewright.dataflow.number_formats import range_of, storage_type
from tilewright.dataflow.rounding import quantize_as
from tilewright.dataflow.tensor import Tensor

from .batches import keeps_batch, split
from .float_ops import FLOAT_OPS, Array
from .run import check_inputs


def run_float(graph: Graph, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """The values of all tensors that the ops make, by name, in their storage types.

    The first extent of the inputs may be another than the graph's, if they share the factor: it is
    the batch, and the results are those of several runs, one after the other.

    Raises:
        ValueError: if an input is missing, unknown or of another shape or number format, an op
            cannot take the batch, a value that is to be quantised is NaN or infinite, or an index
            lies outside.
    """
    runs = check_inputs(graph, inputs)
    values = {t.name: t.data for t in graph.tensors if t.data is not None} | dict(inputs)
    made: dict[str, Array] = {}
    for op in graph.ops:
        operands = [values[name] for name in op.inputs]
        result = graph.tensor(op.outputs[0])
        try:
            with np.errstate(over="ignore", under="ignore"):
                answer = _batched(graph, op, operands, runs)
        except (ValueError, IndexError) as error:  # an index may come from outside
            raise ValueError(f"op {op.name} ({op.kind}): {error}") from None
        stored = np.asarray(answer).astype(storage_type(result.number_format), copy=False)
        values[result.name] = made[result.name] = stored
    return made


def _batched(graph: Graph, op: Op, operands: list[Array], runs: Fraction) -> Array:
    """An op that mixes what lies along the first axis computes each run by itself."""
    if runs == 1 or keeps_batch(graph, op):
        return _compute(graph, op, operands, runs)
    tensors = [graph.tensor(name) for name in op.inputs]
    if runs.denominator != 1 or not graph.tensor(op.outputs[0]).shape:
        raise ValueError(f"cannot take {runs} times the graph's batch at once")
    parts = [
        split(tensor, values, runs.numerator)
        for tensor, values in zip(tensors, operands, strict=True)
    ]
    made = [_compute(graph, op, list(part), Fraction(1)) for part in zip(*parts, strict=True)]
    return np.concatenate(made)


def _compute(graph: Graph, op: Op, operands: list[Array], runs: Fraction) -> Array:
    """One op; those whose meaning lies in their tensors are here, the others in FLOAT_OPS."""
    source, result = graph.tensor(op.inputs[0]), graph.tensor(op.outputs[0])
    if op.kind == "dequantize":
        return source.dequantize(operands[0])
    if op.kind == "quantize":
        return quantize_as(operands[0], result, op.attributes)
    if op.kind == "requantize":
        return quantize_as(source.dequantize(operands[0]), result, op.attributes)
    if op.kind == "table":
        least = range_of(source.number_format)[0]
        looked_up: Array = operands[1][operands[0].astype(np.int64) - least]
        return looked_up
    if op.kind == "reshape":
        return operands[0].reshape(_stretched(result, runs))
    return FLOAT_OPS[op.kind](op, operands)


def _stretched(result: Tensor, runs: Fraction) -> tuple[int, ...]:
    """The result's shape, the first extent times the number of runs."""
    if runs == 1:
        return result.shape
    first = result.shape[0] * runs
    if first.denominator != 1:
        raise ValueError(f"cannot take {runs} times the graph's batch")
    return (first.numerator, *result.shape[1:])
