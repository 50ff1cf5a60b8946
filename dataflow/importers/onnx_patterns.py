"""Functions that exporters write as several nodes (Gelu by Erf or Tanh, HardSwish by Clip) become
one op again.

A group of ops is recognised by what it computes, not by how it is written: all its operands but one
are single numbers, so it is a function of one number, and that is compared with the known ones on a
grid. Orders of factors, `x / sqrt(2)` or `x * 0.7071` make no difference then.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..graph import Op
from ..shapes import AttributeValue
from .onnx_builder import Builder

Floats = NDArray[np.float64]

MAX_GROUP, MAX_STEPS = 12, 6
TOLERANCE = 5e-5  # exporters write constants of 5 to 8 digits; Gelu's two forms differ by 5e-4
_GRID: Floats = np.concatenate([np.linspace(-9, 9, 73), np.linspace(-3.1, 3.1, 32)])


def _erf(x: Floats) -> Floats:
    return np.array([math.erf(value) for value in x.tolist()])


_BINARY: Mapping[str, Callable[[Floats, Floats], Floats]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "pow": np.power,
}
_UNARY: Mapping[str, Callable[[Floats], Floats]] = {
    "erf": _erf,
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0.0),
}
_ANCHORS = ("erf", "tanh", "clip")


@dataclass(frozen=True, kw_only=True)
class _Known:
    kind: str
    attributes: Mapping[str, AttributeValue]
    values: Floats


_CUBE = math.sqrt(2 / math.pi) * (_GRID + 0.044715 * _GRID**3)
_KNOWN = (
    _Known(
        kind="gelu",
        attributes={"approximate": "none"},
        values=0.5 * _GRID * (1 + _erf(_GRID / math.sqrt(2))),
    ),
    _Known(
        kind="gelu",
        attributes={"approximate": "tanh"},
        values=0.5 * _GRID * (1 + np.tanh(_CUBE)),
    ),
    _Known(kind="hard_swish", attributes={}, values=_GRID * np.clip(_GRID / 6 + 0.5, 0.0, 1.0)),
)


def recognise(build: Builder, kept: set[str]) -> None:
    """Replaces groups in `build.ops`. `kept`: values that the model shows; they are not lost."""
    if any(op.kind in _ANCHORS for op in build.ops):
        _Groups(build, kept).replace_all()


class _Groups:
    def __init__(self, build: Builder, kept: set[str]) -> None:
        self.build, self.kept = build, kept
        self.order = {op.name: place for place, op in enumerate(build.ops)}
        self.readers: dict[str, list[Op]] = {}
        for op in build.ops:
            for name in dict.fromkeys(op.inputs):
                self.readers.setdefault(name, []).append(op)

    def replace_all(self) -> None:
        gone: set[str] = set()
        new: dict[str, Op] = {}
        for anchor in self.build.ops:
            if anchor.kind not in _ANCHORS or anchor.name in gone:
                continue
            found = self._match(anchor)
            if found is not None:
                group, op = found
                gone.update(each.name for each in group)
                new[group[-1].name] = op
        ops = [new.get(op.name, op) for op in self.build.ops]
        self.build.ops = [op for op in ops if op.name not in gone or op.name in new]

    def _match(self, anchor: Op) -> tuple[list[Op], Op] | None:
        """The group around an anchor, in order, and the op that it is."""
        for end in self._ends(anchor):
            for source in self._sources(anchor):
                group = self._group(source, end)
                if group is None or anchor not in group:
                    continue
                known = self._known(source, group)
                if known is None:
                    continue
                origins = dict.fromkeys(op.origin for op in group)
                made = replace(
                    end,
                    kind=known.kind,
                    inputs=(source,),
                    attributes=known.attributes,
                    origin=", ".join(origins),
                )
                return group, made
        return None

    def _ends(self, anchor: Op) -> Iterator[Op]:
        """Products behind the anchor, as long as nothing else reads what lies between."""
        op = anchor
        for _ in range(MAX_STEPS):
            readers = self.readers.get(op.outputs[0], [])
            if len(readers) != 1 or op.outputs[0] in self.kept:
                return
            op = readers[0]
            if op.kind in ("mul", "div"):
                yield op

    def _sources(self, anchor: Op) -> list[str]:
        """Values before the anchor, the nearest first."""
        found, level = [], [anchor.inputs[0]]
        for _ in range(MAX_STEPS):
            level = [name for name in level if self._number(name) is None and name not in found]
            found += level
            makers = [self.build.makers.get(name) for name in level]
            level = [
                name
                for op in makers
                if op is not None and (op.kind in _BINARY or op.kind == "relu")
                for name in dict.fromkeys(op.inputs)
            ]
        return found

    def _group(self, source: str, end: Op) -> list[Op] | None:
        """Ops from `source` to `end`, if nothing else enters or leaves."""
        group, waiting = {end.name: end}, [end]
        while waiting:
            for name in waiting.pop().inputs:
                maker = self.build.makers.get(name)
                if name == source or self._number(name) is not None:
                    continue
                if maker is None or maker.kind not in (*_BINARY, *_UNARY, "clip"):
                    return None
                if maker.name not in group:
                    group[maker.name] = maker
                    waiting.append(maker)
            if len(group) > MAX_GROUP:
                return None
        for op in group.values():
            readers = self.readers.get(op.outputs[0], [])
            if op is not end and any(each.name not in group for each in readers):
                return None
            if op is not end and op.outputs[0] in self.kept:
                return None
        same_shape = self.build.shape(source) == self.build.shape(end.outputs[0])
        in_order = sorted(group.values(), key=lambda op: self.order[op.name])
        return in_order if same_shape else None

    def _known(self, source: str, group: list[Op]) -> _Known | None:
        values = {source: _GRID}
        with np.errstate(all="ignore"):
            for op in group:
                values[op.outputs[0]] = self._compute(op, values)
        result = values[group[-1].outputs[0]]
        for known in _KNOWN:
            error = np.abs(result - known.values)
            if (error <= TOLERANCE * (1 + np.abs(known.values))).all():
                return known
        return None

    def _compute(self, op: Op, values: Mapping[str, Floats]) -> Floats:
        operands = [values[name] if name in values else self._grid(name) for name in op.inputs]
        if op.kind in _BINARY:
            return _BINARY[op.kind](operands[0], operands[1])
        if op.kind == "clip":
            return np.clip(operands[0], op.number("minimum"), op.number("maximum"))
        return _UNARY[op.kind](operands[0])

    def _grid(self, name: str) -> Floats:
        return np.full(_GRID.shape, self._number(name))

    def _number(self, name: str) -> float | None:
        values = self.build.constant(name)
        if values is None or values.size != 1 or values.dtype.kind != "f":
            return None
        return float(values.reshape(-1)[0])
