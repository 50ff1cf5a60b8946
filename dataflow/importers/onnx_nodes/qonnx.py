"""QONNX nodes: Quant and BipolarQuant, which round floats to integers of any width and back.

On a constant the integers are computed here, by the rounding that the node asks for, and kept with
their scale. On an activation the node becomes `quantize` (with QONNX's order of steps, see
`rounding.py`) and `dequantize`. The rules are those of the operator descriptions in QONNX's
docs/qonnx-custom-ops and of what its executor computes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...number_formats import fits, range_of, storage_type
from ...rounding import SIGN, round_qonnx
from ...shapes import Shape
from ...tensor import Tensor
from ..onnx_file import QONNX_DOMAINS
from .node import Node, Refused
from .registry import converter

if TYPE_CHECKING:
    from ..onnx_builder import Builder

Floats = NDArray[np.float32]

MAX_BITS, MAX_CONSTANT_BITS = 16, 32
_ROUNDINGS: Mapping[str, str] = {
    "ROUND": "half_even",
    "HALF_EVEN": "half_even",
    "HALF_UP": "half_up",
    "HALF_DOWN": "half_down",
    "UP": "up",
    "DOWN": "down",
    "ROUND_TO_ZERO": "down",
    "CEIL": "ceil",
    "FLOOR": "floor",
}


@dataclass(frozen=True, kw_only=True)
class _Quant:
    """`scale` and `zero_point` broadcast with the value; `limits` are those of its integers."""

    scale: Floats
    zero_point: Floats
    number_format: str
    limits: tuple[int, int]
    rounding: str


def quant(build: Builder, node: Node) -> None:
    """x, scale, zero point, bit width; attributes signed, narrow, rounding_mode."""
    scale = _scale(build, node.input(1, "the scale"))
    zero_point = _zero_point(build, node.input(2, "the zero point"))
    width = build.number(node.input(3, "the bit width"), "the bit width")
    signed, narrow = _flag(node, "signed", 1), _flag(node, "narrow", 0)
    most = MAX_CONSTANT_BITS if build.constant(node.input(0)) is not None else MAX_BITS
    if width not in range(1, most + 1):
        raise Refused(f"the bit width must be one of 1 to {most}, got {width:g}")
    mode = node.text("rounding_mode", "ROUND")
    if mode.upper() not in _ROUNDINGS:
        raise Refused(f"rounding_mode must be one of {', '.join(_ROUNDINGS)}, got {mode}")
    if signed and width == 1:
        _make(build, node, _bipolar(scale, zero_point))
        return
    number_format = f"{'' if signed else 'u'}int{int(width)}"
    low, high = range_of(number_format)
    low, high = low + (signed and narrow), high - (narrow and not signed)
    if low == high:
        raise Refused("one bit that is narrow and unsigned holds 0 alone")
    found = _Quant(
        scale=scale,
        zero_point=zero_point,
        number_format=number_format,
        limits=(low, high),
        rounding=_ROUNDINGS[mode.upper()],
    )
    _make(build, node, found)


def bipolar_quant(build: Builder, node: Node) -> None:
    """x, scale: the scale where x >= 0, else minus the scale."""
    scale = _scale(build, node.input(1, "the scale"))
    _make(build, node, _bipolar(scale, np.zeros((), np.float32)))


def refused(build: Builder, node: Node) -> None:
    del build
    raise Refused(
        f"{node.op_type} is not supported", help="use Quant or BipolarQuant where it stands"
    )


for _domain in QONNX_DOMAINS:
    converter("Quant", "IntQuant", domain=_domain)(quant)
    converter("BipolarQuant", domain=_domain)(bipolar_quant)
    converter("Trunc", "FloatQuant", "MultiThreshold", domain=_domain)(refused)


def _bipolar(scale: Floats, zero_point: Floats) -> _Quant:
    if zero_point.any():
        raise Refused("a signed Quant of one bit must have zero point 0")
    return _Quant(
        scale=scale,
        zero_point=np.zeros((), np.float32),
        number_format="int2",
        limits=(-1, 1),
        rounding=SIGN,
    )


def _flag(node: Node, name: str, default: int) -> int:
    node.only(name, default, 0, 1)
    return node.integer(name, default)


def _float_constant(build: Builder, name: str, what: str) -> Floats:
    array = build.needed_constant(name, what)
    if array.dtype != np.float32 or not array.size or not np.isfinite(array).all():
        raise Refused(f"{what} must be finite float32 numbers, got {array.dtype} {array.shape}")
    return array


def _zero_point(build: Builder, name: str) -> Floats:
    """Zeros of any type; others must be float32, for in another type they change the rounding."""
    array = build.needed_constant(name, "the zero point")
    if array.size and array.dtype.kind in "fiu" and not array.any():
        return np.zeros(array.shape, np.float32)
    return _float_constant(build, name, "the zero point")


def _scale(build: Builder, name: str) -> Floats:
    scale = _float_constant(build, name, "the scale")
    if not (scale >= np.finfo(np.float32).tiny).all():
        raise Refused(f"scales must be positive normal numbers, got {scale.min()!s}")
    return scale


def _make(build: Builder, node: Node, found: _Quant) -> None:
    """The node's output: integers, dequantised."""
    source, output = node.input(0), node.sole_output()
    shape = build.shape(source)
    if 0 in shape:
        raise Refused(f"`{source}` has no elements")
    scale, axis = _along(found.scale, shape, "scales")
    zero_point, zero_axis = _along(found.zero_point, shape, "zero points")
    if axis is not None and zero_axis is not None and axis != zero_axis:
        raise Refused("scales and zero points lie along different axes")
    axis = zero_axis if axis is None else axis
    count = 1 if axis is None else shape[axis]
    low, high = range_of(found.number_format)
    if not all(low <= zero <= high and zero == int(zero) for zero in zero_point.tolist()):
        raise Refused(f"zero points must be integers of {found.number_format}")
    like = Tensor(
        name=build.fresh(output, "integers"),
        shape=shape,
        number_format=found.number_format,
        scale=tuple(np.broadcast_to(scale, count).tolist()),
        zero_point=tuple(int(zero) for zero in np.broadcast_to(zero_point, count)),
        axis=axis,
        origin=build.real(source),
    )
    values = build.constant(source)
    if values is None:
        _quantize(build, source, like, found)
    else:
        _constant(build, values, like, found)
    build.dequantize(like.name, output)


