"""What a sweep found, gathered into a `SweepFile`. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from .space import Space
from .space_domains import Parameter
from .space_goals import Goals
from .space_values import rising, values_in
from .sweep import Kept, Sweep
from .sweep_failures import joined_ranges
from .sweep_file import (
    INDEX,
    MAX_DESIGNS,
    Column,
    Confirmation,
    ConstraintSummary,
    Coverage,
    MetricSource,
    ObjectiveSummary,
    SpaceSummary,
    SweepFile,
    SweptParameter,
    TableRanking,
)
from .sweep_result import SweepResult
from .sweep_tasks import measure_at

MAX_FAILURES: Final = 10_000
SAMPLE_SEED: Final = 1


@dataclass(frozen=True, kw_only=True)
class Findings:
    """A sweep and its result. `kept`: metrics of the designs to list, all or a sample, the front's
    among them; `num_listed_of`: how many designs have metrics. `how`: of a search, how it searched.
    """

    name: str
    sweep: Sweep
    result: SweepResult
    kept: Kept
    num_listed_of: int
    sources: Mapping[str, MetricSource]
    unit: Callable[[str], str]
    how: str = ""
    confirmations: tuple[Confirmation, ...] = field(default=())
    notes: tuple[str, ...] = ()
    rankings: tuple[TableRanking, ...] = ()


def sweep_file_of(findings: Findings) -> SweepFile:
    """The file of a sweep."""
    sweep, result = findings.sweep, findings.result
    rows = listed_rows(sorted(findings.kept), [point.index for point in result.front])
    columns = _columns(sweep, rows, findings.kept)
    failures = joined_ranges(result.failed)
    notes = [*result.notes, *findings.notes]
    if len(failures) > MAX_FAILURES:
        notes.append(f"failures: the first {MAX_FAILURES} of {len(failures)} are listed")
    return SweepFile(
        name=findings.name,
        context=dict(sweep.context),
        was_interrupted=result.was_interrupted,
        space=SpaceSummary(
            size=sweep.space.size,
            parameters=tuple(
                _swept(sweep.space, parameter, columns[parameter.path], findings.unit)
                for parameter in sweep.space.parameters
            ),
        ),
        objectives=tuple(
            ObjectiveSummary(metric=o.metric, direction=o.goal, unit=findings.unit(o.metric))
            for o in sweep.goals.objectives
        ),
        constraints=_constraints(sweep.goals, result, findings.unit),
        coverage=_coverage(findings),
        metrics=findings.sources,
        columns=columns,
        front=tuple(point.index for point in result.front),
        num_left_out=findings.num_listed_of - len(rows),
        notes=tuple(notes),
        failures=tuple(failures[:MAX_FAILURES]),
        confirmations=findings.confirmations,
        rankings=findings.rankings,
    )


def listed_rows(
    evaluated: Sequence[int], front: Iterable[int], most: int = MAX_DESIGNS
) -> list[int]:
    """Which designs are listed: all, or else the front and one at random (with one seed) of each
    of equally long pieces of the rest. Steps of one length would meet the same values again and
    again, because designs are numbered by mixed radix.
    """
    if len(evaluated) <= most:
        return [int(number) for number in evaluated]
    chosen = set(front)
    pieces = most - len(chosen)
    if pieces > 0:
        rng = np.random.default_rng(SAMPLE_SEED)
        edges = np.arange(pieces + 1) * len(evaluated) // pieces  # no two pieces share a design
        places = edges[:-1] + (rng.random(pieces) * np.diff(edges)).astype(np.int64)
        chosen |= {int(evaluated[int(place)]) for place in places}
    return sorted(chosen)


def measured_rows(
    sweep: Sweep,
    result: SweepResult,
    most: int = MAX_DESIGNS,
    *,
    covered: Sequence[tuple[int, int]] | None = None,
) -> Kept:
    """The metrics of designs to list of a space that was evaluated in blocks: its records hold the
    fronts alone, so the sample is evaluated again. `covered`: the blocks that were; None: all.
    """
    front = [point.index for point in result.front]
    evaluated: Sequence[int] = range(sweep.space.size)
    if covered is not None:
        arrays = [np.arange(*block) for block in sorted(covered)]
        evaluated = np.concatenate([np.zeros(0, np.int64), *arrays])  # type: ignore[assignment]
    rows = listed_rows(evaluated, front, most)
    indices, metrics, _ = measure_at(sweep.evaluation, sweep.space, sweep.space.indices(rows))
    lists = {name: column.tolist() for name, column in metrics.items()}
    return {
        number: {name: column[row] for name, column in lists.items()}
        for row, number in enumerate(indices.tolist())
    }


def _columns(sweep: Sweep, rows: Sequence[int], kept: Kept) -> dict[str, Column]:
    space: Space = sweep.space
    columns: dict[str, Column] = {INDEX: tuple(rows)}
    for path, column in space.columns_at(space.indices(rows)).items():
        columns[path] = tuple(column.tolist())
    for name in sweep.evaluation.metrics:
        columns[name] = tuple(kept[row][name] for row in rows)
    return columns


def _swept(
    space: Space, parameter: Parameter, column: Column, unit: Callable[[str], str]
) -> SweptParameter:
    values = values_in(space, parameter)
    return SweptParameter(
        path=parameter.path,
        values=rising(column) if values is None else values,
        is_derived=parameter.is_derived,
        unit=unit(parameter.path),
        has_all=values is not None,
    )


def _constraints(
    goals: Goals, result: SweepResult, unit: Callable[[str], str]
) -> tuple[ConstraintSummary, ...]:
    return tuple(
        ConstraintSummary(
            name=one.name,
            metric=one.metric,
            minimum=one.minimum,
            maximum=one.maximum,
            unit=unit(one.metric),
            num_ruled_out=result.tally.killed.get(one.name, 0),
            num_ruled_out_alone=result.tally.killed_alone.get(one.name, 0),
        )
        for one in goals.constraints
    )


def _coverage(findings: Findings) -> Coverage:
    result = findings.result
    is_exact = result.is_exact and not result.was_interrupted
    return Coverage(
        kind="exact" if is_exact else "search",
        num_evaluated=findings.num_listed_of,
        num_feasible=result.tally.feasible,
        hypervolume=result.hypervolume,
        text=_certificate(findings, is_exact),
        num_failed=result.num_failed,
    )


def _certificate(findings: Findings, is_exact: bool) -> str:
    """The sentence that says what the front is worth."""
    result, evaluated = findings.result, findings.num_listed_of
    size, failed = result.space_size, result.num_failed
    designs = "the one design" if size == 1 else f"all {size:,} designs"
    lost = f"failed, {'' if failed == 1 else 'each '}with its reason"
    if is_exact and failed == size:
        return f"no design has numbers: {designs} of the space {lost}"
    before = result.tally.designs - evaluated
    few = ("none has numbers", "1 has numbers")
    parts = [few[evaluated] if evaluated < 2 else f"{evaluated:,} have numbers"]
    parts += [f"{failed:,} {lost}"] * bool(failed)
    was = "was" if before == 1 else "were"
    parts += [f"{before:,} {was} ruled out by constraints on parameters alone"] * bool(before)
    told = ", ".join(parts)
    if is_exact:
        what = f"{designs} of the space {'was' if size == 1 else 'were'} enumerated"
        what += f" ({told})" if evaluated < size else ""
        other = "no other design of the space is on the front" if size > 1 else "there is no other"
        return f"exact: {what}; {other}"
    stopped = ", until it was interrupted" if result.was_interrupted else ""
    way = findings.how or "enumeration"
    return f"{way}{stopped}: of {size:,} designs {told}; nothing is said of the others"
