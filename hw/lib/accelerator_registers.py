"""The register map of a generated accelerator."""

from __future__ import annotations

from .params import Activity
from .register_table import Access, Field, Register, RegisterTable, Window

ID_VALUE = 0x5449_4C45
"""Fixed word by which software knows the accelerator ("TILE" read from the top byte down)."""

REGISTERS_BYTES = 0x100
"""Offset of the smallest program window; a larger one lies at its own size."""


def _value(description: str, *, constant: int | None = None) -> tuple[Field, ...]:
    access = Access.RO
    return (
        Field(name="value", access=access, bits=32, description=description, constant=constant),
    )


def _flags(access: Access, **flags: str) -> tuple[Field, ...]:
    return tuple(
        Field(name=name, access=access, low_bit=place, description=text)
        for place, (name, text) in enumerate(flags.items())
    )


def _register(name: str, offset: int, text: str, fields: tuple[Field, ...]) -> Register:
    return Register(name=name, offset=offset, description=text, fields=fields)


def _identity(version: int, spec_hash: int) -> list[Register]:
    return [
        _register("id", 0x00, "Identity", _value("the letters TILE", constant=ID_VALUE)),
        _register(
            "version",
            0x04,
            "Version of the generator",
            _value("major << 16 | minor << 8 | patch", constant=version),
        ),
        _register(
            "spec_hash",
            0x08,
            "Identity of the spec",
            _value("first 32 bits of the spec's SHA-256", constant=spec_hash),
        ),
    ]


def _control() -> list[Register]:
    events = {"done": "the program has finished", "error": "something went wrong: see errors"}
    return [
        _register(
            "control",
            0x10,
            "Control",
            _flags(
                Access.PULSE,
                start="run the program once; ignored while busy",
                soft_reset="return to idle, clear counters and errors; only while not busy, "
                "else memory transfers under way would be torn",
            ),
        ),
        _register(
            "status",
            0x14,
            "State",
            _flags(
                Access.RO,
                busy="the program is running or memory has not answered every write",
                done="the program has finished since the last start",
                error="something went wrong since the last start: see errors",
            ),
        ),
        _register("irq_enable", 0x18, "Interrupt enable", _flags(Access.RW, **events)),
        _register("irq_status", 0x1C, "Interrupt status", _flags(Access.W1C, **events)),
    ]


def _address_and_time(address_bits: int) -> list[Register]:
    def half(name: str, offset: int, text: str, access: Access, bits: int = 32) -> Register:
        field = Field(name="value", access=access, bits=bits, description=text)
        return _register(name, offset, text, (field,))

    base = "Byte address of word 0 of the memory image, a multiple of the word's bytes"
    cycles = "Cycles from the accepted start write to the last write response, inclusive"
    low, high = min(32, address_bits), address_bits - 32
    bases = [half("memory_base_low", 0x20, f"{base}: bits {low - 1}..0", Access.RW, low)]
    if high > 0:
        text = f"{base}: bits {address_bits - 1}..32; not there with `memory.address_bits` up to 32"
        bases.append(half("memory_base_high", 0x24, text, Access.RW, high))
    return [
        *bases,
        half("cycles_low", 0x28, f"{cycles}: bits 31..0", Access.RO),
        half("cycles_high", 0x2C, f"{cycles}: bits 63..32", Access.RO),
        _register(
            "errors",
            0x30,
            "What went wrong since the last start",
            _flags(
                Access.RO,
                read_response="memory answered a read with an error",
                write_response="memory answered a write with an error",
                program="a token counter or scratchpad address left its range (a wrong program)",
            ),
        ),
    ]


def _counters(units: tuple[str, ...]) -> list[Register]:
    order = ", ".join(f"{place} {unit}" for place, unit in enumerate(units))
    classes = ", ".join(f"{kind.value} {kind.name.lower()}" for kind in Activity)
    count = len(units) * len(Activity)
    index = Field(
        name="value",
        access=Access.RW,
        bits=max(1, (count - 1).bit_length()),
        description=f"{len(Activity)} * unit + class; units: {order}; classes: {classes}",
    )
    text = "cycles of the selected unit in the selected class since the last start"
    return [
        _register(
            "num_counters",
            0x40,
            "Activity counters",
            _value(
                "how many activity counters there are; these four registers are not there with "
                "`counters: false`",
                constant=count,
            ),
        ),
        _register("counter_index", 0x44, "Counter to read", (index,)),
        _register("counter_low", 0x48, "Counter", _value(f"{text}: bits 31..0")),
        _register("counter_high", 0x4C, "Counter", _value(f"{text}: bits 63..32")),
    ]


def accelerator_registers(
    *,
    units: tuple[str, ...],
    version: int,
    spec_hash: int,
    program_bytes: int = 0,
    name: str = "tilewright",
    has_counters: bool = True,
    address_bits: int = 64,
) -> RegisterTable:
    """The register map of an accelerator.

    Parameters
    ----------
    units : names of the units, in the order of their counters
    version : generator version, `major << 16 | minor << 8 | patch`
    spec_hash : 32 bits that identify the spec
    name : of the accelerator; names in the C header begin with it
    has_counters : activity counters
    address_bits : byte addresses of the memory port
    program_bytes : bytes of a writable program memory; 0 if the program is fixed
    """
    windows: tuple[Window, ...] = ()
    if program_bytes:
        size = max(4, 1 << (program_bytes - 1).bit_length())
        offset = max(size, REGISTERS_BYTES)
        text = "Program memory, 32 bits per write; only while not busy"
        windows = (Window(name="program", offset=offset, size_bytes=size, description=text),)
    return RegisterTable(
        name=name,
        registers=(
            *_identity(version, spec_hash),
            *_control(),
            *_address_and_time(address_bits),
            *(_counters(units) if has_counters else []),
        ),
        windows=windows,
        interrupt=("irq_enable", "irq_status"),
    )


def reference_table() -> RegisterTable:
    """The map of `docs/registers.md`: one engine `array`, a writable program, no spec."""
    units = ("load", "store", "array_a", "array_b", "array_core", "array_o")
    return accelerator_registers(units=units, version=0, spec_hash=0, program_bytes=4096)
