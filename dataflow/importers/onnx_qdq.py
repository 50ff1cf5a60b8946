"""Quantised ONNX models (QDQ form) to a `Graph` of integer ops.

A `MatMul` or `Gemm` between `DequantizeLinear` and `QuantizeLinear`, with or without a `Relu`,
becomes one `matmul` op; the float values between them never exist. What a model quantises first and
dequantises last is left to the host: the graph begins and ends with integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from tilewright.spec.diagnostics import Diagnostic, SpecError

from ..graph import Graph, Op, Role, Tensor
from .onnx_file import initializers, node_path, parse_model, read_model
from .quantisation import (
    Constant,
    Refused,
    attributes_of,
    read_constant,
    read_scalar_quantisation,
)

SUPPORTED = ("DequantizeLinear", "Gemm", "MatMul", "QuantizeLinear", "Relu")
INT8_MIN, INT8_MAX = -128, 127
BIAS_SCALE_TOLERANCE = 1e-4


@dataclass(frozen=True, kw_only=True)
class _Activation:
    """A dequantised value: the integer tensor that it stands for."""

    tensor: Tensor


@dataclass(frozen=True, kw_only=True)
class _Sum:
    """What a matmul has before it is quantised."""

    activation: Tensor
    weight: Constant  # values [K][N]
    bias: Constant | None
    has_relu: bool
    nodes: tuple[str, ...]


_Value = Constant | _Activation | _Sum


def import_onnx(path: Path, batch: int = 1) -> Graph:
    """The graph of the model in the file `path`, its free first extent bound to `batch`.

    Raises:
        SpecError: with everything that is wrong or not supported, each with the node's name.
    """
    return _Import(read_model(path), path, batch).graph()


def import_onnx_bytes(data: bytes, path: Path, batch: int = 1) -> Graph:
    """The same for a model in memory; `path` is for messages."""
    return _Import(parse_model(data, path), path, batch).graph()


class _Import:
    """One pass over the nodes; collects tensors, ops and diagnostics."""

    def __init__(self, model: onnx.ModelProto, path: Path, batch: int) -> None:
        self.model, self.path, self.batch = model, path, batch
        self.constants, self.diagnostics = initializers(model, path)
        self.tensors: dict[str, Tensor] = {}
        self.ops: list[Op] = []
        self.values: dict[str, _Value] = {}
        self.lost: set[str] = set()  # values that a refused node would have made

    def graph(self) -> Graph:
        nodes = self.model.graph.node
        foreign = [
            n for n in nodes if n.op_type not in SUPPORTED or n.domain not in ("", "ai.onnx")
        ]
        for node in foreign:
            self._refuse(node_path(node), f"operator {node.op_type} is not supported yet", _HELP)
        if self.diagnostics:
            raise SpecError(self.diagnostics)
        for node in nodes:
            self._node(node)
        if not self.diagnostics:
            self._mark_outputs()
        if not self.diagnostics and not self.ops:
            self._refuse("", "the model has no MatMul or Gemm between integers", _HELP)
        if self.diagnostics:
            raise SpecError(self.diagnostics)
        return Graph(
            name=self.model.graph.name or self.path.stem,
            ops=tuple(self.ops),
            tensors=tuple(self.tensors.values()),
        )

    def _refuse(self, place: str, rule: str, help: str | None = None) -> None:
        self.diagnostics.append(Diagnostic.plain(str(self.path), place, rule, help=help))

    def _node(self, node: onnx.NodeProto) -> None:
        """Take in one node; a node that needs a refused one's value is passed over."""
        if any(name in self.lost for name in node.input):
            self.lost.update(node.output)
            return
        make = {
            "DequantizeLinear": self._dequantize,
            "Gemm": self._gemm,
            "MatMul": self._product,
            "QuantizeLinear": self._quantize,
            "Relu": self._relu,
        }[node.op_type]
        try:
            make(node)
        except Refused as refused:
            self._refuse(node_path(node), refused.rule, refused.help)
            self.lost.update(node.output)

    def _dequantize(self, node: onnx.NodeProto) -> None:
        source = node.input[0]
        if source in self.constants:
            self.values[node.output[0]] = read_constant(node, self.constants)
            return
        scale, zero_point = read_scalar_quantisation(node, self.constants)
        if source not in self.tensors:
            self._add_input(source, scale, zero_point)
        tensor = self.tensors[source]
        if tensor.scale != (scale,) or tensor.zero_point != (zero_point,):
            raise Refused("scale and zero point must be those that the value was quantised with")
        self.values[node.output[0]] = _Activation(tensor=tensor)

    def _quantize(self, node: onnx.NodeProto) -> None:
        scale, zero_point = read_scalar_quantisation(node, self.constants)
        source, result = node.input[0], node.output[0]
        if source not in self.values:
            self._add_input(result, scale, zero_point, float_name=source)
            return
        value = self.values[source]
        if not isinstance(value, _Sum):
            raise Refused("only inputs and the results of MatMul and Gemm can be quantised")
        self._finish(value, result, scale, zero_point, node)

    def _add_input(self, name: str, scale: float, zero_point: int, float_name: str = "") -> None:
        """An integer input: quantised by the host from the model's float input, or int8 itself."""
        wanted = float_name or name
        declared = {item.name: item for item in self.model.graph.input}
        if wanted not in declared:
            raise Refused(f"`{wanted}` is neither an input nor a supported value")
        dims = declared[wanted].type.tensor_type.shape.dim
        if len(dims) != 2:
            raise Refused(f"input `{wanted}` must have 2 axes, got {len(dims)}")
        rows, depth = dims
        if not depth.HasField("dim_value") or depth.dim_value < 1:
            raise Refused(f"input `{wanted}`: the last extent must be a number")
        if rows.HasField("dim_value") and rows.dim_value != self.batch:
            raise Refused(
                f"input `{wanted}` has a fixed batch of {rows.dim_value}, {self.batch} was asked"
            )
        self.tensors[name] = _activation(
            name, (self.batch, depth.dim_value), scale, zero_point, "input", wanted
        )

    def _gemm(self, node: onnx.NodeProto) -> None:
        attributes = attributes_of(node)
        for name, only in (("alpha", 1.0), ("beta", 1.0), ("transA", 0)):
            if attributes.get(name, only) != only:
                raise Refused(f"{name} must be {only}, got {attributes[name]}")
        self._product(node, is_transposed=attributes.get("transB", 0) == 1)

    def _product(self, node: onnx.NodeProto, is_transposed: bool = False) -> None:
        left, right = (self.values.get(name) for name in node.input[:2])
        if not isinstance(left, _Activation):
            raise Refused("the first input must be a dequantised int8 activation")
        if not isinstance(right, Constant) or right.values.dtype != np.int8:
            raise Refused("the second input must be a dequantised int8 constant")
        if right.values.ndim != 2:
            raise Refused(f"weights must have 2 axes, got {right.values.ndim}")
        if right.axis is not None and right.axis != (0 if is_transposed else 1):
            raise Refused("weight scales must be per output channel, not along the summed axis")
        values = np.ascontiguousarray(right.values.T) if is_transposed else right.values
        depth = left.tensor.shape[1]
        if values.shape[0] != depth or values.shape[1] < 1:
            raise Refused(f"weights must be {depth} x N, got {values.shape}")
        bias = self._bias(node, left.tensor, right, values.shape[1])
        self.values[node.output[0]] = _Sum(
            activation=left.tensor,
            weight=replace(right, values=values),
            bias=bias,
            has_relu=False,
            nodes=(node.name or node.output[0],),
        )

    def _bias(
        self, node: onnx.NodeProto, activation: Tensor, weight: Constant, channels: int
    ) -> Constant | None:
        if len(node.input) < 3 or not node.input[2]:
            return None
        bias = self.values.get(node.input[2])
        if not isinstance(bias, Constant) or bias.values.dtype != np.int32:
            raise Refused("the bias must be a dequantised int32 constant")
        if bias.values.shape != (channels,):
            raise Refused(f"the bias must have {channels} values, got {bias.values.shape}")
        wanted = np.float32(activation.scale[0]) * weight.scale
        if not np.allclose(bias.scale, wanted, rtol=BIAS_SCALE_TOLERANCE, atol=0):
            raise Refused("the bias's scale must be input scale x weight scale")
        return bias

    def _relu(self, node: onnx.NodeProto) -> None:
        value = self.values.get(node.input[0])
        if not isinstance(value, _Sum):
            raise Refused("a Relu must follow a MatMul or Gemm")
        name = node.name or node.output[0]
        self.values[node.output[0]] = replace(value, has_relu=True, nodes=(*value.nodes, name))

    def _finish(
        self, value: _Sum, result: str, scale: float, zero_point: int, node: onnx.NodeProto
    ) -> None:
        """One `matmul` op from what was gathered, with its constants."""
        channels = value.weight.values.shape[1]
        ratio = np.float32(value.activation.scale[0]) * value.weight.scale
        combined = np.broadcast_to((ratio / np.float32(scale)).astype(np.float32), (channels,))
        if not np.isfinite(combined).all() or (combined < np.finfo(np.float32).tiny).any():
            raise Refused("input scale x weight scale / output scale is no normal number")
        bias = np.zeros(channels, np.int32) if value.bias is None else value.bias.values
        number = len(self.ops)
        constants = [
            (f"weight_{number}", value.weight.values, "KN", value.weight.name),
            (f"bias_{number}", bias, "N", "" if value.bias is None else value.bias.name),
            (f"scale_{number}", combined, "N", ""),
        ]
        for name, data, layout, origin in constants:
            self._add_constant(name, data, layout, origin)
        shape = (value.activation.shape[0], channels)
        self.tensors[result] = _activation(result, shape, scale, zero_point, "intermediate", "")
        names = [name for name, *_ in constants]
        self.ops.append(
            Op(
                name=f"matmul_{number}",
                kind="matmul",
                inputs=(value.activation.name, *names),
                outputs=(result,),
                attributes={
                    "zero_point": zero_point,
                    "minimum": max(INT8_MIN, zero_point) if value.has_relu else INT8_MIN,
                    "maximum": INT8_MAX,
                },
                origin=", ".join((*value.nodes, node.name or result)),
            )
        )

    def _add_constant(self, name: str, data: NDArray[Any], layout: str, origin: str) -> None:
        if name in self.tensors:
            raise Refused(f"`{name}` is a name that the importer needs")
        self.tensors[name] = Tensor(
            name=name,
            shape=data.shape,
            number_format=data.dtype.name,
            layout=layout,
            role="constant",
            data=data,
            origin=origin,
        )

    def _mark_outputs(self) -> None:
        """The integer tensors behind the model's outputs become outputs."""
        for item in self.model.graph.output:
            value = self.values.get(item.name)
            name = value.tensor.name if isinstance(value, _Activation) else item.name
            tensor = self.tensors.get(name)
            if tensor is None or tensor.role == "constant" or isinstance(value, _Sum):
                self._refuse(f"output {item.name}", "must be a quantised result")
            elif tensor.role == "input":
                self._refuse(f"output {item.name}", "is an input: nothing to compute")
            else:
                self.tensors[name] = replace(tensor, role="output", origin=item.name)


_HELP = f"supported: {', '.join(SUPPORTED)}, in QDQ form with int8 activations and weights"


def _activation(
    name: str, shape: Sequence[int], scale: float, zero_point: int, role: Role, origin: str
) -> Tensor:
    return Tensor(
        name=name,
        shape=tuple(shape),
        number_format="int8",
        scale=(scale,),
        zero_point=(zero_point,),
        layout="MK",
        role=role,
        origin=origin,
    )
