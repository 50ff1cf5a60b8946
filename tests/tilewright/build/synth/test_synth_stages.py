"""Stages are whole or absent: resumed only if nothing changed, never believed after a kill."""

import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tilewright.dataflow.serial import from_json

from tilewright.build.process import ProcessError
from tilewright.build.synth import Target, synthesise
from tilewright.build.synth.result import Synthesis
from tilewright.build.synth.stages import EARLIER, locked
from tilewright.errors import OutputError

ECP5 = Target(family="ecp5")


def run(tiny: Path, **changes: Any) -> Synthesis:
    """To place and route, in the folder `out` beside the source."""
    arguments: dict[str, Any] = {"target": ECP5, "to": "pnr"}
    arguments |= changes
    return synthesise(tiny, "tiny", folder=tiny.parent / "out", **arguments)


def resumed(result: Synthesis) -> dict[str, bool]:
    return {stage.name: stage.was_resumed for stage in result.stages}


def test_a_stage_is_done_once(tiny: Path, fake_tool) -> None:
    calls = fake_tool()
    told: list[str] = []
    first = run(tiny, progress=told.append)
    assert resumed(first) == {"synth": False, "pnr": False}
    assert [line.partition(":")[0] for line in told] == [
        *["synthesise for ecp5"] * 2,
        *["place and route (nextpnr-ecp5)"] * 2,
    ]
    second = run(tiny)
    assert resumed(second) == {"synth": True, "pnr": True}
    assert calls.read_text() == "call\n"
    done = [replace(stage, was_resumed=True) for stage in first.stages]
    assert second == replace(first, stages=tuple(done))
    assert (tiny.parent / "out" / "logs" / "synth.log").stat().st_size > 1000
    stored = json.loads((tiny.parent / "out" / "synth.json").read_text())
    assert from_json(Synthesis, stored) == second


def test_only_what_changed_is_done_again(tiny: Path, fake_tool) -> None:
    fake_tool()
    run(tiny)
    assert resumed(run(tiny, seed=2)) == {"synth": True, "pnr": False}
    fast = Target(family="ecp5", freq_hz=150e6)
    assert resumed(run(tiny, seed=2, target=fast)) == {"synth": True, "pnr": False}
    assert resumed(run(tiny, options={"nodsp": True})) == {"synth": False, "pnr": False}
    tiny.write_text(tiny.read_text() + "// another text, the same hardware\n")
    # The same netlist as before need not be placed again.
    assert resumed(run(tiny, options={"nodsp": True})) == {"synth": False, "pnr": True}


@pytest.mark.parametrize(
    ("stage", "file"),
    [("synth", "modules.json"), ("synth", "netlist.json"), ("pnr", "report.json")],
)
def test_what_was_changed_is_not_believed(ready: Path, fake_tool, stage: str, file: str) -> None:
    fake_tool()
    run(ready)
    path = ready.parent / "out" / stage / file
    path.write_text(path.read_text().replace("1", "2", 1))
    assert resumed(run(ready))[stage] is False


@pytest.mark.parametrize("what", ["emptied", "removed", "no key"])
def test_a_half_manifest_is_not_believed(ready: Path, fake_tool, what: str) -> None:
    fake_tool()
    run(ready)
    manifest = ready.parent / "out" / "pnr" / "manifest.json"
    if what == "emptied":
        manifest.write_text("")
        shutil.rmtree(manifest.parent)  # nobody but us writes there; a foreign folder is left alone
    elif what == "removed":
        shutil.rmtree(manifest.parent)
    else:
        contents = json.loads(manifest.read_text())
        manifest.write_text(json.dumps(contents | {"seconds": "soon"}))
    assert resumed(run(ready)) == {"synth": True, "pnr": False}


def left(tiny: Path) -> set[str]:
    """The stages that are in the folder."""
    return {path.parent.name for path in (tiny.parent / "out").glob("[!.]*/manifest.json")}


def test_stages_of_another_design_do_not_stay_beside_a_new_one(tiny: Path, fake_tool) -> None:
    board = Target(family="ecp5", device="LFE5U-12F", out_of_context=False)
    calls = fake_tool()
    first = run(tiny, to="bitstream", target=board)
    assert left(tiny) == {"synth", "pnr", "pack"}
    text = tiny.read_text()
    tiny.write_text(text.replace("s + p", "s - p"))
    fake_tool("raise SystemExit(7)")
    with pytest.raises(ProcessError):
        run(tiny, to="bitstream", target=board)
    assert left(tiny) == {"synth"}
    tiny.write_text(text)
    again = run(tiny, to="bitstream", target=board)  # what was set aside is as good as ever
    assert resumed(again) == {"synth": True, "pnr": True, "pack": True}
    assert calls.read_text() == "call\n" * 2
    assert again.files == first.files
    tiny.write_text(text.replace("s + p", "s - p"))
    run(tiny, to="synth", target=board)
    assert left(tiny) == {"synth"}
    tiny.write_text(text)
    with pytest.raises(ProcessError):
        run(tiny, to="bitstream", target=board, seed=5)
    assert left(tiny) == {"synth"}


