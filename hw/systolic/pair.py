"""Two processing elements that share a multiplier."""

from collections.abc import Sequence

from amaranth.hdl import C, Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..lib.chain import Chain
from .params import SystolicParams
from .ports import operand_shape


def pack_operands(params: SystolicParams, low: Value, high: Value) -> Value:
    """Operands of two columns as ``PEPair`` takes them: ``low``, and ``high - 1`` above a negative
    ``low``, so that ``high * 2**s + low`` is their bits side by side with ``low``'s sign between.
    """
    bits = params.b_format.bits
    borrow = low[-1] if params.b_format.signed else C(0, 1)
    return Cat(low[:bits], (high - borrow)[: bits + 1])


class PEPair(wiring.Component):
    """The PEs of two neighbouring columns, with one product for both.

    One multiplier of 8 by 25 bits (two unsigned operands: 9 by 26) computes
    ``a * (b1 * 2**s + b0) = a * b1 * 2**s + a * b0``, where s is the width of a signed product. The
    low s bits are ``a * b0``; what is above them is ``a * b1``, less the 1 that a negative ``a *
    b0`` borrows, which is added again with the sum.

    Parameters
    ----------
    params : SystolicParams with ``products_per_dsp`` 2

    Members
    -------
    a_in, a_out : In, Out; to the right
    b_in, b_out : In, Out(pe_operand_bits); operands of both columns as ``pack_operands`` packs
        them, down
    first_in, first_out : In, Out; those of ``PE``
    value : Out(2 * accumulator_bits); the sums, that of the even column lowest

    Timing
    ------
    Both columns keep the time of the odd one: ``b_in`` comes when the odd column's operand would, a
    cycle after the even column's. ``a`` and ``first`` are passed on after two cycles. The rest as
    ``PE``.

    Numbers
    -------
    Products are exact for operands of at most 8 bits, signed or not (all of int8 by int8 by int8
    are tried by the tests); sums wrap at accumulator_bits.
    """

    chained = ("a", "first")
    broadcast = ()

    def __init__(self, params: SystolicParams) -> None:
        self.params = params
        a = operand_shape(params.a_format)
        super().__init__(
            {
                "a_in": In(a),
                "a_out": Out(a),
                "b_in": In(params.pe_operand_bits),
                "b_out": Out(params.pe_operand_bits),
                "first_in": In(1),
                "first_out": Out(1),
                "value": Out(2 * params.accumulator_bits),
            }
        )

    def elaborate(self, platform):
        m = Module()
        p = self.params
        a_early = Signal(self.a_in.shape(), reset_less=True)
        a = Signal(self.a_in.shape(), reset_less=True)
        b = Signal(p.pe_operand_bits, reset_less=True)
        first_early = Signal()
        factor = self._factor(b)
        product = Signal((a * factor).shape(), reset_less=True)
        m.d.sync += [
            a_early.eq(self.a_in),
            a.eq(a_early),
            b.eq(self.b_in),
            first_early.eq(self.first_in),
            self.first_out.eq(first_early),
            product.eq(a * factor),
        ]
        # 1 + borrow carries into the sum: no second adder.
        borrow = product[p.product_bits - 1]
        terms = (
            (C(0, 1), Cat(C(0, 1), product[: p.product_bits])),
            (C(1, 1), Cat(borrow, product[p.product_bits :])),
        )
        m.d.comb += [self.a_out.eq(a), self.b_out.eq(b), self.value.eq(self._sums(m, terms))]
        return m

    def _factor(self, b: Value) -> Value:
        """The packed operands with the sign of the low one between them."""
        bits, low_bits = self.params.b_format.bits, self.params.product_bits
        sign = b[bits - 1] if self.params.b_format.signed else C(0, 1)
        return Cat(b[:bits], sign.replicate(low_bits - bits), b[bits:]).as_signed()

    def _sums(self, m: Module, terms: Sequence[tuple[Value, Value]]) -> Value:
        """An accumulator per column; a term comes with a bit below its lowest."""
        sums = []
        for column, (below, term) in enumerate(terms):
            accumulator = Signal(
                signed(self.params.accumulator_bits), name=f"accumulator_{column}", reset_less=True
            )
            before = Cat(below, Mux(self.first_out, 0, accumulator)).as_signed()
            m.d.sync += accumulator.eq((before + term.as_signed()) >> 1)
            sums.append(accumulator)
        return Cat(sums)


class PEPairs(Chain):
    """Pairs side by side."""

    PART = PEPair
