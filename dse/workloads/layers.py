"""A workload as a list of matrix products and convolutions: extents only, no data.

Letters as everywhere: a product is `MxK @ KxN`; a convolution has B, K (output channels),
C (input channels), OY, OX, FY, FX. Every convolution is also a product, by `as_matmul`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

MAX_EXTENT = 2**31 - 1
MAX_MACS = 2**53
"""Of one layer: exact as a float, and sums of many layers stay within 64 bits."""

Pair: TypeAlias = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Matmul:
    """`MxK @ KxN`, `repeats` times.

    `repeats` counts products of these extents with operands of their own (heads of an attention,
    equal layers). `has_weights` is false where the second operand is computed, not stored.
    `kept = (n, m)`: n of every m weights are not zero; `macs` counts all of them.
    """

    name: str
    M: int
    K: int
    N: int
    repeats: int = 1
    has_weights: bool = True
    kept: Pair = (1, 1)

    def __post_init__(self) -> None:
        _check_whole(self, ("M", "K", "N", "repeats"))
        _check_common(self.kept, self.macs)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all repeats."""
        return self.M * self.K * self.N * self.repeats

    @property
    def inputs(self) -> int:
        """Elements of the first operand, of all repeats."""
        return self.M * self.K * self.repeats

    @property
    def weights(self) -> int:
        """Elements of the second operand, of all repeats."""
        return self.K * self.N * self.repeats

    @property
    def outputs(self) -> int:
        """Elements of the result, of all repeats."""
        return self.M * self.N * self.repeats

    def as_matmul(self) -> Matmul:
        """The product itself."""
        return self


@dataclass(frozen=True, kw_only=True)
class Convolution:
    """A convolution in two dimensions, `repeats` times (see `Matmul`).

    `K` and `C` are of all `groups` together. The input is as large as the windows reach, padding
    included: `input_rows` x `input_columns`. Strides and dilations are (rows, columns).
    """

    name: str
    K: int
    C: int
    OY: int
    OX: int
    FY: int
    FX: int
    B: int = 1
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    groups: int = 1
    repeats: int = 1
    kept: Pair = (1, 1)

    def __post_init__(self) -> None:
        _check_whole(self, ("B", "K", "C", "OY", "OX", "FY", "FX", "groups", "repeats"))
        for name in ("stride", "dilation"):
            if any(not 1 <= step <= MAX_EXTENT for step in getattr(self, name)):
                raise ValueError(f"{name} must be 1 or more")
        if self.K % self.groups or self.C % self.groups:
            raise ValueError(f"groups must divide K and C, {self.groups} does not")
        _check_common(self.kept, self.macs)

    @property
    def input_rows(self) -> int:
        """Rows of the input that the windows reach."""
        return _reach(self.OY, self.FY, self.stride[0], self.dilation[0])

    @property
    def input_columns(self) -> int:
        """Columns of the input that the windows reach."""
        return _reach(self.OX, self.FX, self.stride[1], self.dilation[1])

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all repeats."""
        return self.outputs * (self.C // self.groups) * self.FY * self.FX

    @property
    def inputs(self) -> int:
        """Elements of the input, padding included, of all repeats."""
        return self.B * self.C * self.input_rows * self.input_columns * self.repeats

    @property
    def weights(self) -> int:
        """Elements of the filters, of all repeats."""
        return self.K * (self.C // self.groups) * self.FY * self.FX * self.repeats

    @property
    def outputs(self) -> int:
        """Elements of the result, of all repeats."""
        return self.B * self.K * self.OY * self.OX * self.repeats

    @property
    def has_weights(self) -> bool:
        """Filters are stored, always."""
        return True

    def as_matmul(self) -> Matmul:
        """The product that computes it: a row per output pixel, each group a repeat."""
        pixels = self.B * self.OY * self.OX
        window = self.C // self.groups * self.FY * self.FX
        return Matmul(
            name=self.name,
            M=pixels,
            K=window,
            N=self.K // self.groups,
            repeats=self.repeats * self.groups,
            kept=self.kept,
        )


Layer: TypeAlias = Matmul | Convolution


@dataclass(frozen=True, kw_only=True)
class Workload:
    """Layers in the order in which they run.

    `source` says where the extents come from. `notes` is what its reader left out or took another
    way than it stands in the file; a report shows them.
    """

    name: str
    layers: tuple[Layer, ...]
    source: str = ""
    notes: tuple[str, ...] = ()

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all layers."""
        return sum(layer.macs for layer in self.layers)

    @property
    def weights(self) -> int:
        """Stored weights of all layers, in elements."""
        return sum(layer.weights for layer in self.layers if layer.has_weights)

    def columns(self) -> Mapping[str, NDArray[np.int64]]:
        """One entry per layer, for laws that are computed for all layers at once.

        `M`, `K`, `N`, `repeats` of the layer as a product; `macs`, `inputs`, `weights`, `outputs`
        in elements as the layer itself counts them (a convolution's input once, not per window).
        """
        products = [layer.as_matmul() for layer in self.layers]
        own = ("macs", "inputs", "weights", "outputs")
        lists = {name: [getattr(p, name) for p in products] for name in ("M", "K", "N", "repeats")}
        lists |= {name: [getattr(layer, name) for layer in self.layers] for name in own}
        return MappingProxyType({name: np.array(of, np.int64) for name, of in lists.items()})


def _reach(outputs: int, taps: int, stride: int, dilation: int) -> int:
    return (outputs - 1) * stride + (taps - 1) * dilation + 1


def _check_whole(layer: object, names: tuple[str, ...]) -> None:
    for name in names:
        value = getattr(layer, name)
        if type(value) is not int or not 1 <= value <= MAX_EXTENT:
            raise ValueError(f"{name} must be a whole number from 1 to {MAX_EXTENT}, got {value!r}")


def _check_common(kept: Pair, macs: int) -> None:
    nonzero, of = kept
    if not 1 <= nonzero <= of:
        raise ValueError(f"of {of} weights {nonzero} cannot be kept")
    if macs > MAX_MACS:
        exponent = math.log2(macs)
        raise ValueError(f"must have at most 2^53 multiply-accumulates, has about 2^{exponent:.0f}")
