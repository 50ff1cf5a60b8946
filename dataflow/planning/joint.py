"""Replacement and addresses together, at a given order, by CP-SAT.

For the case that the fewest bytes whatever the addresses do not pack. Every use of a tensor has an
offset; a gap between two uses is either spanned, as an optional rectangle at the offset of both
uses, or the tensor leaves and may come back elsewhere. No two rectangles overlap
(`AddNoOverlap2D`); the objective are the bytes of reloads and stores.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from .memory_plan import MemoryPlan, plan_of_moves
from .problem import Problem
from .replacement import Gap, bytes_of, excess_of, gaps_of, moves_of
from .solvers import SolverFailed, guarded, set_limits, version

MOST_USES = 3_000


@dataclass(frozen=True, kw_only=True)
class Joint:
    """A plan with addresses (None: none was found below the limit), and what is proven.

    `lower_bound` is for this order alone.
    """

    plan: MemoryPlan | None
    bytes: int | None
    lower_bound: int
    solvers: tuple[str, ...]


def solve_joint(
    problem: Problem,
    order: Sequence[int],
    *,
    seconds: float,
    alignment: int = 1,
    least: int = 0,
    below: int | None = None,
    seed: int = 1,
) -> Joint:
    """The fewest bytes at this order with addresses; `least` is known to be a bound, and plans of
    `below` bytes or more need not be found.

    Raises:
        SolverFailed: if the solver is missing, the model too large, or it fails.
    """
    gaps = gaps_of(problem, order)
    if len(gaps) + len(order) > MOST_USES:
        raise SolverFailed(f"a joint model of more than {MOST_USES} uses")
    try:
        from ortools.sat.python import cp_model
    except ImportError as error:
        raise SolverFailed(f"ortools cannot be loaded: {error}") from error
    model = _Model(cp_model, problem, order, gaps, alignment)
    model.limit(least, below)
    solver = cp_model.CpSolver()
    set_limits(solver.parameters, seconds, seed)
    status = guarded(lambda: solver.solve(model.model), solver.stop_search, seconds)
    versions = (version("ortools"),)
    if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        dropped = [
            gap for gap, var in zip(gaps, model.dropped, strict=True) if solver.boolean_value(var)
        ]
        total = bytes_of(problem, dropped)
        bound = math.ceil(solver.best_objective_bound - 1e-6) * model.unit
        bound = total if status == cp_model.OPTIMAL else min(bound, total)
        return Joint(
            plan=model.plan(solver, dropped), bytes=total, lower_bound=bound, solvers=versions
        )
    if status == cp_model.INFEASIBLE:
        bound = least if below is None else max(least, below)
        return Joint(plan=None, bytes=None, lower_bound=bound, solvers=versions)
    if status == cp_model.MODEL_INVALID:
        raise SolverFailed("the solver refuses the joint model")
    return Joint(plan=None, bytes=None, lower_bound=least, solvers=versions)


class _Model:
    """Offsets by (tensor, position of use), dropped gaps, rectangles."""

    def __init__(
        self, cp_model: Any, problem: Problem, order: Sequence[int], gaps: list[Gap], alignment: int
    ) -> None:
        self.model = cp_model.CpModel()
        self.problem, self.order, self.gaps = problem, tuple(order), gaps
        sizes = [item.size for item in problem.items]
        rounded = [-(-size // alignment) * alignment for size in sizes]
        self.step = math.gcd(*rounded)
        self.unit = math.gcd(*sizes)
        self.height = [size // self.step for size in rounded]
        self.capacity = problem.budget // self.step
        self.offsets: dict[tuple[int, int], Any] = {}
        self.times: list[Any] = []
        self.places: list[Any] = []
        self._add_uses()
        self.dropped = [self._add_gap(gap) for gap in gaps]
        self._add_rows()
        self.cost = self._add_cost()
        self.model.add_no_overlap_2d(self.times, self.places)
        self.model.minimize(self.cost)

    def _add_uses(self) -> None:
        for position, index in enumerate(self.order):
            step = self.problem.steps[index]
            for item in (*step.reads, *step.writes):
                top = self.capacity - self.height[item]
                self.offsets[item, position] = self.model.new_int_var(0, top, "")
            if step.overwrites is not None:
                old, new = step.overwrites, step.writes[0]
                self.model.add(self.offsets[old, position] == self.offsets[new, position])
            for item in {*step.reads, *step.writes} - {step.overwrites}:
                self._rectangle(item, position, position, position + 1, None)

    def _rectangle(self, item: int, position: int, start: int, end: int, present: Any) -> None:
        """Of the offset at `position`, in the half-open time from `start`."""
        if present is None:
            time = self.model.new_fixed_size_interval_var(start, end - start, "")
        else:
            time = self.model.new_optional_fixed_size_interval_var(start, end - start, present, "")
        offset = self.offsets[item, position]
        self.times.append(time)
        self.places.append(self.model.new_fixed_size_interval_var(offset, self.height[item], ""))

    def _add_gap(self, gap: Gap) -> Any:
        dropped = self.model.new_bool_var("")
        before, after = (self.offsets[gap.item, at] for at in (gap.before, gap.after))
        self.model.add(before == after).only_enforce_if(~dropped)
        if gap.after > gap.before + 1:
            self._rectangle(gap.item, gap.before, gap.before + 1, gap.after, ~dropped)
        return dropped

    def _add_rows(self) -> None:
        """The sums of sizes again: implied, and quicker for the solver."""
        excess = excess_of(self.problem, self.order, self.gaps)
        spanned: list[list[int]] = [[] for _ in self.order]
        for place, gap in enumerate(self.gaps):
            for position in range(gap.before + 1, gap.after):
                spanned[position].append(place)
        for position, places in enumerate(spanned):
            if excess[position] > 0:
                size = [self.problem.items[self.gaps[p].item].size for p in places]
                away = [self.dropped[p] for p in places]
                self.model.add(
                    sum(s * a for s, a in zip(size, away, strict=True)) >= excess[position]
                )

    def _add_cost(self) -> Any:
        """Reloads and stores, in the greatest unit that divides all sizes."""
        stored: dict[int, Any] = {}
        terms = []
        for gap, dropped in zip(self.gaps, self.dropped, strict=True):
            size = self.problem.items[gap.item].size // self.unit
            terms.append(size * dropped)
            if self.problem.maker[gap.item] is not None:
                if gap.item not in stored:
                    stored[gap.item] = self.model.new_bool_var("")
                    terms.append(size * stored[gap.item])
                self.model.add_implication(dropped, stored[gap.item])
        return sum(terms)

    def limit(self, least: int, below: int | None) -> None:
        self.model.add(self.cost >= least // self.unit)
        if below is not None:
            self.model.add(self.cost <= (below - 1) // self.unit)

    def plan(self, solver: Any, dropped: list[Gap]) -> MemoryPlan:
        plan = plan_of_moves(self.problem, moves_of(self.order, dropped))
        residences = [
            replace(one, offset=solver.value(self.offsets[one.item, one.first]) * self.step)
            for one in plan.residences
        ]
        return replace(plan, residences=tuple(residences))
