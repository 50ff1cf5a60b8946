"""The kinds of op that a Graph may hold: operands, attributes, shapes, multiply-accumulates.

The same kinds serve floats and integers: the number formats of an op's tensors decide. A `Graph`
fresh from a model file has floats between `quantize` and `dequantize`; the integer graph that is
made of it has none of those (docs/numbers.md defines what its ops compute, to the last bit).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from . import shapes
from .shapes import Attributes, Shape

ShapeRule = Callable[[Sequence[Shape], Attributes], Shape | None]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What is true of all ops of one kind.

    `operands` are the names of the inputs in order; from `required` on they may be left out, and
    with `is_variadic` the last may repeat. `attributes` are those an op must have, `optional` those
    it may have, each with its type. `shape(shapes, attributes)` is the extents of the result, or
    None if only the result's tensor says them. `macs(shapes, result)` counts the useful
    multiply-accumulates.
    """

    operands: tuple[str, ...]
    required: int
    shape: ShapeRule
    attributes: Mapping[str, type] = field(default_factory=dict)
    optional: Mapping[str, type] = field(default_factory=dict)
    is_variadic: bool = False
    macs: Callable[[Sequence[Shape], Shape], int] = lambda _operands, _result: 0


def _conv_macs(operands: Sequence[Shape], result: Shape) -> int:
    return math.prod(result) * math.prod(operands[1][1:])


def _conv_transpose_macs(operands: Sequence[Shape], result: Shape) -> int:
    del result
    return math.prod(operands[0]) * math.prod(operands[1][1:])


def _matmul_macs(operands: Sequence[Shape], result: Shape) -> int:
    return math.prod(result) * operands[0][-1]


_WINDOW = {"strides": tuple, "pads": tuple, "dilations": tuple}
_SATURATION = {"minimum": int, "maximum": int}
_REQUANTIZATION = {"zero_point": int, "multiplier_bits": int} | _SATURATION
_ARITHMETIC = {"arithmetic": str}  # "litert": as LiteRT computes it; absent: as onnxruntime does
_RESULT = {**_SATURATION, **_ARITHMETIC}
_ACCUMULATING = ("activation", "weight", "bias", "scale")


def _unary(shape: ShapeRule = shapes.same, **attributes: type) -> Kind:
    return Kind(operands=("activation",), required=1, shape=shape, attributes=attributes)


def _function(**attributes: type) -> Kind:
    return Kind(
        operands=("activation",),
        required=1,
        shape=shapes.same,
        attributes=attributes,
        optional=_ARITHMETIC,
    )


def _binary() -> Kind:
    return Kind(operands=("a", "b"), required=2, shape=shapes.broadcast, optional=_RESULT)


