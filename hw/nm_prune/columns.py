"""Turns groups round: elements of one column each become words with one of every column."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..lib.layout import equals
from .params import NMPruneParams
from .ports import elements_layout, word_layout


class ColumnWords(wiring.Component):
    """Collects `cols` groups and sends `kept` words of `cols` elements.

    Parameters
    ----------
    params : NMPruneParams

    Members
    -------
    i : In(stream of elements_layout), last_step : In(index_bits); with each group, kept - 1
    o : Out(stream of word_layout); ``last`` on the last word of a packet

    Timing
    ------
    The first word ``cost.COLUMNS_TO_WORD_CYCLES`` after the row's last group; a group per cycle if
    kept <= cols. ``i.ready`` depends on ``o.ready``.

    Numbers
    -------
    Columns beyond the end of a packet are 0.
    """

    def __init__(self, params: NMPruneParams) -> None:
        self.params = params
        super().__init__(
            {
                "i": In(stream.Signature(elements_layout(params))),
                "last_step": In(params.index_bits),
                "o": Out(stream.Signature(word_layout(params))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        p = self.params
        column_layout = data.ArrayLayout(p.element_bits, p.max_kept)
        filled = Signal(data.ArrayLayout(column_layout, p.cols))
        leaving = Signal(data.ArrayLayout(column_layout, p.cols))
        column = Signal(range(max(p.cols, 2)))
        steps_left = Signal(p.index_bits)
        is_last_row = Signal()
        moves = self.o.valid & self.o.ready
        is_free = ~self.o.valid | (self.o.ready & ~steps_left.any())
        is_end = equals(column, p.cols - 1) | self.i.payload.last
        takes = self.i.valid & self.i.ready
        m.d.comb += [
            self.i.ready.eq(~is_end | is_free),
            self.o.payload.last.eq(is_last_row & ~steps_left.any()),
        ]
        with m.If(moves):
            m.d.sync += [self.o.valid.eq(steps_left.any()), steps_left.eq(steps_left - 1)]
        for c in range(p.cols):
            m.d.comb += self.o.payload.elements[c].eq(leaving[c][0])
            is_here = takes & equals(column, c)
            row = Mux(equals(column, c), self.i.payload.elements.as_value(), filled[c].as_value())
            with m.If(is_here):
                m.d.sync += filled[c].eq(self.i.payload.elements)
            with m.If(takes & is_end):
                m.d.sync += [filled[c].eq(0), leaving[c].as_value().eq(row)]
            with m.Elif(moves):
                m.d.sync += leaving[c].as_value().eq(leaving[c].as_value() >> p.element_bits)
        with m.If(takes):
            m.d.sync += column.eq(Mux(is_end, 0, column + 1))
        with m.If(takes & is_end):
            m.d.sync += [
                self.o.valid.eq(1),
                steps_left.eq(self.last_step),
                is_last_row.eq(self.i.payload.last),
            ]
        return m
