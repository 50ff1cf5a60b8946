"""The real tools, on a design of a few registers: placed, timed and packed."""

from pathlib import Path
from typing import Any

import pytest

from tilewright.build.synth import Synthesis, Target, synthesise
from tilewright.build.synth.constraints import PinOf, constraints_text
from tilewright.build.synth.tools import TOOLS, tool_command

BLINK = """
module count (input clk, output reg [23:0] n = 0);
  always @(posedge clk) n <= n + 1;
endmodule
module blink (input clk, output led);
  wire [23:0] n;
  count part (.clk(clk), .n(n));
  assign led = n[23];
endmodule
"""


def blink(tmp_path: Path, target: Target, pins: list[PinOf]) -> Synthesis:
    """`BLINK` as a bitstream."""
    source = tmp_path / "blink.v"
    source.write_text(BLINK)
    text = constraints_text(target.family, pins)
    return synthesise(source, "blink", target, tmp_path / "out", to="bitstream", constraints=text)


def check(result: Synthesis, folder: Path, head: bytes) -> None:
    """A bitstream, a clock that is met, and a path along the counter in its own names."""
    assert (folder / "out" / result.files["bitstream"]).read_bytes().startswith(head)
    assert result.total.ff == 24
    (clock,) = result.clocks
    assert clock.name in ("clk", "part.clk")  # one net, two names
    assert clock.is_met
    assert clock.slack_seconds > 0
    assert sum(step.seconds for step in clock.path) == pytest.approx(1 / clock.fmax_hz, rel=0.02)
    assert {step.instance for step in clock.path if step.kind == "setup"} == {"part"}
    assert (clock.path[0].instance, clock.path[0].kind) == ("part", "clock-to-out")
    assert clock.path[0].cell in ("n", "part.n")  # one net, two names
    assert result.limits[0].startswith(f"{clock.name}: ")
    assert all(use.used <= use.available for use in result.uses)


def test_ice40(tmp_path: Path) -> None:
    target = Target(family="ice40", device="iCE40HX8K", package="ct256", freq_hz=12e6,
                    out_of_context=False)  # fmt: skip
    pins = [PinOf(port="clk", pin="J3", clock_hz=12_000_000), PinOf(port="led", pin="B5")]
    check(blink(tmp_path, target, pins), tmp_path, b"\xff\x00")


@pytest.mark.slow
def test_ecp5(tmp_path: Path) -> None:
    target = Target(family="ecp5", device="LFE5U-12F", freq_hz=25e6, out_of_context=False)
    pins = [PinOf(port="clk", pin="G2", io_standard="LVCMOS33", clock_hz=25_000_000),
            PinOf(port="led", pin="B2", io_standard="LVCMOS33")]  # fmt: skip
    result = blink(tmp_path, target, pins)
    check(result, tmp_path, b"\xff\x00")
    # The carry chain is one cell for two bits, and keeps what it was.
    assert any(step.operation.endswith("-bit add") for step in result.clocks[0].path)


@pytest.mark.slow
def test_gowin(tmp_path: Path) -> None:
    target = Target(family="gowin", device="GW1N-9C", part="GW1NR-LV9QN88PC6/I5", freq_hz=27e6,
                    out_of_context=False)  # fmt: skip
    pins = [PinOf(port="clk", pin="52", io_standard="LVCMOS33"),
            PinOf(port="led", pin="10", io_standard="LVCMOS33")]  # fmt: skip
    check(blink(tmp_path, target, pins), tmp_path, b"1" * 100)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["ecp5", "gowin"])
def test_out_of_context(tmp_path: Path, family: Any) -> None:
    source = tmp_path / "blink.v"
    source.write_text(BLINK)
    result = synthesise(source, "blink", Target(family=family), tmp_path / "out", to="pnr")
    (clock,) = result.clocks
    assert clock.name == "clk"
    assert clock.fmax_hz > 50e6
    assert ("(harness)" in {row.path for row in result.modules}) == (family != "ecp5")


def test_every_tool_has_its_command() -> None:
    for name in TOOLS:
        assert tool_command(name, 5)[-2:] == ["5", name]
