"""Elementwise ops: sums and products of integers, biases, tables, steps of accumulators."""

from __future__ import annotations

from ..graph import Op
from .accumulate import accumulated, added_constants
from .functions import FUNCTIONS
from .holding import activation, hold
from .state import Job, State
from .steps import stepwise
from .tables import MAX_FUNCTION_OPS, only_half_even, tabulated
from .values import Floating, Held, Refused
from .ways import way_back


def arithmetic(state: State, job: Job) -> str:
    """add, sub, mul of two integer tensors; else one of the other forms."""
    if not all(isinstance(state.values[name], Held) for name in job.op.inputs):
        return function(state, job)
    return _two_operands(state, job)


def _two_operands(state: State, job: Job) -> str:
    only_half_even(job)
    operands = [activation(state, job.op, index).name for index in range(2)]
    attributes = {**job.op.attributes, **job.target.limits}
    return state.build.op(job.op.kind, operands, job.result, attributes, job.nodes)


def function(state: State, job: Job) -> str:
    """A table, an accumulating op with or without Adds of constants, or steps of its sums.

    Raises:
        Refused: if it is none of these, with what is missing.
    """
    made = tabulated(state, job)
    if made is not None:
        return made
    is_qonnx = "rounding" in job.target.op.attributes
    biased = added_constants(state, job.op)
    if biased is not None and job.target.rounding is None:
        try:
            return accumulated(state, job, *biased, may_round=not is_qonnx)
        except Refused:
            if not is_qonnx:  # QONNX defines float biases exactly: thresholds do that
                raise
    made = stepwise(state, job) if is_qonnx or _begins_with_sums(state, job.op) else None
    is_binary = made is None and job.op.kind in ("add", "sub", "mul")
    if is_binary and all(hold(state, name) is not None for name in job.op.inputs):
        return _two_operands(state, job)
    if made is None:
        raise missing(state, job.op)
    return made


def _begins_with_sums(state: State, op: Op) -> bool:
    """Whether an op is a function of sums. Functions of other integers get thresholds only in
    QONNX files: elsewhere a float constant for each channel is most likely a mistake."""
    way = way_back(state, op)
    return way is not None and not isinstance(way.source, str)


def missing(state: State, op: Op) -> Refused:
    """What keeps a float op from becoming an integer one: an operand that is not quantised."""
    seen: set[str] = set()
    waiting = [op]
    while waiting and len(seen) < MAX_FUNCTION_OPS:
        item = waiting.pop()
        if item.name in seen:
            continue
        seen.add(item.name)
        for index, name in enumerate(item.inputs):
            value = state.values[name]
            if isinstance(value, Held):
                continue
            if isinstance(value, Floating) and value.op.kind in FUNCTIONS:
                waiting.append(value.op)
                continue
            if getattr(value, "data", None) is not None and state.shape(name) in ((), (1,)):
                continue
            return state.not_quantised(item, index)
    for index, name in enumerate(op.inputs):
        if not isinstance(state.values[name], Held):
            return state.not_quantised(op, index)
    return Refused(op, f"{op.kind} has no integer form here", "quantise its operands per tensor")
