"""The whole plan as one integer program, small: a second opinion for tests.

After COSMA (arXiv 2311.18246): for each tensor and step binaries "created", "preserved", "spilled"
and "retrieved", one operator per step, and big-M constraints that keep tensors which lie on chip in
one step apart. It shares no code with the planner and uses none of its facts but one for speed: an
operator runs no earlier than after all before it and no later than before all after it.
Solved by CP-SAT. Larger than a dozen operators it takes long.
"""

from __future__ import annotations

import itertools
from typing import Any

from .problem import Problem
from .solvers import SolverFailed, set_limits


def cosma_bytes(problem: Problem, seconds: float = 60.0, workers: int = 1) -> int:
    """The fewest bytes moved beyond the compulsory ones, order and addresses included.

    Raises:
        SolverFailed: if the solver is missing or does not end with a proof in `seconds`.
    """
    try:
        from ortools.sat.python import cp_model
    except ImportError as error:
        raise SolverFailed(f"ortools cannot be loaded: {error}") from error
    program = _Program(cp_model, problem)
    solver = cp_model.CpSolver()
    set_limits(solver.parameters, seconds, workers=workers)
    if solver.solve(program.model) != cp_model.OPTIMAL:
        raise SolverFailed(f"{problem.name}: no proof in {seconds:g} s")
    return round(solver.objective_value)


class _Program:
    def __init__(self, cp_model: Any, problem: Problem) -> None:
        self.model, self.problem = cp_model.CpModel(), problem
        self.count = len(problem.steps)
        self.sizes = [item.size for item in problem.items]
        self.runs = [[self.binary() for _ in range(self.count)] for _ in problem.steps]
        tables = [self._table() for _ in range(5)]
        self.lies, self.created, self.preserved, self.spilled, self.retrieved = tables
        self._add_schedule()
        for item in range(len(problem.items)):
            self._add_life(item)
        self._add_addresses()
        self.model.minimize(self._cost())

    def binary(self) -> Any:
        return self.model.new_bool_var("")

    def _table(self) -> list[list[Any]]:
        return [[self.binary() for _ in range(self.count)] for _ in self.problem.items]

    def _add_schedule(self) -> None:
        """One operator per step, its inputs on chip, its results created there."""
        for at in range(self.count):
            self.model.add_exactly_one(row[at] for row in self.runs)
        for index, step in enumerate(self.problem.steps):
            self.model.add_exactly_one(self.runs[index])
            earliest = self.problem.ancestors[index].bit_count()
            latest = self.count - 1 - self.problem.descendants[index].bit_count()
            for at in range(self.count):
                runs = self.runs[index][at]
                if not earliest <= at <= latest:
                    self.model.add(runs == 0)
                for item in step.reads:
                    self.model.add_implication(runs, self.lies[item][at])
                for item in step.writes:
                    self.model.add(self.created[item][at] == runs)

    def _add_life(self, item: int) -> None:
        """A tensor lies on chip when it was just made, or stays, or comes from memory."""
        lies, spilled, retrieved = self.lies[item], self.spilled[item], self.retrieved[item]
        created, preserved = self.created[item], self.preserved[item]
        is_source = self.problem.maker[item] is None
        for at in range(self.count):
            self.model.add(lies[at] == created[at] + preserved[at] + retrieved[at])
            self.model.add_implication(spilled[at], lies[at])
            if is_source:
                self.model.add(created[at] == 0)
            else:
                self.model.add(retrieved[at] <= sum(spilled[:at]))
            if at == 0:
                self.model.add(preserved[at] == 0)
            else:
                self.model.add_implication(preserved[at], lies[at - 1])

    def _add_addresses(self) -> None:
        budget = self.problem.budget
        items = range(len(self.sizes))
        places = [
            [self.model.new_int_var(0, budget - self.sizes[item], "") for _ in range(self.count)]
            for item in items
        ]
        for item, at in itertools.product(items, range(1, self.count)):
            stays = self.preserved[item][at]
            here, before = places[item][at], places[item][at - 1]
            self.model.add(here - before <= budget * (1 - stays))
            self.model.add(before - here <= budget * (1 - stays))
        taken = {s.overwrites: i for i, s in enumerate(self.problem.steps)}
        for one, other in itertools.combinations(items, 2):
            for at in range(self.count):
                self._apart(one, other, at, places, taken)

    def _apart(
        self, one: int, other: int, at: int, places: list[list[Any]], taken: dict[int | None, int]
    ) -> None:
        """Below or above, if both lie on chip; or in the same place, where one overwrites."""
        budget, low, high = self.problem.budget, places[one][at], places[other][at]
        is_below, is_above = self.binary(), self.binary()
        both = [self.lies[one][at], self.lies[other][at]]
        self.model.add(low + self.sizes[one] - high <= budget * 2 * (1 - is_below))
        self.model.add(high + self.sizes[other] - low <= budget * 2 * (1 - is_above))
        same: Any = 0
        for old, new in ((one, other), (other, one)):
            index = taken.get(old)
            if index is not None and self.problem.steps[index].writes[0] == new:
                same = self.runs[index][at]
                self.model.add(low - high <= budget * (1 - same))
                self.model.add(high - low <= budget * (1 - same))
                for later in range(at + 1, self.count):
                    self.model.add_implication(same, ~self.lies[old][later])
        self.model.add(is_below + is_above + same >= both[0] + both[1] - 1)

    def _cost(self) -> Any:
        """Every spill and retrieval, but for the first loads."""
        terms = []
        for item, size in enumerate(self.sizes):
            terms += [size * v for v in (*self.spilled[item], *self.retrieved[item])]
        return sum(terms) - self.problem.compulsory_bytes[0]
