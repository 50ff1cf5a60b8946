"""The process runner: results, limits, and that nobody is left behind."""

import signal
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from tilewright.build.process import (
    Limits,
    ProcessError,
    ProcessFailedError,
    ProcessLogError,
    ProcessMissingError,
    ProcessTimeoutError,
    run,
)
from tilewright.errors import OutputError, ToolError

SPAWNS_A_SLEEPER = """
    import subprocess, sys, time
    child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
    open("pid", "w").write(str(child.pid))
    {then}
"""


def python(text: str) -> list[str]:
    return [sys.executable, "-S", "-c", textwrap.dedent(text)]


def has_ended(pid: int) -> bool:
    """Whether the process is gone, or only waits to be collected by its parent."""
    for _ in range(50):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.02)
    return False


def test_output_of_both_streams_reaches_log_and_tail(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    text = "import sys; print('out', flush=True); print('err', file=sys.stderr)"
    result = run(python(text), cwd=tmp_path, log_path=log)
    assert result.is_good
    assert result.tail == "out\nerr"
    assert log.read_text() == "out\nerr\n"


def test_arguments_are_never_read_by_a_shell(tmp_path: Path) -> None:
    argument = "a b; $(touch hacked) `touch hacked` 'x'\n*"
    result = run([*python("import sys; print(repr(sys.argv[1]))"), argument], cwd=tmp_path)
    assert result.tail == repr(argument)
    assert not (tmp_path / "hacked").exists()


def test_a_line_instead_of_a_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="list of arguments"):
        run("echo hello", cwd=tmp_path)


def test_standard_input_is_empty(tmp_path: Path) -> None:
    """In a process of its own: pytest has closed ours already."""
    inner = python("import sys; print(len(sys.stdin.read()))")
    text = f"""
        from pathlib import Path
        from tilewright.build.process import run
        print(run({inner!r}, cwd=Path()).tail)
    """
    command = [sys.executable, "-c", textwrap.dedent(text)]
    done = subprocess.run(command, cwd=tmp_path, input=b"data", capture_output=True, check=True)
    assert done.stdout == b"0\n"


@pytest.mark.parametrize("with_log", [True, False])
def test_failure_carries_code_tail_and_log(tmp_path: Path, with_log: bool) -> None:
    log = tmp_path / "log.txt" if with_log else None
    with pytest.raises(ProcessFailedError) as caught:
        run(python("print('because'); raise SystemExit(7)"), cwd=tmp_path, log_path=log)
    assert caught.value.returncode == 7
    assert "ended with code 7" in str(caught.value)
    assert "| because" in str(caught.value)
    assert (str(log) in str(caught.value)) == with_log


def test_failure_can_be_asked_for_as_a_result(tmp_path: Path) -> None:
    assert run(python("raise SystemExit(3)"), cwd=tmp_path, check=False).returncode == 3


def test_a_crash_names_its_signal(tmp_path: Path) -> None:
    with pytest.raises(ProcessFailedError, match="was ended by SIGSEGV"):
        run(python("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"), cwd=tmp_path)


def test_missing_program_is_a_tool_error(tmp_path: Path) -> None:
    with pytest.raises(ProcessMissingError, match="no-such-program") as caught:
        run(["no-such-program"], cwd=tmp_path)
    assert isinstance(caught.value, ToolError)
    assert caught.value.exit_code == 3


