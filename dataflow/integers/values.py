"""What a value of the model is known to be while integers are made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..graph import Graph, Op
from ..number_formats import range_of
from ..rounding import limits_of, quantize_as
from ..tensor import Tensor

Attributes = Mapping[str, int | float | str | tuple[int, ...]]
ACTIVATION_LAYOUTS = {2: "MK", 4: "BCYX"}


class Refused(Exception):
    """A rule is broken at `op` of the model: `rule`, `help`."""

    def __init__(self, op: Op, rule: str, help: str | None = None) -> None:
        super().__init__(rule)
        self.op, self.rule, self.help = op, rule, help


@dataclass(frozen=True, kw_only=True)
class Held:
    """The value is exactly what the integers of this tensor of the integer graph stand for."""

    tensor: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Literal:
    """A float constant."""

    data: NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Free:
    """Computed from the model's float inputs, before anything is quantised. No op: an input."""

    op: Op | None = None


@dataclass(frozen=True, kw_only=True)
class Floating:
    """The float result of an op on integers: it must be quantised, or go to the model's end."""

    op: Op


Value = Held | Literal | Free | Floating


@dataclass(frozen=True, kw_only=True)
class Quantisation:
    """How integers stand for floats: `scale * (q - zero_point)`, one for all elements."""

    number_format: str
    scale: float
    zero_point: int

    @classmethod
    def of(cls, tensor: Tensor) -> Quantisation | None:
        """That of a tensor; None if it has none, or one for each index of an axis."""
        if len(tensor.scale) != 1:
            return None
        return cls(
            number_format=tensor.number_format,
            scale=float(np.float32(tensor.scale[0])),
            zero_point=tensor.zero_point[0],
        )

    @property
    def limits(self) -> tuple[int, int]:
        return range_of(self.number_format)

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the greatest float that an integer stands for."""
        least, most = self.tensor("value", (2,)).dequantize(np.array(self.limits))
        return float(least), float(most)

    def tensor(self, name: str, shape: tuple[int, ...], origin: str = "") -> Tensor:
        """An intermediate tensor of this quantisation."""
        return Tensor(
            name=name,
            shape=shape,
            number_format=self.number_format,
            scale=(self.scale,),
            zero_point=(self.zero_point,),
            layout=ACTIVATION_LAYOUTS.get(len(shape), ""),
            origin=origin,
        )

    def is_exact(self, value: float) -> bool:
        """Whether a float is exactly what some integer stands for."""
        least, most = self.ends
        if not least <= value <= most:
            return False
        one = self.tensor("value", ())
        back = one.dequantize(one.quantize(np.array(value, np.float32)))
        return bool(back == np.float32(value))


@dataclass(frozen=True, kw_only=True)
class Target:
    """What an op `quantize` makes: integers of `quantisation` in `[low, high]`.

    `tensor` is its result in the model; `rounding` is None, or QONNX's order of steps where that
    differs (`rounding.py`).
    """

    op: Op
    tensor: Tensor
    quantisation: Quantisation
    low: int
    high: int
    rounding: str | None

    @classmethod
    def of(cls, model: Graph, op: Op) -> Target:
        """Raises Refused if the result has not one scale."""
        tensor = model.tensor(op.outputs[0])
        quantisation = Quantisation.of(tensor)
        if quantisation is None:
            raise Refused(
                op,
                f"activations must have one scale, got {len(tensor.scale)}",
                "quantise per tensor (per channel is for weights)",
            )
        low, high = limits_of(tensor, op.attributes)
        rounding = op.attributes.get("rounding")
        is_plain = rounding is None or (rounding == "half_even" and not any(tensor.zero_point))
        return cls(
            op=op,
            tensor=tensor,
            quantisation=quantisation,
            low=low,
            high=high,
            rounding=None if is_plain else str(rounding),
        )

    def quantize(self, values: NDArray[np.float32]) -> NDArray[np.int64]:
        """The integers of floats, which may be infinite; saturated to `[low, high]`."""
        most = np.float32(np.finfo(np.float32).max)
        finite = np.clip(np.asarray(values, np.float32), -most, most)
        attributes = {} if self.rounding is None else {"rounding": self.rounding}
        with np.errstate(over="ignore"):
            scaled = np.clip(finite, -self._greatest, self._greatest)
            plain = quantize_as(scaled, self._one, attributes)
        return np.clip(plain.astype(np.int64), self.low, self.high)

    def narrowed(self, low: int, high: int) -> Target:
        """The same behind a saturation to `[low, high]`, itself saturated."""
        return replace(
            self,
            low=min(max(low, self.low), self.high),
            high=min(max(high, self.low), self.high),
        )

    @property
    def is_full(self) -> bool:
        """Whether nothing is narrower than the number format's range."""
        return (self.low, self.high) == self.quantisation.limits

    @property
    def limits(self) -> Mapping[str, int]:
        """Attributes minimum and maximum, where they are narrower than the number format."""
        return {} if self.is_full else {"minimum": self.low, "maximum": self.high}

    @property
    def _one(self) -> Tensor:
        return self.quantisation.tensor("value", ())

    @property
    def _greatest(self) -> np.float32:
        """A magnitude that saturates, and whose ratio to the scale is finite."""
        low, high = self.quantisation.limits
        with np.errstate(over="ignore"):
            greatest = np.float32(4.0 * (high - low)) * np.float32(self.quantisation.scale)
        return greatest if np.isfinite(greatest) else np.float32(np.finfo(np.float32).max)
