"""Energy of many designs at once: operations, accesses by level, bytes off chip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from .table import EnergyTable, Floats

MACS, OFF_CHIP = "multiply-accumulate", "off chip"


@dataclass(frozen=True, kw_only=True)
class Accesses:
    """Bits read from and written to one level on the chip, one entry per design.

    `capacity_bytes` is of one memory as it is accessed (a bank), or None for registers.
    """

    level: str
    capacity_bytes: ArrayLike | None
    read_bits: ArrayLike
    written_bits: ArrayLike


@dataclass(frozen=True, kw_only=True)
class Energy:
    """Energies in the table's unit, one entry per design.

    `parts` are by level and sum up to `total`. `low`, `high`: the total with the least and the most
    that the table says of DRAM. `missing` names what the table does not have and what therefore
    counts as 0; a report must say so.
    """

    table: str
    unit: str
    parts: Mapping[str, Floats]
    total: Floats
    low: Floats
    high: Floats
    missing: tuple[str, ...]


def energy_of(
    table: EnergyTable,
    *,
    macs: ArrayLike,
    accesses: Sequence[Accesses],
    bytes_off_chip: ArrayLike,
    a_bits: ArrayLike = 8,
    b_bits: ArrayLike = 8,
    sum_bits: ArrayLike = 32,
) -> Energy:
    """Energy of designs by `table`; all counts broadcast against each other.

    `macs` are those that are done, useful or not: a PE that multiplies zeros counts.
    """
    parts = {MACS: _counts(macs, "macs") * table.mac_energy(a_bits, b_bits, sum_bits)}
    missing = []
    for access in accesses:
        if access.level in parts or access.level == OFF_CHIP:
            raise ValueError(f"level {access.level!r} stands twice")
        if access.capacity_bytes is None and table.register is None:
            missing.append(access.level)
        parts[access.level] = _access_energy(table, access)
    bits = 8 * _counts(bytes_off_chip, "bytes_off_chip")
    low, typical, high = (bits * energy for energy in table.dram)
    on_chip: Floats = np.asarray(sum(parts.values()), np.float64)
    total = on_chip + typical
    everywhere = {name: np.broadcast_to(of, total.shape) for name, of in parts.items()}
    return Energy(
        table=table.name,
        unit=table.unit,
        parts=MappingProxyType(everywhere | {OFF_CHIP: np.broadcast_to(typical, total.shape)}),
        total=total,
        low=on_chip + low,
        high=on_chip + high,
        missing=tuple(missing),
    )


def _access_energy(table: EnergyTable, access: Accesses) -> Floats:
    read = _counts(access.read_bits, f"read bits of {access.level}")
    written = _counts(access.written_bits, f"written bits of {access.level}")
    if access.capacity_bytes is None:
        return (read + written) * (table.register or 0.0)
    capacity = access.capacity_bytes
    return read * table.sram_read(capacity) + written * table.sram_write(capacity)


def _counts(values: ArrayLike, name: str) -> Floats:
    array = np.asarray(values, np.float64)
    if not (array >= 0).all():  # refuses NaN, too
        raise ValueError(f"{name} must be 0 or more")
    return array
