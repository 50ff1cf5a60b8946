"""Floats to integers in the ways that model files ask for: which rounding, in which order.

ONNX's QuantizeLinear divides, rounds half to even, adds the zero point, then saturates
(`Tensor.quantize`). QONNX's Quant divides, adds the zero point, saturates, then rounds, in one of
seven ways; its BipolarQuant takes the sign. The two orders differ at ties when the zero point is
odd. An op `quantize` with the attribute `rounding` means QONNX's order; its attributes `minimum`
and `maximum` are narrower limits than those of the result's format.

Source of the rules: the operator descriptions of QONNX (docs/qonnx-custom-ops) and what
`qonnx.core.onnx_exec` 1.0.0 computes, all in float32.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from .number_formats import range_of, storage_type
from .shapes import Attributes
from .tensor import Tensor

Floats = NDArray[np.float32]

SIGN = "sign"
"""-1 for values below 0, else 1: what BipolarQuant and a signed Quant of one bit compute."""


def _up(values: Floats) -> Floats:
    away: Floats = np.sign(values) * np.ceil(np.abs(values))
    return away


def _half_up(values: Floats) -> Floats:
    away: Floats = np.sign(values) * np.floor(np.abs(values) + np.float32(0.5))
    return away


def _half_down(values: Floats) -> Floats:
    toward: Floats = np.sign(values) * np.ceil(np.abs(values) - np.float32(0.5))
    return toward


_FUNCTIONS: Mapping[str, Callable[[Floats], Floats]] = {
    "half_even": np.rint,
    "half_up": _half_up,  # ties away from zero
    "half_down": _half_down,  # ties toward zero
    "up": _up,  # away from zero
    "down": np.trunc,  # toward zero
    "ceil": np.ceil,
    "floor": np.floor,
    SIGN: lambda values: np.where(values >= 0, np.float32(1), np.float32(-1)),
}
ROUNDINGS = tuple(_FUNCTIONS)


def round_qonnx(
    values: Floats, scale: Floats, zero_point: Floats, limits: tuple[int, int], rounding: str
) -> Floats:
    """Integers, as float32, that QONNX's Quant makes of `values`; all operands broadcast.

    NaN stays NaN; infinities saturate.

    Raises:
        ValueError: if `rounding` is not one of `ROUNDINGS`.
    """
    function = _FUNCTIONS.get(rounding)
    if function is None:
        raise ValueError(f"rounding {rounding!r} is not one of {', '.join(ROUNDINGS)}")
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        if rounding == SIGN:
            signs = function(np.asarray(values, np.float32))
            return np.clip(signs, np.float32(limits[0]), np.float32(limits[1]))
        shifted = np.asarray(values, np.float32) / scale + zero_point
        return function(np.clip(shifted, np.float32(limits[0]), np.float32(limits[1])))


def limits_of(tensor: Tensor, attributes: Attributes) -> tuple[int, int]:
    """The least and greatest integer that an op with these attributes may put into `tensor`."""
    low, high = range_of(tensor.number_format)
    least, greatest = attributes.get("minimum", low), attributes.get("maximum", high)
    if type(least) is not int or type(greatest) is not int or not low <= least <= greatest <= high:
        raise ValueError(f"tensor {tensor.name}: limits {least}..{greatest} not in {low}..{high}")
    return least, greatest


def is_plain(tensor: Tensor, attributes: Attributes) -> bool:
    """Whether an op `quantize` with these attributes computes what `tensor.quantize` does.

    With an even zero point the orders agree up to the rounding of the float32 sum; only with
    zero point 0 they agree everywhere.
    """
    full = limits_of(tensor, attributes) == range_of(tensor.number_format)
    rounding = attributes.get("rounding")
    return full and (rounding is None or (rounding == "half_even" and not any(tensor.zero_point)))


def quantize_as(values: Floats, tensor: Tensor, attributes: Attributes) -> NDArray[np.generic]:
    """The integers that an op `quantize` with these attributes makes, of `tensor`'s format.

    `values` have the tensor's number of axes; the first extent may differ (the batch).

    Raises:
        ValueError: if a value is NaN or infinite, or an attribute is wrong.
    """
    low, high = limits_of(tensor, attributes)
    rounding = attributes.get("rounding")
    if rounding is None:
        plain: NDArray[np.generic] = np.clip(tensor.quantize(values), low, high)
        return plain
    if not np.isfinite(values).all():
        raise ValueError(f"tensor {tensor.name}: values must be finite")
    scale, zero_point = np.array(tensor.scale, np.float32), np.array(tensor.zero_point, np.float32)
    shape = [1] * np.ndim(values)
    if tensor.axis is not None:
        shape[tensor.axis] = -1
    rounded = round_qonnx(
        values, scale.reshape(shape), zero_point.reshape(shape), (low, high), str(rounding)
    )
    quantized: NDArray[np.generic] = rounded.astype(storage_type(tensor.number_format))
    return quantized
