"""Simpler ways to plan, for comparison: orders, replacements and placements by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tilewright.dataflow.planning.problem import Problem
from tilewright.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What one baseline moves beyond the compulsory bytes; None: it found no plan."""

    order: str
    replacement: str
    placement: str
    bytes: int | None
    seconds: float

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))


def compare(
    names: Sequence[str],
) -> Callable[[Problem, int, float], Sequence[Comparison]] | None:
    """What runs the baselines of these names; None if there is none to run."""
    if not names:
        return None
    raise UsageError("plan: no baselines yet")
