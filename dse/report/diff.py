"""Two sweeps compared: of one space, or of two that share parameters. Pure.

Designs are the same if they have the same settings; where one sweep has a parameter that the other
has not, they are compared by what both have, unless that is not unique. A design is better in the
second sweep if no objective is worse there and one is better. Hypervolumes are of both fronts under
one reference: the worst cost of each objective on either front.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from ..pareto import hypervolume
from ..sweep_file import SweepFile
from .diff_asked import CONTEXT, Asked, apart, asked_apart, keys_apart
from .diff_fronts import Key, Why, why_absent
from .text import setting_text

MOST_VALUES: Final = 6
Kind = Literal["better", "worse", "both", "same"]
KINDS: Final[tuple[Kind, ...]] = ("better", "worse", "both", "same")


@dataclass(frozen=True, kw_only=True)
class Change:
    """A design of both sweeps: its numbers there, and each objective in the first and second."""

    first: int
    second: int
    kind: Kind
    metrics: Mapping[str, tuple[float, float]]

    @property
    def size(self) -> float:
        """The largest change of an objective, as a logarithm (relative to 1 if one is not > 0)."""
        sizes = [
            abs(math.log(b / a)) if a > 0 and b > 0 else abs(b - a)
            for a, b in self.metrics.values()
        ]
        return max(sizes, default=0.0)


@dataclass(frozen=True, kw_only=True)
class SweepDiff:
    """What differs. `only_*`: designs, parameters and objectives of one sweep alone. `entered`,
    `left`: designs of the second and of the first, by their numbers there; `*_by`: the same by the
    reason why they are not on the other front. `asked`: goals and coverage that differ, `keys`: of
    the specs around the parameters, `versions`: context and sources of metrics, each with both
    texts. `other_values`: a sentence for each parameter of both that takes other values in one of
    them.
    """

    names: tuple[str, str]
    objectives: tuple[str, ...]
    parameters: tuple[str, ...]
    only_parameters: tuple[tuple[str, ...], tuple[str, ...]]
    only_objectives: tuple[tuple[str, ...], tuple[str, ...]]
    changes: tuple[Change, ...]
    only_designs: tuple[int, int]
    stayed: int
    entered: tuple[int, ...]
    left: tuple[int, ...]
    volumes: tuple[float, float] | None
    versions: Asked
    entered_by: Mapping[Why, tuple[int, ...]]
    left_by: Mapping[Why, tuple[int, ...]]
    asked: Asked = ()
    keys: Asked = ()
    other_values: tuple[str, ...] = ()

    def count(self, kind: Kind) -> int:
        """Designs of this kind."""
        return sum(change.kind == kind for change in self.changes)


def compare(first: SweepFile, second: SweepFile) -> SweepDiff:
    """What `second` has that `first` had not."""
    files = (first, second)
    goals = [[(o.metric, o.direction) for o in file.objectives] for file in files]
    common = [goal for goal in goals[0] if goal in goals[1]]
    paths = [_paths(file) for file in files]
    parameters = tuple(path for path in paths[0] if path in paths[1])
    keys = [_keys(file, parameters) for file in files]
    changes = tuple(
        _change(first, second, common, keys[0][key], keys[1][key])
        for key in keys[0]
        if key in keys[1]
    )
    fronts = [
        {key: index for key, index in of.items() if index in set(file.front)}
        for of, file in zip(keys, files, strict=True)
    ]
    entered = {key: index for key, index in fronts[1].items() if key not in fronts[0]}
    left = {key: index for key, index in fronts[0].items() if key not in fronts[1]}
    other_keys = keys_apart(first, second)
    return SweepDiff(
        names=(first.name, second.name),
        objectives=tuple(metric for metric, _ in common),
        parameters=parameters,
        only_parameters=_apart(*paths),
        only_objectives=_apart(*([metric for metric, _ in of] for of in goals)),
        changes=changes,
        only_designs=tuple(len(file.columns["index"]) - len(changes) for file in files),  # type: ignore[arg-type]
        stayed=len(fronts[0].keys() & fronts[1].keys()),
        entered=tuple(entered.values()),
        left=tuple(left.values()),
        entered_by=why_absent(entered, parameters, first, keys[0]),
        left_by=why_absent(left, parameters, second, keys[1]),
        volumes=_volumes(files, common) if len(common) == len(goals[0]) == len(goals[1]) else None,
        versions=_versions(first, second, is_spec_told=bool(other_keys)),
        asked=asked_apart(first, second),
        keys=other_keys,
        other_values=tuple(_other_values(files, parameters)),
    )


def _other_values(files: tuple[SweepFile, SweepFile], parameters: Sequence[str]) -> Iterator[str]:
    """Designs of such values are in one of both sweeps alone."""
    known = [{p.path: p for p in file.space.parameters} for file in files]
    for path in parameters:
        pair = [of[path] for of in known]
        values = [[setting_text(value, p.unit) for value in p.values] for p in pair]
        told = [
            f"{place} alone {_listed(only)}"
            for place, only in zip(("the first", "the second"), _apart(*values), strict=True)
            if only
        ]
        if told:
            yield f"{path} takes other values: {', '.join(told)}"


def _listed(values: Sequence[str]) -> str:
    """All values, or the ends of many."""
    shown = values if len(values) <= MOST_VALUES else (*values[:2], "...", values[-1])
    return ", ".join(shown)


def _paths(file: SweepFile) -> list[str]:
    return [parameter.path for parameter in file.space.parameters if not parameter.is_derived]


def _apart(one: Sequence[str], other: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What only one of both has."""
    return tuple(x for x in one if x not in other), tuple(x for x in other if x not in one)


