"""The one place that starts other programs.

`run` takes a list of arguments, never a line for a shell. The program gets its own session and so
its own process group, no standard input, a log file for everything it prints, a limit on wall-clock
time, on the log's size and optionally on memory. However the wait ends (time is up, Ctrl-C, any
exception) the whole group is ended before `run` returns or raises.
"""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from tilewright.errors import OutputError, TilewrightError, ToolError

MEBIBYTE: Final = 1 << 20
GRACE_SECONDS: Final = 2.0
POLL_SECONDS: Final = 0.2
TAIL_BYTES: Final = 16 << 10
TAIL_LINES: Final = 60
# A `make` that started us passes these on; a `make` that we start must not read them: it would look
# for the job server of the first.
DROPPED_VARIABLES: Final = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "GNUMAKEFLAGS")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a program may use; `memory_bytes` holds per process (address space), on Linux only."""

    wall_seconds: float = 600.0
    memory_bytes: int | None = None
    log_bytes: int = 256 * MEBIBYTE

    def __post_init__(self) -> None:
        if self.wall_seconds <= 0 or self.log_bytes <= 0:
            raise ValueError(f"limits are positive, got {self}")
        if self.memory_bytes is not None and self.memory_bytes <= 0:
            raise ValueError(f"memory_bytes is positive, got {self.memory_bytes}")


@dataclass(frozen=True, kw_only=True)
class ProcessResult:
    """A program that ended by itself. `tail` is the last of what it printed."""

    argv: tuple[str, ...]
    returncode: int
    seconds: float
    tail: str
    log_path: Path | None

    @property
    def is_good(self) -> bool:
        return self.returncode == 0

    @property
    def command_line(self) -> str:
        """The command as a person would type it."""
        return shlex.join(self.argv)


class ProcessError(TilewrightError):
    """A program did not do its work; `tail` holds the last of what it printed."""

    def __init__(
        self, message: str, *, argv: Sequence[str], tail: str = "", log_path: Path | None = None
    ) -> None:
        super().__init__(message, help=f"see {log_path}" if log_path else "")
        self.argv = tuple(argv)
        self.tail = tail
        self.log_path = log_path

    def __str__(self) -> str:
        lines = [super().__str__(), f"  command: {shlex.join(self.argv)}"]
        lines += [f"  | {line}" for line in self.tail.splitlines()[-20:]]
        return "\n".join(lines)


class ProcessFailedError(ProcessError):
    """It ended with a return code other than 0, or by a signal (a negative code)."""

    def __init__(self, result: ProcessResult) -> None:
        name = Path(result.argv[0]).name
        super().__init__(
            f"{name} {describe_returncode(result.returncode)}",
            argv=result.argv,
            tail=result.tail,
            log_path=result.log_path,
        )
        self.returncode = result.returncode


class ProcessTimeoutError(ProcessError):
    """It ran longer than its limit and was ended."""


class ProcessLogError(ProcessError):
    """It printed more than its limit and was ended."""


class ProcessMissingError(ProcessError, ToolError):
    """There is no such program, or it may not be executed."""

    exit_code = ToolError.exit_code


def describe_returncode(returncode: int) -> str:
    """`ended with code 2`, or `was ended by SIGSEGV`."""
    if returncode >= 0:
        return f"ended with code {returncode}"
    try:
        return f"was ended by {signal.Signals(-returncode).name}"
    except ValueError:
        return f"was ended by signal {-returncode}"


def run(
    argv: Sequence[str | os.PathLike[str]],
    *,
    cwd: Path,
    log_path: Path | None = None,
    extra_env: Mapping[str, str] | None = None,
    limits: Limits | None = None,
    check: bool = True,
) -> ProcessResult:
    """Run a program to its end and return what became of it.

    `log_path` keeps everything it prints (both streams, in order); without it only the tail is
    kept. `extra_env` is added to our environment. With `check`, a return code other than 0 raises
    `ProcessFailedError`. Raises `ProcessMissingError`, `ProcessTimeoutError`, `ProcessLogError`,
    `OutputError` (log or folder cannot be written).
    """
    if isinstance(argv, str | bytes) or not argv:
        raise TypeError("argv is a list of arguments with at least the program's name")
    arguments = tuple(os.fspath(argument) for argument in argv)
    limits = limits or Limits()
    if not cwd.is_dir():
        raise OutputError(f"{cwd}: no such directory to run {arguments[0]} in")
    started = time.monotonic()
    with _open_log(log_path) as log:
        process = _start(arguments, cwd, log, extra_env or {})
        try:
            _limit_memory(process.pid, limits.memory_bytes)
            reason = _wait(process, log, started + limits.wall_seconds, limits)
        finally:
            _end_group(process)
        tail = _read_tail(log)
    if reason is not None:
        raise reason(f"{Path(arguments[0]).name} {_limit_text(reason, limits)}",
                     argv=arguments, tail=tail, log_path=log_path)  # fmt: skip
    result = ProcessResult(
        argv=arguments,
        returncode=process.returncode,
        seconds=time.monotonic() - started,
        tail=tail,
        log_path=log_path,
    )
    if check and not result.is_good:
        raise ProcessFailedError(result)
    return result


@contextlib.contextmanager
def running(
    argv: Sequence[str], *, cwd: Path, log_path: Path, limits: Limits | None = None
) -> Iterator[Callable[[], ProcessResult | None]]:
    """A program that runs as long as the `with` block, and ends with it, with all that it started.

    Yields a function: None while the program runs, how it ended when it has. Only the limit on
    memory holds here. Raises as `run` does when it cannot be started.
    """
    arguments = tuple(argv)
    started = time.monotonic()
    with _open_log(log_path) as log:
        process = _start(arguments, cwd, log, {})

        def outcome() -> ProcessResult | None:
            if process.poll() is None:
                return None
            return ProcessResult(
                argv=arguments,
                returncode=process.returncode,
                seconds=time.monotonic() - started,
                tail=_read_tail(log),
                log_path=log_path,
            )

        try:
            _limit_memory(process.pid, limits.memory_bytes if limits else None)
            yield outcome
        finally:
            _end_group(process)


def _limit_text(reason: type[ProcessError], limits: Limits) -> str:
    if reason is ProcessTimeoutError:
        return f"ran longer than its limit of {limits.wall_seconds:g} s and was ended"
    return f"printed more than its limit of {limits.log_bytes} bytes and was ended"


@contextlib.contextmanager
def _open_log(log_path: Path | None) -> Iterator[IO[bytes]]:
    try:
        log = tempfile.TemporaryFile() if log_path is None else log_path.open("w+b")  # noqa: SIM115
    except OSError as error:
        raise OutputError(f"{log_path}: cannot write a log: {error.strerror}") from error
    with log:
        yield log


def _start(
    arguments: tuple[str, ...], cwd: Path, log: IO[bytes], extra_env: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    environment = {k: v for k, v in os.environ.items() if k not in DROPPED_VARIABLES}
    environment.update(extra_env)
    try:
        return subprocess.Popen(
            arguments,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except (FileNotFoundError, PermissionError, NotADirectoryError) as error:
        message = f"{arguments[0]}: cannot be started: {error.strerror}"
        raise ProcessMissingError(message, argv=arguments) from error
    except OSError as error:  # not an executable, argument list too long, no memory
        raise ProcessError(f"{arguments[0]}: {error.strerror}", argv=arguments) from error


def _limit_memory(pid: int, memory_bytes: int | None) -> None:
    """Set after the start, not in a `preexec_fn`: that is unsafe once the caller has threads."""
    if memory_bytes is None or sys.platform != "linux":
        return
    import resource

    with contextlib.suppress(ProcessLookupError, PermissionError):  # it has already ended
        resource.prlimit(pid, resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def _wait(
    process: subprocess.Popen[bytes], log: IO[bytes], deadline: float, limits: Limits
) -> type[ProcessError] | None:
    """Wait for the end; the kind of error if a limit was reached first."""
    while True:
        remaining = deadline - time.monotonic()
        try:
            process.wait(timeout=max(0.0, min(remaining, POLL_SECONDS)))
            return None
        except subprocess.TimeoutExpired:
            if remaining <= 0:
                return ProcessTimeoutError
            if os.fstat(log.fileno()).st_size > limits.log_bytes:
                return ProcessLogError


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End the program and everything it started: asked first if it still runs, then killed."""
    try:
        if process.poll() is None:
            _signal_group(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=GRACE_SECONDS)
    finally:  # a second Ctrl-C must not leave anyone behind
        _signal_group(process.pid, signal.SIGKILL)  # also what a finished program left behind
        process.wait()


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody is left in the group
        os.killpg(group, number)


def _read_tail(log: IO[bytes]) -> str:
    size = os.fstat(log.fileno()).st_size
    log.seek(max(0, size - TAIL_BYTES))
    lines = log.read(TAIL_BYTES).decode(errors="replace").splitlines()
    if size > TAIL_BYTES:
        lines = lines[1:]  # its beginning is cut off
    return "\n".join(lines[-TAIL_LINES:])
