"""The float ends of a model, which stay with the host, as model graphs of their own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..graph import Graph, Op
from ..number_formats import is_integer_format
from ..tensor import Tensor
from .accumulate import ACCUMULATING, raw
from .float_chain import Floats
from .holding import hold
from .state import HELP_AGAIN, State
from .values import Floating, Free, Held, Literal, Refused
from .ways import constant_of


def before_graph(state: State) -> Graph | None:
    """From the float inputs to the quantised ones; None if nothing but `quantize` stands there."""
    model, boundaries = state.model, state.boundaries.values()
    is_plain = all(
        isinstance(value := state.values[item.source], Free)
        and value.op is None
        and item.target.is_full
        and item.target.rounding is None
        for item in boundaries
    )
    if is_plain:
        return None
    ops = _ops_before(state, [item.source for item in boundaries])
    for op in ops:
        if op.kind in ACCUMULATING:
            rule = f"{op.kind} in floats, in front of the first QuantizeLinear"
            state.refused.append(Refused(op, rule, HELP_AGAIN))
    used = {name for op in ops for name in op.inputs} | {item.source for item in boundaries}
    made = {name for op in ops for name in op.outputs}
    tensors = [
        replace(t, role="intermediate") if t.role == "output" else t
        for t in model.tensors
        if t.name in used | made
    ]
    ops = [replace(op, name=f"{op.kind}_{number}") for number, op in enumerate(ops)]
    for item in boundaries:
        tensor = state.build.tensors[item.tensor]
        ops.append(
            Op(
                name=f"quantize_{len(ops)}",
                kind="quantize",
                inputs=(item.source,),
                outputs=(tensor.name,),
                attributes=item.target.op.attributes,
                origin=item.target.op.origin,
            )
        )
        tensors.append(replace(tensor, role="output"))
    return Graph(name=f"{model.name}_before", ops=tuple(ops), tensors=tuple(tensors))


def _ops_before(state: State, wanted: Iterable[str]) -> list[Op]:
    """The model's ops that these values depend on, in order."""
    needed = set(wanted)
    ops = []
    for op in reversed(state.model.ops):
        if needed.isdisjoint(op.outputs):
            continue
        ops.append(op)
        needed.update(op.inputs)
    return ops[::-1]


def after_graph(state: State) -> Graph | None:
    """From the integer outputs to the model's; None if each is only dequantised.

    It marks the outputs of the integer graph. The results have the outputs' names as `origin`.

    Raises:
        Refused: if an output needs a float that no integer stands for.
    """
    outputs = [item.name for item in state.model.outputs]
    for name in outputs:
        hold(state, name)
    held = [value.tensor for name in outputs if isinstance(value := state.values[name], Held)]
    if len(held) == len(outputs) and len(set(held)) == len(held):
        for name, tensor in zip(outputs, held, strict=True):
            _mark(state, name, tensor)
        return None
    ops, starts = _ops_after(state, outputs)
    after = _After(state)
    for name in starts:
        try:
            after.start(name)
        except Refused as refused:
            state.refused.append(refused)
    if state.refused:
        return None
    for op in ops:
        after.op(op)
    return after.graph(outputs)


def _mark(state: State, value: str, tensor: str) -> None:
    """Make a tensor an output of the integer graph."""
    role = state.build.tensors[tensor].role
    if role in ("input", "constant"):
        what = "an input: nothing to compute" if role == "input" else "a constant"
        producer = next((op for op in state.model.ops if value in op.outputs), state.model.ops[-1])
        raise Refused(producer, f"output `{state.shown(value)}` is {what}")
    state.build.set_role(tensor, "output", state.shown(value))


def _ops_after(state: State, outputs: list[str]) -> tuple[list[Op], list[str]]:
    """The model's float ops behind the integers, and the values at which they begin."""
    needed, ops = set(outputs), []
    for op in reversed(state.model.ops):
        value = state.values[op.outputs[0]]
        if op.outputs[0] not in needed:
            continue
        if isinstance(value, Free):
            rule = "an output of the model needs its result, which no integer stands for"
            raise Refused(op, rule, HELP_AGAIN)
        if isinstance(value, Floating) and op.kind not in ACCUMULATING:
            ops.append(op)
            needed.update(op.inputs)
    starts = needed - {op.outputs[0] for op in ops}
    return ops[::-1], [t.name for t in state.model.tensors if t.name in starts]


