"""Files of pins: what is written is what was meant, and nothing else can be written."""

import re
from collections.abc import Callable

import pytest
from tilewright.boards import board_names, load_board

from tilewright.build.synth.constraints import (
    PinOf,
    constraints_text,
    cst_text,
    lpf_text,
    pcf_text,
)
from tilewright.errors import UsageError

PINS = (
    PinOf(port="clk", pin="G2", io_standard="LVCMOS33", clock_hz=25_000_000),
    PinOf(port="led[0]", pin="B2", io_standard="LVCMOS33"),
    PinOf(port="reset", pin="D6", io_standard="LVCMOS33", pull="up"),
)


def test_lpf() -> None:
    assert lpf_text(PINS).splitlines() == [
        "BLOCK RESETPATHS;",
        "BLOCK ASYNCPATHS;",
        'LOCATE COMP "clk" SITE "G2";',
        'IOBUF PORT "clk" IO_TYPE=LVCMOS33;',
        'FREQUENCY PORT "clk" 25 MHZ;',
        'LOCATE COMP "led[0]" SITE "B2";',
        'IOBUF PORT "led[0]" IO_TYPE=LVCMOS33;',
        'LOCATE COMP "reset" SITE "D6";',
        'IOBUF PORT "reset" IO_TYPE=LVCMOS33 PULLMODE=UP;',
    ]


def test_pcf() -> None:
    pins = (
        PinOf(port="clk", pin="35", io_standard="SB_LVCMOS", clock_hz=12_288_000),
        PinOf(port="reset", pin="10", pull="up"),
    )
    assert pcf_text(pins).splitlines() == [
        "set_io clk 35",
        "set_frequency clk 12.288",
        "set_io -pullup yes reset 10",
    ]
    with pytest.raises(UsageError, match="only be pulled up"):
        pcf_text([PinOf(port="reset", pin="10", pull="down")])


def test_cst() -> None:
    pins = (PinOf(port="rx", pin="18", io_standard="LVCMOS33", pull="up"),
            PinOf(port="q", pin="3"))  # fmt: skip
    assert cst_text(pins).splitlines() == [
        'IO_LOC "rx" 18;',
        'IO_PORT "rx" IO_TYPE=LVCMOS33 PULL_MODE=UP;',
        'IO_LOC "q" 3;',
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"port": 'clk"; LOCATE COMP "x'},
        {"port": "clk\nset_io x 1"},
        {"port": "led[0"},
        {"port": ""},
        {"pin": 'G2";'},
        {"pin": "g2"},
        {"pin": "G2 "},
        {"io_standard": "LVCMOS33 PULLMODE=UP"},
        {"io_standard": "LVCMOS33;"},
        {"pull": "sideways"},
        {"clock_hz": 0},
        {"clock_hz": -1},
    ],
)
def test_nothing_else_becomes_a_constraint(change: dict[str, object]) -> None:
    good: dict[str, object] = {"port": "clk", "pin": "G2", "io_standard": "LVCMOS33"}
    PinOf(**good)  # type: ignore[arg-type]
    with pytest.raises(UsageError):
        PinOf(**(good | change))  # type: ignore[arg-type]


def test_a_pin_is_used_once() -> None:
    twice = [PinOf(port="a", pin="G2"), PinOf(port="b", pin="G2")]
    with pytest.raises(UsageError, match="pin G2 is used 2 times"):
        constraints_text("ecp5", twice)
    with pytest.raises(UsageError, match="port a is used 2 times"):
        constraints_text("gowin", [PinOf(port="a", pin="1"), PinOf(port="a", pin="2")])


@pytest.mark.parametrize("name", [n for n in board_names() if load_board(n).flow == "open"])
def test_every_board_makes_a_file_of_whole_statements(name: str) -> None:
    board = load_board(name)
    pins = [PinOf(port="clk", pin=board.clock.pin, io_standard=board.clock.io_standard,
                  clock_hz=board.clock.frequency_hz)]  # fmt: skip
    pins += [
        PinOf(port=f"led[{n}]", pin=led.name, io_standard=led.io_standard)
        for n, led in enumerate(board.leds)
    ]
    forms: dict[str, tuple[Callable[..., str], str]] = {
        "ecp5": (lpf_text, r'(BLOCK|LOCATE COMP|IOBUF PORT|FREQUENCY PORT) ["\w\[\] =.]+;'),
        "ice40": (pcf_text, r"set_(io|frequency) [\w\[\]]+ [\w.]+"),
        "gowin": (cst_text, r'IO_(LOC|PORT) "[\w\[\]]+" [\w= ]+;'),
    }
    writer, form = forms[board.device.family]
    text = constraints_text(board.device.family, pins)
    assert text == writer(pins)
    assert all(re.fullmatch(form, line) for line in text.splitlines())
    assert len(text.splitlines()) >= len(pins)
