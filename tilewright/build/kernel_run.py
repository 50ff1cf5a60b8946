"""A kernel's job from Verilog text to judged cases."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tilewright.build.cache import BuildCache
from tilewright.build.simulate import Model, RunResult, bench_source, build_model, run_bench
from tilewright.build.verilator import BuildOptions
from tilewright.build.waves import WaveWindow
from tilewright.errors import NothingRunError
from tilewright.sim.regress import (
    BATCH_FILE,
    BATCH_TOP,
    TOP,
    CaseResult,
    Job,
    batch_scope,
    batch_top,
    harness,
    job_files,
    public_signals,
)

__all__ = [
    "KernelResult",
    "build_kernel",
    "build_kernels",
    "run_kernel",
    "run_kernels",
    "simulate_kernel",
    "simulate_kernels",
]

_BENCH_FILES = ("stall_runs.svh", "stream_player.sv", "stream_recorder.sv", "stream_monitor.sv")


@dataclass(frozen=True, kw_only=True)
class KernelResult:
    """A job's outcome: `is_passed` only if every case of the job ran and was right."""

    run: RunResult
    model: Model
    cases: tuple[CaseResult, ...]
    is_passed: bool

    def explain(self) -> str:
        """What went wrong, the seed, and the command that repeats it."""
        return self.run.explain()


def build_kernel(
    verilog: str, job: Job, *, has_waves: bool = False, cache: BuildCache | None = None
) -> Model:
    """The simulator program for the module `job.module` of `verilog` in its harness."""
    sources = {name: bench_source(name) for name in _BENCH_FILES}
    sources |= {"harness.sv": harness(job.module, job.ports), "kernel.v": verilog}
    options = BuildOptions(top=TOP, public=((TOP, public_signals(job.ports)),), has_waves=has_waves)
    return build_model(sources, options, cache=cache)


def run_kernel(
    model: Model,
    job: Job,
    folder: Path,
    *,
    limit_seconds: float = 600.0,
    waves: WaveWindow | None = None,
) -> KernelResult:
    """Run every case of `job` on `model`; files and results stay in `folder`."""
    folder = folder.absolute()
    _write_job(job, folder)
    run = _run(model, job, folder, limit_seconds, waves)
    return _result(run, model, job, folder, is_alone=True)


def simulate_kernel(
    verilog: str, job: Job, folder: Path, *, cache: BuildCache | None = None
) -> KernelResult:
    """Build and run in one call."""
    return run_kernel(build_kernel(verilog, job, cache=cache), job, folder)


def build_kernels(
    kernels: Sequence[tuple[str, Job]],
    *,
    optimize: str = "-O1",
    cache: BuildCache | None = None,
) -> Model:
    """One simulator program for several kernels: a build costs seconds, a kernel more much less.

    The modules of each text begin with the name of its job's module; those names must differ.
    `optimize` is the C++ compiler's level: for many kernels and few cycles, low.
    """
    names = [job.module for _, job in kernels]
    if not names or len(set(names)) != len(names):
        raise ValueError(f"kernels of a batch have names of their own, got {names}")
    sources = {name: bench_source(name) for name in _BENCH_FILES}
    sources["batch.sv"] = batch_top(len(kernels))
    public = []
    for index, (verilog, job) in enumerate(kernels):
        scope = batch_scope(index)
        sources[f"harness_{index}.sv"] = harness(job.module, job.ports, top=scope, folder=scope)
        sources[f"kernel_{index}.v"] = verilog
        public.append((scope, public_signals(job.ports)))
    options = BuildOptions(top=BATCH_TOP, optimize=optimize, public=tuple(public))
    return build_model(sources, options, cache=cache)


def run_kernels(
    model: Model, jobs: Sequence[Job], folder: Path, *, limit_seconds: float = 600.0
) -> tuple[KernelResult, ...]:
    """Run every case of every job, one kernel after the other, in one simulator process.

    If the simulator crashes or is ended, no kernel has passed.
    """
    folder = folder.absolute()
    scopes = [batch_scope(index) for index in range(len(jobs))]
    for scope, job in zip(scopes, jobs, strict=True):
        _write_job(job, folder / scope)
    (folder / BATCH_FILE).write_text(json.dumps(scopes) + "\n")
    run = _run(model, jobs[0], folder, limit_seconds, None)
    return tuple(
        _result(run, model, job, folder / scope, is_alone=False)
        for scope, job in zip(scopes, jobs, strict=True)
    )


def simulate_kernels(
    kernels: Sequence[tuple[str, Job]],
    folder: Path,
    *,
    optimize: str = "-O1",
    cache: BuildCache | None = None,
) -> tuple[KernelResult, ...]:
    """Build and run in one call; a result for each (Verilog text, job)."""
    model = build_kernels(kernels, optimize=optimize, cache=cache)
    return run_kernels(model, [job for _, job in kernels], folder)


def _write_job(job: Job, folder: Path) -> None:
    if not job.cases:
        raise NothingRunError(f"the job for {job.module} has no cases")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").unlink(missing_ok=True)
    for name, text in job_files(job).items():
        (folder / name).write_text(text)


def _run(
    model: Model, job: Job, folder: Path, limit_seconds: float, waves: WaveWindow | None
) -> RunResult:
    return run_bench(
        model,
        test_module="tilewright.sim.benches.kernel",
        folder=folder,
        environment={"TILEWRIGHT_JOB": str(folder)},
        plusargs={"job": str(folder)},
        seed=job.seed,
        limit_seconds=limit_seconds,
        waves=waves,
    )


def _result(
    run: RunResult, model: Model, job: Job, folder: Path, *, is_alone: bool
) -> KernelResult:
    """A kernel's part of a run. In a batch, a failure of another kernel is no fault of this one."""
    cases = _read_cases(folder / "results.json")
    have_all_run = [case.name for case in cases] == [case.name for case in job.cases]
    has_ended = run.is_passed or (run.status == "failed" and not is_alone)
    is_passed = has_ended and have_all_run and all(case.is_passed for case in cases)
    return KernelResult(run=run, model=model, cases=cases, is_passed=is_passed)


def _read_cases(path: Path) -> tuple[CaseResult, ...]:
    if not path.is_file():
        return ()
    return tuple(CaseResult.from_json(entry) for entry in json.loads(path.read_text()))
