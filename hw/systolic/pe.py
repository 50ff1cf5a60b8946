"""Processing element and row of an output-stationary array."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..lib.chain import Chain, ChainParams
from .feed import Serializer
from .params import ElementParams, SystolicParams
from .ports import operand_shape


class PE(wiring.Component):
    """Multiplies, accumulates, and keeps a finished sum for the drain.

    Parameters
    ----------
    params : SystolicParams

    Members
    -------
    a_in, b_in : In; operands, passed on to ``a_out`` (right) and ``b_out`` (down)
    first_in : In(1); one cycle after a tile's first operands: the sum starts again
    last_in : In(1); two cycles after a tile's last operands: the sum is copied for the drain
    shift_in : In(1); the drain register takes the value from above
    first_out, last_out, shift_out : Out(1); to the right
    drain_in : In, drain_out : Out; signed(accumulator_bits), the column's shift chain

    Timing
    ------
    Everything is passed on after one cycle. The sum is in ``drain_out`` four cycles after the last
    operands; a copy wins over a shift. Registers: operands, product, sum, as in a DSP block.
    Zero operands leave the sum as it is.

    Numbers
    -------
    The product is exact; the sum wraps at accumulator_bits.
    """

    chained = ("a", "first", "last", "shift")
    broadcast = ()

    def __init__(self, params: SystolicParams) -> None:
        self.params = params
        a, b = operand_shape(params.a_format), operand_shape(params.b_format)
        accumulator = signed(params.accumulator_bits)
        super().__init__(
            {
                "a_in": In(a),
                "a_out": Out(a),
                "b_in": In(b),
                "b_out": Out(b),
                "first_in": In(1),
                "last_in": In(1),
                "shift_in": In(1),
                "first_out": Out(1),
                "last_out": Out(1),
                "shift_out": Out(1),
                "drain_in": In(accumulator),
                "drain_out": Out(accumulator),
            }
        )

    def elaborate(self, platform):
        m = Module()
        a = Signal(self.a_in.shape(), reset_less=True)
        b = Signal(self.b_in.shape(), reset_less=True)
        product = Signal((a * b).shape(), reset_less=True)
        accumulator = Signal(signed(self.params.accumulator_bits), reset_less=True)
        drain = Signal.like(accumulator)
        m.d.sync += [
            a.eq(self.a_in),
            b.eq(self.b_in),
            self.first_out.eq(self.first_in),
            self.last_out.eq(self.last_in),
            self.shift_out.eq(self.shift_in),
            product.eq(a * b),
            accumulator.eq(Mux(self.first_out, 0, accumulator) + product),
        ]
        with m.If(self.last_out):
            m.d.sync += drain.eq(accumulator)
        with m.Elif(self.shift_out):
            m.d.sync += drain.eq(self.drain_in)
        m.d.comb += [self.a_out.eq(a), self.b_out.eq(b), self.drain_out.eq(drain)]
        return m


class PEs(Chain):
    """PEs side by side."""

    PART = PE


class Row(wiring.Component):
    """A row of PEs with its left edge.

    Parameters
    ----------
    params : SystolicParams

    Members
    -------
    a : In; ``k_inner``: a word, taken in a cycle with ``load_in``; ``k_outer``: one operand
    load_in (``k_inner``), first_in, last_in, thermometer_in : In(1); control of this row
    load_out, first_out, last_out, thermometer_out : Out(1); one cycle later, for the row below
    start_drain : In(1); the same for all rows
    b_in, b_out : In, Out; one operand per column, down
    drain_in, drain_out : In, Out; one accumulator per column, down

    Timing
    ------
    Row r shifts its drain registers for r cycles from ``start_drain`` on: a window that grows by
    one from row to row, so that a row that has passed everything on may already be copied to.

    Numbers
    -------
    Those of ``PE``.
    """

    def __init__(self, params: SystolicParams) -> None:
        self.params = params
        self.control: tuple[str, ...] = ("first", "last", "thermometer")
        if params.a_feed == "k_inner":
            self.control = ("load", *self.control)
        self.chained = (*self.control, "b", "drain")
        self.broadcast = ("a", "start_drain") if params.a_feed == "k_inner" else ("start_drain",)
        b_bits = params.cols * params.b_format.bits
        drain_bits = params.cols * params.accumulator_bits
        a_bits = params.a_word_bits if params.a_feed == "k_inner" else params.a_format.bits
        super().__init__(
            {
                "a": In(a_bits),
                **{f"{name}_in": In(1) for name in self.control},
                **{f"{name}_out": Out(1) for name in self.control},
                "start_drain": In(1),
                "b_in": In(b_bits),
                "b_out": Out(b_bits),
                "drain_in": In(drain_bits),
                "drain_out": Out(drain_bits),
            }
        )

    def elaborate(self, platform):
        m = Module()
        p = self.params
        m.d.sync += [
            self.first_out.eq(self.first_in),
            self.last_out.eq(self.last_in),
            self.thermometer_out.eq(self.thermometer_in | self.start_drain),
        ]
        a = self.a
        if p.a_feed == "k_inner":
            m.submodules.serializer = serializer = Serializer(
                ElementParams(num=p.lanes, bits=p.a_format.bits)
            )
            m.d.comb += [serializer.word.eq(self.a), serializer.load.eq(self.load_in)]
            m.d.sync += self.load_out.eq(self.load_in)
            a = serializer.element
        pes = PEs(ChainParams(part=p, num=p.cols, is_compact=p.is_large))
        m.submodules.pes = pes
        m.d.comb += [
            pes.a_in.eq(a),
            pes.first_in.eq(self.first_in),
            pes.last_in.eq(self.last_in),
            pes.shift_in.eq(self.thermometer_in),
            pes.b_in.eq(self.b_in),
            pes.drain_in.eq(self.drain_in),
            self.b_out.eq(pes.b_out),
            self.drain_out.eq(pes.drain_out),
        ]
        return m


class Rows(Chain):
    """Rows above each other."""

    PART = Row
