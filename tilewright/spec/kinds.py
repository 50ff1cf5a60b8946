"""Kinds of values: each converts, states its rule in one sentence, and describes itself as schema.

Used as metadata: `rows: Annotated[int, whole(1, 256)]`. A kind takes the place of pydantic's own
validation of the field, so every message is ours and names the whole rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

from . import numbers
from .diagnostics import suggestion
from .keywords import keyword_language

NAME_PATTERN = "^[a-z][a-z0-9_]{0,62}$"
MISTAKE = "tilewright"  # pydantic error type of our own messages
MAX_PATH_CHARS = 1024


class Section(BaseModel):
    """Base of all sections: strict, no unknown keys, frozen."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, protected_namespaces=(), populate_by_name=False
    )


def mistake(rule: str, help: str | None = None) -> PydanticCustomError:
    """What a converter raises."""
    return PydanticCustomError(MISTAKE, "{rule}", {"rule": rule, "help": help})


def require_mapping(value: object) -> object:
    """Refuses what is not a mapping, before its entries are read."""
    if not isinstance(value, dict):
        raise mistake("must be a section of `name: value` lines")
    return value


@dataclass(frozen=True)
class Kind:
    """Conversion of one value, its JSON schema, and its way back: dumps read as specs do."""

    convert: Callable[[object], Any]
    schema: Mapping[str, Any]
    write: Callable[[Any], Any] | None = None

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        writer = None
        if self.write is not None:
            # A key that is left out and has no default stays without a value.
            writer = core_schema.plain_serializer_function_ser_schema(
                self.write, when_used="unless-none"
            )
        return core_schema.no_info_plain_validator_function(self.convert, serialization=writer)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return dict(self.schema)


