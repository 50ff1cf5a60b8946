"""An accelerator for a board: its top, its pins and what the tools are told, with tools that only
write down what they were asked."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tilewright.boards import board_names, load_board

from tilewright import cli
from tilewright.build.synth import job, tools
from tilewright.build.synth.harness import harness_name
from tilewright.build.synth.passes import mapping_passes
from tilewright.build.synth.place_route import pnr_arguments
from tilewright.flow.synth import board_target

FAKE = """
import json, pathlib, sys
_, _, name, *arguments = sys.argv
pathlib.Path("asked.json").write_text(json.dumps([name, *arguments]))
report = {"fmax": {"$glbnet$clk$TRELLIS_IO_IN": {"achieved": 60.0, "constraint": 25.0}},
          "utilization": {}, "critical_paths": []}
pathlib.Path("report.json").write_text(json.dumps(report))
for result in ("placed.config", "placed.asc", "bitstream.fs"):
    pathlib.Path(result).write_text(result + "\\n")
pathlib.Path("placed.json").write_text("{}")
pathlib.Path("bitstream.bit").write_bytes(bytes.fromhex("5e000000ffffffff"))
pathlib.Path("bitstream.bin").write_bytes(bytes.fromhex("010600"))
"""


def fake_yosys(*, cwd: Path, log_path: Path, limits: Any) -> None:
    """A netlist without a cell."""
    job = json.loads((cwd / "job.json").read_text())
    log_path.write_text("")
    name = harness_name(job["top"], (cwd / "design.v").read_bytes())
    top = name if job["has_harness"] else job["top"]
    (cwd / "netlist.json").write_text(json.dumps({"modules": {top: {"cells": {}}}}))
    area = dict.fromkeys(("lut", "ff"), 10)
    rows = [{"path": "", "module": job["top"], "area": area}]
    modules = {"modules": rows, "memories": [], "cells": {"LUT4": 10}}
    (cwd / "modules.json").write_text(json.dumps(modules))


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither yosys nor any other tool."""
    program = tmp_path / "fake.py"
    program.write_text(FAKE)
    monkeypatch.setattr(job, "run_yosys", fake_yosys)
    monkeypatch.setattr(
        tools, "tool_command", lambda name, memory: [sys.executable, str(program), "0", name]
    )


BOARDS = {
    "ulx3s-12f": (
        ["nextpnr-ecp5", "--12k", "--package", "CABGA381", "--speed", "6", "--lpf", "pins.lpf"],
        ["ecppack", "--compress", "--input", "../pnr/placed.config", "--bit", "bitstream.bit"],
        'LOCATE COMP "clk" SITE "G2";',
        25.0,
    ),
    "tang-nano-9k": (
        ["nextpnr-gowin", "--device", "GW1NR-LV9QN88PC6/I5", "--vopt", "family=GW1N-9C",
         "cst=pins.cst"],
        ["gowin_pack", "-d", "GW1N-9C", "-o", "bitstream.fs", "../pnr/placed.json"],
        'IO_LOC "clk" 52;',
        27.0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(BOARDS))
def test_an_accelerator_to_a_bitstream(
    name: str, fakes: None, tiny_spec: Callable[..., Path], tmp_path: Path
) -> None:
    placer, packer, pin, frequency = BOARDS[name]
    out = tmp_path / "out"
    words = ["synth", str(tiny_spec(tmp_path)), "--board", name, "--to", "bitstream"]
    assert cli.main([*words, "--out", str(out)]) == 0
    stored = json.loads((out / "synth.json").read_text())
    assert stored["top"] == "tiny_board"
    assert stored["target"]["out_of_context"] is False
    text = (out / "tiny.v").read_text()
    assert "module tiny_board(" in text
    assert "module tiny(" in text
    asked = json.loads((out / "pnr" / "asked.json").read_text())
    assert set(placer) <= set(asked)
    assert asked[asked.index("--freq") + 1] == f"{frequency:.6f}"
    assert asked[asked.index("--top") + 1] == "tiny_board"
    assert "--out-of-context" not in asked
    assert json.loads((out / "pack" / "asked.json").read_text()) == packer
    (pins,) = (out / "pnr").glob("pins.*")
    lines = pins.read_text().splitlines()
    assert pin in lines
    for port in ("clk", "rx", "tx"):
        assert any(port in line for line in lines)
    result = stored["files"]["bitstream"]
    assert (out / result).is_file()
    # Once more: nothing is left to do.
    assert cli.main([*words, "--out", str(out), "--json"]) == 0
    stages = json.loads((out / "synth.json").read_text())["stages"]
    assert [stage["was_resumed"] for stage in stages] == [True, True, True]


def test_a_clock_that_would_take_a_pll(
    fakes: None, tiny_spec: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["synth", str(tiny_spec(tmp_path)), "--board", "ulx3s-12f", "--to", "pnr"]
    assert cli.main([*words, "--freq", "50MHz", "--out", str(tmp_path / "out")]) == 2
    assert "there is no PLL" in capsys.readouterr().err


def test_without_a_board_an_accelerator_is_placed_alone(
    fakes: None, tiny_spec: Callable[..., Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = ["synth", str(tiny_spec(tmp_path)), "--family", "ecp5", "--to", "pnr"]
    assert cli.main([*words, "--freq", "20MHz", "--out", str(out)]) == 0
    asked = json.loads((out / "pnr" / "asked.json").read_text())
    assert "--out-of-context" in asked
    assert "--lpf" not in asked
    assert asked[asked.index("--top") + 1] == "tiny"
    bitstream = ["synth", str(tmp_path / "tiny.yaml"), "--family", "ecp5", "--to", "bitstream"]
    assert cli.main(bitstream) == 2


def test_the_other_families_get_a_harness(
    fakes: None, tiny_spec: Callable[..., Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = ["synth", str(tiny_spec(tmp_path)), "--family", "ice40", "--to", "pnr"]
    assert cli.main([*words, "--freq", "1MHz", "--out", str(out)]) == 0
    job = json.loads((out / "synth" / "job.json").read_text())
    assert (job["has_harness"], job["packs_registers"]) == (True, False)
    assert job["target"]["out_of_context"] is False
    asked = json.loads((out / "pnr" / "asked.json").read_text())
    assert asked[asked.index("--top") + 1] == "tiny_harness"
    assert "--pcf-allow-unconstrained" in asked


@pytest.mark.parametrize("name", board_names())
def test_every_board_has_a_target(name: str) -> None:
    board = load_board(name)
    if board.device.family == "versal":
        pytest.skip("yosys has no Versal")
    target = board_target(board, board.clock.frequency_hz)
    assert mapping_passes(target, "top", {})[0].name == f"synth_{target.dialect}"
    if board.flow == "open":
        arguments = pnr_arguments(target, Path("n.json"), "top", seed=1, has_constraints=False)
        assert f"{board.clock.frequency_hz / 1e6:.6f}" in arguments
