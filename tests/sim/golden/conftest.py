"""One op as a model for onnxruntime and as an integer graph, from the same description."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from tilewright.dataflow.graph import Graph, Op, Tensor
from tilewright.dataflow.number_formats import range_of
from tilewright.sim.golden.oracle import ELEMENT_TYPES, Oracle, processor_flags
from tilewright.sim.golden.run import run

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Quantised:
    """An operand or the result: integers that stand for floats. With `data`, a constant."""

    name: str
    number_format: str = "int8"
    scale: float | Sequence[float] = 1.0
    zero_point: int | Sequence[int] = 0
    shape: tuple[int, ...] = ()
    data: Array | None = None
    axis: int | None = None

    @property
    def scales(self) -> NDArray[np.float32]:
        return np.atleast_1d(np.array(self.scale, np.float32))

    @property
    def zero_points(self) -> Array:
        numbers = np.atleast_1d(np.array(self.zero_point, self.number_format))
        return np.broadcast_to(numbers, self.scales.shape)

    def tensor(self, shape: tuple[int, ...], role: Any) -> Tensor:
        return Tensor(
            name=self.name,
            shape=shape,
            number_format=self.number_format,
            scale=tuple(map(float, self.scales)),
            zero_point=tuple(map(int, self.zero_points)),
            axis=self.axis,
            role=role,
            data=self.data,
        )

    def parameters(self) -> list[onnx.TensorProto]:
        """Scale and zero point, scalars or one for each index along the axis."""
        shape = self.scales.shape if self.axis is not None else ()
        return [
            numpy_helper.from_array(self.scales.reshape(shape), f"{self.name}_scale"),
            numpy_helper.from_array(self.zero_points.reshape(shape), f"{self.name}_zero_point"),
        ]

    def values(self, rng: np.random.Generator, style: str = "uniform") -> Array:
        """Random numbers of the whole range, or only its ends and the zero point's neighbours."""
        low, high = range_of(self.number_format)
        if style == "uniform":
            return rng.integers(low, high + 1, self.shape, self.number_format)
        zero = int(self.zero_points[0])
        few = np.clip([low, high, zero - 1, zero, zero + 1], low, high)
        return rng.choice(few, self.shape).astype(self.number_format)


@dataclass(frozen=True, kw_only=True)
class SingleOp:
    """`kind` of ours and `node` of ONNX on the same operands.

    `more` are further constants of our op; `node_operands` and `node_constants` are further inputs
    of the node, dequantised and as they are.
    """

    kind: str
    node: str
    operands: Sequence[Quantised]
    result: Quantised
    attributes: Mapping[str, Any] = field(default_factory=dict)
    node_attributes: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Array] = field(default_factory=dict)
    node_operands: Sequence[Quantised] = ()
    node_constants: Mapping[str, Array] = field(default_factory=dict)

    def model(self) -> bytes:
        """Dequantised operands, the node, its result quantised."""
        nodes, constants, inputs, names = [], [], [], []
        for operand in (*self.operands, *self.node_operands):
            constants += operand.parameters()
            if operand.data is None:
                element = ELEMENT_TYPES[operand.number_format]
                inputs.append(helper.make_tensor_value_info(operand.name, element, operand.shape))
            else:
                constants.append(numpy_helper.from_array(operand.data, operand.name))
            names.append(f"{operand.name}_float")
            parts = [operand.name, f"{operand.name}_scale", f"{operand.name}_zero_point"]
            axis = {} if operand.axis is None else {"axis": operand.axis}
            nodes.append(helper.make_node("DequantizeLinear", parts, names[-1:], **axis))
        for name, array in self.node_constants.items():
            constants.append(numpy_helper.from_array(array, name))
            names.append(name)
        nodes.append(helper.make_node(self.node, names, ["made"], **self.node_attributes))
        constants += self.result.parameters()
        parts = ["made", f"{self.result.name}_scale", f"{self.result.name}_zero_point"]
        nodes.append(helper.make_node("QuantizeLinear", parts, [self.result.name]))
        element = ELEMENT_TYPES[self.result.number_format]
        output = helper.make_tensor_value_info(self.result.name, element, None)
        graph = helper.make_graph(nodes, "single", inputs, [output], constants)
        opset = [helper.make_opsetid("", 21)]
        return helper.make_model(graph, opset_imports=opset, ir_version=10).SerializeToString()

    def graph(self, shape: tuple[int, ...]) -> Graph:
        """Our op alone; `shape` of its result."""
        tensors = [
            o.tensor(o.shape if o.data is None else o.data.shape,
                     "input" if o.data is None else "constant")
            for o in self.operands
        ]  # fmt: skip
        tensors += [
            Tensor(name=key, shape=array.shape, number_format=array.dtype.name, role="constant",
                   data=array)
            for key, array in self.more.items()
        ]  # fmt: skip
        op = Op(
            name="op",
            kind=self.kind,
            inputs=tuple(tensor.name for tensor in tensors),
            outputs=(self.result.name,),
            attributes=dict(self.attributes),
        )
        tensors.append(self.result.tensor(shape, "output"))
        return Graph(name="single", ops=(op,), tensors=tuple(tensors))

    def inputs(self, rng: np.random.Generator, style: str = "uniform") -> dict[str, Array]:
        return {o.name: o.values(rng, style) for o in self.operands if o.data is None}

    def oracle(self) -> Oracle:
        return Oracle(self.model())

    def kernels(self, oracle: Oracle) -> set[str]:
        """The operators that onnxruntime runs, without changes of layout."""
        return {name.split(":")[1] for name in oracle.nodes} - {"Transpose"}

    def differences(
        self, seed: int, styles: Sequence[str] = ("uniform", "edges"), kernel: str | None = None
    ) -> tuple[int, int]:
        """How many results differ from onnxruntime's, and of how many.

        With `kernel`, onnxruntime must have taken this operator for the whole model.
        """
        rng = np.random.default_rng(seed)
        oracle = self.oracle()
        assert kernel is None or self.kernels(oracle) == {kernel}, self.kernels(oracle)
        wrong = total = 0
        for style in styles:
            given = self.inputs(rng, style)
            theirs = oracle.run(given)[self.result.name]
            ours = run(self.graph(theirs.shape), given)[self.result.name]
            assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
            wrong += int((ours != theirs).sum())
            total += ours.size
        return wrong, total


def hard_scale(rng: np.random.Generator, unit: float = 1.0) -> np.float32:
    """A few last bits from `unit` times a fraction of a power of two: results lie close to ties."""
    scale = np.float32(unit * rng.integers(1, 64) * 2.0 ** -int(rng.integers(1, 7)))
    for _ in range(int(rng.integers(0, 4))):
        scale = np.nextafter(scale, np.float32(rng.choice([0, 1e9])))
    return scale


@pytest.fixture
def fused_kernels() -> None:
    """onnxruntime's kernels with fused multiply-adds; without them it rounds otherwise."""
    if len(processor_flags(("avx2", "fma"))) < 2:
        pytest.skip("the processor has no AVX2 and FMA: onnxruntime adds otherwise")


@pytest.fixture(scope="session")
def quantised() -> type[Quantised]:
    return Quantised


@pytest.fixture(scope="session")
def single_op() -> type[SingleOp]:
    return SingleOp


@pytest.fixture(scope="session")
def near_tie() -> Callable[..., np.float32]:
    return hard_scale