def test_what_was_changed_aside_is_not_believed(ready: Path, fake_tool) -> None:
    fake_tool()
    run(ready)
    run(ready, seed=2)
    path = ready.parent / "out" / EARLIER / "pnr" / "report.json"
    path.write_text(path.read_text().replace("1", "2", 1))
    assert resumed(run(ready)) == {"synth": True, "pnr": False}
    assert resumed(run(ready, seed=2)) == {"synth": True, "pnr": True}


def test_a_folder_of_somebody_else_stays_where_it_is(ready: Path, fake_tool) -> None:
    fake_tool()
    note = ready.parent / "out" / "pack" / "note.txt"
    note.parent.mkdir()
    note.write_text("mine")
    run(ready)
    assert note.read_text() == "mine"


def test_two_runs_exclude_each_other(ready: Path, fake_tool) -> None:
    fake_tool()
    folder = ready.parent / "out"
    with locked(folder), pytest.raises(OutputError, match="another synthesis is at work"):
        run(ready)
    run(ready)


RUNNER = """
import sys
from pathlib import Path
from tilewright.build.synth import Target, synthesise, tools
fake = sys.argv[2]
tools.tool_command = lambda name, memory_bytes: [sys.executable, fake, str(memory_bytes), name]
tiny = Path(sys.argv[1])
try:
    synthesise(tiny, "tiny", Target(family="ecp5"), tiny.parent / "out", to="pnr")
except KeyboardInterrupt:
    sys.exit(130)
"""
# Writes everything that a whole run would, and then does not end.
ENDLESS = """
import os, pathlib, subprocess, time
from tilewright.build.synth.guard import guard
guard(1 << 32)
kid = subprocess.Popen(["sleep", "600"])
pathlib.Path("report.json").write_text('{"fmax": {}, "utilization": {}, "critical_paths": []}')
pathlib.Path("placed.config").write_text("half")
pathlib.Path(__file__).with_suffix(".pid").write_text(f"{os.getpid()} {kid.pid} ")
time.sleep(600)
"""


def start_endless(tiny: Path) -> tuple[subprocess.Popen[bytes], list[int]]:
    """A run that hangs in place and route; its process, and those of the tool and its child."""
    fake, pid = tiny.with_name("endless.py"), tiny.with_name("endless.pid")
    fake.write_text(ENDLESS)
    process = subprocess.Popen([sys.executable, "-c", RUNNER, str(tiny), str(fake)])
    deadline = time.monotonic() + 120
    while not (pid.exists() and pid.read_text().endswith(" ")):
        assert process.poll() is None, "the run ended by itself"
        assert time.monotonic() < deadline, "the tool was never started"
        time.sleep(0.05)
    return process, [int(word) for word in pid.read_text().split()]


def wait_until_gone(pids: list[int]) -> None:
    deadline = time.monotonic() + 20
    while left := [pid for pid in pids if is_alive(pid)]:
        assert time.monotonic() < deadline, f"still there of {pids}: {left}"
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # gone, perhaps while it was read
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="the parent's death is told on Linux only")
def test_a_killed_run_leaves_nothing_that_is_believed(ready: Path, fake_tool) -> None:
    process, tools = start_endless(ready)
    folder = ready.parent / "out"
    with pytest.raises(OutputError, match="another synthesis"):
        run(ready)
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_until_gone(tools)
    assert not (folder / "pnr").exists()
    assert not (folder / "synth.json").exists()
    assert (folder / "synth" / "manifest.json").exists()
    calls = fake_tool()
    result = run(ready)
    assert resumed(result) == {"synth": True, "pnr": False}
    assert calls.read_text() == "call\n"
    assert result.fmax_hz == 125e6


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_an_interrupted_run_ends_its_tool(ready: Path, fake_tool) -> None:
    process, tools = start_endless(ready)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130
    wait_until_gone(tools)
    folder = ready.parent / "out"
    assert sorted(path.name for path in folder.iterdir()) == ["logs", "synth"]
    fake_tool()
    assert resumed(run(ready)) == {"synth": True, "pnr": False}
