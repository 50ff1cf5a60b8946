"""Which banks hold which rows of B: loads balanced, hot rows in several banks. Pure."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

HOT_SHARE = 0.25
"""A copy of a row of B serves at most this share of the cycles, if there is room for copies."""


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Row k of B lies in the banks `banks[first[k]:first[k + 1]]`, there in the slots `slots`.

    A slot has a word for each panel. Rows that no entry reads lie nowhere.
    """

    first: Ints
    banks: Ints
    slots: Ints
    num_banks: int

    @cached_property
    def copies(self) -> Ints:
        """In how many banks each row lies."""
        return np.diff(self.first)

    @property
    def num_replicated(self) -> int:
        """Rows that lie in several banks."""
        return int((self.copies > 1).sum())

    @property
    def num_slots(self) -> int:
        """Slots of the fullest bank."""
        return int(self.slots.max(initial=-1)) + 1


def place(
    counts: Ints, *, banks: int, slots: int, max_copies: int, cycles: int, seed: int
) -> Placement:
    """Give each row of B that is read (`counts` times in `cycles` cycles) a slot of a bank.

    The most read first, each to the banks with the least load; ties are broken by `seed`.
    """
    rng = np.random.default_rng(seed)
    used = np.flatnonzero(counts)
    spare = banks * slots - len(used)
    if spare < 0:
        raise ValueError(f"{len(used)} rows of B are read, {banks} banks of {slots} slots")
    load, filled, tie = np.zeros(banks), np.zeros(banks, np.int64), rng.random(len(counts))
    where: dict[int, tuple[list[int], list[int]]] = {}
    for row in used[np.lexsort((tie[used], -counts[used]))].tolist():
        wanted = -(-int(counts[row]) // max(1, int(cycles * HOT_SHARE)))
        copies = min(wanted, max_copies, banks, spare + 1)
        order = np.lexsort((rng.random(banks), load, filled >= slots))[:copies]
        order = order[filled[order] < slots]
        where[row] = (order.tolist(), filled[order].tolist())
        load[order] += counts[row] / len(order)
        filled[order] += 1
        spare -= len(order) - 1
    rows = [where.get(row, ([], [])) for row in range(len(counts))]
    first = np.concatenate([[0], np.cumsum([len(numbers) for numbers, _ in rows])])
    return Placement(
        first=first.astype(np.int64),
        banks=np.array([b for numbers, _ in rows for b in numbers], np.int64),
        slots=np.array([s for _, places in rows for s in places], np.int64),
        num_banks=banks,
    )
