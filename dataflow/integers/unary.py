"""Pools, means and normalisations of integers: one activation, requantised for the result."""

from __future__ import annotations

from .builder import limits_of
from .holding import activation, operand
from .state import Job, State
from .tables import only_half_even
from .values import Literal, Refused


def reduced(state: State, job: Job) -> str:
    """average_pool, global_average_pool, reduce_mean: saturated to the target's limits."""
    only_half_even(job)
    source = activation(state, job.op, 0)
    attributes = {**job.op.attributes, **job.target.limits}
    return state.build.op(job.op.kind, [source.name], job.result, attributes, job.nodes)


def normalised(state: State, job: Job) -> str:
    """softmax and layer_normalization; the latter's scale and bias are constants."""
    only_half_even(job)
    operands = [activation(state, job.op, 0).name]
    operands += [_parameter(state, job, index) for index in range(1, len(job.op.inputs))]
    limits = job.target.limits if job.op.kind == "layer_normalization" else {}
    attributes = {**job.op.attributes, **limits}
    if job.op.kind == "layer_normalization" or job.target.is_full:
        return state.build.op(job.op.kind, operands, job.result, attributes, job.nodes)
    return _saturated(state, job, operands)


def _parameter(state: State, job: Job, index: int) -> str:
    """A scale or bias of layer_normalization: constant floats, or integers with a scale."""
    name = job.op.inputs[index]
    value = state.values[name]
    if isinstance(value, Literal):
        shown = ("scale", "bias")[index - 1]
        wanted = f"{shown}_{state.build.number}"
        return state.build.constant(wanted, value.data, origin=state.shown(name))
    tensor = operand(state, job.op, index)
    if tensor.data is None or not tensor.scale:
        rule = f"`{state.shown(name)}` must be a constant"
        raise Refused(job.op, rule)
    return tensor.name


def _saturated(state: State, job: Job, operands: list[str]) -> str:
    """A softmax has no limits of its own: a second op saturates its result."""
    whole = job.target.quantisation.tensor(
        state.build.free_name(job.op.outputs[0]), job.result.shape, job.result.origin
    )
    made = state.build.op(job.op.kind, operands, whole, job.op.attributes, job.nodes)
    limits = limits_of(job.target.low, job.target.high, job.target.quantisation.limits)
    return state.build.op("requantize", [made], job.result, limits, job.nodes)
