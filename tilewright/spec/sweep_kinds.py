"""Kinds of values that only the section `sweep:` has."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from .kinds import Kind, mistake

MAX_ITEMS = 100_000
Scalar = bool | int | float | str
SCALAR_SCHEMA = {"type": ["boolean", "number", "string"]}
FINITE = "must be a finite number"
NAMES_SCHEMA = {"type": ["array", "string"], "items": {"type": "string", "minLength": 1}}


def scalar(noun: str) -> Kind:
    """A plain value; which ones are right depends on the key that is swept."""

    def convert(value: object) -> Scalar:
        if not isinstance(value, bool | int | float | str):
            raise mistake(f"must be {noun}")
        return value

    return Kind(convert, SCALAR_SCHEMA)


def number(noun: str) -> Kind:
    """A number, or a quantity with its unit."""

    def convert(value: object) -> int | float | str:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise mistake(f"must be {noun}")
        if not is_finite(value):
            raise mistake(FINITE)
        return value

    return Kind(convert, {"type": ["number", "string"]})


def is_finite(value: Scalar) -> bool:
    """Whether a value is no number beyond all others: what a file of results could not hold."""
    return not isinstance(value, float) or math.isfinite(value)


def listed_values() -> Kind:
    """A list of plain values."""
    rule = "must be a list of values"

    def convert(value: object) -> tuple[Scalar, ...]:
        if isinstance(value, tuple):
            return value
        if not isinstance(value, list):
            raise mistake(rule, "in brackets, such as [4, 8, 16]")
        if not all(isinstance(item, bool | int | float | str) for item in value):
            raise mistake(rule, "text, numbers, true and false; no lists or sections in it")
        if len(value) > MAX_ITEMS:
            raise mistake(f"{rule}, at most {MAX_ITEMS}", "write a range")
        return tuple(value)

    return Kind(convert, {"type": "array", "items": SCALAR_SCHEMA}, list)


def name_list(noun: str) -> Kind:
    """A name, or a list of names."""

    def convert(value: object) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        found = [value] if isinstance(value, str) else value
        if not isinstance(found, list) or not found or {type(item) for item in found} != {str}:
            raise mistake(f"must be {noun}, or a list of them")
        return tuple(found)

    return Kind(convert, NAMES_SCHEMA, list)


def condition() -> Kind:
    """`{PATH: value}` or `{PATH: [values]}`, as (path, values)."""

    def convert(value: object) -> tuple[str, tuple[Scalar, ...]]:
        if isinstance(value, tuple):
            return value
        if not isinstance(value, dict) or len(value) != 1:
            raise mistake("must be one parameter's path with its value, or a list of values")
        path, among = next(iter(value.items()))
        listed = among if isinstance(among, list) else [among]
        if not all(isinstance(item, bool | int | float | str) for item in listed):
            raise mistake("must ask for plain values")
        return str(path), tuple(listed)

    schema: dict[str, Any] = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "patternProperties": {".": {"type": ["boolean", "number", "string", "array"]}},
    }
    return Kind(convert, schema, lambda asked: {asked[0]: list(asked[1])})


def plain_number() -> Kind:
    """A number."""

    def convert(value: object) -> int | float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise mistake("must be a number")
        if not is_finite(value):
            raise mistake(FINITE)
        return value

    return Kind(convert, {"type": "number"})


def positive(noun: str, most: float) -> Kind:
    """A number above 0."""

    def convert(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise mistake(f"must be a number of {noun}")
        if not 0 < value <= most:
            raise mistake(f"must be above 0 and at most {most:g}")
        return float(value)

    return Kind(convert, {"type": "number", "exclusiveMinimum": 0, "maximum": most})


class Shorthand:
    """Field metadata: what is no mapping stands for a section with this one key."""

    def __init__(self, key: str, schema: Mapping[str, Any], form: type) -> None:
        self.key, self.schema, self.form = key, schema, form

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        def write_out(value: object) -> object:
            return {self.key: value} if isinstance(value, self.form) else value

        return core_schema.no_info_before_validator_function(write_out, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [dict(self.schema), handler(schema)]}
