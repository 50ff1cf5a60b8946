"""Designs mapped to cells: areas by hand and by yosys' own sums, memories, stages, faults."""

import json
import re
import shutil
import sys
from pathlib import Path

import pytest
from tilewright.dataflow.serial import from_json

from tilewright.build.process import ProcessFailedError, run
from tilewright.build.synth import tools
from tilewright.build.synth.asic import synthesise_asic
from tilewright.build.synth.asic_result import AsicSynthesis
from tilewright.build.synth.liberty import read_library
from tilewright.build.synth.memory_areas import MemoryArea, MemoryAreas
from tilewright.errors import ToolError, UsageError
from tilewright.spec import SpecError

pytestmark = pytest.mark.usefixtures("yosys", "without_sta")

DESIGN = """\
module part(input clk, input d, output reg q);
  always @(posedge clk) q <= d;
endmodule
module top(input clk, input [1:0] a, output [1:0] q, input [5:0] at, input [79:0] w, input we,
           output reg [79:0] r);
  wire x = ~(a[0] & a[1]);
  part one(.clk(clk), .d(x), .q(q[0]));
  part two(.clk(clk), .d(a[1]), .q(q[1]));
  store kept(.clk(clk), .at(at), .w(w), .we(we), .r(r));
endmodule
module store(input clk, input [5:0] at, input [79:0] w, input we, output reg [79:0] r);
  reg [79:0] words [0:63];
  always @(posedge clk) begin
    if (we) words[at] <= w;
    r <= words[at];
  end
endmodule
"""


@pytest.fixture
def design(tmp_path: Path) -> Path:
    path = tmp_path / "design.v"
    path.write_text(DESIGN)
    return path


def test_areas_by_hand(design, little_file, tmp_path):
    """Two flip-flops of 20, a NAND2 of 4, a tie of 1 for the memory's enable; the memory of 5,120
    bits stays one, its area unknown.
    """
    result = synthesise_asic(design, "top", tmp_path / "out", liberty=little_file)
    assert result.cell_area == 45
    assert (result.num_flip_flops, result.sequential_area) == (2, 40)
    assert result.cells == {"DFF": 2, "NAND2": 1, "ONE": 1}
    areas = {row.path: row.area for row in result.modules}
    assert sum(areas.values()) == result.within("") == 45
    assert (areas["one"], areas["two"]) == (24, 20) and result.within("one") == 24
    (memory,) = result.memories
    assert (memory.path, memory.module) == ("kept.words", "store")
    assert (memory.words, memory.bits, memory.read_ports, memory.write_ports) == (64, 80, 1, 1)
    assert memory.area is None and result.without_area == (memory,)
    assert "1 memory of 5,120 bits: area not given" in result.notes
    netlist = (tmp_path / "out" / result.files["netlist"]).read_text()
    assert "memory_64x80_1r1w" in netlist


def test_the_result_goes_to_json_and_back(design, little_file, tmp_path):
    result = synthesise_asic(design, "top", tmp_path / "out", liberty=little_file)
    written = json.loads((tmp_path / "out" / "synth.json").read_text())
    assert from_json(AsicSynthesis, written) == result


def test_given_areas_are_counted_and_unused_ones_told(design, little_file, tmp_path):
    entries = (MemoryArea(words=64, bits=80, um2=1234.5), MemoryArea(words=64, bits=8, um2=9))
    result = synthesise_asic(
        design, "top", tmp_path / "out", liberty=little_file,
        memory_areas=MemoryAreas(entries=entries, source="a sheet"),
    )  # fmt: skip
    assert result.memory_area == 1234.5
    assert result.without_area == ()
    assert result.notes == (
        "memory areas: the design has no memory 64 x 8", "areas of memories: a sheet",
    )  # fmt: skip


