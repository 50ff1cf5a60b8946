"""Several seeds of place and route: the best is taken, all are told, each resumes by itself."""

import json
from pathlib import Path
from typing import Any

import pytest

from tilewright.build.process import ProcessFailedError
from tilewright.build.synth import Synthesis, Target, synthesise
from tilewright.errors import UsageError

SLOW, FAST = 5, 7
"""Seeds; all others give the same clock, and one finds no way."""
CLOCKS = f"""
seed = int(sys.argv[sys.argv.index("--seed") + 1]) if "--seed" in sys.argv else {FAST}
report["fmax"]["$glbnet$clk"]["achieved"] = {{{SLOW}: 90.0, {FAST}: 130.0}}.get(seed, 125.0)
report["fmax"]["easy"] = {{"achieved": 300.0 + 100 * (seed == {SLOW}), "constraint": 100.0}}
pathlib.Path("report.json").write_text(json.dumps(report))
pathlib.Path("bitstream.bit").write_bytes(b"%d" % seed + bytes.fromhex("5e000000ffffffff"))
"""
BOARD = Target(family="ecp5", device="LFE5U-12F", out_of_context=False)


def run(tiny: Path, **changes: Any) -> Synthesis:
    arguments: dict[str, Any] = {"target": Target(family="ecp5"), "to": "pnr", "seed": SLOW}
    return synthesise(tiny, "tiny", folder=tiny.parent / "out", **(arguments | changes))


def stages(result: Synthesis) -> dict[str, bool]:
    return {stage.name: stage.was_resumed for stage in result.stages}


def there(tiny: Path) -> set[str]:
    return {path.parent.name for path in (tiny.parent / "out").glob("[!.]*/manifest.json")}


def test_the_best_seed_by_its_worst_clock(ready: Path, fake_tool) -> None:
    calls = fake_tool(after=CLOCKS)
    told: list[str] = []
    result = run(ready, seeds=3, progress=told.append)
    assert (result.seed, result.fmax_hz) == (FAST, 130e6)
    assert [(seed.seed, seed.fmax_hz) for seed in result.seeds] == [
        (SLOW, 90e6), (6, 125e6), (FAST, 130e6)
    ]  # fmt: skip
    assert result.seeds[0].slack_seconds == pytest.approx(-1.111e-9, rel=1e-3)
    assert "place and route (nextpnr-ecp5, seed 6)" in told
    assert "seed 6 125.0 MHz (+2.00 ns)" in told
    assert stages(result) == {"synth": True, "pnr_5": False, "pnr_6": False, "pnr_7": False}
    assert result.is_placed
    assert (ready.parent / "out" / "logs" / "pnr_6.log").is_file()
    # Two more: what is there is not done again. Fewer: the others step aside.
    assert stages(run(ready, seeds=5)) == {
        "synth": True, "pnr_5": True, "pnr_6": True, "pnr_7": True, "pnr_8": False, "pnr_9": False
    }  # fmt: skip
    assert run(ready, seeds=2).seed == 6
    assert there(ready) == {"synth", "pnr_5", "pnr_6"}
    assert calls.read_text() == "call\n" * 5
    assert run(ready).seeds == ()
    assert there(ready) == {"synth", "pnr"}


def test_a_seed_that_finds_no_way_does_not_stop_the_others(ready: Path, fake_tool) -> None:
    fake_tool(after=f"{CLOCKS}\nif seed == {FAST}: sys.exit('ERROR: no way')")
    told: list[str] = []
    result = run(ready, seeds=3, progress=told.append)
    assert (result.seed, result.seeds[2].slack_seconds) == (6, None)
    assert f"seed {FAST} without result" in told
    assert any("no way" in line for line in told)
    fake_tool(after=CLOCKS)
    again = run(ready, seeds=3)
    assert stages(again) == {"synth": True, "pnr_5": True, "pnr_6": True, "pnr_7": False}
    fake_tool("raise SystemExit(7)")
    with pytest.raises(ProcessFailedError):
        run(ready, seeds=2, seed=20)
    with pytest.raises(UsageError, match="seeds: at least one"):
        run(ready, seeds=0)


def test_the_bitstream_is_that_of_the_best(tiny: Path, fake_tool) -> None:
    fake_tool(after=CLOCKS)
    result = run(tiny, target=BOARD, to="bitstream", seeds=3)
    assert result.files["placed"] == f"pnr_{FAST}/placed.config"
    stored = json.loads((tiny.parent / "out" / "synth.json").read_text())
    assert (stored["seed"], len(stored["seeds"])) == (FAST, 3)


def test_a_placer_is_for_ecp5(ready: Path, fake_tool) -> None:
    fake_tool()
    with pytest.raises(UsageError, match="placer: ECP5 only, not ice40: static"):
        run(ready, target=Target(family="ice40"), placer="static")


def test_a_design_that_is_called_as_a_harness_would_be(tmp_path: Path, fake_tool) -> None:
    fake_tool()
    path = tmp_path / "top.v"
    path.write_text(
        "module top_harness (input clk, output reg q); always @(posedge clk) q <= !q; endmodule\n"
        "module top (input clk, output q); top_harness inside (.clk(clk), .q(q)); endmodule\n"
    )
    result = synthesise(path, "top", Target(family="ice40"), tmp_path / "out", to="pnr")
    assert {row.path for row in result.modules} == {"", "inside", "(harness)"}
