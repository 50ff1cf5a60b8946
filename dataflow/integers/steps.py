"""Float functions between integers and their `quantize`, as exact thresholds of the integers.

The integers are the sums of an accumulating op, or a tensor's; `ways.py` finds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..graph import Op
from ..number_formats import bits_of
from ..shapes import Shape
from ..tensor import Tensor
from .accumulate import accumulation, channel_axis, sums
from .float_chain import (
    Chain,
    ChainError,
    Step,
    chain_of,
    linear_step,
    offset_step,
)
from .moves import move
from .state import Job, State, origins
from .sum_bounds import Sums, centred_limits, negated, sum_bounds
from .thresholds import Staircase, Thresholds, thresholds_of
from .values import Refused
from .ways import Way, axis_behind, axis_of, constant_of, way_back

MAX_ASKED_BITS = 8


@dataclass(frozen=True, kw_only=True)
class _Integers:
    """Integers less their zero point in `[least, greatest]`, [channels] along `axis` of `shape`;
    `steps` make floats of them. `op` is for messages."""

    op: Op
    least: Sums
    greatest: Sums
    steps: tuple[Step, ...]
    shape: Shape
    axis: int


def stepwise(state: State, job: Job) -> str | None:
    """Raw sums (or integers that are there), moved, and a `threshold` of them, moved; the name of
    the last tensor. None if the float ops are of another form.

    Raises:
        Refused: if the form fits but no thresholds can be found.
    """
    way = way_back(state, job.op)
    if way is None:
        return None
    if isinstance(way.source, str):
        return _of_tensor(state, job, way, way.source)
    parts = accumulation(state, way.source, has_bias=False)
    least, greatest = sum_bounds(state, parts)
    shape = state.shape(way.source.outputs[0])
    integers = _Integers(
        op=way.source,
        least=least,
        greatest=greatest,
        steps=(linear_step(way.source, parts.unit), *_bias(state, way.source, parts.channels)),
        shape=shape,
        axis=channel_axis(way.source, len(shape)),
    )
    integers = _moved(state, integers, way.before)
    found = _thresholds(state, job, way, integers)
    if found.is_negated.any() and any(op.kind == "max_pool" for op in way.before):
        rule = "what follows this MaxPool falls in some channels: the least would have to be taken"
        raise Refused(next(op for op in way.before if op.kind == "max_pool"), rule)
    total = Tensor(
        name=_free_name(state, job, way.source),
        shape=shape,
        number_format="int32",
        origin=state.shown(way.source.outputs[0]),
    )
    name = sums(state, negated(parts, found.is_negated), total, origins(way.source))
    for op in way.before:
        name = move(state, op, name, _free_name(state, job, op))
    return _emit(state, job, way, name, found, integers.axis)


def asked_stepwise(state: State, job: Job) -> str | None:
    """Thresholds of sums where the file has QONNX's order of steps, and a result so narrow that
    they are few; else None."""
    is_asked = "rounding" in job.target.op.attributes
    if not is_asked or bits_of(job.result.number_format) > MAX_ASKED_BITS:
        return None
    way = way_back(state, job.op)
    return None if way is None or isinstance(way.source, str) else stepwise(state, job)


def _of_tensor(state: State, job: Job, way: Way, source: str) -> str | None:
    """Thresholds of a tensor's integers."""
    tensor = state.held(source)
    assert tensor is not None
    if len(tensor.scale) != 1 or not tensor.shape:
        return None
    axis = axis_of(state, way.functions, len(tensor.shape))
    low, high = centred_limits(state, tensor)
    channels = np.ones(tensor.shape[axis], np.int64)
    integers = _Integers(
        op=way.functions[0] if way.functions else job.op,
        least=low * channels,
        greatest=high * channels,
        steps=(linear_step(job.op, np.array(tensor.scale, np.float32)),),
        shape=tensor.shape,
        axis=axis,
    )
    found = _thresholds(state, job, way, integers)
    if found.is_negated.any():
        raise Refused(job.op, "falls with its integers in some channels: no thresholds rise there")
    table = found.table.astype(np.int64) + tensor.zero_point[0]
    return _emit(state, job, way, tensor.name, replace(found, table=table.astype(np.int32)), axis)


def _moved(state: State, integers: _Integers, moves: Sequence[Op]) -> _Integers:
    """The same behind moves; the channels must stay as they are, on an axis of their own."""
    for op in moves:
        shape = state.shape(op.outputs[0])
        axis = axis_behind(op, integers.shape, shape, integers.axis)
        if axis is None:
            raise Refused(op, "must keep the channels of the sums, or follow a `quantize`")
        integers = replace(integers, shape=shape, axis=axis)
    return integers


def _thresholds(state: State, job: Job, way: Way, integers: _Integers) -> Thresholds:
    attributes: dict[str, int | str] = {"minimum": job.target.low, "maximum": job.target.high}
    rounding = job.target.op.attributes.get("rounding")
    if rounding is not None:
        attributes["rounding"] = str(rounding)
    channels = len(integers.least)
    try:
        rest = chain_of(
            way.functions, integers.shape, integers.axis, lambda name: constant_of(state, name)
        )
        return thresholds_of(
            Staircase(
                chain=Chain((*integers.steps, *rest.steps), channels),
                least=integers.least,
                greatest=integers.greatest,
                result=job.target.quantisation.tensor("levels", (channels, 1)),
                attributes=attributes,
            )
        )
    except ChainError as error:
        raise Refused(error.op, error.rule) from None
    except ValueError as error:
        raise Refused(integers.op, str(error)) from None


def _emit(state: State, job: Job, way: Way, source: str, found: Thresholds, axis: int) -> str:
    """The `threshold`, and the moves of its result."""
    shape = state.build.tensors[source].shape
    last = len(way.after)
    result = job.result
    if last:
        name = state.build.free_name(f"{job.result.name}_levels")
        result = job.target.quantisation.tensor(name, shape, job.result.origin)
    nodes = _nodes(way, job)
    table = state.build.constant(f"thresholds_{state.build.number}", found.table, "CT")
    attributes = {"axis": axis, "minimum": found.minimum}
    made = state.build.op("threshold", [source, table], result, attributes, nodes)
    for index, op in enumerate(way.after, start=1):
        name = job.result.name if index == last else state.build.free_name(f"{made}_moved")
        made = move(state, op, state.made(made, job.target), name)
    return made


def _nodes(way: Way, job: Job) -> str:
    """Names of the nodes that become thresholds: not that of the sums."""
    names = [op.origin or op.name for op in way.functions] + job.nodes.split(", ")
    own = () if isinstance(way.source, str) else (way.source.origin or way.source.name,)
    return ", ".join(name for name in dict.fromkeys(names) if name not in own)


def _free_name(state: State, job: Job, op: Op) -> str:
    """For the integers of an op's result; the job's result may want the same."""
    name = state.build.free_name(op.outputs[0], is_of_file=True)
    return name if name != job.result.name else state.build.free_name(f"{name}_sums")


def _bias(state: State, op: Op, channels: int) -> tuple[Step, ...]:
    """The float bias that is the op's third operand, added once to the whole sum."""
    steps = []
    for name in op.inputs[2:]:
        bias = constant_of(state, name)
        if bias is None or bias.size not in (1, channels):
            raise Refused(op, f"the bias `{state.shown(name)}` must be {channels} constants")
        steps.append(offset_step(op, np.broadcast_to(bias.reshape(-1), (channels,))))
    return tuple(steps)
