"""A kernel's job from Verilog text to judged cases."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tilewright.build.cache import BuildCache
from tilewright.build.simulate import Model, RunResult, bench_source, build_model, run_bench
from tilewright.build.verilator import BuildOptions
from tilewright.build.waves import WaveWindow
from tilewright.errors import NothingRunError
from tilewright.sim.regress import TOP, CaseResult, Job, harness, job_files, public_signals

__all__ = ["KernelResult", "build_kernel", "run_kernel", "simulate_kernel"]

_BENCH_FILES = ("stream_player.sv", "stream_recorder.sv", "stream_monitor.sv")


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
    if not job.cases:
        raise NothingRunError(f"the job for {job.module} has no cases")
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").unlink(missing_ok=True)
    _write_files(folder, job_files(job))
    result = run_bench(
        model,
        test_module="tilewright.sim.benches.kernel",
        folder=folder,
        environment={"TILEWRIGHT_JOB": str(folder)},
        plusargs={"job": str(folder)},
        seed=job.seed,
        limit_seconds=limit_seconds,
        waves=waves,
    )
    cases = _read_cases(folder / "results.json")
    have_all_run = [case.name for case in cases] == [case.name for case in job.cases]
    is_passed = result.is_passed and have_all_run and all(case.is_passed for case in cases)
    return KernelResult(run=result, model=model, cases=cases, is_passed=is_passed)


def simulate_kernel(
    verilog: str, job: Job, folder: Path, *, cache: BuildCache | None = None
) -> KernelResult:
    """Build and run in one call."""
    return run_kernel(build_kernel(verilog, job, cache=cache), job, folder)


def _write_files(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).write_text(text)


def _read_cases(path: Path) -> tuple[CaseResult, ...]:
    if not path.is_file():
        return ()
    return tuple(CaseResult.from_json(entry) for entry in json.loads(path.read_text()))
