"""A solver leaves the process its own handling of Ctrl-C."""

from __future__ import annotations

import signal

import pytest
from ortools.sat.python import cp_model
from tilewright.dataflow.placement.packing import Rectangle
from tilewright.dataflow.placement.packing_cpsat import cpsat_offsets
from tilewright.dataflow.planning.cosma import cosma_bytes
from tilewright.dataflow.planning.joint import solve_joint
from tilewright.dataflow.planning.makespan import fastest
from tilewright.dataflow.planning.solvers import set_limits
from tilewright.dataflow.planning.timeline import TimeMachine


def pack(problem):
    return cpsat_offsets([Rectangle(start=0, end=2, size=1)], 4, unit=1, seconds=5, seed=1)


SOLVERS = {
    "packing": pack,
    "joint": lambda problem: solve_joint(problem, range(len(problem.steps)), seconds=5),
    "cosma": lambda problem: cosma_bytes(problem, seconds=20, workers=1),
    "makespan": lambda problem: fastest(problem, TimeMachine(), seconds=1),
}


@pytest.mark.parametrize("name", SOLVERS)
def test_an_interrupt_after_a_solver_is_an_exception(make_problem, name):
    SOLVERS[name](make_problem(3, operators=5))
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_limits_are_set():
    parameters = cp_model.CpSolver().parameters
    set_limits(parameters, 7, seed=3, workers=2)
    assert (parameters.max_time_in_seconds, parameters.num_workers) == (7, 2)
    assert not parameters.catch_sigint_signal
