"""Streams of entries, row by row, for the modes `dynamic` and `broadcast`. Pure.

An `EntryStream` has what a lane is told of each entry; the modes' mappings say where B lies.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .entries import Entries, Ints, Pieces
from .params import LaneParams


@dataclass(frozen=True, kw_only=True)
class EntryStream:
    """Words of a stream: element i of each array is a field of word i.

    `limbs` has a column for each row of a block. In mode `broadcast` every bank has the same
    address, and `bank`, `sends` and `waits` are 0.
    """

    bank: Ints
    address: Ints
    limbs: Ints
    position: Ints
    is_high: Ints
    is_product: Ints
    is_row_end: Ints
    sends: Ints
    waits: Ints
    row: Ints
    panel: Ints
    last: Ints

    def __len__(self) -> int:
        return len(self.bank)

    def take(self, indices: NDArray[np.integer] | slice) -> "EntryStream":
        """Some of the words."""
        parts = {field.name: getattr(self, field.name)[indices] for field in fields(self)}
        return EntryStream(**parts)


def join(parts: Sequence[EntryStream]) -> EntryStream:
    """One behind the other."""
    names = [field.name for field in fields(EntryStream)]
    return EntryStream(**{n: np.concatenate([getattr(part, n) for part in parts]) for n in names})


def one_panel(entries: Entries, pieces: Pieces, bank: Ints, address: Ints) -> EntryStream:
    """The words for panel 0; `bank` and `address` of each entry's row of B."""
    of_entries = pieces.of_entries
    number, zero = np.arange(entries.num), np.zeros(entries.num, np.int64)
    return EntryStream(
        bank=bank,
        address=address,
        limbs=entries.limbs,
        position=entries.positions,
        is_high=entries.are_high.astype(np.int64),
        is_product=zero + 1,
        is_row_end=(pieces.ends[of_entries] == number + 1).astype(np.int64),
        sends=pieces.sends[of_entries].astype(np.int64),
        waits=pieces.waits[of_entries].astype(np.int64),
        row=entries.rows,
        panel=zero,
        last=zero,
    )


def all_panels(panel_words: EntryStream, num_panels: int, marker_bank: int = 0) -> EntryStream:
    """The words again for each panel, one address higher; the last ends the packet.

    Without words, or panels, one word that only does that.
    """
    num = len(panel_words)
    if not num * num_panels:
        return _end_marker(panel_words.limbs.shape[1], marker_bank)
    panel = np.repeat(np.arange(num_panels), num)
    words = panel_words.take(np.tile(np.arange(num), num_panels))
    last = np.zeros(len(panel), np.int64)
    last[-1] = 1
    return replace(words, address=words.address + panel, panel=panel, last=last)


def _end_marker(block_rows: int, bank: int) -> EntryStream:
    """One word without a product, after which nothing leaves but the packet's end."""
    zero, one = np.zeros(1, np.int64), np.ones(1, np.int64)
    marker = dict.fromkeys((field.name for field in fields(EntryStream)), zero)
    marker |= {"bank": zero + bank, "limbs": np.zeros((1, block_rows), np.int64)}
    return EntryStream(**marker | {"is_row_end": one, "last": one})


def pack_fields(columns: Iterable[tuple[ArrayLike, int]]) -> list[int]:
    """Words whose fields, (value for each word, bits), follow each other, the first lowest."""
    words: Any = np.zeros((), object)
    offset = 0
    for values, bits in columns:
        field = np.asarray(values).astype(object) & ((1 << bits) - 1)
        words = words | (field << offset)
        offset += bits
    return [int(word) for word in np.atleast_1d(words)]


def operand_fields(params: LaneParams, words: EntryStream) -> list[tuple[ArrayLike, int]]:
    """The fields of a word that say what is multiplied."""
    limbs = [(words.limbs[:, row], params.limb_bits) for row in range(params.block_rows)]
    if params.num_limbs == 1:
        return [*limbs, (words.is_product, 1)]
    place = [(words.position, params.shift_bits), (words.is_high, 1)]
    return [*limbs, *place, (words.is_product, 1)]


def operand_bits(params: LaneParams) -> int:
    """Their width."""
    place_bits = params.shift_bits + 1 if params.num_limbs > 1 else 0
    return params.block_rows * params.limb_bits + place_bits + 1


@dataclass(frozen=True, kw_only=True)
class LaneResults:
    """Words that leave a lane: element i of each array is a field of word i."""

    row: Ints
    panel: Ints
    has_row: Ints
    last: Ints


def lane_results(words: EntryStream) -> LaneResults:
    """What leaves the lane that takes these words, in order.

    Pieces that it sends leave elsewhere; if one of them is the packet's last, a word without a row
    leaves here.
    """
    leaves = words.take(np.flatnonzero(words.is_row_end & (~words.sends | words.last)))
    return LaneResults(
        row=leaves.row,
        panel=leaves.panel,
        has_row=leaves.is_product & ~leaves.sends & 1,
        last=leaves.last,
    )
