"""What a sweep looks for: objectives and constraints, and which constraint costs how much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from tilewright.spec.diagnostics import suggestion
from tilewright.spec.sections.base import Conflict

from .space_checks import SpaceError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Metrics = Mapping[str, Any]
NOT_MEASURED: Final = "names a metric that is not measured"


@dataclass(frozen=True, kw_only=True)
class Objective:
    """A metric that should be as small (`min`) or as large (`max`) as can be."""

    metric: str
    goal: Literal["min", "max"] = "min"


@dataclass(frozen=True, kw_only=True)
class Constraint:
    """`minimum` <= metric <= `maximum`, both included; the metric may be a parameter's path."""

    name: str
    metric: str
    minimum: float | None = None
    maximum: float | None = None

    def excess(self, values: Floats) -> Floats:
        """How far each value lies outside, relative to the bound (absolute to 0); <= 0: inside."""
        worst = np.full(values.shape, -np.inf)
        for bound, sign in ((self.minimum, -1.0), (self.maximum, 1.0)):
            if bound is not None:
                worst = np.maximum(worst, sign * (values - bound) / (abs(bound) or 1.0))
        return worst


@dataclass(frozen=True, kw_only=True)
class Goals:
    """Objectives and constraints of a sweep."""

    objectives: tuple[Objective, ...]
    constraints: tuple[Constraint, ...] = ()

    def check(self, metrics: Sequence[str], paths: Sequence[str] = ()) -> None:
        """Every name must be known.

        Raises:
            SpaceError: with every mistake: unknown metrics, bounds that nothing can meet.
        """
        conflicts = [*self._objective_conflicts(metrics), *self._bound_conflicts(metrics, paths)]
        if conflicts:
            raise SpaceError(conflicts)

    def _objective_conflicts(self, metrics: Sequence[str]) -> list[Conflict]:
        found = []
        if not self.objectives:
            found.append(Conflict(path=("objectives",), rule="must name at least one metric"))
        names = [objective.metric for objective in self.objectives]
        for i, name in enumerate(names):
            if name not in metrics:
                found.append(_unknown(("objectives", name), name, metrics))
            if name in names[:i]:
                found.append(Conflict(path=("objectives", name), rule="is there twice"))
        return found

    def _bound_conflicts(self, metrics: Sequence[str], paths: Sequence[str]) -> list[Conflict]:
        found = []
        names = [constraint.name for constraint in self.constraints]
        for i, one in enumerate(self.constraints):
            at = ("constraints", one.name)
            if one.metric not in metrics and one.metric not in paths:
                found.append(_unknown(at, one.metric, [*metrics, *paths]))
            if one.minimum is None and one.maximum is None:
                found.append(Conflict(path=at, rule="must have a minimum or a maximum"))
            elif None not in (one.minimum, one.maximum) and one.minimum > one.maximum:  # type: ignore[operator]
                value = f"{one.minimum:g} to {one.maximum:g}"
                rule = "the minimum is above the maximum: nothing meets it"
                found.append(Conflict(path=at, rule=rule, value=value))
            if one.name in names[:i]:
                found.append(Conflict(path=at, rule="is there twice"))
        return found

    def costs(self, metrics: Metrics) -> Floats:
        """One row per design, one column per objective, smaller is better."""
        signs = [1.0 if objective.goal == "min" else -1.0 for objective in self.objectives]
        columns = [np.asarray(metrics[o.metric], dtype=np.float64) for o in self.objectives]
        return np.stack([s * c for s, c in zip(signs, columns, strict=True)], axis=1)

    def values(self, costs: Sequence[float]) -> dict[str, float]:
        """By objective the value of a cost; none where there are no costs."""
        pairs = zip(self.objectives, costs, strict=False)
        return {o.metric: cost if o.goal == "min" else -cost for o, cost in pairs}

    def excesses(self, metrics: Metrics) -> Floats:
        """One row per design, one column per constraint, as `Constraint.excess`."""
        rows = len(next(iter(metrics.values())))
        columns = [
            c.excess(np.asarray(metrics[c.metric], dtype=np.float64)) for c in self.constraints
        ]
        return np.stack(columns, axis=1) if columns else np.zeros((rows, 0))

    def before(self, metrics: Sequence[str]) -> Goals:
        """The constraints on parameters alone: they can be decided before anything is measured."""
        on_paths = tuple(one for one in self.constraints if one.metric not in metrics)
        return Goals(objectives=self.objectives, constraints=on_paths)

    def to_json(self) -> dict[str, Any]:
        """As plain data: what makes these goals these ones."""
        return {
            "objectives": [vars(objective) for objective in self.objectives],
            "constraints": [vars(constraint) for constraint in self.constraints],
        }


