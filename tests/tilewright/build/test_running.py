"""Programs that run as long as a block of ours."""

import os
import sys
import time
from pathlib import Path

import pytest

from tilewright.build.process import ProcessMissingError, running

LIMIT_SECONDS = 20.0
TELLS = "import pathlib, sys, time; pathlib.Path('up').touch(); print('told', flush=True); "


def wait_for(condition) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # gone, perhaps while it was read
        return False


def test_it_runs_until_the_block_ends(tmp_path: Path) -> None:
    text = TELLS + "import os; pathlib.Path('pid').write_text(str(os.getpid())); time.sleep(999)"
    log = tmp_path / "log"
    with running([sys.executable, "-c", text], cwd=tmp_path, log_path=log) as outcome:
        wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
        pid = int((tmp_path / "pid").read_text())
        assert outcome() is None
        assert is_alive(pid)
    wait_for(lambda: not is_alive(pid))
    assert log.read_text() == "told\n"


def test_its_children_end_with_it(tmp_path: Path) -> None:
    child = "import os, pathlib, time; pathlib.Path('pid').write_text(str(os.getpid())); "
    text = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r} + "
    text += "'time.sleep(999)'])"
    command = [sys.executable, "-c", text]
    with running(command, cwd=tmp_path, log_path=tmp_path / "log"):
        wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
        pid = int((tmp_path / "pid").read_text())
    wait_for(lambda: not is_alive(pid))


def test_an_end_of_its_own_is_told(tmp_path: Path) -> None:
    command = [sys.executable, "-c", TELLS + "sys.exit(3)"]
    with running(command, cwd=tmp_path, log_path=tmp_path / "log") as outcome:
        wait_for(lambda: outcome() is not None)
        ended = outcome()
    assert ended is not None
    assert (ended.returncode, ended.tail) == (3, "told")


def test_an_error_in_the_block_ends_it_too(tmp_path: Path) -> None:
    text = TELLS + "import os; pathlib.Path('pid').write_text(str(os.getpid())); time.sleep(999)"

    def fail() -> None:
        with running([sys.executable, "-c", text], cwd=tmp_path, log_path=tmp_path / "log"):
            wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    wait_for(lambda: not is_alive(int((tmp_path / "pid").read_text())))


def test_no_such_program(tmp_path: Path) -> None:
    with (
        pytest.raises(ProcessMissingError),
        running([f"{tmp_path}{os.sep}none"], cwd=tmp_path, log_path=tmp_path / "log"),
    ):
        pass
