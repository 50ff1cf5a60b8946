"""The merging buffer: routed words fill output words one after the other."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .params import ZeroSkipParams
from .ports import output_layout, routed_layout, slot_layout

__all__ = ["Merger"]


class Merger(wiring.Component):
    """Collects results until there are more than a word holds, or the packet ends: `last` with
    what remains.

    A full word stays until it is known whether it is the last one of its packet. So the last input
    word may end two output words. The second one then waits in the buffer for one cycle, while the
    next packet's words enter behind it: the buffer is read before it is written. An output word
    that ends in that cycle waits in turn.

    Parameters
    ----------
    params : ZeroSkipParams

    Members
    -------
    i : In(stream of routed_layout, always ready)
    o : Out(stream of output_layout, always ready); lanes without a result are 0
    credit_back : Out(1); a word fewer is under way: an input word ended without an output word

    Timing
    ------
    Combinational from `i` to `o`; at most one word in, one word out per cycle.
    """

    def __init__(self, params: ZeroSkipParams) -> None:
        self.params = params
        super().__init__(
            {
                "i": In(stream.Signature(routed_layout(params), always_ready=True)),
                "o": Out(stream.Signature(output_layout(params), always_ready=True)),
                "credit_back": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        lanes, word = self.params.lanes, self.i.payload
        buffer = Signal(data.ArrayLayout(slot_layout(self.params), lanes), reset_less=True)
        is_held = Signal(lanes)
        is_waiting = Signal()  # the buffer holds an output word that is complete
        waits_as_last = Signal()
        arrives = Signal(lanes)
        ends = Signal()
        m.d.comb += [
            arrives.eq(Mux(self.i.valid, word.mask, 0)),
            ends.eq(self.i.valid & (word.is_over | word.last)),
            self.o.valid.eq(is_waiting | ends),
            self.o.payload.last.eq(Mux(is_waiting, waits_as_last, word.last & ~word.is_over)),
        ]
        with m.If(is_waiting):
            m.d.sync += [is_held.eq(arrives), is_waiting.eq(ends), waits_as_last.eq(word.last)]
        with m.Elif(ends):
            m.d.sync += [is_held.eq(is_held & arrives), is_waiting.eq(word.last & word.is_over)]
            m.d.sync += waits_as_last.eq(1)
        with m.Else():
            m.d.sync += is_held.eq(is_held | arrives)
        for lane, slot in enumerate(buffer):
            is_new = Signal(name=f"is_new_{lane}")
            found = Mux(is_held[lane], slot.as_value(), word.slots[lane].as_value())
            shown = Signal(slot_layout(self.params), name=f"shown_{lane}")
            m.d.comb += [
                is_new.eq(arrives[lane] & ~is_waiting),
                shown.eq(Mux(is_held[lane] | is_new, found, 0)),
                self.o.payload.mask[lane].eq(is_held[lane] | is_new),
                self.o.payload.values[lane].eq(shown.value),
                self.o.payload.indices[lane].eq(shown.index),
            ]
            with m.If(arrives[lane]):
                m.d.sync += slot.eq(word.slots[lane])
        self._count(m, is_held, arrives, is_waiting, ends)
        return m

    def _count(self, m, is_held, arrives, is_waiting, ends):
        """Under way: a word that enters, a buffer in use. What leaves is counted behind it."""
        is_used = Signal()
        will_be_used = Signal()
        over = self.i.payload.last & self.i.payload.is_over
        left = Mux(is_waiting, arrives.any() | ends, is_held.any() | arrives.any())
        m.d.comb += [
            is_used.eq(is_waiting | is_held.any()),
            will_be_used.eq(Mux(~is_waiting & ends, (is_held & arrives).any() | over, left)),
            # At most one of all these is left over: the sum is 0 or 1.
            self.credit_back.eq(self.i.valid ^ is_used ^ self.o.valid ^ will_be_used),
        ]
