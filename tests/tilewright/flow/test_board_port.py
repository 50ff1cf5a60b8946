"""The top's files and pins, serial ports, and options of `run` that make no sense."""

import os
import termios
from dataclasses import replace

import pytest
import serial
from tilewright.boards import load_board
from tilewright.boards.link.host import Link, LinkError, LinkTiming, NoAnswerError

from tilewright.build.board_files import board_design
from tilewright.build.board_port import PortError, open_port
from tilewright.catalog import load_spec
from tilewright.cli import main
from tilewright.errors import TilewrightError
from tilewright.flow.design import make_design


@pytest.fixture
def design(tiny_spec):
    spec = load_spec(tiny_spec())
    return make_design(spec)


def test_ports_of_the_top_have_pins(design):
    board = load_board("icebreaker")
    whole = board_design(design, board)
    ports = ["clk", "rx", "tx", "reset", "led[0]", "led[1]"]
    assert [pin.port for pin in whole.pins] == ports
    for pin in whole.pins:
        port = pin.port.partition("[")[0]
        assert f" {port};" in whole.verilog
    assert f"module {whole.top}(" in whole.verilog
    assert f"module {design.name}(" in whole.accelerator
    assert board_design(design, board) == whole  # same design, same bytes


def test_a_board_without_a_button_has_no_port_for_it(design):
    whole = board_design(design, load_board("ice40-hx8k"))
    assert "reset" not in [pin.port for pin in whole.pins]
    assert "input reset;" not in whole.verilog.rpartition(f"module {whole.top}(")[2]


def test_one_led_is_a_plain_port(design):
    whole = board_design(design, load_board("colorlight-i5"))
    assert [pin.port for pin in whole.pins][-1] == "led"


def test_a_board_without_open_tools_has_no_top(design):
    with pytest.raises(Exception, match="no board top"):
        board_design(design, load_board("zcu104"))


def test_a_line_too_slow_for_any_rate_is_told(design):
    board = load_board("icebreaker")
    slow = replace(board, uart=replace(board.uart, max_baud=9600))
    with pytest.raises(TilewrightError, match="no standard baud rate up to 9600") as caught:
        board_design(design, slow)
    assert "115200" in caught.value.help


def test_a_port_that_is_not_there():
    with pytest.raises(PortError, match="no such port") as caught, open_port("/dev/none", 115200):
        pass
    assert "port" in caught.value.help


def test_a_port_that_another_program_has():
    leader, follower = os.openpty()
    name = os.ttyname(follower)
    try:
        with (
            open_port(name, 1_000_000),
            pytest.raises(PortError, match="another program has it"),
            open_port(name, 1_000_000),
        ):
            pass
    finally:
        os.close(leader)
        os.close(follower)


@pytest.mark.parametrize("error", [OSError(5, "I/O error"), termios.error(25, "no terminal")])
def test_a_port_that_cannot_be_emptied_is_told(monkeypatch, error):
    def fail(self):
        raise error

    monkeypatch.setattr(serial.Serial, "reset_input_buffer", fail)
    leader, follower = os.openpty()
    try:
        with (
            pytest.raises(PortError, match="its input cannot be emptied"),
            open_port(os.ttyname(follower), 1_000_000),
        ):
            pass
    finally:
        os.close(leader)
        os.close(follower)


def test_a_port_that_goes_away_is_an_error_of_the_link():
    leader, follower = os.openpty()
    with open_port(os.ttyname(follower), 1_000_000) as port:
        os.close(leader)
        os.close(follower)
        with pytest.raises(LinkError, match="port"):
            Link(port, timing=LinkTiming(answer_seconds=0.02, attempts=3)).open()


def test_a_port_where_nobody_answers():
    """A pseudo terminal without a board behind it."""
    leader, follower = os.openpty()
    try:
        with open_port(os.ttyname(follower), 1_000_000) as port:
            link = Link(port, timing=LinkTiming(answer_seconds=0.02, attempts=3))
            with pytest.raises(NoAnswerError, match="3 attempts"):
                link.open()
    finally:
        os.close(leader)
        os.close(follower)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--simulate", "--port", "/dev/x", "--board", "ulx3s-85f"], "one of them"),
        (["--board", "ulx3s-85f"], "one of them"),
        (["--simulate"], "on which board"),
        (["--simulate", "--board", "ulx3s-85"], "ulx3s-85f"),
    ],
)
def test_options_that_make_no_sense(tiny_spec, capsys, options, text):
    path = tiny_spec()
    inputs = path.with_name("tiny.npz")
    assert main(["run", str(path), "--inputs", str(inputs), *options]) == 2
    assert text in capsys.readouterr().err
