"""Front end of mode static: plays an offline schedule; no arbiter, no conflicts."""

from amaranth.hdl import Module, Signal

from ..lib.banked_store import BankMux
from ..lib.shared import Shared
from .params import SpmmParams
from .ports import static_word_layout
from .word_front import WordFront


class StaticFront(WordFront):
    """Hands each word of the schedule to all banks and lanes at once.

    Parameters
    ----------
    params : SpmmParams

    Members, timing, numbers: those of ``WordFront``; words of ``static_word_layout(params)``.
    """

    def __init__(self, params: SpmmParams) -> None:
        super().__init__(params, static_word_layout(params))

    def elaborate(self, platform):
        m = Module()
        mux_params = self.params.store_params.mux_params
        word = self.a.payload
        self.take(m)
        m.d.comb += self.addresses.eq(word.addresses)
        for number in range(self.params.lanes):
            action = word.actions[number]
            select = Signal(mux_params.select_bits, name=f"select_{number}", reset_less=True)
            m.d.sync += select.eq(action.bank)
            m.submodules[f"mux_{number}"] = mux = Shared(BankMux(mux_params))
            m.d.comb += [
                self.entries[number].eq(action.entry),
                mux.words.eq(self.bank_words),
                mux.select.eq(select),
                self.lane_words[number].eq(mux.word),
            ]
        return m
