"""Functions of users as objectives, by the entry point group `tilewright.objectives`.

A function takes a mapping, the design's metrics and the values of its parameters by path, and
returns a number. Only names of installed entry points can be named: a spec imports nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from tilewright.dse.space_checks import SpaceError
from tilewright.errors import TilewrightError
from tilewright.spec.sections.base import Conflict
from tilewright.spec.sweep import SweepSection

GROUP: Final = "tilewright.objectives"

Objective = Callable[[Mapping[str, Any]], float]


def function_names() -> tuple[str, ...]:
    """All that can be named."""
    return tuple(sorted({point.name for point in entry_points(group=GROUP)}))


def objective_version(name: str) -> str:
    """The package of a function, with its version: results depend on it."""
    point = _point(name)
    owner = point.dist
    return f"{point.value} of {owner.name} {owner.version}" if owner else point.value


def loaded_versions(section: SweepSection, names: Iterable[str]) -> dict[str, str]:
    """The versions of these functions; what cannot be loaded is told before anything runs.

    Raises:
        SpaceError: each of them at the objective that names it.
    """
    found, conflicts = {}, []
    for name in names:
        try:
            load_objective(name)
            found[name] = objective_version(name)
        except TilewrightError as error:
            number = [entry.function for entry in section.objectives].index(name)
            path = ("objectives", number, "function")
            conflicts.append(Conflict(path=path, rule=error.message, value=name, help=error.help))
    if conflicts:
        raise SpaceError(conflicts)
    return found


@cache
def load_objective(name: str) -> Objective:
    """The function.

    Raises:
        TilewrightError: it cannot be loaded, or is no function.
    """
    point = _point(name)
    try:
        found: Any = point.load()
    except (Exception, SystemExit) as error:  # somebody else's code: all is told
        message = f"objective {name} = {point.value} cannot be loaded: {error}"
        raise TilewrightError(message, help="repair its package, or leave it out") from error
    if not callable(found):
        raise TilewrightError(f"objective {name} = {point.value} is no function")
    return found  # type: ignore[no-any-return]


def _point(name: str) -> EntryPoint:
    found = [point for point in entry_points(group=GROUP) if point.name == name]
    if not found:
        raise TilewrightError(f"no installed package has an objective {name}")
    if len(found) > 1:
        owners = " and ".join(point.value for point in found)
        raise TilewrightError(f"objective {name}: both {owners} have it")
    return found[0]
