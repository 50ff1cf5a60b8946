"""`Tensor`: an array of integers, what they stand for, and where it came from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .checks import not_empty
from .number_formats import fits, is_integer_format, is_number_format, range_of, storage_type

Role = Literal["input", "output", "intermediate", "constant"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Tensor:
    """An array of numbers between ops.

    The value of element *q* is `scale * (q - zero_point)`; both have one entry, or one for each
    index along `axis`, or none (a tensor of plain numbers). `layout` names the order of the axes,
    outermost first (`MK`, `KN`, `N`). `data` holds a constant's values. `origin` is its name in the
    model file.
    """

    name: str
    shape: tuple[int, ...]
    number_format: str
    scale: tuple[float, ...] = ()
    zero_point: tuple[int, ...] = ()
    axis: int | None = None
    layout: str = ""
    role: Role = "intermediate"
    data: np.ndarray[Any, Any] | None = None
    origin: str = ""

    def __post_init__(self) -> None:
        not_empty("name", self.name)
        if not is_number_format(self.number_format):
            raise ValueError(f"tensor {self.name}: number_format {self.number_format!r} is unknown")
        if any(extent < 1 for extent in self.shape):
            raise ValueError(f"tensor {self.name}: shape {self.shape} has an extent below 1")
        if self.axis is not None and not 0 <= self.axis < len(self.shape):
            raise ValueError(f"tensor {self.name}: axis {self.axis} is not in shape {self.shape}")
        self._check_quantisation()
        if (self.data is not None) != (self.role == "constant"):
            raise ValueError(f"tensor {self.name}: constants and only they have data")
        if self.data is not None:
            self._freeze_data(self.data)

    def _check_quantisation(self) -> None:
        if len(self.scale) != len(self.zero_point):
            raise ValueError(f"tensor {self.name}: as many scales as zero points")
        if not self.scale:
            return
        per_axis = 1 if self.axis is None else self.shape[self.axis]
        if len(self.scale) != per_axis:
            raise ValueError(f"tensor {self.name}: {per_axis} scales, got {len(self.scale)}")
        if not is_integer_format(self.number_format):
            raise ValueError(f"tensor {self.name}: {self.number_format} has no scale")
        if not all(math.isfinite(scale) and scale > 0 for scale in self.scale):
            raise ValueError(f"tensor {self.name}: scales must be positive and finite")
        low, high = range_of(self.number_format)
        if not all(low <= zero <= high for zero in self.zero_point):
            raise ValueError(f"tensor {self.name}: zero points must lie in {low}..{high}")

    def _freeze_data(self, data: np.ndarray[Any, Any]) -> None:
        stored = storage_type(self.number_format)
        if data.shape != self.shape or data.dtype != stored:
            raise ValueError(
                f"tensor {self.name}: data must be {stored} {self.shape}, "
                f"got {data.dtype.name} {data.shape}"
            )
        if not fits(data, self.number_format):
            raise ValueError(f"tensor {self.name}: data beyond {self.number_format}")
        frozen = data.copy()
        frozen.setflags(write=False)
        object.__setattr__(self, "data", frozen)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tensor):
            return NotImplemented
        mine, theirs = dict(vars(self)), dict(vars(other))
        a, b = mine.pop("data"), theirs.pop("data")
        if (a is None) != (b is None) or mine != theirs:
            return False
        return a is None or bool(np.array_equal(a, b))

    def __hash__(self) -> int:
        return hash((self.name, self.shape, self.number_format))

    def __str__(self) -> str:
        extents = "x".join(map(str, self.shape)) or "scalar"
        scale = f" scale {self.scale[0]:.6g}" if len(self.scale) == 1 else ""
        scale = f" {len(self.scale)} scales" if len(self.scale) > 1 else scale
        return f"{self.name}: {self.number_format} {extents} {self.role}{scale}"

    def quantize(self, values: NDArray[np.float32]) -> NDArray[Any]:
        """Float values as integers: divide in float32, round half to even, saturate."""
        scale, zero_point = self._along(np.ndim(values))
        low, high = range_of(self.number_format)
        ratio = np.asarray(values, np.float32) / scale
        if not np.isfinite(ratio).all():
            raise ValueError(f"tensor {self.name}: values must be finite")
        shifted = np.rint(ratio.astype(np.float64)) + zero_point
        quantized: NDArray[Any] = np.clip(shifted, low, high)
        return quantized.astype(storage_type(self.number_format))

    def dequantize(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """The float values that this tensor's integers stand for."""
        scale, zero_point = self._along(np.ndim(values))
        difference = np.asarray(values, np.int64) - zero_point
        floats: NDArray[np.float32] = difference.astype(np.float32) * scale
        return floats

    def _along(self, rank: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Scales and zero points in a shape that broadcasts with values of `rank` axes."""
        if not self.scale:
            raise ValueError(f"tensor {self.name}: has no scale, so it stands for no floats")
        scale, zero_point = np.array(self.scale, np.float32), np.array(self.zero_point, np.int64)
        if self.axis is None:
            return scale.reshape(()), zero_point.reshape(())
        shape = [1] * rank
        shape[self.axis] = -1
        return scale.reshape(shape), zero_point.reshape(shape)
