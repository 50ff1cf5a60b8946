"""The forced-liveness covering bound: bytes that every order moves.

When operator *v* runs, a tensor that an operator before *v* has made or used, and that one after
*v* will read, is alive, whatever the order. If those tensors and what *v* needs exceed the budget,
some of them are in memory at that time. One row for each such *v* says so, over zeros and ones
"this tensor is away while *v* runs"; a tensor that is away costs a store, unless memory has it, and
reloads: absences at two operators between which the tensor is surely read are two reloads, others
may be one. The cheapest choice is a lower bound for all plans. Rows without common tensors are
solved apart.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import networkx as nx

from .problem import Problem, bits, mask_of
from .solvers import Covering, SolverFailed, covering_row, solve_covering

MOST_OPERATORS = 20_000
"""Above, listing the tensors alive at each operator takes longer than the bound is worth."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """Operator `step`: which tensors are surely alive besides its own, and the excess in bytes."""

    step: int
    alive: tuple[int, ...]
    excess: int


def overloaded(problem: Problem, steps: int | None = None) -> list[Row]:
    """Operators (of the mask `steps`) at which surely living tensors exceed the budget."""
    alive: dict[int, list[int]] = {}
    among = (1 << len(problem.steps)) - 1 if steps is None else steps
    for item, readers in enumerate(problem.readers):
        later = 0
        for reader in readers:
            later |= problem.ancestors[reader]
        earlier = _after_first_use(problem, item)
        for step in bits(later & earlier & among & ~mask_of(readers)):
            alive.setdefault(step, []).append(item)
    rows = []
    for step, items in sorted(alive.items()):
        total = problem.need(step) + sum(problem.items[item].size for item in items)
        if total > problem.budget:
            rows.append(Row(step=step, alive=tuple(items), excess=total - problem.budget))
    return rows


def _after_first_use(problem: Problem, item: int) -> int:
    """Operators before which the tensor has surely been on chip."""
    maker = problem.maker[item]
    if maker is not None:
        return problem.descendants[maker]
    mask = 0
    for reader in problem.readers[item]:
        mask |= problem.descendants[reader]
    return mask


def covering_bound(problem: Problem, *, steps: int | None = None, seconds: float = 10.0) -> int:
    """A lower bound for the bytes moved beyond the compulsory ones (of the operators `steps`).

    Never wrong, whatever the solver does or lacks: at worst 0 (what was not proven is left out).
    """
    if len(problem.steps) > MOST_OPERATORS:
        return 0
    deadline = time.monotonic() + seconds
    total = 0
    for rows in _independent(overloaded(problem, steps)):
        left = deadline - time.monotonic()
        if left <= 0:
            break
        try:
            total += solve_covering(covering_of(problem, rows), left).lower_bound
        except SolverFailed:
            continue
    return total


def _independent(rows: list[Row]) -> Iterator[list[Row]]:
    """Rows in groups that share no tensor."""
    graph: nx.Graph[tuple[str, int]] = nx.Graph()
    for place, row in enumerate(rows):
        graph.add_edges_from((("row", place), ("item", item)) for item in row.alive)
    for group in nx.connected_components(graph):
        yield [rows[place] for kind, place in sorted(group) if kind == "row"]


def covering_of(problem: Problem, rows: list[Row]) -> Covering:
    """Columns: absences, by tensor and (where it is known) which readers have run; the stores and
    reloads that they imply.
    """
    columns = _Columns(problem)
    lines = []
    for row in rows:
        at = tuple(columns.absence(item, row.step) for item in row.alive)
        lines.append(covering_row(at, [problem.items[i].size for i in row.alive], row.excess))
    columns.close()
    return Covering(costs=tuple(columns.costs), rows=tuple(lines), implied=tuple(columns.implied))


class _Columns:
    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.costs: list[int] = []
        self.implied: list[tuple[int, ...]] = []
        # By tensor: {mask of readers that have run, None where an order may decide: column}
        self.known: dict[int, dict[int | None, int]] = {}

    def new(self, cost: int) -> int:
        self.costs.append(cost)
        return len(self.costs) - 1

    def absence(self, item: int, step: int) -> int:
        readers = mask_of(self.problem.readers[item])
        before = readers & self.problem.ancestors[step]
        after = readers & self.problem.descendants[step]
        key = before if before | after == readers else None
        known = self.known.setdefault(item, {})
        if key not in known:
            known[key] = self.new(0 if key is None else self.problem.items[item].size)
        return known[key]

    def close(self) -> None:
        """Stores, and the reload that absences at an open time imply if there is no other."""
        for item, known in self.known.items():
            size = self.problem.items[item].size
            if self.problem.maker[item] is not None:
                store = self.new(size)
                self.implied += [(column, store) for column in known.values()]
            if None in known:
                others = [column for key, column in known.items() if key is not None]
                self.implied.append((known[None], self.new(size), *others))
