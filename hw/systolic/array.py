"""Output-stationary array: rows of PEs, the edges' last registers and the drain's control."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..lib.chain import Chain, ChainParams
from .feed import ColumnEdges, Skew
from .params import ElementParams, SystolicParams
from .pe import Rows
from .ports import index_shape


class SystolicArray(wiring.Component):
    """rows x cols PEs that keep their sums; operands enter left and top, sums leave at the bottom.

    Parameters
    ----------
    params : SystolicParams

    Members
    -------
    a_word, b_word : In; from the feeds
    a_load, b_load : In(1); ``k_inner``: with a block's first word
    a_valid : In(1); ``k_outer``: with every word; other words count as zero
    first : In(1); two cycles after the first word of a tile's first block
    last : In(1); block_cycles + 2 cycles after the first word of a tile's last block
    values, valid, value_last : Out; results as the drain takes them, last row first
    announce : Out(1); two cycles before a tile's first value

    Timing
    ------
    PE (r, c) sees step k of a block r + c + k + 1 cycles after the block's first word. Tiles follow
    each other without a gap if their ends are at least max(rows, cols) cycles apart.

    Numbers
    -------
    Those of ``PE``.
    """

    ROWS: type[Chain] = Rows

    def __init__(self, params: SystolicParams) -> None:
        self.params = params
        super().__init__(
            {
                **self._operand_members(),
                "first": In(1),
                "last": In(1),
                "values": Out(data.ArrayLayout(signed(params.accumulator_bits), params.cols)),
                "valid": Out(1),
                "value_last": Out(1),
                "announce": Out(1),
            }
        )

    def _operand_members(self):
        """How operands enter; an array with other edges has others."""
        return {
            "a_word": In(self.params.a_word_bits),
            "a_load": In(1),
            "a_valid": In(1),
            "b_word": In(self.params.b_word_bits),
            "b_load": In(1),
        }

    def elaborate(self, platform):
        m = Module()
        p = self.params
        m.submodules.rows = rows = self.ROWS(
            ChainParams(part=p, num=p.rows, is_compact=p.is_large, shares_parts=p.is_large)
        )
        start_drain = Signal()  # the end of a tile has reached the last row
        m.d.comb += [
            rows.first_in.eq(self.first),
            rows.last_in.eq(self.last),
            rows.start_drain.eq(start_drain),
            self.values.eq(rows.drain_out),
        ]
        self._connect_edges(m, rows)
        way_down = Signal(p.rows)
        m.d.sync += way_down.eq(Cat(self.last, way_down))
        m.d.comb += start_drain.eq(Cat(self.last, way_down)[p.rows - 1])
        self._count(m, start_drain, rows.thermometer_out)
        return m

    def _connect_edges(self, m, rows):
        """Operands of the first column and of the first row."""
        p = self.params
        if p.a_feed == "k_inner":
            m.d.comb += [rows.a.eq(self.a_word), rows.load_in.eq(self.a_load)]
        else:
            m.submodules.a_edge = a_edge = Skew(ElementParams(num=p.rows, bits=p.a_format.bits))
            m.d.comb += [a_edge.i.eq(Mux(self.a_valid, self.a_word, 0)), rows.a.eq(a_edge.o)]
        if p.b_feed == "k_inner":
            element = ElementParams(num=p.lanes, bits=p.b_format.bits)
            chain = ChainParams(part=element, num=p.cols, is_compact=p.is_large)
            m.submodules.b_edge = b_edge = ColumnEdges(chain)
            m.d.comb += [b_edge.word.eq(self.b_word), b_edge.load_in.eq(self.b_load)]
            m.d.comb += rows.b_in.eq(b_edge.element)
        else:
            m.submodules.b_edge = b_edge = Skew(ElementParams(num=p.cols, bits=p.b_format.bits))
            m.d.comb += [b_edge.i.eq(self.b_word), rows.b_in.eq(b_edge.o)]

    def _count(self, m, start_drain, window):
        """Marks a tile's values and the last of them; `window` is one cycle ahead of them."""
        rows_seen = Signal(index_shape(self.params.rows))
        is_last = rows_seen == self.params.rows - 1
        m.d.sync += self.valid.eq(window)
        with m.If(self.valid):
            m.d.sync += rows_seen.eq(Mux(is_last, 0, rows_seen + 1))
        m.d.comb += [self.value_last.eq(self.valid & is_last), self.announce.eq(start_drain)]
