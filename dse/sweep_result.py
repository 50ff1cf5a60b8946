"""What a sweep found, as frozen objects that add up; no times in them, so a sweep that was
interrupted and resumed gives the same bytes as one that was not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .pareto import front_indices, hypervolume
from .report.text import counted, number_text
from .space import Space
from .space_domains import Value
from .space_goals import Constraint, Floats, Goals, Miss, Tally, empty_tally
from .sweep_failures import failure_lines
from .sweep_tasks import Failed

JOIN_PARTS = 64
TIMES = ("cycles", "latency_us")
NO_NUMBERS = "no design has numbers"
TIMES_FROM = 10
"""Times its bound from which a metric is not told in percent."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """A design of the space by number, with its metrics."""

    index: int
    metrics: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Part:
    """What some designs gave: who failed, how the constraints cut, the front of what is left, and
    per objective the best and worst cost of a feasible design (None: there is none).
    """

    tally: Tally
    front: tuple[Point, ...] = ()
    failed: tuple[Failed, ...] = ()
    best: tuple[float, ...] | None = None
    worst: tuple[float, ...] | None = None

    @property
    def num_failed(self) -> int:
        """Designs without numbers."""
        return sum(failed.stop - failed.start for failed in self.failed)


def part_of(
    goals: Goals, indices: NDArray[Any], metrics: Mapping[str, Any], failed: Iterable[Failed] = ()
) -> Part:
    """The part of designs whose metrics (and parameters that constraints read) are columns."""
    tally = Tally.of(goals, metrics, indices)
    rows = np.flatnonzero((goals.excesses(metrics) <= 0).all(axis=1))
    if len(rows) == 0:
        return Part(tally=tally, failed=tuple(failed))
    costs = goals.costs(metrics)[rows]
    names = sorted(name for name in metrics if np.asarray(metrics[name]).dtype.kind in "if")
    front = tuple(
        Point(index=int(indices[row]), metrics={n: metrics[n][row].item() for n in names})
        for row in rows[front_indices(costs)]
    )
    return Part(
        tally=tally,
        front=front,
        failed=tuple(failed),
        best=tuple(costs.min(axis=0).tolist()),
        worst=tuple(costs.max(axis=0).tolist()),
    )


def joined(goals: Goals, parts: Sequence[Part]) -> Part:
    """All parts as one: the same whatever the parts were, and in which order they came."""
    points = [point for part in parts for point in part.front]
    front: tuple[Point, ...] = ()
    if points:
        rows = front_indices(costs_of(goals, points))
        front = tuple(sorted((points[row] for row in rows), key=lambda point: point.index))
    bests = np.array([part.best for part in parts if part.best is not None])
    worsts = np.array([part.worst for part in parts if part.worst is not None])
    failed = sorted((f for part in parts for f in part.failed), key=lambda f: f.start)
    return Part(
        tally=sum((part.tally for part in parts), start=empty_tally(goals)),
        front=front,
        failed=tuple(failed),
        best=tuple(bests.min(axis=0).tolist()) if len(bests) else None,
        worst=tuple(worsts.max(axis=0).tolist()) if len(worsts) else None,
    )


class Parts:
    """Parts as they come, joined from time to time."""

    def __init__(self, goals: Goals) -> None:
        self.goals = goals
        self.all: list[Part] = []

    def add(self, part: Part) -> None:
        """One more."""
        self.all.append(part)
        if len(self.all) >= JOIN_PARTS:
            self.all = [joined(self.goals, self.all)]

    def whole(self) -> Part:
        """All of them as one."""
        self.all = [joined(self.goals, self.all)]
        return self.all[0]


def costs_of(goals: Goals, points: Sequence[Point]) -> Floats:
    """One row of costs per point."""
    names = [objective.metric for objective in goals.objectives]
    return goals.costs({name: np.array([p.metrics[name] for p in points]) for name in names})


@dataclass(frozen=True, kw_only=True)
class SweepResult:
    """The answer of a sweep.

    `is_exact`: every design of the space was evaluated or failed by name, so the front is the
    space's (`failed` aside). `reference` (costs) bounds the hypervolume: the worst feasible cost
    per objective among those evaluated. `evaluated` counts designs with numbers.
    """

    space_size: int
    evaluated: int
    tally: Tally
    front: tuple[Point, ...]
    failed: tuple[Failed, ...]
    best: tuple[float, ...] | None
    reference: tuple[float, ...] | None
    hypervolume: float | None
    is_exact: bool
    was_interrupted: bool = False
    notes: tuple[str, ...] = ()

    @property
    def num_failed(self) -> int:
        """Designs without numbers."""
        return sum(failed.stop - failed.start for failed in self.failed)

    def designs(self, space: Space) -> list[dict[str, Value | None]]:
        """The front's designs."""
        return [space.design(point.index) for point in self.front]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def result_of(
    goals: Goals, parts: Sequence[Part], *, space_size: int, was_interrupted: bool = False
) -> SweepResult:
    """The result of all parts that there are."""
    whole = joined(goals, parts)
    volume = None
    if whole.front and whole.worst is not None:
        volume = hypervolume(costs_of(goals, whole.front), np.array(whole.worst))
    covered = whole.tally.designs + whole.num_failed
    return SweepResult(
        space_size=space_size,
        evaluated=whole.tally.designs,
        tally=whole.tally,
        front=whole.front,
        failed=whole.failed,
        best=whole.best,
        reference=whole.worst,
        hypervolume=volume,
        is_exact=covered == space_size,
        was_interrupted=was_interrupted,
        notes=tuple(_notes(goals, whole, space_size - covered)),
    )


