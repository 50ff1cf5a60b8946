"""QOperator nodes: QLinearConv, QGemm, QLinearAdd ... on integers with their scales.

Each becomes what it stands for: its operands dequantised, the float operator, its result quantised.
Whatever makes integers of that form serves these nodes too. ONNX's own operators and those of
onnxruntime (domain com.microsoft) are taken, channels second.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...number_formats import is_integer_format
from .node import Node, Refused
from .quantize import read_quantisation
from .registry import MICROSOFT, converter, find_converter

if TYPE_CHECKING:
    from ..onnx_builder import Builder

FLOAT_OPSET = 13  # the float operators are written as this version of ONNX has them
_HELP = "use QuantizeLinear and DequantizeLinear around the float operator"


@converter("QLinearConv")
@converter("QLinearConv", domain=MICROSOFT)
def qlinear_conv(build: Builder, node: Node) -> None:
    """x, its scale and zero point, w, its, those of y, int32 bias in units of both scales."""
    _channels_second(node)
    parts = [_dequantized(build, node, 0, "x"), _dequantized(build, node, 3, "w", axis=0)]
    if node.has_input(8):
        parts.append(_bias(build, node, 8, node.input(1), node.input(4)))
    result = _float(build, node, "Conv", parts, without=("channels_last",))
    _quantized(build, node, result, 6, like=0)


@converter("QLinearMatMul")
def qlinear_matmul(build: Builder, node: Node) -> None:
    """a, its scale and zero point, b, its (one, or one for each column), those of y."""
    parts = [_dequantized(build, node, 0, "a"), _dequantized(build, node, 3, "b", axis=-1)]
    result = _float(build, node, "MatMul", parts)
    _quantized(build, node, result, 6, like=0)


@converter("QGemm", domain=MICROSOFT)
def qgemm(build: Builder, node: Node) -> None:
    """a, its scale and zero point, b, its, int32 bias, those of y; without these y is float."""
    node.only("alpha", 1.0, 1)
    axis = 0 if node.integer("transB", 0) else 1
    parts = [_dequantized(build, node, 0, "a"), _dequantized(build, node, 3, "b", axis=axis)]
    if node.has_input(6):
        parts.append(_bias(build, node, 6, node.input(1), node.input(4)))
    if node.has_input(7):
        result = _float(build, node, "Gemm", parts, without=("alpha",))
        _quantized(build, node, result, 7, like=0)
    else:
        _float(build, node, "Gemm", parts, without=("alpha",), output=node.output)


@converter("QLinearAdd", domain=MICROSOFT)
def qlinear_add(build: Builder, node: Node) -> None:
    _binary(build, node, "Add")


@converter("QLinearMul", domain=MICROSOFT)
def qlinear_mul(build: Builder, node: Node) -> None:
    _binary(build, node, "Mul")


@converter("QLinearConcat", domain=MICROSOFT)
def qlinear_concat(build: Builder, node: Node) -> None:
    """y's scale and zero point, then each part, its scale and its zero point."""
    if len(node.inputs) < 5 or len(node.inputs) % 3 != 2:
        raise Refused("needs the result's scale and zero point, then three inputs for each part")
    starts = range(2, len(node.inputs), 3)
    parts = [_dequantized(build, node, at, f"part{number}") for number, at in enumerate(starts)]
    result = _float(build, node, "Concat", parts)
    _quantized(build, node, result, 0, like=2)


_UNARY = {
    "QLinearLeakyRelu": "LeakyRelu",
    "QLinearSigmoid": "Sigmoid",
    "QLinearAveragePool": "AveragePool",
    "QLinearGlobalAveragePool": "GlobalAveragePool",
    "QLinearReduceMean": "ReduceMean",
}


@converter(*_UNARY, domain=MICROSOFT)
def unary(build: Builder, node: Node) -> None:
    """x, its scale and zero point, those of y."""
    _channels_second(node)
    part = _dequantized(build, node, 0, "x")
    result = _float(build, node, _UNARY[node.op_type], [part], without=("channels_last",))
    _quantized(build, node, result, 3, like=0)


@converter("QLinearSoftmax", domain=MICROSOFT)
def qlinear_softmax(build: Builder, node: Node) -> None:
    """As `unary`; attribute `opset` says which version of Softmax is meant."""
    part = _dequantized(build, node, 0, "x")
    opset = node.integer("opset", FLOAT_OPSET)
    result = _float(build, node, "Softmax", [part], without=("opset",), opset=opset)
    _quantized(build, node, result, 3, like=0)


@converter("MatMulInteger", "ConvInteger")
def integer_product(build: Builder, node: Node) -> None:
    """Operands less their zero points, multiplied and summed: int32, a number for itself.

    A scale that the first operand has is undone by the second's, which has none of its own.
    """
    is_conv = node.op_type == "ConvInteger"
    scales = build.tensor(node.input(0)).scale or (1.0,)
    scale, inverse = np.float32(scales[0]), _inverse(np.float32(scales[0]))
    if len(scales) > 1 or inverse is None:
        raise Refused("the scale of its first operand has no inverse in float32", help=_HELP)
    left = _plain_integers(build, node, 0, 2, scale, axis=-2)
    right = _plain_integers(build, node, 1, 3, inverse, axis=0 if is_conv else -1)
    result = _float(build, node, "Conv" if is_conv else "MatMul", [left, right])
    build.raw_op(
        "quantize",
        [result],
        node.output,
        attributes={},
        number_format="int32",
        scale=(1.0,),
        zero_point=(0,),
    )


