"""The way back from a `quantize` to the integers that it stands behind.

Ops on it are functions of one value and constants of its channel (`float_chain.py`), or moves. A
move changes places with functions of one value and constants of all channels, so it is done on the
result; the others, which must stand in front of all functions, are done on the integers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..graph import Op
from ..shapes import Shape
from .accumulate import ACCUMULATING
from .float_chain import CHAIN_KINDS, ChainError, Floats, chain_of
from .moves import MOVES
from .state import State
from .values import Floating, Held, Literal

MAX_OPS = 32
"""Ops on a way, at most."""


@dataclass(frozen=True, kw_only=True)
class Way:
    """From `source`, an accumulating op or a value that integers stand for, to a `quantize`: moves
    of the integers, functions of one value, moves of the result, each in the order they run."""

    source: Op | str
    before: tuple[Op, ...]
    functions: tuple[Op, ...]
    after: tuple[Op, ...]


def way_back(state: State, op: Op) -> Way | None:
    """Walks back from the op whose result is quantised; None if it meets another form."""
    before: list[Op] = []
    functions: list[Op] = []
    after: list[Op] = []
    name = op.outputs[0]
    while not isinstance(value := state.values[name], Held):
        is_long = len(before) + len(functions) + len(after) >= MAX_OPS
        if is_long or not isinstance(value, Floating):
            return None
        op = value.op
        if op.kind in ACCUMULATING:
            return _ordered(op, before, functions, after)
        if op.kind in CHAIN_KINDS and not before and "arithmetic" not in op.attributes:
            functions.append(op)
        elif op.kind in MOVES and op.kind != "pad":
            commutes = not before and _commutes(state, op, functions)
            (after if commutes else before).append(op)
        else:
            return None
        operands = [each for each in op.inputs if constant_of(state, each) is None]
        if len(operands) != 1 and op.kind in CHAIN_KINDS:
            return None
        name = operands[0]
    return _ordered(name, before, functions, after) if functions and not before else None


def _ordered(source: Op | str, *found: list[Op]) -> Way:
    before, functions, after = (tuple(reversed(ops)) for ops in found)
    return Way(source=source, before=before, functions=functions, after=after)


def _commutes(state: State, op: Op, later: Sequence[Op]) -> bool:
    """Whether a move may be done behind these functions, which are listed last first."""
    constants = [constant_of(state, name) for each in later for name in each.inputs]
    if any(values is not None and values.size > 1 for values in constants):
        return False
    if op.kind != "max_pool":
        return True
    try:
        chain = chain_of(later[::-1], (1,), 0, lambda name: constant_of(state, name))
    except ChainError:
        return False
    return not chain.falls.any()


def constant_of(state: State, name: str) -> Floats | None:
    """The floats of a constant, or of integers that are one."""
    value = state.values[name]
    if isinstance(value, Literal):
        return np.asarray(value.data, np.float32)
    tensor = state.held(name) if isinstance(value, Held) else None
    if tensor is None or tensor.data is None or not tensor.scale:
        return None
    return tensor.dequantize(tensor.data)


def axis_behind(op: Op, shape: Shape, result: Shape, axis: int) -> int | None:
    """The axis of the result that is `axis` of `shape`, None if it is not kept whole."""
    if op.kind == "transpose":
        return op.integers("perm").index(axis)
    if op.kind == "reshape":
        front = math.prod(shape[:axis])
        places = [at for at, extent in enumerate(result) if extent == shape[axis]]
        return next((at for at in places if math.prod(result[:at]) == front), None)
    if op.kind == "slice":
        walk = [op.integers(name)[axis] for name in ("starts", "stops", "steps")]
        return axis if walk == [0, shape[axis], 1] else None
    if op.kind == "resize":
        return None if axis in op.integers("axes") else axis
    return axis if op.kind == "max_pool" and axis < 2 else None


def axis_of(state: State, functions: Sequence[Op], rank: int) -> int:
    """The axis along which constants of the functions differ; the last if they do not."""
    for op in functions:
        if op.kind == "batch_normalization":
            return 1
        for name in op.inputs:
            values = constant_of(state, name)
            if values is not None and values.size > 1:
                long = [axis for axis, extent in enumerate(values.shape) if extent != 1]
                return int(rank - values.ndim + long[0])
    return rank - 1
