"""What a golden function gets: tensors with their numbers in one run; and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from tilewright.dataflow.graph import Op, Tensor
from tilewright.dataflow.number_formats import range_of, storage_type

Array: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Operand:
    """An input of an op: its tensor, and its numbers in the storage type of the tensor's format.

    The first extent of `values` is the run's batch, which may differ from the tensor's.
    """

    tensor: Tensor
    values: Array

    @property
    def scale(self) -> np.float32:
        """The one scale of all numbers.

        Raises:
            ValueError: if the tensor has none or several.
        """
        return scale_of(self.tensor)

    @property
    def zero_point(self) -> int:
        """The one zero point of all numbers; 0 for plain numbers."""
        return zero_point_of(self.tensor)

    def centred(self) -> NDArray[np.int32]:
        """Numbers minus their zero points: exact in 32 bits for formats of up to 31 bits."""
        zero_points = np.array(self.tensor.zero_point or (0,), np.int32)
        if self.tensor.axis is not None:
            extents = [1] * self.values.ndim
            extents[self.tensor.axis] = -1
            zero_points = zero_points.reshape(extents)
        return self.values.astype(np.int32) - zero_points


Golden: TypeAlias = Callable[[Op, Sequence[Operand], Tensor], Array]
"""`function(op, operands, result)` gives the numbers of `result` in its storage type.

`result.shape` has the graph's batch as its first extent; the operands decide on the run's.
"""


def scale_of(tensor: Tensor) -> np.float32:
    """The one scale of a tensor; ValueError if it has none or several."""
    if len(tensor.scale) != 1:
        raise ValueError(f"tensor {tensor.name}: must have one scale, has {len(tensor.scale)}")
    return np.float32(tensor.scale[0])


def zero_point_of(tensor: Tensor) -> int:
    """The one zero point of a tensor, 0 for plain numbers; ValueError if it has several."""
    if len(tensor.zero_point) > 1:
        raise ValueError(f"tensor {tensor.name}: must have one zero point")
    return tensor.zero_point[0] if tensor.zero_point else 0


def limits(op: Op, result: Tensor) -> tuple[int, int]:
    """Least and greatest result: the attributes `minimum`, `maximum`, or the format's range."""
    low, high = range_of(result.number_format)
    least = op.integer("minimum") if "minimum" in op.attributes else low
    greatest = op.integer("maximum") if "maximum" in op.attributes else high
    return max(low, least), min(high, greatest)


def saturate(op: Op, values: Array, result: Tensor) -> Array:
    """Whole numbers (integers or floats) as numbers of the result's format."""
    low, high = limits(op, result)
    saturated: Array = np.clip(values, low, high).astype(storage_type(result.number_format))
    return saturated
