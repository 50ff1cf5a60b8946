"""What a sweep will take, before it starts: the space's size, and seconds from a few probes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import numpy as np

from .report.text import counted
from .search.ask_time import asking_seconds
from .search.sampler import random_index
from .sweep import EXACT_DESIGNS, Sweep
from .sweep_progress import time_text
from .sweep_tasks import measure_block, measure_one

PROBE_DESIGNS = 3
PROBE_BLOCK = 4096
CONFIRMATION_SECONDS = 10.0
"""Of a processor for one confirmation of a small design: generated, built as a simulator, run."""


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """`designs` of the space and of the budget, seconds to evaluate the budget on all workers, and
    those in which the sampler thinks meanwhile; a first estimate of `confirmations`. Details and
    the report come on top.
    """

    space_designs: int
    designs: int
    seconds: float
    is_exact: bool
    asking_seconds: float = 0.0
    confirmations: int = 0
    confirming_seconds: float = 0.0

    def line(self) -> str:
        """One sentence for people."""
        how = "all of them" if self.is_exact else f"{self.designs:,} of them"
        how = "it" if self.space_designs == 1 else how
        told = f"{counted(self.space_designs, 'design')}; evaluating {how} will take "
        told += _about(self.seconds)
        if self.asking_seconds:
            told += f", the sampler's proposals {_about(self.asking_seconds)}"
        if self.confirmations:
            least = f"{_about(self.confirming_seconds)} or more"
            told += f", {counted(self.confirmations, 'confirmation')} in RTL {least}"
        return told


def _about(seconds: float) -> str:
    return "under a second" if seconds < 1 else f"about {time_text(seconds)}"


def forecast(
    sweep: Sweep,
    *,
    budget: int | None = None,
    workers: int = 1,
    seed: int = 0,
    has_model: bool = False,
    confirmations: int = 0,
    clock: Callable[[], float] = time.perf_counter,
) -> Forecast:
    """Evaluate a few designs here and scale. `budget` None: the whole space. `has_model`: our
    own sampler proposes. `confirmations`: designs to simulate, on the same workers.

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
    is_exact, confirmed = designs == size <= EXACT_DESIGNS, min(confirmations, designs)
    asking = asking_seconds(sweep, designs=designs, clock=clock, seed=seed) if has_model else 0.0
    return Forecast(
        space_designs=size,
        designs=designs,
        seconds=seconds,
        is_exact=is_exact,
        asking_seconds=asking,
        confirmations=confirmed,
        confirming_seconds=math.ceil(confirmed / workers) * CONFIRMATION_SECONDS,
    )
