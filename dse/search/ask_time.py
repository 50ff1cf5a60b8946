"""How long our own sampler thinks, measured before a search on made-up answers."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..sweep import Sweep
from .model import ModelSampler
from .run import BATCH, model_sampler
from .sampler import Answer, random_index

KNOWN_DESIGNS = 24
DESIGNS_TWICE_AS_LONG = 300
"""Known designs that make a proposal take twice as long: 24, 96 and 192 of them took 2.6, 2.5 and
4.1 s on one loaded core, with 30,000 candidates, two objectives and a constraint."""


def asking_seconds(
    sweep: Sweep, *, designs: int, clock: Callable[[], float], seed: int = 0
) -> float:
    """For the proposals of a search of `designs`, of which the first ones are random."""
    sampler = model_sampler(sweep, seed=seed)
    asks = math.ceil((designs - sampler.first) / BATCH)
    if asks <= 0 or sweep.space.size <= KNOWN_DESIGNS + BATCH:
        return 0.0
    return asks * _of_one(sweep, sampler, clock) * (1 + designs / 2 / DESIGNS_TWICE_AS_LONG)


def _of_one(sweep: Sweep, sampler: ModelSampler, clock: Callable[[], float]) -> float:
    """Seconds of a proposal whose surrogates start where those of the last one ended."""
    rng = np.random.default_rng(1)
    numbers = {random_index(rng, sweep.space.size) for _ in range(KNOWN_DESIGNS)}
    goals = sweep.goals
    sampler.tell(
        [
            Answer(
                index=number,
                costs=tuple(rng.uniform(1, 2, len(goals.objectives)).tolist()),
                excesses=tuple(rng.uniform(-1, 1, len(goals.constraints)).tolist()),
            )
            for number in sorted(numbers)
        ]
    )
    sampler.ask(BATCH)
    began = clock()
    sampler.ask(BATCH)
    return clock() - began
