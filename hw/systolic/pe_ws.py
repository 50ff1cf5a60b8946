"""Processing element and row of a weight-stationary array."""

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..lib.chain import Chain, ChainParams
from .params import SystolicParams
from .ports import operand_shape

STEP_LAYOUT = data.StructLayout(
    {
        "valid": 1,
        "is_first_of_pass": 1,
        "is_last_of_pass": 1,
        "is_first_pass": 1,
        "is_last_pass": 1,
    }
)
"""What travels with a step. All bits are zero in a cycle without a step."""


class WeightStationaryPE(wiring.Component):
    """Keeps a weight and the next one; adds weight times operand to the psum from above.

    Parameters
    ----------
    params : SystolicParams

    Members
    -------
    a_in : In; operand, passed on to ``a_out`` (right)
    swap_in : In(1); with ``a_in``: from this operand on the next weight is used
    b_in : In; weights on their way down, passed on to ``b_out``
    take_in : In(1); with ``b_in``: it becomes the next weight, after a swap in the same cycle
    swap_out, take_out : Out(1); to the right
    psum_in, psum_out : In, Out(signed(accumulator_bits)); down

    Timing
    ------
    Everything is passed on after one cycle. The product of the operand of cycle t is added to the
    psum of cycle t + 2 and is in ``psum_out`` in cycle t + 3. Registers: operands, product, psum,
    as in a DSP block.

    Numbers
    -------
    The product is exact; the psum wraps at accumulator_bits.
    """

    chained = ("a", "swap", "take")
    broadcast = ()

    def __init__(self, params: SystolicParams) -> None:
        self.params = params
        a, b = operand_shape(params.a_format), operand_shape(params.b_format)
        psum = signed(params.accumulator_bits)
        super().__init__(
            {
                "a_in": In(a),
                "a_out": Out(a),
                "swap_in": In(1),
                "swap_out": Out(1),
                "b_in": In(b),
                "b_out": Out(b),
                "take_in": In(1),
                "take_out": Out(1),
                "psum_in": In(psum),
                "psum_out": Out(psum),
            }
        )

    def elaborate(self, platform):
        m = Module()
        a = Signal(self.a_in.shape(), reset_less=True)
        b_passing = Signal(self.b_in.shape(), reset_less=True)
        weight = Signal.like(b_passing, name="weight")
        weight_next = Signal.like(b_passing, name="weight_next")
        product = Signal((a * weight).shape(), reset_less=True)
        psum = Signal(signed(self.params.accumulator_bits), reset_less=True)
        m.d.sync += [
            a.eq(self.a_in),
            b_passing.eq(self.b_in),
            self.swap_out.eq(self.swap_in),
            self.take_out.eq(self.take_in),
            product.eq(a * weight),
            psum.eq(self.psum_in + product),
        ]
        with m.If(self.take_in):
            m.d.sync += weight_next.eq(self.b_in)
        with m.If(self.swap_in):
            m.d.sync += weight.eq(weight_next)
        m.d.comb += [self.a_out.eq(a), self.b_out.eq(b_passing), self.psum_out.eq(psum)]
        return m


class WeightStationaryPEs(Chain):
    """PEs side by side."""

    PART = WeightStationaryPE


class WeightStationaryRow(wiring.Component):
    """A row of PEs; takes the first B word that comes after a swap and lets the others pass.

    Parameters
    ----------
    params : SystolicParams

    Members
    -------
    a : In; the operand of the step in ``step_in``
    step_in, step_out : In, Out(STEP_LAYOUT); one cycle later, for the row below
    load_in, load_out : In, Out(1); a B word is on its way in ``b_in``, ``b_out``
    b_in, b_out : In, Out; one weight per column, column c one cycle after column c - 1
    psum_in, psum_out : In, Out; one psum per column, likewise

    Timing
    ------
    Step and B words go down one row per cycle. A word that arrives together with the first step of
    a pass is already for the next pass. psums leave three cycles after their step arrived.

    Numbers
    -------
    Those of ``WeightStationaryPE``.
    """

    chained = ("step", "load", "b", "psum")
    broadcast = ()

    def __init__(self, params: SystolicParams) -> None:
        self.params = params
        b_bits = params.cols * params.b_format.bits
        psum_bits = params.cols * params.accumulator_bits
        super().__init__(
            {
                "a": In(params.a_format.bits),
                "step_in": In(STEP_LAYOUT),
                "step_out": Out(STEP_LAYOUT),
                "load_in": In(1),
                "load_out": Out(1),
                "b_in": In(b_bits),
                "b_out": Out(b_bits),
                "psum_in": In(psum_bits),
                "psum_out": Out(psum_bits),
            }
        )

    def elaborate(self, platform):
        m = Module()
        p = self.params
        is_filled = Signal()
        take = Signal()
        swap = Signal()
        m.d.comb += swap.eq(self.step_in.is_first_of_pass)
        m.d.comb += take.eq(self.load_in & (~is_filled | swap))
        m.d.sync += [
            is_filled.eq(take | (is_filled & ~swap)),
            self.load_out.eq(self.load_in & ~take),
            self.step_out.eq(self.step_in),
        ]
        m.submodules.pes = pes = WeightStationaryPEs(
            ChainParams(part=p, num=p.cols, is_compact=p.is_large)
        )
        m.d.comb += [
            pes.a_in.eq(self.a),
            pes.swap_in.eq(swap),
            pes.take_in.eq(take),
            pes.b_in.eq(self.b_in),
            pes.psum_in.eq(self.psum_in),
            self.b_out.eq(pes.b_out),
            self.psum_out.eq(pes.psum_out),
        ]
        return m


class WeightStationaryRows(Chain):
    """Rows above each other."""

    PART = WeightStationaryRow
