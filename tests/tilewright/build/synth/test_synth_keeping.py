"""Equal registers of one bit: one of them by default, all of them on request."""

from pathlib import Path
from typing import Any

import pytest

from tilewright.build.synth import Target, synthesise

pytest.importorskip("pyosys", reason="no pyosys: pip install tilewright[synth]")

TWINS = """
module part (input clk, input d, input [3:0] w, input e,
              output x, output y, output [3:0] u, output [3:0] v);
  reg q0, q1, unused;
  reg [3:0] w0, w1;
  always @(posedge clk) begin
    q0 <= d; q1 <= d; unused <= d;
    w0 <= w; w1 <= w;
  end
  assign x = q0, y = q1 & e, u = w0, v = w1 ^ {4{e}};
endmodule
module twins (input clk, input d, input [3:0] w, input e,
              output x, output y, output [3:0] u, output [3:0] v);
  part part (.clk(clk), .d(d), .w(w), .e(e), .x(x), .y(y), .u(u), .v(v));
endmodule
"""


@pytest.mark.parametrize("family", ["ecp5", "ice40", "gowin"])
def test_only_registers_of_one_bit_that_are_used_stay(tmp_path: Path, family: Any) -> None:
    source = tmp_path / "twins.v"
    source.write_text(TWINS)
    plain, kept = (
        synthesise(source, "twins", Target(family=family), tmp_path / name, keeps_registers=keeps)
        for name, keeps in (("plain", False), ("kept", True))
    )
    assert (plain.total.ff, kept.total.ff) == (5, 6)
    assert plain.total.lut == kept.total.lut
    assert {row.path for row in plain.modules} == {row.path for row in kept.modules} == {"", "part"}
