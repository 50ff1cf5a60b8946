"""Every cell of a flat netlist has the instance that it came from."""

from pathlib import Path
from typing import Any

import pytest

from tilewright.build.synth import Target, synthesise
from tilewright.build.synth.scopes import Mark, Marked, mark_of, modules_of, owners

PATHS = ["", "left", "right", "left.deep"]
CLOCK = 2


def flip_flop(instance: int, d: int, q: int) -> dict[str, Any]:
    return {
        "type": "TRELLIS_FF",
        "attributes": {"src": Mark(instance=instance, line=3, operation="dff", width=1).text},
        "port_directions": {"CLK": "input", "DI": "input", "Q": "output"},
        "connections": {"CLK": [CLOCK], "DI": [d], "Q": [q]},
    }


def lut(inputs: list[int], output: int) -> dict[str, Any]:
    ports = "ABCD"[: len(inputs)]
    return {
        "type": "LUT4",
        "attributes": {"src": "cells_map.v:1.1-2.2"},
        "port_directions": dict.fromkeys(ports, "input") | {"Z": "output"},
        "connections": {port: [bit] for port, bit in zip(ports, inputs, strict=True)}
        | {"Z": [output]},
    }


def test_marks() -> None:
    mark = Mark(instance=17, line=60, operation="add", width=32)
    assert mark.text == "@17:60:add:32"
    assert mark_of(f"{mark.text}|/usr/share/cells_map.v:1.1-2.2") == mark
    assert mark_of(f"/usr/share/cells_map.v:1.1|{mark.text}") == mark
    assert mark_of("design.v:1.1-2.2") is None


def test_registers_keep_their_marks_whatever_their_names_say() -> None:
    cells = {"right.q": flip_flop(1, 10, 11), "$auto$7": flip_flop(3, 11, 12)}
    assert owners(cells, PATHS) == {"right.q": 1, "$auto$7": 3}


def test_logic_belongs_to_what_it_drives() -> None:
    cells = {
        "right.x_LUT4_Z": lut([20], 21),  # the name lies: it drives a register of `left` alone
        "$abc$1": lut([21], 22),
        "a": flip_flop(1, 22, 30),
        "b": flip_flop(2, 30, 31),
    }
    assert owners(cells, PATHS) == {"right.x_LUT4_Z": 1, "$abc$1": 1, "a": 1, "b": 2}


def test_logic_that_drives_several_belongs_to_what_drives_it() -> None:
    cells = {
        "source": flip_flop(3, 40, 20),
        "$abc$1": lut([20], 21),
        "$abc$2": lut([21], 22),
        "a": flip_flop(1, 22, 30),
        "b": flip_flop(2, 22, 31),
    }
    assert {owners(cells, PATHS)[name] for name in ("$abc$1", "$abc$2")} == {3}


def test_between_several_and_several_the_name_decides() -> None:
    cells = {
        "s": flip_flop(1, 40, 20),
        "t": flip_flop(2, 41, 21),
        "left.deep.x_LUT4_Z": lut([20, 21], 22),
        "$abc$9": lut([20, 21], 23),
        "a": flip_flop(1, 22, 30),
        "b": flip_flop(2, 22, 31),
        "c": flip_flop(1, 23, 32),
        "d": flip_flop(2, 23, 33),
    }
    found = owners(cells, PATHS)
    assert found["left.deep.x_LUT4_Z"] == 3
    assert found["$abc$9"] == -1


def test_an_order_that_visits_a_cell_twice() -> None:
    """A drives B and C, C drives B: B must be known before C is."""
    cells = {
        "a": lut([50], 20),
        "b": lut([20, 21], 22),
        "c": lut([20], 21),
        "end": flip_flop(2, 22, 30),
    }
    assert set(owners(cells, PATHS).values()) == {2}
    loop = {"a": lut([21], 20), "b": lut([20], 21)}
    assert len(owners(loop, PATHS)) == 2


def test_what_nothing_tells_has_a_row_of_its_own() -> None:
    cells = {"$abc$1": lut([50], 51), "q": flip_flop(1, 51, 52), "$x": lut([60], 61)}
    marked = Marked(paths=PATHS, modules=["top", "side", "side", "deep"])
    rows = {r["path"]: r["area"] for r in modules_of(cells, marked, "ecp5")["modules"]}
    assert rows["left"]["lut"] == 1
    assert rows["left"]["ff"] == 1
    assert rows["(not attributed)"]["lut"] == 1
    assert sum(area["lut"] for area in rows.values()) == 2


NESTED = """
module part (input clk, input [15:0] a, input [15:0] b, output reg [15:0] p, output reg [7:0] m,
             input [9:0] row, input write);
  reg [7:0] words [0:1023];
  always @(posedge clk) begin
    p <= a[7:0] * b[7:0];
    if (write) words[row] <= a[7:0];
    else m <= words[row];
  end
endmodule
module nest (input clk, input [15:0] a, input [15:0] b, output [15:0] p, output [15:0] q,
             output [7:0] m, n, input [9:0] row, input write, output reg [15:0] sum);
  part part_0 (.clk(clk), .a(a), .b(b), .p(p), .m(m), .row(row), .write(write));
  part part_1 (.clk(clk), .a(p), .b(q), .p(q), .m(n), .row(row), .write(write));
  always @(posedge clk) sum <= p + q;
endmodule
"""


@pytest.mark.parametrize(
    ("family", "blocks", "lut_of_sum"), [("ecp5", 1, 16), ("ice40", 2, None), ("gowin", 1, 16)]
)
def test_a_real_netlist(tmp_path: Path, family: Any, blocks: int, lut_of_sum: int | None) -> None:
    """Two instances of one module and a sum beside them, counted by hand."""
    source = tmp_path / "nest.v"
    source.write_text(NESTED)
    folder = tmp_path / "out"
    result = synthesise(source, "nest", Target(family=family), folder, packs_registers=False)
    rows = {row.path: row for row in result.modules}
    assert [row.module for row in result.modules] == ["nest", "part", "part"]
    for name in ("part_0", "part_1"):
        assert rows[name].area.ram_blocks == blocks
        assert rows[name].area.ram_bits_asked == 8192
        assert rows[name].area.ff >= 16
        assert result.within(name) == rows[name].area
    assert rows[""].area.ff == 16
    assert rows[""].area.ram_blocks == 0
    if lut_of_sum is not None:
        assert rows[""].area.carry == 16
        assert rows["part_0"].area.dsp == rows["part_1"].area.dsp == 1
    assert {memory.path for memory in result.memories} == {"part_0.words", "part_1.words"}
    assert all(memory.bits_asked == 8192 for memory in result.memories)
    assert result.total.ff == sum(row.area.ff for row in result.modules)
