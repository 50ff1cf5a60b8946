"""Topology files of SCALE-Sim: CSV with a row per layer, convolutions or products.

Read by the names of the columns, so more files can be read than the tool itself reads. Rows that it
would take otherwise, or that have something else than a layer, are told in the notes. Convolutions
have no padding of their own: the input is as large as it is given, and a last window that reaches
beyond it counts, `OY = ceil((rows - FY + stride) / stride)`, as in the tool (`topology_utils.py`).
"""

from __future__ import annotations

import re
from pathlib import Path

from tilewright.spec.diagnostics import SpecError

from .layers import MAX_EXTENT, Convolution, Layer, Matmul, Pair, Workload
from .topology_text import (
    CONVOLUTION_COLUMNS,
    MATMUL_COLUMNS,
    POSITIONS,
    Field,
    TopologyText,
    column_key,
    split,
)

_DIGITS = re.compile(r"[0-9]{1,18}", re.ASCII)
_RATIO = re.compile(r"([0-9]{1,9}) ?: ?([0-9]{1,9})", re.ASCII)
_TEMPLATE = "a file of this kind is a template: put numbers in the place of its letters"


def parse_topology(text: str, file: str) -> Workload:
    """The workload of a topology file. Raises SpecError with the row and column of each mistake."""
    reader = _Reader(TopologyText.of(text.removeprefix("\ufeff"), file))
    layers = reader.layers()
    if reader.text.mistakes:
        raise SpecError(reader.text.in_order())
    return Workload(name=Path(file).stem, layers=layers, source=file, notes=tuple(reader.notes))


