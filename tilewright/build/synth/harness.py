"""What surrounds a design out of context where place and route wants pins: registers on a chain.

nextpnr-ecp5 can leave ports open; the other families give every port a pin, and no package has
hundreds. So a module around the design drives each input bit from a register of one long shift
chain and takes each output bit into another. Paths from and to ports are then paths between
registers, which count; the chain has a row of its own among the areas.
"""

from collections.abc import Sequence
from typing import Final

from tilewright.build.synth.constraints import PinOf
from tilewright.build.synth.passes import identifier
from tilewright.errors import UsageError

__all__ = ["CLOCK", "CLOCKS", "INSTANCE", "clock_of", "harness_name", "harness_pins",
           "harness_verilog"]  # fmt: skip

INSTANCE: Final = "inner"
MOST_OF_TOP: Final = 100
CLOCKS: Final = ("aclk", "clk")
"""Names of ports that are clocks; the first one found drives the chain."""

CLOCK: Final = "clk"
"""The harness's own."""
PORTS: Final = (CLOCK, "load", "d", "q")
_GOWIN_PINS: Final = {
    "GW2AR-LV18QN88C8/I7": ("4", "69", "70", "15"),
    "GW1NR-LV9QN88PC6/I5": ("52", "17", "18", "11"),
}
"""Pins of Gowin's parts, whose place and route wants one for each port: those of boards."""


def harness_pins(part: str) -> tuple[PinOf, ...]:
    """Pins for the harness on a Gowin part."""
    if part not in _GOWIN_PINS:
        known = ", ".join(_GOWIN_PINS)
        raise UsageError(f"{part}: no pins are known to place a design out of context", help=known)
    return tuple(
        PinOf(port=port, pin=pin, io_standard="LVCMOS33")
        for port, pin in zip(PORTS, _GOWIN_PINS[part], strict=True)
    )


def clock_of(ports: Sequence[tuple[str, str, int]]) -> str | None:
    """The clock among the ports of a design; None: it has none."""
    return next((name for name, _, _ in ports if name in CLOCKS), None)


def harness_name(top: str, verilog: bytes) -> str:
    """The name of the module around `top`: one that occurs nowhere in the design's text."""
    name = f"{top[:MOST_OF_TOP]}_harness"
    while name.encode() in verilog:
        name += "_"
    return identifier(name)


def harness_verilog(name: str, module: str, ports: Sequence[tuple[str, str, int]]) -> str:
    """The module `name` around `module`, whose `ports` are (name, `input` or `output`, bits)."""
    clock = clock_of(ports)
    inputs = [(name, bits) for name, kind, bits in ports if kind == "input" and name != clock]
    outputs = [(name, bits) for name, kind, bits in ports if kind == "output"]
    connections = [f"    .{identifier(clock)}(clk)"] if clock else []
    connections += _slices("harness_drive", inputs) + _slices("harness_seen", outputs)
    num_in, num_out = (max(1, sum(bits for _, bits in group)) for group in (inputs, outputs))
    drive = f"{_but_last('harness_drive', num_in)}d"
    take = f"{_but_last('harness_taken', num_out)}harness_drive[{num_in - 1}]"
    lines = [
        f"module {identifier(name)} (input clk, input load, input d, output q);",
        f"  reg [{num_in - 1}:0] harness_drive;",
        f"  wire [{num_out - 1}:0] harness_seen;",
        f"  reg [{num_out - 1}:0] harness_taken;",
        "  always @(posedge clk) begin",
        f"    harness_drive <= {{{drive}}};",
        f"    harness_taken <= load ? harness_seen : {{{take}}};",
        "  end",
        f"  assign q = harness_taken[{num_out - 1}];",
        f"  {identifier(module)} {INSTANCE} (",
        ",\n".join(connections),
        "  );",
        "endmodule",
    ]
    return "\n".join(lines) + "\n"


def _slices(bus: str, ports: Sequence[tuple[str, int]]) -> list[str]:
    """Connections of ports to consecutive bits of a bus."""
    lines, start = [], 0
    for name, bits in ports:
        lines.append(f"    .{identifier(name)}({bus}[{start + bits - 1}:{start}])")
        start += bits
    return lines


def _but_last(bus: str, bits: int) -> str:
    """All bits of a bus but the highest, with a comma; nothing where there is only one."""
    return f"{bus}[{bits - 2}:0], " if bits > 1 else ""
