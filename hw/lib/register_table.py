"""One description of a register map; hardware, documentation and C header are made from it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

REGISTER_BITS = 32
REGISTER_BYTES = 4
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


class Access(StrEnum):
    """What the bus may do with a field."""

    RO = "ro"
    """read only: the hardware's value, or a constant"""
    RW = "rw"
    """read and write: a register that the bus owns"""
    W1C = "w1c"
    """set by the hardware, cleared by writing 1; setting wins"""
    PULSE = "pulse"
    """writing 1 gives a pulse of one cycle; reads as 0"""


@dataclass(frozen=True, kw_only=True)
class Field:
    """A range of bits in a register.

    Parameters
    ----------
    low_bit, bits : place and width
    reset : value after reset (`rw` and `w1c` only)
    constant : value of a read-only field that never changes; it has no port
    """

    name: str
    access: Access
    description: str
    low_bit: int = 0
    bits: int = 1
    reset: int = 0
    constant: int | None = None

    def __post_init__(self) -> None:
        _check_name(self.name)
        _check_text(self.description)
        if self.bits < 1 or self.low_bit < 0 or self.low_bit + self.bits > REGISTER_BITS:
            raise ValueError(f"{self.name}: bits {self.low_bit}+{self.bits} do not fit in 32")
        value = self.reset if self.constant is None else self.constant
        if not 0 <= value < 1 << self.bits:
            raise ValueError(f"{self.name}: value {value} does not fit in {self.bits} bits")
        if self.constant is not None and self.access is not Access.RO:
            raise ValueError(f"{self.name}: only a read-only field can be constant")

    @property
    def mask(self) -> int:
        """The field's bits within the register."""
        return ((1 << self.bits) - 1) << self.low_bit

    @property
    def range_text(self) -> str:
        """`7` or `15:8`."""
        high = self.low_bit + self.bits - 1
        return str(high) if self.bits == 1 else f"{high}:{self.low_bit}"


@dataclass(frozen=True, kw_only=True)
class Register:
    """Fields at a byte offset (a multiple of 4)."""

    name: str
    offset: int
    description: str
    fields: tuple[Field, ...]

    def __post_init__(self) -> None:
        _check_name(self.name)
        _check_text(self.description)
        if self.offset % REGISTER_BYTES or self.offset < 0:
            raise ValueError(f"{self.name}: offset must be a multiple of 4, got {self.offset:#x}")
        used = 0
        for field in self.fields:
            if used & field.mask:
                raise ValueError(f"{self.name}.{field.name}: bits {field.range_text} overlap")
            used |= field.mask

    @property
    def is_writable(self) -> bool:
        """Whether a write can change anything."""
        return any(field.access is not Access.RO for field in self.fields)

    def port_name(self, field: Field) -> str:
        """Name of the hardware port: `REGISTER_FIELD`, or `REGISTER` for a field `value`."""
        return self.name if field.name == "value" else f"{self.name}_{field.name}"


@dataclass(frozen=True, kw_only=True)
class Window:
    """A write-only range of bytes handed to a memory outside the register file.

    `offset` is a multiple of `size_bytes`, which is a power of two.
    """

    name: str
    offset: int
    size_bytes: int
    description: str

    def __post_init__(self) -> None:
        _check_name(self.name)
        _check_text(self.description)
        if self.size_bytes < REGISTER_BYTES or self.size_bytes & (self.size_bytes - 1):
            raise ValueError(f"{self.name}: size must be a power of two, got {self.size_bytes}")
        if self.offset % self.size_bytes:
            raise ValueError(f"{self.name}: offset {self.offset:#x} is not aligned to its size")

    @property
    def num_words(self) -> int:
        """Number of 32-bit words."""
        return self.size_bytes // REGISTER_BYTES


@dataclass(frozen=True, kw_only=True)
class RegisterTable:
    """A register map.

    Parameters
    ----------
    name : prefix in the C header
    registers, windows : in order of their offsets
    interrupt : names of an enable register (`rw`) and a status register (`w1c`) with fields at the
        same places; their AND is the interrupt
    """

    name: str
    registers: tuple[Register, ...]
    windows: tuple[Window, ...] = ()
    interrupt: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        _check_name(self.name)
        names = [name for _, _, name in self._ranges()]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"{name}: defined twice")
        end, last = 0, "nothing"
        for start, size, name in self._ranges():
            if start < end:
                raise ValueError(f"{name} at {start:#x} overlaps or precedes {last} (to {end:#x})")
            end, last = start + size, name
        if self.interrupt is not None:
            enable, status = (self.register(name) for name in self.interrupt)
            if [f.mask for f in enable.fields] != [f.mask for f in status.fields]:
                raise ValueError(f"interrupt: fields of {enable.name}, {status.name} differ")

    def _ranges(self) -> Iterator[tuple[int, int, str]]:
        for register in self.registers:
            yield register.offset, REGISTER_BYTES, register.name
        for window in self.windows:
            yield window.offset, window.size_bytes, window.name

    @property
    def size_bytes(self) -> int:
        """Bytes from offset 0 to the end of the last register or window."""
        return max((start + size for start, size, _ in self._ranges()), default=REGISTER_BYTES)

    @property
    def address_bits(self) -> int:
        """Width of a byte address that covers the map; at least 12, as tools expect."""
        return max(12, (self.size_bytes - 1).bit_length())

    def register(self, name: str) -> Register:
        """The register called `name`."""
        for register in self.registers:
            if register.name == name:
                return register
        raise KeyError(name)


def _check_text(description: str) -> None:
    """Descriptions stand in comments of C, in HTML and in Markdown."""
    if not description.isprintable() or re.search(r"\*/|/\*|<[A-Za-z/!?]", description):
        raise ValueError(f"a description is one line of plain words, got {description!r}")


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"name must match {_NAME.pattern}, got {name!r}")
