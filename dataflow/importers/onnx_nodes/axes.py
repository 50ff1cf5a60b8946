"""Axes as ONNX counts them, from the front or (negative) from the back."""

from __future__ import annotations

from collections.abc import Sequence

from .node import Refused


def from_front(axes: Sequence[int], rank: int, what: str = "axes") -> tuple[int, ...]:
    """Sorted axes 0 to rank - 1.

    Raises:
        Refused: if one is not an axis, or named twice.
    """
    found = sorted(axis_from_front(axis, rank, what) for axis in axes)
    if len(set(found)) != len(found):
        raise Refused(f"{what} {tuple(axes)} name an axis twice")
    return tuple(found)


def axis_from_front(axis: int, rank: int, what: str = "axis") -> int:
    if not -rank <= axis < rank:
        raise Refused(f"{what} {axis} is not one of {rank} axes (-{rank} to {rank - 1})")
    return axis % rank
