"""Golden run of an integer Graph: every op in NumPy integers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tilewright.dataflow.graph import Graph, Op, Tensor
from tilewright.dataflow.number_formats import fits, storage_type

from .batches import keeps_batch, split
from .operand import Golden, Operand
from .ops import golden_function

ONE = Fraction(1)


def run(
    graph: Graph, inputs: Mapping[str, NDArray[Any]], keep: Iterable[str] | None = None
) -> dict[str, NDArray[Any]]:
    """The values of the tensors that the ops make, by name, in their storage types.

    The first extent of the inputs may be another than the graph's, if they share the factor: it is
    the batch, and the results are those of several runs, one after the other. With `keep` only the
    tensors of these names are given back, and the others' memory is freed as soon as no later op
    needs them.

    Raises:
        ValueError: if an input is missing, unknown or of another shape or number format, a name to
            keep is of no tensor that an op makes, or an op has no golden model.
    """
    runs = check_inputs(graph, inputs)
    values = {t.name: t.data for t in graph.tensors if t.data is not None} | dict(inputs)
    made = {name for op in graph.ops for name in op.outputs}
    kept = made if keep is None else set(keep)
    if kept - made:
        raise ValueError(f"keep: no op makes {', '.join(sorted(kept - made))}")
    last_reader = {name: op.name for op in graph.ops for name in op.inputs}
    for op in graph.ops:
        values[op.outputs[0]] = run_op(graph, op, values, runs)
        for name in {*op.inputs, *op.outputs} & (made - kept):
            if last_reader.get(name, op.name) == op.name:
                del values[name]
    return {name: values[name] for op in graph.ops for name in op.outputs if name in kept}


def run_op(
    graph: Graph, op: Op, values: Mapping[str, NDArray[Any]], runs: Fraction = ONE
) -> NDArray[Any]:
    """The result of one op on `values` by the names of its inputs, for `runs` runs of the graph.

    Raises:
        ValueError: naming the op, if it has no golden model or its operands do not fit it.
    """
    function = golden_function(op)
    result = graph.tensor(op.outputs[0])
    tensors = [graph.tensor(name) for name in op.inputs]
    numbers = [values[name] for name in op.inputs]
    try:
        if runs == 1 or keeps_batch(graph, op):
            made = function(op, _operands(tensors, numbers), result)
        else:
            made = _run_by_run(function, op, tensors, numbers, result, runs)
    except ValueError as error:
        raise ValueError(f"op {op.name} ({op.kind}): {error}") from None
    stored = storage_type(result.number_format)
    assert made.dtype == stored, f"{op.name}: {made.dtype} for {stored}"
    return np.asarray(made, order="C")


def _run_by_run(
    function: Golden,
    op: Op,
    tensors: Sequence[Tensor],
    numbers: Sequence[NDArray[Any]],
    result: Tensor,
    runs: Fraction,
) -> NDArray[Any]:
    if runs.denominator != 1 or not result.shape:
        raise ValueError(f"cannot take {runs} times the graph's batch at once")
    parts = [split(t, n, runs.numerator) for t, n in zip(tensors, numbers, strict=True)]
    made = [function(op, _operands(tensors, part), result) for part in zip(*parts, strict=True)]
    return np.concatenate(made)


def _operands(tensors: Sequence[Tensor], numbers: Sequence[NDArray[Any]]) -> list[Operand]:
    return [Operand(tensor=t, values=n) for t, n in zip(tensors, numbers, strict=True)]


def check_inputs(graph: Graph, inputs: Mapping[str, NDArray[Any]]) -> Fraction:
    """How many runs of the graph the inputs stand for; ValueError naming one that does not fit."""
    known = {tensor.name: tensor for tensor in graph.inputs}
    unknown = sorted(set(inputs) - set(known))
    if unknown:
        raise ValueError(f"inputs: the graph has no input {', '.join(unknown)}")
    runs = ONE
    for index, (name, tensor) in enumerate(known.items()):
        if name not in inputs:
            raise ValueError(f"input {name}: missing")
        _check_input(tensor, inputs[name])
        factor = Fraction(len(inputs[name]), tensor.shape[0]) if tensor.shape else ONE
        if index and factor != runs:
            raise ValueError(f"input {name}: {factor} times its batch, and other inputs {runs}")
        runs = factor
    return runs


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
