"""Place and route with several seeds: chance is worth some per cent of a clock."""

from dataclasses import dataclass
from math import inf
from pathlib import Path

from tilewright.build.process import ProcessError
from tilewright.build.synth import place_route as pr
from tilewright.build.synth.job import Job
from tilewright.build.synth.outputs import read_report
from tilewright.build.synth.result import PNR, SeedRun
from tilewright.build.synth.stages import Stages
from tilewright.build.synth.timing import Names

__all__ = ["Placed", "place"]


@dataclass(frozen=True, kw_only=True)
class Placed:
    """The placed design; where there were several seeds, the best one, and what became of each."""

    folder: Path
    seed: int
    tried: tuple[SeedRun, ...] = ()


def place(job: Job, stages: Stages, synth: Path) -> Placed:
    """Place and route with each of the job's seeds, in a stage of its own; the best one has the
    largest slack of its worst clock.

    Raises:
        ProcessError: of the last seed, if no seed came to its end.
    """
    if len(job.seeds) == 1:
        stages.keep(PNR, [PNR])
        return Placed(folder=job.pnr(stages, synth, job.seeds[0]), seed=job.seeds[0])
    names = {seed: f"{PNR}_{seed}" for seed in job.seeds}
    stages.keep(PNR, names.values())
    folders: dict[int, Path] = {}
    tried: list[SeedRun] = []
    failure: ProcessError | None = None
    for seed, name in names.items():
        try:
            folders[seed] = job.pnr(stages, synth, seed, name)
        except ProcessError as error:  # one seed may find no way where others do
            stages.progress(f"seed {seed}: {error.message}")
            failure = error
        tried.append(_run(seed, folders.get(seed)))
        stages.progress(tried[-1].text)
    if not folders and failure is not None:
        raise failure
    best = max((run for run in tried if run.seed in folders), key=_slack)
    return Placed(folder=folders[best.seed], seed=best.seed, tried=tuple(tried))


def _run(seed: int, folder: Path | None) -> SeedRun:
    clocks, _ = read_report(folder / pr.REPORT, Names({}, [], {})) if folder else ((), ())
    if not clocks:
        return SeedRun(seed=seed)
    worst = min(clocks, key=lambda clock: clock.slack_seconds)
    return SeedRun(seed=seed, slack_seconds=worst.slack_seconds, fmax_hz=worst.fmax_hz)


def _slack(run: SeedRun) -> float:
    return run.slack_seconds if run.slack_seconds is not None else -inf
