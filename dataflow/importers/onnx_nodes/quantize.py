"""QuantizeLinear and DequantizeLinear; scales and zero points, checked.

onnxruntime's operators of these names are the same, with 16 and 4 bits in every opset (ONNX's have
them from 21 on); its quantiser writes them if asked for (`UseQDQContribOps`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from ...number_formats import storage_type
from ...shapes import Shape
from ...tensor import Tensor
from .arrays import type_name
from .node import Node, Refused
from .registry import MICROSOFT, converter

if TYPE_CHECKING:
    from ..onnx_builder import Builder

MAX_SCALES = 1 << 18
FORMATS = ("int8", "uint8", "int16", "uint16", "int4", "uint4", "int2", "uint2", "int32")


@dataclass(frozen=True, kw_only=True)
class Quantisation:
    """What integers stand for; `scale` and `zero_point` have one entry, or one for each index
    along `axis`."""

    number_format: str
    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    axis: int | None = None


def read_quantisation(
    build: Builder, scale: str, zero_point: str, number_format: str, shape: Shape, axis: int
) -> Quantisation:
    """The constants `scale` and `zero_point` ("": zero) for integers of `number_format` in an array
    of `shape`; `axis` (from the front, or negative) counts if there are several scales.

    Raises:
        Refused: unless scales are positive normal float32 numbers, zero points of the format and as
            many, and either one or the extent of the axis.
    """
    scales = build.needed_constant(scale, "the scale")
    if scales.dtype != np.float32 or scales.ndim > 1 or not scales.size:
        raise Refused(
            f"scales must be float32, one or a list, got {scales.dtype} {tuple(scales.shape)}"
        )
    if scales.size > MAX_SCALES:
        raise Refused(f"at most {MAX_SCALES} scales are supported, got {scales.size}")
    build.spend(0, 64 * scales.size)
    if not (np.isfinite(scales) & (scales >= np.finfo(np.float32).tiny)).all():
        raise Refused(
            f"scales must be positive normal numbers, got {scales.min()!s}",
            help="quantise again with data that reach this value",
        )
    zeros = _zero_points(build, zero_point, number_format, scales.size)
    along = None
    if scales.size > 1:
        along = axis + (len(shape) if axis < 0 else 0)
        if not 0 <= along < len(shape) or shape[along] != scales.size:
            raise Refused(f"{scales.size} scales do not fit axis {axis} of {shape}")
    return Quantisation(
        number_format=number_format,
        scale=tuple(float(value) for value in scales.reshape(-1)),
        zero_point=tuple(int(value) for value in zeros),
        axis=along,
    )


@converter("QuantizeLinear", domain=MICROSOFT)
@converter("QuantizeLinear")
def quantize_linear(build: Builder, node: Node) -> None:
    """The format is that of the zero point, else attribute `output_dtype`, else uint8. A constant
    (weights of a model trained with quantisation) becomes integers here."""
    _no_blocks(node)
    source = build.floats(node.input(0))
    found = read_quantisation(
        build,
        node.input(1, "the scale"),
        node.inputs[2] if node.has_input(2) else "",
        _made_format(build, node),
        build.shape(source),
        node.integer("axis", 1),
    )
    values = build.constant(source)
    if values is None:
        build.raw_op("quantize", [source], node.output, attributes={}, **vars(found))
        return
    like = Tensor(name=node.output, shape=values.shape, origin=source, **vars(found))
    build.spend(values.size * storage_type(found.number_format).itemsize)
    try:
        with np.errstate(over="ignore"):
            data = like.quantize(values)
    except ValueError:
        raise Refused(f"`{source}` divided by the scale is beyond float32") from None
    build.tensors[node.output] = replace(like, role="constant", data=data)


@converter("DequantizeLinear", domain=MICROSOFT)
@converter("DequantizeLinear")
def dequantize_linear(build: Builder, node: Node) -> None:
    """The scale says what the integers stand for; those of inputs and constants learn it here."""
    _no_blocks(node)
    if node.integer("output_dtype", 0) not in (0, TensorProto.FLOAT):
        raise Refused("must make float32")
    source = node.input(0)
    tensor = build.tensor(source)
    if tensor.number_format not in FORMATS:
        raise Refused(f"integers must be {', '.join(FORMATS)}, got {tensor.number_format}")
    found = read_quantisation(
        build,
        node.input(1, "the scale"),
        node.inputs[2] if node.has_input(2) else "",
        tensor.number_format,
        tensor.shape,
        node.integer("axis", 1),
    )
    known = build.integers_of(source, found.scale, found.zero_point, found.axis)
    build.dequantize(known, node.output)


@converter("DynamicQuantizeLinear")
def dynamic_quantize_linear(build: Builder, node: Node) -> None:
    del build, node
    raise Refused(
        "scales must be known before the model runs",
        help="use static quantisation with calibration data (tilewright quantize)",
    )


def _zero_points(build: Builder, name: str, number_format: str, count: int) -> NDArray[Any]:
    """`count` zero points in one row: those of the constant `name`, zeros for ""."""
    if not name:
        return np.zeros(count, np.int64)
    zeros = build.needed_constant(name, "the zero point")
    if zeros.dtype.name != number_format or zeros.size != count:
        raise Refused(
            f"zero points must be {count} of {number_format}, got {zeros.size} of {zeros.dtype}"
        )
    return zeros.reshape(-1)


def _no_blocks(node: Node) -> None:
    if node.integer("block_size", 0):
        raise Refused("blocked quantisation is not supported", help="quantise per channel")


def _made_format(build: Builder, node: Node) -> str:
    if node.has_input(2):
        zero_point = build.needed_constant(node.inputs[2], "the zero point")
        found = zero_point.dtype.name
    else:
        kind = node.integer("output_dtype", 0)
        found = type_name(kind).lower() if kind else "uint8"
    if found not in FORMATS or found == "int32":
        raise Refused(f"integers must be {', '.join(FORMATS[:-1])}, got {found}")
    return found
