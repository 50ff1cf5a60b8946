"""Results of a lane, whole rows and pieces of rows; pieces are added from lane to lane."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .params import LaneParams
from .ports import result_layout


def item_layout(params: LaneParams) -> data.StructLayout:
    """A result, and the ends at which its row goes on in other lanes."""
    return data.StructLayout({"result": result_layout(params), "sends": 1, "waits": 1})


class Merge(wiring.Component):
    """Adds the pieces of rows that several lanes share.

    An item that `waits` takes a sum from the lane to the right and adds it. One that `sends` then
    goes into the carry register, where the lane to the left finds it, and makes way for the items
    behind it; any other leaves. What was sent and is the last of the packet leaves a word without a
    row.

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
    ``cost.MERGE_CYCLES`` from `i` to `o` or `carry_out`; an item that waits and leaves, one more
    from the carry. One item per cycle; a carry every second cycle. All ports come from registers;
    only `i.ready` depends on `o.ready`.

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
        is_held = Signal()
        is_waiting = Signal()
        is_sending = Signal()
        is_carried = Signal()
        carried = Signal(self.params.sums_bits, reset_less=True)
        is_added = Signal()
        is_sent = Signal()
        is_out = Signal()
        sums = self._sums(held.result.sums, is_waiting)
        m.d.comb += [
            self.carry_in.ready.eq(is_held & is_waiting & ~(is_sending & is_carried)),
            is_added.eq(self.carry_in.valid & self.carry_in.ready),
            is_sent.eq(is_held & is_sending & ~is_carried & (~is_waiting | is_added)),
            self.carry_out.valid.eq(is_carried),
            self.carry_out.payload.eq(carried),
            self.o.valid.eq(is_held & ~is_waiting & ~is_sending),
            self.o.payload.eq(held.result),
            is_out.eq(self.o.valid & self.o.ready),
            self.i.ready.eq(~is_held | is_out | (is_sent & ~held.result.last)),
        ]
        with m.If(is_sent):
            m.d.sync += [is_carried.eq(1), carried.eq(sums)]
        with m.Elif(self.carry_out.ready):
            m.d.sync += is_carried.eq(0)
        with m.If(self.i.ready):
            m.d.sync += [
                is_held.eq(self.i.valid),
                held.eq(self.i.payload),
                is_waiting.eq(self.i.payload.waits),
                is_sending.eq(self.i.payload.sends),
            ]
        with m.Elif(is_sent):
            m.d.sync += [is_waiting.eq(0), is_sending.eq(0)]
            m.d.sync += [held.result.has_row.eq(0), held.result.sums.eq(0)]
        with m.Elif(is_added):
            m.d.sync += [is_waiting.eq(0), held.result.sums.eq(sums)]
        return m

    def _sums(self, sums, is_waiting):
        """The held sums, with those of the carry if they wait for them."""
        bits = self.params.accumulator_bits
        parts = [slice(n * bits, (n + 1) * bits) for n in range(self.params.num_sums)]
        carry = Mux(is_waiting, self.carry_in.payload, 0)
        return Cat((sums[part] + carry[part])[:bits] for part in parts)