def whole(minimum: int, maximum: int) -> Kind:
    """A whole number in [minimum, maximum]."""
    rule = f"must be a whole number from {minimum} to {maximum}"

    def convert(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise mistake(rule, _whole_help(value))
        if not minimum <= value <= maximum:
            raise mistake(rule)
        return value

    return Kind(convert, {"type": "integer", "minimum": minimum, "maximum": maximum})


def _whole_help(value: object) -> str | None:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return f"write {int(value)}"
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 16:
        return "write the number without quotes"
    return None


def power_of_two(minimum: int, maximum: int) -> Kind:
    """A power of two in [minimum, maximum]."""
    allowed = [1 << i for i in range(31) if minimum <= 1 << i <= maximum]
    rule = f"must be a power of two from {minimum} to {maximum}"

    def convert(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise mistake(rule, _whole_help(value))
        if value not in allowed:
            near = min(allowed, key=lambda power: (abs(power - value), power))
            raise mistake(rule, f"the nearest is {near}")
        return value

    return Kind(convert, {"enum": allowed})


def truth() -> Kind:
    """True or false."""

    def convert(value: object) -> bool:
        if not isinstance(value, bool):
            raise mistake("must be true or false")
        return value

    return Kind(convert, {"enum": [True, False]})


def choice(*words: str) -> Kind:
    """One of a few words."""
    listed = " or ".join((", ".join(words[:-1]), words[-1]) if len(words) > 1 else words)
    rule = f"must be {listed}"

    def convert(value: object) -> str:
        if not isinstance(value, str):
            raise mistake(rule)
        if value not in words:
            help = suggestion(value, words, "word")
            raise mistake(rule, help if help.startswith("did") else None)
        return value

    return Kind(convert, {"enum": list(words)})


def number_format(min_bits: int, max_bits: int) -> Kind:
    """A number format `int8`, `uint4` of min_bits to max_bits."""
    rule = f"must be int{min_bits} to int{max_bits} or uint{min_bits} to uint{max_bits}"
    help = "write for example `int8` (signed) or `uint8` (unsigned)"

    def convert(value: object) -> numbers.NumberFormat:
        if isinstance(value, numbers.NumberFormat):
            return value
        try:
            found = numbers.NumberFormat.parse(value if isinstance(value, str) else "")
        except numbers.QuantityError:
            raise mistake(rule, help) from None
        if not min_bits <= found.bits <= max_bits:
            raise mistake(rule)
        return found

    names = [f"{sign}int{bits}" for sign in ("", "u") for bits in range(min_bits, max_bits + 1)]
    return Kind(convert, {"enum": names}, str)


def size(minimum_bytes: int, maximum_bytes: int) -> Kind:
    """A number of bytes with its unit."""
    rule = (
        f"must be from {numbers.format_size(minimum_bytes)} to {numbers.format_size(maximum_bytes)}"
    )

    def convert(value: object) -> int:
        size_bytes = _quantity(numbers.parse_size_bytes, value)
        if not minimum_bytes <= size_bytes <= maximum_bytes:
            raise mistake(rule)
        return int(size_bytes)

    pattern = r"^[0-9]+(\.[0-9]+)? ?(B|KiB|MiB|GiB)$"
    return Kind(convert, {"type": "string", "pattern": pattern}, numbers.format_size)


def duration(minimum_seconds: float, maximum_seconds: float) -> Kind:
    """A time with its unit, in seconds."""
    low, high = numbers.format_duration(minimum_seconds), numbers.format_duration(maximum_seconds)

    def convert(value: object) -> float:
        seconds = _quantity(numbers.parse_duration_seconds, value)
        if not minimum_seconds <= seconds <= maximum_seconds:
            raise mistake(f"must be from {low} to {high}")
        return seconds

    pattern = r"^[0-9]+(\.[0-9]+)? ?(ns|us|ms|s|min|h)$"
    return Kind(convert, {"type": "string", "pattern": pattern}, numbers.format_duration)


def frequency(minimum_hz: int, maximum_hz: int) -> Kind:
    """A frequency with its unit, a whole number of hertz."""
    low, high = numbers.format_frequency(minimum_hz), numbers.format_frequency(maximum_hz)

    def convert(value: object) -> int:
        frequency_hz = _quantity(numbers.parse_frequency_hz, value)
        if not minimum_hz <= frequency_hz <= maximum_hz:
            raise mistake(f"must be from {low} to {high}")
        return int(frequency_hz)

    pattern = r"^[0-9]+(\.[0-9]+)? ?(Hz|kHz|MHz|GHz)$"
    return Kind(convert, {"type": "string", "pattern": pattern}, numbers.format_frequency)


def _quantity(parse: Callable[[object], float], value: object) -> float:
    try:
        return parse(value)
    except numbers.QuantityError as error:
        raise mistake(error.rule, error.help) from None


def identifier(*, reserved: tuple[str, ...] = (), without_vhdl: bool = False) -> Kind:
    """A name that is safe in every generated language."""

    def convert(value: object) -> str:
        if not isinstance(value, str) or re.fullmatch(NAME_PATTERN[1:-1], value) is None:
            rule = "must be a name: a lower-case letter, then at most 62 of a-z, 0-9 and _"
            raise mistake(rule, _name_help(value))
        language = keyword_language(value, without_vhdl)
        if language is not None:
            raise mistake(f"must not be a keyword of {language}", f"for example `{value}_0`")
        if value in reserved:
            raise mistake("must not be the name of a built-in unit", f"for example `{value}_0`")
        return value

    return Kind(convert, {"type": "string", "pattern": NAME_PATTERN})


def _name_help(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    letters = re.sub("[^a-z0-9_]+", "_", value.lower()).strip("_")[:63]
    is_name = re.fullmatch(NAME_PATTERN[1:-1], letters) is not None
    return f"for example `{letters}`" if is_name else None


def text(noun: str, max_chars: int = 255) -> Kind:
    """Any text that is not empty."""

    def convert(value: object) -> str:
        if not isinstance(value, str) or not 0 < len(value) <= max_chars:
            raise mistake(f"must be {noun}", _quote_help(value))
        return value

    return Kind(convert, {"type": "string", "minLength": 1, "maxLength": max_chars})


def _quote_help(value: object) -> str | None:
    is_scalar = isinstance(value, (bool, int, float))
    return "put quotes around it to make it text" if is_scalar else None


def relative_path(noun: str) -> Kind:
    """The path of a file, relative to the spec; that it exists is checked where that is known."""

    def convert(value: object) -> str:
        if not isinstance(value, str) or not 0 < len(value) <= MAX_PATH_CHARS:
            raise mistake(f"must be the path of {noun}", _quote_help(value))
        if not value.isprintable():
            raise mistake("must be a path without control characters")
        if value.startswith(("/", "~")) or re.match("[A-Za-z]:", value):
            raise mistake("must be a path relative to this file", "so that the folder can move")
        if "\\" in value:
            raise mistake("must be a path with `/` between folders")
        return value

    return Kind(convert, {"type": "string", "minLength": 1, "maxLength": MAX_PATH_CHARS})
