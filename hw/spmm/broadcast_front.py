"""Front end of mode broadcast: one entry per cycle goes to all lanes."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In

from .params import SpmmParams
from .ports import entry_layout, front_members, operand_members


def broadcast_word_layout(params: SpmmParams) -> data.StructLayout:
    """An entry of A, row by row.

    `address`: where its row of B lies in every bank. `limbs`, `position`, `is_high`, `is_product`:
    as in ``entry_layout``. `is_row_end`: the row's last entry; then `row` and `panel` go with the
    sum. `last`: nothing leaves after it in this packet; with `is_row_end` only.
    """
    lane = params.lane_params
    return data.StructLayout(
        {
            "address": params.store_params.address_bits,
            **operand_members(lane),
            "is_row_end": 1,
            "row": lane.row_bits,
            "panel": lane.panel_bits,
            "last": 1,
        }
    )


class BroadcastFront(wiring.Component):
    """Hands each entry to all lanes; each lane reads the bank of its own number.

    Parameters
    ----------
    params : SpmmParams

    Members
    -------
    a : In(stream of broadcast_word_layout(params)); ``last`` on the last word of a packet
    the others : ``ports.front_members``

    Timing
    ------
    One word per cycle while the store is full and every lane has room for a result.

    Numbers
    -------
    None.
    """

    def __init__(self, params: SpmmParams) -> None:
        self.params = params
        word = stream.Signature(broadcast_word_layout(params))
        super().__init__({"a": In(word), **front_members(params)})

    def elaborate(self, platform):
        m = Module()
        p = self.params
        word, bits = self.a.payload, p.lane_params.word_bits
        starts = Signal()
        is_first = Signal(init=1)
        entry = Signal(entry_layout(p.lane_params))
        m.d.comb += [
            self.a.ready.eq(self.is_full & self.have_room.all()),
            starts.eq(self.a.valid & self.a.ready),
            self.read.eq(starts),
            self.free.eq(starts & word.last),
            *(entry[name].eq(word[name]) for name in (*operand_members(p.lane_params), "row")),
            entry.first.eq(is_first),
            entry.closes.eq(word.is_row_end),
            entry.last.eq(word.last),
        ]
        with m.If(starts):
            m.d.sync += is_first.eq(word.is_row_end)
        for number in range(p.lanes):
            m.d.comb += [
                self.addresses[number].eq(word.address),
                self.starts[number].eq(starts),
                self.entries[number].eq(entry),
                self.panels[number].eq(word.panel),
                self.lane_words[number].eq(self.bank_words[number * bits : (number + 1) * bits]),
            ]
        return m