def test_small_memories_become_registers_unless_their_area_is_given(design, little_file, tmp_path):
    small = design.with_name("small.v")
    small.write_text(DESIGN.replace("[0:63]", "[0:3]").replace("[79:0]", "[1:0]"))
    options = {"liberty": little_file}
    result = synthesise_asic(small, "top", tmp_path / "out", **options)
    assert result.memories == ()
    assert result.num_flip_flops == 2 + 4 * 2 + 2  # those of `part`, the words, what was read
    assert "smaller memories and tables of 8 bits are gates and registers" in result.notes
    areas = MemoryAreas(entries=(MemoryArea(module="store", um2=77),))
    result = synthesise_asic(small, "top", tmp_path / "out", memory_areas=areas, **options)
    assert result.memory_area == 77
    assert result.num_flip_flops == 2


CONTENTS = """\
module top(input clk, input we, input [1:0] at, input [1:0] w, output reg [1:0] r, output t);
  reg [1:0] ram [0:3];
  reg rom [0:3];
  initial begin ram[0] = 3; ram[1] = 0; ram[2] = 2; ram[3] = 1; end
  initial begin rom[0] = 1; rom[1] = 0; rom[2] = 0; rom[3] = 1; end
  always @(posedge clk) begin
    if (we) ram[at] <= w;
    r <= ram[at];
  end
  assign t = rom[at];
endmodule
"""


def test_contents_of_memories(little_file, tmp_path):
    """A table becomes gates; what a written memory held at power-on is lost, and that is told."""
    source = tmp_path / "contents.v"
    source.write_text(CONTENTS)
    result = synthesise_asic(source, "top", tmp_path / "out", liberty=little_file)
    assert result.num_flip_flops == 4 * 2 + 2
    assert "1 memory with initial contents, which no chip has at power-on" in result.notes
    assert "smaller memories and tables of 12 bits are gates and registers" in result.notes
    netlist = (tmp_path / "out" / "synth" / "netlist.v").read_text()
    assert "memory_" not in netlist and "initial" not in netlist


def test_what_reset_and_enable_cost(little_file, tmp_path):
    """The library's flip-flop has neither: a reset is a gate of 4 or 6, an enable a multiplexer."""
    source = tmp_path / "r.v"
    areas = {}
    for name, body in {
        "plain": "q <= d;", "reset": "if (r) q <= 0; else q <= d;",
        "enable": "if (e) q <= d;", "both": "if (r) q <= 0; else if (e) q <= d;",
    }.items():  # fmt: skip
        head = "module top(input clk, input r, input e, input d, output reg q = 0);"
        source.write_text(f"{head}\n  always @(posedge clk) {body}\nendmodule\n")
        result = synthesise_asic(source, "top", tmp_path / name, liberty=little_file)
        assert result.num_flip_flops == 1
        areas[name] = result.cell_area
    assert areas["plain"] == 20
    assert 24 <= areas["reset"] <= 26
    assert 32 <= areas["enable"] <= 36
    assert 36 <= areas["both"] <= 42


def test_stages_are_resumed_and_made_again_when_something_changed(design, little_file, tmp_path):
    def resumed(**options):
        told: list[str] = []
        result = synthesise_asic(
            design, "top", tmp_path / "out", liberty=little_file, progress=told.append, **options
        )
        assert any("there already" in line for line in told) == result.stages[0].was_resumed
        return result.stages[0].was_resumed

    assert not resumed()
    assert resumed()
    areas = MemoryAreas(entries=(MemoryArea(words=64, bits=80, um2=1),))
    assert not resumed(memory_areas=areas)
    more = MemoryAreas(entries=(MemoryArea(words=64, bits=80, um2=2),))
    assert resumed(memory_areas=more)  # the number changes no gate
    assert not resumed(freq_hz=50e6)
    little_file.write_text(little_file.read_text().replace("area : 20;", "area : 21;"))
    assert not resumed(freq_hz=50e6)
    stage = tmp_path / "out" / "synth" / "netlist.v"
    stage.write_text(stage.read_text() + "// changed\n")
    assert not resumed(freq_hz=50e6)


