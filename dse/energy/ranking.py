"""How far the order of designs depends on the table that their energies are taken from."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import kendalltau

from .account import Accesses, Energy, energy_of
from .table import EnergyTable
from .tables import TABLES


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Two tables over the same designs.

    `tau` is Kendall's (tau-b): 1 same order, 0 none, -1 reversed; the share of pairs in the same
    order is (1 + tau) / 2 where no two are equal. `loss`: how much more energy, by the second
    table, the first one's best design takes than the second one's (0.1 = a tenth more).
    """

    first: str
    second: str
    tau: float
    loss: float


def kendall_tau(first: ArrayLike, second: ArrayLike) -> float:
    """Kendall's tau-b of two lists of numbers for the same designs, two or more.

    Where all are equal in one list there is no order to agree with: 1 if they are in both, else 0.
    """
    a, b = (np.asarray(values, np.float64).ravel() for values in (first, second))
    if a.size != b.size or a.size < 2:
        raise ValueError(f"needs the same two or more designs, got {a.size} and {b.size}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("must be finite numbers")
    flat = [bool((values == values[0]).all()) for values in (a, b)]
    if any(flat):
        return 1.0 if all(flat) else 0.0
    return float(kendalltau(a, b).statistic)


def agreements(energies: Mapping[str, ArrayLike]) -> tuple[Agreement, ...]:
    """Every ordered pair of tables; `energies` has a list per table, in the same order of designs.

    Ordered, because `loss` depends on which of the two was believed.
    """
    return tuple(
        agreement(first, energies[first], second, energies[second])
        for first, second in itertools.permutations(energies, 2)
    )


def agreement(first: str, believed: ArrayLike, second: str, energies: ArrayLike) -> Agreement:
    """Of the first table, which is believed, with the second one."""
    a, b = (np.asarray(values, np.float64).ravel() for values in (believed, energies))
    best = float(b.min())
    loss = float(b[int(a.argmin())]) / best - 1 if best > 0 else 0.0
    return Agreement(first=first, second=second, tau=kendall_tau(a, b), loss=loss)


def by_every_table(
    *,
    macs: ArrayLike,
    accesses: Sequence[Accesses],
    bytes_off_chip: ArrayLike,
    a_bits: ArrayLike = 8,
    b_bits: ArrayLike = 8,
    sum_bits: ArrayLike = 32,
    tables: Mapping[str, EnergyTable] = TABLES,
) -> tuple[Mapping[str, Energy], tuple[Agreement, ...]]:
    """Energies of the same designs by each table, and how far the orders agree."""
    energies = {
        name: energy_of(
            table,
            macs=macs,
            accesses=accesses,
            bytes_off_chip=bytes_off_chip,
            a_bits=a_bits,
            b_bits=b_bits,
            sum_bits=sum_bits,
        )
        for name, table in tables.items()
    }
    return energies, agreements({name: energy.total for name, energy in energies.items()})
