"""What runs in workers: evaluate one design, or a block of them at once. Nothing here raises."""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .space import Columns, Design, Space
from .space_goals import Goals

EvaluateOne = Callable[[Design], Mapping[str, float]]
EvaluateMany = Callable[[Columns], Mapping[str, Any]]

MAX_TEXT = 300
REFUSED = "refused"
"""Beside the metrics of `many`: texts, no numbers."""

MAX_FAILURES = 32
"""Single designs of a block that are told one by one; the rest of it is told as ranges."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """How designs become numbers. `name` stands for the code: it is part of every record's address.

    `one` takes a design (values by path, None where a key stays as it is) and returns its metrics;
    `many` takes columns and returns columns; under `REFUSED` it may say of each design why it has
    no numbers (its metrics are not finite then), or None. Either may be None; both must be
    importable in workers. `metrics` are the names that both return.
    """

    name: str
    metrics: tuple[str, ...]
    one: EvaluateOne | None = None
    many: EvaluateMany | None = None

    def __post_init__(self) -> None:
        if self.one is None and self.many is None:
            raise ValueError(f"{self.name}: needs a function, `one` or `many`")


@dataclass(frozen=True, kw_only=True)
class Failed:
    """Designs [start, stop) without numbers, and why."""

    start: int
    stop: int
    error: str


def measure_one(evaluation: Evaluation, design: Design) -> dict[str, float] | str:
    """The metrics of one design, or why there are none."""
    try:
        if evaluation.one is not None:
            return _checked(evaluation, evaluation.one(design))
        assert evaluation.many is not None
        columns = {path: _column(value) for path, value in design.items()}
        found = evaluation.many(columns)
        if REFUSED in found and found[REFUSED][0] is not None:
            return str(found[REFUSED][0])
        return _checked(evaluation, {name: np.asarray(v)[0] for name, v in found.items()})
    except (Exception, SystemExit) as error:
        return error_text(error)


def measure_block(
    evaluation: Evaluation, space: Space, start: int, stop: int
) -> tuple[NDArray[Any], dict[str, NDArray[np.float64]], tuple[Failed, ...]]:
    """Metrics of the designs [start, stop): which have some, their columns, and which have none."""
    return measure_at(evaluation, space, space.indices(range(start, stop)))


def measure_at(
    evaluation: Evaluation, space: Space, indices: NDArray[Any]
) -> tuple[NDArray[Any], dict[str, NDArray[np.float64]], tuple[Failed, ...]]:
    """The same of the designs `indices`, in their order; failures are ranges of neighbours in it.

    A block whose evaluation raises is halved until the designs at fault are alone.
    """
    failures: list[Failed] = []
    good: list[NDArray[Any]] = []
    parts: list[Mapping[str, NDArray[np.float64]]] = []
    waiting = [indices]
    while waiting:
        some = waiting.pop()
        found = _measured(evaluation, space.columns_at(some))
        if not isinstance(found, str):
            good.append(some)
            parts.append(found)
        elif len(some) == 1 or len(failures) >= MAX_FAILURES:
            failures.append(Failed(start=int(some[0]), stop=int(some[-1]) + 1, error=found))
        else:
            half = len(some) // 2
            waiting += [some[half:], some[:half]]
    if not good:
        return (
            space.indices([]),
            {name: np.zeros(0) for name in evaluation.metrics},
            tuple(failures),
        )
    columns = {name: np.concatenate([part[name] for part in parts]) for name in evaluation.metrics}
    refused = np.concatenate([part[REFUSED] for part in parts])
    kept, columns, infinite = _finite(np.concatenate(good), columns, refused)
    return kept, columns, (*failures, *infinite)


def with_paths(space: Space, goals: Goals, indices: NDArray[Any], metrics: Any) -> dict[str, Any]:
    """The metrics, and the parameters that a constraint reads."""
    wanted = {constraint.metric for constraint in goals.constraints} - metrics.keys()
    if not wanted:
        return dict(metrics)
    columns = space.columns_at(indices)
    return {**metrics, **{path: columns[path] for path in wanted}}


class Refused(Exception):
    """There is no such design: an evaluation's own answer, told without the place in its code."""


