"""Registers that never change are constants, and what changes stays."""

from pathlib import Path

import pytest

from tilewright.build.synth import Target, synthesise
from tilewright.build.synth.constants import constant_passes
from tilewright.build.synth.target import FAMILIES, Family

HELD = """
module held (input clk, input holds, input [3:0] a, output reg [7:0] q = 0);
  reg [7:0] kept = 0;
  always @(posedge clk) begin
    kept <= holds ? kept : {4'b0000, a};
    q <= kept;
  end
endmodule
"""


@pytest.mark.parametrize("family", ["ice40", "gowin"])
def test_a_register_that_only_its_enable_could_change(tmp_path: Path, family: Family) -> None:
    source = tmp_path / "held.v"
    source.write_text(HELD)
    result = synthesise(source, "held", Target(family=family), tmp_path / "out")
    assert result.total.ff == 8


def test_the_families_of_large_devices_are_left_as_they_are() -> None:
    assert [family for family in FAMILIES if constant_passes(family)] == ["ice40", "gowin"]
