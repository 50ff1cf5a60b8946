"""`Graph`: the model as integer ops on tensors, which everything after the importers works on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from .checks import distinct, not_empty
from .serial import frozen_mapping

Role = Literal["input", "output", "intermediate", "constant"]
Number = int | float
NUMBER_FORMATS = ("int8", "uint8", "int16", "uint16", "int32", "float32")


@dataclass(frozen=True, kw_only=True, eq=False)
class Tensor:
    """An array of numbers between ops.

    The value of element *q* is `scale * (q - zero_point)`; both have one entry, or one for each
    index along `axis`, or none (a tensor of plain numbers). `layout` names the order of the axes,
    outermost first (`MK`, `KN`, `N`). `data` holds a constant's values. `origin` is its name in the
    model file.
    """

    name: str
    shape: tuple[int, ...]
    number_format: str
    scale: tuple[float, ...] = ()
    zero_point: tuple[int, ...] = ()
    axis: int | None = None
    layout: str = ""
    role: Role = "intermediate"
    data: np.ndarray[Any, Any] | None = None
    origin: str = ""

    def __post_init__(self) -> None:
        not_empty("name", self.name)
        if self.number_format not in NUMBER_FORMATS:
            raise ValueError(f"tensor {self.name}: number_format {self.number_format!r} is unknown")
        if any(extent < 1 for extent in self.shape):
            raise ValueError(f"tensor {self.name}: shape {self.shape} has an extent below 1")
        if self.axis is not None and not 0 <= self.axis < len(self.shape):
            raise ValueError(f"tensor {self.name}: axis {self.axis} is not in shape {self.shape}")
        if len(self.scale) != len(self.zero_point):
            raise ValueError(f"tensor {self.name}: as many scales as zero points")
        per_axis = 1 if self.axis is None else self.shape[self.axis]
        if self.scale and len(self.scale) != per_axis:
            raise ValueError(f"tensor {self.name}: {per_axis} scales, got {len(self.scale)}")
        if (self.data is not None) != (self.role == "constant"):
            raise ValueError(f"tensor {self.name}: constants and only they have data")
        if self.data is not None:
            self._freeze_data(self.data)

    def _freeze_data(self, data: np.ndarray[Any, Any]) -> None:
        if data.shape != self.shape or data.dtype.name != self.number_format:
            raise ValueError(
                f"tensor {self.name}: data must be {self.number_format} {self.shape}, "
                f"got {data.dtype.name} {data.shape}"
            )
        frozen = data.copy()
        frozen.setflags(write=False)
        object.__setattr__(self, "data", frozen)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tensor):
            return NotImplemented
        mine, theirs = dict(vars(self)), dict(vars(other))
        a, b = mine.pop("data"), theirs.pop("data")
        if (a is None) != (b is None) or mine != theirs:
            return False
        return a is None or bool(np.array_equal(a, b))

    def __hash__(self) -> int:
        return hash((self.name, self.shape, self.number_format))

    def __str__(self) -> str:
        extents = "x".join(map(str, self.shape)) or "scalar"
        scale = f" scale {self.scale[0]:.6g}" if len(self.scale) == 1 else ""
        scale = f" {len(self.scale)} scales" if len(self.scale) > 1 else scale
        return f"{self.name}: {self.number_format} {extents} {self.role}{scale}"

    def quantize(self, values: NDArray[np.float32]) -> NDArray[Any]:
        """Float values as integers: divide in float32, round half to even, saturate."""
        if len(self.scale) != 1:
            raise ValueError(f"tensor {self.name}: only a tensor with one scale quantises floats")
        limits = np.iinfo(self.number_format)
        ratio = np.asarray(values, np.float32) / np.float32(self.scale[0])
        if not np.isfinite(ratio).all():
            raise ValueError(f"tensor {self.name}: values must be finite")
        shifted = np.rint(ratio.astype(np.float64)) + self.zero_point[0]
        quantized: NDArray[Any] = np.clip(shifted, limits.min, limits.max)
        return quantized.astype(self.number_format)

    def dequantize(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """The float values that this tensor's integers stand for."""
        if len(self.scale) != 1:
            raise ValueError(f"tensor {self.name}: only a tensor with one scale has floats")
        difference = np.asarray(values, np.int32) - np.int32(self.zero_point[0])
        return difference.astype(np.float32) * np.float32(self.scale[0])


@dataclass(frozen=True, kw_only=True)
class Op:
    """One operation. `kind` decides the meaning of `inputs` and `attributes`.

    `matmul`: inputs activation [M][K], weight [K][N], bias [N] (int32, in units of the two scales),
    scale [N] (float32, of the results; or int32, fixed-point words of a multiplier of attribute
    multiplier_bits and a shift); attributes zero_point, minimum, maximum (saturation of the result;
    a ReLU raises minimum to the zero point). `origin` names the nodes it was made from.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, int | float | str] = field(default_factory=dict)
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
        shapes = (
            (self.tensor(op.inputs[0]).shape, self.tensor(op.inputs[1]).shape) for op in self.ops
        )
        return sum(m * k * n for (m, k), (_, n) in shapes)

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

    @property
    def _by_name(self) -> dict[str, Tensor]:
        return {tensor.name: tensor for tensor in self.tensors}
