"""Front end of mode static: plays an offline schedule; no arbiter, no conflicts."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In

from ..lib.banked_store import BankMux
from ..lib.shared import Shared
from .params import SpmmParams
from .ports import front_members, static_word_layout


class StaticFront(wiring.Component):
    """Hands each word of the schedule to all banks and lanes at once.

    Parameters
    ----------
    params : SpmmParams

    Members
    -------
    a : In(stream of static_word_layout(params)); ``last`` on the last word of a packet
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
        word = stream.Signature(static_word_layout(params))
        super().__init__({"a": In(word), **front_members(params)})

    def elaborate(self, platform):
        m = Module()
        mux_params = self.params.store_params.mux_params
        word = self.a.payload
        starts = Signal()
        m.d.comb += [
            self.a.ready.eq(self.is_full & self.have_room.all()),
            starts.eq(self.a.valid & self.a.ready),
            self.read.eq(starts),
            self.free.eq(starts & word.last),
            self.addresses.eq(word.addresses),
        ]
        for number in range(self.params.lanes):
            action = word.actions[number]
            select = Signal(mux_params.select_bits, name=f"select_{number}", reset_less=True)
            m.d.sync += select.eq(action.bank)
            m.submodules[f"mux_{number}"] = mux = Shared(BankMux(mux_params))
            m.d.comb += [
                self.starts[number].eq(starts),
                self.entries[number].eq(action.entry),
                self.panels[number].eq(word.panel),
                mux.words.eq(self.bank_words),
                mux.select.eq(select),
                self.lane_words[number].eq(mux.word),
            ]
        return m
