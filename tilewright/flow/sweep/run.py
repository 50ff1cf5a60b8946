"""A sweep from its spec to `sweep.json`: explore, confirm, write."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from tilewright.build.cluster import check_address
from tilewright.build.files import write_file
from tilewright.build.ledger import LedgerFile, open_ledger
from tilewright.commands.contract import SWEEP_FILE, Progress, no_progress
from tilewright.dse.report.text import counted
from tilewright.dse.sweep_collect import Findings, sweep_file_of
from tilewright.dse.sweep_crew import Crew
from tilewright.dse.sweep_file import Confirmation, sweep_file_text
from tilewright.dse.sweep_forecast import forecast
from tilewright.errors import UsageError
from tilewright.spec import Spec
from tilewright.spec.key_values import key_values

from .confirm import Wanted, confirm, failed_confirmations
from .explore import (
    CrewMaker,
    Explored,
    a_line_a_minute,
    crew_for,
    explore,
    local_crew,
    search_of,
    stopped_crew,
)
from .points import detail_maker, write_points
from .rankings import with_rankings
from .report import write_report
from .result import SweepOutcome
from .set_up import SweepSetup, set_up
from .workload_facts import workload_notes

NOT_ALL: Final = "confirmations: interrupted before all were made"


@dataclass(frozen=True, kw_only=True)
class SweepOptions:
    """What the command line says. `workers` None: one for each processor that we may use."""

    workers: int | None = None
    cluster: str | None = None
    wanted: Wanted = field(default_factory=Wanted)
    is_fresh: bool = False
    retries_failed: bool = False


def run_sweep(
    spec: Spec,
    out: Path,
    *,
    options: SweepOptions | None = None,
    progress: Progress = no_progress,
    announce: Progress = no_progress,
    crew_maker: CrewMaker = local_crew,
) -> SweepOutcome:
    """Explore the spec's designs into the folder `out`, or go on with what is there.

    `announce` is told what the sweep will take, `progress` how far it is; without one, `announce`
    is told that once a minute. After Ctrl-C the result is what there was by then.

    Raises:
        SpecError: with all mistakes of the section `sweep:`.
        UsageError: `options` that cannot be.
        OutputError: another sweep writes there, what is there is of another version, or the disk
            is full; what was recorded by then stays.
    """
    options = options or SweepOptions()
    if options.cluster is not None:
        check_address(options.cluster)
    if progress is no_progress:  # nobody watches: what is announced goes to a file, maybe
        progress = a_line_a_minute(announce)
    setup = set_up(spec)
    _require_inputs(setup, options.wanted)
    workers = options.workers or _processors()
    with open_ledger(out, setup.sweep.context, is_fresh=options.is_fresh) as ledger:
        explored = _explored(setup, ledger, workers, options, crew_maker, progress, announce)
        confirmations, is_whole = _confirmed(
            setup, explored, ledger, crew_maker(workers), options, out, progress
        )
        findings = _findings(setup, explored, confirmations, is_whole)
        swept = [parameter.path for parameter in setup.sweep.space.parameters]
        base = key_values(spec, swept)
        file = replace(sweep_file_of(with_rankings(findings, setup)), base=base)
        write_file(out / SWEEP_FILE, sweep_file_text(file))
        details = write_points(out, file, detail_maker(setup, file), progress)
        progress("write the report")
        write_report(out, file, details)
    return SweepOutcome(
        file=file,
        folder=out,
        was_interrupted=file.was_interrupted or not is_whole,
        problems=tuple(failed_confirmations(confirmations)),
    )


def _explored(
    setup: SweepSetup,
    ledger: LedgerFile,
    workers: int,
    options: SweepOptions,
    makes: CrewMaker,
    progress: Progress,
    announce: Progress,
) -> Explored:
    """What was found; after Ctrl-C before or beside the evaluations, what is recorded."""

    def explored(crew: Crew) -> Explored:
        again = options.retries_failed
        return explore(setup, ledger, crew, retries_failed=again, progress=progress)

    try:
        announce(_announcement(setup, ledger, workers, options.wanted))
        queue = setup.section.cluster
        with crew_for(
            workers, makes, cluster=options.cluster, queue=queue, progress=announce
        ) as crew:
            return explored(crew)
    except KeyboardInterrupt:
        return explored(stopped_crew())


def _confirmed(
    setup: SweepSetup,
    explored: Explored,
    ledger: LedgerFile,
    crew: Crew,
    options: SweepOptions,
    out: Path,
    progress: Progress,
) -> tuple[tuple[Confirmation, ...], bool]:
    """The confirmations, and whether none of them is missing; always on this machine."""
    wanted = options.wanted.designs(setup.sweep, explored.kept)
    if explored.result.was_interrupted or not wanted or setup.evaluate is None:
        return (), True
    progress(f"confirm {counted(len(wanted), 'design')} in RTL")
    found = confirm(
        setup.sweep,
        setup.evaluate,
        explored.kept,
        wanted,
        ledger,
        crew,
        out=out,
        tell=progress,
        retries_failed=options.retries_failed,
    )
    crew.stop()
    return found


def _findings(
    setup: SweepSetup,
    explored: Explored,
    confirmations: tuple[Confirmation, ...],
    is_whole: bool,
) -> Findings:
    return Findings(
        name=setup.name,
        sweep=setup.sweep,
        result=explored.result,
        kept=explored.kept,
        num_listed_of=explored.num_evaluated,
        sources=setup.sources,
        unit=setup.unit,
        how=explored.how,
        confirmations=confirmations,
        notes=(*workload_notes(setup.sweep.evaluation), *(() if is_whole else (NOT_ALL,))),
    )


def _require_inputs(setup: SweepSetup, wanted: Wanted) -> None:
    """Confirmations compare values: there must be a model, and inputs."""
    if not wanted.best + wanted.random:
        return
    if setup.evaluate is None:
        raise UsageError(
            f"{setup.name}: a workload has no values to confirm", help="sweep a model for that"
        )
    if "verify" not in setup.evaluate.data:
        raise UsageError(
            f"{setup.name}: confirmations run on inputs, and there are none",
            help="add a section `verify: {inputs: FILE.npz}`",
        )


def _processors() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _announcement(setup: SweepSetup, ledger: LedgerFile, workers: int, wanted: Wanted) -> str:
    """What the sweep will take. One that was begun already is not timed again."""
    asked = search_of(setup)
    if ledger.records:
        size = setup.sweep.space.size
        count = len(ledger.records)
        there = f"{counted(count, 'record')} {'is' if count == 1 else 'are'} there already"
        return f"{counted(size, 'design')}; {there}"
    budget = None if asked is None else asked.budget
    has_model = asked is not None and asked.sampler == "model"
    found = forecast(
        setup.sweep,
        budget=budget,
        workers=workers,
        has_model=has_model,
        confirmations=wanted.best + wanted.random,
    )
    return f"{found.line()}; details of the front and the report come on top"