def _keys(file: SweepFile, parameters: Sequence[str]) -> dict[Key, int]:
    """Settings to design; settings that are not unique are left out."""
    columns = [file.columns[path] for path in parameters]
    numbers = file.columns["index"]
    rows = zip(*columns, strict=True) if columns else (() for _ in numbers)
    keys: list[Key] = [tuple((type(value), value) for value in row) for row in rows]
    counts = Counter(keys)
    return {
        key: int(index)  # type: ignore[arg-type]
        for key, index in zip(keys, numbers, strict=True)
        if counts[key] == 1
    }


def _change(
    first: SweepFile, second: SweepFile, goals: Sequence[tuple[str, str]], a: int, b: int
) -> Change:
    rows = first.row_of(a), second.row_of(b)
    metrics: dict[str, tuple[float, float]] = {}
    signs = set()
    for metric, direction in goals:
        before, after = (
            float(file.columns[metric][row])  # type: ignore[arg-type]
            for file, row in zip((first, second), rows, strict=True)
        )
        metrics[metric] = (before, after)
        if before != after:
            signs.add((after < before) == (direction == "min"))
    kind: Kind = "same" if not signs else "both" if len(signs) == 2 else "worse"
    if signs == {True}:
        kind = "better"
    return Change(first=a, second=b, kind=kind, metrics=metrics)


def _volumes(
    files: tuple[SweepFile, SweepFile], goals: Sequence[tuple[str, str]]
) -> tuple[float, float] | None:
    costs = []
    for file in files:
        rows = [file.row_of(index) for index in file.front]
        columns = [
            (1.0 if direction == "min" else -1.0) * np.array(file.columns[metric], np.float64)[rows]
            for metric, direction in goals
        ]
        costs.append(np.stack(columns, axis=1) if columns else np.zeros((0, 0)))
    if not all(len(of) and of.shape[1] for of in costs):
        return None
    reference = np.concatenate(costs).max(axis=0)
    one, other = (hypervolume(of, reference) for of in costs)
    return one, other


def _versions(first: SweepFile, second: SweepFile, *, is_spec_told: bool) -> Asked:
    """What the numbers depend on, where it is not the same in both and not told elsewhere."""
    told = []
    elsewhere = (*CONTEXT, *(["spec"] if is_spec_told else []))
    for file in (first, second):
        sources = {
            f"{name}: {what}": text or "not known"
            for name, source in file.metrics.items()
            for what, text in (
                ("from", source.provenance), ("error", source.error), ("unit", source.unit)
            )
        }  # fmt: skip
        context = {name: text for name, text in file.context.items() if name not in elsewhere}
        told.append({**context, **sources})
    return apart(*told)