def test_program_that_may_not_be_executed(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n")
    script.chmod(stat.S_IRUSR)
    with pytest.raises(ProcessMissingError, match="ermission denied"):
        run([script], cwd=tmp_path)


def test_file_that_is_no_program(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_bytes(b"\x00\x01")
    script.chmod(0o700)
    with pytest.raises(ProcessError):
        run([script], cwd=tmp_path)


def test_missing_folder_and_unwritable_log_are_output_errors(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no such directory"):
        run(python(""), cwd=tmp_path / "absent")
    with pytest.raises(OutputError, match="cannot write a log"):
        run(python(""), cwd=tmp_path, log_path=tmp_path / "absent" / "log")


def test_timeout_ends_the_whole_group(tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(ProcessTimeoutError, match=r"limit of 0\.6 s"):
        run(
            python(SPAWNS_A_SLEEPER.format(then="time.sleep(60)")),
            cwd=tmp_path,
            limits=Limits(wall_seconds=0.6),
        )
    assert time.monotonic() - started < 10
    assert has_ended(int((tmp_path / "pid").read_text()))


def test_timeout_ends_a_program_that_ignores_requests(tmp_path: Path) -> None:
    text = """
        import signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("deaf", flush=True)
        time.sleep(60)
    """
    with pytest.raises(ProcessTimeoutError) as caught:
        run(python(text), cwd=tmp_path, limits=Limits(wall_seconds=0.5))
    assert caught.value.tail == "deaf"


def test_children_left_behind_by_a_good_end_are_ended(tmp_path: Path) -> None:
    assert run(python(SPAWNS_A_SLEEPER.format(then="")), cwd=tmp_path).is_good
    assert has_ended(int((tmp_path / "pid").read_text()))


def test_interrupt_ends_the_group(tmp_path: Path) -> None:
    text = f"""
        from pathlib import Path
        from tilewright.build.process import run
        run({python(SPAWNS_A_SLEEPER.format(then="time.sleep(60)"))!r}, cwd=Path())
    """
    command = [sys.executable, "-c", textwrap.dedent(text)]
    ours = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    ours.send_signal(signal.SIGINT)
    assert ours.wait(timeout=20) != 0
    assert has_ended(int((tmp_path / "pid").read_text()))


def test_endless_output_is_stopped(tmp_path: Path) -> None:
    text = "while True: print('x' * 9999)"
    with pytest.raises(ProcessLogError, match="printed more than"):
        run(python(text), cwd=tmp_path, limits=Limits(wall_seconds=30, log_bytes=100_000))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits another process's memory")
def test_memory_limit(tmp_path: Path) -> None:
    text = "import time; time.sleep(0.3); x = bytearray(600 << 20)"
    with pytest.raises(ProcessFailedError, match="MemoryError"):
        run(python(text), cwd=tmp_path, limits=Limits(memory_bytes=300 << 20))
    assert run(python(text), cwd=tmp_path, limits=Limits(memory_bytes=4 << 30)).is_good


def test_tail_is_the_end_and_survives_bytes_that_are_no_text(tmp_path: Path) -> None:
    text = r"""
        import sys
        for i in range(20000): print(i)
        sys.stdout.flush(); sys.stdout.buffer.write(b"\xff\n")
    """
    lines = run(python(text), cwd=tmp_path).tail.splitlines()
    assert lines[-2:] == ["19999", "\ufffd"]
    assert len(lines) == 60


def test_job_server_of_a_make_around_us_is_not_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAKEFLAGS", "-j --jobserver-auth=3,4")
    monkeypatch.setenv("KEPT", "1")
    text = "import os; print(os.environ.get('MAKEFLAGS'), os.environ['KEPT'], os.environ['MINE'])"
    assert run(python(text), cwd=tmp_path, extra_env={"MINE": "2"}).tail == "None 1 2"
    text = "import os; print(os.environ['MAKEFLAGS'])"
    assert run(python(text), cwd=tmp_path, extra_env={"MAKEFLAGS": "X=1"}).tail == "X=1"


@pytest.mark.parametrize("limits", [{"wall_seconds": 0.0}, {"memory_bytes": 0}, {"log_bytes": -1}])
def test_limits_are_positive(limits: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="positive"):
        Limits(**limits)  # type: ignore[arg-type]


def test_no_descriptor_leaks(tmp_path: Path) -> None:
    descriptors = Path("/dev/fd")
    before = len(list(descriptors.iterdir()))
    for _ in range(3):
        run(python(""), cwd=tmp_path)
    assert len(list(descriptors.iterdir())) == before
