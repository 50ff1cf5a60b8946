"""`Graph`: the model as ops on tensors, which everything after the importers works on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import networkx as nx

from .checks import distinct, not_empty
from .operators import KINDS, check
from .serial import frozen_mapping
from .tensor import Role, Tensor

__all__ = ["Graph", "Op", "Role", "Tensor"]


@dataclass(frozen=True, kw_only=True)
class Op:
    """One operation. `kind` (`operators.KINDS`) decides the meaning of `inputs` and `attributes`.

    `matmul`: inputs activation [M][K], weight [K][N], bias [N] (int32, in units of the two scales),
    scale [N] (float32, of the results; or int32, fixed-point words of a multiplier of attribute
    multiplier_bits and a shift); attributes zero_point, minimum, maximum (saturation of the result;
    a ReLU raises minimum to the zero point). `origin` names the nodes it was made from.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, int | float | str | tuple[int, ...]] = field(default_factory=dict)
    origin: str = ""

    def __post_init__(self) -> None:
        not_empty("name", self.name)
        not_empty("kind", self.kind)
        if not self.outputs:
            raise ValueError(f"op {self.name}: must have an output")
        object.__setattr__(self, "attributes", frozen_mapping(self.attributes))

    def __str__(self) -> str:
        attributes = " ".join(f"{key}={value}" for key, value in self.attributes.items())
        return f"{', '.join(self.outputs)} = {self.kind}({', '.join(self.inputs)}) {attributes}"

    def integers(self, name: str) -> tuple[int, ...]:
        """An attribute that must list integers."""
        value = self.attributes.get(name)
        if not isinstance(value, tuple):
            raise ValueError(f"op {self.name}: attribute {name} must list integers, got {value!r}")
        return value

    def number(self, name: str) -> float:
        """An attribute that must be a number."""
        value = self.attributes.get(name)
        if type(value) not in (int, float):
            raise ValueError(f"op {self.name}: attribute {name} must be a number, got {value!r}")
        return float(value)  # type: ignore[arg-type]  # a number, as just seen

    def text(self, name: str) -> str:
        """An attribute that must be a text."""
        value = self.attributes.get(name)
        if not isinstance(value, str):
            raise ValueError(f"op {self.name}: attribute {name} must be a text, got {value!r}")
        return value

    def integer(self, name: str) -> int:
        """An attribute that must be an integer."""
        value = self.attributes.get(name)
        if type(value) is not int:
            raise ValueError(f"op {self.name}: attribute {name} must be an integer, got {value!r}")
        return value


@dataclass(frozen=True, kw_only=True)
class Graph:
    """Ops in an order in which they can run, and all their tensors."""

    name: str
    ops: tuple[Op, ...]
    tensors: tuple[Tensor, ...]

    def __post_init__(self) -> None:
        not_empty("name", self.name)
        distinct("ops", (op.name for op in self.ops))
        distinct("tensors", (tensor.name for tensor in self.tensors))
        known = {tensor.name: tensor for tensor in self.tensors}
        ready = {name for name, t in known.items() if t.role in ("input", "constant")}
        for op in self.ops:
            for name in (*op.inputs, *op.outputs):
                if name not in known:
                    raise ValueError(f"op {op.name}: tensor {name!r} is not in the graph")
            late = [name for name in op.inputs if name not in ready]
            if late:
                raise ValueError(f"op {op.name}: {', '.join(late)} is made by no earlier op")
            again = [name for name in op.outputs if name in ready]
            if again:
                raise ValueError(f"op {op.name}: {', '.join(again)} is already made")
            ready.update(op.outputs)
        lost = [t.name for t in self.tensors if t.role == "output" and t.name not in ready]
        if lost:
            raise ValueError(f"outputs that no op makes: {', '.join(lost)}")
        for op in self.ops:
            self._check_kind(op, known)

    @staticmethod
    def _check_kind(op: Op, known: Mapping[str, Tensor]) -> None:
        operands = [known[name].shape for name in op.inputs]
        results = [known[name].shape for name in op.outputs]
        try:
            check(op.kind, operands, results, op.attributes)
        except ValueError as error:
            raise ValueError(f"op {op.name} ({op.kind}): {error}") from None

    def tensor(self, name: str) -> Tensor:
        """The tensor of this name."""
        return self._by_name[name]

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        return tuple(tensor for tensor in self.tensors if tensor.role == "input")

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        return tuple(tensor for tensor in self.tensors if tensor.role == "output")

    @property
    def macs(self) -> int:
        """Useful multiply-accumulates of one run."""
        return sum(map(self.macs_of, self.ops))

    def macs_of(self, op: Op) -> int:
        """Useful multiply-accumulates of one op in one run."""
        operands = [self.tensor(name).shape for name in op.inputs]
        return KINDS[op.kind].macs(operands, self.tensor(op.outputs[0]).shape)

    def networkx(self) -> nx.DiGraph[str]:
        """Nodes `op:NAME` and `tensor:NAME` (attribute `item`); edges follow the data."""
        view: nx.DiGraph[str] = nx.DiGraph()
        for tensor in self.tensors:
            view.add_node(f"tensor:{tensor.name}", item=tensor)
        for op in self.ops:
            view.add_node(f"op:{op.name}", item=op)
            view.add_edges_from((f"tensor:{name}", f"op:{op.name}") for name in op.inputs)
            view.add_edges_from((f"op:{op.name}", f"tensor:{name}") for name in op.outputs)
        return view

    def __str__(self) -> str:
        lines = [f"graph {self.name}"]
        lines += [f"  {tensor}" for tensor in self.tensors if tensor.role != "constant"]
        lines += [f"  {op}" for op in self.ops]
        return "\n".join(lines)

    @cached_property
    def _by_name(self) -> dict[str, Tensor]:
        return {tensor.name: tensor for tensor in self.tensors}
