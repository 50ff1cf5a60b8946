"""Objectives and constraints of a section `sweep:` as `Goals`. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, Literal

from tilewright.spec.diagnostics import suggestion
from tilewright.spec.sections.base import Conflict
from tilewright.spec.sweep import SweepConstraintSection, SweepObjectiveSection, SweepSection

from .space_checks import SpaceError
from .space_goals import Constraint, Goals, Objective
from .sweep_values import WrongValue, number_of

MAXIMISED: Final = ("utilisation", "clock_mhz")
"""Metrics of which more is better, unless an objective says otherwise."""


def goals_of(
    section: SweepSection,
    *,
    units: Mapping[str, str],
    metrics: Sequence[str],
    paths: Sequence[str],
    functions: Sequence[str],
    limits: Sequence[Constraint] = (),
) -> Goals:
    """Objectives and constraints of a section. `units`: of numbers, by metric and by path of a
    parameter; `metrics` are measured, `paths` can be bounded beside them, `functions` can be named;
    `limits` are constraints beside the section's.

    Raises:
        SpaceError: with every mistake, at paths below the section.
    """
    conflicts: list[Conflict] = []
    objectives = tuple(
        _objective(i, entry, functions, conflicts) for i, entry in enumerate(section.objectives)
    )
    constraints = tuple(
        _constraint(name, entry, units, conflicts) for name, entry in section.constraints.items()
    )
    for limit in limits:
        if limit.name in section.constraints:
            rule = "is the name of a limit of the board"
            help = "choose another, or write `board_limits: false`"
            path = ("constraints", limit.name)
            conflicts.append(Conflict(path=path, rule=rule, value=limit.name, help=help))
    goals = Goals(objectives=objectives, constraints=(*constraints, *limits))
    known = {conflict.path[:2] for conflict in conflicts}
    try:
        goals.check(metrics, paths)
    except SpaceError as error:
        later = [indexed(section, conflict) for conflict in error.conflicts]
        conflicts += [conflict for conflict in later if conflict.path[:2] not in known]
    if conflicts:
        raise SpaceError(conflicts)
    return goals


def indexed(section: SweepSection, conflict: Conflict) -> Conflict:
    """A conflict about an objective of some name, at the place of the last one of this name."""
    path = list(conflict.path)
    if path[0] == "objectives" and len(path) > 1 and isinstance(path[1], str):
        names = [entry.metric or entry.function or "" for entry in section.objectives]
        path[1] = max((i for i, name in enumerate(names) if name == path[1]), default=0)
    return replace(conflict, path=tuple(path))


def placed(section: SweepSection, conflict: Conflict, is_list: Callable[[str], bool]) -> Conflict:
    """The conflict at its place in the spec; `is_list`: whether a parameter is written as a list
    alone, which has no key `values`.
    """
    path = list(indexed(section, conflict).path)
    if path[0] == "parameters" and path[2:3] == ["values"] and is_list(str(path[1])):
        del path[2]
    return replace(conflict, path=("sweep", *path))


def _objective(
    number: int, entry: SweepObjectiveSection, functions: Sequence[str], conflicts: list[Conflict]
) -> Objective:
    if (entry.metric is None) == (entry.function is None):
        rule = "must name a metric, or a function"
        conflicts.append(Conflict(path=("objectives", number), rule=rule, value="both, or neither"))
    elif entry.function is not None and entry.function not in functions:
        rule = "names a function that no installed package has"
        help = suggestion(entry.function, functions, "function")
        path = ("objectives", number, "function")
        conflicts.append(Conflict(path=path, rule=rule, value=entry.function, help=help))
    name = entry.metric or entry.function or ""
    goal: Literal["min", "max"] = entry.goal or ("max" if name in MAXIMISED else "min")
    return Objective(metric=name, goal=goal)


def _constraint(
    name: str,
    entry: SweepConstraintSection,
    units: Mapping[str, str],
    conflicts: list[Conflict],
) -> Constraint:
    metric = entry.metric or name
    bounds: dict[str, float | None] = {"minimum": None, "maximum": None}
    for key in bounds:
        value = getattr(entry, key)
        try:
            bounds[key] = None if value is None else float(number_of(value, units.get(metric, "")))
        except WrongValue as error:
            path = ("constraints", name, key)
            conflicts.append(
                Conflict(path=path, rule=error.rule, value=str(value), help=error.help)
            )
    return Constraint(name=name, metric=metric, minimum=bounds["minimum"],
                      maximum=bounds["maximum"])  # fmt: skip
