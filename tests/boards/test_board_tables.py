"""The tables of boards: complete, without contradictions, and the same as amaranth-boards'."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
from tilewright.boards import (
    Board,
    board_names,
    device_names,
    load_board,
    load_board_file,
    load_device,
)
from tilewright.boards.load import FOLDER
from tilewright.boards.table import BoardTable

from tilewright.spec import SpecError
from tilewright.spec.table import load_table

OPEN = ("colorlight-i5", "ice40-hx8k", "icebreaker", "orangecrab-85f", "tang-nano-20k",
        "tang-nano-9k", "ulx3s-12f", "ulx3s-85f")  # fmt: skip
LIMITS = ("alveo-u280", "arty-a7-100", "vpk180", "zcu104", "zedboard", "zybo-z7-20")
BOARDS = [load_board(name) for name in board_names()]


def test_all_boards_are_there() -> None:
    flows = {board.name: board.flow for board in BOARDS}
    assert flows == dict.fromkeys(OPEN, "open") | dict.fromkeys(LIMITS, "vivado")


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_a_table_is_named_as_its_board_and_names_its_sources(board: Board) -> None:
    assert load_board_file(FOLDER / f"{board.name}.yaml") == board
    assert board.source
    assert board.device.source
    assert all(memory.source for memory in board.memories)
    assert "block_ram" in {memory.kind for memory in board.memories}


@pytest.mark.parametrize("name", OPEN)
def test_boards_with_an_open_flow_have_what_a_board_top_needs(name: str) -> None:
    board = load_board(name)
    assert board.clock.pin
    assert board.uart is not None
    assert board.leds
    assert board.memories[0].kind == "block_ram", "the board top's memory is the chip's own"
    assert 10**7 <= board.clock.frequency_hz <= 10**8


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_part_and_device_agree(board: Board) -> None:
    """The part's number begins as the device's does; for Gowin it is the die with its memory."""
    part, device = board.part.upper(), board.device.name.upper()
    if board.device.family == "gowin":
        series, _, size = device.partition("-")
        assert part.startswith(series)
        assert size.rstrip("C") in part
    else:
        assert part.startswith(device)
    named = board.package.upper()
    assert (named in part) or board.device.family in ("ecp5", "gowin")


# What the data sheets say in kilobits of block RAM, beside what the tables' blocks come to.
DATA_SHEET_KBITS = {
    "LFE5U-12F": 576, "LFE5U-25F": 1008, "LFE5U-45F": 1944, "LFE5U-85F": 3744, "iCE40UP5K": 120,
    "iCE40UP3K": 80, "iCE40HX8K": 128, "iCE40HX1K": 64, "GW1N-9C": 468, "GW2A-18C": 828,
    "XC7A35T": 1800, "XC7A100T": 4860, "XC7Z010": 2160, "XC7Z020": 5040, "XCZU7EV": 11232,
    "XCU280": 72576, "XCVP1802": 177876,
}  # fmt: skip


@pytest.mark.parametrize("name", device_names())
def test_blocks_come_to_the_kilobits_of_the_data_sheet(name: str) -> None:
    device = load_device(name)
    assert device.ram_bytes * 8 == 1024 * DATA_SHEET_KBITS[name]
    assert bool(device.large_ram_blocks) == bool(device.large_ram_block_bits)
    assert device.lut_inputs == (4 if device.family in ("ecp5", "ice40", "gowin") else 6)


PLATFORMS = {
    "ulx3s-85f": ("ulx3s", "ULX3S_85F_Platform"),
    "ulx3s-12f": ("ulx3s", "ULX3S_12F_Platform"),
    "orangecrab-85f": ("orangecrab_r0_2", "OrangeCrabR0_2_85FPlatform"),
    "icebreaker": ("icebreaker", "ICEBreakerPlatform"),
    "ice40-hx8k": ("ice40_hx8k_b_evn", "ICE40HX8KBEVNPlatform"),
    "tang-nano-9k": ("tang_nano_9k", "TangNano9kPlatform"),
    "arty-a7-100": ("arty_a7", "ArtyA7_100Platform"),
}
PACKAGES = {"BG381": "CABGA381", "MG285": "CSFBGA285", "SG48": "sg48", "CT256": "ct256"}


@pytest.fixture(params=list(PLATFORMS))
def pair(request: pytest.FixtureRequest) -> tuple[Board, Any]:
    """One of our boards with its class in amaranth-boards."""
    pytest.importorskip("amaranth_boards", reason="amaranth-boards is not installed")
    module, name = PLATFORMS[request.param]
    return load_board(request.param), getattr(
        importlib.import_module(f"amaranth_boards.{module}"), name
    )


def resource(platform: Any, name: str, number: int = 0) -> Any:
    found = [r for r in platform.resources if (r.name, r.number) == (name, number)]
    assert len(found) == 1, (name, number)
    return found[0]


def test_the_clock_is_amaranths(pair: tuple[Board, Any]) -> None:
    board, platform = pair
    clock = resource(platform, platform.default_clk)
    assert clock.ios[0].names == [board.clock.pin]
    assert clock.clock.frequency == board.clock.frequency_hz


def test_the_device_is_amaranths(pair: tuple[Board, Any]) -> None:
    board, platform = pair
    if board.device.family == "gowin":
        assert platform.part == board.part
    else:
        die = platform.device.upper().removesuffix("I")  # Arty's temperature grade
        assert die == board.device.name.upper()
        assert PACKAGES.get(platform.package, platform.package) == board.package
    if board.device.family == "ecp5":
        assert platform.speed == board.speed


def test_the_uart_is_amaranths(pair: tuple[Board, Any]) -> None:
    board, platform = pair
    assert board.uart is not None
    if board.name == "orangecrab-85f":  # its header, in the order of boards in Feather form
        pins = dict(platform.connectors[0])
        assert (pins["io_0:0"], pins["io_0:1"]) == (board.uart.rx, board.uart.tx)
        return
    lines = {io.name: io.ios[0] for io in resource(platform, "uart").ios}
    assert lines["rx"].names == [board.uart.rx]
    assert lines["tx"].names == [board.uart.tx]
    assert (lines["rx"].dir, lines["tx"].dir) == ("i", "o")


def test_the_leds_are_amaranths(pair: tuple[Board, Any]) -> None:
    board, platform = pair
    if board.name == "orangecrab-85f":
        colours = {io.name: io.ios[0] for io in resource(platform, "rgb_led").ios}
        pins = [colours[name] for name in "rgb"]
    else:
        found = sorted((r.number, r.ios[0]) for r in platform.resources if r.name == "led")
        pins = [pin for _, pin in found]
    if board.name == "tang-nano-9k":
        pins = pins[1:]  # pin 10 is DONE
    assert [(pin.names, pin.invert) for pin in pins] == [
        ([led.name], led.is_inverted) for led in board.leds
    ]


def test_the_reset_is_one_of_amaranths_buttons(pair: tuple[Board, Any]) -> None:
    board, platform = pair
    names = ("button", "button_pwr", "rst")
    buttons = {
        pin: r.ios[0].invert
        for r in platform.resources if r.name in names
        for pin in r.ios[0].names
    }  # fmt: skip
    if board.reset is None:
        assert not buttons
    else:
        assert buttons[board.reset.name] == board.reset.is_inverted


GOOD = (FOLDER / "ulx3s-85f.yaml").read_text(encoding="utf-8")


def broken(tmp_path: Path, *changes: tuple[str, str]) -> SpecError:
    text = GOOD
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError) as error:
        load_board_file(path)
    return error.value


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("device: LFE5U-85F", "device: LFE5U-85", "device: must be a name of the device tables"),
        ("device: LFE5U-85F", "device: XC7A100T", "flow: no open flow for family xc7, got open"),
        ("rx: M1", "rx: G2", "uart.rx: must be a pin of its own, G2 is clock.pin too"),
        ("[B2, C2,", "[B2, L4,", r"leds.pins\[1\]: must be a pin of its own, L4 is uart.tx too"),
        ("[B2, C2,", "[B2, 'C2;',", r"leds.pins\[1\]: must be the name of a pin, got 'C2;'"),
        ("[B2, C2, C1, D2, D1, E2, E1, H3]", "B2", "leds.pins: must be a list"),
        ("flow: open", "flow: opne", "flow: must be open or vivado, got opne"),
        ('speed: "6"', "speed: 6", "speed: must be a speed grade, got 6"),
        ("frequency: 25MHz", "frequency: 25", "frequency: must be a frequency with a unit"),
        ("part: LFE5U-85F-6BG381C", 'part: "x [exec y]"', "part: must be a part number"),
        ("max_baud: 3000000", "max_baud: 300", "max_baud: must be a whole number from 9600"),
        ("is_inverted: true", "is_inverted: low", "is_inverted: must be true or false"),
        ("kind: sdram", "kind: sram", "kind: must be block_ram, large_ram"),
        ("kind: sdram", "kind: large_ram", "capacity: is the device's affair with kind large_ram"),
        ("kind: sdram", "kind: block_ram", "latency_ns: is the device's affair"),
        ("{kind: block_ram}", "{kind: large_ram}", "kind: LFE5U-85F has no large RAM"),
        ("    width_bits: 16\n", "", "memories.sdram.width_bits: is missing with kind sdram"),
        ("pin: G2, ", "", "clock.pin: stands with io_standard, or neither does"),
        ("title: Radiona", "titel: Radiona", "titel: unknown key"),
        ("tilewright_board: 1", "tilewright_board: 2", "tilewright_board: must be a whole number"),
        ("uart: {rx: M1", "uart: {rx: M1, rxx: M1", "uart.rxx: unknown key"),
    ],
)
def test_a_wrong_table_is_an_error_at_its_place(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    error = broken(tmp_path, (old, new))
    assert any(d.line is not None and d.source_line for d in error.diagnostics)
    with pytest.raises(SpecError, match=message):
        raise error


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    error = broken(tmp_path, ("rx: M1", "rx: m1"), ("name: ulx3s-85f", "name: ULX3S"),
                   ("capacity: 32MiB", "capacity: 32MB"), ("flow: open", "flow: shut"))  # fmt: skip
    assert [d.path for d in error.diagnostics] == [
        "name", "flow", "uart.rx", "memories.sdram.capacity",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "- a\n", "a", "{}\n", "tilewright_board: 1\n"])
def test_what_is_no_table_is_an_error(text: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(SpecError, match="error"):
        load_board_file(path)


def test_a_wrong_name_has_a_suggestion() -> None:
    with pytest.raises(SpecError, match="did you mean `ulx3s-85f`"):
        load_board("ulx3s")
    with pytest.raises(SpecError, match="did you mean `XC7Z020`"):
        load_device("XC7Z02")
    with pytest.raises(SpecError, match="must be the name of a board"):
        load_board("../ulx3s-85f")


def test_every_key_of_a_table_is_described() -> None:
    table = load_table(FOLDER / "ulx3s-85f.yaml", BoardTable)
    for section in (table, table.clock, table.uart, table.reset, table.leds):
        for name, field in type(section).model_fields.items():
            assert field.description, name


def test_numbers_of_memories_at_a_clock() -> None:
    """Arty's DDR3: 16 bits x 667 MT/s are 1334 MB/s, 13.3 bytes in a cycle of 100 MHz."""
    ddr3 = load_board("arty-a7-100").memory("ddr3")
    assert ddr3.bytes_per_second == 1_334_000_000
    assert ddr3.bytes_per_cycle(100_000_000) == 8
    assert ddr3.bytes_per_cycle(83_000_000) == 16
    assert ddr3.bytes_per_cycle(2_000_000_000) == 1
    assert ddr3.latency_cycles(100_000_000) == 30
    assert ddr3.latency_cycles(1_000) == 1
    hbm = load_board("alveo-u280").memory()
    assert hbm.bytes_per_second == 460_800_000_000
    assert hbm.bytes_per_cycle(100_000_000) == 128
    on_chip = load_board("ulx3s-85f").memory()
    assert on_chip.bytes_per_cycle(25_000_000) is None
    assert on_chip.capacity_bytes == 3744 * 1024 // 8
    with pytest.raises(KeyError):
        load_board("ulx3s-85f").memory("ddr3")
