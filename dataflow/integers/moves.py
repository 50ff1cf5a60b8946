"""Ops that only move values (and max_pool, which only picks them), on integers.

What they make of integers stands for what they make of the floats, so they change places with
`quantize` and `dequantize`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..graph import Op
from ..tensor import Tensor
from .state import State, origins
from .values import ACTIVATION_LAYOUTS, Held, Quantisation, Refused, Target, Value

MOVES = ("max_pool", "slice", "pad", "reshape", "transpose", "resize", "gather")
"""Kinds with one operand of values; further operands are indices."""


def move(state: State, op: Op, source: str, name: str, target: Target | None = None) -> str:
    """The op of the model on the integers `source`, as tensor `name` of the integer graph."""
    tensor = state.build.tensors[source]
    if tensor.role == "constant" and op.kind in _FOLDED:
        return _fold(state, op, tensor, name)
    quantisation = Quantisation.of(tensor)
    if quantisation is None and tensor.scale:
        raise Refused(op, f"`{state.shown(op.inputs[0])}` must have one scale for all elements")
    result = replace(
        tensor,
        name=name,
        shape=state.shape(op.outputs[0]),
        layout=ACTIVATION_LAYOUTS.get(len(state.shape(op.outputs[0])), ""),
        role="intermediate",
        data=None,
        origin=state.shown(op.outputs[0] if target is None else target.tensor.name),
    )
    attributes = dict(op.attributes)
    if op.kind == "pad" and attributes["mode"] == "constant":
        attributes["value"] = float(padding(op, quantisation, target))
    indices = [_indices(state, op, index) for index in range(1, len(op.inputs))]
    nodes = origins(op, target.op) if target is not None else origins(op)
    state.build.op(op.kind, [source, *indices], result, attributes, nodes)
    if source in state.limits and op.kind != "pad":
        state.limits[name] = state.limits[source]
    return name


def _indices(state: State, op: Op, index: int) -> str:
    tensor = state.held(op.inputs[index])
    if tensor is None:
        raise state.not_quantised(op, index)
    return tensor.name


def is_exact(op: Op, quantisation: Quantisation | None) -> bool:
    """Whether all that a move puts into its result is what some integer stands for."""
    if op.kind != "pad" or op.attributes["mode"] != "constant" or quantisation is None:
        return True
    return quantisation.is_exact(op.number("value"))


def padding(op: Op, quantisation: Quantisation | None, target: Target | None) -> int:
    """The integer that pads: of the target's limits, or that of a value held exactly."""
    value = np.array(op.number("value"), np.float32)
    if target is not None:
        return int(target.quantize(value))
    if quantisation is None:
        return int(value)
    return int(quantisation.tensor("value", ()).quantize(value))


def hold_moved(state: State, op: Op) -> Value | None:
    """The result of a move of integers, or None if it must wait for its `quantize`."""
    source = state.held(op.inputs[0])
    assert source is not None
    if not is_exact(op, Quantisation.of(source)):
        return None
    name, target = result_name(state, op, source)
    return Held(tensor=move(state, op, source.name, name, target))


def hold_joined(state: State, op: Op) -> Value | None:
    """A concat of integers of one quantisation, or None."""
    parts = [state.held(name) for name in op.inputs]
    known = [part for part in parts if part is not None]
    alike = {(Quantisation.of(part), part.number_format) for part in known}
    if len(known) < len(parts) or len(alike) != 1 or (None, known[0].number_format) in alike:
        return None
    name, target = result_name(state, op, known[0])
    shape = state.shape(op.outputs[0])
    result = replace(
        known[0],
        name=name,
        shape=shape,
        layout=ACTIVATION_LAYOUTS.get(len(shape), ""),
        role="intermediate",
        data=None,
        origin=state.shown(op.outputs[0] if target is None else target.op.outputs[0]),
    )
    nodes = origins(op) if target is None else origins(op, target.op)
    state.build.op("concat", [part.name for part in known], result, op.attributes, nodes)
    ranges = [state.limits.get(part.name) for part in known]
    if all(ranges):
        lows, highs = zip(*filter(None, ranges), strict=True)
        state.limits[name] = min(lows), max(highs)
    return Held(tensor=name)


def result_name(state: State, op: Op, source: Tensor) -> tuple[str, Target | None]:
    """That of the `quantize` behind it, if it is the only one and changes nothing."""
    own = op.outputs[0]
    consumers = state.consumers[own]
    if len(consumers) == 1 and consumers[0].kind == "quantize":
        is_output = state.model.tensor(own).role == "output"
        tensor = state.model.tensor(consumers[0].outputs[0])
        same = Quantisation.of(tensor) == Quantisation.of(source) is not None
        if same and not is_output and not consumers[0].attributes:
            name = state.build.free_name(tensor.name, is_of_file=True)
            return name, Target.of(state.model, consumers[0])
    return state.build.free_name(own, is_of_file=True), None


def _fold(state: State, op: Op, tensor: Tensor, name: str) -> str:
    """A constant moved now."""
    assert tensor.data is not None
    data, axis, kept = _FOLDED[op.kind](op, tensor, state.shape(op.outputs[0]))
    scale = tuple(np.array(tensor.scale)[kept].tolist()) if kept is not None else tensor.scale
    zeros = tensor.zero_point if kept is None else tuple(np.array(tensor.zero_point)[kept].tolist())
    folded = replace(tensor, axis=None, scale=(), zero_point=(), name=name, shape=data.shape)
    folded = replace(folded, data=np.ascontiguousarray(data).reshape(data.shape), layout="")
    return state.build.add(replace(folded, scale=scale, zero_point=zeros, axis=axis))


_Folded = tuple[NDArray[Any], int | None, NDArray[np.int64] | None]


def _transposed(op: Op, tensor: Tensor, shape: tuple[int, ...]) -> _Folded:
    del shape
    assert tensor.data is not None
    perm = op.integers("perm")
    axis = None if tensor.axis is None else perm.index(tensor.axis)
    return tensor.data.transpose(perm), axis, None


def _reshaped(op: Op, tensor: Tensor, shape: tuple[int, ...]) -> _Folded:
    """The axis of the scales must stay an axis of its own."""
    assert tensor.data is not None
    if tensor.axis is None:
        return tensor.data.reshape(shape), None, None
    before = math.prod(tensor.shape[: tensor.axis])
    for axis, extent in enumerate(shape):
        if extent == tensor.shape[tensor.axis] and math.prod(shape[:axis]) == before:
            return tensor.data.reshape(shape), axis, None
    raise Refused(op, f"the axis {tensor.axis} of the constant's scales is not kept")


def _sliced(op: Op, tensor: Tensor, shape: tuple[int, ...]) -> _Folded:
    del shape
    assert tensor.data is not None
    bounds = zip(op.integers("starts"), op.integers("stops"), op.integers("steps"), strict=True)
    indices = [np.array(range(*each)) for each in bounds]
    kept = None if tensor.axis is None else indices[tensor.axis]
    return tensor.data[np.ix_(*indices)], tensor.axis, kept


_FOLDED = {"transpose": _transposed, "reshape": _reshaped, "slice": _sliced}