def test_faults(design, little_file, tmp_path, monkeypatch):
    def make(name="top", liberty=little_file, **options):
        return synthesise_asic(design, name, tmp_path / "out", liberty=liberty, **options)

    with pytest.raises(ValueError, match="not a plain Verilog name"):
        make("top; exec touch canary")
    with pytest.raises(UsageError, match="from 1 kHz to 1 THz"):
        make(freq_hz=0)
    with pytest.raises(SpecError, match="cannot be read"):
        make(liberty=tmp_path / "absent.lib")
    assert not (tmp_path / "out").exists()
    with pytest.raises(ProcessFailedError):
        make("nobody")
    assert not (tmp_path / "out" / "synth").exists()
    assert not (tmp_path / "out" / "synth.json").exists()
    assert (tmp_path / "out" / "logs" / "synth.log").read_text()
    monkeypatch.setattr(tools, "_is_installed", lambda tool: False)
    with pytest.raises(ToolError, match=r"tilewright\[synth\]"):
        make()


def test_a_clock_that_nobody_judged_is_told(design, little, tmp_path, without_sta):
    """Without a buffer ABC times nothing; the library is parsed once."""
    path = tmp_path / "no_buffer.lib"
    path.write_text(little.replace("cell (BUF) {", "cell (BUF) {\n    dont_use : true;"))
    library = read_library(path)
    path.unlink()
    result = synthesise_asic(design, "top", tmp_path / "out", liberty=library)
    assert result.paths == ()
    assert "ABC timed none, so the clock was not judged" in result.notes[0]


STA = """\
#!{python}
import sys
script = open(sys.argv[-1]).read()
assert sys.argv[1:4] == ["-no_init", "-no_splash", "-exit"]
assert "source design.sdc" in script and open("design.sdc").read().startswith("create_clock")
open("sta.rpt", "w").write('''{report}''')
"""
REPORT = """\
Startpoint: one.q_DFF_Q (rising edge-triggered flip-flop clocked by clock)
Endpoint: q[0] (output port clocked by clock)
 0.2  0.2 ^ one.q_DFF_Q/Q (DFF)
      0.2   data arrival time
      9.8   slack (MET)
"""


@pytest.mark.parametrize("report", [REPORT, ""])
def test_opensta_is_asked_where_it_is_installed(design, little_file, tmp_path, monkeypatch, report):
    """A program that stands for it: it finds its files, and its report is read."""
    program = tmp_path / "sta"
    program.write_text(STA.format(python=sys.executable, report=report))
    program.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name, *a, **k: str(program))
    result = synthesise_asic(design, "top", tmp_path / "out", liberty=little_file)
    assert [stage.name for stage in result.stages] == ["synth", "sta"]
    assert [path.tool for path in result.paths] == ["ABC", "OpenSTA"][: 2 if report else 1]
    if report:
        assert result.slack_seconds == pytest.approx(9.8e-9)
        assert result.paths[1].start == "one.q" or result.paths[1].start == "q[0]"


def test_the_sum_is_that_of_yosys(design, sg13g2, tmp_path):
    """`stat -liberty` counts the same netlist, with a reader of the library of its own."""
    result = synthesise_asic(design, "top", tmp_path / "out", liberty=sg13g2, freq_hz=200e6)
    script = (
        "from pyosys import libyosys as y; d = y.Design()\n"
        "for p in ('read_liberty -lib -ignore_miss_func cells.lib', 'read_verilog netlist.v',\n"
        "          'hierarchy -top top', 'stat -liberty cells.lib'): y.run_pass(p, d)\n"
    )
    folder = tmp_path / "out" / "synth"
    told = run([sys.executable, "-c", script], cwd=folder).tail
    (area,) = re.findall(r"Chip area for module '\\top': ([0-9.]+)", told)
    assert float(area) == pytest.approx(result.cell_area)
    assert result.cell_area > 2 * 47
