"""Names of number formats: `int8`, `uint4`, `float32`; their ranges and how arrays hold them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

FLOAT = "float32"
_INTEGER = re.compile(r"(u?)int([1-9]|[12][0-9]|3[0-2]|64)")
_STORAGE_BITS = (8, 16, 32, 64)


def is_number_format(name: str) -> bool:
    """`int1` to `int32`, `uint1` to `uint32`, `int64`, `uint64` and `float32`."""
    return name == FLOAT or _INTEGER.fullmatch(name) is not None


def is_integer_format(name: str) -> bool:
    return _INTEGER.fullmatch(name) is not None


def bits_of(name: str) -> int:
    """Width of one number."""
    return 32 if name == FLOAT else int(_match(name)[2])


def is_signed(name: str) -> bool:
    return not _match(name)[1]


def range_of(name: str) -> tuple[int, int]:
    """The least and the greatest integer of a format.

    Raises:
        ValueError: if `name` is not an integer format.
    """
    bits = int(_match(name)[2])
    if _match(name)[1]:
        return 0, (1 << bits) - 1
    return -(1 << (bits - 1)), (1 << (bits - 1)) - 1


def storage_type(name: str) -> np.dtype[Any]:
    """NumPy's type for arrays of this format: the next of 8, 16, 32, 64 bits."""
    if name == FLOAT:
        return np.dtype(np.float32)
    bits = next(width for width in _STORAGE_BITS if width >= bits_of(name))
    return np.dtype(f"{'int' if is_signed(name) else 'uint'}{bits}")


def fits(values: NDArray[Any], name: str) -> bool:
    """Whether all values are numbers of this format."""
    if name == FLOAT or not values.size:
        return True
    low, high = range_of(name)
    return bool(int(values.min()) >= low and int(values.max()) <= high)


def _match(name: str) -> re.Match[str]:
    match = _INTEGER.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} is not an integer format")
    return match
