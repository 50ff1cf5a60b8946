"""Output-stationary array: rows of PEs, the edges' last registers and the drain's control."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..lib.chain import ChainParams
from .cost import collect_levels, pair_cycles
from .feed import ColumnEdges, Skew
from .pair import pack_operands
from .params import ElementParams, RowGroupParams, SystolicParams
from .ports import index_shape, operand_shape
from .rows import SELECT_BITS, RowGroup


class SystolicArray(wiring.Component):
    """rows x cols PEs that keep their sums until they are complete; operands enter left and top.

    Parameters
    ----------
    params : SystolicParams

    Members
    -------
    a_word, b_word : In; from the feeds
    a_load, b_load : In(1); ``k_inner``: with a block's first word
    a_valid : In(1); ``k_outer``: with every word; other words count as zero
    first : In(1); two cycles after the first word of a tile's first block
    last : In(1); block_cycles + 1 cycles after the first word of a tile's last block
    values, valid, value_last : Out; results as the drain takes them, row 0 first
    announce : Out(1); two cycles before a tile's first value

    Timing
    ------
    PE (r, c) sees step k of a block r + c + k + 1 cycles after the block's first word. Tiles follow
    each other without a gap if their ends are at least max(rows, cols) cycles apart. A tile's first
    value comes ``collect_levels`` + ``pair_cycles`` + 2 cycles after its ``last``.

    Numbers
    -------
    Those of ``PE``.
    """

    ROWS: type[RowGroup] = RowGroup

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
        group = RowGroupParams(array=p, rows=p.rows, levels=collect_levels(p))
        m.submodules.rows = rows = self.ROWS(group)
        m.d.comb += rows.first_in.eq(self.first)
        self._connect_edges(m, rows)
        self._connect_values(m, rows.values)
        row, is_active = self._walk(m)
        self._select(m, rows, row)
        self._mark_values(m, row, is_active)
        return m

    def _connect_edges(self, m, rows):
        """Operands of the first column and of the first row."""
        p = self.params
        if p.a_feed == "k_inner":
            m.d.comb += [
                rows.a.eq(self.a_word),
                rows.load_in.eq(self.a_load),
                rows.index_in.eq(self._element(m, "a", self.a_load)),
            ]
        else:
            m.submodules.a_edge = a_edge = Skew(ElementParams(num=p.rows, bits=p.a_format.bits))
            m.d.comb += [a_edge.i.eq(Mux(self.a_valid, self.a_word, 0)), rows.a.eq(a_edge.o)]
        if p.b_feed == "k_inner":
            element = ElementParams(num=p.lanes, bits=p.b_format.bits)
            chain = ChainParams(part=element, num=p.cols, is_compact=p.is_large)
            m.submodules.b_edge = b_edge = ColumnEdges(chain)
            m.d.comb += [
                b_edge.word.eq(self.b_word),
                b_edge.load_in.eq(self.b_load),
                b_edge.index_in.eq(self._element(m, "b", self.b_load)),
            ]
            b = b_edge.element
        else:
            m.submodules.b_edge = b_edge = Skew(ElementParams(num=p.cols, bits=p.b_format.bits))
            m.d.comb += b_edge.i.eq(self.b_word)
            b = b_edge.o
        m.d.comb += rows.b_in.eq(b if p.products_per_dsp == 1 else self._pack(m, b))

    def _pack(self, m, b):
        """Operands of pairs of columns; the even column's wait for the odd one's."""
        p = self.params
        bits, shape = p.b_format.bits, operand_shape(p.b_format)
        pairs = []
        for c in range(0, p.cols, 2):
            low = Signal(shape, name=f"b_{c}", reset_less=True)
            high = Signal(shape, name=f"b_{c + 1}")
            m.d.sync += low.eq(b[c * bits : (c + 1) * bits])
            m.d.comb += high.eq(b[(c + 1) * bits : (c + 2) * bits])
            pairs.append(pack_operands(p, low, high))
        return Cat(pairs)

    def _connect_values(self, m, values):
        """Column c lags c cycles: the odd one of a pair, which is not late, waits for a cycle."""
        p = self.params
        bits = p.accumulator_bits
        for c in range(p.cols):
            value = values[c * bits : (c + 1) * bits]
            if p.products_per_dsp == 2 and c % 2:
                waiting = Signal(bits, name=f"value_{c}", reset_less=True)
                m.d.sync += waiting.eq(value)
                value = waiting
            m.d.comb += self.values[c].eq(value)

    def _element(self, m, name, load):
        """Number of the element that the first serialiser hands out: 0 after its load."""
        index = Signal(index_shape(self.params.lanes), name=f"{name}_element")
        m.d.sync += index.eq(Mux(load, 0, index + 1))
        return index

    def _walk(self, m):
        """The row whose sum in column 0 is complete in this cycle, and whether there is one."""
        row = Signal(index_shape(self.params.rows))
        is_active = Signal()
        m.d.comb += is_active.eq(_later(m, "last", self.last, 2) | (row != 0))
        with m.If(is_active):
            m.d.sync += row.eq(Mux(row == self.params.rows - 1, 0, row + 1))
        return row, is_active

    def _select(self, m, rows, row):
        """Digits of the row for each level and column: a level later and a column later."""
        p = self.params
        digits = []
        for level in range(collect_levels(p)):
            digit = row[level * SELECT_BITS : (level + 1) * SELECT_BITS]
            digit = Cat(digit, Const(0, SELECT_BITS - len(digit)))
            digit = _later(m, f"level_{level}", digit, level)
            columns = []
            for c in range(p.cols):
                columns.append(digit)
                digit = _later(m, f"select_{level}_{c}", digit, 1)
            # The even column of a pair keeps the time of the odd one.
            late = p.products_per_dsp - 1
            digits += [columns[c | late] for c in range(p.cols)]
        if digits:
            m.d.comb += rows.select.eq(Cat(digits))

    def _mark_values(self, m, row, is_active):
        """Marks a tile's values and the last of them, and announces them two cycles before."""
        cycles = collect_levels(self.params) + pair_cycles(self.params)
        is_last = is_active & (row == self.params.rows - 1)
        marks = _later(m, "marks", Cat(is_active, is_last), cycles)
        m.d.comb += [
            self.valid.eq(marks[0]),
            self.value_last.eq(marks[1]),
            self.announce.eq(_later(m, "announce", self.last, cycles)),
        ]


def _later(m, name: str, value: Value, cycles: int) -> Value:
    """`value` so many cycles later."""
    for stage in range(1, cycles + 1):
        delayed = Signal(len(value), name=f"{name}_{stage}")
        m.d.sync += delayed.eq(value)
        value = delayed
    return value
