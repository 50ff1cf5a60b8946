"""Sweeps of the spec's own model in whole blocks: `workload: model`.

With `objective: cycles` its layers are streamed, in closed form; with `objective: bytes` each kind
of design gets the planner's schedule, and every number is that of its program.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from tilewright.build.files import sha256_file
from tilewright.dse.block_machines import reader_of
from tilewright.dse.block_planned import PlannedEstimate, Scheduled
from tilewright.dse.block_resources import has_clock
from tilewright.dse.energy.tables import energy_table
from tilewright.dse.workloads.layers import Workload
from tilewright.spec import AcceleratorSpec
from tilewright.spec.sections.base import Conflict
from tilewright.spec.sweep import SweepSection

from .metrics import MetricChoice

if TYPE_CHECKING:
    from tilewright.dataflow.machine import Machine
    from tilewright.flow.plan_cache import PlanCache

MODEL: Final = "model"
"""The workload that is the spec's model."""


@dataclass(frozen=True, kw_only=True)
class ModelScheduler:
    """The spec's model planned for a machine; what it was asked is remembered by its process.
    `model_sha256` names the model's content.
    """

    spec: AcceleratorSpec
    batch: int
    model_sha256: str

    def __call__(self, machine: Machine) -> Scheduled:
        """Raises:
        ValueError: the machine is too small, or has no such schedule.
        """
        graph, plan, program = _plans()(self.spec, machine, self.batch)
        image_bytes = plan.memory_words * machine.word_bytes
        return Scheduled(program=program, macs=graph.macs, image_bytes=image_bytes)


def is_planned(spec: AcceleratorSpec) -> bool:
    """Whether the sweep of a spec is of its own model as the planner schedules it."""
    is_model = spec.sweep is not None and spec.sweep.workload == MODEL
    return is_model and spec.schedule.objective == "bytes"


def planned_estimate(spec: AcceleratorSpec, choice: MetricChoice) -> PlannedEstimate:
    """The estimate of the spec's model on its machine with keys varied.

    Raises:
        ValueError: there is no clock, neither given nor estimated.
    """
    family = choice.family or ""
    if not has_clock(family) and not choice.is_clock_given:
        raise ValueError(f"clock: has no estimate for {family}, write one")
    base = spec.model_copy(update={"sweep": None})
    return PlannedEstimate(
        reader=reader_of(base, is_planned=True),
        schedule=ModelScheduler(
            spec=base, batch=spec.batch, model_sha256=sha256_file(spec.model_path)
        ),
        tables=tuple(energy_table(name) for name in choice.energies),
        family=family,
        area=choice.area,
        is_programmable=spec.accelerator.program == "ram",
    )


def model_workload(spec: AcceleratorSpec) -> Workload:
    """The layers of the spec's model.

    Raises:
        SpecError: the model is wrong, or has an operator that the hardware cannot run yet.
    """
    from tilewright.dse.workloads.from_graph import workload_of
    from tilewright.flow.design import runnable_graph

    return workload_of(runnable_graph(spec, spec.batch))


def require_runnable(spec: AcceleratorSpec, section: SweepSection) -> None:
    """What no parameter can change about the spec's model: that it can be read, and that engines
    run its operators. Where the sweep varies the model or its batch, each design has its own.

    Raises:
        SpecError: the model is wrong, or has an operator that the hardware cannot run yet.
    """
    from tilewright.flow.design import runnable_graph

    swept = {path.split(".")[0] for path in section.parameters}
    if not swept & {"model", "verify"}:
        runnable_graph(spec, spec.batch)


def model_conflicts(spec: AcceleratorSpec) -> Iterator[Conflict]:
    """What stands in the way of the model as a workload."""
    if not spec.model:
        yield Conflict(path=("workload",), rule="names the spec's model, and there is none")
    if spec.board is not None:
        rule = "knows no board's memory"
        help = "leave it out: designs of a board are compiled one by one"
        yield Conflict(path=("workload",), rule=rule, help=help)


@cache
def _plans() -> PlanCache:
    """Of this process."""
    from tilewright.flow.plan_cache import PlanCache

    return PlanCache()
