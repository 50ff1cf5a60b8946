"""What is known of a board: frozen objects that the tables are read into."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

MAX_PORT_BYTES = 128
MAX_LATENCY_CYCLES = 10_000


@dataclass(frozen=True, kw_only=True)
class Device:
    """One FPGA.

    Parameters
    ----------
    name : "LFE5U-85F", "iCE40UP5K", "XC7A100T"; for Gowin the die, "GW2A-18C".
    family : "ecp5", "ice40", "gowin", "xc7", "xcup" or "versal": the dialect of synthesis.
    lut, lut_inputs : look-up tables and the inputs of each.
    ff : registers beside them.
    dsp : multipliers, or DSP slices, as synthesis counts them.
    ram_blocks, ram_block_bits : blocks of RAM and the bits of each. AMD's block of 36 Kbit counts
        as two of 18 Kbit, because the halves are used apart.
    large_ram_blocks, large_ram_block_bits : UltraRAM, or iCE40 UltraPlus' single-port RAM.
    source : the public document.
    """

    name: str
    family: str
    lut: int
    lut_inputs: int
    ff: int
    dsp: int
    ram_blocks: int
    ram_block_bits: int
    large_ram_blocks: int = 0
    large_ram_block_bits: int = 0
    source: str

    @property
    def ram_bytes(self) -> int:
        """Bytes of all RAM blocks; the bits that are meant for parity count."""
        return self.ram_blocks * self.ram_block_bits // 8

    @property
    def large_ram_bytes(self) -> int:
        """Bytes of all large RAM blocks."""
        return self.large_ram_blocks * self.large_ram_block_bits // 8


@dataclass(frozen=True, kw_only=True)
class Pin:
    """One pin of the package. `is_inverted`: low means lit or pressed; `pull`: "up", "down", ""."""

    name: str
    io_standard: str
    is_inverted: bool = False
    pull: str = ""


@dataclass(frozen=True, kw_only=True)
class Clock:
    """The oscillator. `pin_n` is the other half of a differential pair, "" where there is none.

    `pin` "" means that no pin of the fabric has a clock; `note` says where it comes from then.
    """

    pin: str
    pin_n: str = ""
    frequency_hz: int
    io_standard: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Uart:
    """The serial line to the host, as the FPGA sees it: it listens on `rx` and talks on `tx`.

    `max_baud` is what the other side can do, `connector` where it is found.
    """

    rx: str
    tx: str
    io_standard: str
    max_baud: int
    connector: str


@dataclass(frozen=True, kw_only=True)
class BoardMemory:
    """A memory that an accelerator's port may be connected to.

    `bytes_per_second` is the peak; None for a memory of the FPGA itself (`kind` "block_ram",
    "large_ram"), which moves a word of any width in every cycle. `latency_seconds` is from an
    accepted read address to the first data, an estimate, None for those again.
    """

    name: str
    kind: str
    capacity_bytes: int
    bytes_per_second: int | None = None
    latency_seconds: float | None = None
    source: str

    def bytes_per_cycle(self, clock_hz: int) -> int | None:
        """The widest port, a power of two of 1 to 128 bytes, that the memory can feed in every
        cycle; None: as wide as wanted."""
        if self.bytes_per_second is None:
            return None
        per_cycle = min(MAX_PORT_BYTES, max(1, self.bytes_per_second // clock_hz))
        return 1 << (per_cycle.bit_length() - 1)

    def latency_cycles(self, clock_hz: int) -> int:
        """Cycles of a clock from the accepted address to the first data, 1 to 10,000."""
        if self.latency_seconds is None:
            return ON_CHIP_LATENCY_CYCLES
        # 1e-7 s x 100 MHz is 10.000000000000002 in floats and means 10.
        cycles = ceil(round(self.latency_seconds * clock_hz, 6))
        return min(MAX_LATENCY_CYCLES, max(1, cycles))


ON_CHIP_LATENCY_CYCLES = 2
"""A registered address and the RAM's own register."""


@dataclass(frozen=True, kw_only=True)
class Board:
    """One board.

    Parameters
    ----------
    name, title : as in specs; as its maker calls it.
    device, package, speed : the FPGA; package and speed grade as nextpnr takes them.
    part : the vendor's whole part number.
    clock, uart, reset, leds : what a design is connected to; None or () where there is none.
    memories : the first is the one that an accelerator's memory port is connected to by default.
    flow : "open" (yosys and nextpnr, to a bitstream) or "vivado" (limits, and a project to run).
    source : where pins and memories were looked up.
    """

    name: str
    title: str
    device: Device
    package: str
    speed: str
    part: str
    clock: Clock
    uart: Uart | None
    reset: Pin | None
    leds: tuple[Pin, ...]
    memories: tuple[BoardMemory, ...]
    flow: str
    source: str

    def memory(self, name: str | None = None) -> BoardMemory:
        """The memory of this name; None: the first.

        Raises:
            KeyError: if the board has no such memory.
        """
        if name is None:
            return self.memories[0]
        return {memory.name: memory for memory in self.memories}[name]
