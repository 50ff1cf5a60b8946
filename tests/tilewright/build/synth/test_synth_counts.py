"""Primitives are counted by rules that a hand can repeat; what is unknown is an error."""

from pathlib import Path

import pytest

from tilewright.build.synth import Area, Target, synthesise
from tilewright.build.synth.counts import area_of_cells

# 8 exclusive ors of 6 bits: a LUT and a register each. A memory of 32 words of 14 bits with a port
# to write and one to read: one RAM32M16, which fills the 8 LUTs of a slice.
SMALL = """
module small (input clk, input [47:0] x, output reg [7:0] q, input [4:0] put, get, input enable,
              input [13:0] word, output [13:0] found);
  reg [13:0] words [0:31];
  integer n;
  always @(posedge clk) begin
    for (n = 0; n < 8; n = n + 1) q[n] <= ^x[6*n +: 6];
    if (enable) words[put] <= word;
  end
  assign found = words[get];
endmodule
"""


@pytest.mark.parametrize(
    ("family", "cells", "expected"),
    [
        ("ecp5", {"LUT4": 3, "CCU2C": 2, "TRELLIS_FF": 5}, Area(lut=7, ff=5, carry=4)),
        ("ecp5", {"TRELLIS_DPR16X4": 2, "PFUMX": 1}, Area(lut=12, lut_ram=12, muxf=1)),
        ("ecp5", {"DP16KD": 2}, Area(ram_blocks=2, ram_bits_used=36864)),
        ("xc7", {"RAMB36E1": 1, "RAMB18E1": 1}, Area(ram_blocks=3, ram_bits_used=55296)),
        ("xcup", {"URAM288": 1, "DSP48E2": 3}, Area(large_ram_blocks=1, ram_bits_used=294912,
                                                    dsp=3)),
        ("ice40", {"SB_LUT4": 2, "SB_CARRY": 3, "SB_DFFESR": 1}, Area(lut=2, carry=3, ff=1)),
        ("ice40", {"SB_SPRAM256KA": 1, "SB_RAM40_4K": 1, "SB_MAC16": 1},
         Area(large_ram_blocks=1, ram_blocks=1, dsp=1, ram_bits_used=266240)),
        ("gowin", {"ALU": 4, "LUT1": 1, "MUX2_LUT5": 2, "DFFSE": 3, "pROM": 1},
         Area(lut=5, carry=4, muxf=2, ff=3, ram_blocks=1, ram_bits_used=18432)),
        ("ecp5", {"$scopeinfo": 9, "TRELLIS_IO": 1, "GND": 1}, Area()),
    ],
)  # fmt: skip
def test_cells_by_hand(family: str, cells: dict[str, int], expected: Area) -> None:
    assert area_of_cells(cells, family) == expected


def test_what_is_not_known_is_not_left_out() -> None:
    with pytest.raises(ValueError, match="cells of type FOO are not counted"):
        area_of_cells({"FOO": 1})


def test_areas_add_up() -> None:
    assert Area(lut=1, dsp=2) + Area(lut=3, ff=1) == Area(lut=4, dsp=2, ff=1)


def test_a_module_counted_by_hand(tmp_path: Path) -> None:
    source = tmp_path / "small.v"
    source.write_text(SMALL)
    result = synthesise(source, "small", Target(family="xcup"), tmp_path / "out")
    assert result.total == Area(lut=16, ff=8, lut_ram=8)
    (memory,) = result.memories
    assert (memory.path, memory.width_bits, memory.words) == ("words", 14, 32)
    assert memory.primitives == {"RAM32M16": 1}


def test_ecp5_counts_its_own_primitives(tmp_path: Path) -> None:
    """A sum of 8 bits is four carry cells of two bits, which are two LUT4 each; one multiplier."""
    text = "module sum (input [7:0] a, b, output [7:0] s, output [15:0] p);"
    text += " assign s = a + b; assign p = a * b; endmodule"
    source = tmp_path / "sum.v"
    source.write_text(text)
    result = synthesise(source, "sum", Target(family="ecp5"), tmp_path / "out")
    assert result.total == Area(lut=8, carry=8, dsp=1)