class _After:
    """The float end behind the integers while it grows.

    `names` are its tensors for the model's values: integers keep theirs, floats give way.
    """

    def __init__(self, state: State) -> None:
        self.state = state
        self.ops: list[Op] = []
        self.tensors: dict[str, Tensor] = {}
        self.names: dict[str, str] = {}

    def start(self, name: str) -> None:
        """A constant, or a value that is dequantised from the integer graph's outputs."""
        value, tensor = self.state.values[name], self.state.model.tensor(name)
        is_integer = is_integer_format(tensor.number_format)
        if isinstance(value, Held):
            integers = self.state.build.tensors[value.tensor]
            if integers.role != "constant":
                _mark(self.state, name, integers.name)
                integers = replace(self.state.build.tensors[integers.name], role="input")
            if not is_integer:
                self._step(name, "dequantize", integers)
            elif tensor.role == "constant":
                self._add(name, tensor)
            else:  # as it is: under the output's own name, which a float may stand beside
                self._step(name, "reshape", integers)
        elif isinstance(value, Floating):
            self._dequantized_sums(name, value.op)
        elif isinstance(value, Literal):
            self._add(name, tensor)
        else:
            rule = f"an output of the model needs its float input `{self.state.shown(name)}`"
            raise Refused(self.state.model.ops[-1], rule, HELP_AGAIN)

    def _dequantized_sums(self, name: str, op: Op) -> None:
        """The floats of accumulators. A float bias that they cannot hold is added to those."""
        bias = None
        try:
            sums = self._sums(name, op)
        except Refused as refused:
            sums = self._sums(name, op, has_bias=False)
            bias = constant_of(self.state, op.inputs[2]) if len(op.inputs) > 2 else None
            if bias is None:
                raise refused from None
        self._step(name, "dequantize", sums)
        if bias is not None:
            self._biased(name, op, bias)

    def _biased(self, name: str, op: Op, bias: Floats) -> None:
        """The value `name` is what it was, plus a number for each channel."""
        tensor, before = self.state.model.tensor(name), self.names[name]
        behind = 0 if op.kind == "matmul" else len(tensor.shape) - 2
        data = bias.reshape(-1, *(1 for _ in range(behind)))
        number = len(self.ops)
        constant = self._add(
            f"bias_{number}",
            Tensor(
                name="bias",
                shape=data.shape,
                number_format="float32",
                role="constant",
                data=data,
                origin=self.state.shown(op.inputs[2]),
            ),
        )
        result = self._add(name, replace(tensor, role="intermediate"))
        inputs, nodes = (before, constant), op.origin or op.name
        self.ops.append(
            Op(name=f"add_{number}", kind="add", inputs=inputs, outputs=(result,), origin=nodes)
        )

    def _sums(self, name: str, op: Op, has_bias: bool = True) -> Tensor:
        """Accumulators; here, and only here, they have the scale that they stand for."""
        made, unit, axis = raw(self.state, op, has_bias)
        _mark(self.state, name, made)
        scale = tuple(map(float, unit))
        scale = scale[:1] if len(set(scale)) == 1 else scale
        return replace(
            self.state.build.tensors[made],
            role="input",
            scale=scale,
            zero_point=(0,) * len(scale),
            axis=axis if len(scale) > 1 else None,
        )

    def _step(self, name: str, kind: str, integers: Tensor) -> None:
        """An op that makes a value of the model from an output of the integer graph."""
        self.tensors[integers.name] = integers
        result = self._add(name, replace(self.state.model.tensor(name), role="intermediate"))
        self.ops.append(
            Op(
                name=f"{kind}_{len(self.ops)}",
                kind=kind,
                inputs=(integers.name,),
                outputs=(result,),
            )
        )

    def op(self, op: Op) -> None:
        """An op of the model."""
        lost = [name for name in op.inputs if name not in self.names]
        if lost:
            raise Refused(op, f"its input `{self.state.shown(lost[0])}` is an integer")
        tensor = replace(self.state.model.tensor(op.outputs[0]), role="intermediate")
        inputs = tuple(self.names[name] for name in op.inputs)
        name = f"{op.kind}_{len(self.ops)}"
        result = self._add(op.outputs[0], tensor)
        self.ops.append(replace(op, name=name, inputs=inputs, outputs=(result,)))

    def _add(self, name: str, tensor: Tensor) -> str:
        free = name
        while free in self.tensors or free in self.state.build.tensors:
            free += "_"
        self.tensors[free] = replace(tensor, name=free)
        self.names[name] = free
        return free

    def graph(self, outputs: Iterable[str]) -> Graph:
        for name in outputs:
            if name in self.names:
                tensor = self.tensors[self.names[name]]
                known = replace(tensor, role="output", origin=self.state.shown(name))
                self.tensors[tensor.name] = known
        name = f"{self.state.model.name}_after"
        return Graph(name=name, ops=tuple(self.ops), tensors=tuple(self.tensors.values()))
