"""The files of a design on a board: Verilog of the whole board, and where its ports go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tilewright.boards import Board
from tilewright.boards.link.messages import Identity
from tilewright.boards.top.params import (
    DEFAULT_MAX_BAUD,
    STANDARD_BAUDS,
    BoardTopParams,
    MemoryParams,
    UartParams,
    choose_divisor,
)
from tilewright.boards.top.top import BoardTop
from tilewright.build.accelerator_files import accelerator_verilog
from tilewright.build.synth.constraints import PinOf
from tilewright.build.verilog import emit
from tilewright.errors import TilewrightError
from tilewright.hw.top import register_table

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
    if board.uart is None or not board.clock.pin or board.clock.pin_n or board.flow != "open":
        raise TilewrightError(
            f"{board.name}: there is no board top for it (no plain oscillator and serial line at "
            "the FPGA's fabric)",
            help="the accelerator alone has AXI ports for your own design",
        )
    max_baud = min(board.uart.max_baud, DEFAULT_MAX_BAUD)
    try:
        divisor, baud = choose_divisor(board.clock.frequency_hz, max_baud)
    except ValueError as error:
        raise TilewrightError(
            f"{board.name}: {error}",
            help=f"max_baud and clock of the board's table must allow {STANDARD_BAUDS[-1]} baud",
        ) from error
    params = top_params(
        design,
        clock_hz=board.clock.frequency_hz,
        divisor=divisor,
        led_is_inverted=tuple(led.is_inverted for led in board.leds),
        reset_is_inverted=board.reset.is_inverted if board.reset is not None else None,
    )
    top = f"{design.name}{TOP_SUFFIX}"
    return BoardDesign(
        top=top,
        accelerator=accelerator_verilog(design),
        verilog=emit(BoardTop(params), top, spec_sha256=design.spec_sha256),
        pins=board_pins(board, params.num_leds),
        params=params,
        baud=baud,
    )


def top_params(
    design: Design,
    *,
    clock_hz: int,
    divisor: int,
    led_is_inverted: tuple[bool, ...] = (),
    reset_is_inverted: bool | None = None,
) -> BoardTopParams:
    """The parameters of the top around a design."""
    register_bits = register_table(design.config).address_bits
    axi = design.config.axi
    memory = MemoryParams(
        words=design.memory_bytes // axi.data_bytes,
        data_bytes=axi.data_bytes,
        address_bits=axi.address_bits,
        outstanding=design.machine.memory.outstanding_bursts,
    )
    identity = Identity(
        unit_bytes=axi.data_bytes,
        spec_hash=design.config.spec_hash,
        memory_bytes=memory.size_bytes,
        register_bytes=1 << register_bits,
        clock_hz=clock_hz,
    )
    return BoardTopParams(
        module=design.name,
        uart=UartParams(divisor=divisor),
        identity=identity,
        memory=memory,
        register_address_bits=register_bits,
        led_is_inverted=led_is_inverted,
        reset_is_inverted=reset_is_inverted,
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
