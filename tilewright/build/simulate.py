"""Runs of a model: one simulator process for many tests, judged by its JUnit results."""

import os
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

from tilewright.build.cocotb_adapter import BenchRun, run_bench_process
from tilewright.build.files import write_file
from tilewright.build.model import Model, bench_source, build_model
from tilewright.build.process import Limits
from tilewright.build.waves import WaveWindow, saved_view
from tilewright.errors import NothingRunError

__all__ = ["Model", "RunResult", "TestResult", "bench_source", "build_model", "run_bench"]

Status = Literal["passed", "failed", "crashed", "timed_out"]


@dataclass(frozen=True, kw_only=True)
class TestResult:
    """One cocotb test."""

    __test__ = False  # not a class of tests for pytest

    name: str
    is_passed: bool
    message: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """One simulator process. `repeat` is the command that makes the same run again."""

    status: Status
    tests: tuple[TestResult, ...]
    seed: int
    seconds: float
    folder: Path
    repeat: str
    tail: str = field(repr=False, default="")

    @property
    def is_passed(self) -> bool:
        """Every test ran and passed, and the simulator ended well."""
        return self.status == "passed"

    def moved_to(self, folder: Path) -> "RunResult":
        """The same run after its folder was moved; it can be repeated there."""
        script = shlex.quote(str(folder.absolute() / "repeat.sh"))
        return replace(self, folder=folder.absolute(), repeat=f"sh {script}")

    def explain(self) -> str:
        """What went wrong, the seed, and the command that repeats it."""
        lines = [f"simulation {self.status.replace('_', ' ')}"]
        lines += [f"  {t.name}: {t.message}" for t in self.tests if not t.is_passed]
        if self.status in ("crashed", "timed_out"):
            lines += [f"  | {line}" for line in _telling_lines(self.tail)]
        lines += [f"  seed: {self.seed}", f"  repeat: {self.repeat}"]
        return "\n".join(lines)


def _telling_lines(tail: str) -> list[str]:
    """What the simulator itself said, else the end of the log."""
    lines = tail.splitlines()
    words = ("%Error", "%Fatal", "Error: ")
    return [line for line in lines if any(word in line for word in words)] or lines[-12:]


def run_bench(
    model: Model,
    *,
    test_module: str,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    plusargs: Mapping[str, str] | None = None,
    seed: int = 1,
    limit_seconds: float = 600.0,
    test_filter: str | None = None,
    waves: WaveWindow | None = None,
) -> RunResult:
    """Run the cocotb tests of `test_module` on `model` in `folder`.

    Keeps there `junit.xml`, `simulation.log`, `repeat.sh` and the program itself. Raises
    `NothingRunError` if the simulator ended well without running a test.
    """
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    executable = _keep_program(model, folder)
    (folder / "junit.xml").unlink(missing_ok=True)
    arguments = [
        f"+{name}={value}" if value else f"+{name}" for name, value in (plusargs or {}).items()
    ]
    if waves is not None:
        arguments += _wave_arguments(model, folder, waves)
    bench = run_bench_process(
        executable=executable,
        top=model.top,
        test_module=test_module,
        folder=folder,
        environment=environment or {},
        arguments=arguments,
        seed=seed,
        limits=Limits(wall_seconds=limit_seconds),
        test_filter=test_filter,
    )
    return _judge(bench, test_module, folder, seed)


def _judge(bench: BenchRun, test_module: str, folder: Path, seed: int) -> RunResult:
    tests = read_junit(folder / "junit.xml")
    if not tests and bench.returncode == 0:
        reason = "".join(f": {line.strip()}" for line in _telling_lines(bench.tail)[-1:])
        log = folder / "simulation.log"
        raise NothingRunError(f"no test of {test_module} ran{reason}", help=f"see {log}")
    return RunResult(
        status=_status(bench, tests),
        tests=tests,
        seed=seed,
        seconds=bench.seconds,
        folder=folder,
        repeat=f"sh {shlex.quote(str(bench.repeat_path))}",
        tail=bench.tail,
    )


def _status(bench: BenchRun, tests: Sequence[TestResult]) -> Status:
    if bench.has_timed_out:
        return "timed_out"
    if bench.returncode is None or bench.returncode < 0 or not tests:
        return "crashed"
    if any("cocotb expected it would shut down the simulation" in t.message for t in tests):
        return "crashed"  # $fatal or $finish in the design: no judgement was reached
    if any(not test.is_passed for test in tests):
        return "failed"
    return "passed" if bench.returncode == 0 else "crashed"


def _keep_program(model: Model, folder: Path) -> Path:
    """A link beside the results: they stay repeatable when the cache has dropped the build."""
    kept = folder / model.top
    kept.unlink(missing_ok=True)
    try:
        os.link(model.executable, kept)
    except OSError:  # another file system
        shutil.copy2(model.executable, kept)
    return kept


def _wave_arguments(model: Model, folder: Path, waves: WaveWindow) -> list[str]:
    if not model.has_waves:
        raise ValueError("the model was built without waves")
    write_file(folder / "waves.gtkw", saved_view(waves, Path("waves.fst")))
    window = [f"+wave_start_ps={waves.start_ps}", f"+wave_end_ps={waves.end_ps}"]
    return ["--trace", "--trace-file", str(folder / "waves.fst"), *window]


def read_junit(path: Path) -> tuple[TestResult, ...]:
    """The tests that a results file tells of; none if it is missing or cut off."""
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError):
        return ()
    tests = []
    for case in root.iter("testcase"):
        if case.find("skipped") is not None:
            continue
        wrong = [child for kind in ("failure", "error") for child in case.iter(kind)]
        message = " ".join(c.get("message") or c.get("error_msg") or c.text or "" for c in wrong)
        tests.append(
            TestResult(
                name=case.get("name", ""),
                is_passed=not wrong,
                message=message.strip(),
                seconds=float(case.get("time", "0")),
            )
        )
    return tuple(tests)
