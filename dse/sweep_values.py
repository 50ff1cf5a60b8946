"""Values of swept keys: as they stand in a spec, and as the numbers that a sweep counts with.

A key that takes a quantity (`64KiB`, `10s`, `25MHz`) is a number of bytes, seconds or hertz in a
space; `written` puts the unit back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import PydanticCustomError

from tilewright.spec import numbers
from tilewright.spec.kinds import Kind
from tilewright.spec.sweep_kinds import FINITE, is_finite

from .space_domains import Value

BYTES, SECONDS, HERTZ = "B", "s", "Hz"
_WRITERS: Final[Mapping[str, Callable[[Any], str]]] = {
    BYTES: numbers.format_size,
    SECONDS: numbers.format_duration,
    HERTZ: numbers.format_frequency,
}
_UNITS: Final = {write: unit for unit, write in _WRITERS.items()}
_PARSERS: Final[Mapping[str, Callable[[object], int | float]]] = {
    BYTES: numbers.parse_size_bytes,
    SECONDS: numbers.parse_duration_seconds,
    HERTZ: numbers.parse_frequency_hz,
}
_SCALES: Final = {"us": (SECONDS, 1e6), "MHz": (HERTZ, 1e-6)}
"""Units of metrics that are written in others."""
MOST_DIGITS: Final = 9
"""Of bounds in those units, so that `7us` is 7.0 us."""


class WrongValue(ValueError):
    """A value that its key cannot have: the rule, and a help where there is one."""

    def __init__(self, rule: str, help: str | None) -> None:
        super().__init__(rule)
        self.rule, self.help = rule, help


@dataclass(frozen=True, kw_only=True)
class KeyValues:
    """What a key can hold; `kind` None: anything, for a name that is no key."""

    kind: Kind | None = None

    @property
    def unit(self) -> str:
        """Of its numbers, empty where they have none."""
        write = self.kind.write if self.kind is not None else None
        return _UNITS.get(write, "") if write is not None else ""

    def read(self, value: Value) -> Value:
        """The value that a sweep counts with.

        Raises:
            WrongValue: the key cannot have it.
        """
        if not is_finite(value):
            raise WrongValue(FINITE, None)
        if self.kind is None:
            return value
        try:
            found = self.kind.convert(value)
        except PydanticCustomError as error:
            context = error.context or {}
            raise WrongValue(str(context["rule"]), context.get("help")) from None
        return found if isinstance(found, bool | int | float | str) else value

    def number(self, value: int | float | str) -> int | float:
        """An end or a step of a range, whatever the key's limits.

        Raises:
            WrongValue: it has the wrong unit, or it is text.
        """
        return number_of(value, self.unit)

    def written(self, value: Value) -> Value:
        """The value as it stands in a spec."""
        return written_value(value, self.unit)


def written_value(value: Value, unit: str) -> Value:
    """A value as it stands in a spec: numbers of bytes, seconds and hertz with their unit."""
    return _WRITERS[unit](value) if unit else value


def number_of(value: int | float | str, unit: str) -> int | float:
    """A number in `unit` (of a key or of a metric); text is a quantity with its own unit.

    Raises:
        WrongValue: it is text that this unit has no use for; or a key's number without its unit.
    """
    base, factor = _SCALES.get(unit, (unit, None))
    if base not in _PARSERS or (factor is not None and not isinstance(value, str)):
        if isinstance(value, str):
            raise WrongValue("must be a number", None)
        return value
    try:
        found = _PARSERS[base](value)
    except numbers.QuantityError as error:
        raise WrongValue(error.rule, error.help) from None
    return found if factor is None else round(found * factor, MOST_DIGITS)
