"""Float functions between sums and their `quantize`, as exact thresholds of the sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..graph import Op
from ..number_formats import bits_of, fits, range_of, storage_type
from ..tensor import Tensor
from .accumulate import ACCUMULATING, Accumulation, accumulation, channel_axis, sums
from .float_chain import CHAIN_KINDS, Chain, ChainError, Floats, chain_of, linear_step, offset_step
from .state import Job, State
from .thresholds import Staircase, Thresholds, thresholds_of
from .values import Floating, Held, Literal, Refused


def stepwise(state: State, job: Job) -> str | None:
    """A raw accumulating op and a `threshold`; None if the float ops are of another form.

    Raises:
        Refused: if the form fits but no thresholds can be found.
    """
    found = _chain_ops(state, job.op)
    if found is None or state.held(found[0].inputs[1]) is None:
        return None
    op, ops = found
    parts = accumulation(state, op, has_bias=False)
    if parts.weight.data is None:
        return None
    shape = state.shape(op.outputs[0])
    axis = channel_axis(op, len(shape))
    try:
        chain = _whole_chain(state, parts, ops, shape, axis)
        attributes: dict[str, int | str] = {"minimum": job.target.low, "maximum": job.target.high}
        if job.target.rounding is not None:
            attributes["rounding"] = job.target.rounding
        least, greatest = _range(state, parts)
        found_steps = thresholds_of(
            Staircase(
                chain=chain,
                least=least,
                greatest=greatest,
                result=job.target.quantisation.tensor("levels", (parts.channels, 1)),
                attributes=attributes,
            )
        )
    except ChainError as error:
        raise Refused(error.op, error.rule) from None
    except ValueError as error:
        raise Refused(job.op, str(error)) from None
    return _emit(state, job, parts, found_steps, axis)


def _chain_ops(state: State, op: Op) -> tuple[Op, Sequence[Op]] | None:
    """The accumulating op, and the ops from it to `op`, each fed by the one before."""
    ops: list[Op] = []
    while op.kind in CHAIN_KINDS:
        ops.append(op)
        below = [
            value.op for name in op.inputs if isinstance(value := state.values[name], Floating)
        ]
        if len(below) != 1:
            return None
        op = below[0]
    return (op, tuple(reversed(ops))) if op.kind in ACCUMULATING else None


def _whole_chain(
    state: State, parts: Accumulation, ops: Sequence[Op], shape: tuple[int, ...], axis: int
) -> Chain:
    """From the sums: times their unit, plus the op's float bias, then `ops`."""

    def constant(name: str) -> Floats | None:
        value = state.values[name]
        if isinstance(value, Literal):
            return np.asarray(value.data, np.float32)
        tensor = state.held(name) if isinstance(value, Held) else None
        if tensor is None or tensor.data is None or not tensor.scale:
            return None
        return tensor.dequantize(tensor.data)

    steps = [linear_step(parts.op, parts.unit)]
    for name in parts.op.inputs[2:]:
        bias = constant(name)
        if bias is None:
            raise ValueError(f"the bias `{state.shown(name)}` must be a constant")
        steps.append(offset_step(parts.op, np.broadcast_to(bias.reshape(-1), (parts.channels,))))
    rest = chain_of(ops, shape, axis, constant)
    return Chain((*steps, *rest.steps), parts.channels)


def _range(state: State, parts: Accumulation) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The least and greatest sums of each channel; some products may be left out (padding)."""
    low, high = state.limits.get(parts.activation.name, range_of(parts.activation.number_format))
    zero = parts.activation.zero_point[0]
    low, high = min(low - zero, 0), max(high - zero, 0)
    weight = _centred(parts)
    axis = {"conv": 0, "conv_transpose": 1, "matmul": weight.ndim - 1}[parts.op.kind]
    others = tuple(each for each in range(weight.ndim) if each != axis)
    if parts.op.kind == "matmul" and weight.ndim > 2:
        weight, others = weight.reshape(-1, *weight.shape[-2:]), (1,)
    products = np.minimum(weight * low, weight * high), np.maximum(weight * low, weight * high)
    least, greatest = (each.sum(axis=others) for each in products)
    if least.ndim > 1:  # a batch of weights
        least, greatest = least.min(0), greatest.max(0)
    repeat = parts.channels // len(least)
    return np.tile(least, repeat), np.tile(greatest, repeat)


def _centred(parts: Accumulation) -> NDArray[np.int64]:
    """Weights without their zero points."""
    weight = parts.weight
    assert weight.data is not None
    zero = np.array(weight.zero_point, np.int64)
    shape = [1] * len(weight.shape)
    if weight.axis is not None:
        shape[weight.axis] = -1
    return weight.data.astype(np.int64) - zero.reshape(shape)


def _emit(state: State, job: Job, parts: Accumulation, steps: Thresholds, axis: int) -> str:
    weight = _negated(parts, steps.is_negated)
    total = Tensor(
        name=state.build.free_name(parts.op.outputs[0], is_of_file=True),
        shape=job.result.shape,
        number_format="int32",
        origin=state.shown(parts.op.outputs[0]),
    )
    name = sums(state, replace(parts, weight=weight), total, parts.op.origin or parts.op.name)
    table = state.build.constant(f"thresholds_{state.build.number}", steps.table, "CT")
    attributes = {"axis": axis, "minimum": steps.minimum}
    return state.build.op("threshold", [name, table], job.result, attributes, job.nodes)


def _negated(parts: Accumulation, is_negated: NDArray[np.bool_]) -> Tensor:
    """The weights with those of some channels negated, in one bit more if that is needed."""
    weight = parts.weight
    if not is_negated.any():
        return weight
    assert weight.data is not None
    axis = {"conv": 0, "conv_transpose": 1, "matmul": weight.data.ndim - 1}[parts.op.kind]
    shape = [1] * weight.data.ndim
    shape[axis] = -1
    sign = np.where(is_negated, -1, 1)
    if parts.op.kind == "conv_transpose":
        groups = parts.op.integer("groups")
        if (sign.reshape(groups, -1) != sign[: len(sign) // groups]).any():
            raise Refused(
                parts.op, "its function rises in some groups of channels, falls in others"
            )
        sign = sign[: len(sign) // groups]
    centred = _centred(parts) * sign.reshape(shape)
    number_format = f"int{bits_of(weight.number_format) + 1}"
    if fits(centred, weight.number_format):
        number_format = weight.number_format
    return replace(
        weight,
        number_format=number_format,
        zero_point=(0,) * len(weight.scale),
        data=centred.astype(storage_type(number_format)),
    )
