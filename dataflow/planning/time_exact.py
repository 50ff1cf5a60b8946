"""The shortest timeline of one plan by CP-SAT: intervals for operators, transfers and residences.

Only sums of bytes are asked for; addresses are packed afterwards. For small plans it proves the
optimum of that plan; it says nothing about other plans.
"""

from __future__ import annotations

from dataclasses import dataclass

from ortools.sat.python import cp_model

from .addresses import blocks_of
from .solvers import set_limits
from .timeline import Jobs, Timeline, Transfer


@dataclass(frozen=True, kw_only=True)
class Solved:
    """A timeline, and whether no other of the plan is shorter (addresses aside)."""

    timeline: Timeline
    is_optimal: bool


class _Model:
    def __init__(self, jobs: Jobs, horizon: int) -> None:
        self.jobs, self.horizon = jobs, horizon
        self.model = cp_model.CpModel()
        make = self.model.new_int_var
        self.starts = [make(0, horizon, "") for _ in jobs.op_cycles]
        self.moves = [make(0, horizon, "") for _ in jobs.transfer_cycles]
        self.makespan = make(0, horizon, "")

    def build(self) -> None:
        model, jobs = self.model, self.jobs
        cycles, residences = jobs.op_cycles, jobs.plan.residences
        for place, start in enumerate(self.starts[1:]):
            model.add(self.starts[place] + cycles[place] <= start)
        port = [
            model.new_fixed_size_interval_var(start, length, "")
            for start, length in zip(self.moves, jobs.transfer_cycles, strict=True)
        ]
        model.add_no_overlap(port)
        num_loads = len(jobs.loads)
        load_of = dict(zip(jobs.loads, self.moves[:num_loads], strict=True))
        for n, residence in enumerate(jobs.transfer_residences):
            length, r = jobs.transfer_cycles[n], residences[residence]
            if n < num_loads:
                model.add(self.moves[n] + length <= self.starts[r.first])
                copy = jobs.copies[n]
                if copy is not None:
                    model.add(self.moves[copy] + jobs.transfer_cycles[copy] <= self.moves[n])
            elif residence in load_of:
                loaded = load_of[residence] + jobs.machine.transfer_cycles(jobs.sizes[residence])
                model.add(self.moves[n] >= loaded)
            else:
                model.add(self.moves[n] >= self.starts[r.first] + cycles[r.first])
            if n >= num_loads and residence in jobs.overwritten:
                model.add(self.moves[n] + length <= self.starts[r.last])
            model.add(self.makespan >= self.moves[n] + length)
        model.add(self.makespan >= self.starts[-1] + cycles[-1])
        self._bytes(load_of)
        model.minimize(self.makespan)

    def _bytes(self, load_of: dict[int, cp_model.IntVar]) -> None:
        model, jobs = self.model, self.jobs
        residences, cycles = jobs.plan.residences, jobs.op_cycles
        stored = dict(zip(jobs.stores, range(len(jobs.loads), len(self.moves)), strict=True))
        intervals, sizes = [], []
        for block in blocks_of(jobs.problem, jobs.plan):
            first, last = block.residences[0], block.residences[-1]
            start = load_of.get(first, self.starts[residences[first].first])
            place = residences[last].last
            end = model.new_int_var(0, self.horizon, "")
            model.add(end >= self.starts[place] + cycles[place])
            if last in stored:
                number = stored[last]
                model.add(end >= self.moves[number] + jobs.transfer_cycles[number])
            length = model.new_int_var(1, self.horizon, "")
            intervals.append(model.new_interval_var(start, length, end, ""))
            sizes.append(block.rectangle.size)
        model.add_cumulative(intervals, sizes, jobs.problem.budget)

    def hint(self, line: Timeline) -> None:
        found = {(t.residence, t.is_store): t.start for t in line.transfers}
        for variable, start in zip(self.starts, line.starts, strict=True):
            self.model.add_hint(variable, start)
        for n, residence in enumerate(self.jobs.transfer_residences):
            is_store = n >= len(self.jobs.loads)
            self.model.add_hint(self.moves[n], found[residence, is_store])

    def solve(self, seconds: float, seed: int) -> Solved | None:
        solver = cp_model.CpSolver()
        set_limits(solver.parameters, seconds, seed, workers=1)
        status = solver.solve(self.model)
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return None
        starts = tuple(int(solver.value(v)) for v in self.starts)
        moves = []
        for n, variable in enumerate(self.moves):
            start = int(solver.value(variable))
            moves.append(
                Transfer(
                    residence=self.jobs.transfer_residences[n],
                    is_store=n >= len(self.jobs.loads),
                    start=start,
                    end=start + self.jobs.transfer_cycles[n],
                )
            )
        line = Timeline(
            starts=starts,
            ends=tuple(s + c for s, c in zip(starts, self.jobs.op_cycles, strict=True)),
            transfers=tuple(sorted(moves, key=lambda t: (t.start, t.end))),
        )
        return Solved(timeline=line, is_optimal=status == cp_model.OPTIMAL)


def solve_plan(
    jobs: Jobs, seconds: float, hint: Timeline | None = None, seed: int = 1
) -> Solved | None:
    """The shortest timeline found in the time, never longer than the hint; None if none was."""
    horizon = jobs.serial_cycles if hint is None else hint.makespan
    model = _Model(jobs, horizon)
    model.build()
    if hint is not None:
        model.hint(hint)
    return model.solve(seconds, seed)
