"""Workload files of ZigZag: a YAML list of layers, each an equation over named loops.

The equation decides what a loop is: of the result and both operands (a product for each), of the
result and one operand (rows, columns), of both operands alone (summed over). Layers that multiply
no two operands (additions, pooling) are named in the notes.
The keys and the form of the equation are those of ZigZag's `workload_validator.py`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from tilewright.spec.composer import KeyPath
from tilewright.spec.diagnostics import Diagnostic, SpecError
from tilewright.spec.source import Document, read_document

from .layers import MAX_EXTENT, Convolution, Layer, Matmul, Workload

_EQUATION = re.compile(
    r"\s*O((?:\[\w*\])+)\s*\+?\s*=\s*(\w+)((?:\[\w*\])+)\s*([*+])\s*(\w+)((?:\[\w*\])+)\s*"
)
_RELATION = re.compile(r"\s*(\w+)\s*=\s*(?:(\d+)\s*\*\s*)?(\w+)\s*\+\s*(?:(\d+)\s*\*\s*)?(\w+)\s*")
_INDEX = re.compile(r"\[(\w*)\]")
_Relations: TypeAlias = Mapping[str, tuple[tuple[int, str], tuple[int, str]]]
_CONVOLUTION = {"b", "g", "k", "c", "oy", "ox", "fy", "fx"}


def parse_zigzag(text: str, file: str) -> Workload:
    """The workload of a ZigZag file. Raises SpecError with all mistakes of the text."""
    return zigzag_of(read_document(text, file))


def zigzag_of(document: Document) -> Workload:
    """The same of a document that is read already."""
    reader = _Reader(document)
    layers = reader.layers()
    if reader.mistakes:
        raise SpecError(sorted(reader.mistakes, key=lambda m: (m.line or 0, m.column or 0)))
    file = document.file
    return Workload(name=Path(file).stem, layers=layers, source=file, notes=tuple(reader.notes))


@dataclass(frozen=True)
class _Nest:
    """One layer's loops: sizes by name, and the names in the result and in the operands."""

    sizes: Mapping[str, int]
    result: frozenset[str]
    first: frozenset[str]
    second: frozenset[str]

    def product(self, names: frozenset[str]) -> int:
        return math.prod(self.sizes[name] for name in names)


