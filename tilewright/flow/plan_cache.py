"""Plans and programs of many designs, each made once: a sweep varies much that no plan depends on.

A plan and its program depend on the graph (model, batch, form of the scales), the engine, the
scratchpad, the alignment of tensors, how many beats a word takes, and the schedule's objective.
They do not on the memory's latency, bursts or, beyond the beats, its width: a test compares.

What the planner decides (`objective: bytes`), and with it every byte over the memory port, depends
on less: the graph, the sizes of its matmuls on the array (rows, columns, lanes), banks and words of
the scratchpad, and the time that it has. Its search is remembered by these alone.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from tilewright.dataflow.compile import compile_graph
from tilewright.dataflow.graph import Graph
from tilewright.dataflow.machine import Machine, Scratchpad
from tilewright.dataflow.plan import Plan
from tilewright.dataflow.program import Program
from tilewright.dataflow.tiling import Matmul
from tilewright.spec import AcceleratorSpec

from .design import Compiled, check_program, machine_numbers, runnable_graph

if TYPE_CHECKING:
    from tilewright.dataflow.resident.choose import Chosen

MOST_GRAPHS: Final = 8
MOST_PLANS: Final = 256


class PlanCache:
    """Answers as `design.compiled`, from memory where it can; for one process."""

    def __init__(self) -> None:
        self._graphs: OrderedDict[Any, Graph] = OrderedDict()
        self._plans: OrderedDict[Any, tuple[Plan, Program]] = OrderedDict()
        self._choices: OrderedDict[Any, Chosen] = OrderedDict()
        self.hits = 0
        self.searches = 0

    def __call__(self, spec: AcceleratorSpec, machine: Machine, batch: int) -> Compiled:
        """Graph, plan and program of a spec's model on a machine."""
        graph_key = _graph_key(spec, machine, batch)
        graph = self._graphs.get(graph_key)
        if graph is None:
            graph = machine_numbers(runnable_graph(spec, batch), machine)
            _keep(self._graphs, graph_key, graph, MOST_GRAPHS)
        schedule = spec.schedule
        key = (graph_key, _planned_for(machine), schedule.objective, schedule.time_limit_seconds)
        found = self._plans.get(key)
        if found is not None:
            self.hits += 1
            return (graph, *found)
        plan, program = compile_graph(
            graph, machine, schedule.objective, schedule.time_limit_seconds,
            choose_with=partial(self._chosen, graph_key),
        )  # fmt: skip
        check_program(program, machine)
        _keep(self._plans, key, (plan, program), MOST_PLANS)
        return graph, plan, program

    def _chosen(
        self,
        graph_key: Any,
        graph: Graph,
        sizes: Sequence[Matmul],
        pad: Scratchpad,
        seconds: float,
    ) -> Chosen:
        """As `choose`, whose answer depends on nothing else."""
        from tilewright.dataflow.resident.choose import choose

        key = (graph_key, tuple(sizes), pad, seconds)
        found = self._choices.get(key)
        if found is None:
            self.searches += 1
            found = choose(graph, sizes, pad, seconds)
            _keep(self._choices, key, found, MOST_PLANS)
        return found


def _graph_key(spec: AcceleratorSpec, machine: Machine, batch: int) -> Any:
    """What the graph of integers depends on."""
    status = spec.model_path.stat()
    params = machine.engines[0].params
    scales = (params["requantize"], params["multiplier_bits"])
    return (str(spec.model_path), status.st_size, status.st_mtime_ns, batch, scales)


def _planned_for(machine: Machine) -> str:
    """The machine as far as plans and programs depend on it."""
    memory = replace(
        machine.memory,
        bytes_per_cycle=machine.port_bytes,
        latency_cycles=0,
        outstanding_bursts=1,
        max_burst_beats=1,
    )
    return repr(replace(machine, memory=memory))


def _keep(cache: OrderedDict[Any, Any], key: Any, value: Any, most: int) -> None:
    cache[key] = value
    if len(cache) > most:
        cache.popitem(last=False)