KINDS: Mapping[str, Kind] = {
    # Accumulating: int32 sums; with `scale` requantised, without it the sums are the result.
    "conv": Kind(
        operands=_ACCUMULATING,
        required=2,
        shape=shapes.conv,
        attributes={**_WINDOW, "groups": int},
        optional=_REQUANTIZATION,
        macs=_conv_macs,
    ),
    "conv_transpose": Kind(
        operands=_ACCUMULATING,
        required=2,
        shape=shapes.conv_transpose,
        attributes={**_WINDOW, "groups": int, "output_padding": tuple},
        optional=_REQUANTIZATION,
        macs=_conv_transpose_macs,
    ),
    "matmul": Kind(
        operands=_ACCUMULATING,
        required=2,
        shape=shapes.matmul,
        optional=_REQUANTIZATION,
        macs=_matmul_macs,
    ),
    "threshold": Kind(
        operands=("activation", "thresholds"),
        required=2,
        shape=shapes.same,
        attributes={"axis": int, "minimum": int},
    ),
    # Elementwise.
    "add": _binary(),
    "sub": _binary(),
    "mul": _binary(),
    "div": _binary(),
    "pow": _binary(),
    "relu": _function(),
    "clip": _function(minimum=float, maximum=float),
    "leaky_relu": _function(alpha=float),
    "sigmoid": _function(),
    "tanh": _function(),
    "erf": _unary(),
    "gelu": _unary(approximate=str),
    "hard_swish": _function(),
    "table": Kind(operands=("activation", "table"), required=2, shape=shapes.same),
    "quantize": Kind(  # `rounding`: QONNX's order of steps, see rounding.py
        operands=("activation",),
        required=1,
        shape=shapes.same,
        optional={**_RESULT, "rounding": str},
    ),
    "dequantize": _unary(),
    "requantize": Kind(operands=("activation",), required=1, shape=shapes.same, optional=_RESULT),
    "batch_normalization": Kind(
        operands=("activation", "scale", "bias", "mean", "variance"),
        required=5,
        shape=shapes.same,
        attributes={"epsilon": float},
    ),
    # Windows and reductions.
    "max_pool": Kind(
        operands=("activation",),
        required=1,
        shape=shapes.pool,
        attributes={**_WINDOW, "kernel": tuple},
    ),
    "average_pool": Kind(
        operands=("activation",),
        required=1,
        shape=shapes.pool,
        attributes={**_WINDOW, "kernel": tuple, "counts_padding": int},
        optional=_RESULT,
    ),
    "global_average_pool": Kind(
        operands=("activation",), required=1, shape=shapes.global_pool, optional=_SATURATION
    ),
    "reduce_mean": Kind(
        operands=("activation",),
        required=1,
        shape=shapes.reduce,
        attributes={"axes": tuple, "keeps_axes": int},
        optional=_RESULT,
    ),
    "softmax": _function(axis=int),
    "layer_normalization": Kind(
        operands=("activation", "scale", "bias"),
        required=1,
        shape=shapes.same,
        attributes={"axis": int, "epsilon": float},
        optional=_SATURATION,
    ),
    # Layout: values are moved, never changed.
    "concat": Kind(
        operands=("part",),
        required=1,
        shape=shapes.concat,
        attributes={"axis": int},
        is_variadic=True,
    ),
    "slice": _unary(shapes.cut, starts=tuple, stops=tuple, steps=tuple),
    "pad": _unary(shapes.pad, pads=tuple, mode=str, value=float),
    "reshape": _unary(shapes.any_of_same_size),
    "transpose": _unary(shapes.transpose, perm=tuple),
    "resize": Kind(
        operands=("activation", "indices"),
        required=2,
        shape=shapes.resize,
        attributes={"axes": tuple},
        is_variadic=True,
    ),
    "gather": Kind(
        operands=("data", "indices"), required=2, shape=shapes.gather, attributes={"axis": int}
    ),
}


def check(
    kind_name: str, operands: Sequence[Shape], results: Sequence[Shape], attributes: Attributes
) -> None:
    """Whether an op of this kind may have these operands, results and attributes.

    Raises:
        ValueError: with the rule that is broken.
    """
    kind = KINDS.get(kind_name)
    if kind is None:
        raise ValueError(f"kind {kind_name!r} is not one of {', '.join(KINDS)}")
    most = math.inf if kind.is_variadic else len(kind.operands)
    if not kind.required <= len(operands) <= most:
        raise ValueError(f"has {len(operands)} inputs; they are {', '.join(kind.operands)}")
    known = {**kind.attributes, **kind.optional}
    unknown = sorted(set(attributes) - set(known))
    missing = sorted(set(kind.attributes) - set(attributes))
    if unknown or missing:
        raise ValueError(f"attributes unknown: {unknown or 'none'}, missing: {missing or 'none'}")
    for name, value in attributes.items():
        if type(value) is not known[name]:
            raise ValueError(f"attribute {name} must be {known[name].__name__}, got {value!r}")
    expected = kind.shape(operands, attributes)
    if len(results) != 1:
        raise ValueError(f"has {len(results)} outputs, must have 1")
    if expected is not None and results[0] != expected:
        raise ValueError(f"result has shape {results[0]}, must have {expected}")
    if expected is None and math.prod(results[0]) != math.prod(operands[0]):
        raise ValueError(f"{operands[0]} does not have as many elements as {results[0]}")
