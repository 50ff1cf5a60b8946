"""Weight-stationary array: skewed edges, rows of PEs, accumulators at the bottom."""

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ..lib.chain import Chain, ChainParams
from ..lib.shared import Shared
from .cost_ws import subblocks
from .feed import Skew
from .params import ElementParams, SystolicParams
from .pe_ws import STEP_LAYOUT, WeightStationaryRows
from .ports import index_shape


def accumulate_layout(params: SystolicParams) -> data.StructLayout:
    """What an accumulator column does with a psum."""
    return data.StructLayout(
        {
            "valid": 1,
            "is_first_pass": 1,  # nothing to add to
            "is_last_pass": 1,  # nothing to keep
            "address": index_shape(params.accumulator_rows),
        }
    )


class AccumulatorColumn(wiring.Component):
    """Adds psums to the sums of earlier passes, which it keeps in a memory.

    Parameters
    ----------
    params : SystolicParams

    Members
    -------
    step_in, step_out : In, Out(accumulate_layout); one cycle later, for the next column
    psum : In(signed(accumulator_bits)); two cycles after its ``step_in``
    value : Out(signed(accumulator_bits)); three cycles after its ``step_in``

    Timing
    ------
    One psum per cycle. The memory is read in the cycle of ``step_in`` and written three cycles
    later: steps of one address are at least ``cost_ws.ACCUMULATE_CYCLES`` apart, so that no word is
    read in the cycle in which it is written.

    Numbers
    -------
    Sums wrap at accumulator_bits.
    """

    chained = ("step",)
    broadcast = ()

    def __init__(self, params: SystolicParams) -> None:
        self.params = params
        accumulator = signed(params.accumulator_bits)
        super().__init__(
            {
                "step_in": In(accumulate_layout(params)),
                "step_out": Out(accumulate_layout(params)),
                "psum": In(accumulator),
                "value": Out(accumulator),
            }
        )

    def elaborate(self, platform):
        m = Module()
        accumulator = signed(self.params.accumulator_bits)
        m.submodules.storage = storage = memory.Memory(
            shape=accumulator,
            depth=max(self.params.accumulator_rows, 2),
            init=[],
            attrs={"no_rw_check": 1},  # no word is read in the cycle in which it is written
        )
        write, read = storage.write_port(), storage.read_port()
        steps = [self.step_in]
        for stage in range(1, 4):
            steps.append(Signal(accumulate_layout(self.params), name=f"step_{stage}"))
            m.d.sync += steps[stage].eq(steps[stage - 1])
        earlier = Signal(accumulator, reset_less=True)
        total = Signal(accumulator, reset_less=True)
        m.d.sync += [
            earlier.eq(Mux(steps[1].is_first_pass, 0, read.data)),
            total.eq(self.psum + earlier),
        ]
        m.d.comb += [
            read.addr.eq(self.step_in.address),
            read.en.eq(self.step_in.valid),
            write.addr.eq(steps[3].address),
            write.data.eq(total),
            write.en.eq(steps[3].valid & ~steps[3].is_last_pass),
            self.step_out.eq(steps[1]),
            self.value.eq(total),
        ]
        return m


class AccumulatorColumns(Chain):
    """Accumulators below the columns."""

    PART = AccumulatorColumn


