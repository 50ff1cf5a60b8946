"""Parameters of a board's top, without any hardware."""

from __future__ import annotations

from dataclasses import dataclass

from tilewright.boards.link.messages import REGISTER_BYTES, Identity

__all__ = [
    "BoardTopParams",
    "CommandParams",
    "MemoryParams",
    "UartParams",
    "choose_divisor",
]

MIN_DIVISOR = 4
MAX_RATE_ERROR = 0.02
"""Of the sender's and the receiver's bit times; over ten bits that shifts the last by a fifth."""
STANDARD_BAUDS = (3_000_000, 2_000_000, 1_000_000, 921_600, 460_800, 230_400, 115_200)
DEFAULT_MAX_BAUD = 1_000_000
"""Faster rates work on some computers only."""
BUFFER_BYTES = 512
"""Of a received frame, with its CRC: one block of RAM in every family."""


def choose_divisor(clock_hz: int, max_baud: int) -> tuple[int, int]:
    """Cycles per bit and bits per second: the fastest standard rate that the clock can make.

    Raises:
        ValueError: if the clock makes none within `MAX_RATE_ERROR`.
    """
    for baud in STANDARD_BAUDS:
        divisor = round(clock_hz / baud)
        if baud > max_baud or divisor < MIN_DIVISOR:
            continue
        if abs(clock_hz / divisor / baud - 1) <= MAX_RATE_ERROR:
            return divisor, baud
    raise ValueError(f"no standard baud rate up to {max_baud} from a clock of {clock_hz} Hz")


@dataclass(frozen=True, kw_only=True)
class UartParams:
    """A serial line of 8 data bits, no parity, 1 stop bit. `divisor`: clock cycles per bit."""

    divisor: int

    def __post_init__(self) -> None:
        if self.divisor < MIN_DIVISOR:
            raise ValueError(f"divisor: at least {MIN_DIVISOR}, got {self.divisor}")


@dataclass(frozen=True, kw_only=True)
class CommandParams:
    """The command unit. `identity` is what it says of itself, and the ranges that it checks."""

    identity: Identity

    @property
    def word_bytes(self) -> int:
        """Bytes of the register that words pass through."""
        return max(REGISTER_BYTES, self.identity.unit_bytes)

    @property
    def address_bits(self) -> int:
        """Bits of the end of any range."""
        largest = max(self.identity.memory_bytes, self.identity.register_bytes)
        return largest.bit_length()


@dataclass(frozen=True, kw_only=True)
class MemoryParams:
    """A memory of RAM blocks behind an AXI4 port.

    Parameters
    ----------
    words : of `data_bytes`, the width of both data channels
    address_bits : byte address of the port
    outstanding : bursts under way at most, of reads and of writes
    """

    words: int
    data_bytes: int
    address_bits: int
    outstanding: int = 8

    @property
    def word_address_bits(self) -> int:
        """Bits of a word's number."""
        return max(1, (self.words - 1).bit_length())

    @property
    def size_bytes(self) -> int:
        """Size of the memory."""
        return self.words * self.data_bytes


@dataclass(frozen=True, kw_only=True)
class BoardTopParams:
    """A board's top around one accelerator.

    Parameters
    ----------
    module : name of the accelerator's Verilog module
    uart : serial line
    identity : of the design on this board; the memory's size is in it
    memory : behind the accelerator's port
    register_address_bits : of the accelerator's control port
    led_is_inverted : one entry per LED, of which at most four are used
    reset_is_inverted : whether the button's pin is low when it is pressed; None: there is no button
    """

    module: str
    uart: UartParams
    identity: Identity
    memory: MemoryParams
    register_address_bits: int
    led_is_inverted: tuple[bool, ...] = ()
    reset_is_inverted: bool | None = None

    def __post_init__(self) -> None:
        if self.memory.size_bytes != self.identity.memory_bytes:
            raise ValueError(
                f"the memory has {self.memory.size_bytes} bytes, the identity says "
                f"{self.identity.memory_bytes}"
            )

    @property
    def num_leds(self) -> int:
        """LEDs that show something."""
        return min(MAX_LEDS, len(self.led_is_inverted))


MAX_LEDS = 4
