"""Area law of the top-k engines: LUTs by formula, as `auto` compares them. Pure: no Amaranth here.

An estimate, not a synthesis: what each part takes in six-input LUTs, added up, with a comparison of
b bits 2 LUTs per 3 bits (propagate and generate of a carry chain). A test holds it to within
MAX_ERROR of yosys at a few points.
"""

from collections.abc import Callable
from typing import Final

from .bitonic_params import bitonic_params
from .params import Engine, TopKParams
from .radix_params import DigitParams, digit_params

MAX_ERROR: Final = 0.3
"""Largest relative error of the estimate at the points that are tested."""

MEMORY_DEPTH: Final = 64
"""Rows that a LUT of a memory holds of one bit."""

FINE_LUTS_PER_BIT: Final = 5.3
"""Of a row of counters of a lane: addition, forwarding and search, per bit."""

ENTRY_CONTROL_LUTS: Final = 7
"""Of an entry among others: synthesis copies what its neighbours need early."""


def lut_estimate(params: TopKParams) -> int:
    """LUTs of an engine."""
    return round(_ESTIMATES[params.engine](params))


def comparison_luts(bits: int) -> int:
    """LUTs of a comparison of two numbers."""
    return 2 * -(-bits // 3)


def choice_luts(ways: int) -> float:
    """LUTs per bit of an AND-OR choice among `ways`: three of them per LUT, and a tree above."""
    return max(0.0, (2 * ways - 1) / 5)


def _queue(params: TopKParams) -> float:
    """Entries: a choice of six inputs per bit and state, a comparison, control; and the ends."""
    pair = params.key.bits + params.index_bits
    entry = pair + 2 + comparison_luts(params.key.bits) + ENTRY_CONTROL_LUTS
    ends = 2 * pair + 2 * params.index_bits + 8 * params.k_bits
    return params.k_max * entry + ends


def _filtered(params: TopKParams) -> float:
    """The queue, its k-th key, and per lane a comparison, a choice of its key, priority."""
    lanes, bits = params.lanes, params.key.bits
    lane = comparison_luts(bits) + bits * choice_luts(lanes) / lanes + 5
    return _queue(params) + params.k_max * (1 + bits * 0.4) + lanes * lane


def _bitonic(params: TopKParams) -> float:
    """Comparators with their choices, what is held and what leaves, FIFOs."""
    sizes = bitonic_params(params)
    comparator = comparison_luts(sizes.pair_bits) + 2 * sizes.pair_bits
    # The first merge keeps one of two; held or arriving pairs, and pairs that leave, are chosen.
    first = sizes.list_pairs * sizes.pair_bits
    moved = (sizes.run_pairs + sizes.list_pairs) * sizes.pair_bits
    fifos = 1.6 * params.lanes * sizes.pair_bits
    return sizes.num_comparators * comparator - first + moved + fifos


def _radix(params: TopKParams) -> float:
    """Per pass: counters in registers and in memories, and the words that wait."""
    return sum(_pass(part) for part in digit_params(params))


def _pass(part: DigitParams) -> float:
    """Per lane: a comparison and an addition for each coarse bin, the memory of the fine ones with
    what adds to it and searches it, and the lane's way through; then the counters.
    """
    bins = 1 << part.coarse_bits
    lane: float = 3 * bins + part.key_bits + 1
    if part.fine_bits:
        row_bits = part.bins_per_row * part.lane_count_bits
        depth = max(1.0, (1 << part.row_bits) / MEMORY_DEPTH)
        lane += 2 * (row_bits + part.tag_bits) * depth + FINE_LUTS_PER_BIT * row_bits
    return part.lanes * lane + 2 * bins * part.count_bits


_ESTIMATES: Final[dict[Engine, Callable[[TopKParams], float]]] = {
    "shift_queue": _queue,
    "filtered_queue": _filtered,
    "radix_select": _radix,
    "bitonic_merge": _bitonic,
}
