"""Integers for a float value that no `quantize` follows, where they stand for it exactly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..graph import Op
from ..tensor import Tensor
from .moves import MOVES, is_exact, move
from .state import State, origins
from .tables import bounds_of, requantized
from .values import Floating, Held, Quantisation, Refused, Target

MAX_HELD = 64
"""Moves and clips that follow each other without a `quantize`."""


def hold(state: State, name: str) -> Tensor | None:
    """The tensor whose integers stand for a value: one that is there, or made for it now.

    It can be made for moves, relus and clips of integers, if all that they put into the result
    (0, bounds, padding) is exactly what some integer stands for. None if there is none.
    """
    chain: list[Op] = []
    value = state.values[name]
    while isinstance(value, Floating) and value.op.kind in (*MOVES, "relu", "clip"):
        if len(chain) >= MAX_HELD:
            return None
        chain.append(value.op)
        value = state.values[value.op.inputs[0]]
    if not isinstance(value, Held):
        return None
    source = state.build.tensors[value.tensor]
    quantisation = Quantisation.of(source)
    if chain and (quantisation is None or not _is_all_exact(chain, quantisation)):
        return None
    for op in reversed(chain):
        source = _made(state, op, source)
        state.values[op.outputs[0]] = Held(tensor=source.name)
    return source


def _is_all_exact(chain: Sequence[Op], quantisation: Quantisation) -> bool:
    for op in chain:
        if op.kind in MOVES:
            if not is_exact(op, quantisation):
                return False
        elif not _is_exact_clip(op, quantisation):
            return False
    return True


def _is_exact_clip(op: Op, quantisation: Quantisation) -> bool:
    """Whether each bound is what some integer stands for, or lies behind all that integers do."""
    low, high = bounds_of(op)
    least, most = quantisation.ends
    low_is_exact = low <= least or quantisation.is_exact(low)
    return low_is_exact and (high >= most or quantisation.is_exact(high))


def _made(state: State, op: Op, source: Tensor) -> Tensor:
    result = op.outputs[0]
    name = state.build.free_name(result, is_of_file=True)
    if op.kind in MOVES:
        return state.build.tensors[move(state, op, source.name, name)]
    quantisation = Quantisation.of(source)
    assert quantisation is not None
    low, high = quantisation.limits
    whole = Target(
        op=op, tensor=source, quantisation=quantisation, low=low, high=high, rounding=None
    )
    ends = whole.quantize(np.array(bounds_of(op), np.float32))
    target = whole.narrowed(*map(int, ends))
    tensor = quantisation.tensor(name, state.shape(result), state.shown(result))
    made = requantized(state, source.name, target, tensor, origins(op))
    return state.build.tensors[made]


def operand(state: State, op: Op, index: int) -> Tensor:
    """The integers of an op's operand; Refused if it is not quantised."""
    tensor = hold(state, op.inputs[index])
    if tensor is None:
        raise state.not_quantised(op, index)
    return tensor


def activation(state: State, op: Op, index: int) -> Tensor:
    """An operand whose integers have one scale."""
    tensor = operand(state, op, index)
    if Quantisation.of(tensor) is None:
        rule = f"`{tensor.origin or tensor.name}` must have one scale, got {len(tensor.scale)}"
        raise Refused(op, rule, "quantise it per tensor")
    return tensor
