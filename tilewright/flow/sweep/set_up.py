"""From a spec with a section `sweep:` to what is swept, looked for and measured; all mistakes at
their keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tilewright.board_of_spec import board_of, clock_of
from tilewright.boards import Board
from tilewright.build.files import sha256_file
from tilewright.build.tools import DISTRIBUTION, package_version
from tilewright.dse.energy.tables import TABLES, table_names
from tilewright.dse.ledger import content_key
from tilewright.dse.space_checks import SpaceError
from tilewright.dse.space_goals import Constraint, Goals
from tilewright.dse.sweep import Sweep
from tilewright.dse.sweep_file import MetricSource
from tilewright.dse.sweep_goals import goals_of, placed
from tilewright.dse.sweep_section import Swept, swept_of
from tilewright.dse.sweep_tasks import Evaluation
from tilewright.errors import UsageError
from tilewright.hw.lib.cell_area import FILE as AREAS
from tilewright.hw.lib.resources import FILE as COEFFICIENTS
from tilewright.spec import AcceleratorSpec, Spec, SpecError
from tilewright.spec.diagnostics import suggestion
from tilewright.spec.paths import absent_keys, spec_keys
from tilewright.spec.sections.base import Conflict
from tilewright.spec.sweep import SweepSection

from .area import area_conflicts, area_of, with_advice
from .boards import BOARD, families_of, with_reasons
from .evaluate import ModelEvaluation
from .laws import laws_digest
from .metrics import (
    DEVICE_SHARE,
    MetricChoice,
    choose_metrics,
    device_limits,
    sources_of,
    unit_of,
)
from .names import name_conflicts
from .objectives import function_names, loaded_versions
from .planned import is_planned, require_runnable
from .workload import workload_evaluation
from .workload_facts import workload_context

CLOCKS: Final = ("clock", BOARD)


@dataclass(frozen=True, kw_only=True)
class SweepSetup:
    """All of a sweep before it starts. `evaluate` makes specs and designs of its points; None: a
    workload is estimated in closed form, and nothing is compiled.
    `energy_tables`: of each metric of energy, the first the one that is believed.
    """

    name: str
    section: SweepSection
    swept: Swept
    sweep: Sweep
    evaluate: ModelEvaluation | None
    sources: Mapping[str, MetricSource]
    energy_tables: Mapping[str, str]

    def unit(self, name: str) -> str:
        """Of a metric or of a parameter."""
        source = self.sources.get(name)
        return self.swept.unit(name) if source is None else source.unit


def set_up(spec: Spec) -> SweepSetup:
    """What a spec's section `sweep:` says.

    Raises:
        UsageError: it has none, or is no accelerator.
        SpecError: with all mistakes in it.
    """
    if not isinstance(spec, AcceleratorSpec):
        raise UsageError("sweep: a kernel has no model to run", help="write an accelerator spec")
    section = spec.sweep
    if section is None:
        raise UsageError(
            f"{spec.name}: has no section `sweep:`", help="docs/exploration.md has an example"
        )
    try:
        return _set_up(spec, section)
    except SpaceError as error:
        raise SpecError(_located(spec, section, error)) from None


def check_sweep(spec: Spec) -> None:
    """The mistakes of a section `sweep:`, if the spec has one (`SpecError`)."""
    if isinstance(spec, AcceleratorSpec) and spec.sweep is not None:
        set_up(spec)


def _set_up(spec: AcceleratorSpec, section: SweepSection) -> SweepSetup:
    swept, conflicts = _swept(spec, section)
    installed, board = function_names(), board_of(spec)
    choice = _choice(spec, section, board, installed)
    units = {name: unit_of(choice, name) for name in choice.names}
    units |= {} if swept is None else {p.path: swept.unit(p.path) for p in swept.space.parameters}
    goals: Goals | None = None
    try:
        goals = goals_of(
            section,
            units=units,
            metrics=choice.names,
            paths=list(section.parameters),  # the sweep checks that they are numbers
            functions=installed,
            limits=_limits(section, board, choice),
        )
    except SpaceError as error:
        reasons = with_reasons(families_of(spec, section), error.conflicts)
        conflicts += with_advice(section, reasons)
    if conflicts or swept is None or goals is None:
        raise SpaceError(conflicts)
    versions = loaded_versions(section, choice.functions)
    is_of_layers = section.workload is not None and not is_planned(spec)
    evaluate = None if is_of_layers else _evaluation(spec, section, swept, choice)
    evaluation = (
        workload_evaluation(spec, section, choice)
        if section.workload is not None
        else Evaluation(name="model", metrics=choice.names, one=evaluate)
    )
    context = _context(spec, swept, choice, versions) | workload_context(spec, section, evaluation)
    return SweepSetup(
        name=spec.name,
        section=section,
        swept=swept,
        sweep=Sweep(space=swept.space, goals=goals, evaluation=evaluation, context=context),
        evaluate=evaluate,
        sources=sources_of(choice, versions, is_of_layers=is_of_layers),
        energy_tables=choice.energy_tables,
    )


def _swept(spec: AcceleratorSpec, section: SweepSection) -> tuple[Swept | None, list[Conflict]]:
    """The space, or what is wrong with it; and with the tables of energies."""
    conflicts = [
        *_energy_conflicts(section),
        *area_conflicts(section),
        *name_conflicts(section),
    ]
    try:
        return swept_of(section, spec_keys(spec), absent_keys(spec)), conflicts
    except SpaceError as error:
        return None, [*error.conflicts, *conflicts]


def _energy_conflicts(section: SweepSection) -> Iterator[Conflict]:
    for number, name in enumerate(section.energy):
        is_wanted = name in TABLES and (number or TABLES[name].unit == "pJ")
        known = [table for table in table_names() if number or TABLES[table].unit == "pJ"]
        rule = "must be a table" if number else "must be a table in pJ"
        if not is_wanted:
            help = suggestion(name, known, "table")
            yield Conflict(path=("energy",), rule=rule, value=name, help=help)
        elif name in section.energy[:number]:
            yield Conflict(path=("energy",), rule="is there twice", value=name)


def _choice(
    spec: AcceleratorSpec, section: SweepSection, board: Board | None, installed: Sequence[str]
) -> MetricChoice:
    """The metrics: of the section's family, else of the board's, else of each design's board."""
    has_other_boards = BOARD in section.parameters
    named = {entry.function for entry in section.objectives}
    families = families_of(spec, section)
    return choose_metrics(
        family=None if section.family is None and has_other_boards else families[0],
        families=families,
        has_other_boards=has_other_boards,
        has_clock=clock_of(spec, board) is not None or _gives_clock(section),
        energies=tuple(dict.fromkeys(name for name in section.energy if name in TABLES))
        or table_names()[:1],
        functions=[name for name in installed if name in named],
        area=area_of(section),
    )


