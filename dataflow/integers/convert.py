"""`to_integers`: the integer graph of a model graph, and its float ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from tilewright.spec.diagnostics import Diagnostic, SpecError

from ..graph import Graph, Op
from ..importers.imported import Imported
from ..number_formats import is_integer_format
from .ends import after_graph, before_graph
from .moves import MOVES, hold_joined, hold_moved
from .quantized import quantized
from .state import State, place
from .values import Floating, Free, Held, Literal, Refused, Target, Value


def to_integers(model: Graph, file: str) -> Imported:
    """The model as integer ops; what stands before the first `quantize` and behind the last
    `dequantize` is left to the host. `file` is for messages.

    Raises:
        SpecError: with every place at which floats stay between integers, and what to do there.
    """
    with np.errstate(all="ignore"):  # infinities saturate, NaN is looked for
        return _Conversion(model, file).imported()


SHOWN = 200
"""Messages, at most."""


class _Conversion:
    """One pass over the ops that the outputs need; collects what is refused."""

    def __init__(self, model: Graph, file: str) -> None:
        self.model, self.file = model, file
        self.state = State(replace(model, ops=_needed(model)))

    def imported(self) -> Imported:
        if not any(op.kind in ("quantize", "dequantize") for op in self.model.ops):
            self._refuse_whole("the model is float: nothing in it is quantised")
        for op in self.state.model.ops:
            self._take(op)
        if not self.state.refused and not self._has_integers():
            self._refuse_whole("the model is float: none of its activations is quantised")
        before, after = self._end(before_graph), self._end(after_graph)
        if self.state.refused:
            raise SpecError(self._diagnostics())
        if not self.state.build.ops:
            self._refuse_whole("no op stands between QuantizeLinear and DequantizeLinear")
        try:
            graph = self.state.build.graph(self.model.name)
        except ValueError as error:  # what operators.py refuses and no rule has foreseen
            raise SpecError([Diagnostic.plain(self.file, "", str(error))]) from None
        return Imported(graph=graph, model=self.model, before=before, after=after)

    def _take(self, op: Op) -> None:
        """Learn what one op's result is; floats between integers are judged at `quantize`."""
        result = op.outputs[0]
        try:
            self.state.values[result] = self._value(op)
        except Refused as refused:
            self.state.refused.append(refused)
            self.state.values[result] = self._stand_in(op)

    def _value(self, op: Op) -> Value:
        state, values = self.state, [self.state.values[name] for name in op.inputs]
        if op.kind == "quantize":
            target = Target.of(self.model, op)
            return Held(tensor=quantized(state, op.inputs[0], target, op.outputs[0]))
        if op.kind == "dequantize":
            return state.values[op.inputs[0]]
        if op.kind in MOVES and isinstance(values[0], Held):
            return hold_moved(state, op) or Floating(op=op)
        joined = hold_joined(state, op) if op.kind == "concat" else None
        return joined or self._float_value(op, values)

    def _float_value(self, op: Op, values: Sequence[Value]) -> Value:
        """Free if it needs the model's float inputs and no integers but constants."""
        constants = [
            isinstance(value, Literal)
            or (isinstance(value, Held) and self.state.build.tensors[value.tensor].data is not None)
            for value in values
        ]
        free = [isinstance(value, Free) for value in values]
        is_free = any(free) and all(a or b for a, b in zip(free, constants, strict=True))
        return Free(op=op) if is_free else Floating(op=op)

    def _stand_in(self, op: Op) -> Value:
        """What later ops may take for the result of a refused one, so that they are judged too."""
        tensor = self.model.tensor(op.outputs[0])
        if not is_integer_format(tensor.number_format):
            return Floating(op=op)
        name = self.state.build.free_name(tensor.name, is_of_file=True)
        return Held(tensor=self.state.build.add(replace(tensor, name=name, role="intermediate")))

    def _end(self, make: Callable[[State], Graph | None]) -> Graph | None:
        """A float end, unless something between the ends was refused."""
        try:
            return make(self.state)
        except Refused as refused:
            self.state.refused.append(refused)
            return None

    def _has_integers(self) -> bool:
        inputs = any(tensor.scale for tensor in self.model.inputs)
        embedded = any(op.kind == "gather" for op in self.state.build.ops)  # of a constant's rows
        return inputs or embedded or bool(self.state.boundaries)

    def _diagnostics(self) -> list[Diagnostic]:
        """What was refused, each once, in the order of the ops."""
        found = sorted(self.state.refused, key=lambda item: self.state.position[item.op.name])
        each = [
            Diagnostic.plain(self.file, place(item.op), item.rule, help=item.help) for item in found
        ]
        unique = list(dict.fromkeys(each))
        rest = len(unique) - SHOWN
        more = [Diagnostic.plain(self.file, "", f"and {rest} more")] if rest > 0 else []
        return [*unique[:SHOWN], *more]

    def _refuse_whole(self, rule: str) -> None:
        command = f"tilewright quantize {self.file} --data x.npz"
        raise SpecError([Diagnostic.plain(self.file, "", rule, help=f"quantise it: `{command}`")])


def _needed(model: Graph) -> tuple[Op, ...]:
    """The ops that the outputs depend on, in order."""
    needed = {tensor.name for tensor in model.outputs}
    ops = []
    for op in reversed(model.ops):
        if not needed.isdisjoint(op.outputs):
            ops.append(op)
            needed.update(op.inputs)
    return tuple(reversed(ops))
