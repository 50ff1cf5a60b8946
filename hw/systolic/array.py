"""Output-stationary array: rows of PEs, the edges' last registers and the drain's control."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..lib.shared import Shared
from .feed import Serializer, Skew
from .params import ElementParams, SystolicParams
from .pe import Row

SHARED_ROWS_MIN_PES = 32 * 32
"""From this size on rows are modules of their own. Smaller arrays simulate faster without."""


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

    def __init__(self, params: SystolicParams) -> None:
        self.params = params
        super().__init__(
            {
                "a_word": In(params.a_word_bits),
                "a_load": In(1),
                "a_valid": In(1),
                "b_word": In(params.b_word_bits),
                "b_load": In(1),
                "first": In(1),
                "last": In(1),
                "values": Out(data.ArrayLayout(signed(params.accumulator_bits), params.cols)),
                "valid": Out(1),
                "value_last": Out(1),
                "announce": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        p = self.params
        a_of_row, control = self._left(m)
        b, drain = self._top(m), 0
        start_drain = Signal()
        for r in range(p.rows):
            is_shared = p.rows * p.cols >= SHARED_ROWS_MIN_PES
            m.submodules[f"row_{r}"] = row = Shared(Row(p)) if is_shared else Row(p)
            m.d.comb += [
                row.a.eq(a_of_row(r)),
                row.b_in.eq(b),
                row.drain_in.eq(drain),
                row.start_drain.eq(start_drain),
            ]
            for name, value in control.items():
                m.d.comb += getattr(row, f"{name}_in").eq(value)
            bottom_last = control["last"]
            control = {name: getattr(row, f"{name}_out") for name in control}
            b, drain = row.b_out, row.drain_out
        m.d.comb += [start_drain.eq(bottom_last), self.values.eq(drain)]
        self._count(m, start_drain, control["thermometer"])
        return m

    def _left(self, m):
        """The A operand of each row, and the control of row 0."""
        p = self.params
        control = {"first": self.first, "last": self.last, "thermometer": 0}
        if p.a_feed == "k_inner":
            return lambda _: self.a_word, {"load": self.a_load, **control}
        bits = p.a_format.bits
        m.submodules.a_skew = skew = Skew(ElementParams(num=p.rows, bits=bits))
        m.d.comb += skew.i.eq(Mux(self.a_valid, self.a_word, 0))
        return lambda r: skew.o[r * bits : (r + 1) * bits], control

    def _top(self, m):
        """The B operands of row 0."""
        p = self.params
        if p.b_feed == "k_outer":
            m.submodules.b_skew = skew = Skew(ElementParams(num=p.cols, bits=p.b_format.bits))
            m.d.comb += skew.i.eq(self.b_word)
            return skew.o
        load, elements = self.b_load, []
        for c in range(p.cols):
            edge = Shared(Serializer(ElementParams(num=p.lanes, bits=p.b_format.bits)))
            m.submodules[f"b_edge_{c}"] = edge
            m.d.comb += [edge.word.eq(self.b_word), edge.load.eq(load)]
            elements.append(edge.element)
            delayed = Signal(name=f"b_load_{c + 1}")
            m.d.sync += delayed.eq(load)
            load = delayed
        return Cat(elements)

    def _count(self, m, start_drain, window):
        """Marks a tile's values and the last of them; `window` is one cycle ahead of them."""
        rows_seen = Signal(range(self.params.rows))
        is_last = rows_seen == self.params.rows - 1
        m.d.sync += self.valid.eq(window)
        with m.If(self.valid):
            m.d.sync += rows_seen.eq(Mux(is_last, 0, rows_seen + 1))
        m.d.comb += [self.value_last.eq(self.valid & is_last), self.announce.eq(start_drain)]
