"""Names of metrics, functions and parameters of a sweep: each stands for one column."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tilewright.dse.energy.tables import table_names
from tilewright.dse.sweep_file import INDEX
from tilewright.dse.sweep_tasks import REFUSED
from tilewright.spec.sections.base import Conflict
from tilewright.spec.sweep import SweepSection

from .metrics import ENERGY_BY, UNITS

METRICS: Final = frozenset((*UNITS, *(f"{ENERGY_BY}{table}" for table in table_names())))
COLUMNS: Final = (INDEX, REFUSED)


def name_conflicts(section: SweepSection) -> Iterator[Conflict]:
    """Functions and derived parameters that are called like something else of a sweep."""
    functions = {entry.function for entry in section.objectives if entry.function}
    derived = {path for path, entry in section.parameters.items() if entry.derived}
    for path in derived:
        what = _taken(path) or ("function among the objectives" if path in functions else None)
        if what is not None:
            yield _clash(("parameters", path), path, what, "choose another name")
    keys = section.parameters.keys() - derived
    for number, entry in enumerate(section.objectives):
        name = entry.function or ""
        what = _taken(name) or ("parameter" if name in keys else None)
        if what is not None:
            help = "give its entry point another name"
            yield _clash(("objectives", number, "function"), name, what, help)


def _taken(name: str) -> str | None:
    """What has this name in every sweep."""
    if name in METRICS:
        return "metric"
    return "column of every sweep" if name in COLUMNS else None


def _clash(path: tuple[str | int, ...], name: str, what: str, help: str) -> Conflict:
    rule = f"is the name of a {what}: one would replace the other"
    return Conflict(path=path, rule=rule, value=name, help=help)
