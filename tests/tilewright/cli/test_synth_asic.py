"""`tilewright synth --family asic`: usage, mistakes in files, tables, JSON."""

import json
from pathlib import Path
from typing import Any

import pytest

from tilewright import cli
from tilewright.build.synth.asic import synthesise_asic
from tilewright.build.synth.asic_result import ABC_MEANING, AsicMemory, GatePath, GateStep
from tilewright.build.synth.stages import locked
from tilewright.flow.asic import AsicResult
from tilewright.spec.diagnostics import columns

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "asic"
SPEC, LIBRARY = EXAMPLES / "one_pe.yaml", EXAMPLES / "little.lib"
ASIC = ["synth", str(SPEC), "--family", "asic"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (ASIC, "needs a cell library"),
        ([*ASIC, "--liberty", "x.lib", "--to", "pnr"], "ends with the gates"),
        ([*ASIC, "--liberty", "x.lib", "--board", "ulx3s-85f"], "--board or --family, not both"),
        (["synth", str(SPEC), "--family", "ecp5", "--liberty", "x.lib"], "is for --family asic"),
        (["synth", str(SPEC), "--family", "ecp5", "--memory-areas", "x"], "is for --family asic"),
        ([*ASIC, "--liberty", "absent.lib"], "absent.lib: error: the library cannot be read"),
        ([*ASIC, "--liberty", str(SPEC)], "one_pe.yaml:1:1: error: `:` or `(`"),
        ([*ASIC, "--liberty", str(LIBRARY), "--memory-areas", "absent"], "absent"),
        ([*ASIC, "--liberty", str(LIBRARY), "--memory-areas", str(SPEC)], "one_pe.yaml:"),
    ],
)
def test_mistakes_are_code_2_and_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    arguments: list[str], told: str,
) -> None:  # fmt: skip
    pytest.importorskip("pyosys", reason="no yosys: pip install 'tilewright[synth]'")
    monkeypatch.chdir(tmp_path)
    assert cli.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == "" and told in err and "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_another_run_holds_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pyosys", reason="no yosys: pip install 'tilewright[synth]'")
    out = tmp_path / "out"
    with locked(out):
        assert cli.main([*ASIC, "--liberty", str(LIBRARY), "--out", str(out)]) == 1
    assert "another synthesis is at work" in capsys.readouterr().err
    assert list(out.iterdir()) == []


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> AsicResult:
    """A flip-flop and a memory, mapped for real."""
    pytest.importorskip("pyosys", reason="no yosys: pip install 'tilewright[synth]'")
    folder = tmp_path_factory.mktemp("asic")
    source = folder / "top.v"
    source.write_text("module top(input clk, input d, output reg q);\n"
                      "  always @(posedge clk) q <= ~d;\nendmodule\n")  # fmt: skip
    found = synthesise_asic(source, "top", folder / "out", liberty=LIBRARY)
    return AsicResult(name="top", folder=str(folder), synthesis=found)


def changed(result: AsicResult, **changes: Any) -> AsicResult:
    from dataclasses import replace

    return replace(result, synthesis=replace(result.synthesis, **changes))


def memory(area: float | None) -> AsicMemory:
    return AsicMemory(
        path="bank_1.storage", instance="bank_1", module="top_bank", words=512, bits=128,
        read_ports=1, write_ports=1, has_contents=False, area=area,
    )  # fmt: skip


def test_a_memory_without_an_area_is_never_silent(result: AsicResult) -> None:
    table = changed(result, memories=(memory(None), memory(None), memory(100.0))).table()
    assert "bank_*.storage" in table
    (line,) = [line for line in table.splitlines() if line.endswith("area not given")]
    assert line.split()[:4] == ["bank_*.storage", "2", "512", "x"]
    assert "100.0 um2 given, area not given for 2 of 3" in table


@pytest.mark.parametrize("width", [80, 100, 160])
def test_no_line_is_too_wide_and_meaning_is_told(result: AsicResult, width: int) -> None:
    table = changed(result, memories=(memory(None),), notes=("evil \x1b[2J" + "x" * 300,)).table(
        width
    )
    assert max(map(columns, table.splitlines())) <= width
    assert "\x1b" not in table
    told = " ".join(table.split())
    assert ABC_MEANING in told


def test_too_slow_is_a_failure(result: AsicResult) -> None:
    assert result.ok
    steps = (GateStep(cell_type="INV", name="", arrival_seconds=11e-9),)
    path = GatePath(tool="ABC", meaning="", seconds=11e-9, start="a", end="b", steps=steps)
    slow = changed(result, paths=(path,))
    assert not slow.ok
    assert "1.00 ns missing at 100 MHz" in slow.table()
    assert slow.table().endswith("FAILED: too slow for this clock")
    later = GatePath(
        tool="OpenSTA", meaning="", seconds=9e-9, start="a", end="b", steps=steps,
        slack_seconds=1e-9,
    )  # fmt: skip
    assert changed(result, paths=(path, later)).ok  # the better judge


def test_numbers_as_json(result: AsicResult) -> None:
    data = json.loads(json.dumps(changed(result, memories=(memory(None), memory(7.5))).to_json()))
    assert (data["cell_area"], data["memory_area"], data["memories_without_area"]) == (22, 7.5, 1)
    assert data["synthesis"]["modules"][0]["cells"] == {"DFF": 1, "INV": 1}
