"""Multiplexers as trees, which synthesis packs into wide LUTs."""

from collections.abc import Sequence

from amaranth.hdl import Mux, Value

__all__ = ["pick"]


def pick(values: Sequence[Value], index: Value) -> Value:
    """``values[index]``; any of them if there is none at `index`."""
    if len(values) == 1:
        return values[0]
    half = 1 << (len(index) - 1)
    if len(values) <= half:
        return pick(values, index[:-1])
    return Mux(index[-1], pick(values[half:], index[:-1]), pick(values[:half], index[:-1]))