def error_text(error: BaseException) -> str:
    """The kind, the text and the place of an error, in one line that is the same anywhere."""
    if isinstance(error, Refused):
        return " ".join(str(error).split())[:MAX_TEXT]
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({PurePath(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    text = " ".join(str(error).split())[:MAX_TEXT]
    return f"{type(error).__name__}: {text}{place}" if text else f"{type(error).__name__}{place}"


def _column(value: Any) -> NDArray[Any]:
    if value is None:
        return np.array([None], dtype=object)
    return np.array([value])


def _checked(evaluation: Evaluation, found: Mapping[str, Any]) -> dict[str, float] | str:
    """Exactly the named metrics, as finite numbers."""
    wrong = _wrong_names(evaluation, found)
    if wrong:
        return wrong
    metrics = {}
    for name in evaluation.metrics:
        value = found[name].item() if isinstance(found[name], np.generic) else found[name]
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"{evaluation.name}: {name} is not a number, got {type(value).__name__}"
        if not math.isfinite(value):
            return f"{evaluation.name}: {name} is not finite, got {value}"
        metrics[name] = value
    return metrics


def _wrong_names(evaluation: Evaluation, found: Mapping[str, Any]) -> str:
    missing = [name for name in evaluation.metrics if name not in found]
    return f"{evaluation.name}: gave no {', '.join(missing)}" if missing else ""


def _measured(evaluation: Evaluation, columns: Columns) -> Mapping[str, NDArray[Any]] | str:
    """The metrics of a block, or why there are none."""
    rows = len(next(iter(columns.values())))
    try:
        if evaluation.many is None:
            return _one_by_one(evaluation, columns, rows)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # `_finite` tells
            found = evaluation.many(columns)
        wrong = _wrong_names(evaluation, found)
        if wrong:
            return wrong
        arrays = {name: np.asarray(found[name], dtype=np.float64) for name in evaluation.metrics}
        for name, array in arrays.items():
            if array.shape not in ((rows,), ()):
                return f"{evaluation.name}: {name} has shape {array.shape}, not ({rows},)"
        refused = np.asarray(found.get(REFUSED, np.full(rows, None)), dtype=object)
        whole = {name: np.broadcast_to(array, (rows,)) for name, array in arrays.items()}
        return {**whole, REFUSED: refused}
    except (Exception, SystemExit) as error:
        return error_text(error)


def _one_by_one(
    evaluation: Evaluation, columns: Columns, rows: int
) -> Mapping[str, NDArray[Any]] | str:
    """A block without a vectorised function."""
    found = []
    for row in range(rows):
        plain = {path: column[row] for path, column in columns.items()}
        design = {p: v.item() if isinstance(v, np.generic) else v for p, v in plain.items()}
        metrics = measure_one(evaluation, design)
        if isinstance(metrics, str):
            return metrics
        found.append(metrics)
    whole = {name: np.array([m[name] for m in found], dtype=float) for name in evaluation.metrics}
    return {**whole, REFUSED: np.full(rows, None)}


def _finite(
    indices: NDArray[Any], columns: dict[str, NDArray[np.float64]], refused: NDArray[Any]
) -> tuple[NDArray[Any], dict[str, NDArray[np.float64]], list[Failed]]:
    """Without the designs of which a metric is not finite; they have failed, for the reason that
    the evaluation gave.
    """
    failures: list[Failed] = []
    is_good = np.ones(len(indices), dtype=bool)
    for name, column in columns.items():
        bad = is_good & ~np.isfinite(column)
        texts = [f"{name} is not finite" if text is None else text for text in refused[bad]]
        failures += _runs(indices[bad].tolist(), texts)
        is_good &= ~bad
    return indices[is_good], {n: column[is_good] for n, column in columns.items()}, failures


def _runs(numbers: list[int], texts: list[str]) -> list[Failed]:
    """Rising numbers as ranges that failed for the same reason."""
    runs: list[Failed] = []
    for number, text in zip(numbers, texts, strict=True):
        if runs and runs[-1].stop == number and runs[-1].error == text:
            runs[-1] = Failed(start=runs[-1].start, stop=number + 1, error=text)
        else:
            runs.append(Failed(start=number, stop=number + 1, error=text))
    return runs
