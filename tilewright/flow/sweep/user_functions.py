"""Functions of users on what a workload's estimate says of each design."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from tilewright.dse.block_estimate import BlockEstimate
from tilewright.dse.block_machines import Columns
from tilewright.dse.sweep_tasks import REFUSED, Evaluation, error_text

from .objectives import load_objective

EvaluateOne = Callable[[Mapping[str, Any]], Mapping[str, float]]


def with_functions(evaluation: Evaluation, functions: tuple[str, ...]) -> Evaluation:
    """`evaluation`, and the functions of users (by their names) on its metrics and the values of
    the parameters.
    """
    if not functions:
        return evaluation
    metrics = (*evaluation.metrics, *functions)
    estimate, one = evaluation.many, evaluation.one
    if one is not None:
        more = OneWithFunctions(one=one, functions=functions)
        return Evaluation(name=evaluation.name, metrics=metrics, one=more)
    assert isinstance(estimate, BlockEstimate)
    known = {field.name: getattr(estimate, field.name) for field in fields(estimate)}
    many = LayersWithFunctions(**known, functions=functions)
    return Evaluation(name=evaluation.name, metrics=metrics, many=many)


@dataclass(frozen=True, kw_only=True)
class OneWithFunctions:
    """Metrics of one design, then the functions; may be sent to workers."""

    one: EvaluateOne
    functions: tuple[str, ...]

    def __call__(self, design: Mapping[str, Any]) -> dict[str, float]:
        """What a function raises comes through."""
        found = dict(self.one(design))
        given = {**design, **found}
        return found | {name: load_objective(name)(given) for name in self.functions}


@dataclass(frozen=True, kw_only=True)
class LayersWithFunctions(BlockEstimate):
    """Metrics of a block of designs, then the functions on each of them; may be sent to workers."""

    functions: tuple[str, ...]

    @property
    def metrics(self) -> tuple[str, ...]:
        """Those of the estimate, then the functions."""
        return (*super().metrics, *self.functions)

    def __call__(self, columns: Columns) -> dict[str, Any]:
        """What a function raises, or returns that is no finite number, is the design's refusal."""
        found = super().__call__(columns)
        plain = {name: _list(found[name]) for name in super().metrics}
        settings = {path: _list(column) for path, column in columns.items()}
        refusals: Any = found[REFUSED]
        for row in [row for row, refusal in enumerate(refusals) if refusal is None]:
            given = {name: of[row] for name, of in (*settings.items(), *plain.items())}
            for name in self.functions:
                value = _called(name, given)
                if isinstance(value, str):
                    refusals[row] = value
                    break
                found[name][row] = value
        return found


def _list(column: Any) -> list[Any]:
    """Plain values of Python."""
    values: list[Any] = np.asarray(column).tolist()
    return values


def _called(name: str, given: Mapping[str, Any]) -> float | str:
    """What a function says of a design, or what is wrong with it."""
    try:
        value: Any = load_objective(name)(given)
    except (Exception, SystemExit) as error:  # somebody else's code: whatever it raises is told
        return error_text(error)
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"{name} is not a number, got {type(value).__name__}"
    return value if math.isfinite(value) else f"{name} is not finite, got {value}"