def _inverse(scale: np.float32) -> np.float32 | None:
    """A float32 whose product with `scale` is 1; one in 15 has none."""
    near = np.float32(1) / scale
    tries = (near, np.nextafter(near, np.float32(0)), np.nextafter(near, np.float32(np.inf)))
    return next((each for each in tries if scale * each == 1), None)


def plain_sums(build: Builder, name: str) -> str | None:
    """The floats whose integers a MatMulInteger or ConvInteger gives; None if this is another."""
    tensor, maker = build.tensor(name), build.maker(name)
    is_sum = maker is not None and maker.kind == "quantize" and tensor.number_format == "int32"
    return maker.inputs[0] if maker is not None and is_sum and tensor.scale == (1.0,) else None


def _channels_second(node: Node) -> None:
    if node.integer("channels_last", 0):
        raise Refused(
            "channels_last is not supported",
            help="export the model with the channels second (NCHW)",
        )


def _binary(build: Builder, node: Node, op_type: str) -> None:
    """a, its scale and zero point, b, its, those of the result."""
    parts = [_dequantized(build, node, 0, "a"), _dequantized(build, node, 3, "b")]
    _quantized(build, node, _float(build, node, op_type, parts), 6, like=0)


def _float(
    build: Builder,
    node: Node,
    op_type: str,
    inputs: list[str],
    *,
    without: tuple[str, ...] = (),
    opset: int = FLOAT_OPSET,
    output: str = "",
) -> str:
    """Converts the float operator that the node stands for; the name of its result."""
    convert = find_converter("", op_type)
    if convert is None:
        raise Refused(f"{op_type} is not supported")
    result = output or build.fresh(node.output, "float")
    attributes = {name: value for name, value in node.attributes.items() if name not in without}
    convert(
        build,
        replace(
            node,
            op_type=op_type,
            domain="",
            opset=opset,
            inputs=tuple(inputs),
            outputs=(result,),
            attributes=attributes,
        ),
    )
    return result


def _dequantized(build: Builder, node: Node, at: int, hint: str, axis: int | None = None) -> str:
    """The floats of the integers at input `at`, whose scale and zero point follow it.

    Several scales must lie along `axis`; without one they are refused.
    """
    source, scale = node.input(at), node.input(at + 1, "a scale")
    tensor = build.tensor(source)
    if not is_integer_format(tensor.number_format):
        raise Refused(f"`{source}` must hold integers, got {tensor.number_format}")
    found = read_quantisation(
        build,
        _one(build, scale) if axis is None else scale,
        _input_or_nothing(node, at + 2),
        tensor.number_format,
        tensor.shape,
        0 if axis is None else axis,
    )
    known = build.integers_of(source, found.scale, found.zero_point, found.axis)
    return build.dequantize(known, build.fresh(node.output, hint))


def _one(build: Builder, scale: str) -> str:
    """The name of a scale that must be a single one."""
    size = build.needed_constant(scale, "the scale").size
    if size != 1:
        raise Refused(f"activations must have one scale, got {size}")
    return scale


def _input_or_nothing(node: Node, at: int) -> str:
    return node.inputs[at] if node.has_input(at) else ""


def _bias(build: Builder, node: Node, at: int, left: str, right: str) -> str:
    """The floats of an int32 bias, whose scale is the product of those of the two operands."""
    name = node.input(at)
    bias = build.needed_constant(name, "the bias")
    if bias.dtype != np.int32:
        raise Refused(f"the bias must be int32, got {bias.dtype}")
    with np.errstate(over="ignore", under="ignore"):
        scales = build.needed_constant(left, "the scale") * build.needed_constant(right, "a scale")
    if not (np.isfinite(scales) & (scales >= np.finfo(np.float32).tiny)).all():
        raise Refused("the product of both scales is no normal float32 number")
    scale = tuple(float(value) for value in scales.reshape(-1))
    axis = bias.ndim - 1 if len(scale) > 1 else None
    known = build.integers_of(name, scale, (0,) * len(scale), axis)
    return build.dequantize(known, build.fresh(node.output, "bias"))


def _quantized(build: Builder, node: Node, source: str, at: int, *, like: int) -> None:
    """The node's output: `source` with the scale and zero point at inputs `at` and `at + 1`.

    The format is the zero point's, or, if that is left out, that of the integers at input `like`.
    """
    zero = _input_or_nothing(node, at + 1)
    number_format = build.tensor(node.input(like)).number_format
    if zero:
        number_format = build.needed_constant(zero, "the zero point").dtype.name
    scale = _one(build, node.input(at, "the result's scale"))
    shape = build.shape(source)
    found = read_quantisation(build, scale, zero, number_format, shape, 0)
    build.raw_op("quantize", [source], node.output, attributes={}, **vars(found))


def _plain_integers(
    build: Builder, node: Node, at: int, zero: int, scale: Any, *, axis: int
) -> str:
    """Integers less their zero point (input `zero`), as floats in units of `scale`."""
    source = node.input(at)
    tensor = build.tensor(source)
    if tensor.number_format not in ("int8", "uint8"):
        raise Refused(f"`{source}` must be int8 or uint8, got {tensor.number_format}")
    scales = build.fold(build.fresh(node.output, "scale"), np.asarray(scale, np.float32))
    name = _input_or_nothing(node, zero)
    if name and build.needed_constant(name, "the zero point").size > 1:
        if at == 0:
            raise Refused("activations must have one zero point")
        size = build.needed_constant(name, "the zero point").size
        scales = build.fold(scales, np.full(size, scale, np.float32))
    found = read_quantisation(build, scales, name, tensor.number_format, tensor.shape, axis)
    known = build.integers_of(source, found.scale, found.zero_point, found.axis)
    return build.dequantize(known, build.fresh(node.output, "floats"))
