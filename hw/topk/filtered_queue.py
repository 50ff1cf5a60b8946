"""Engine filtered_queue: a word of keys per cycle against the k-th best, survivors into a queue."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring

from .params import TopKParams
from .ports import engine_members, input_layout
from .queue_params import queue_params
from .shift_queue import connect_k, connect_results
from .sorted_queue import SortedQueue


class FilteredQueue(wiring.Component):
    """P comparators ahead of one sorted queue: lanes that cannot enter cost nothing.

    Parameters
    ----------
    params : TopKParams

    Members
    -------
    k, i, o : as of ``TopK``

    Timing
    ------
    A word per cycle while none of its keys beats the k-th best so far; else one cycle per key that
    does. ``i.ready`` comes from the comparators. The law is ``queue_cost.filtered_queue_cycles``.

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
        connect_k(m, params, self.k, queue.k)
        connect_results(m, params, queue.o, self.o)
        word = Signal(input_layout(params))  # `mask`: lanes that still wait
        has_word, is_done = Signal(), Signal()
        candidates, chosen, rest = (
            Signal(params.lanes, name=name) for name in ("candidates", "chosen", "rest")
        )
        base = Signal(params.index_bits)
        for lane in range(params.lanes):
            enters = ~queue.filters | (~queue.rejects & (word.keys[lane] > queue.threshold))
            m.d.comb += candidates[lane].eq(word.mask[lane] & enters)
        m.d.comb += [
            chosen.eq(candidates & -candidates),
            rest.eq(candidates & ~chosen),
            queue.has_item.eq(has_word & (candidates.any() | word.last)),
            queue.item.pair.key.eq(_chosen_key(word.keys, chosen)),
            queue.item.pair.payload.eq(base + _number_of(chosen)),
            queue.item.is_pair.eq(candidates.any()),
            queue.item.last.eq(word.last & ~rest.any()),
            is_done.eq(
                Mux(queue.has_item, queue.takes_item & ~rest.any(), has_word),
            ),
            self.i.ready.eq(~has_word | is_done),
        ]
        with m.If(queue.has_item & queue.takes_item):
            m.d.sync += word.mask.eq(rest)
        with m.If(is_done):
            m.d.sync += base.eq(Mux(word.last, 0, base + params.lanes))
        with m.If(self.i.ready):
            m.d.sync += has_word.eq(self.i.valid)
            with m.If(self.i.valid):
                m.d.sync += [
                    word.eq(self.i.payload),
                    *(
                        word.keys[lane].eq(self.i.payload.keys[lane] ^ params.rank_flip)
                        for lane in range(params.lanes)
                    ),
                ]
        return m


def _chosen_key(keys, chosen):
    """The key of the one lane of `chosen`."""
    found = 0
    for lane in range(len(chosen)):
        found = found | (keys[lane] & chosen[lane].replicate(len(keys[lane])))
    return found


def _number_of(chosen):
    """The number of the one bit that is set."""
    num_bits = max(1, (len(chosen) - 1).bit_length())
    lanes = range(len(chosen))
    return Cat(
        Cat(chosen[lane] for lane in lanes if lane >> bit & 1).any() for bit in range(num_bits)
    )
