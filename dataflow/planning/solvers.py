"""Open solvers behind a guard: an answer that was checked, or `SolverFailed`; never a hang.

A solver runs in a thread of its own, which lets go of the interpreter while it works. Whoever asked
waits for the time agreed and a little more, asks the solver to stop, and goes on without it if it
does not: HiGHS may overrun its own limit several times. A solver that is missing, runs out of
memory or fails in any other way gives `SolverFailed`, too.
"""

from __future__ import annotations

import importlib.metadata
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

GRACE = 1.0
MEGABYTES = 2_000
MOST_COEFFICIENTS = 5_000_000
SLACK = 1e-6

T = TypeVar("T")


class SolverFailed(RuntimeError):
    """No usable answer: missing, out of time or memory, or wrong."""


def set_limits(parameters: Any, seconds: float, seed: int = 1, workers: int = 4) -> None:
    """Limits of a CP-SAT solver. It must not catch interrupts: afterwards the process would have
    lost its own handler, and the next Ctrl-C would end it.
    """
    parameters.max_time_in_seconds = max(0.01, seconds)
    parameters.num_workers = workers
    parameters.random_seed = seed
    parameters.max_memory_in_mb = MEGABYTES
    parameters.catch_sigint_signal = False


def version(package: str) -> str:
    """`highspy 1.12.0`, for certificates."""
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        return f"{package} (missing)"


def guarded(work: Callable[[], T], stop: Callable[[], None], seconds: float) -> T:
    """What `work` returns; it is asked to `stop` after `seconds` and left alone soon after.

    Raises:
        SolverFailed: if it raises anything or does not return.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # of a foreign solver, told below
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        thread.join(seconds + GRACE / 2)
        if thread.is_alive():
            stop()
            thread.join(GRACE)
    except KeyboardInterrupt:
        stop()
        raise
    if results:
        return results[0]
    if errors:
        error = errors[0]
        raise SolverFailed(f"{type(error).__name__}: {error}") from error
    raise SolverFailed(f"the solver did not stop after {seconds:g} s")


@dataclass(frozen=True, kw_only=True)
class Covering:
    """Minimise `costs @ x` over zeros and ones with every row `(columns, weights, least)` covered:
    the sum of the weights of the chosen columns is at least `least`; and with every implication
    `(a, b, ...)`: where `a` is chosen, one of `b, ...` is. All numbers are integers >= 0.
    """

    costs: tuple[int, ...]
    rows: tuple[tuple[tuple[int, ...], tuple[int, ...], int], ...]
    implied: tuple[tuple[int, ...], ...] = ()

    def is_covered(self, chosen: Sequence[bool]) -> bool:
        return all(
            sum(w for c, w in zip(columns, weights, strict=True) if chosen[c]) >= least
            for columns, weights, least in self.rows
        ) and all(not chosen[a] or any(chosen[b] for b in others) for a, *others in self.implied)

    def cost(self, chosen: Sequence[bool]) -> int:
        return sum(cost for cost, is_in in zip(self.costs, chosen, strict=True) if is_in)


def covering_row(
    columns: Sequence[int], sizes: Sequence[int], least: int
) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """`sum(sizes * x) >= least` in the smallest integers: all divided by what divides the sizes,
    rounded up, and no weight above what is asked for.
    """
    unit = math.gcd(*sizes) or 1
    least = -(-least // unit)
    return tuple(columns), tuple(min(size // unit, least) for size in sizes), least


@dataclass(frozen=True, kw_only=True)
class Covered:
    """A choice that covers every row (None: none was found), its cost, and a lower bound."""

    chosen: tuple[bool, ...] | None
    cost: int | None
    lower_bound: int


def solve_covering(problem: Covering, seconds: float) -> Covered:
    """The cheapest cover by HiGHS, recounted in integers; in time or with what is known then.

    Raises:
        SolverFailed: as `guarded`; or if the answer covers less than it should.
    """
    if not problem.rows:
        return Covered(chosen=(False,) * len(problem.costs), cost=0, lower_bound=0)
    if sum(len(columns) for columns, _, _ in problem.rows) > MOST_COEFFICIENTS:
        raise SolverFailed(f"more than {MOST_COEFFICIENTS} coefficients")
    try:
        import highspy
    except ImportError as error:
        raise SolverFailed(f"highspy cannot be loaded: {error}") from error
    unit = math.gcd(*problem.costs) or 1
    solver = highspy.Highs()
    stopped = threading.Event()
    _limit(highspy, solver, stopped, time.monotonic() + seconds, seconds)
    _fill(highspy, solver, problem, unit)
    values, bound = guarded(lambda: _run(highspy, solver), stopped.set, seconds)
    lower = max(0, math.ceil(bound - SLACK * max(1.0, abs(bound)))) * unit
    if values is None:
        return Covered(chosen=None, cost=None, lower_bound=lower)
    chosen = tuple(value > 0.5 for value in values)
    if not problem.is_covered(chosen):
        raise SolverFailed("the solver's answer covers less than it should")
    cost = problem.cost(chosen)
    return Covered(chosen=chosen, cost=cost, lower_bound=min(lower, cost))


def _limit(highspy: Any, solver: Any, stopped: threading.Event, until: float, left: float) -> None:
    """Silence, one thread, exactness, the limit of time, and callbacks that enforce it."""
    for name, value in (
        ("output_flag", False),
        ("threads", 1),
        ("mip_rel_gap", 0.0),
        ("mip_abs_gap", 0.999),  # integer costs
        ("time_limit", float(left)),
    ):
        solver.setOptionValue(name, value)

    def check(event: Any) -> None:
        if stopped.is_set() or time.monotonic() > until:
            event.interrupt()

    for name in ("cbMipInterrupt", "cbSimplexInterrupt", "cbIpmInterrupt"):
        getattr(solver, name).subscribe(check)


def _fill(highspy: Any, solver: Any, problem: Covering, unit: int) -> None:
    count = len(problem.costs)
    solver.addVars(count, np.zeros(count), np.ones(count))
    places = np.arange(count, dtype=np.int32)
    solver.changeColsCost(count, places, np.array(problem.costs, float) / unit)
    kinds = np.array([highspy.HighsVarType.kInteger] * count)
    solver.changeColsIntegrality(count, places, kinds)
    starts: list[int] = []
    columns: list[int] = []
    weights: list[int] = []
    least: list[int] = []
    for row_columns, row_weights, row_least in problem.rows:
        starts.append(len(columns))
        columns += row_columns
        weights += row_weights
        least.append(row_least)
    for one, *others in problem.implied:
        starts.append(len(columns))
        columns += [one, *others]
        weights += [-1] + [1] * len(others)
        least.append(0)
    rows = len(least)
    solver.addRows(
        rows, np.array(least, float), np.full(rows, highspy.kHighsInf), len(columns),
        np.array(starts, np.int32), np.array(columns, np.int32), np.array(weights, float),
    )  # fmt: skip


def _run(highspy: Any, solver: Any) -> tuple[list[float] | None, float]:
    solver.run()
    if solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible:
        raise SolverFailed("the solver finds no cover; all columns together are one")
    info = solver.getInfo()
    bound = float(info.mip_dual_bound)
    feasible = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    values = list(solver.getSolution().col_value) if feasible else None
    return values, bound if math.isfinite(bound) else 0.0
