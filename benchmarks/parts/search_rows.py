"""How many designs a search evaluates until its front has 99 % of the true front's hypervolume.

The space is enumerated (`search_space`), so the true front is known. The volume is counted twice:
in the metrics as they are, bounded by the worst feasible design (`linear`), and in their logarithms
(`log`), where a design twice as small counts the same everywhere: that needs many more designs of
the front. Median over seeds; what does not arrive within `most` counts as `most` + 1.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from tilewright.dse.pareto import front_indices, hypervolume
from tilewright.dse.search.model import ModelSampler
from tilewright.dse.search.optuna_sampler import OptunaSampler
from tilewright.dse.search.sampler import Answer, RandomSampler, Sampler
from tilewright.dse.space_goals import Goals

from parts import search_space

SHARE = 0.99
GOAL = 200
BATCH = 4
SEEDS = range(5)
OBJECTIVES = (("cycles", "area"), ("cycles", "area", "bytes"))
SCALES: dict[str, Callable[[Any], Any]] = {"linear": np.asarray, "log": np.log}


class Truth:
    """All designs of the space with their costs, and the volumes of the true front."""

    def __init__(self, goals: Goals) -> None:
        self.space = search_space.space()
        metrics = search_space.evaluate(self.space.columns(0, self.space.size))
        self.costs, self.excesses = goals.costs(metrics), goals.excesses(metrics)
        self.is_feasible = (self.excesses <= 0).all(axis=1)
        good = self.costs[self.is_feasible]
        self.worst = good.max(axis=0)
        self.front = good[front_indices(good)]

    def answers(self, numbers: Sequence[int]) -> list[Answer]:
        """What a sampler is told."""
        return [
            Answer(
                index=number,
                costs=tuple(self.costs[number].tolist()),
                excesses=tuple(self.excesses[number].tolist()),
            )
            for number in numbers
        ]

    def shares(self, numbers: Sequence[int]) -> dict[str, float]:
        """By scale, the share of the volume that these designs have."""
        some = self.costs[[number for number in numbers if self.is_feasible[number]]]
        if not len(some):
            return dict.fromkeys(SCALES, 0.0)
        return {
            name: hypervolume(scale(some), scale(self.worst))
            / hypervolume(scale(self.front), scale(self.worst))
            for name, scale in SCALES.items()
        }


def designs_needed(truth: Truth, sampler: Sampler, most: int) -> dict[str, int]:
    """By scale, how many designs it took."""
    asked: list[int] = []
    needed: dict[str, int] = {}
    while len(asked) < most and len(needed) < len(SCALES):
        numbers = sampler.ask(min(BATCH, most - len(asked)))
        sampler.tell(truth.answers(numbers))
        asked += numbers
        for name, share in truth.shares(asked).items():
            if share >= SHARE:
                needed.setdefault(name, len(asked))
    return {name: needed.get(name, most + 1) for name in SCALES}


def sampler_of(method: str, truth: Truth, num_objectives: int, seed: int) -> Sampler:
    """A new sampler."""
    if method == "model":
        return ModelSampler(space=truth.space, seed=seed)
    if method == "random":
        return RandomSampler(truth.space, seed=seed)
    return OptunaSampler(truth.space, num_objectives=num_objectives, method=method, seed=seed)  # type: ignore[arg-type]


def search_rows(
    *, methods: Sequence[str] = ("model",), seeds: Sequence[int] = SEEDS, most: int = 400
) -> list[dict[str, Any]]:
    """A row per set of objectives, method and scale; our own method has a goal."""
    rows = []
    for names in OBJECTIVES:
        truth = Truth(search_space.goals(*names))
        for method in methods:
            began = time.process_time()
            found = [
                designs_needed(truth, sampler_of(method, truth, len(names), seed), most)
                for seed in seeds
            ]
            seconds = round((time.process_time() - began) / len(seeds), 1)
            for scale in SCALES:
                needed = [one[scale] for one in found]
                rows.append(
                    {
                        "case": f"designs_for_99_percent_{len(names)}_objectives_{method}_{scale}",
                        "value": statistics.median(needed),
                        "goal": GOAL if method == "model" else None,
                        "seeds": needed,
                        "space": truth.space.size,
                        "front": len(truth.front),
                        "cpu_seconds_per_search": seconds,
                    }
                )
    return rows
