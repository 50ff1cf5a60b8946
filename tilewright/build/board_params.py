"""What the top around a design on a board is made from. Pure: no Amaranth here."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
from tilewright.errors import TilewrightError
from tilewright.hw.register_map import register_table

if TYPE_CHECKING:
    from tilewright.flow.design import Design

__all__ = ["board_params", "has_parts", "top_params"]


def has_parts(board: Board) -> bool:
    """Whether a board has what its top needs: an open flow, and at the FPGA's fabric a serial line
    and a plain oscillator.
    """
    has_clock = bool(board.clock.pin) and not board.clock.pin_n
    return board.uart is not None and has_clock and board.flow == "open"


def board_params(design: Design, board: Board) -> tuple[BoardTopParams, int]:
    """The parameters of a board's top around a design, and bits per second of its serial line.

    Raises:
        TilewrightError: if the board has no serial line or oscillator for it, or the two have no
            rate in common.
    """
    if not has_parts(board) or board.uart is None:
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
    return params, baud


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
