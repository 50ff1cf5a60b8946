"""Sweeps of a workload: a list of layers, estimated for all designs of a block at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tilewright.dse.block_estimate import BlockEstimate, block_evaluation
from tilewright.dse.block_machines import Reader
from tilewright.dse.energy.tables import energy_table
from tilewright.dse.space_checks import SpaceError
from tilewright.dse.sweep_tasks import Evaluation
from tilewright.dse.workloads.layers import Workload
from tilewright.dse.workloads.read import library_names, library_workload, read_workload
from tilewright.hw.lib.structure import FAMILIES
from tilewright.spec import AcceleratorSpec
from tilewright.spec.diagnostics import suggestion
from tilewright.spec.sections.base import Conflict
from tilewright.spec.sweep import SweepSection

from .boards import BOARD, WRITE_CLOCK, no_clock
from .metrics import MetricChoice
from .planned import (
    MODEL,
    is_planned,
    model_conflicts,
    model_workload,
    planned_estimate,
)
from .user_functions import with_functions
from .workload_facts import base_spec


def workload_evaluation(
    spec: AcceleratorSpec, section: SweepSection, choice: MetricChoice
) -> Evaluation:
    """The evaluation of the section's workload on the spec's machine.

    Raises:
        SpaceError: no such workload; a key that has no effect on it; what only a model has.
        SpecError: the workload's file is wrong.
    """
    conflicts = list(_conflicts(spec, section, choice))
    if section.workload == MODEL and (conflicts or is_planned(spec)):
        return _planned(spec, section, choice, conflicts)
    workload = _workload(spec, section)
    if workload is None:
        rule, name = "must be a network of the library, or a file", section.workload or ""
        help = suggestion(name, library_names(), "network")
        conflicts.append(Conflict(path=("workload",), rule=rule, value=name, help=help))
    if conflicts or workload is None or choice.family is None:
        raise SpaceError(conflicts)
    base = base_spec(spec)
    tables = [energy_table(name) for name in choice.energies]
    try:
        evaluation = block_evaluation(
            workload, base, tables, family=choice.family, area=choice.area,
            is_clock_given=choice.is_clock_given,
        )  # fmt: skip
    except ValueError as error:
        raise SpaceError([Conflict(path=("workload",), rule=str(error))]) from None
    assert isinstance(evaluation.many, BlockEstimate)
    unread = _unread(section, evaluation.many.reader)
    if unread:
        raise SpaceError(unread)
    return with_functions(evaluation, choice.functions)


def _planned(
    spec: AcceleratorSpec,
    section: SweepSection,
    choice: MetricChoice,
    conflicts: Sequence[Conflict],
) -> Evaluation:
    """Of the spec's model as the planner schedules it."""
    if conflicts:
        raise SpaceError(list(conflicts))
    try:
        estimate = planned_estimate(spec, choice)
    except ValueError as error:
        raise SpaceError([Conflict(path=("workload",), rule=str(error))]) from None
    unread = _unread(section, estimate.reader)
    if unread:
        raise SpaceError(unread)
    name = f"block_planned {estimate.digest}"
    evaluation = Evaluation(name=name, metrics=estimate.metrics, one=estimate.one, many=estimate)
    return with_functions(evaluation, choice.functions)


def _workload(spec: AcceleratorSpec, section: SweepSection) -> Workload | None:
    name = section.workload or ""
    if name == MODEL:
        return model_workload(spec)
    if name in library_names():
        return library_workload(name)
    path = spec.directory / name
    return read_workload(path, spec.batch) if Path(name).suffix and path.is_file() else None


def _conflicts(
    spec: AcceleratorSpec, section: SweepSection, choice: MetricChoice
) -> Iterator[Conflict]:
    """What a sweep of a workload does not have."""
    if BOARD in section.parameters:
        rule = "a workload is estimated on one board"
        help = "write `board:` in the spec, or the `family:` of the sweep and a `clock:`"
        yield Conflict(path=("parameters", BOARD), rule=rule, help=help)
    elif choice.family not in FAMILIES:
        rule = f"resources of {choice.family} are not known: name a family"
        yield Conflict(path=("family",), rule=rule, value=None, help=f"{', '.join(FAMILIES)}")
    elif not choice.is_clock_given and (why := no_clock([choice.family])) is not None:
        value = choice.family
        yield Conflict(path=("family",), rule=why, value=value, help=WRITE_CLOCK)
    if section.workload == MODEL:
        yield from model_conflicts(spec)
    elif spec.schedule.objective != "cycles":
        rule = "layers of a workload are streamed: write `schedule: {objective: cycles}`"
        yield Conflict(path=("workload",), rule=rule)


def _unread(section: SweepSection, reader: Reader) -> list[Conflict]:
    unread = reader.unread(iter(section.parameters))
    rule = "has no effect on the estimate of a workload"
    return [Conflict(path=("parameters", path), rule=rule, value=path) for path in unread]
