"""Output-stationary array for compressed weights: its rows and edges."""

from amaranth.hdl import Mux, Signal
from amaranth.lib.wiring import In, Out

from ..systolic.array import SystolicArray
from ..systolic.feed import Skew
from ..systolic.params import ElementParams
from ..systolic.ports import index_shape
from .params import NMSparseParams
from .pe import SparseRowGroup


class NMSparseArray(SystolicArray):
    """rows x cols PEs that keep their sums, with a bank of activations at the left of each row.

    Parameters
    ----------
    params : NMSparseParams

    Members
    -------
    a_word, write_parts, write_slot, load, load_slot : In; from ``GroupFeed``
    released : Out(1); the last row has read a group
    b_word : In(b_word_bits), b_valid : In(1); a step's weights; other words count as zero
    first, last, values, valid, value_last, announce : those of ``SystolicArray``

    Timing
    ------
    PE (r, c) sees a step r + c + 1 cycles after its weight word, and a group from r + c + 1 cycles
    after ``load`` on. The rest as ``SystolicArray``.

    Numbers
    -------
    Those of ``PE``.
    """

    params: NMSparseParams
    ROWS = SparseRowGroup

    def _operand_members(self):
        slot = index_shape(self.params.edge_groups)
        return {
            "a_word": In(self.params.a_word_bits),
            "write_parts": In(self.params.group_words),
            "write_slot": In(slot),
            "load": In(1),
            "load_slot": In(slot),
            "released": Out(1),
            "b_word": In(self.params.b_word_bits),
            "b_valid": In(1),
        }

    def _connect_edges(self, m, rows):
        """Activations go to the banks, weights down the columns; an index down the rows."""
        p = self.params
        m.d.comb += [
            rows.a.eq(self.a_word),
            rows.write_parts.eq(self.write_parts),
            rows.write_slot.eq(self.write_slot),
            rows.load_in.eq(self.load),
            rows.load_slot_in.eq(self.load_slot),
            self.released.eq(rows.load_out),
        ]
        word = Mux(self.b_valid, self.b_word, 0)
        weights = p.cols * p.weight_bits
        m.submodules.b_edge = b_edge = Skew(ElementParams(num=p.cols, bits=p.weight_bits))
        m.d.comb += [b_edge.i.eq(word[:weights]), rows.b_in.eq(b_edge.o)]
        if p.mux == "row":
            index = Signal(p.index_bits, reset_less=True)
            m.d.sync += index.eq(word[weights:])
            m.d.comb += rows.index_in.eq(index)
