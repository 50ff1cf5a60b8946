"""Values of tensors in an ONNX file, which may say more than it holds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto

from ...number_formats import range_of

# Bits of one element by type, and the field that holds elements when `raw_data` does not.
_BITS: Mapping[int, int] = {
    TensorProto.FLOAT: 32,
    TensorProto.DOUBLE: 64,
    TensorProto.FLOAT16: 16,
    TensorProto.BFLOAT16: 16,
    TensorProto.INT8: 8,
    TensorProto.UINT8: 8,
    TensorProto.INT16: 16,
    TensorProto.UINT16: 16,
    TensorProto.INT32: 32,
    TensorProto.UINT32: 32,
    TensorProto.INT64: 64,
    TensorProto.UINT64: 64,
    TensorProto.BOOL: 8,
    TensorProto.INT4: 4,
    TensorProto.UINT4: 4,
    TensorProto.INT2: 2,
    TensorProto.UINT2: 2,
}
_FIELDS: Mapping[int, str] = {
    TensorProto.FLOAT: "float_data",
    TensorProto.DOUBLE: "double_data",
    TensorProto.INT64: "int64_data",
    TensorProto.UINT32: "uint64_data",
    TensorProto.UINT64: "uint64_data",
}
MAX_AXES = 16
_LESS_THAN_A_BYTE = (TensorProto.INT4, TensorProto.UINT4, TensorProto.INT2, TensorProto.UINT2)


def array_of(item: TensorProto) -> NDArray[Any]:
    """The values of a tensor; the name of the array's dtype is its number format (`int4` too).

    Raises:
        ValueError: if the type is not one of numbers, the data lie in another file, or they do not
            fill the declared extents. Nothing is allocated then.
    """
    if item.data_location == TensorProto.EXTERNAL or item.external_data:
        raise ValueError("values in other files are not read")
    problem = size_problem(item)
    if problem is not None:
        raise ValueError(problem)
    _check_range(item)
    try:
        return np.asarray(onnx.numpy_helper.to_array(item))
    except (ValueError, TypeError, KeyError, OverflowError, MemoryError) as error:
        raise ValueError(f"the values cannot be read: {error}") from None


def _check_range(item: TensorProto) -> None:
    """Narrow integers may be written as numbers of 32 bits: those must fit."""
    name = type_name(item.data_type).lower()
    if item.HasField("raw_data") or name not in ("int8", "uint8", "int16", "uint16"):
        return
    low, high = range_of(name)
    values = np.array(item.int32_data, np.int64)
    if values.size and (values.min() < low or values.max() > high):
        beyond = values[(values < low) | (values > high)][0]
        raise ValueError(f"holds {beyond}, which is no {name} ({low} to {high})")


def size_problem(item: TensorProto) -> str | None:
    """Why the data of a tensor cannot fill its extents, if they cannot."""
    kind = item.data_type
    if kind not in _BITS:
        return f"values of type {type_name(kind)} are not supported"
    if any(extent < 0 for extent in item.dims):
        return "has a negative extent"
    if len(item.dims) > MAX_AXES:
        return f"has {len(item.dims)} axes, at most {MAX_AXES} are supported"
    size = math.prod(item.dims)
    if item.HasField("raw_data"):
        wanted, found, what = -(-size * _BITS[kind] // 8), len(item.raw_data), "bytes"
    else:
        packed = 8 // _BITS[kind] if kind in _LESS_THAN_A_BYTE else 1
        wanted, what = -(-size // packed), "values"
        found = len(getattr(item, _FIELDS.get(kind, "int32_data")))
    if wanted == found:
        return None
    shown = "x".join(map(str, item.dims)) or "scalar"
    return f"extents {shown} need {wanted} {what}, the file holds {found}"


def type_name(kind: int) -> str:
    """What ONNX calls the element type of this number."""
    try:
        return str(TensorProto.DataType.Name(kind))
    except ValueError:
        return f"number {kind}"
