"""What a sweep will take, before it starts: the space's size, and seconds from a few probes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import numpy as np

from .search.ask_time import asking_seconds
from .search.sampler import random_index
from .sweep import EXACT_DESIGNS, Sweep
from .sweep_tasks import measure_block, measure_one

PROBE_DESIGNS = 3
PROBE_BLOCK = 4096


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """`designs` of the space and of the budget, seconds to evaluate the budget on all workers, and
    those in which the sampler thinks meanwhile. Confirmations and the report come on top.
    """

    space_designs: int
    designs: int
    seconds: float
    is_exact: bool
    asking_seconds: float = 0.0

    def line(self) -> str:
        """One sentence for people."""
        how = "all of them" if self.is_exact else f"{self.designs:,} of them"
        asking = f", the sampler's proposals about {self.asking_seconds:.3g} s"
        return (
            f"{self.space_designs:,} designs; evaluating {how} will take about {self.seconds:.3g} s"
            f"{asking if self.asking_seconds else ''}"
        )


def forecast(
    sweep: Sweep,
    *,
    budget: int | None = None,
    workers: int = 1,
    seed: int = 0,
    has_model: bool = False,
    clock: Callable[[], float] = time.perf_counter,
) -> Forecast:
    """Evaluate a few designs here and scale. `budget` None: the whole space. `has_model`: our
    own sampler proposes.

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
    asking = asking_seconds(sweep, designs=designs, clock=clock, seed=seed) if has_model else 0.0
    return Forecast(
        space_designs=size,
        designs=designs,
        seconds=seconds,
        is_exact=is_exact,
        asking_seconds=asking,
    )
