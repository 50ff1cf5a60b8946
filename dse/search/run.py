"""Runs a search: the sampler proposes, workers evaluate, the ledger keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..ledger import Ledger
from ..space_goals import empty_tally
from ..sweep import Answers, Kept, Sweep, evaluate_designs, without_ruled_out
from ..sweep_crew import Crew
from ..sweep_progress import Meter, Report
from ..sweep_result import Part, Parts, SweepResult, result_of
from ..sweep_tasks import with_paths
from .model import ModelSampler
from .sampler import Answer, Sampler

BATCH = 4
MOST_PROPOSALS = 1000
"""Proposals per design of the budget, if constraints on parameters rule most of them out."""
RULED_OUT = "ruled out by a constraint on a parameter"


def search(
    sweep: Sweep,
    sampler: Sampler,
    ledger: Ledger,
    crew: Crew,
    *,
    budget: int,
    batch: int = BATCH,
    report: Report | None = None,
    retries_failed: bool = False,
    kept: Kept | None = None,
) -> SweepResult:
    """Evaluate `budget` designs that the sampler proposes, `batch` at a time. What a constraint on
    a parameter rules out is not evaluated and does not count.

    `retries_failed` and `kept` as in `sweep_designs`.

    The result depends on sampler, budget and batch, not on the number of workers or on
    interruptions.
    """
    parts = Parts(sweep.goals)
    meter = Meter(total=min(budget, sweep.space.size), report=report)

    def evaluated(numbers: list[int]) -> Answers | None:
        return evaluate_designs(
            sweep, numbers, ledger, crew,
            parts=parts, meter=meter, retries_failed=retries_failed, kept=kept,
        )  # fmt: skip

    was_interrupted = True
    with suppress(KeyboardInterrupt):  # also where the sampler thinks
        was_interrupted = not _search(sweep, sampler, evaluated, parts, budget, batch)
    return result_of(
        sweep.goals,
        parts.all or [Part(tally=empty_tally(sweep.goals))],
        space_size=sweep.space.size,
        was_interrupted=was_interrupted,
    )


def _search(
    sweep: Sweep,
    sampler: Sampler,
    evaluate: Callable[[list[int]], Answers | None],
    parts: Parts,
    budget: int,
    batch: int,
) -> bool:
    """Ask, evaluate, tell; whether it came to its end."""
    proposed, evaluated = 0, 0
    while evaluated < budget and proposed < MOST_PROPOSALS * budget:
        asked = sampler.ask(min(batch, budget - evaluated))
        if not asked:
            break
        numbers = without_ruled_out(sweep, asked, parts)
        proposed, evaluated = proposed + len(asked), evaluated + len(numbers)
        found = evaluate(numbers)
        if found is None:
            return False
        sampler.tell([answer_of(sweep, number, found.get(number, RULED_OUT)) for number in asked])
    return True


def model_sampler(sweep: Sweep, *, seed: int = 0) -> ModelSampler:
    """Our own sampler; it proposes nothing that a constraint on a parameter rules out."""
    before = sweep.goals.before(sweep.evaluation.metrics)

    def is_allowed(indices: NDArray[Any]) -> NDArray[np.bool_]:
        if not before.constraints:
            return np.ones(len(indices), dtype=bool)
        excesses = before.excesses(sweep.space.columns_at(indices))
        allowed: NDArray[np.bool_] = np.all(excesses <= 0, axis=1)
        return allowed

    return ModelSampler(space=sweep.space, seed=seed, is_allowed=is_allowed)


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
