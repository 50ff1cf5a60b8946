"""A published table of energies, and the rules between its entries.

Every entry is as published. Between entries energy follows a power of the size: a straight line
between the two neighbours in logarithms of both. Outside the entries, and where there is one alone:

    multiplication     square of the width (an array multiplier has width x width cells);
                       two widths a, b count as sqrt(a b)
    addition           first power of the width
    SRAM, per bit      square root of the capacity (lines grow with the side of a square), as
                       between Horowitz' 8 and 32 KiB
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
MULTIPLY_EXPONENT, ADD_EXPONENT, SRAM_EXPONENT = 2.0, 1.0, 0.5


@dataclass(frozen=True, kw_only=True)
class Sram:
    """An access of `access_bits` bits to a memory of `capacity_bytes`, in the table's unit.

    `write` is None where only reads, or just accesses, are published: then it counts as `read`.
    """

    capacity_bytes: int
    access_bits: int
    read: float
    write: float | None = None


@dataclass(frozen=True, kw_only=True)
class EnergyTable:
    """One table.

    `unit` is `pJ`, or words for a relative unit. `multiply`, `add`, `mac`: (width in bits, energy);
    a table has `mac`, or both others. `register`: of one bit read or written, None if it has none.
    `dram`: (low, typical, high) of one bit. `source` says where it is published, `remarks` what was
    decided in taking it.
    """

    name: str
    title: str
    source: str
    unit: str = "pJ"
    multiply: tuple[tuple[int, float], ...] = ()
    add: tuple[tuple[int, float], ...] = ()
    mac: tuple[tuple[int, float], ...] = ()
    register: float | None = None
    srams: tuple[Sram, ...]
    dram: tuple[float, float, float]
    remarks: str = ""

    def __post_init__(self) -> None:
        if bool(self.mac) == bool(self.multiply and self.add):
            raise ValueError(f"{self.name}: needs either mac, or multiply and add")
        capacities = [sram.capacity_bytes for sram in self.srams]
        if capacities != sorted(set(capacities)) or not capacities:
            raise ValueError(f"{self.name}: memories must be in order of capacity")
        if not self.dram[0] <= self.dram[1] <= self.dram[2]:
            raise ValueError(f"{self.name}: dram must be low, typical, high")

    def mac_energy(self, a_bits: ArrayLike, b_bits: ArrayLike, sum_bits: ArrayLike) -> Floats:
        """Of one multiplication of `a_bits` by `b_bits` and its addition to a sum of `sum_bits`.

        A published whole MAC counts its own sum, whatever `sum_bits`.
        """
        width = np.sqrt(_positive(a_bits, "a_bits") * _positive(b_bits, "b_bits"))
        if self.mac:
            return along(self.mac, width, MULTIPLY_EXPONENT)
        sums = along(self.add, _positive(sum_bits, "sum_bits"), ADD_EXPONENT)
        return along(self.multiply, width, MULTIPLY_EXPONENT) + sums

    def sram_read(self, capacity_bytes: ArrayLike) -> Floats:
        """Of one bit read from a memory of `capacity_bytes`."""
        points = [(s.capacity_bytes, s.read / s.access_bits) for s in self.srams]
        return along(points, _positive(capacity_bytes, "capacity_bytes"), SRAM_EXPONENT)

    def sram_write(self, capacity_bytes: ArrayLike) -> Floats:
        """Of one bit written to a memory of `capacity_bytes`."""
        writes = [s.read if s.write is None else s.write for s in self.srams]
        pairs = zip(self.srams, writes, strict=True)
        points = [(s.capacity_bytes, write / s.access_bits) for s, write in pairs]
        return along(points, _positive(capacity_bytes, "capacity_bytes"), SRAM_EXPONENT)


def along(points: Sequence[tuple[float, float]], sizes: ArrayLike, exponent: float) -> Floats:
    """Energies at `sizes`: powers between `points`, and with `exponent` beyond them.

    `points` are (size, energy) in order of size, all above 0; `sizes` may have any shape.
    """
    size, energy = np.log(np.array(points, np.float64)).T
    at = np.log(np.asarray(sizes, np.float64))
    beyond = np.maximum(at - size[-1], 0) + np.minimum(at - size[0], 0)
    found: Floats = np.exp(np.interp(at, size, energy) + exponent * beyond)
    return found


def _positive(values: ArrayLike, name: str) -> Floats:
    array = np.asarray(values, np.float64)
    if not (array > 0).all():
        raise ValueError(f"{name} must be above 0")
    return array
