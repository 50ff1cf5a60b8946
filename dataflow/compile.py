"""Graph and Machine to Plan and Program: the pure path in one call."""

from __future__ import annotations

from .graph import Graph
from .machine import Machine
from .output_stationary import output_stationary_program
from .plan import Plan
from .program import Program
from .schedule import plan_simple
from .tiling import DoesNotFit, array_shape


def compile_program(graph: Graph, plan: Plan, machine: Machine) -> Program:
    """The program that carries out `plan` on the machine's array."""
    array = array_shape(machine)
    if array.dataflow != "output_stationary":
        raise DoesNotFit(f"engine {array.engine}: no lowering for {array.dataflow} yet")
    return output_stationary_program(graph, plan, machine)


def compile_graph(graph: Graph, machine: Machine) -> tuple[Plan, Program]:
    """Plan and program for `graph` on `machine`."""
    plan = plan_simple(graph, machine)
    return plan, compile_program(graph, plan, machine)
