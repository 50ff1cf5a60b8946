"""Quantities with units (`64KiB`, `100MHz`, `10s`) and number formats (`int8`, `uint4`)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

MIN_FORMAT_BITS = 2
MAX_FORMAT_BITS = 32

SIZE_UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
FREQUENCY_UNITS = {"Hz": 1, "kHz": 10**3, "MHz": 10**6, "GHz": 10**9}
DURATION_UNITS = {
    "ns": Fraction(1, 10**9),
    "us": Fraction(1, 10**6),
    "ms": Fraction(1, 1000),
    "s": Fraction(1),
    "min": Fraction(60),
    "h": Fraction(3600),
}
_DECIMAL_SIZES = {"kb": "KiB", "mb": "MiB", "gb": "GiB", "k": "KiB", "m": "MiB", "g": "GiB"}
_QUANTITY = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,9})?) ?([A-Za-z]{1,8})?")
_FORMAT = re.compile(r"(u?)int([1-9][0-9]?)")


class QuantityError(ValueError):
    """A quantity or number format that cannot be read; `help` says how to write it."""

    def __init__(self, rule: str, help: str) -> None:
        super().__init__(rule)
        self.rule = rule
        self.help = help


def word_bytes_of(lanes: int) -> int:
    """Bytes that a word of `lanes` elements of 8 bits takes in memory: rounded up to a power of
    two."""
    return 1 << (lanes - 1).bit_length()


@dataclass(frozen=True, order=True)
class NumberFormat:
    """A two's complement (`signed`) or unsigned integer of `bits` bits."""

    bits: int
    signed: bool = True

    def __post_init__(self) -> None:
        if not MIN_FORMAT_BITS <= self.bits <= MAX_FORMAT_BITS:
            raise ValueError(f"bits must be {MIN_FORMAT_BITS} to {MAX_FORMAT_BITS}, is {self.bits}")

    @classmethod
    def parse(cls, text: str) -> NumberFormat:
        """`int8` -> 8 bits signed, `uint4` -> 4 bits unsigned."""
        match = _FORMAT.fullmatch(text)
        if match is None or not MIN_FORMAT_BITS <= int(match[2]) <= MAX_FORMAT_BITS:
            raise QuantityError(
                "must be a number format: int2 to int32 or uint2 to uint32",
                "write for example `int8` (signed) or `uint8` (unsigned)",
            )
        return cls(bits=int(match[2]), signed=not match[1])

    @property
    def minimum(self) -> int:
        """The least value."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def maximum(self) -> int:
        """The greatest value."""
        return (1 << (self.bits - self.signed)) - 1

    def __str__(self) -> str:
        return f"{'' if self.signed else 'u'}int{self.bits}"


def parse_size_bytes(text: object) -> int:
    """`64KiB` -> 65536. Units: B, KiB, MiB, GiB."""
    value = _parse(text, "size", SIZE_UNITS, "64KiB")
    if value.denominator != 1:
        raise QuantityError("must be a whole number of bytes", "write for example `64KiB`")
    return int(value)


def parse_frequency_hz(text: object) -> int:
    """`100MHz` -> 100000000. Units: Hz, kHz, MHz, GHz."""
    value = _parse(text, "frequency", FREQUENCY_UNITS, "100MHz")
    if value.denominator != 1:
        raise QuantityError("must be a whole number of hertz", "write for example `33.333MHz`")
    return int(value)


def parse_duration_seconds(text: object) -> float:
    """`1.5s` -> 1.5. Units: ns, us, ms, s, min, h."""
    return float(_parse(text, "duration", DURATION_UNITS, "10s"))


def format_size(size_bytes: int) -> str:
    """The shortest exact writing: 65536 -> `64KiB`."""
    for unit, factor in reversed(SIZE_UNITS.items()):
        if size_bytes and size_bytes % factor == 0:
            return f"{size_bytes // factor}{unit}"
    return f"{size_bytes}B"


def format_frequency(frequency_hz: int) -> str:
    """The largest unit in which it is written exactly and shortly: 33333000 -> `33.333MHz`."""
    for unit, factor in reversed(FREQUENCY_UNITS.items()):
        digits = Fraction(frequency_hz, factor)
        if frequency_hz >= factor and (digits * 1000).denominator == 1:
            return f"{float(digits):.15g}{unit}"
    return f"{frequency_hz}Hz"


def format_duration(seconds: float) -> str:
    """Whole hours, seconds, milli-, micro- or nanoseconds where possible: 10.0 -> `10s`."""
    if seconds and seconds % 3600 == 0:
        return f"{int(seconds) // 3600}h"
    if seconds == int(seconds):
        return f"{int(seconds)}s"
    exact = Fraction(str(seconds))
    for unit in ("us", "ns") if exact < DURATION_UNITS["ms"] else ():
        if (exact / DURATION_UNITS[unit]).denominator == 1:
            return f"{int(exact / DURATION_UNITS[unit])}{unit}"
    milliseconds = exact * 1000
    return f"{float(milliseconds):g}ms" if milliseconds.denominator == 1 else f"{seconds!r}s"


def _parse(
    text: object, noun: str, units: dict[str, int] | dict[str, Fraction], example: str
) -> Fraction:
    names = ", ".join(units)
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        raise QuantityError(f"must be a {noun} with a unit", f"write for example `{example}`")
    match = _QUANTITY.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise QuantityError(f"must be a {noun} with a unit", f"write for example `{example}`")
    number, unit = match[1], match[2]
    if unit in units:
        return Fraction(number) * units[unit]
    raise QuantityError(f"must be a {noun} in {names}", _unit_help(unit, units, example))


def _unit_help(unit: str | None, units: dict[str, int] | dict[str, Fraction], example: str) -> str:
    if unit is None:
        return f"add the unit, for example `{example}`"
    binary = _DECIMAL_SIZES.get(unit.lower())
    if binary in units:
        return f"sizes are counted in powers of 1024: write `{binary}`"
    same = [known for known in units if known.lower() == unit.lower()]
    return f"write `{same[0]}` for the unit" if same else f"write for example `{example}`"
