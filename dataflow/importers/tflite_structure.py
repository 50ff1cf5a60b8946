"""Checks the structure of a TFLite file before anything follows an offset in it.

A flatbuffer (flatbuffers.dev, "FlatBuffer Internals") is a web of offsets: a table begins with the
distance back to its vtable, which lists where the table's fields lie; strings, vectors and tables
in it are offsets forward. Every one of them that the reader will follow is followed here first,
within the bounds of the file and of a budget, so that a damaged file can neither crash it nor make
it run for ever.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

IDENTIFIER = b"TFL3"
MAX_VISITS = 4_000_000
ANY_NUMBER = 2**32
_TABLE_VISITS = 4  # what a table costs beside its fields
_U16, _I32, _U32 = struct.Struct("<H"), struct.Struct("<i"), struct.Struct("<I")


class DamagedError(ValueError):
    """The structure is broken; `place` says where, the message what is wrong."""

    def __init__(self, place: str, message: str) -> None:
        super().__init__(message)
        self.place = place


@dataclass(frozen=True)
class Number:
    """A field of so many bytes that lies in the table."""

    num_bytes: int


@dataclass(frozen=True)
class Numbers:
    """A vector of at most so many numbers of so many bytes (a string: one byte)."""

    num_bytes: int
    most: int


@dataclass(frozen=True)
class Form:
    """What the fields of a table are, by their number in the schema."""

    name: str
    fields: Mapping[int, Rule] = field(default_factory=dict)


@dataclass(frozen=True)
class Many:
    """A vector of tables."""

    form: Form


@dataclass(frozen=True)
class Either:
    """A union: the table's form follows from the number in field `type_field`."""

    type_field: int
    forms: Mapping[int, Form]


Rule: TypeAlias = Number | Numbers | Form | Many | Either


def check_structure(data: bytes, form: Form) -> None:
    """Follow everything that `form` names, from the root.

    Raises:
        DamagedError: at the first offset, length or field that leaves its bounds.
    """
    if len(data) < 8 or data[4:8] != IDENTIFIER:
        raise DamagedError("", f"is not a TFLite model (no {IDENTIFIER.decode()} at byte 4)")
    walk = _Walk(data)
    walk.table(walk.forward(0, form.name), form, form.name)


class _Walk:
    """The bytes and how much of the budget is left."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.visits_left = MAX_VISITS

    def table(self, start: int, form: Form, place: str) -> None:
        self._spend(_TABLE_VISITS + len(form.fields), place)
        vtable = start - self._number(_I32, start, place)
        vtable_bytes = self._number(_U16, vtable, place)
        table_bytes = self._number(_U16, vtable + 2, place)
        is_sound = vtable_bytes >= 4 and vtable_bytes % 2 == 0 and table_bytes >= 4
        if not is_sound or max(vtable + vtable_bytes, start + table_bytes) > len(self.data):
            raise DamagedError(place, "a table leaves the file")
        for index, rule in form.fields.items():
            slot = 4 + 2 * index
            if slot + 2 > vtable_bytes:
                continue
            distance = self._number(_U16, vtable + slot, place)
            if distance == 0:
                continue
            num_bytes = rule.num_bytes if isinstance(rule, Number) else 4
            if distance < 4 or distance + num_bytes > table_bytes:
                raise DamagedError(place, f"field {index} leaves its table")
            self._value(start, distance, rule, place, vtable, vtable_bytes)

    def _value(
        self, start: int, distance: int, rule: Rule, place: str, vtable: int, vtable_bytes: int
    ) -> None:
        at = start + distance
        if isinstance(rule, Numbers):
            self._numbers(self.forward(at, place), rule, place)
        elif isinstance(rule, Form):
            self.table(self.forward(at, place), rule, f"{place}, {rule.name}")
        elif isinstance(rule, Many):
            self._tables(self.forward(at, place), rule.form, place)
        elif isinstance(rule, Either):
            chosen = self._chosen(start, rule, place, vtable, vtable_bytes)
            self.table(self.forward(at, place), chosen, f"{place}, {chosen.name}")

    def _chosen(self, start: int, rule: Either, place: str, vtable: int, vtable_bytes: int) -> Form:
        """The form of a union's table; one that is not known gets no field checked (nor read)."""
        slot = 4 + 2 * rule.type_field
        distance = self._number(_U16, vtable + slot, place) if slot + 2 <= vtable_bytes else 0
        kind = self.data[start + distance] if distance else 0
        return rule.forms.get(kind, Form("options of an op"))

    def _tables(self, start: int, form: Form, place: str) -> None:
        length = self._vector(start, 4, place)
        for index in range(length):
            inner = f"{place}, {form.name} {index}" if place != "model" else f"{form.name} {index}"
            self.table(self.forward(start + 4 + 4 * index, inner), form, inner)

    def _numbers(self, start: int, rule: Numbers, place: str) -> None:
        length = self._vector(start, rule.num_bytes, place)
        if length > rule.most:
            raise DamagedError(
                place, f"a vector has {length} entries, at most {rule.most} are read"
            )
        if rule.most < ANY_NUMBER:
            self._spend(length, place)  # the reader makes Python numbers of them

    def _vector(self, start: int, num_bytes: int, place: str) -> int:
        self._spend(1, place)
        length = self._number(_U32, start, place)
        if start + 4 + length * num_bytes > len(self.data):
            raise DamagedError(place, f"a vector of {length} entries leaves the file")
        return length

    def forward(self, at: int, place: str) -> int:
        """Where the offset at `at` leads."""
        distance = self._number(_U32, at, place)
        if distance < 4 or at + distance + 4 > len(self.data):
            raise DamagedError(place, f"an offset of {distance} leaves the file")
        return at + distance

    def _number(self, form: struct.Struct, at: int, place: str) -> int:
        if not 0 <= at <= len(self.data) - form.size:
            raise DamagedError(place, "an offset leaves the file")
        value: int = form.unpack_from(self.data, at)[0]
        return value

    def _spend(self, visits: int, place: str) -> None:
        self.visits_left -= visits
        if self.visits_left < 0:
            raise DamagedError(
                place, f"the file has more than {MAX_VISITS} tables, fields and numbers"
            )
