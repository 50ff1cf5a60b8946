"""Evaluations for tests of sweeps: workers import this file by its name."""

import os
import signal
import time
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tilewright.dse.ledger import MemoryLedger
from tilewright.dse.space import Space
from tilewright.dse.space_domains import Linked, Listed, Parameter, Powers, Range
from tilewright.dse.space_goals import Constraint, Goals, Objective
from tilewright.dse.sweep import Sweep, sweep_designs
from tilewright.dse.sweep_crew import Crew
from tilewright.dse.sweep_tasks import Evaluation

METRICS = ("cycles", "area")


def columns_of(columns):
    """Cycles and area of made-up machines, on columns as on single values."""
    rows, cols, ports = columns["rows"], columns["cols"], columns["ports"]
    compute = 1_000_000 // (rows * cols) + 40 * (rows + cols)
    memory = 200_000 // ports + 17
    return {
        "cycles": np.maximum(compute, memory) + compute // 8,
        "area": rows * cols * 11 + ports * ports * 3 + 70,
    }


def one(design):
    """The same for one design."""
    return {name: int(value) for name, value in columns_of(design).items()}


def slow(design):
    """The same after 20 ms."""
    time.sleep(0.02)
    return one(design)


def raises(design):
    """The same, but some designs have no numbers."""
    if design["rows"] == 8 and design["ports"] == 3:
        raise ZeroDivisionError("no such machine")
    if design["rows"] == 8 and design["ports"] == 4:
        return {"cycles": float("nan"), "area": 1}
    if design["rows"] == 8 and design["ports"] == 5:
        return {"cycles": 1}
    return one(design)


def raises_columns(columns):
    """A block with one such design in it fails as a whole."""
    if ((columns["rows"] == 8) & (columns["ports"] == 3)).any():
        raise ZeroDivisionError("no such machine")
    found = columns_of(columns)
    bad = (columns["rows"] == 8) & (columns["ports"] == 4)
    return {**found, "cycles": np.where(bad, np.nan, found["cycles"])}


def always_raises(columns):
    """Nothing has numbers."""
    raise ValueError("never")


def kills_its_worker(design):
    """The same, but one design ends its process each time."""
    if design["rows"] == 8 and design["ports"] == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return one(design)


@dataclass(frozen=True)
class KillsItsWorkerOnce:
    """The same, but the first process to meet the design ends; `mark` remembers it."""

    mark: Path

    def __call__(self, design):
        if design["rows"] == 8 and design["ports"] == 3 and not self.mark.exists():
            self.mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return one(design)


def leaves(design):
    """The same, but one design asks Python to end."""
    if design["rows"] == 8 and design["ports"] == 3:
        raise SystemExit(4)
    return one(design)


def counts_calls(design):
    """The same, with a line per call in a file."""
    with Path(os.environ["CALLS"]).open("a") as file:
        file.write(f"{design['rows']} {design['cols']} {design['ports']}\n")
    return one(design)


def space_of(ports: int = 8) -> Space:
    """5 x 5 x `ports` designs."""
    return Space(
        parameters=(
            Parameter(path="rows", domain=Powers(start=4, stop=64)),
            Parameter(path="cols", domain=Listed(values=(4, 8, 16, 32, 64))),
            Parameter(path="ports", domain=Range(start=1, stop=ports)),
            Parameter(path="pes", domain=Linked(times=("rows", "cols")), is_derived=True),
        )
    )


GOALS = Goals(
    objectives=(Objective(metric="cycles"), Objective(metric="area")),
    constraints=(
        Constraint(name="fits", metric="area", maximum=20_000),
        Constraint(name="pes", metric="pes", maximum=2048),
    ),
)


def sweep_of(function=one, *, many=None, ports: int = 8, goals: Goals = GOALS) -> Sweep:
    """A sweep of `space_of` with a function of this file."""
    evaluation = Evaluation(name="made_up", metrics=METRICS, one=function, many=many)
    return Sweep(
        space=space_of(ports), goals=goals, evaluation=evaluation, context={"version": "1"}
    )


class Here(Executor):
    """Runs each task at once, in this process."""

    def submit(self, function, /, *arguments, **more):
        """As `Executor.submit`."""
        future: Future = Future()
        future.set_result(function(*arguments, **more))
        return future


def due_if_wanted(meter, *, is_last: bool = False) -> bool:
    """`Meter.is_due` at every moment, not once a second."""
    return meter.report is not None


def here(sweep: Sweep, indices):
    """The sweep without workers."""
    return sweep_designs(sweep, indices, MemoryLedger(), Crew(start=Here))


@dataclass(frozen=True)
class CleansUp:
    """Sleeps long, and leaves a mark when it is ended as it should be; catches all errors."""

    folder: Path

    def __call__(self, design):
        try:
            (self.folder / "began").touch()
            time.sleep(60)
        except Exception:
            (self.folder / "caught").touch()
        finally:
            (self.folder / "cleaned").touch()
        return one(design)
