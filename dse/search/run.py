"""Runs a search: the sampler proposes, workers evaluate, the ledger keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..ledger import Ledger
from ..space_goals import empty_tally
from ..sweep import Parts, Sweep, evaluate_designs
from ..sweep_crew import Crew
from ..sweep_progress import Meter, Report
from ..sweep_result import Part, SweepResult, result_of
from ..sweep_tasks import with_paths
from .sampler import Answer, Sampler

BATCH = 4


def search(
    sweep: Sweep,
    sampler: Sampler,
    ledger: Ledger,
    crew: Crew,
    *,
    budget: int,
    batch: int = BATCH,
    report: Report | None = None,
) -> SweepResult:
    """Evaluate `budget` designs that the sampler proposes, `batch` at a time.

    The result depends on sampler, budget and batch, not on the number of workers or on
    interruptions.
    """
    parts = Parts(sweep.goals)
    meter = Meter(total=min(budget, sweep.space.size), report=report)
    asked, was_interrupted = 0, False
    while asked < budget:
        numbers = sampler.ask(min(batch, budget - asked))
        if not numbers:
            break
        asked += len(numbers)
        found = evaluate_designs(sweep, numbers, ledger, crew, parts=parts, meter=meter)
        if found is None:
            was_interrupted = True
            break
        sampler.tell([answer_of(sweep, number, found[number]) for number in numbers])
    return result_of(
        sweep.goals,
        parts.all or [Part(tally=empty_tally(sweep.goals))],
        space_size=sweep.space.size,
        was_interrupted=was_interrupted,
    )


def answer_of(sweep: Sweep, number: int, metrics: Mapping[str, float] | str) -> Answer:
    """What a sampler is told of a design's metrics, or of its failure."""
    if isinstance(metrics, str):
        return Answer(index=number, costs=None)
    columns: dict[str, Any] = {name: np.array([value]) for name, value in metrics.items()}
    columns = with_paths(sweep.space, sweep.goals, sweep.space.indices([number]), columns)
    return Answer(
        index=number,
        costs=tuple(sweep.goals.costs(columns)[0].tolist()),
        excesses=tuple(sweep.goals.excesses(columns)[0].tolist()),
    )
