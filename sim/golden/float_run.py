"""Run of a model graph in NumPy float32: the floats that a model file asks for.

It serves tests and benchmarks, and the ends of a network that stay in floats on the host
(`Imported.before`, `Imported.after`). Integers occur between `quantize` and `dequantize` and as
indices. No hardware is checked against it: the golden run of the integer graph is `run.run`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from tilewright.dataflow.graph import Graph, Op
from tilewright.dataflow.number_formats import range_of, storage_type
from tilewright.dataflow.rounding import quantize_as
from tilewright.dataflow.tensor import Tensor

from .float_ops import FLOAT_OPS

Array: TypeAlias = NDArray[Any]


def run_float(graph: Graph, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """The values of all tensors that the ops make, by name, in their storage types.

    The first axis of the inputs may have any extent that they share: it is the batch.

    Raises:
        ValueError: if an input is missing, unknown or of another shape or number format, an op
            has no meaning in floats, or a value that is to be quantised is NaN or infinite.
    """
    values = _given(graph, inputs)
    values |= {tensor.name: tensor.data for tensor in graph.tensors if tensor.data is not None}
    stretch = _batch(graph, values)
    made: dict[str, Array] = {}
    for op in graph.ops:
        result = graph.tensor(op.outputs[0])
        operands = [values[name] for name in op.inputs]
        with np.errstate(over="ignore", under="ignore"):
            answer = _compute(graph, op, operands, stretch)
        stored = np.asarray(answer).astype(storage_type(result.number_format), copy=False)
        values[result.name] = made[result.name] = stored
    return made


def _given(graph: Graph, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """The inputs, checked."""
    known = {tensor.name: tensor for tensor in graph.inputs}
    unknown = sorted(set(inputs) - set(known))
    if unknown:
        raise ValueError(f"inputs: the graph has no input {', '.join(unknown)}")
    values: dict[str, Array] = {}
    for name, tensor in known.items():
        if name not in inputs:
            raise ValueError(f"input {name}: missing")
        given, stored = np.asarray(inputs[name]), storage_type(tensor.number_format)
        fits = given.ndim == len(tensor.shape) and given.shape[1:] == tensor.shape[1:]
        if not fits or given.dtype != stored:
            raise ValueError(
                f"input {name}: must be {stored} {tensor.shape}, got {given.dtype} {given.shape}"
            )
        values[name] = given
    return values


def _batch(graph: Graph, values: Mapping[str, Array]) -> tuple[int, int]:
    """First extents of the graph's inputs and of those given, where they differ."""
    pairs = {(t.shape[0], len(values[t.name])) for t in graph.inputs if t.shape}
    differing = sorted(pair for pair in pairs if pair[0] != pair[1])
    if len(differing) > 1 or (differing and len(pairs) > 1):
        raise ValueError(f"inputs: first extents differ: {sorted(given for _, given in pairs)}")
    return differing[0] if differing else (1, 1)


def _compute(graph: Graph, op: Op, operands: list[Array], stretch: tuple[int, int]) -> Array:
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
        return operands[0].reshape(_stretched(result, operands[0], stretch))
    if op.kind not in FLOAT_OPS:
        raise ValueError(f"op {op.name}: kind {op.kind!r} has no meaning in floats")
    return FLOAT_OPS[op.kind](op, operands)


def _stretched(result: Tensor, values: Array, stretch: tuple[int, int]) -> tuple[int, ...]:
    """The result's shape; a batch other than the graph's multiplies the first extent."""
    graphs, given = stretch
    if values.size == np.prod(result.shape, dtype=np.int64):
        return result.shape
    if result.shape[0] * given % graphs:
        raise ValueError(f"tensor {result.name}: a batch of {given} does not divide its shape")
    return (result.shape[0] * given // graphs, *result.shape[1:])
