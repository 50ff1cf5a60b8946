"""Where floats of the host become integers of the graph."""

from __future__ import annotations

from dataclasses import replace

from ..tensor import Tensor
from .state import Boundary, State
from .values import Target


def boundary(state: State, source: str, target: Target, result: Tensor) -> str:
    """The input of the integer graph that is `source` quantised; one for equal ones.

    `source` is one of the model's float inputs, or computed from them without integers.
    """
    key = (source, target.quantisation, target.rounding, target.low, target.high)
    known = state.boundaries.get(key)
    if known is not None:
        return known.tensor
    name = state.build.add(replace(result, role="input", origin=state.shown(source)))
    state.boundaries[key] = Boundary(source=source, target=target, tensor=name)
    return state.made(name, target)
