"""Registers that never change are constants, and what changes stays."""

from pathlib import Path
from typing import Any

import pytest

from tilewright.build.synth import Target, synthesise
from tilewright.build.synth.constants import constant_passes

HELD = """
module held (input clk, input holds, input [3:0] a, output reg [7:0] q = 0);
  reg [7:0] kept = 0;
  always @(posedge clk) begin
    kept <= holds ? kept : {4'b0000, a};
    q <= kept;
  end
endmodule
"""
SMALL: list[dict[str, Any]] = [{"family": "ice40"}, {"family": "gowin", "device": "GW1N-9C"}]


@pytest.mark.parametrize("target", SMALL, ids=str)
def test_a_register_that_only_its_enable_could_change(tmp_path: Path, target: Any) -> None:
    source = tmp_path / "held.v"
    source.write_text(HELD)
    result = synthesise(source, "held", Target(**target), tmp_path / "out")
    assert result.total.ff == 8


def test_large_devices_are_left_as_they_are() -> None:
    assert all(constant_passes(Target(**target)) for target in SMALL)
    for family in ("ecp5", "gowin", "xc7", "xcup"):
        assert not constant_passes(Target(family=family))  # type: ignore[arg-type]
