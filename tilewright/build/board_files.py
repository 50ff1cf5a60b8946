"""The files of a design on a board: Verilog of the whole board, and where its ports go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tilewright.boards import Board
from tilewright.boards.top.params import BoardTopParams
from tilewright.boards.top.top import BoardTop
from tilewright.build.accelerator_files import accelerator_verilog
from tilewright.build.board_params import board_params
from tilewright.build.synth.constraints import PinOf
from tilewright.build.verilog import emit

if TYPE_CHECKING:
    from tilewright.flow.design import Design

__all__ = ["BoardDesign", "board_design", "board_pins"]

TOP_SUFFIX: Final = "_board"


@dataclass(frozen=True, kw_only=True)
class BoardDesign:
    """A design for one board.

    Parameters
    ----------
    top : name of the top module
    accelerator : its text, as `generate` writes it. verilog : text of the top around it
    pins : where the ports of the top go
    params : what the top was made from
    baud : of the serial line
    """

    top: str
    accelerator: str
    verilog: str
    pins: tuple[PinOf, ...]
    params: BoardTopParams
    baud: int

    @property
    def whole_verilog(self) -> str:
        """Both in one text."""
        return f"{self.accelerator}\n{self.verilog}"


def board_design(design: Design, board: Board) -> BoardDesign:
    """The whole board around a design: link, a memory that holds its image, LEDs.

    Raises:
        TilewrightError: if the board has no serial line or oscillator for it, or the two have no
            rate in common.
    """
    params, baud = board_params(design, board)
    top = f"{design.name}{TOP_SUFFIX}"
    return BoardDesign(
        top=top,
        accelerator=accelerator_verilog(design),
        verilog=emit(BoardTop(params), top, spec_sha256=design.spec_sha256),
        pins=board_pins(board, params.num_leds),
        params=params,
        baud=baud,
    )


def board_pins(board: Board, num_leds: int) -> tuple[PinOf, ...]:
    """The ports of `BoardTop` on the board's pins; the first `num_leds` LEDs are used."""
    uart, clock = board.uart, board.clock
    assert uart is not None
    leds, button = board.leds[:num_leds], board.reset
    return (
        PinOf(
            port="clk",
            pin=clock.pin,
            io_standard=clock.io_standard,
            clock_hz=clock.frequency_hz,
        ),
        # A line that nobody drives must not look like bytes.
        PinOf(port="rx", pin=uart.rx, io_standard=uart.io_standard, pull="up"),
        PinOf(port="tx", pin=uart.tx, io_standard=uart.io_standard),
        *(
            [PinOf(port="reset", pin=button.name, io_standard=button.io_standard, pull=button.pull)]
            if button is not None
            else []
        ),
        *(
            PinOf(
                # A port of one bit has no index.
                port=f"led[{place}]" if len(leds) > 1 else "led",
                pin=led.name,
                io_standard=led.io_standard,
            )
            for place, led in enumerate(leds)
        ),
    )
