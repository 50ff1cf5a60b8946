"""What is settled before nodes are read: extents of the inputs, the batch among them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import onnx
from onnx import TensorProto

from ..graph import Tensor
from ..shapes import Shape
from .onnx_nodes.arrays import type_name
from .onnx_nodes.node import Refused
from .onnx_values import MAX_ELEMENTS

INPUT_TYPES: Mapping[int, str] = {
    TensorProto.FLOAT: "float32",
    TensorProto.INT8: "int8",
    TensorProto.UINT8: "uint8",
    TensorProto.INT16: "int16",
    TensorProto.UINT16: "uint16",
    TensorProto.INT32: "int32",
    TensorProto.UINT32: "uint32",
    TensorProto.INT64: "int64",
    TensorProto.UINT64: "uint64",
    TensorProto.INT4: "int4",
    TensorProto.UINT4: "uint4",
    TensorProto.INT2: "int2",
    TensorProto.UINT2: "uint2",
}
_FIX = "give it a number: python -m onnxruntime.tools.make_dynamic_shape_fixed"


def true_inputs(graph: onnx.GraphProto) -> Iterator[onnx.ValueInfoProto]:
    """Inputs that are not constants with a declared type as well (as old files have them)."""
    constants = {item.name for item in graph.initializer}
    return (item for item in graph.input if item.name not in constants)


def batch_symbols(graph: onnx.GraphProto) -> frozenset[str]:
    """Symbols that stand for the batch: those of first extents of inputs."""
    names = set()
    for item in true_inputs(graph):
        dims = item.type.tensor_type.shape.dim
        if dims and dims[0].HasField("dim_param") and dims[0].dim_param:
            names.add(dims[0].dim_param)
    return frozenset(names)


def input_tensor(item: onnx.ValueInfoProto, batch: int | None, symbols: frozenset[str]) -> Tensor:
    """The tensor of an input, its free first extent (and others of the same symbol) bound to
    `batch`. `batch` None takes fixed first extents as they are and 1 for free ones.

    Raises:
        Refused: if type or extents are not known, or another batch is fixed.
    """
    if item.type.WhichOneof("value") != "tensor_type":
        kind = item.type.WhichOneof("value") or "none"
        raise Refused(f"must be a tensor, got {kind.removesuffix('_type')}")
    found = item.type.tensor_type
    number_format = INPUT_TYPES.get(found.elem_type)
    if number_format is None:
        raise Refused(
            f"must hold float32 or integers, got {type_name(found.elem_type)}",
            help="export the model in float32",
        )
    return Tensor(
        name=item.name,
        shape=_extents(found.shape, batch, symbols),
        number_format=number_format,
        role="input",
        origin=item.name,
    )


def _extents(shape: onnx.TensorShapeProto, batch: int | None, symbols: frozenset[str]) -> Shape:
    extents = []
    for axis, dim in enumerate(shape.dim):
        if dim.HasField("dim_value"):
            extent = dim.dim_value
            if extent < 1:
                raise Refused(f"extent {axis} must be 1 or more, got {extent}")
            if axis == 0 and batch is not None and extent != batch:
                raise Refused(
                    f"has a fixed batch of {extent}, {batch} was asked",
                    help=f"ask for a batch of {extent}, or export with a free first extent",
                )
        elif axis == 0 or dim.dim_param in symbols:
            extent = 1 if batch is None else batch
        else:
            shown = f"`{dim.dim_param}`" if dim.dim_param else "not declared"
            raise Refused(f"extent {axis} must be a number, it is {shown}", help=_FIX)
        extents.append(extent)
    if math.prod(extents) > MAX_ELEMENTS:
        raise Refused(f"{tuple(extents)} has more than {MAX_ELEMENTS} elements")
    return tuple(extents)


def opsets_of(model: onnx.ModelProto) -> Mapping[str, int]:
    """Versions of operator sets by domain, the standard one as ""."""
    return {
        "" if item.domain == "ai.onnx" else item.domain: item.version for item in model.opset_import
    }
