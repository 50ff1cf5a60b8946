"""Results of a lane, whole rows and pieces of rows; pieces are added from lane to lane."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .params import LaneParams
from .ports import result_layout


def item_layout(params: LaneParams) -> data.StructLayout:
    """A result, and the ends at which its row goes on in other lanes."""
    return data.StructLayout({"result": result_layout(params), "sends": 1, "waits": 1})


class Merge(wiring.Component):
    """Adds the pieces of rows that several lanes share.

    An item that `waits` takes a sum from the lane to the right and adds it; then one that `sends`
    goes to the lane to the left, any other leaves. What was sent and is the last of the packet
    leaves a word without a row behind.

    Parameters
    ----------
    params : LaneParams

    Members
    -------
    i : In(stream of item_layout(params))
    carry_in, carry_out : In, Out(stream of sums_bits); from the right, to the left
    o : Out(stream of result_layout(params))

    Timing
    ------
    ``cost.MERGE_CYCLES`` from `i` to `o` or `carry_out`, one more if the item waits, counted from
    the later of the item and the carry. One item per cycle. No `ready` of a carry depends on
    another port in the same cycle.

    Numbers
    -------
    Sums wrap at accumulator_bits.
    """

    def __init__(self, params: LaneParams) -> None:
        self.params = params
        carry = stream.Signature(params.sums_bits)
        super().__init__(
            {
                "i": In(stream.Signature(item_layout(params))),
                "carry_in": In(carry),
                "carry_out": Out(carry),
                "o": Out(stream.Signature(result_layout(params))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        held = Signal(item_layout(self.params), reset_less=True)
        is_held, is_waiting, is_sending = Signal(), Signal(), Signal()
        is_sent = self.carry_out.valid & self.carry_out.ready
        is_out = self.o.valid & self.o.ready
        m.d.comb += [
            self.carry_in.ready.eq(is_held & is_waiting),
            self.carry_out.valid.eq(is_held & ~is_waiting & is_sending),
            self.carry_out.payload.eq(held.result.sums),
            self.o.valid.eq(is_held & ~is_waiting & ~is_sending),
            self.o.payload.eq(held.result),
            self.i.ready.eq(~is_held | is_out | (is_sent & ~held.result.last)),
        ]
        with m.If(self.i.ready):
            m.d.sync += [
                is_held.eq(self.i.valid),
                held.eq(self.i.payload),
                is_waiting.eq(self.i.payload.waits),
                is_sending.eq(self.i.payload.sends),
            ]
        with m.Elif(is_sent):
            m.d.sync += [is_sending.eq(0), held.result.has_row.eq(0), held.result.sums.eq(0)]
        with m.Elif(self.carry_in.valid & self.carry_in.ready):
            m.d.sync += [is_waiting.eq(0), held.result.sums.eq(self._sum(held.result.sums))]
        return m

    def _sum(self, sums):
        """The held sums and those of the carry."""
        bits = self.params.accumulator_bits
        parts = [slice(n * bits, (n + 1) * bits) for n in range(self.params.num_sums)]
        return Cat((sums[part] + self.carry_in.payload[part])[:bits] for part in parts)
