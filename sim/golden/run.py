"""Golden run of an integer Graph: every op in NumPy integers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tilewright.dataflow.graph import Graph, Op, Tensor
from tilewright.dataflow.number_formats import fits, storage_type

from .operand import Operand
from .ops import golden_function


def run(
    graph: Graph, inputs: Mapping[str, NDArray[Any]], keep: Iterable[str] | None = None
) -> dict[str, NDArray[Any]]:
    """The values of the tensors that the ops make, by name, in their storage types.

    The first axis of the inputs may have any extent that they share: it is the batch, and the
    first extent of the results is as many times the graph's. With `keep` only the tensors of these
    names are given back, and the others' memory is freed as soon as no later op needs them.

    Raises:
        ValueError: if an input is missing, unknown or of another shape or number format, a name to
            keep is of no tensor that an op makes, or an op has no golden model.
    """
    values = _constants(graph) | _checked_inputs(graph, inputs)
    made = {name for op in graph.ops for name in op.outputs}
    kept = made if keep is None else set(keep)
    if kept - made:
        raise ValueError(f"keep: no op makes {', '.join(sorted(kept - made))}")
    last_reader = {name: op.name for op in graph.ops for name in op.inputs}
    for op in graph.ops:
        result = graph.tensor(op.outputs[0])
        values[result.name] = run_op(graph, op, values)
        done = [
            name for name in (*op.inputs, result.name) if last_reader.get(name, op.name) == op.name
        ]
        for name in set(done) & (made - kept):
            del values[name]
    return {name: values[name] for op in graph.ops for name in op.outputs if name in kept}


def run_op(graph: Graph, op: Op, values: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """The result of one op on `values` by the names of its inputs.

    Raises:
        ValueError: naming the op, if it has no golden model or its operands do not fit it.
    """
    function = golden_function(op)
    result = graph.tensor(op.outputs[0])
    operands = [Operand(tensor=graph.tensor(name), values=values[name]) for name in op.inputs]
    try:
        numbers = function(op, operands, result)
    except ValueError as error:
        raise ValueError(f"op {op.name} ({op.kind}): {error}") from None
    stored = storage_type(result.number_format)
    assert numbers.dtype == stored, f"{op.name}: {numbers.dtype} for {stored}"
    return np.ascontiguousarray(numbers)


def _constants(graph: Graph) -> dict[str, NDArray[Any]]:
    return {tensor.name: tensor.data for tensor in graph.tensors if tensor.data is not None}


def _checked_inputs(graph: Graph, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    known = {tensor.name: tensor for tensor in graph.inputs}
    unknown = sorted(set(inputs) - set(known))
    if unknown:
        raise ValueError(f"inputs: the graph has no input {', '.join(unknown)}")
    for name, tensor in known.items():
        if name not in inputs:
            raise ValueError(f"input {name}: missing")
        _check_input(tensor, inputs[name])
    growths = {name: (len(inputs[name]), t.shape[0]) for name, t in known.items() if t.shape}
    first = next(iter(growths.values()), (1, 1))
    for name, (given, wanted) in growths.items():
        if given * first[1] != wanted * first[0]:
            raise ValueError(f"input {name}: a batch of {given}, and another input has {first[0]}")
    return {name: inputs[name] for name in known}


def _check_input(tensor: Tensor, given: NDArray[Any]) -> None:
    stored = storage_type(tensor.number_format)
    fits_shape = len(given.shape) == len(tensor.shape) and given.shape[1:] == tensor.shape[1:]
    if not fits_shape or given.dtype != stored:
        raise ValueError(
            f"input {tensor.name}: must be {stored.name} {tensor.shape}, "
            f"got {given.dtype.name} {given.shape}"
        )
    if not given.size:
        raise ValueError(f"input {tensor.name}: must not be empty, got {given.shape}")
    if not fits(given, tensor.number_format):
        raise ValueError(f"input {tensor.name}: values beyond {tensor.number_format}")
