"""Front end of mode broadcast: one entry per cycle goes to all lanes."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data

from .params import SpmmParams
from .ports import entry_layout, operand_members
from .word_front import WordFront


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


class BroadcastFront(WordFront):
    """Hands each entry to all lanes; each lane reads the bank of its own number.

    Parameters
    ----------
    params : SpmmParams

    Members, timing, numbers: those of ``WordFront``; words of ``broadcast_word_layout(params)``.
    """

    def __init__(self, params: SpmmParams) -> None:
        super().__init__(params, broadcast_word_layout(params))

    def elaborate(self, platform):
        m = Module()
        p = self.params
        word, bits = self.a.payload, p.lane_params.word_bits
        starts = self.take(m)
        is_first = Signal(init=1)
        entry = Signal(entry_layout(p.lane_params))
        m.d.comb += [
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
                self.entries[number].eq(entry),
                self.lane_words[number].eq(self.bank_words[number * bits : (number + 1) * bits]),
            ]
        return m