class _Reader:
    """Walks one document and collects its mistakes."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.mistakes: list[Diagnostic] = list(document.mistakes)
        self.notes: list[str] = []

    def say(self, path: KeyPath, rule: str, help: str | None = None) -> None:
        if path not in self.document.poisoned:
            self.mistakes.append(self.document.diagnostic(path, rule, help=help))

    def layers(self) -> tuple[Layer, ...]:
        rows = self.document.data
        if not isinstance(rows, Sequence) or isinstance(rows, str) or not rows:
            self.say((), "must be a list of layers with `loop_dims` and `loop_sizes`")
            return ()
        found = [self.layer((index,), row) for index, row in enumerate(rows)]
        layers = tuple(layer for layer in found if layer is not None)
        if not layers and not self.mistakes:
            self.say((), "must have a layer that multiplies two operands")
        return layers

    def layer(self, path: KeyPath, row: object) -> Layer | None:
        if not isinstance(row, Mapping):
            self.say(path, "must be a layer with `equation`, `loop_dims` and `loop_sizes`")
            return None
        equation = row.get("equation")
        match = _EQUATION.fullmatch(equation) if isinstance(equation, str) else None
        if match is None:
            help = "for example `O[b][k]+=I[b][c]*W[c][k]`"
            self.say((*path, "equation"), "must be an equation of two operands", help)
            return None
        sizes = self.sizes(path, row)
        name = str(row.get("name") or f"layer {row.get('id', path[0])}")
        is_pooling = "Pool" in str(row.get("operator_type")) or row.get("operator_type") == "Max"
        if match[4] == "+" or is_pooling:
            self.notes.append(f"{name}: {row.get('operator_type')} has no products, is left out")
            return None
        relations = self.relations(path, row)
        if sizes is None or relations is None:
            return None
        nest = self.nest(path, match, sizes, relations)
        return None if nest is None else self.made(path, name, nest, relations)

    def sizes(self, path: KeyPath, row: Mapping[str, object]) -> dict[str, int] | None:
        """Loop sizes by lower-case name."""
        names, sizes = row.get("loop_dims"), row.get("loop_sizes")
        for key, value in (("loop_dims", names), ("loop_sizes", sizes)):
            if not isinstance(value, Sequence) or isinstance(value, str) or not value:
                self.say((*path, key), "must be a list")
                return None
        assert isinstance(names, Sequence) and isinstance(sizes, Sequence)
        if len(names) != len(sizes):
            rule = f"must have as many entries as loop_dims, {len(names)}, has {len(sizes)}"
            self.say((*path, "loop_sizes"), rule)
            return None
        before = len(self.mistakes)
        for index, size in enumerate(sizes):
            if type(size) is not int or not 1 <= size <= MAX_EXTENT:
                rule = f"must be a whole number from 1 to {MAX_EXTENT}"
                self.say((*path, "loop_sizes", index), rule)
        lower = [str(name).lower() for name in names]
        for index, name in enumerate(lower):
            if name in lower[:index]:
                self.say((*path, "loop_dims", index), f"names the loop {names[index]} twice")
        return dict(zip(lower, sizes, strict=True)) if len(self.mistakes) == before else None

    def relations(self, path: KeyPath, row: Mapping[str, object]) -> _Relations | None:
        """`ix=2*ox+1*fx` -> {"ix": ((2, "ox"), (1, "fx"))}."""
        found = {}
        stated = row.get("dimension_relations") or ()
        if not isinstance(stated, Sequence) or isinstance(stated, str):
            self.say((*path, "dimension_relations"), "must be a list")
            return None
        for index, relation in enumerate(stated):
            match = _RELATION.fullmatch(str(relation).lower())
            if match is None:
                rule = "must be a relation such as `ix=2*ox+1*fx`"
                self.say((*path, "dimension_relations", index), rule)
                return None
            found[match[1]] = ((int(match[2] or 1), match[3]), (int(match[4] or 1), match[5]))
        return found

    def nest(
        self,
        path: KeyPath,
        match: re.Match[str],
        sizes: Mapping[str, int],
        relations: _Relations,
    ) -> _Nest | None:
        parts = []
        for text in (match[1], match[3], match[6]):
            names: set[str] = set()
            for index in _INDEX.findall(text.lower()):
                pair = relations.get(index)
                names |= {pair[0][1], pair[1][1]} if pair is not None else {index} - {""}
            unknown = sorted(names - set(sizes))
            if unknown:
                rule = f"has the index {', '.join(unknown)}, which is no loop"
                help = "add it to `loop_dims`, or a relation to `dimension_relations`"
                self.say((*path, "equation"), rule, help)
                return None
            parts.append(frozenset(names))
        result, first, second = parts
        lost = sorted(set(sizes) - result - first - second)
        if lost:
            self.say((*path, "loop_dims"), f"{', '.join(lost)} is not in the equation")
            return None
        return _Nest(sizes, result, first, second)

    def made(
        self,
        path: KeyPath,
        name: str,
        nest: _Nest,
        relations: _Relations,
    ) -> Layer | None:
        try:
            if relations and {"k", "c"} & set(nest.sizes) and set(nest.sizes) <= _CONVOLUTION:
                return _convolution(name, nest.sizes, relations)
            return _matmul(name, nest)
        except ValueError as error:
            self.say(path, str(error))
            return None


def _matmul(name: str, nest: _Nest) -> Matmul:
    """Loops of one operand and the result are its rows or columns; of all three, repeats."""
    shared = nest.first & nest.second
    alone = (nest.first | nest.second) - shared - nest.result
    if alone or nest.result - nest.first - nest.second:
        raise ValueError("has a loop that is in one operand, or in the result, alone")
    return Matmul(
        name=name,
        M=nest.product((nest.first - shared) & nest.result),
        K=nest.product(shared - nest.result),
        N=nest.product((nest.second - shared) & nest.result),
        repeats=nest.product(shared & nest.result),
    )


def _convolution(
    name: str,
    sizes: Mapping[str, int],
    relations: _Relations,
) -> Convolution:
    """K and C of a ZigZag layer are of one group; ours are of all."""
    steps = {loop: step for pair in relations.values() for step, loop in pair}
    groups = sizes.get("g", 1)
    return Convolution(
        name=name,
        B=sizes.get("b", 1),
        K=sizes.get("k", 1) * groups,
        C=sizes.get("c", 1) * groups,
        OY=sizes.get("oy", 1),
        OX=sizes.get("ox", 1),
        FY=sizes.get("fy", 1),
        FX=sizes.get("fx", 1),
        stride=(steps.get("oy", 1), steps.get("ox", 1)),
        dilation=(steps.get("fy", 1), steps.get("fx", 1)),
        groups=groups,
    )
