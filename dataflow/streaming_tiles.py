"""Many machines at once: `placement.simple.place` and the cut of `schedule.plan_simple`. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .placement.simple import MAX_B_SLOTS, MIN_RESULT_SLOTS
from .streaming_sizes import (
    Arrays,
    Flags,
    Indices,
    Numbers,
    Ops,
    Sizes,
    ceil_div,
    floor_div,
    run_blocks,
    single_token,
)

MIN_B_SLOTS = 2


def tiles_tiling(arrays: Arrays, ops: Ops, sizes: Sizes) -> dict[str, NDArray[Any]]:
    """`placement.simple.place` and the cut of `schedule.plan_simple`.

    Of the splits with as many slots of weights, the one with the fewest banks for them is the best:
    it leaves most to the row tiles. So there is one to consider for each number of slots.
    """
    m_tiles = ceil_div(ops.M, arrays.rows)
    needs = _Needs(
        m_tiles=m_tiles,
        a_panel=sizes.k_blocks * arrays.rows,
        b_slot=sizes.b_panel_words.max(axis=1),
        # Words of weights that one more block of an op moves.
        b_words=ops.count * sizes.panels * sizes.b_panel_words,
    )
    best = _Best(arrays, needs, ops)
    rows, per_bank, banks = (of[:, 0] for of in (arrays.rows, arrays.words_per_bank, arrays.banks))
    least = ceil_div(2 * rows, per_bank)
    wanted = ceil_div(MIN_RESULT_SLOTS * rows, per_bank)
    most = np.maximum(least, np.minimum(wanted, floor_div(banks, 4)))
    for fewer in range(int((most - least).max(initial=0)) + 1):
        o_banks = most - fewer
        is_open = (o_banks >= least) & ~best.is_found
        for b_slots in range(MIN_B_SLOTS, MAX_B_SLOTS + 1):
            b_banks = np.maximum(1, ceil_div(b_slots * needs.b_slot, per_bank))
            best.consider(np.flatnonzero(is_open & (b_banks < banks - o_banks)), b_banks, o_banks)
        best.is_found |= best.is_some
    resident = np.where(best.is_found[:, None], best.resident, 1)
    blocks = ceil_div(m_tiles, resident)
    resident = ceil_div(m_tiles, blocks)
    is_single = single_token(resident, blocks, ops, sizes.panels, best.o_slots)
    k_blocks = sizes.subpanels * sizes.k_blocks
    return {
        "blocks": blocks,
        "resident": resident,
        "block_rows": np.minimum(ops.M, resident * arrays.rows),
        "b_slots": np.broadcast_to(best.b_slots[:, None], blocks.shape),
        "run_blocks": run_blocks(k_blocks, sizes.b_block_words, arrays.beats_per_word),
        "is_single": np.broadcast_to(is_single[:, None], blocks.shape),
        "b_banks": best.b_banks,
        "o_banks": best.o_banks,
        "is_fitting": best.is_found,
    }


@dataclass(frozen=True, kw_only=True)
class _Needs:
    m_tiles: Numbers
    a_panel: Numbers
    b_slot: Numbers
    b_words: Numbers


class _Best:
    """The best split of the banks so far, by `placement.simple`'s quality, for each machine."""

    def __init__(self, arrays: Arrays, needs: _Needs, ops: Ops) -> None:
        self.arrays, self.needs, self.count = arrays, needs, ops.count
        machines = len(arrays.rows)
        self.is_found = np.zeros(machines, np.bool_)
        self.is_some = np.zeros(machines, np.bool_)
        self.quality = np.full((4, machines), -np.inf)
        self.resident = np.ones(needs.m_tiles.shape)
        self.b_slots = np.zeros(machines)
        self.o_slots = np.zeros(machines)
        self.b_banks = np.zeros(machines)
        self.o_banks = np.zeros(machines)

    def consider(self, some: Indices, b_banks: Numbers, o_banks: Numbers) -> None:
        """Take this split where it is better; some machines with room for it."""
        arrays, b_banks, o_banks = self.arrays, b_banks[some], o_banks[some]
        rows, per_bank = arrays.rows[some, 0], arrays.words_per_bank[some, 0]
        b_slots = np.minimum(floor_div(b_banks * per_bank, self.needs.b_slot[some]), MAX_B_SLOTS)
        a_words = (arrays.banks[some, 0] - o_banks - b_banks) * per_bank
        o_slots = floor_div(o_banks * per_bank, rows)
        m_tiles = self.needs.m_tiles[some]
        resident = floor_div(a_words[:, None], self.needs.a_panel[some])
        np.minimum(resident, floor_div(o_slots, 2)[:, None], out=resident)
        np.minimum(resident, m_tiles, out=resident)
        is_possible = (b_slots >= MIN_B_SLOTS) & (resident.min(axis=1) >= 1)
        if not is_possible.any():
            return
        np.maximum(resident, 1, out=resident)
        quality = self._quality(some, m_tiles, resident, b_slots)
        is_better = is_possible & _is_greater(quality, self.quality[:, some])
        taken = some[is_better]
        self.quality[:, taken] = quality[:, is_better]
        self.resident[taken] = resident[is_better]
        self.b_slots[taken] = b_slots[is_better]
        self.o_slots[taken] = o_slots[is_better]
        self.b_banks[taken], self.o_banks[taken] = b_banks[is_better], o_banks[is_better]
        self.is_some[taken] = True

    def _quality(
        self, some: Indices, m_tiles: Numbers, resident: Numbers, b_slots: Numbers
    ) -> Numbers:
        is_single = resident == 1
        avoidable = (is_single & (m_tiles > 1)) @ self.count
        blocks = ceil_div(m_tiles, resident)
        traffic = np.einsum("ij,ij->i", blocks, self.needs.b_words[some])
        enough = b_slots >= np.where(is_single.any(axis=1), 3, 2)
        return np.stack([-avoidable, enough.astype(np.float64), -traffic, b_slots])


def _is_greater(first: Numbers, second: Numbers) -> Flags:
    """Lexicographic along axis 0."""
    result = np.zeros(first.shape[1], np.bool_)
    is_equal = np.ones(first.shape[1], np.bool_)
    for a, b in zip(first, second, strict=True):
        result |= is_equal & (a > b)
        is_equal &= a == b
    return result
