"""How A and B lie in the stream and banks of mode `broadcast`. Pure: no Amaranth here."""

import numpy as np
from numpy.typing import ArrayLike

from .entries import Entries, split
from .entry_mapping import (
    EntryStream,
    all_panels,
    one_panel,
    operand_bits,
    operand_fields,
    pack_fields,
)
from .params import SpmmParams


def packet(params: SpmmParams, entries: Entries, num_passes: int) -> EntryStream:
    """What the stream carries for one packet: all of A, again for each pass.

    Row k of B lies in every bank at the addresses [k * num_passes, (k + 1) * num_passes): in the
    bank of lane l, pass p, the columns of panel p * lanes + l.
    """
    address = entries.columns * num_passes
    words = one_panel(entries, split(entries, 1), address * 0, address)
    return all_panels(words, num_passes)


def word_bits(params: SpmmParams) -> int:
    """Width of a word of the stream, without `last`."""
    lane = params.lane_params
    rest = operand_bits(lane) + 1 + lane.row_bits + lane.panel_bits
    return params.store_params.address_bits + rest


def pack(params: SpmmParams, words: EntryStream) -> list[int]:
    """The stream, `last` on top."""
    lane = params.lane_params
    return pack_fields(
        [
            (words.address, params.store_params.address_bits),
            *operand_fields(lane, words),
            (words.is_row_end, 1),
            (words.row, lane.row_bits),
            (words.panel, lane.panel_bits),
            (words.last, 1),
        ]
    )


def num_load_words(params: SpmmParams, num_rows: int, num_passes: int) -> int:
    """Words of `b` for a B of `num_rows` rows; at least the one that ends it."""
    return max(1, num_rows * num_passes * params.store_params.group)


def pack_b(params: SpmmParams, b: ArrayLike, num_passes: int) -> list[int]:
    """The words of `b` of a packet: row by row, pass by pass, all banks."""
    store, dense = params.store_params, np.asarray(b, np.int64)
    if not dense.size:
        return [1 << (store.load_words * store.write_bits)]
    padded = np.zeros((len(dense), num_passes * params.pass_columns), np.int64)
    padded[:, : dense.shape[1]] = dense
    parts = padded.reshape(-1, params.columns)
    data = np.array(pack_fields((column, params.b_format.bits) for column in parts.T), object)
    data = data.reshape(len(dense) * num_passes, store.load_words, store.group)
    address, number = np.divmod(np.arange(data.size // store.load_words), store.group)
    last = np.zeros(len(address), np.int64)
    last[-1] = 1
    fields = []
    for group in range(store.load_words):
        fields += [(data[:, group].ravel(), store.word_bits), (address, store.address_bits)]
        fields += [(number, store.group_bits), (np.ones(len(address), np.int64), 1)]
    return pack_fields([*fields, (last, 1)])
