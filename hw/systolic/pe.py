"""Processing element and row of an output-stationary array."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..lib.chain import Chain, ChainParams
from .feed import Serializer
from .pair import PEPairs
from .params import ElementParams, SystolicParams
from .ports import index_shape, operand_shape


class PE(wiring.Component):
    """Multiplies and accumulates.

    Parameters
    ----------
    params : SystolicParams

    Members
    -------
    a_in, b_in : In; operands, passed on to ``a_out`` (right) and ``b_out`` (down)
    first_in : In(1); one cycle after a tile's first operands: the sum starts again
    first_out : Out(1); to the right
    value : Out(signed(accumulator_bits)); the sum

    Timing
    ------
    Everything is passed on after one cycle. ``value`` holds a tile's sum three cycles after its
    last operands, for a single cycle if the next tile follows at once. Registers: operands,
    product, sum, as in a DSP block. Zero operands leave the sum as it is.

    Numbers
    -------
    The product is exact; the sum wraps at accumulator_bits.
    """

    chained = ("a", "first")
    broadcast = ()

    def __init__(self, params: SystolicParams) -> None:
        self.params = params
        a, b = operand_shape(params.a_format), operand_shape(params.b_format)
        super().__init__(
            {
                "a_in": In(a),
                "a_out": Out(a),
                "b_in": In(b),
                "b_out": Out(b),
                "first_in": In(1),
                "first_out": Out(1),
                "value": Out(signed(params.accumulator_bits)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        a = Signal(self.a_in.shape(), reset_less=True)
        b = Signal(self.b_in.shape(), reset_less=True)
        product = Signal((a * b).shape(), reset_less=True)
        accumulator = Signal(signed(self.params.accumulator_bits), reset_less=True)
        m.d.sync += [
            a.eq(self.a_in),
            b.eq(self.b_in),
            self.first_out.eq(self.first_in),
            product.eq(a * b),
            accumulator.eq(Mux(self.first_out, 0, accumulator) + product),
        ]
        m.d.comb += [self.a_out.eq(a), self.b_out.eq(b), self.value.eq(accumulator)]
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
    load_in, index_in (``k_inner``), first_in : In; control of this row
    load_out, index_out, first_out : Out; one cycle later, for the row below
    b_in, b_out : In, Out; one operand per column (or packed ones per pair of columns), down
    values : Out; the sums of the PEs, column 0 lowest

    Timing
    ------
    That of ``PE``; column c lags c cycles (of a pair, both lag as the odd one).

    Numbers
    -------
    Those of ``PE``.
    """

    def __init__(self, params: SystolicParams) -> None:
        self.params = params
        is_inner = params.a_feed == "k_inner"
        control: dict[str, Any] = {"first": 1}
        if is_inner:
            control |= {"load": 1, "index": index_shape(params.lanes)}
        self.control = tuple(control)
        self.chained = (*self.control, "b")
        self.broadcast = ("a",) if is_inner else ()
        b_bits = params.cols // params.products_per_dsp * params.pe_operand_bits
        a_bits = params.a_word_bits if is_inner else params.a_format.bits
        super().__init__(
            {
                "a": In(a_bits),
                **{f"{name}_in": In(shape) for name, shape in control.items()},
                **{f"{name}_out": Out(shape) for name, shape in control.items()},
                "b_in": In(b_bits),
                "b_out": Out(b_bits),
                "values": Out(params.cols * params.accumulator_bits),
            }
        )

    def elaborate(self, platform):
        m = Module()
        p = self.params
        for name in self.control:
            m.d.sync += getattr(self, f"{name}_out").eq(getattr(self, f"{name}_in"))
        a = self.a
        if p.a_feed == "k_inner":
            m.submodules.serializer = serializer = Serializer(
                ElementParams(num=p.lanes, bits=p.a_format.bits)
            )
            m.d.comb += [
                serializer.word.eq(self.a),
                serializer.load.eq(self.load_in),
                serializer.index.eq(self.index_in),
            ]
            a = serializer.element
        kind = PEs if p.products_per_dsp == 1 else PEPairs
        num = p.cols // p.products_per_dsp
        pes = kind(ChainParams(part=p, num=num, is_compact=p.is_large))
        m.submodules.pes = pes
        m.d.comb += [
            pes.a_in.eq(a),
            pes.first_in.eq(self.first_in),
            pes.b_in.eq(self.b_in),
            self.b_out.eq(pes.b_out),
            self.values.eq(pes.value),
        ]
        return m
