"""A file system that is really full, under us, under yosys and under other tools."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tilewright.build.synth import Synthesis, Target, synthesise
from tilewright.errors import OutputError

DISK_BYTES = 4 << 20
ROOM_BYTES = 48 << 10
"""Enough for the design, not for its netlist."""
# Both fill the disk; the second ends with code 0, with a file that looks whole.
STOPS = "import pathlib\npathlib.Path('report.json').write_bytes(b' ' * (8 << 20))"
SAYS_NOTHING = """
try:
    pathlib.Path("placed.config").write_bytes(b"x\\n" * (4 << 20))
except OSError:
    pass
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system in memory."""
    place = tmp_path / "disk"
    place.mkdir()
    if shutil.which("mount") is None:
        pytest.skip("there is no mount")
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def run(source: Path, disk: Path, **changes: Any) -> Synthesis:
    arguments: dict[str, Any] = {"target": Target(family="ecp5"), "to": "pnr"}
    return synthesise(source, "tiny", folder=disk / "out", **(arguments | changes))


def fill(disk: Path, room_bytes: int = 0) -> Path:
    """A file that leaves so much room."""
    path = disk / "filler"
    path.write_bytes(bytes(shutil.disk_usage(disk).free - room_bytes))
    return path


def left(disk: Path) -> set[str]:
    """What is in the folder besides logs."""
    return {path.name for path in (disk / "out").iterdir()} - {"logs"}


@pytest.mark.parametrize("room_bytes", [0, ROOM_BYTES])
def test_under_us_and_under_yosys(tiny: Path, disk: Path, room_bytes: int) -> None:
    fill(disk, room_bytes)
    with pytest.raises(OutputError, match="no space left on the disk"):
        run(tiny, disk, to="synth")
    assert left(disk) == set()


def test_under_a_tool(ready: Path, disk: Path, fake_tool) -> None:
    shutil.copytree(ready.parent / "out", disk / "out")
    fake_tool(STOPS)
    with pytest.raises(OutputError, match="no space left on the disk"):
        run(ready, disk)
    assert left(disk) == {"synth"}
    fake_tool(after=SAYS_NOTHING)
    with pytest.raises(OutputError, match="no space left on the disk"):
        run(ready, disk)
    assert left(disk) == {"synth"}
    fake_tool()
    filler = fill(disk)
    with pytest.raises(OutputError, match="no space left on the disk"):
        run(ready, disk)
    filler.unlink()
    assert [stage.was_resumed for stage in run(ready, disk).stages] == [True, False]
    assert left(disk) == {"synth", "pnr", "synth.json"}
