"""Tools that take no time: programs of three lines in the place of place and route."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tilewright.build.synth import Target, synthesise, tools

TINY = """
module tiny_part (input clk, input [7:0] a, input [7:0] b, output reg [15:0] p);
  always @(posedge clk) p <= a * b;
endmodule
module tiny (input clk, input [7:0] a, input [7:0] b, output [15:0] p, output reg [7:0] s);
  tiny_part part_0 (.clk(clk), .a(a), .b(b), .p(p));
  always @(posedge clk) s <= s + p[7:0];
endmodule
"""

REPORT = """
report = {"fmax": {"$glbnet$clk": {"achieved": 125.0, "constraint": 100.0}},
          "utilization": {"TRELLIS_COMB": {"used": 8, "available": 83640}},
          "critical_paths": []}
"""
WORKS = f"""
import json, pathlib, sys
{REPORT}
pathlib.Path("report.json").write_text(json.dumps(report))
for name in ("placed.config", "placed.asc"):
    pathlib.Path(name).write_text("placed by a fake\\n")
pathlib.Path("bitstream.bit").write_bytes(bytes.fromhex("ff005e000000ffffffff"))
with open(pathlib.Path(sys.argv[0]).with_suffix(".calls"), "a") as calls:
    calls.write("call\\n")
"""

FakeTool = Callable[..., Path]


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A file with a module `tiny` that has one instance."""
    path = tmp_path / "tiny.v"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="session")
def synthesised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of `tiny` to the netlist, for copies."""
    folder = tmp_path_factory.mktemp("synthesised")
    (folder / "tiny.v").write_text(TINY)
    synthesise(folder / "tiny.v", "tiny", Target(family="ecp5"), folder / "out")
    return folder / "out"


@pytest.fixture
def ready(tiny: Path, synthesised: Path) -> Path:
    """As `tiny`, with its netlist for ECP5 there already, in `out` beside it."""
    shutil.copytree(synthesised / "synth", tiny.parent / "out" / "synth")
    return tiny


@pytest.fixture
def fake_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeTool:
    """Call it with a program's text: every tool but yosys is this program from then on. Without
    one, it is a tool that works, and does `after` then. It returns the file that has a line for
    each call of that one.
    """
    path = tmp_path / "fake_tool.py"

    def command(name: str, memory_bytes: int) -> list[str]:
        return [sys.executable, str(path), str(memory_bytes), name]

    def install(text: str = WORKS, after: str = "") -> Path:
        path.write_text(text + after)
        monkeypatch.setattr(tools, "tool_command", command)
        return path.with_suffix(".calls")

    return install
