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
    name = result.name
    if name == source:  # the float's own name, which stands in the end before
        name = state.build.free_name(f"{name}_quantized")
    result = replace(result, name=name, role="input", origin=state.shown(source))
    state.build.add(result)
    state.boundaries[key] = Boundary(source=source, target=target, tensor=name)
    return state.made(name, target)