def _notes(goals: Goals, whole: Part, missing: int) -> Iterable[str]:
    """What a reader must know: gaps, no numbers at all, and constraints that nothing meets."""
    if missing:
        was = "was" if missing == 1 else "were"
        told = f"{counted(missing, 'design')} of the space {was} not evaluated"
        yield f"{told}: the front is that of the others"
    if whole.failed and not whole.tally.designs:
        yield NO_NUMBERS
    yield from failure_lines(whole.failed)
    tally = whole.tally
    if tally.designs and not tally.feasible:
        yield from _unmet(goals, tally)


def _unmet(goals: Goals, tally: Tally) -> Iterable[str]:
    yield f"no design meets all constraints, of {tally.designs:,} evaluated"
    by_name = {one.name: one for one in goals.constraints}
    for one in goals.constraints:
        miss = tally.nearest.get(one.name)
        if miss is not None:
            yield (
                f"{one.name} ({bounds_text(one.minimum, one.metric, one.maximum)}) fails for "
                f"{tally.killed[one.name]:,}, alone for {tally.killed_alone[one.name]:,}; "
                f"{_nearest_text(miss, one)}"
            )
    if tally.nearest_all is not None:
        worst = by_name[tally.nearest_all.constraint]
        yield f"nearest to all: {_nearest_text(tally.nearest_all, worst)}"


def _nearest_text(miss: Miss, one: Constraint) -> str:
    """How far a design is from a bound: a share of it, or how many times as much."""
    bound = one.maximum if one.maximum is not None and miss.value > one.maximum else one.minimum
    off = f"off by {100 * miss.excess:.3g} %"
    if not bound:
        off = f"off by {number_text(miss.excess)}"
    elif miss.excess >= TIMES_FROM - 1:
        what = "slow" if one.metric in TIMES else "large"
        off = f"{number_text(round(1 + miss.excess))} times too {what}"
    return f"design {miss.index:,} has {number_text(miss.value)}, {off} ({miss.constraint})"


def bounds_text(minimum: float | None, metric: str, maximum: float | None) -> str:
    """`1 <= lut <= 50`."""
    left = f"{number_text(minimum)} <= " if minimum is not None else ""
    right = f" <= {number_text(maximum)}" if maximum is not None else ""
    return f"{left}{metric}{right}"


def part_to_json(part: Part) -> dict[str, Any]:
    """Plain data for a record."""
    return asdict(part)


def part_from_json(data: Mapping[str, Any]) -> Part:
    """The part that `part_to_json` wrote."""
    tally = data["tally"]
    nearest_all = tally["nearest_all"]
    return Part(
        tally=Tally(
            designs=tally["designs"],
            feasible=tally["feasible"],
            killed=tally["killed"],
            killed_alone=tally["killed_alone"],
            nearest={name: Miss(**miss) for name, miss in tally["nearest"].items()},
            nearest_all=None if nearest_all is None else Miss(**nearest_all),
        ),
        front=tuple(Point(**point) for point in data["front"]),
        failed=tuple(Failed(**failed) for failed in data["failed"]),
        best=None if data["best"] is None else tuple(data["best"]),
        worst=None if data["worst"] is None else tuple(data["worst"]),
    )
