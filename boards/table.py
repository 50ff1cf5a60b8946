"""The forms of the table files: `boards/NAME.yaml` and `boards/devices/*.yaml`.

Whatever stands in them may reach a script of a synthesis tool, so each text has a narrow pattern.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from tilewright.spec.frozen import FrozenMapping
from tilewright.spec.kinds import (
    Kind,
    Section,
    choice,
    frequency,
    mistake,
    require_mapping,
    size,
    truth,
    whole,
)
from tilewright.spec.sections.base import Conflict
from tilewright.spec.table import TableSection

TABLE_VERSION = 1
FAMILIES = ("ecp5", "ice40", "gowin", "xc7", "xcup", "versal")
OPEN_FAMILIES = ("ecp5", "ice40", "gowin")
ON_CHIP_KINDS = ("block_ram", "large_ram")
MAX_NAME_CHARS, MAX_WORDS_CHARS = 64, 400
MEMORY_KINDS = (*ON_CHIP_KINDS, "psram", "sdram", "ddr3", "ddr4", "lpddr4", "hbm")


def pattern(noun: str, expression: str, example: str) -> Kind:
    """Text that matches `expression` as a whole."""

    def convert(value: object) -> str:
        if not isinstance(value, str):
            help = "put quotes around it" if isinstance(value, (int, float)) else None
            raise mistake(f"must be {noun}", help)
        if len(value) > MAX_NAME_CHARS or re.fullmatch(expression, value, re.ASCII) is None:
            raise mistake(f"must be {noun}", f"for example `{example}`")
        return value

    return Kind(
        convert, {"type": "string", "pattern": f"^{expression}$", "maxLength": MAX_NAME_CHARS}
    )


def line(noun: str, max_chars: int) -> Kind:
    """One line of text for people: it is shown on terminals and stands in comments."""

    def convert(value: object) -> str:
        is_line = isinstance(value, str) and value.isprintable() and bool(value.strip())
        if not is_line or len(str(value)) > max_chars:
            raise mistake(f"must be {noun}, at most {max_chars} characters that can be shown")
        return str(value)

    return Kind(convert, {"type": "string", "minLength": 1, "maxLength": max_chars})


def to_tuple(value: object) -> object:
    """A list as a tuple; refuses what is no list, before its entries are read."""
    if not isinstance(value, (list, tuple)):
        raise mistake("must be a list", "write `[one, two]`")
    return tuple(value)


PIN = pattern("the name of a pin", r"[A-Z]{0,2}[0-9]{1,3}", "G2")
IO_STANDARD = pattern("an I/O standard", r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*", "LVCMOS33")
FREQUENCY = frequency(1_000, 10**10)
WORDS = line("a line of words", MAX_WORDS_CHARS)

BoardName = Annotated[
    str,
    pattern("a name of a-z, 0-9 and -", r"[a-z][a-z0-9]*(-[a-z0-9]+)*", "ulx3s-85f"),
]
PinName = Annotated[str, PIN]
IoStandard = Annotated[str, IO_STANDARD]
DeviceName = Annotated[
    str, pattern("the name of a device", r"[A-Za-z0-9]+(-[A-Z0-9]+)?", "XC7A100T")
]
MemoryName = Annotated[str, pattern("a name of a-z, 0-9 and _", r"[a-z][a-z0-9_]{0,30}", "sdram")]
Part = Annotated[
    str, pattern("a part number", r"[A-Za-z0-9]+([-/][A-Za-z0-9]+)*", "LFE5U-85F-6BG381C")
]
Package = Annotated[str, pattern("the name of a package", r"[A-Za-z0-9]{2,16}", "CABGA381")]
Speed = Annotated[str, pattern("a speed grade", r"-?[A-Z0-9]{1,4}(/[A-Z0-9]{1,4})?", "6")]
Frequency = Annotated[int, FREQUENCY]
Pull = Annotated[Literal["", "up", "down"], choice("up", "down")]
Words = Annotated[str, WORDS]


class ClockTable(Section):
    """The oscillator."""

    pin: Annotated[str | None, PIN] = Field(
        default=None, description="Pin of the FPGA that it reaches."
    )
    pin_n: Annotated[str | None, PIN] = Field(default=None, description="The other half of a pair.")
    frequency: Frequency = Field(description="Frequency, with its unit.")
    io_standard: Annotated[str | None, IO_STANDARD] = Field(
        default=None, description="I/O standard of the pin."
    )
    note: Annotated[str | None, WORDS] = Field(
        default=None, description="Where the clock comes from."
    )


class UartTable(Section):
    """The serial line to the host."""

    rx: PinName = Field(description="Pin on which the FPGA listens.")
    tx: PinName = Field(description="Pin on which the FPGA talks.")
    io_standard: IoStandard = Field(description="I/O standard of both.")
    max_baud: Annotated[int, whole(9600, 12_000_000)] = Field(
        description="Highest rate of the other side."
    )
    connector: Words = Field(description="Where the line is found.")


class ResetTable(Section):
    """A button that resets the design."""

    pin: PinName = Field(description="Pin of the button.")
    io_standard: IoStandard = Field(description="I/O standard of the pin.")
    is_inverted: Annotated[bool, truth()] = Field(
        default=False, description="Whether low means pressed."
    )
    pull: Pull = Field(default="", description="Resistor to switch on in the pin: up or down.")


class LedsTable(Section):
    """Lights."""

    pins: Annotated[tuple[PinName, ...], BeforeValidator(to_tuple)] = Field(
        description="A pin for each."
    )
    io_standard: IoStandard = Field(description="I/O standard of all.")
    is_inverted: Annotated[bool, truth()] = Field(
        default=False, description="Whether low means lit."
    )


class MemoryTable(Section):
    """A memory: one of the FPGA's own, or chips beside it."""

    kind: Annotated[str, choice(*MEMORY_KINDS)] = Field(description="Kind of memory.")
    capacity: Annotated[int | None, size(1024, 2**40)] = Field(
        default=None, description="Size, with its unit."
    )
    width_bits: Annotated[int | None, whole(1, 8192)] = Field(
        default=None, description="Data lines of all chips together, without those for ECC."
    )
    transfers: Annotated[int | None, FREQUENCY] = Field(
        default=None, description="Transfers per second on each line, written as a frequency."
    )
    latency_ns: Annotated[int | None, whole(1, 100_000)] = Field(
        default=None, description="Nanoseconds from a read address to its first data, estimated."
    )
    source: Annotated[str | None, WORDS] = Field(
        default=None, description="Where the numbers come from."
    )

    @property
    def is_on_chip(self) -> bool:
        return self.kind in ON_CHIP_KINDS

    def conflicts(self) -> Iterator[Conflict]:
        """On-chip memories take their numbers from the device, the others state all of them."""
        for key in ("capacity", "width_bits", "transfers", "latency_ns", "source"):
            is_given = getattr(self, key) is not None
            if is_given == self.is_on_chip and key != "source":
                rule = "is the device's affair" if self.is_on_chip else "is missing"
                yield Conflict(path=(key,), rule=f"{rule} with kind {self.kind}")
            elif not is_given and not self.is_on_chip:
                yield Conflict(path=(key,), rule="is missing")


