"""Engine shift_queue: sorted insertion, one key per cycle."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring

from .params import TopKParams
from .ports import engine_members
from .queue_params import queue_params
from .sorted_queue import SortedQueue


class ShiftQueue(wiring.Component):
    """One key per cycle into a sorted queue.

    Parameters
    ----------
    params : TopKParams with one lane

    Members
    -------
    k, i, o : as of ``TopK``

    Timing
    ------
    A packet of n words with r results: n + max(r, 1) + 2 cycles; the next one's words come in while
    its results leave. The law is ``queue_cost.shift_queue_cycles``.

    Numbers
    -------
    As ``TopK``.
    """

    def __init__(self, params: TopKParams) -> None:
        self.params = params
        super().__init__(engine_members(params))

    def elaborate(self, platform):
        m = Module()
        params = self.params
        m.submodules.queue = queue = SortedQueue(queue_params(params))
        index = Signal(params.index_bits)
        word = self.i.payload
        connect_k(m, params, self.k, queue.k)
        connect_results(m, params, queue.o, self.o)
        m.d.comb += [
            queue.has_item.eq(self.i.valid),
            self.i.ready.eq(queue.takes_item),
            queue.item.pair.key.eq(word.keys[0] ^ params.rank_flip),
            queue.item.pair.payload.eq(index),
            queue.item.is_pair.eq(word.mask),
            queue.item.last.eq(word.last),
        ]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += index.eq(Mux(word.last, 0, index + 1))
        return m


def connect_k(m, params: TopKParams, k, queue_k) -> None:
    """k with everything above k_max taken as k_max."""
    clamped = k.payload
    if params.k_max + 1 < 1 << params.k_bits:  # else there is nothing above
        clamped = Mux(k.payload > params.k_max, params.k_max, k.payload)
    m.d.comb += [
        queue_k.valid.eq(k.valid),
        k.ready.eq(queue_k.ready),
        queue_k.payload.eq(clamped),
    ]


def connect_results(m, params: TopKParams, results, o) -> None:
    """Results of a queue as output words of one pair, zeros where there is none."""
    result = results.payload
    m.d.comb += [
        o.valid.eq(results.valid),
        results.ready.eq(o.ready),
        o.payload.keys[0].eq(Mux(result.is_pair, result.pair.key ^ params.rank_flip, 0)),
        o.payload.indices[0].eq(Mux(result.is_pair, result.pair.payload, 0)),
        o.payload.mask.eq(result.is_pair),
        o.payload.last.eq(result.last),
    ]
