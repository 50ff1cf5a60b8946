"""Golden run of a Graph: every op in NumPy integers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tilewright.dataflow.graph import Graph

from . import ops

KINDS = {"matmul": ops.matmul}


def run(graph: Graph, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The values of all tensors that the ops make, by name, in their number formats.

    The first axis of the inputs may have any extent that they share: it is the batch.

    Raises:
        ValueError: if an input is missing, unknown or of another shape or number format, or an op
            has no golden model.
    """
    known = {tensor.name: tensor for tensor in graph.inputs}
    unknown = sorted(set(inputs) - set(known))
    if unknown:
        raise ValueError(f"inputs: the graph has no input {', '.join(unknown)}")
    values: dict[str, NDArray[Any]] = {
        tensor.name: tensor.data for tensor in graph.tensors if tensor.data is not None
    }
    for name, tensor in known.items():
        if name not in inputs:
            raise ValueError(f"input {name}: missing")
        given = inputs[name]
        if given.shape[1:] != tensor.shape[1:] or given.dtype.name != tensor.number_format:
            raise ValueError(
                f"input {name}: must be {tensor.number_format} {tensor.shape}, "
                f"got {given.dtype.name} {given.shape}"
            )
        values[name] = given
    made: dict[str, NDArray[Any]] = {}
    for op in graph.ops:
        if op.kind not in KINDS:
            raise ValueError(f"op {op.name}: kind {op.kind!r} has no golden model")
        activation, result = graph.tensor(op.inputs[0]), graph.tensor(op.outputs[0])
        zero_point = activation.zero_point[0] if activation.zero_point else 0
        raw = KINDS[op.kind](op, [values[name] for name in op.inputs], zero_point)
        values[result.name] = made[result.name] = raw.astype(np.dtype(result.number_format))
    return made
