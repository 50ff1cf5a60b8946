"""Packs matrices into the words of mode static, and results back. Pure.

Fields lie as in `ports`: the first in the lowest bits.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..lib.banked_store_params import StoreParams
from .banks import Placement
from .cost_core import CLOSES, LAST, SENDS, WAITS
from .params import LaneParams, SpmmParams
from .schedule import Schedule

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Result:
    """One word of a lane: sums (rows of the block by columns of the panel) and where they go."""

    sums: tuple[tuple[int, ...], ...]
    row: int
    panel: int
    has_row: bool
    is_last: bool


def num_panels(params: SpmmParams, num_columns: int) -> int:
    """Passes over A for a B of `num_columns` columns."""
    return -(-num_columns // params.pass_columns)


def slots(params: SpmmParams, panels: int) -> int:
    """Rows of B that a bank holds."""
    return params.bank_words // max(1, panels)


def pack_a(params: SpmmParams, schedule: Schedule, panels: int) -> list[int]:
    """The words of `a` of a packet: the schedule, once for each panel; `last` lies on top."""
    if panels > params.max_panels:
        raise ValueError(f"{panels} panels, at most max_panels = {params.max_panels}")
    lane, store = params.lane_params, params.store_params
    action_bits = lane.entry_bits + store.mux_params.select_bits
    actions_at = store.banks * store.address_bits
    panel_at = actions_at + params.lanes * action_bits
    words = []
    for panel, (actions, addresses) in enumerate(_passes(params, schedule, panels)):
        lines = _joined(actions, action_bits)
        reads = _joined(addresses.astype(object), store.address_bits)
        words += [
            read | line << actions_at | panel << panel_at
            for read, line in zip(reads, lines, strict=True)
        ]
    words[-1] |= 1 << (panel_at + lane.panel_bits)
    return words


def _passes(
    params: SpmmParams, schedule: Schedule, panels: int
) -> Iterator[tuple[NDArray[np.object_], Ints]]:
    """By pass: by cycle and lane what the lane does, by cycle and bank what is read there."""
    closings = schedule.closings(panels)
    if not panels or not schedule.entries.num:
        idle = np.full((1, params.lanes), 1 << params.lane_params.entry_offsets["first"], object)
        yield idle | _closing_bits(params.lane_params, closings), np.zeros((1, params.banks), int)
        return
    base = _actions(params, schedule)
    slot = _slots(schedule)
    for panel, flags in enumerate(np.split(closings, panels)):
        addresses = np.zeros((schedule.num_cycles, params.banks), np.int64)
        addresses[schedule.cycles, schedule.banks] = slot * panels + panel
        yield base | _closing_bits(params.lane_params, flags), addresses


def _slots(schedule: Schedule) -> Ints:
    """The slot that each entry reads in its bank."""
    placement, columns = schedule.placement, schedule.entries.columns
    slot = np.zeros(len(columns), np.int64)
    first, last = placement.first[columns], placement.first[columns + 1]
    for offset in range(int(placement.copies.max(initial=0))):
        at = np.minimum(first + offset, last - 1)
        is_here = placement.banks[at] == schedule.banks
        slot[is_here] = placement.slots[at][is_here]
    return slot


def _actions(params: SpmmParams, schedule: Schedule) -> NDArray[np.object_]:
    """By cycle and lane the entry and the bank, without what is said of results."""
    lane, entries = params.lane_params, schedule.entries
    offsets = lane.entry_offsets
    word = np.zeros(entries.num, object)
    for row in range(lane.block_rows):
        word |= entries.limbs[:, row].astype(object) << (row * lane.limb_bits)
    fields = {
        "is_product": np.ones(entries.num, np.int64),
        "accumulator": schedule.accumulators,
        "first": schedule.are_first,
        "row": entries.rows,
    }
    if lane.num_limbs > 1:
        fields |= {"position": entries.positions, "is_high": entries.are_high}
    for name, values in fields.items():
        word |= values.astype(np.int64).astype(object) << offsets[name]
    word |= schedule.banks.astype(object) << lane.entry_bits
    actions = np.zeros((schedule.num_cycles, params.lanes), object)
    # A lane without a product still closes a word without a row: from 0.
    actions[:] = 1 << offsets["first"]
    actions[schedule.cycles, schedule.lane_of_entries] = word
    return actions


def _closing_bits(lane: LaneParams, flags: Ints) -> NDArray[np.object_]:
    """Flags of results as bits of entries."""
    names = {CLOSES: "closes", SENDS: "sends", WAITS: "waits", LAST: "last"}
    bits = np.zeros(flags.shape, object)
    for flag, name in names.items():
        bits |= ((flags & flag) != 0).astype(np.int64).astype(object) << lane.entry_offsets[name]
    return bits


def _joined(fields: NDArray[np.object_], bits: int) -> list[int]:
    """Each row of fields side by side, the first lowest."""
    shifts = np.arange(fields.shape[1]).astype(object) * bits
    return [sum(row) for row in (fields << shifts).tolist()]


def num_load_words(params: SpmmParams, placement: Placement, panels: int) -> int:
    """Words of `b` of a packet; a packet without any row of B is one word."""
    groups = placement.banks // params.store_params.group
    by_group = np.bincount(groups, minlength=1)
    return max(1, int(by_group.max()) * panels)


def pack_b(params: SpmmParams, placement: Placement, b: ArrayLike) -> list[int]:
    """The words of `b` of a packet: each row of B that is read, to each of its banks."""
    store, dense = params.store_params, np.asarray(b, np.int64)
    panels = num_panels(params, dense.shape[1])
    if placement.num_slots * panels > params.bank_words:
        raise ValueError(
            f"{placement.num_slots} rows of {panels} panels in a bank of {params.bank_words} words"
        )
    lines = _element_words(params, dense, panels)
    queues: list[list[int]] = [[] for _ in range(store.load_words)]
    for row, bank, slot in _places(placement):
        group, number = divmod(bank, store.group)
        for panel in range(panels):
            queues[group].append(_write(store, lines[row][panel], slot * panels + panel, number))
    count = num_load_words(params, placement, panels)
    write_bits = store.write_bits
    words = []
    for index in range(count):
        present = [queue[index] if index < len(queue) else 0 for queue in queues]
        words.append(sum(write << (n * write_bits) for n, write in enumerate(present)))
    words[-1] |= 1 << (store.load_words * write_bits)
    return words


def _places(placement: Placement) -> Iterator[tuple[int, int, int]]:
    """(row of B, bank, slot), row by row."""
    rows = np.repeat(np.arange(len(placement.first) - 1), placement.copies)
    yield from zip(rows.tolist(), placement.banks.tolist(), placement.slots.tolist(), strict=True)


def _write(store: StoreParams, data: int, address: int, bank: int) -> int:
    """One bank word with its place."""
    word = data | address << store.word_bits
    word |= bank << (store.word_bits + store.address_bits)
    return word | 1 << (store.word_bits + store.address_bits + store.group_bits)


def _element_words(params: SpmmParams, b: Ints, panels: int) -> list[list[int]]:
    """Words of `columns` elements by row and panel; zeros beyond the last column."""
    low, high = params.b_format.minimum, params.b_format.maximum
    if b.size and (b.min() < low or b.max() > high):
        raise ValueError(f"values {b.min()}..{b.max()} of B: {params.b_format} is {low}..{high}")
    padded = np.zeros((b.shape[0], panels * params.columns), np.int64)
    padded[:, : b.shape[1]] = b
    bits = params.b_format.bits
    elements = (padded & ((1 << bits) - 1)).astype(object)
    shape = (b.shape[0] * panels, params.columns)
    words = _joined(elements.reshape(shape), bits)
    return [words[row * panels : (row + 1) * panels] for row in range(b.shape[0])]


def pack_result(lane: LaneParams, result: Result) -> int:
    """A word of `o`; `last` lies on top."""
    mask = (1 << lane.accumulator_bits) - 1
    sums = [value & mask for row in result.sums for value in row]
    word = sum(value << (n * lane.accumulator_bits) for n, value in enumerate(sums))
    at = lane.sums_bits
    for value, bits in (
        (result.row, lane.row_bits),
        (result.panel, lane.panel_bits),
        (int(result.has_row), 1),
        (int(result.is_last), 1),
    ):
        word |= value << at
        at += bits
    return word


def unpack_result(lane: LaneParams, word: int) -> Result:
    """The parts of a word of `o`."""
    bits = lane.accumulator_bits
    values = []
    for n in range(lane.num_sums):
        value = word >> (n * bits) & ((1 << bits) - 1)
        values.append(value - (1 << bits) if value >> (bits - 1) else value)
    rest = word >> lane.sums_bits
    panel_at, flags_at = lane.row_bits, lane.row_bits + lane.panel_bits
    columns = lane.columns
    return Result(
        sums=tuple(tuple(values[n : n + columns]) for n in range(0, lane.num_sums, columns)),
        row=rest & ((1 << lane.row_bits) - 1),
        panel=rest >> panel_at & ((1 << lane.panel_bits) - 1),
        has_row=bool(rest >> flags_at & 1),
        is_last=bool(rest >> (flags_at + 1) & 1),
    )


def unpack(
    params: SpmmParams, lanes: Iterable[Sequence[int]], num_rows: int, num_columns: int
) -> Ints:
    """C (`num_rows` rows of blocks) from the words of all lanes of a packet; other rows are 0."""
    lane, width = params.lane_params, params.columns
    panels = num_panels(params, num_columns)
    c = np.zeros((num_rows * lane.block_rows, panels * width), np.int64)
    for words in lanes:
        for result in (unpack_result(lane, word) for word in words):
            if result.has_row:
                top, left = result.row * lane.block_rows, result.panel * width
                c[top : top + lane.block_rows, left : left + width] = result.sums
    return c[:, :num_columns]
