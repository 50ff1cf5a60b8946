"""Many machines at once: `schedule_rows._place` and the cut of `plan_rows`. Pure."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .schedule_rows import MAX_B_SLOTS, RESULT_SLOTS
from .streaming_sizes import Arrays, Ops, Sizes, ceil_div, floor_div, run_blocks, single_token


def rows_tiling(arrays: Arrays, ops: Ops, sizes: Sizes) -> dict[str, NDArray[Any]]:
    """`schedule_rows._place` and the cut of `plan_rows`."""
    runs = run_blocks(sizes.k_blocks, sizes.b_block_words, arrays.beats_per_word)
    slot = runs.max(axis=1) * sizes.b_block_words[:, 0]
    per_bank, banks = arrays.words_per_bank[:, 0], arrays.banks[:, 0]
    most = arrays.accumulator_rows[:, 0]
    longest = np.minimum(ops.M.max(), most)
    least_b = ceil_div(2 * slot, per_bank)
    wanted_o = np.minimum(ceil_div(RESULT_SLOTS * longest, per_bank), floor_div(banks, 4))
    wanted_o = np.maximum(1, wanted_o)
    usual_b = np.maximum(least_b, floor_div(banks, 8))
    rows, b_banks, o_banks = np.zeros(sizes.k_blocks.shape), 0 * banks, 0 * banks
    is_found = np.zeros(len(banks), np.bool_)
    fewer = int(wanted_o.max(initial=1))
    splits = [(usual_b, wanted_o - less) for less in range(fewer)] + [(least_b, 0 * banks + 1)]
    for b, o in splits:
        a_rows = floor_div(((banks - o - b) * per_bank)[:, None], sizes.k_blocks)
        o_rows = floor_div(o * per_bank, RESULT_SLOTS)
        found = np.minimum(np.minimum(ops.M, a_rows), np.minimum(most, o_rows)[:, None])
        is_taken = ~is_found & (o >= 1) & (found.min(axis=1) >= 1)
        rows[is_taken], b_banks[is_taken] = found[is_taken], b[is_taken]
        o_banks[is_taken] = o[is_taken]
        is_found |= is_taken
    rows = np.where(is_found[:, None], rows, 1)
    blocks = ceil_div(ops.M, rows)
    b_slots = np.minimum(floor_div(b_banks * per_bank, slot), MAX_B_SLOTS)
    o_slots = floor_div(o_banks * per_bank, ceil_div(ops.M, blocks).max(axis=1))
    is_single = single_token(np.ones(blocks.shape), blocks, ops, sizes.panels, o_slots)
    return {
        "blocks": blocks,
        "resident": np.ones(blocks.shape),
        "block_rows": ceil_div(ops.M, blocks),
        "b_slots": np.broadcast_to(b_slots[:, None], blocks.shape),
        "run_blocks": runs,
        "is_single": np.broadcast_to(is_single[:, None], blocks.shape),
        "b_banks": b_banks,
        "o_banks": o_banks,
        "is_fitting": is_found,
    }
