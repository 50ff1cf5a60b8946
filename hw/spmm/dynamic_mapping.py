"""How A and B lie in the streams and banks of mode `dynamic`. Pure: no Amaranth here."""

from collections.abc import Sequence

import numpy as np

from .banks import Placement
from .entries import Entries, split
from .entry_mapping import (
    EntryStream,
    all_panels,
    join,
    one_panel,
    operand_bits,
    operand_fields,
    pack_fields,
)
from .params import SpmmParams


def place_in_turn(num_rows: int, banks: int) -> Placement:
    """Row k of B in bank k mod banks: a rule that needs to know nothing of A."""
    row = np.arange(num_rows)
    return Placement(
        first=np.arange(num_rows + 1), banks=row % banks, slots=row // banks, num_banks=banks
    )


def packet(
    params: SpmmParams, placement: Placement, entries: Entries, num_panels: int
) -> tuple[EntryStream, ...]:
    """What each lane takes for one packet: its share of A, again for each panel.

    B lies where `placement` says, the panels of a slot behind each other; of several copies of a
    row a lane reads that of its own number. A lane without a share takes a word that only ends the
    packet.
    """
    pieces = split(entries, params.lanes)
    lane_of = pieces.lanes[pieces.of_entries]
    copies = np.maximum(placement.copies[entries.columns], 1)
    copy = placement.first[entries.columns] + lane_of % copies
    words = one_panel(entries, pieces, placement.banks[copy], placement.slots[copy] * num_panels)
    starts = np.searchsorted(lane_of, np.arange(params.lanes + 1)).tolist()
    return tuple(
        all_panels(words.take(slice(*starts[lane : lane + 2])), num_panels, lane % params.banks)
        for lane in range(params.lanes)
    )


def join_packets(packets: Sequence[tuple[EntryStream, ...]]) -> tuple[EntryStream, ...]:
    """Packets one behind the other, lane by lane."""
    return tuple(join(parts) for parts in zip(*packets, strict=True))


def word_bits(params: SpmmParams) -> int:
    """Width of a word of a lane's stream, without `last`."""
    store, lane = params.store_params, params.lane_params
    place = store.mux_params.select_bits + store.address_bits
    return place + operand_bits(lane) + 3 + lane.row_bits + lane.panel_bits


def pack(params: SpmmParams, words: EntryStream) -> list[int]:
    """A lane's stream, `last` on top."""
    store, lane = params.store_params, params.lane_params
    return pack_fields(
        [
            (words.bank, store.mux_params.select_bits),
            (words.address, store.address_bits),
            *operand_fields(lane, words),
            (words.is_row_end, 1),
            (words.sends, 1),
            (words.waits, 1),
            (words.row, lane.row_bits),
            (words.panel, lane.panel_bits),
            (words.last, 1),
        ]
    )
