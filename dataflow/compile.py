"""Graph and Machine to Plan and Program: the pure path in one call."""

from __future__ import annotations

from .graph import Graph
from .machine import Machine
from .output_stationary import output_stationary_program
from .plan import Plan
from .program import Program
from .schedule import plan_simple
from .schedule_rows import plan_rows
from .tiling import array_shape
from .weight_stationary import weight_stationary_program


def compile_program(graph: Graph, plan: Plan, machine: Machine) -> Program:
    """The program that carries out `plan` on the machine's array."""
    if array_shape(machine).dataflow == "weight_stationary":
        return weight_stationary_program(graph, plan, machine)
    return output_stationary_program(graph, plan, machine)


def compile_graph(graph: Graph, machine: Machine) -> tuple[Plan, Program]:
    """Plan and program for `graph` on `machine`."""
    is_rows = array_shape(machine).dataflow == "weight_stationary"
    plan = plan_rows(graph, machine) if is_rows else plan_simple(graph, machine)
    return plan, compile_program(graph, plan, machine)