def _along(values: Floats, shape: Shape, what: str) -> tuple[Floats, int | None]:
    """The different values of an array that broadcasts with `shape`, and the axis they lie on."""
    extents = (1,) * (len(shape) - values.ndim) + values.shape
    long = [axis for axis, extent in enumerate(extents) if extent != 1]
    is_fitting = len(extents) == len(shape) and all(extents[at] == shape[at] for at in long)
    if is_fitting and (values == values.reshape(-1)[0]).all():
        return values.reshape(-1)[:1], None
    if not is_fitting or len(long) != 1:
        raise Refused(
            f"{what} of shape {values.shape} are not one for each index of one axis of {shape}"
        )
    return values.reshape(-1), long[0]


def _quantize(build: Builder, source: str, like: Tensor, found: _Quant) -> None:
    attributes: dict[str, int | str] = {"rounding": found.rounding}
    low, high = range_of(found.number_format)
    if found.limits[0] != low:
        attributes["minimum"] = found.limits[0]
    if found.limits[1] != high:
        attributes["maximum"] = found.limits[1]
    build.raw_op(
        "quantize",
        [build.floats(source)],
        like.name,
        attributes=attributes,
        number_format=like.number_format,
        scale=like.scale,
        zero_point=like.zero_point,
        axis=like.axis,
    )


def _constant(build: Builder, values: NDArray[np.generic], like: Tensor, found: _Quant) -> None:
    if values.dtype != np.float32 or not np.isfinite(values).all():
        raise Refused(f"it must quantise finite float32 numbers, got {values.dtype}")
    floats: Floats = values.astype(np.float32)
    rounded = round_qonnx(floats, found.scale, found.zero_point, found.limits, found.rounding)
    integers = rounded.astype(np.int64)
    if not fits(integers, like.number_format):
        raise Refused(f"a value saturates where float32 does not hold {like.number_format}'s limit")
    data = integers.astype(storage_type(like.number_format))
    build.tensors[like.name] = replace(like, role="constant", data=data)
