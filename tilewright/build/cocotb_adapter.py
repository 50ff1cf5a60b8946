"""The only place that knows cocotb's runner: one call, plain values in and out."""

import contextlib
import logging
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cocotb_tools.config
import find_libpython
from cocotb_tools.runner import Verilator

from tilewright.build.process import Limits, ProcessError, ProcessResult, ProcessTimeoutError, run
from tilewright.errors import ToolError

__all__ = ["BenchRun", "cocotb_paths", "run_bench_process"]


def cocotb_paths() -> dict[str, Path]:
    """Where cocotb keeps its libraries and its main program for Verilator."""
    share = Path(cocotb_tools.config.share_dir)
    return {
        "libraries": Path(cocotb_tools.config.libs_dir),
        "main": share / "lib" / "verilator" / "verilator.cpp",
    }


@dataclass(frozen=True, kw_only=True)
class BenchRun:
    """One simulator process: how it ended, and the command that does the same again."""

    returncode: int | None
    has_timed_out: bool
    seconds: float
    tail: str
    repeat_path: Path


class _Runner(Verilator):
    """cocotb's runner with our process runner below it; its own build command is never used."""

    def __init__(self, own_environment: Mapping[str, str], log_path: Path, limits: Limits) -> None:
        super().__init__()
        self.log.setLevel(logging.CRITICAL)  # what it would say is in the result
        self._own_environment = own_environment
        self._log_path = log_path
        self._limits = limits
        self.outcome: BenchRun | None = None

    def _execute_cmds(self, cmds: Sequence[Sequence[str]], cwd: Any, stdout: Any = None) -> None:
        (command,) = cmds
        # The runner lets the surroundings win over what it was told; here it is the other way.
        environment = {**self.env, **self._own_environment}
        added = {k: v for k, v in environment.items() if os.environ.get(k) != v}
        repeat = _write_repeat(Path(cwd), command, added)
        result: ProcessResult | ProcessError
        try:
            result = run(
                command,
                cwd=Path(cwd),
                log_path=self._log_path,
                extra_env=added,
                limits=self._limits,
                check=False,
            )
        except ProcessError as error:
            result = error
        self.outcome = _outcome(result, repeat, self._limits)


def _outcome(result: ProcessResult | ProcessError, repeat: Path, limits: Limits) -> BenchRun:
    if isinstance(result, ProcessResult):
        return BenchRun(
            returncode=result.returncode,
            has_timed_out=False,
            seconds=result.seconds,
            tail=result.tail,
            repeat_path=repeat,
        )
    return BenchRun(
        returncode=None,
        has_timed_out=isinstance(result, ProcessTimeoutError),
        seconds=limits.wall_seconds,
        tail=f"{result.message}\n{result.tail}",
        repeat_path=repeat,
    )


def _write_repeat(folder: Path, command: Sequence[str], added: Mapping[str, str]) -> Path:
    """A script that makes the same run again, for a person.

    It works wherever its folder was moved to, and in a copy of it: what a run found stays as it
    was found. It ends with code 1 if a test fails.
    """
    path = folder / "repeat.sh"
    lines = [
        "#!/bin/sh",
        "# Repeats this simulation: same program, same seed. Usage: repeat.sh [more plusargs]",
        "set -e",
        'here=$(cd "$(dirname "$0")" && pwd -P)',
        'folder=$(mktemp -d "${TMPDIR:-/tmp}/tilewright-repeat-XXXXXX")',
        'cp -R "$here"/. "$folder"',
        'cd "$folder"',
        "rm -f junit.xml results.json",
        *(f"export {name}={_relocatable(added[name], folder)}" for name in sorted(added)),
        " ".join(_relocatable(word, folder) for word in command) + ' "$@"',
        'echo "files of this run: $folder"',
        "test -s junit.xml || exit 1",
        "if grep -q '<failure\\|<error' junit.xml; then exit 1; fi",
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def _relocatable(text: str, folder: Path) -> str:
    """`text` for the shell, with `$folder` in the place of the folder's name."""
    parts = text.split(str(folder))
    return '"$folder"'.join(shlex.quote(part) if part else "" for part in parts) or "''"


def _fixed_environment(folder: Path, seed: int) -> dict[str, str]:
    return {
        "COCOTB_RANDOM_SEED": str(seed),
        "COCOTB_ANSI_OUTPUT": "0",
        "COCOTB_REWRITE_ASSERTION_FILES": "",  # importing pytest in the simulator costs time
        "COCOTB_RESULTS_FILE": str(folder / "junit.xml"),
        "PYTHONPATH": os.pathsep.join(str(Path(path).resolve()) for path in sys.path),
    }


def run_bench_process(
    *,
    executable: Path,
    top: str,
    test_module: str,
    folder: Path,
    environment: Mapping[str, str],
    arguments: Sequence[str],
    seed: int,
    limits: Limits,
    test_filter: str | None,
) -> BenchRun:
    """Run the cocotb tests of `test_module` in one process of the model `executable`."""
    own = _fixed_environment(folder, seed) | dict(environment)
    if test_filter:
        own["COCOTB_TEST_FILTER"] = test_filter
    if find_libpython.find_libpython() is None:
        raise ToolError("cocotb needs Python's shared library", help="apt install libpython3.11")
    runner = _Runner(own, folder / "simulation.log", limits)
    runner.build_dir = executable.parent
    with contextlib.suppress(SystemExit):  # raised for failed tests; the results say which
        runner.test(
            test_module=test_module,
            hdl_toplevel=top,
            hdl_toplevel_lang="verilog",
            build_dir=executable.parent,
            test_dir=folder,
            results_xml=str(folder / "junit.xml"),
            test_args=list(arguments),
            test_filter=test_filter,
            seed=seed,
            extra_env=own,
        )
    if runner.outcome is None:
        raise AssertionError("cocotb's runner started nothing")
    return runner.outcome
