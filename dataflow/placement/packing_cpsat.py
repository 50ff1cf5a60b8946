"""Offsets by CP-SAT's two-dimensional no-overlap: the second opinion where the search ran out of
time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from ..planning.solvers import SolverFailed, guarded, set_limits

MOST_RECTANGLES = 1_500


class Spans(Protocol):
    """Alive in `[start, end)`, `size` units high."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def size(self) -> int: ...


def cpsat_offsets(
    rectangles: Sequence[Spans], capacity: int, *, unit: int, seconds: float, seed: int
) -> tuple[tuple[int, ...] | None, bool]:
    """(offsets, False), (None, True) if there are none, (None, False) if that is not known.

    `unit` divides all sizes; offsets are its multiples.

    Raises:
        SolverFailed: if the solver is missing, the model is too large, or it fails.
    """
    if len(rectangles) > MOST_RECTANGLES:
        raise SolverFailed(f"a packing model of more than {MOST_RECTANGLES} rectangles")
    try:
        from ortools.sat.python import cp_model
    except ImportError as error:
        raise SolverFailed(f"ortools cannot be loaded: {error}") from error
    model, places = _model(cp_model, rectangles, capacity // unit, unit)
    solver = cp_model.CpSolver()
    set_limits(solver.parameters, seconds, seed)
    status = guarded(lambda: solver.solve(model), solver.stop_search, seconds)
    if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return tuple(int(solver.value(place)) * unit for place in places), False
    return None, status == cp_model.INFEASIBLE


def _model(
    cp_model: Any, rectangles: Sequence[Spans], height: int, unit: int
) -> tuple[Any, list[Any]]:
    model = cp_model.CpModel()
    places, times, heights = [], [], []
    for index, one in enumerate(rectangles):
        size = one.size // unit
        place = model.new_int_var(0, height - size, f"offset{index}")
        places.append(place)
        times.append(
            model.new_fixed_size_interval_var(one.start, one.end - one.start, f"time{index}")
        )
        heights.append(model.new_fixed_size_interval_var(place, size, f"height{index}"))
    model.add_no_overlap_2d(times, heights)
    return model, places