class WeightStationaryArray(wiring.Component):
    """rows x cols PEs that keep their weights; psums go down into accumulators.

    Parameters
    ----------
    params : SystolicParams

    Members
    -------
    step : In(STEP_LAYOUT), a_word : In(a_word_bits), subblock : In
        A step and its operands: lanes [subblock * rows, (subblock + 1) * rows) of the word.
    load : In(1), b_word : In(b_word_bits); a row of weights
    values, valid, value_last : Out; results of last passes, as the drain takes them
    announce : Out(1); two cycles before a packet's first value

    Timing
    ------
    Values appear ``cost_ws.start_to_value_cycles`` after their step, column c another c cycles
    later. The weights of a pass are loaded, in ``rows`` cycles with ``load``, from the cycle of the
    first step of the pass before it on and before its own first step.

    Numbers
    -------
    Lanes beyond the word count as zero. Sums wrap at accumulator_bits.
    """

    def __init__(self, params: SystolicParams) -> None:
        self.params = params
        super().__init__(
            {
                "step": In(STEP_LAYOUT),
                "a_word": In(params.a_word_bits),
                "subblock": In(index_shape(subblocks(params))),
                "load": In(1),
                "b_word": In(params.b_word_bits),
                "values": Out(data.ArrayLayout(signed(params.accumulator_bits), params.cols)),
                "valid": Out(1),
                "value_last": Out(1),
                "announce": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        p = self.params
        m.submodules.rows = rows = WeightStationaryRows(
            ChainParams(part=p, num=p.rows, is_compact=p.is_large, shares_parts=p.is_large)
        )
        self._connect_edges(m, rows)
        m.d.comb += rows.psum_in.eq(0)
        self._accumulate(m, rows.step_out, rows.psum_out)
        self._mark_values(m, rows.step_out)
        return m

    def _connect_edges(self, m, rows):
        """Operands, skewed; the step and the load that arrive with those of row 0."""
        p = self.params
        a_word = Signal(p.a_word_bits, reset_less=True)
        b_word = Signal(p.cols * p.b_format.bits, reset_less=True)
        subblock = Signal.like(self.subblock, reset_less=True)
        step, load = self.step, self.load
        for stage in range(1, 3):
            step_after = Signal(STEP_LAYOUT, name=f"step_{stage}")
            load_after = Signal(name=f"load_{stage}")
            m.d.sync += [step_after.eq(step), load_after.eq(load)]
            step, load = step_after, load_after
        m.d.sync += [
            a_word.eq(self.a_word),
            b_word.eq(self.b_word[: len(b_word)]),
            subblock.eq(self.subblock),
        ]
        bits = p.rows * p.a_format.bits
        missing = subblocks(p) * bits - len(a_word)
        lanes = Cat(a_word, Const(0, missing))
        parts = [lanes[i : i + bits] for i in range(0, len(lanes), bits)]
        a_skew = Skew(ElementParams(num=p.rows, bits=p.a_format.bits))
        b_skew = Skew(ElementParams(num=p.cols, bits=p.b_format.bits))
        if p.is_large:
            a_skew, b_skew = Shared(a_skew), Shared(b_skew)
        m.submodules.a_skew, m.submodules.b_skew = a_skew, b_skew
        m.d.comb += [
            a_skew.i.eq(Array(parts)[subblock] if len(parts) > 1 else parts[0]),
            b_skew.i.eq(b_word),
            rows.a.eq(a_skew.o),
            rows.b_in.eq(b_skew.o),
            rows.step_in.eq(step),
            rows.load_in.eq(load),
        ]

    def _accumulate(self, m, step, psum):
        """Accumulator columns; the steps of a pass take the addresses from 0 on."""
        p = self.params
        address = Signal(index_shape(p.accumulator_rows))
        with m.If(step.valid):
            m.d.sync += address.eq(Mux(step.is_last_of_pass, 0, address + 1))
        here = Signal(accumulate_layout(p))
        m.d.comb += [
            here.valid.eq(step.valid),
            here.is_first_pass.eq(step.is_first_pass),
            here.is_last_pass.eq(step.is_last_pass),
            here.address.eq(address),
        ]
        m.submodules.accumulators = columns = AccumulatorColumns(
            ChainParams(part=p, num=p.cols, is_compact=p.is_large)
        )
        m.d.comb += [
            columns.step_in.eq(here),
            columns.psum.eq(psum),
            Value.cast(self.values).eq(columns.value),
        ]

    def _mark_values(self, m, step):
        """Announces packets one cycle after the step at the bottom; values two cycles later."""
        gives_value = step.valid & step.is_last_pass
        m.d.sync += self.announce.eq(gives_value & step.is_first_of_pass)
        moved = Cat(gives_value, gives_value & step.is_last_of_pass)
        for stage in range(1, 4):
            marks = Signal(2, name=f"marks_{stage}")
            m.d.sync += marks.eq(moved)
            moved = marks
        m.d.comb += [self.valid.eq(moved[0]), self.value_last.eq(moved[1])]
