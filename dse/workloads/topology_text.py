"""Fields of topology files with their places, and the names that their columns go by."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from tilewright.spec.diagnostics import Diagnostic, SpecError

MAX_MISTAKES = 50
_LINE_BREAK = re.compile("\r\n|\r|\n")
_BLANKS = re.compile(r"\s+")

CONVOLUTION_COLUMNS = {
    "name": "Layer name",
    "ifmap_rows": "IFMAP Height",
    "ifmap_columns": "IFMAP Width",
    "filter_rows": "Filter Height",
    "filter_columns": "Filter Width",
    "channels": "Channels",
    "filters": "Num Filter",
    "stride_rows": "Strides",
    "stride_columns": "Stride width",
    "batch": "Batch Size",
    "kept": "Sparsity",
}
MATMUL_COLUMNS = {"name": "Layer", "M": "M", "N": "N", "K": "K", "kept": "Sparsity"}
POSITIONS = tuple(CONVOLUTION_COLUMNS)[:8]
"""The order in which SCALE-Sim takes the columns of convolutions, whatever their names."""

_SPELLINGS = {
    "layer": "name",
    "layer name": "name",
    "l": "name",
    "name": "name",
    "ifmap height": "ifmap_rows",
    "ifmap width": "ifmap_columns",
    "filter height": "filter_rows",
    "filter width": "filter_columns",
    "channel": "channels",
    "channels": "channels",
    "num filter": "filters",
    "num filters": "filters",
    "stride": "stride_rows",
    "strides": "stride_rows",
    "stride height": "stride_rows",
    "stride width": "stride_columns",
    "batch": "batch",
    "batch size": "batch",
    "sparsity": "kept",
    "sparsity ratio": "kept",
    "m": "M",
    "n": "N",
    "k": "K",
}


@dataclass(frozen=True)
class Field:
    """One field of a line: its text without blanks around it or quotes, and where it begins."""

    text: str
    column: int
    width: int


def column_key(header: str) -> str | None:
    """The column that a header means: `  IFMAP  height` -> `ifmap_rows`."""
    return _SPELLINGS.get(_BLANKS.sub(" ", header.strip()).lower())


def split(line: str, delimiter: str) -> list[Field]:
    """The fields of a line. Quotes around a field keep delimiters in it; `""` is a quote."""
    fields, start = [], 0
    while True:
        end, is_open = start, False
        while end < len(line) and (is_open or line[end] != delimiter):
            is_open ^= line[end] == '"'
            end += 1
        fields.append(_field(line[start:end], start))
        if end >= len(line):
            return fields
        start = end + 1


def _field(raw: str, start: int) -> Field:
    text = raw.strip()
    column = start + len(raw) - len(raw.lstrip()) + 1
    width = max(1, len(text))
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1].replace('""', '"').strip()
    return Field(text, column if text else start + 1, width)


@dataclass
class TopologyText:
    """The lines of a file and the mistakes found in it; more than a screenful is not collected."""

    file: str
    lines: Sequence[str]
    mistakes: list[Diagnostic] = field(default_factory=list)

    @classmethod
    def of(cls, text: str, file: str) -> TopologyText:
        return cls(file, _LINE_BREAK.split(text))

    def say(self, row: int, place: Field, column: str, rule: str, help: str | None = None) -> None:
        """A mistake in line `row` (from 1), with the name of its column."""
        self.mistakes.append(
            Diagnostic(
                file=self.file,
                line=row,
                column=place.column,
                path=f"row {row}, {column}" if column else f"row {row}",
                rule=rule,
                value=place.text if column else None,
                help=help,
                source_line=self.lines[row - 1] if row <= len(self.lines) else None,
                width=place.width,
            )
        )
        if len(self.mistakes) >= MAX_MISTAKES:
            raise SpecError(self.in_order())

    def in_order(self) -> list[Diagnostic]:
        """The mistakes by place."""
        return sorted(self.mistakes, key=lambda mistake: (mistake.line or 0, mistake.column or 0))
