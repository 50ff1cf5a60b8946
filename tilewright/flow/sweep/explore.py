"""The designs of a sweep as numbers: all of them, or those that a sampler proposes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final, NoReturn

from tilewright.build.cluster import cluster_crew, queue_crew
from tilewright.build.workers import LocalPool
from tilewright.commands.contract import Progress, no_progress
from tilewright.dse.ledger import Ledger
from tilewright.dse.search.optuna_sampler import OptunaMissingError, OptunaSampler
from tilewright.dse.search.run import model_sampler, search
from tilewright.dse.search.sampler import GridSampler, RandomSampler, Sampler
from tilewright.dse.sweep import EXACT_DESIGNS, Kept, Sweep, sweep_blocks, sweep_designs
from tilewright.dse.sweep_collect import measured_rows
from tilewright.dse.sweep_crew import Crew
from tilewright.dse.sweep_progress import Progress as Moment
from tilewright.dse.sweep_result import SweepResult
from tilewright.errors import ToolError
from tilewright.spec.sweep import SweepQueueSection, SweepSearchSection

from .set_up import SweepSetup

PRELOADED: Final = ("tilewright.flow.plan_cache", "tilewright.hw.accelerator_resources")
"""What every worker needs and what takes seconds to import."""
TASKS_PER_WORKER: Final = 2
FIRST_SECONDS: Final = 1.0
MOST_SECONDS: Final = 60.0
"""Between lines of progress: rarer as a sweep grows long."""

CrewMaker = Callable[[int], Crew]


@dataclass(frozen=True, kw_only=True)
class Explored:
    """A result with the metrics of every design, or of a sample where `num_evaluated` are many;
    `how` says how a search went about it.
    """

    result: SweepResult
    kept: Kept
    num_evaluated: int
    how: str = ""


def local_crew(workers: int) -> Crew:
    """Worker processes on this machine."""
    return Crew(
        start=lambda: LocalPool(workers, preloaded=PRELOADED), in_flight=TASKS_PER_WORKER * workers
    )


@contextmanager
def crew_for(
    workers: int,
    makes: CrewMaker,
    *,
    cluster: str | None,
    queue: SweepQueueSection | None,
    progress: Progress = no_progress,
) -> Iterator[Crew]:
    """Workers at a scheduler's, as jobs of a queue, or here."""
    if cluster is not None:
        with cluster_crew(cluster, progress=progress) as crew:
            yield crew
    elif queue is not None:
        with queue_crew(queue) as crew:
            yield crew
    else:
        crew = makes(workers)
        try:
            yield crew
        finally:
            crew.stop()


def search_of(setup: SweepSetup) -> SweepSearchSection | None:
    """How to search; None: all designs are evaluated."""
    size, asked = setup.sweep.space.size, setup.section.search
    if asked is not None and asked.budget < size:
        return asked
    return None if size <= EXACT_DESIGNS else SweepSearchSection()


def explore(
    setup: SweepSetup, ledger: Ledger, crew: Crew, *, retries_failed: bool, progress: Progress
) -> Explored:
    """Evaluate what the spec asks for and the ledger has not."""
    sweep, asked = setup.sweep, search_of(setup)
    kept: Kept = {}
    if asked is None and sweep.evaluation.one is None:
        return _in_blocks(sweep, ledger, crew, retries_failed=retries_failed, progress=progress)
    if asked is None:
        result = sweep_designs(
            sweep,
            range(sweep.space.size),
            ledger,
            crew,
            report=Told(progress),
            retries_failed=retries_failed,
            kept=kept,
        )
        return Explored(result=result, kept=kept, num_evaluated=len(kept))
    result = search(
        sweep,
        sampler_of(sweep, asked),
        ledger,
        crew,
        budget=asked.budget,
        report=Told(progress),
        retries_failed=retries_failed,
        kept=kept,
    )
    how = f"search by {asked.sampler}, budget {asked.budget:,}, seed {asked.seed}"
    return Explored(result=result, kept=kept, num_evaluated=len(kept), how=how)


def _in_blocks(
    sweep: Sweep, ledger: Ledger, crew: Crew, *, retries_failed: bool, progress: Progress
) -> Explored:
    """All designs in blocks, and then the metrics of those to list; after Ctrl-C of the front."""
    covered: list[tuple[int, int]] = []
    result = sweep_blocks(
        sweep,
        ledger,
        crew,
        report=Told(progress),
        retries_failed=retries_failed,
        covered=covered,
    )
    try:
        kept = measured_rows(sweep, result, covered=covered)
    except KeyboardInterrupt:
        names = sweep.evaluation.metrics
        kept = {p.index: {name: p.metrics[name] for name in names} for p in result.front}
        result = replace(result, was_interrupted=True)
    return Explored(result=result, kept=kept, num_evaluated=result.tally.designs)


def stopped_crew() -> Crew:
    """It evaluates nothing, as if Ctrl-C came at once: what is recorded is all there is."""

    def stop() -> NoReturn:
        raise KeyboardInterrupt

    return Crew(start=stop)


def sampler_of(sweep: Sweep, asked: SweepSearchSection) -> Sampler:
    """The sampler that a spec names.

    Raises:
        ToolError: it is one of Optuna, which is not installed.
    """
    match asked.sampler:
        case "grid":
            return GridSampler(sweep.space, count=asked.budget)
        case "random":
            return RandomSampler(sweep.space, seed=asked.seed)
        case "tpe" | "nsga2" | "qmc" as method:
            try:
                return OptunaSampler(
                    sweep.space,
                    num_objectives=len(sweep.goals.objectives),
                    method=method,
                    seed=asked.seed,
                )
            except OptunaMissingError as error:
                message = f"search.sampler {method}: {error}"
                raise ToolError(message, help="pip install 'tilewright[search]'") from error
    return model_sampler(sweep, seed=asked.seed)


def a_line_a_minute(tell: Progress, clock: Callable[[], float] = time.monotonic) -> Progress:
    """Progress for a file of messages: the first line after a minute, then one a minute."""
    told = [clock()]

    def tell_some(line: str) -> None:
        if clock() - told[0] >= MOST_SECONDS:
            told[0] = clock()
            tell(line)

    return tell_some


class Told:
    """Progress in lines, rarer and rarer."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._wait, self._next = progress, FIRST_SECONDS, 0.0

    def __call__(self, moment: Moment) -> None:
        """Say it, if it is time to."""
        now = time.monotonic()
        if moment.done and (now >= self._next or moment.done >= moment.total):
            self._next = now + self._wait
            self._wait = min(2 * self._wait, MOST_SECONDS)
            self._progress(moment.line())
