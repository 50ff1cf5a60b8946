"""Graph and Machine to Plan and Program: the pure path in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from .graph import Graph
from .machine import Machine
from .output_stationary import output_stationary_program, output_stationary_tasks
from .plan import Plan
from .program import Program
from .schedule import plan_simple
from .schedule_rows import plan_rows
from .tiling import array_shape
from .weight_stationary import weight_stationary_program, weight_stationary_tasks

if TYPE_CHECKING:
    from .resident.schedule import Chooser

Objective = Literal["bytes", "cycles"]
DEFAULT_SECONDS = 10.0


def compile_program(graph: Graph, plan: Plan, machine: Machine) -> Program:
    """The program that carries out `plan` on the machine's array."""
    if plan.settings.get("resident"):
        from .resident.program import resident_program

        return resident_program(graph, plan, machine)
    if array_shape(machine).dataflow == "weight_stationary":
        return weight_stationary_program(graph, plan, machine)
    return output_stationary_program(graph, plan, machine)


def command_tasks(graph: Graph, plan: Plan, machine: Machine) -> dict[str, tuple[int, ...]]:
    """For each unit of `compile_program`, the place in `plan.tasks` of each command's task."""
    if plan.settings.get("resident"):
        from .resident.program import resident_tasks

        return resident_tasks(graph, plan, machine)
    if array_shape(machine).dataflow == "weight_stationary":
        return weight_stationary_tasks(graph, plan, machine)
    return output_stationary_tasks(graph, plan, machine)


def compile_graph(
    graph: Graph,
    machine: Machine,
    objective: Objective = "cycles",
    seconds: float = DEFAULT_SECONDS,
    choose_with: Chooser | None = None,
) -> tuple[Plan, Program]:
    """Plan and program for `graph` on `machine`.

    `objective` cycles streams every op's operands past the array; bytes keeps them in the
    scratchpad as the planner decides, which may take `seconds`; `choose_with` instead of it.

    Raises:
        DoesNotFit: if the machine is too small, or has no such schedule.
    """
    if objective == "bytes":
        from .resident.schedule import plan_resident  # the planner's search takes time to import

        plan = plan_resident(graph, machine, seconds, choose_with)
    elif array_shape(machine).dataflow == "weight_stationary":
        plan = plan_rows(graph, machine)
    else:
        plan = plan_simple(graph, machine)
    return plan, compile_program(graph, plan, machine)
