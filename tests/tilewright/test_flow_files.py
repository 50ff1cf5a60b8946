"""What a run leaves behind: the same bytes every time, all of it or nothing, whatever happens."""

import contextlib
import errno
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tilewright import cli
from tilewright.build import files, verilator
from tilewright.flow import accelerator

pytestmark = pytest.mark.simulator

MakeSpec = Callable[..., Path]
MAIN = "import sys; from tilewright.cli import main; sys.exit(main())"
MARK = "TILEWRIGHT_TEST_MARK"
PATIENCE_SECONDS = 60.0
STAGES = ("elaborate", "compile the simulation", "simulate")


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below `folder`."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_same_spec_same_bytes(tiny_spec: MakeSpec, tmp_path: Path) -> None:
    """Two folders, two processes, two hash seeds: every file and the manifest are the same."""
    made = []
    for seed in ("0", "4711"):
        folder = tmp_path / f"seed{seed}"
        spec = tiny_spec(folder, program="ram")
        done = subprocess.run(
            [sys.executable, "-c", MAIN, "generate", str(spec), "--out", str(folder / "out")],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
        assert done.returncode == 0, done.stderr
        made.append(contents(folder / "out"))
    first, second = made
    assert first.keys() == second.keys() and {"manifest.json", "tiny.v"} <= first.keys()
    assert [name for name in first if first[name] != second[name]] == []
    assert not [name for name, raw in first.items() if str(tmp_path).encode() in raw]


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """A short text in the place of the Verilog: these tests are about files."""
    monkeypatch.setattr(accelerator, "accelerator_verilog", lambda design: "// nothing\n" * 4096)


@pytest.mark.usefixtures("fast")
def test_nothing_is_written_where_nothing_can_be(
    tiny_spec: MakeSpec, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tiny_spec()
    blocked = tmp_path / "file"
    blocked.write_text("mine")
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "precious.txt").write_text("mine")
    for out in (blocked, blocked / "below", foreign, Path("/proc/nothing/here")):
        assert cli.main(["generate", str(spec), "--out", str(out)]) == 1, out
        captured = capsys.readouterr()
        assert captured.err.startswith("error: ") and not captured.out
    assert blocked.read_text() == "mine"
    assert contents(foreign) == {"precious.txt": b"mine"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system that fills up; a skip where it cannot be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("no program `mount`")
    if done.returncode != 0:
        pytest.skip("only root may mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("verb", ["generate", "verify"])
def test_a_full_disk_leaves_nothing(
    tiny_spec: MakeSpec, small_disk: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    assert cli.main([verb, str(tiny_spec()), "--out", str(small_disk / "out")]) == 1
    assert "no space left on the disk" in capsys.readouterr().err
    assert list(small_disk.iterdir()) == []


@pytest.mark.usefixtures("fast")
def test_a_disk_that_fills_up_at_any_file_keeps_the_old_result(
    tiny_spec: MakeSpec,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    spec, out = tiny_spec(), tmp_path / "out"
    assert cli.main(["generate", str(spec), "--out", str(out), "-q"]) == 0
    before = contents(out)
    fsync, calls = os.fsync, [0]

    def full(descriptor: int) -> None:
        calls[0] += 1
        if calls[0] >= last:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr(files.os, "fsync", full)
    for last in (1, 2, 7, len(before)):  # the last is the manifest
        calls[0] = 0
        assert cli.main(["generate", str(spec), "--out", str(out)]) == 1
        assert "no space left" in capsys.readouterr().err
        assert contents(out) == before, f"failed at file {last}"
        assert sorted(p.name for p in out.parent.glob(".out.*")) == []


class Command:
    """`tilewright verify` in a process group of its own, known by a mark in its environment."""

    def __init__(self, spec: Path, out: Path, cache: Path | None = None) -> None:
        self.mark = uuid.uuid4().hex
        more = {} if cache is None else {"TILEWRIGHT_CACHE": str(cache)}
        self.process = subprocess.Popen(
            [sys.executable, "-c", MAIN, "verify", str(spec), "--out", str(out), "-v"],
            env={**os.environ, MARK: self.mark, **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def wait_for(self, stage: str) -> None:
        """Until it says that `stage` begins."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if line.strip() == stage:
                return
        raise AssertionError(f"it ended before the stage {stage!r}")

    def wait_for_child(self) -> None:
        """Until a program that it started runs."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(self.alive()) < 2:
            assert time.monotonic() < deadline and self.process.poll() is None
            time.sleep(0.02)

    def wait_for_build(self, cache: Path) -> None:
        """Until it compiles in a folder of `cache`: its first child may be a question to a tool."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not list(cache.glob("verilator/tmp-*")):
            assert time.monotonic() < deadline and self.process.poll() is None
            time.sleep(0.02)
        self.wait_for_child()

    def end(self, number: signal.Signals) -> tuple[int, str]:
        """Send a signal to it alone; its exit code and the rest of its messages."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=PATIENCE_SECONDS)
        return self.process.returncode, errors

    def alive(self) -> list[int]:
        """Processes with our mark that run."""
        wanted = f"{MARK}={self.mark}".encode()
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                is_dead = (path / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
                if not is_dead and wanted in (path / "environ").read_bytes().split(b"\0"):
                    found.append(int(path.name))
        return found

    def clean_up(self) -> None:
        """End what is left, each by its number."""
        for number in self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        self.process.communicate()


@pytest.fixture
def start(tiny_spec: MakeSpec, tmp_path: Path) -> Iterator[Any]:
    """`start(cache)`: a running command; whatever is left of it ends with the test."""
    if not Path("/proc/self/environ").exists():
        pytest.skip("needs /proc to see which processes are left")
    commands: list[Command] = []

    def begin(cache: Path | None = None) -> Command:
        commands.append(Command(tiny_spec(), tmp_path / "out", cache))
        return commands[-1]

    yield begin
    for command in commands:
        command.clean_up()


@pytest.mark.parametrize(
    ("stage", "number"),
    [*((stage, signal.SIGINT) for stage in STAGES), ("simulate", signal.SIGTERM)],
)
def test_interrupted(start: Any, tmp_path: Path, stage: str, number: signal.Signals) -> None:
    """Ctrl-C in every stage: code 130, no child left, nothing half-written."""
    is_compiling = stage == "compile the simulation"
    cache = tmp_path / "cache" if is_compiling else None
    command = start(cache)
    command.wait_for(stage)
    if cache is not None:
        command.wait_for_build(cache)
    code, errors = command.end(number)
    assert code == 130, errors
    assert errors.strip().endswith("interrupted") and "Traceback" not in errors
    assert command.alive() == []
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".out.partial-*")), "a half-written result is left"
    if cache is not None:
        assert not list(cache.rglob("complete")), "a half-made build is believed"


def test_killed_while_it_compiles(start: Any, tmp_path: Path) -> None:
    """Nothing can be tidied after SIGKILL, but nothing half-made may be believed."""
    cache = tmp_path / "cache"
    command = start(cache)
    command.wait_for("compile the simulation")
    command.wait_for_build(cache)
    assert command.end(signal.SIGKILL)[0] == -signal.SIGKILL
    command.clean_up()
    assert not (tmp_path / "out").exists()
    assert not list(cache.rglob("complete"))
    names = [path.name for path in (cache / "verilator").iterdir()]
    assert all(name.startswith("tmp-") or name.endswith(".lock") for name in names), names


def test_killed_while_it_simulates(
    start: Any, tiny_spec: MakeSpec, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = start()
    command.wait_for("simulate")
    command.wait_for_child()
    assert command.end(signal.SIGKILL)[0] == -signal.SIGKILL
    command.clean_up()
    out = tmp_path / "out"
    assert not out.exists()
    left = list(tmp_path.glob(".out.partial-*"))
    assert left, "it was killed too late for this test"
    for folder in left:
        assert cli.main(["report", str(folder)]) == 1
        assert "not a finished result" in capsys.readouterr().err
    assert cli.main(["verify", str(tiny_spec()), "--out", str(out), "-q"]) == 0
    assert cli.main(["report", str(out)]) == 0


def test_waves_without_the_header_name_the_package(
    tiny_spec: MakeSpec,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(verilator, "lz4_header_exists", lambda toolchain: False)
    assert cli.main(["verify", str(tiny_spec()), "--out", str(tmp_path / "out"), "--waves"]) == 3
    assert "apt install liblz4-dev" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_waves_of_a_window(tiny_spec: MakeSpec, tmp_path: Path) -> None:
    if not verilator.lz4_header_exists(verilator.find_toolchain()):
        pytest.skip("waves need the header lz4.h (apt install liblz4-dev)")
    out = tmp_path / "out"
    assert cli.main(["verify", str(tiny_spec()), "--out", str(out), "--waves=20:60", "-q"]) == 0
    assert (out / "simulation" / "waves.fst").stat().st_size > 1000
    assert '[dumpfile] "waves.fst"' in (out / "simulation" / "waves.gtkw").read_text()