def _gives_clock(section: SweepSection) -> bool:
    """Whether every design gets a clock from a parameter: its own, or its board's."""
    found = [section.parameters[path] for path in CLOCKS if path in section.parameters]
    return any(entry.when is None or entry.otherwise is not None for entry in found)


def _limits(
    section: SweepSection, board: Board | None, choice: MetricChoice
) -> tuple[Constraint, ...]:
    if not section.board_limits:
        return ()
    if DEVICE_SHARE in choice.built_in:
        return (Constraint(name="device", metric=DEVICE_SHARE, maximum=1.0),)
    return () if board is None else device_limits(board, choice.built_in)


def _evaluation(
    spec: AcceleratorSpec, section: SweepSection, swept: Swept, choice: MetricChoice
) -> ModelEvaluation:
    """Of the spec's model, which engines must run."""
    if spec.model:
        require_runnable(spec, section)
    file, data = spec.written
    keys = [p.path for p in swept.space.parameters if not p.is_derived]
    return ModelEvaluation(
        data={key: value for key, value in data.items() if key != "sweep"},
        file=Path(file).name,
        directory=spec.directory.absolute(),
        units={path: swept.unit(path) for path in keys},
        choice=choice,
    )


def _context(
    spec: AcceleratorSpec, swept: Swept, choice: MetricChoice, versions: Mapping[str, str]
) -> dict[str, str]:
    """What every number depends on beside the values of a design."""
    _, data = spec.written
    keys = [p.path for p in swept.space.parameters if not p.is_derived]
    around = {key: value for key, value in data.items() if key != "sweep"}
    context = {
        "tilewright": package_version(DISTRIBUTION) or "unknown",
        "spec": content_key(_without(around, keys)),
        "laws": laws_digest(),
        "resources": sha256_file(COEFFICIENTS),
        "family": choice.family or "each board's",
        "energy": ", ".join(choice.energies),
    }
    if choice.area is not None:
        context["area"] = f"{choice.area}, {sha256_file(AREAS)}"
    if spec.model:
        context["model"] = sha256_file(spec.model_path)
    if spec.board_path is not None:
        context["board"] = sha256_file(spec.board_path)
    return context | {f"objective {name}": version for name, version in versions.items()}


def _without(data: Mapping[str, Any], paths: list[str], prefix: str = "") -> dict[str, Any]:
    """The spec around the swept keys."""
    kept = {}
    for key, value in data.items():
        path = f"{prefix}{key}"
        if path not in paths:
            is_section = isinstance(value, dict)
            kept[key] = _without(value, paths, f"{path}.") if is_section else value
    return kept


def _located(spec: AcceleratorSpec, section: SweepSection, error: SpaceError) -> list[Any]:
    _, data = spec.written
    written: Any = data.get("sweep", {})
    parameters = written.get("parameters", {}) if isinstance(written, dict) else {}

    def is_list(path: str) -> bool:
        return isinstance(parameters.get(path), list)

    found = [spec.located(placed(section, conflict, is_list)) for conflict in error.conflicts]
    return sorted(found, key=lambda d: (d.line or 0, d.column or 0))
