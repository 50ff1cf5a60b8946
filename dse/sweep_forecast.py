"""What a sweep will take, before it starts: the space's size, and seconds from a few probes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import numpy as np

from .search.sampler import random_index
from .sweep import EXACT_DESIGNS, Sweep
from .sweep_tasks import measure_block, measure_one

PROBE_DESIGNS = 3
PROBE_BLOCK = 4096


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """`designs` of the space and of the budget, seconds for the budget on all workers."""

    space_designs: int
    designs: int
    seconds: float
    is_exact: bool

    def line(self) -> str:
        """One sentence for people."""
        how = "all of them" if self.is_exact else f"{self.designs} of them"
        return f"{self.space_designs} designs; {how} will take about {self.seconds:.3g} s"


def forecast(
    sweep: Sweep,
    *,
    budget: int | None = None,
    workers: int = 1,
    seed: int = 0,
    clock: Callable[[], float] = time.perf_counter,
) -> Forecast:
    """Evaluate a few designs here and scale. `budget` None: the whole space.

    A design that fails is a probe like any other.
    """
    size = sweep.space.size
    designs = size if budget is None else min(budget, size)
    rng = np.random.default_rng(seed)
    if sweep.evaluation.many is not None and sweep.evaluation.one is None:
        num = min(PROBE_BLOCK, size)
        start = random_index(rng, size - num + 1)
        measure_block(sweep.evaluation, sweep.space, start, min(start + 1, size))  # warm
        began = clock()
        measure_block(sweep.evaluation, sweep.space, start, start + num)
        each = (clock() - began) / num
    else:
        times = []
        for _ in range(min(PROBE_DESIGNS, size)):
            design = sweep.space.design(random_index(rng, size))
            began = clock()
            measure_one(sweep.evaluation, design)
            times.append(clock() - began)
        each = median(times)  # the first one imports
    seconds = each * designs / workers
    is_exact = designs == size <= EXACT_DESIGNS
    return Forecast(space_designs=size, designs=designs, seconds=seconds, is_exact=is_exact)
