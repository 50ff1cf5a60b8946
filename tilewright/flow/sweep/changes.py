"""A design of a model with a key changed: compiled and timed anew, so that advice is no guess."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tilewright.dse.changes import WIDER, Change, Trial
from tilewright.dse.neighbours import BATCH
from tilewright.dse.point_detail import Tried
from tilewright.dse.space import Design as Values
from tilewright.dse.sweep_tasks import Refused

if TYPE_CHECKING:
    from tilewright.spec import AcceleratorSpec

    from .evaluate import ModelEvaluation

Trials = Callable[[Values, Sequence[Tried]], Trial]
"""What there is to try a design with, from its values and what a sweep knows."""


def trials(evaluate: ModelEvaluation) -> Trials:
    """Remembers what it was asked: neighbours of a front are often the same designs."""
    remembered: dict[str, int | None] = {}

    def cycles(values: Values, change: Change) -> int | None:
        from tilewright.spec import spec_hash

        changed = replace(evaluate, units={**evaluate.units, change.key: change.unit})
        given = {**values, change.key: change.value}
        try:
            key = spec_hash(changed.spec(given))
            if key not in remembered:
                remembered[key] = changed.design(given).estimate.cycles
        except Refused:
            return None
        return remembered[key]

    def trial(values: Values, known: Sequence[Tried]) -> Trial:
        spec = evaluate.spec(values)
        # The planner thinks for seconds each time, but its choice is the same behind any port.
        is_planned = spec.schedule.objective != "cycles"
        return Trial(
            known=tuple(known),
            batch=larger_batch(spec),
            again=lambda changes: [
                None if is_planned and change.key != WIDER else cycles(values, change)
                for change in changes
            ],
        )

    return trial


def larger_batch(spec: AcceleratorSpec) -> Change | None:
    """At least twice as many samples in one start, as few more as the spec's samples allow."""
    verify = spec.verify
    if verify is None:
        return None
    sizes = range(2 * verify.batch, verify.samples + 1)
    batch = next((size for size in sizes if verify.samples % size == 0), None)
    return None if batch is None else Change(key=BATCH, value=batch, work=batch / verify.batch)
