"""Area of small modules whose primitives can be counted by hand."""

import importlib.util
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

PATH = Path(__file__).resolve().parents[2] / "benchmarks" / "parts" / "area.py"

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


@pytest.fixture(scope="module")
def area() -> Any:
    """The module `parts.area` of the benchmarks."""
    spec = importlib.util.spec_from_file_location("area", PATH)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["area"] = module  # its dataclass looks itself up there
    spec.loader.exec_module(module)
    yield module
    del sys.modules["area"]


def test_a_module_counted_by_hand(area: Any) -> None:
    expected = {"lut": 16, "ff": 8, "memory_lut": 8, "carry": 0, "muxf": 0, "dsp": 0, "bram": 0}
    assert asdict(area.area_of(SMALL, "small")) == expected


def test_ecp5_counts_its_own_primitives(area: Any) -> None:
    """A sum of 8 bits is four carry cells of two bits, which are two LUT4 each; one multiplier."""
    text = "module sum (input [7:0] a, b, output [7:0] s, output [15:0] p);"
    text += " assign s = a + b; assign p = a * b; endmodule"
    found = area.area_of(text, "sum", "ecp5")
    assert (found.lut, found.carry, found.dsp, found.ff) == (8, 8, 1, 0)


def test_what_is_not_known_is_not_left_out(area: Any) -> None:
    with pytest.raises(ValueError, match="cells of type FOO are not counted"):
        area.area_of_cells({"FOO": 1})
    with pytest.raises(ValueError, match="family: one of"):
        area.area_of(SMALL, "small", "none")
    with pytest.raises(ValueError, match="not a plain Verilog name"):
        area.area_of(SMALL, "small; shell ls")
