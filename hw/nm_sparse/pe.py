"""Operand mux, processing element and row of an array with compressed weights."""

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..lib.chain import Chain, ChainParams
from ..lib.pick import pick
from ..systolic.pe import PE, PEs
from ..systolic.ports import index_shape
from ..systolic.rows import RowGroup
from .feed import GroupBank
from .params import NMSparseParams


class OperandMux(wiring.Component):
    """Selects one activation of a group.

    Parameters
    ----------
    params : NMSparseParams

    Members
    -------
    group : In(group_bits); index : In(index_bits)
    o : Out(bits of an activation)

    Timing
    ------
    Combinational.

    Numbers
    -------
    An index beyond the group selects 0.
    """

    def __init__(self, params: NMSparseParams) -> None:
        self.params = params
        super().__init__(
            {
                "group": In(params.group_bits),
                "index": In(params.index_bits),
                "o": Out(params.a_format.bits),
            }
        )

    def elaborate(self, platform):
        m = Module()
        bits = self.params.a_format.bits
        elements = [self.group[i * bits : (i + 1) * bits] for i in range(self.params.group)]
        beyond = (1 << self.params.index_bits) - len(elements)
        m.d.comb += self.o.eq(pick([*elements, *[Const(0, bits)] * beyond], self.index))
        return m


class SparsePE(wiring.Component):
    """A ``PE`` that selects its activation from the group that passes.

    Parameters
    ----------
    params : NMSparseParams

    Members
    -------
    group_in : In, group_out : Out(group_bits); to the right
    b_in : In, b_out : Out(weight_bits); value below, index above; down
    first_in, first_out, value : those of ``PE``

    Timing
    ------
    That of ``PE``: the selected activation is in the operand register.

    Numbers
    -------
    Those of ``PE`` and ``OperandMux``.
    """

    chained = ("group", "first")
    broadcast = ()

    def __init__(self, params: NMSparseParams) -> None:
        self.params = params
        pe = PE(params)
        pe._MustUse__silence = True  # only its members are of interest
        inner = {
            name: member
            for name, member in pe.signature.members.items()
            if name not in ("a_in", "a_out", "b_in", "b_out")
        }
        super().__init__(
            {
                "group_in": In(params.group_bits),
                "group_out": Out(params.group_bits),
                "b_in": In(params.weight_bits),
                "b_out": Out(params.weight_bits),
                **inner,
            }
        )
        self.control = tuple(inner)

    def elaborate(self, platform):
        m = Module()
        value_bits = self.params.b_format.bits
        m.submodules.pe = pe = PE(self.params)
        m.submodules.mux = mux = OperandMux(self.params)
        group = Signal(self.params.group_bits, reset_less=True)
        index = Signal(self.params.index_bits, reset_less=True)
        m.d.sync += [group.eq(self.group_in), index.eq(self.b_in[value_bits:])]
        m.d.comb += [
            mux.group.eq(self.group_in),
            mux.index.eq(self.b_in[value_bits:]),
            pe.a_in.eq(mux.o),
            pe.b_in.eq(self.b_in[:value_bits]),
            self.group_out.eq(group),
            self.b_out.eq(Cat(pe.b_out, index)),
        ]
        for name in self.control:
            outer, inner = getattr(self, name), getattr(pe, name)
            m.d.comb += inner.eq(outer) if name.endswith("_in") else outer.eq(inner)
        return m


class SparsePEs(Chain):
    """PEs side by side."""

    PART = SparsePE


class SparseRow(wiring.Component):
    """A row of PEs with its bank of activations.

    Parameters
    ----------
    params : NMSparseParams

    Members
    -------
    a : In(part_bits); the row's share of an activation word
    write_parts, write_slot : In; those of ``GroupBank``, the same for all rows
    load_in, load_slot_in, first_in : In; control of this row
    load_out, load_slot_out, first_out, ... : Out; one cycle later, for the row below
    index_in : In, index_out : Out(index_bits); likewise (``mux: row``)
    b_in, b_out : In, Out; a weight per column, down
    values : Out; the sums of the PEs, column 0 lowest

    Timing
    ------
    The group is at PE 0 in the cycle after ``load_in``. The rest as ``systolic.pe.Row``.

    Numbers
    -------
    Those of ``PE``.
    """

    broadcast = ("write_parts", "write_slot")

    def __init__(self, params: NMSparseParams) -> None:
        self.params = params
        slot = index_shape(params.edge_groups)
        control = {"load": 1, "load_slot": slot, "first": 1}
        if params.mux == "row":
            control["index"] = params.index_bits
        self.delayed = tuple(control)
        control["b"] = params.cols * params.weight_bits
        self.chained = tuple(control)
        super().__init__(
            {
                "a": In(params.part_bits),
                "write_parts": In(params.group_words),
                "write_slot": In(slot),
                "values": Out(params.cols * params.accumulator_bits),
                **{f"{name}_in": In(shape) for name, shape in control.items()},
                **{f"{name}_out": Out(shape) for name, shape in control.items()},
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.bank = bank = GroupBank(self.params)
        for name in self.delayed:
            m.d.sync += getattr(self, f"{name}_out").eq(getattr(self, f"{name}_in"))
        m.submodules.pes = pes = self._pes(m, bank.group)
        m.d.comb += [
            bank.part.eq(self.a),
            bank.write_parts.eq(self.write_parts),
            bank.write_slot.eq(self.write_slot),
            bank.load.eq(self.load_in),
            bank.load_slot.eq(self.load_slot_in),
            pes.first_in.eq(self.first_in),
            pes.b_in.eq(self.b_in),
            self.b_out.eq(pes.b_out),
            self.values.eq(pes.value),
        ]
        return m

    def _pes(self, m, group):
        """The PEs, which take the group as it is or one activation of it."""
        chain = ChainParams(part=self.params, num=self.params.cols, is_compact=self.params.is_large)
        if self.params.mux == "pe":
            pes = SparsePEs(chain)
            m.d.comb += pes.group_in.eq(group)
            return pes
        pes = PEs(chain)
        m.submodules.mux = mux = OperandMux(self.params)
        m.d.comb += [mux.group.eq(group), mux.index.eq(self.index_in), pes.a_in.eq(mux.o)]
        return pes


class SparseRowGroup(RowGroup):
    """Rows above each other."""

    ROW = SparseRow