class _Reader:
    def __init__(self, text: TopologyText) -> None:
        self.text = text
        self.notes: list[str] = []
        self.section = ""
        self.delimiter = ","
        self.header: list[Field] = []
        self.places: dict[str, int] = {}
        self.needed: tuple[str, ...] = ()
        self.is_matmul = False

    def layers(self) -> tuple[Layer, ...]:
        rows = [
            (number, line)
            for number, line in enumerate(self.text.lines, 1)
            if line.strip() and not line.lstrip().startswith("#")
        ]
        if not rows:
            self.text.say(1, Field("", 1, 1), "", "must have a row of column names and layers")
            return ()
        self.read_header(*rows[0])
        if self.text.mistakes:
            return ()
        found = [self.layer(number, line) for number, line in rows[1:]]
        layers = tuple(layer for layer in found if layer is not None)
        if not layers and not self.text.mistakes:
            self.text.say(rows[0][0], self.header[0], "", "must be followed by rows of layers")
        return layers

    def read_header(self, number: int, line: str) -> None:
        if "," not in line:
            self.delimiter = "\t" if "\t" in line else ";" if ";" in line else ","
        self.header = split(line, self.delimiter)
        keys = [column_key(field.text) for field in self.header]
        self.is_matmul = {"M", "N", "K"} <= set(keys)
        for place, key in enumerate(keys):
            if key is not None:
                self.places.setdefault(key, place)
            elif self.header[place].text:
                self.notes.append(f"column `{self.header[place].text}` is not read")
        wanted = MATMUL_COLUMNS if self.is_matmul else CONVOLUTION_COLUMNS
        self.needed = ("name", "M", "N", "K") if self.is_matmul else POSITIONS
        missing = [key for key in self.needed if key not in self.places]
        if self.has_places_alone(keys, missing):
            self.places |= {key: place for place, key in enumerate(POSITIONS)}
            self.notes.append("columns are taken by their places, for a name stands twice")
        elif missing:
            names = ", ".join(wanted[key] for key in missing)
            rule = f"the first row must name the columns; {names} is missing"
            help = "`Layer, M, N, K` for products; " + ", ".join(
                CONVOLUTION_COLUMNS[key] for key in POSITIONS
            )
            self.text.say(number, self.header[0], "", rule, help)

    def has_places_alone(self, keys: list[str | None], missing: list[str]) -> bool:
        """A column named twice where the tool, which goes by places, has another (DeepBench)."""
        known = [key for key in keys[: len(POSITIONS)] if key is not None]
        is_twice = len(known) == len(POSITIONS) and len(set(known)) < len(POSITIONS)
        return not self.is_matmul and bool(missing) and is_twice

    def layer(self, number: int, line: str) -> Layer | None:
        fields = split(line, self.delimiter)
        filled = [field for field in fields if field.text]
        if not filled or [f.text for f in fields] == [f.text for f in self.header]:
            return None
        if len(filled) == 1 and fields[0].text:
            self.section = fields[0].text + "/"
            self.notes.append(f"row {number}: `{fields[0].text}` heads the rows below it")
            return None
        before = len(self.text.mistakes)
        if not self.is_whole_row(number, fields):
            return None
        self.check_rest(number, fields)
        make = self.matmul if self.is_matmul else self.convolution
        try:
            layer = make(number, fields)
        except ValueError as error:
            if len(self.text.mistakes) == before:
                self.text.say(number, fields[0], "", str(error))
            return None
        return layer if len(self.text.mistakes) == before else None

    def is_whole_row(self, number: int, fields: list[Field]) -> bool:
        wanted = max(self.places[key] for key in self.needed) + 1
        if len(fields) < wanted:
            rule = f"must have a field for each of {wanted} columns, has {len(fields)}"
            self.text.say(number, fields[-1], "", rule)
        return len(fields) >= wanted

    def check_rest(self, number: int, fields: list[Field]) -> None:
        """What stands beyond the named columns: a remark, a second stride, or a mistake."""
        named = max((i for i, f in enumerate(self.header) if f.text), default=0) + 1
        for place, field in enumerate(fields[named:], named):
            if not field.text:
                continue
            if field.text.startswith("#"):
                remark = field.text[1:].strip()
                self.notes.append(f"row {number}: `{fields[0].text}` has the remark `{remark}`")
                return
            if place == len(POSITIONS) and not self.is_matmul and _DIGITS.fullmatch(field.text):
                self.notes.append(f"row {number}: `{field.text}` is taken as stride of columns")
                continue
            self.text.say(number, field, f"field {place + 1}", "stands beyond the last column")

    def matmul(self, number: int, fields: list[Field]) -> Matmul:
        return Matmul(
            name=self.name(number, fields),
            M=self.whole(number, fields, "M"),
            K=self.whole(number, fields, "K"),
            N=self.whole(number, fields, "N"),
            kept=self.kept(number, fields),
        )

    def convolution(self, number: int, fields: list[Field]) -> Convolution:
        rows, columns = (self.whole(number, fields, f"ifmap_{way}") for way in ("rows", "columns"))
        FY, FX = (self.whole(number, fields, f"filter_{way}") for way in ("rows", "columns"))
        for way, taps, extent in (("rows", FY, rows), ("columns", FX, columns)):
            if taps > extent:
                rule = f"must not be larger than the input's {extent} {way}"
                self.say(number, fields, f"filter_{way}", rule)
        stride = self.stride(number, fields)
        channels, name = self.whole(number, fields, "channels"), self.name(number, fields)
        is_per_channel = "DP" in name
        if is_per_channel:
            self.notes.append(
                f"row {number}: `{name}` is one layer per channel, for its name has DP"
            )
        return Convolution(
            name=name,
            B=self.whole(number, fields, "batch") if self.has(fields, "batch") else 1,
            K=self.whole(number, fields, "filters"),
            C=1 if is_per_channel else channels,
            OY=max(1, -(-(rows - FY + stride[0]) // stride[0])),
            OX=max(1, -(-(columns - FX + stride[1]) // stride[1])),
            FY=FY,
            FX=FX,
            stride=stride,
            repeats=channels if is_per_channel else 1,
            kept=self.kept(number, fields),
        )

    def stride(self, number: int, fields: list[Field]) -> Pair:
        rows = self.whole(number, fields, "stride_rows")
        if self.has(fields, "stride_columns"):
            return rows, self.whole(number, fields, "stride_columns")
        place = len(POSITIONS)
        is_named = place < len(self.header) and self.header[place].text
        extra = fields[place] if place < len(fields) and not is_named else None
        if extra is not None and _DIGITS.fullmatch(extra.text) and int(extra.text):
            return rows, int(extra.text)
        return rows, rows

    def has(self, fields: list[Field], key: str) -> bool:
        place = self.places.get(key, len(fields))
        return place < len(fields) and bool(fields[place].text)

    def field(self, fields: list[Field], key: str) -> Field:
        return fields[self.places[key]]

    def say(self, number: int, fields: list[Field], key: str, rule: str) -> None:
        place = self.places[key]
        is_letters = self.field(fields, key).text.isalpha()
        title = self.header[place].text or key
        help = _TEMPLATE if is_letters else None
        self.text.say(number, self.field(fields, key), title, rule, help)

    def whole(self, number: int, fields: list[Field], key: str) -> int:
        text = self.field(fields, key).text
        value = int(text) if _DIGITS.fullmatch(text) else 0
        if not 1 <= value <= MAX_EXTENT:
            self.say(number, fields, key, f"must be a whole number from 1 to {MAX_EXTENT}")
            return 1
        return value

    def name(self, number: int, fields: list[Field]) -> str:
        return self.section + (self.field(fields, "name").text or f"row {number}")

    def kept(self, number: int, fields: list[Field]) -> Pair:
        """`2:4`: two of every four weights are not zero."""
        if not self.has(fields, "kept"):
            return 1, 1
        match = _RATIO.fullmatch(self.field(fields, "kept").text)
        if match is None or not 1 <= int(match[1]) <= int(match[2]):
            self.say(number, fields, "kept", "must be a ratio such as 2:4")
            return 1, 1
        return int(match[1]), int(match[2])