class BoardTable(TableSection):
    """One board."""

    tilewright_board: Annotated[Literal[1], whole(TABLE_VERSION, TABLE_VERSION)] = Field(
        description="Version of this form of table: 1."
    )
    name: BoardName = Field(description="Name in specs.")
    title: Words = Field(description="Name that its maker gave it.")
    flow: Annotated[Literal["open", "vivado"], choice("open", "vivado")] = Field(
        description="open: yosys and nextpnr, to a bitstream. vivado: limits and a project."
    )
    device: DeviceName = Field(description="The FPGA, a name of the device tables.")
    package: Package = Field(description="Its package, as the placer takes it.")
    speed: Speed = Field(default="", description="Its speed grade.")
    part: Part = Field(description="The vendor's whole part number.")
    clock: ClockTable = Field(description="The oscillator.")
    uart: UartTable | None = Field(default=None, description="The serial line to the host.")
    reset: ResetTable | None = Field(
        default=None, description="A button that resets the design, but not the memory's contents."
    )
    leds: LedsTable | None = Field(default=None, description="Lights.")
    memories: Annotated[
        Mapping[MemoryName, MemoryTable],
        BeforeValidator(require_mapping),
        AfterValidator(FrozenMapping),
    ] = Field(description="Memories by name, the one that a design uses by default first.")
    source: Words = Field(description="Where the pins were looked up.")

    def conflicts(self) -> Iterator[Conflict]:
        """Rules between keys."""
        if not self.memories:
            yield Conflict(path=("memories",), rule="must name a memory", value="none")
        for name, memory in self.memories.items():
            for conflict in memory.conflicts():
                yield conflict.under(("memories", name))
        if (self.clock.pin is None) != (self.clock.io_standard is None):
            yield Conflict(path=("clock", "pin"), rule="stands with io_standard, or neither does")
        if self.clock.pin is None and (self.flow == "open" or self.clock.pin_n is not None):
            yield Conflict(path=("clock", "pin"), rule="is missing")
        yield from self._double_pins()

    def _double_pins(self) -> Iterator[Conflict]:
        seen: dict[str, str] = {}
        for path, pin in self._pins():
            spoken = ".".join(str(step) for step in path)
            if pin in seen:
                rule = f"must be a pin of its own, {pin} is {seen[pin]} too"
                yield Conflict(path=path, rule=rule)
            seen.setdefault(pin, spoken)

    def _pins(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        for section in ("clock", "uart", "reset"):
            for key in ("pin", "pin_n", "rx", "tx"):
                pin = getattr(getattr(self, section), key, None)
                if pin is not None:
                    yield (section, key), pin
        for i, pin in enumerate(self.leds.pins if self.leds else ()):
            yield ("leds", "pins", i), pin


class DeviceTable(Section):
    """One device."""

    lut: Annotated[int, whole(1, 10**8)] = Field(description="Look-up tables.")
    ff: Annotated[int, whole(1, 10**8)] = Field(description="Registers.")
    dsp: Annotated[int, whole(0, 10**6)] = Field(description="Multipliers or DSP slices.")
    ram_blocks: Annotated[int, whole(0, 10**6)] = Field(description="Blocks of RAM.")
    large_ram_blocks: Annotated[int, whole(0, 10**6)] = Field(
        default=0, description="Blocks of UltraRAM or single-port RAM."
    )


class DevicesTable(TableSection):
    """The devices of one data sheet."""

    tilewright_devices: Annotated[Literal[1], whole(TABLE_VERSION, TABLE_VERSION)] = Field(
        description="Version of this form of table: 1."
    )
    family: Annotated[str, choice(*FAMILIES)] = Field(description="Dialect of synthesis.")
    lut_inputs: Annotated[int, whole(4, 6)] = Field(description="Inputs of a look-up table.")
    ram_block_bits: Annotated[int, whole(1, 2**20)] = Field(description="Bits of a block.")
    large_ram_block_bits: Annotated[int, whole(0, 2**20)] = Field(
        default=0, description="Bits of a large block."
    )
    source: Words = Field(description="The data sheet.")
    devices: Annotated[
        Mapping[DeviceName, DeviceTable],
        BeforeValidator(require_mapping),
        AfterValidator(FrozenMapping),
    ] = Field(description="Devices by name.")
