"""What front ends have in common that hand each word of one stream to all lanes at once."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In

from .params import SpmmParams
from .ports import front_members

__all__ = ["WordFront"]


class WordFront(wiring.Component):
    """Takes a word in each cycle in which all lanes can start; the subclass says what they do.

    Parameters
    ----------
    params : SpmmParams
    word : layout of a word, with the field ``last``: the last one of a packet

    Members
    -------
    a : In(stream of word)
    the others : ``ports.front_members``

    Timing
    ------
    One word per cycle while the store is full and every lane has room for a result.

    Numbers
    -------
    None.
    """

    def __init__(self, params: SpmmParams, word: data.StructLayout) -> None:
        self.params = params
        super().__init__({"a": In(stream.Signature(word)), **front_members(params)})

    def take(self, m: Module) -> Signal:
        """Whether a word is taken in this cycle; reads the store and frees it by that."""
        starts = Signal()
        m.d.comb += [
            self.a.ready.eq(self.is_full & self.have_room.all()),
            starts.eq(self.a.valid & self.a.ready),
            self.read.eq(starts),
            self.free.eq(starts & self.a.payload.last),
        ]
        m.d.comb += [self.starts[number].eq(starts) for number in range(self.params.lanes)]
        m.d.comb += [panel.eq(self.a.payload.panel) for panel in self.panels]
        return starts
