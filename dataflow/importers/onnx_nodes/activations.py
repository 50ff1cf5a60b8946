"""Functions of one value: Relu, Clip, Sigmoid, Gelu ..."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...number_formats import is_integer_format, range_of
from .node import Node, Refused
from .registry import converter

if TYPE_CHECKING:
    from ..onnx_builder import Builder

LARGEST = float(np.finfo(np.float32).max)
_PLAIN = {
    "Relu": "relu",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Erf": "erf",
    "HardSwish": "hard_swish",
}


@converter(*_PLAIN)
def plain(build: Builder, node: Node) -> None:
    build.op(_PLAIN[node.op_type], [node.input(0)], node.output)


@converter("LeakyRelu")
def leaky_relu(build: Builder, node: Node) -> None:
    build.op("leaky_relu", [node.input(0)], node.output, alpha=node.number("alpha", 0.01))


@converter("Gelu")
def gelu(build: Builder, node: Node) -> None:
    approximate = node.text("approximate", "none")
    if approximate not in ("none", "tanh"):
        raise Refused(f"approximate must be none or tanh, got {approximate}")
    build.op("gelu", [node.input(0)], node.output, approximate=approximate)


@converter("Clip")
def clip(build: Builder, node: Node) -> None:
    """Limits are attributes before opset 11, inputs since; one that is left out limits nothing. A
    minimum above the maximum gives the maximum."""
    if node.opset < 11:
        low, high = node.number("min", -LARGEST), node.number("max", LARGEST)
    else:
        low = build.number(node.input(1), "the minimum") if node.has_input(1) else -LARGEST
        high = build.number(node.input(2), "the maximum") if node.has_input(2) else LARGEST
    if is_integer_format(_format(build, node.input(0))):
        _clip_integers(build, node, min(low, high), high)
        return
    build.op("clip", [node.input(0)], node.output, minimum=min(low, high), maximum=high)


def _format(build: Builder, name: str) -> str:
    array = build.constant(name)
    return build.tensor(name).number_format if array is None else str(array.dtype.name)


def _clip_integers(build: Builder, node: Node, low: float, high: float) -> None:
    """Of integers that are quantised, for fewer bits than their type has (Brevitas' QCDQ form)."""
    source, array = node.input(0), build.constant(node.input(0))
    least, greatest = range_of(_format(build, source))
    if not low <= greatest or not least <= high:
        raise Refused(f"limits {low:g} to {high:g} leave nothing of {least} to {greatest}")
    least, greatest = int(max(low, least)), int(min(high, greatest))
    if array is not None:
        build.fold(node.output, np.clip(array, least, greatest).astype(array.dtype))
        return
    tensor = build.tensor(source)
    if not tensor.scale or tensor.axis is not None:
        raise Refused(f"the integers of `{source}` have no single scale")
    maker, known = build.maker(source), {}
    is_full = maker is not None and not {"minimum", "maximum"} & set(maker.attributes)
    if maker is not None and maker.kind == "quantize" and is_full:
        floats, known = maker.inputs[0], dict(maker.attributes)  # saturated further, that is all
    else:
        floats = build.dequantize(source, build.fresh(node.output, "floats"))
    build.raw_op(
        "quantize",
        [floats],
        node.output,
        attributes={**known, "minimum": least, "maximum": greatest},
        number_format=tensor.number_format,
        scale=tensor.scale,
        zero_point=tensor.zero_point,
    )


@converter("HardSigmoid")
def hard_sigmoid(build: Builder, node: Node) -> None:
    """`clip(alpha x + beta, 0, 1)`."""
    alpha, beta = node.number("alpha", 0.2), node.number("beta", 0.5)
    factor = build.numbers(node.output, "alpha", alpha)
    offset = build.numbers(node.output, "beta", beta)
    scaled = build.op("mul", [node.input(0), factor], build.fresh(node.output, "scaled"))
    moved = build.op("add", [scaled, offset], build.fresh(node.output, "moved"))
    build.op("clip", [moved], node.output, minimum=0.0, maximum=1.0)


@converter("Swish")
def swish(build: Builder, node: Node) -> None:
    """`x sigmoid(alpha x)`."""
    source, alpha = node.input(0), node.number("alpha", 1.0)
    gate = source
    if alpha != 1.0:
        factor = build.numbers(node.output, "alpha", alpha)
        gate = build.op("mul", [source, factor], build.fresh(node.output, "scaled"))
    gate = build.op("sigmoid", [gate], build.fresh(node.output, "gate"))
    build.op("mul", [source, gate], node.output)