def _unknown(path: tuple[str, str], name: str, known: Sequence[str]) -> Conflict:
    help = suggestion(name, known, "metric")
    return Conflict(path=path, rule=NOT_MEASURED, value=name, help=help)


@dataclass(frozen=True, kw_only=True)
class Miss:
    """The design that comes nearest to meeting a constraint (or all), and by how much not.

    `excess` is relative to the bound; `value` is the metric's (of all: that of the worst one).
    """

    index: int
    constraint: str
    value: float
    excess: float


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How many designs the constraints leave, and which one kills how many. Sums of tallies hold
    for both parts.

    `killed`: designs that fail the constraint; `killed_alone`: those that meet all others.
    `nearest`: by constraint, the failing design that is nearest to its bound. `nearest_all`: the
    infeasible design whose worst excess is the least.
    """

    designs: int = 0
    feasible: int = 0
    killed: Mapping[str, int]
    killed_alone: Mapping[str, int]
    nearest: Mapping[str, Miss]
    nearest_all: Miss | None = None

    @classmethod
    def of(cls, goals: Goals, metrics: Metrics, indices: NDArray[Any]) -> Tally:
        """The tally of the designs `indices`."""
        excess = goals.excesses(metrics)
        fails = excess > 0
        num_fails = fails.sum(axis=1)
        names = [constraint.name for constraint in goals.constraints]
        nearest: dict[str, Miss] = {}
        for i, one in enumerate(goals.constraints):
            if fails[:, i].any():
                row = _first_least(np.where(fails[:, i], excess[:, i], np.inf))
                nearest[one.name] = _miss(goals, metrics, indices, excess, row, i)
        nearest_all = None
        if num_fails.any():
            worst = np.where(num_fails > 0, excess.max(axis=1, initial=-np.inf), np.inf)
            row = _first_least(worst)
            nearest_all = _miss(goals, metrics, indices, excess, row, int(excess[row].argmax()))
        alone = fails & (num_fails == 1)[:, None]
        return cls(
            designs=len(indices),
            feasible=int((num_fails == 0).sum()),
            killed=dict(zip(names, fails.sum(axis=0).tolist(), strict=True)),
            killed_alone=dict(zip(names, alone.sum(axis=0).tolist(), strict=True)),
            nearest=nearest,
            nearest_all=nearest_all,
        )

    def __add__(self, other: Tally) -> Tally:
        names = self.killed.keys() | other.killed.keys()
        nearest = dict(self.nearest)
        for name, miss in other.nearest.items():
            nearest[name] = _nearer(nearest.get(name), miss)
        both = (self.nearest_all, other.nearest_all)
        return Tally(
            designs=self.designs + other.designs,
            feasible=self.feasible + other.feasible,
            killed=_sum(self.killed, other.killed, names),
            killed_alone=_sum(self.killed_alone, other.killed_alone, names),
            nearest=nearest,
            nearest_all=both[0] if both[1] is None else _nearer(both[0], both[1]),
        )


def empty_tally(goals: Goals) -> Tally:
    """The tally of no design."""
    zeros = {constraint.name: 0 for constraint in goals.constraints}
    return Tally(killed=zeros, killed_alone=dict(zeros), nearest={})


def _first_least(values: Floats) -> int:
    return int(values.argmin())


def _miss(
    goals: Goals, metrics: Metrics, indices: NDArray[Any], excess: Floats, row: int, column: int
) -> Miss:
    one = goals.constraints[column]
    value = float(np.asarray(metrics[one.metric])[row])
    return Miss(
        index=int(indices[row]), constraint=one.name, value=value,
        excess=float(excess[row, column]),
    )  # fmt: skip


def _nearer(one: Miss | None, other: Miss) -> Miss:
    """The nearer one; of equals the one with the lower index, whatever the order of blocks."""
    if one is None:
        return other
    return min(one, other, key=lambda miss: (miss.excess, miss.index))


def _sum(one: Mapping[str, int], other: Mapping[str, int], names: set[str]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in sorted(names)}
