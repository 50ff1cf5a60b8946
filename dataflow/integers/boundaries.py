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
    for known in state.boundaries:
        same = known.target.quantisation == target.quantisation
        same = same and known.target.rounding == target.rounding
        same = same and (known.target.low, known.target.high) == (target.low, target.high)
        if known.source == source and same:
            return known.tensor
    origin = state.shown(source)
    name = state.build.add(replace(result, role="input", origin=origin))
    state.boundaries.append(Boundary(source=source, target=target, tensor=name))
    return state.made(name, target)
