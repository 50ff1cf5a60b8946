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

SUPPORTED = ("DequantizeLinear", "Gemm", "MatMul", "QuantizeLinear", "Relu")
INT8_MIN, INT8_MAX = -128, 127
BIAS_SCALE_TOLERANCE = 1e-4
Float32Array = NDArray[np.float32]


class _Refused(Exception):
    """A node breaks a rule: `rule`, `help`."""

    def __init__(self, rule: str, help: str | None = None) -> None:
        super().__init__(rule)
        self.rule, self.help = rule, help


@dataclass(frozen=True, kw_only=True)
class _Constant:
    """A dequantised constant: integers, their scales, the axis of the scales."""

    name: str
    values: NDArray[Any]
    scale: Float32Array
    axis: int | None


@dataclass(frozen=True, kw_only=True)
class _Activation:
    """A dequantised value: the integer tensor that it stands for."""

    tensor: Tensor


@dataclass(frozen=True, kw_only=True)
class _Sum:
    """What a matmul has before it is quantised."""

    activation: Tensor
    weight: _Constant  # values [K][N]
    bias: _Constant | None
    has_relu: bool
    nodes: tuple[str, ...]


_Value = _Constant | _Activation | _Sum


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
            "MatMul": self._matmul,
            "QuantizeLinear": self._quantize,
            "Relu": self._relu,
        }[node.op_type]
        try:
            make(node)
        except _Refused as refused:
            self._refuse(node_path(node), refused.rule, refused.help)
            self.lost.update(node.output)

    # Quantisation

    def _dequantize(self, node: onnx.NodeProto) -> None:
        source = node.input[0]
        if source in self.constants:
            self.values[node.output[0]] = self._constant(node)
            return
        scale, zero_point = self._scalar_quantisation(node)
        if source not in self.tensors:
            self._add_input(source, scale, zero_point)
        tensor = self.tensors[source]
        if tensor.scale != (scale,) or tensor.zero_point != (zero_point,):
            raise _Refused("scale and zero point must be those that the value was quantised with")
        self.values[node.output[0]] = _Activation(tensor=tensor)

    def _constant(self, node: onnx.NodeProto) -> _Constant:
        values = self.constants[node.input[0]]
        if values.dtype.name not in ("int8", "int32"):
            raise _Refused(f"constants must be int8 (weights) or int32 (bias), got {values.dtype}")
        scale, zero_point = self._quantisation(node, values.dtype.name)
        if np.any(zero_point != 0):
            raise _Refused(
                "weights and biases must have zero point 0",
                help="quantise weights symmetrically",
            )
        if _attributes(node).get("block_size", 0):
            raise _Refused("blocked quantisation is not supported")
        axis = None
        if scale.ndim == 1 and scale.size > 1:
            axis = int(_attributes(node).get("axis", 1))
            axis += values.ndim if axis < 0 else 0
            if not 0 <= axis < values.ndim or values.shape[axis] != scale.size:
                raise _Refused(f"{scale.size} scales do not fit axis {axis} of {values.shape}")
        return _Constant(name=node.input[0], values=values, scale=scale.reshape(-1), axis=axis)

    def _quantisation(
        self, node: onnx.NodeProto, number_format: str
    ) -> tuple[Float32Array, NDArray[Any]]:
        """Checked scales and zero points of a (de)quantising node."""
        scale = self.constants.get(node.input[1]) if len(node.input) > 1 else None
        if scale is None:
            raise _Refused("the scale must be a constant")
        if scale.dtype != np.float32 or scale.ndim > 1 or not scale.size:
            raise _Refused(f"scales must be float32, one or a list, got {scale.dtype}{scale.shape}")
        if not (scale >= np.finfo(np.float32).tiny).all():
            raise _Refused(f"scales must be positive normal numbers, got {scale.min()!s}")
        if len(node.input) < 3 or not node.input[2]:
            return scale, np.zeros(scale.shape, number_format)
        zero_point = self.constants.get(node.input[2])
        if zero_point is None:
            raise _Refused("the zero point must be a constant")
        if zero_point.dtype.name != number_format or zero_point.size != scale.size:
            raise _Refused(
                f"zero points must be {scale.size} of {number_format}, "
                f"got {zero_point.size} of {zero_point.dtype}"
            )
        return scale, zero_point

    def _scalar_quantisation(self, node: onnx.NodeProto) -> tuple[float, int]:
        zero = self.constants.get(node.input[2]) if len(node.input) > 2 else None
        found = "uint8" if zero is None else zero.dtype.name
        if found != "int8":
            raise _Refused(
                f"activations must be int8, got {found}",
                help="quantise with activation_type=QInt8, weight_type=QInt8",
            )
        scale, zero_point = self._quantisation(node, "int8")
        if scale.size != 1:
            raise _Refused(f"activations must have one scale, got {scale.size}")
        return float(scale.reshape(-1)[0]), int(zero_point.reshape(-1)[0])

    def _quantize(self, node: onnx.NodeProto) -> None:
        scale, zero_point = self._scalar_quantisation(node)
        source, result = node.input[0], node.output[0]
        if source not in self.values:
            self._add_input(result, scale, zero_point, float_name=source)
            return
        value = self.values[source]
        if not isinstance(value, _Sum):
            raise _Refused("only inputs and the results of MatMul and Gemm can be quantised")
        self._finish(value, result, scale, zero_point, node)

    def _add_input(self, name: str, scale: float, zero_point: int, float_name: str = "") -> None:
        """An integer input: quantised by the host from the model's float input, or int8 itself."""
        wanted = float_name or name
        declared = {item.name: item for item in self.model.graph.input}
        if wanted not in declared:
            raise _Refused(f"`{wanted}` is neither an input nor a supported value")
        dims = declared[wanted].type.tensor_type.shape.dim
        if len(dims) != 2:
            raise _Refused(f"input `{wanted}` must have 2 axes, got {len(dims)}")
        rows, depth = dims
        if not depth.HasField("dim_value") or depth.dim_value < 1:
            raise _Refused(f"input `{wanted}`: the last extent must be a number")
        if rows.HasField("dim_value") and rows.dim_value != self.batch:
            raise _Refused(
                f"input `{wanted}` has a fixed batch of {rows.dim_value}, {self.batch} was asked"
            )
        self.tensors[name] = _activation(
            name, (self.batch, depth.dim_value), scale, zero_point, "input", wanted
        )

    # Arithmetic

    def _gemm(self, node: onnx.NodeProto) -> None:
        attributes = _attributes(node)
        for name, only in (("alpha", 1.0), ("beta", 1.0), ("transA", 0)):
            if attributes.get(name, only) != only:
                raise _Refused(f"{name} must be {only}, got {attributes[name]}")
        self._product(node, is_transposed=attributes.get("transB", 0) == 1)

    def _matmul(self, node: onnx.NodeProto) -> None:
        self._product(node, is_transposed=False)

    def _product(self, node: onnx.NodeProto, is_transposed: bool) -> None:
        left, right = (self.values.get(name) for name in node.input[:2])
        if not isinstance(left, _Activation):
            raise _Refused("the first input must be a dequantised int8 activation")
        if not isinstance(right, _Constant) or right.values.dtype != np.int8:
            raise _Refused("the second input must be a dequantised int8 constant")
        if right.values.ndim != 2:
            raise _Refused(f"weights must have 2 axes, got {right.values.ndim}")
        if right.axis is not None and right.axis != (0 if is_transposed else 1):
            raise _Refused("weight scales must be per output channel, not along the summed axis")
        values = np.ascontiguousarray(right.values.T) if is_transposed else right.values
        depth = left.tensor.shape[1]
        if values.shape[0] != depth or values.shape[1] < 1:
            raise _Refused(f"weights must be {depth} x N, got {values.shape}")
        bias = self._bias(node, left.tensor, right, values.shape[1])
        self.values[node.output[0]] = _Sum(
            activation=left.tensor,
            weight=replace(right, values=values),
            bias=bias,
            has_relu=False,
            nodes=(node.name or node.output[0],),
        )

    def _bias(
        self, node: onnx.NodeProto, activation: Tensor, weight: _Constant, channels: int
    ) -> _Constant | None:
        if len(node.input) < 3 or not node.input[2]:
            return None
        bias = self.values.get(node.input[2])
        if not isinstance(bias, _Constant) or bias.values.dtype != np.int32:
            raise _Refused("the bias must be a dequantised int32 constant")
        if bias.values.shape != (channels,):
            raise _Refused(f"the bias must have {channels} values, got {bias.values.shape}")
        wanted = np.float32(activation.scale[0]) * weight.scale
        if not np.allclose(bias.scale, wanted, rtol=BIAS_SCALE_TOLERANCE, atol=0):
            raise _Refused("the bias's scale must be input scale x weight scale")
        return bias

    def _relu(self, node: onnx.NodeProto) -> None:
        value = self.values.get(node.input[0])
        if not isinstance(value, _Sum):
            raise _Refused("a Relu must follow a MatMul or Gemm")
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
            raise _Refused("input scale x weight scale / output scale is no normal number")
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
            raise _Refused(f"`{name}` is a name that the importer needs")
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


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}


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
