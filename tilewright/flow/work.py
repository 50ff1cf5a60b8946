"""A graph as work for a machine: compiled, proved, estimated, with inputs and expected results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilewright.build.accelerator_run import MemoryTiming
from tilewright.dataflow.compile import DEFAULT_SECONDS, Objective, compile_graph
from tilewright.dataflow.graph import Graph
from tilewright.dataflow.machine import Machine
from tilewright.dataflow.memory_map import memory_image
from tilewright.dataflow.plan import Plan
from tilewright.dataflow.program import Program
from tilewright.dse.estimate import Estimate, estimate
from tilewright.sim.golden.run import run as run_golden

from .design import check_program


@dataclass(frozen=True, kw_only=True)
class Work:
    """A graph with its inputs, compiled for a machine, and what must come out.

    `expected` are the tensors that lie in memory whole after a run: the model's outputs, and with a
    streaming schedule every result.
    """

    name: str
    graph: Graph
    machine: Machine
    plan: Plan
    program: Program
    estimate: Estimate
    inputs: Mapping[str, NDArray[Any]] = field(repr=False)
    image: NDArray[np.uint8] = field(repr=False)
    expected: Mapping[str, NDArray[Any]] = field(repr=False)

    @property
    def macs(self) -> int:
        """Useful multiply-accumulates."""
        return self.graph.macs


def prepare(
    machine: Machine,
    graph: Graph,
    *,
    name: str | None = None,
    inputs: Mapping[str, NDArray[Any]] | None = None,
    seed: int = 1,
    objective: Objective = "cycles",
    seconds: float = DEFAULT_SECONDS,
) -> Work:
    """Compile a graph, prove the program, estimate it and compute what it must give.

    `inputs` are random by default; `objective` and `seconds` are those of the schedule. Raises
    `DoesNotFit` if the machine is too small.
    """
    plan, program = compile_graph(graph, machine, objective, seconds)
    check_program(program, machine)
    rng = np.random.default_rng(seed)
    if inputs is None:
        inputs = {
            tensor.name: rng.integers(-128, 128, tensor.shape, dtype=np.int8)
            for tensor in graph.inputs
        }
    return Work(
        name=name or graph.name,
        graph=graph,
        machine=machine,
        plan=plan,
        program=program,
        estimate=estimate(program, machine),
        inputs=inputs,
        image=memory_image(graph, plan, machine, inputs),
        expected=_in_memory(graph, objective, run_golden(graph, inputs)),
    )


def _in_memory(
    graph: Graph, objective: Objective, results: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """Of all results those that a run leaves in memory whole."""
    outputs = {tensor.name for tensor in graph.outputs}
    return {
        name: values for name, values in results.items() if objective == "cycles" or name in outputs
    }


def machine_timing(machine: Machine, seed: int = 1) -> MemoryTiming:
    """The memory model's timing that a machine expects."""
    memory = machine.memory
    return MemoryTiming(
        latency_cycles=memory.latency_cycles,
        outstanding_bursts=memory.outstanding_bursts,
        seed=seed,
    )


def machine_with(machine: Machine, timing: MemoryTiming) -> Machine:
    """The machine at a memory of another latency, or with fewer bursts under way."""
    memory = replace(
        machine.memory,
        latency_cycles=timing.latency_cycles,
        outstanding_bursts=min(timing.outstanding_bursts, machine.memory.outstanding_bursts),
    )
    return replace(machine, memory=memory)
