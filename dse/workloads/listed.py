"""Lists of layers in YAML: our own form, in which the library is written, too.

name: two layers
source: where the extents come from
layers:
  - {name: conv1, kind: convolution, K: 64, C: 3, OY: 112, OX: 112, FY: 7, FX: 7, stride: 2}
  - {name: fc, kind: matmul, M: 1, K: 2048, N: 1000}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tilewright.spec.composer import KeyPath
from tilewright.spec.diagnostics import Diagnostic, SpecError, suggestion
from tilewright.spec.source import Document, read_document

from .layers import MAX_EXTENT, Convolution, Layer, Matmul, Pair, Workload

_MATMUL = ("M", "K", "N")
_CONVOLUTION = ("K", "C", "OY", "OX", "FY", "FX")
_KNOWN = {
    "matmul": ("name", "kind", *_MATMUL, "repeats", "has_weights", "kept"),
    "convolution": (
        *("name", "kind", "B", *_CONVOLUTION),
        *("stride", "dilation", "groups", "repeats", "kept"),
    ),
}
_PAIRS = ("stride", "dilation", "kept")


def parse_list(text: str, file: str) -> Workload:
    """The workload of a YAML list of layers. Raises SpecError with all mistakes of the text."""
    return list_of(read_document(text, file))


def list_of(document: Document) -> Workload:
    """The same of a document that is read already."""
    reader = _Reader(document)
    workload = reader.workload()
    if reader.mistakes:
        raise SpecError(sorted(reader.mistakes, key=lambda m: (m.line or 0, m.column or 0)))
    assert workload is not None, "no mistake, so there is a workload"
    return workload


class _Reader:
    """Walks one document and collects its mistakes."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.mistakes: list[Diagnostic] = list(document.mistakes)

    def say(self, path: KeyPath, rule: str, help: str | None = None, at_key: bool = False) -> None:
        if path not in self.document.poisoned:
            self.mistakes.append(self.document.diagnostic(path, rule, help=help, at_key=at_key))

    def workload(self) -> Workload | None:
        data = self.document.data
        if not isinstance(data, Mapping):
            self.say((), "must be a workload: `name:` and `layers:`")
            return None
        self.refuse_unknown((), data, ("name", "source", "layers"))
        name = self.text(("name",), data.get("name"))
        source = self.text(("source",), data.get("source", "its file"))
        rows = data.get("layers")
        if not isinstance(rows, Sequence) or isinstance(rows, str) or not rows:
            self.say(("layers",), "must be a list of one or more layers")
            return None
        layers = [self.layer(("layers", index), row) for index, row in enumerate(rows)]
        good = tuple(layer for layer in layers if layer is not None)
        return Workload(name=name, source=source, layers=good)

    def layer(self, path: KeyPath, row: object) -> Layer | None:
        if not isinstance(row, Mapping):
            self.say(path, "must be a layer: `{name: ..., kind: ..., ...}`")
            return None
        kind = row.get("kind")
        if kind not in _KNOWN:
            help = suggestion(str(kind), tuple(_KNOWN), "kind") if kind is not None else None
            self.say((*path, "kind"), "must be `matmul` or `convolution`", help)
            return None
        before = len(self.mistakes)
        self.refuse_unknown(path, row, _KNOWN[kind])
        values = self.values(path, row, kind)
        if len(self.mistakes) > before:
            return None
        try:
            return Matmul(**values) if kind == "matmul" else Convolution(**values)
        except ValueError as error:
            self.say(path, str(error))
            return None

    def values(self, path: KeyPath, row: Mapping[str, object], kind: str) -> dict[str, Any]:
        values: dict[str, Any] = {"name": self.text((*path, "name"), row.get("name"))}
        required = _MATMUL if kind == "matmul" else _CONVOLUTION
        optional = [key for key in ("B", "groups", "repeats") if key in row and key in _KNOWN[kind]]
        for key in (*required, *optional):
            if key in row:
                values[key] = self.whole((*path, key), row[key])
            else:
                self.say(path, f"needs the key {key}")
        for key in _PAIRS:
            if key in row and key in _KNOWN[kind]:
                values[key] = self.pair((*path, key), row[key], is_one_enough=key != "kept")
        if kind == "matmul" and "has_weights" in row:
            values["has_weights"] = self.truth((*path, "has_weights"), row["has_weights"])
        return values

    def refuse_unknown(
        self, path: KeyPath, row: Mapping[str, object], known: Sequence[str]
    ) -> None:
        for key in row:
            if key not in known:
                help = suggestion(str(key), tuple(known), "key")
                self.say((*path, key), "is no key here", help, at_key=True)

    def text(self, path: KeyPath, value: object) -> str:
        if not isinstance(value, str) or not value.strip() or len(value) > 1000:
            self.say(path, "must be a text of 1 to 1000 characters")
            return ""
        return value

    def whole(self, path: KeyPath, value: object) -> int:
        if type(value) is not int or not 1 <= value <= MAX_EXTENT:
            self.say(path, f"must be a whole number from 1 to {MAX_EXTENT}")
            return 1
        return value

    def truth(self, path: KeyPath, value: object) -> bool:
        if not isinstance(value, bool):
            self.say(path, "must be true or false")
        return value is True

    def pair(self, path: KeyPath, value: object, is_one_enough: bool) -> Pair:
        if is_one_enough and type(value) is int:
            number = self.whole(path, value)
            return number, number
        if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
            one = "a whole number or " if is_one_enough else ""
            self.say(path, f"must be {one}a list of two")
            return 1, 1
        return self.whole((*path, 0), value[0]), self.whole((*path, 1), value[1])
