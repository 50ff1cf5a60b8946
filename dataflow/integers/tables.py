"""Functions of one integer: tables of all their values, or `requantize`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..graph import Op
from ..litert import LITERT, litert_table
from ..number_formats import bits_of, range_of, storage_type
from ..tensor import Tensor
from .float32_functions import Floats
from .functions import FUNCTIONS
from .state import Job, State
from .values import Floating, Held, Quantisation, Refused, Target

MAX_TABLE_BITS = 16
MAX_CLIP_TABLE_BITS = 8
MAX_FUNCTION_OPS = 64
"""Elementwise ops that one table may stand for."""


def requantized(state: State, source: str, target: Target, result: Tensor, nodes: str) -> str:
    """Integers with another scale, zero point or format, or saturated further."""
    tensor = state.build.tensors[source]
    quantisation = Quantisation.of(tensor)
    if quantisation is None:
        rule = f"`{tensor.origin or tensor.name}` must have one scale, got {len(tensor.scale)}"
        raise Refused(target.op, rule, "quantise it per tensor")
    if tensor.data is not None:
        data = target.quantize(tensor.dequantize(tensor.data))
        name = state.build.constant(
            result.name,
            data.astype(storage_type(result.number_format)),
            like=target.quantisation.tensor("value", ()),
        )
        return state.made(name, target)
    is_clip = not target.is_full and bits_of(tensor.number_format) <= MAX_CLIP_TABLE_BITS
    if is_clip or target.rounding is not None:
        table = target.quantize(tensor.dequantize(all_integers(target.op, tensor)))
        return state.made(_table(state, source, table, result, nodes), target)
    kept = {key: value for key, value in target.op.attributes.items() if key == "arithmetic"}
    state.build.op("requantize", [source], result, {**kept, **target.limits}, nodes)
    return state.made(result.name, target)


def tabulated(state: State, job: Job) -> str | None:
    """A table for an elementwise function of one integer tensor; None if it is none.

    The function may be a graph of elementwise ops on that tensor (`x * sigmoid(x)`) and constants
    of one element.
    """
    ops = _elementwise(state, job.op)
    sources = {
        value.tensor
        for op in ops
        for name in op.inputs
        if isinstance(value := state.values[name], Held) and not _is_scalar(state, name)
    }
    is_closed = all(
        _is_scalar(state, name) or isinstance(state.values[name], Held) or _is_in(state, name, ops)
        for op in ops
        for name in op.inputs
    )
    if len(sources) != 1 or not is_closed or not ops:
        return None
    tensor = state.build.tensors[next(iter(sources))]
    if tensor.data is not None or Quantisation.of(tensor) is None:
        return None
    if state.shape(job.op.outputs[0]) != tensor.shape:
        return None
    if job.op.attributes.get("arithmetic") == LITERT:
        own = litert_table(job.op, tensor, job.result)
        return _table(state, tensor.name, own, job.result, job.nodes)
    values = tensor.dequantize(all_integers(job.op, tensor))
    floats = _evaluated(state, ops, tensor.name, values)
    if np.isnan(floats).any():
        raise Refused(job.op, "the function is not a number for some integers of its input")
    return _table(state, tensor.name, job.target.quantize(floats), job.result, job.nodes)


def _table(state: State, source: str, table: NDArray[np.int64], result: Tensor, nodes: str) -> str:
    data = table.astype(storage_type(result.number_format))
    like = Tensor(name="entries", shape=data.shape, number_format=result.number_format)
    name = state.build.constant(f"table_{state.build.number}", data, like=like)
    return state.build.op("table", [source, name], result, {}, nodes)


def all_integers(op: Op, tensor: Tensor) -> NDArray[np.int64]:
    """Every integer of a tensor's format, from the least.

    Raises:
        Refused: if they are too many for a table.
    """
    bits = bits_of(tensor.number_format)
    if bits > MAX_TABLE_BITS:
        rule = f"tables are for at most {MAX_TABLE_BITS} bits, `{tensor.name}` has {bits}"
        raise Refused(op, rule, "quantise the input to int8 or int16")
    low, high = range_of(tensor.number_format)
    return np.arange(low, high + 1)


def bounds_of(op: Op) -> tuple[float, float]:
    """The least and greatest value of a relu or a clip."""
    if op.kind == "relu":
        return 0.0, np.inf
    return op.number("minimum"), op.number("maximum")


def only_half_even(job: Job) -> None:
    """Raises Refused if the target rounds in another way than half to even."""
    if job.target.rounding is not None:
        rule = f"rounding {job.target.rounding} behind {job.op.kind} is not supported"
        raise Refused(job.target.op, rule, "round half to even (ROUND), with zero point 0")


def _is_scalar(state: State, name: str) -> bool:
    value = state.values[name]
    if isinstance(value, Held):
        tensor = state.build.tensors[value.tensor]
        return tensor.data is not None and tensor.data.size == 1
    data = getattr(value, "data", None)
    return data is not None and data.size == 1


def _is_in(state: State, name: str, ops: list[Op]) -> bool:
    value = state.values[name]
    return isinstance(value, Floating) and value.op in ops


def _elementwise(state: State, op: Op) -> list[Op]:
    """The elementwise ops that `op` depends on, itself last, in an order in which they can run."""
    found: dict[str, Op] = {}
    waiting = [op] if op.kind in FUNCTIONS else []
    while waiting and len(found) <= MAX_FUNCTION_OPS:
        item = waiting.pop()
        if item.name in found:
            continue
        found[item.name] = item
        for name in item.inputs:
            value = state.values[name]
            if isinstance(value, Floating) and value.op.kind in FUNCTIONS:
                waiting.append(value.op)
    if len(found) > MAX_FUNCTION_OPS:
        return []
    return sorted(found.values(), key=lambda item: state.position[item.name])


def _evaluated(state: State, ops: list[Op], source: str, values: Floats) -> Floats:
    """The last op's results for each of `values` of the tensor `source` of the integer graph."""
    known: dict[str, Floats] = {}
    with np.errstate(all="ignore"):
        for op in ops:
            operands = [_operand(state, name, source, values, known) for name in op.inputs]
            known[op.outputs[0]] = FUNCTIONS[op.kind](op, operands)
    return known[ops[-1].outputs[0]]


def _operand(
    state: State, name: str, source: str, values: Floats, known: dict[str, Floats]
) -> Floats:
    value = state.values[name]
    if isinstance(value, Held):
        tensor = state.build.tensors[value.tensor]
        if tensor.name == source:
            return values
        assert tensor.data is not None
        return tensor.dequantize(tensor.data).reshape(())
    if isinstance(value, Floating):
        return known[name]
    data = getattr(value, "data", None)
    assert data is not None
    return np.asarray(data, np.float32).reshape(())
