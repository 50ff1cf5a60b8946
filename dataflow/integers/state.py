"""`State`: the model, what its values are known to be, and the integer graph so far."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass

from ..graph import Graph, Op
from ..number_formats import is_integer_format
from ..tensor import Tensor
from .builder import Builder
from .values import Floating, Free, Held, Literal, Quantisation, Refused, Target, Value

HELP_AGAIN = "quantise the float model again with `tilewright quantize MODEL.onnx --data x.npz`"


@dataclass(frozen=True, kw_only=True)
class Boundary:
    """A float value that the host quantises: an input of the integer graph."""

    source: str
    target: Target
    tensor: str


@dataclass(frozen=True, kw_only=True)
class Job:
    """Integers of `target` are wanted of the float op `op`, as the tensor `result`.

    `nodes` names the nodes of the file that become one op.
    """

    op: Op
    target: Target
    result: Tensor
    nodes: str


class State:
    """What the rules work on. `values` has an entry for each value made so far, by its name."""

    def __init__(self, model: Graph) -> None:
        self.model = model
        self.build = Builder(tensor.name for tensor in model.tensors)
        self.values: dict[str, Value] = {}
        self.boundaries: dict[Hashable, Boundary] = {}
        self.quantized: dict[Hashable, str] = {}
        self.refused: list[Refused] = []
        self.limits: dict[str, tuple[int, int]] = {}
        self.weights: dict[tuple[str, str], str] = {}
        self.position = {op.name: index for index, op in enumerate(model.ops)}
        self.consumers: dict[str, list[Op]] = defaultdict(list)
        for op in model.ops:
            for name in op.inputs:
                self.consumers[name].append(op)
        for tensor in model.tensors:
            if tensor.role in ("constant", "input"):
                self.values[tensor.name] = self._first(tensor)

    def _first(self, tensor: Tensor) -> Value:
        if is_integer_format(tensor.number_format):
            return Held(tensor=self.build.add(tensor))
        return Free() if tensor.data is None else Literal(data=tensor.data)

    def held(self, name: str) -> Tensor | None:
        """The integers that stand for a value; None if none do."""
        value = self.values[name]
        return self.build.tensors[value.tensor] if isinstance(value, Held) else None

    def not_quantised(self, op: Op, index: int) -> Refused:
        """Why the operand of an op is float, and what to do."""
        name = op.inputs[index]
        shown, value = self.shown(name), self.values[name]
        if isinstance(value, Literal):
            rule = f"its constant `{shown}` is float, it must be a dequantised integer constant"
        elif isinstance(value, Floating):
            rule = (
                f"no QuantizeLinear between {place(value.op)} and {place(op)}: `{shown}` is float"
            )
        else:
            rule = f"no QuantizeLinear in front of {place(op)}: its input `{shown}` is float"
        return Refused(op, rule, HELP_AGAIN)

    def shown(self, name: str) -> str:
        """A value's name in the file."""
        return self.model.tensor(name).origin or name

    def shape(self, name: str) -> tuple[int, ...]:
        return self.model.tensor(name).shape

    def made(self, name: str, target: Target) -> str:
        """Remember that a tensor made for `target` stays in its limits; the name."""
        if not target.is_full:
            self.limits[name] = (target.low, target.high)
        return name

    def fits(self, name: str, target: Target) -> bool:
        """Whether a tensor is already what `target` would make of it."""
        tensor = self.build.tensors[name]
        if Quantisation.of(tensor) != target.quantisation:
            return False
        low, high = self.limits.get(name, target.quantisation.limits)
        return target.low <= low and high <= target.high


def place(op: Op) -> str:
    """How messages name an op: the nodes that it was made from, and its kind."""
    return f"node {op.origin or op.name} ({op.kind})"


def origins(*ops: Op) -> str:
    """Names of the nodes of several ops, each once."""
    return ", ".join(dict.fromkeys(op.origin or op.name for op in ops))
