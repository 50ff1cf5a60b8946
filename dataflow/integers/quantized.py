"""Integers for what a `quantize` takes: saturations and moves on the way, then a rule for the op.

A quantizer rises with its argument, so `q(clip(v)) = clip(q(v))` and `q(max(a, b)) = max(q(a),
q(b))`, whatever the scales: a Relu, a Clip, a MaxPool or a move between an op and its `quantize`
becomes a narrower saturation of the op's result, or an op on its integers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..graph import Op
from ..number_formats import storage_type
from ..tensor import Tensor
from .boundaries import boundary
from .elementwise import arithmetic, function
from .moves import MOVES, move
from .state import Job, State, origins
from .steps import asked_stepwise
from .tables import bounds_of, requantized
from .unary import normalised, reduced
from .values import Floating, Free, Held, Literal, Refused, Target

MAX_DEPTH = 16
"""Concats of concats that one `quantize` may stand behind."""

MAX_PEELED = 64
"""Moves and clips between an op and its `quantize`."""

_RULES: Mapping[str, Callable[[State, Job], str]] = {
    "add": arithmetic,
    "sub": arithmetic,
    "mul": arithmetic,
    "average_pool": reduced,
    "global_average_pool": reduced,
    "reduce_mean": reduced,
    "softmax": normalised,
    "layer_normalization": normalised,
}


@dataclass(frozen=True, kw_only=True)
class _Peeled:
    """The value `source` for `target`, then `moves` of its integers, in the order they run."""

    source: str
    target: Target
    moves: tuple[tuple[Op, Target], ...]
    clips: tuple[Op, ...]


def quantized(state: State, source: str, target: Target, wanted: str, depth: int = 0) -> str:
    """The tensor of the integer graph that holds `target.quantize(source)`.

    It is a new one named `wanted`, or one that is there already.

    Raises:
        Refused: if no integer op computes it.
    """
    key = (source, target.quantisation, target.low, target.high, target.rounding)
    known = state.quantized.get(key)
    if known is None:
        known = state.quantized[key] = _quantized(state, source, target, wanted, depth)
    return known


def _quantized(state: State, source: str, target: Target, wanted: str, depth: int) -> str:
    if depth > MAX_DEPTH:
        raise Refused(target.op, f"more than {MAX_DEPTH} Concats follow each other in front of it")
    peeled = _peel(state, source, target)
    last = len(peeled.moves)
    made = _core(state, peeled, wanted if not last else peeled.source, depth)
    for index, (op, step) in enumerate(peeled.moves, start=1):
        name = state.build.free_name(wanted if index == last else op.outputs[0], is_of_file=True)
        made = state.made(move(state, op, made, name, step), step)
    return made


def _peel(state: State, source: str, target: Target) -> _Peeled:
    ops: list[Op] = []
    while True:
        value = state.values[source]
        op = value.op if isinstance(value, Floating | Free) else None
        if op is None:
            break
        is_saturation = op.kind in ("relu", "clip") and "arithmetic" not in op.attributes
        if not (is_saturation and isinstance(value, Floating)) and op.kind not in MOVES:
            break
        ops.append(op)
        if len(ops) > MAX_PEELED:
            raise Refused(target.op, f"more than {MAX_PEELED} moves and clips stand in front of it")
        source = op.inputs[0]
    moves: list[tuple[Op, Target]] = []
    for op in ops:
        if op.kind in MOVES:
            moves.append((op, target))
        else:
            ends = target.quantize(np.array(bounds_of(op), np.float32))
            target = target.narrowed(*map(int, ends))
    clips = tuple(op for op in reversed(ops) if op.kind not in MOVES)
    return _Peeled(source=source, target=target, moves=tuple(reversed(moves)), clips=clips)


def _core(state: State, peeled: _Peeled, wanted: str, depth: int) -> str:
    value, target = state.values[peeled.source], peeled.target
    if isinstance(value, Held) and state.fits(value.tensor, target):
        return value.tensor
    name = state.build.free_name(wanted, is_of_file=True)
    tensor = target.quantisation.tensor(name, state.shape(peeled.source), state.shown(wanted))
    if isinstance(value, Literal):
        return _constant(state, value, target, tensor)
    if isinstance(value, Free):
        return boundary(state, peeled.source, target, tensor)
    if isinstance(value, Held):
        nodes = origins(*peeled.clips, target.op)
        return requantized(state, value.tensor, target, tensor, nodes)
    job = Job(
        op=value.op,
        target=target,
        result=tensor,
        nodes=origins(value.op, *peeled.clips, target.op),
    )
    if value.op.kind == "concat":
        return _concat(state, job, depth)
    made = asked_stepwise(state, job) or _RULES.get(value.op.kind, function)(state, job)
    return state.made(made, target)


def _constant(state: State, value: Literal, target: Target, result: Tensor) -> str:
    data = target.quantize(value.data).astype(storage_type(result.number_format))
    return state.build.add(replace(result, role="constant", layout="", data=data))


def _concat(state: State, job: Job, depth: int) -> str:
    """Each part is quantised as the whole is."""
    parts = [quantized(state, part, job.target, part, depth + 1) for part in job.op.inputs]
    state.build.op("concat", parts, job.result, job.op.attributes, job.nodes)
    return state.made(job.result.name, job.target)
