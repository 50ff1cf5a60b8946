"""A queue that keeps the best k pairs of a packet, and lets those of the one before leave."""

from amaranth.hdl import Const, Module, Mux, ResetSignal, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..lib.shared import Shared
from ..lib.stream import StreamFIFO
from ..lib.stream_params import FIFOParams
from .queue_entry import QueueEntry, pair_layout
from .queue_params import QueueParams

K_WORDS = 2
OUTPUT_WORDS = 2


def item_layout(params: QueueParams) -> data.StructLayout:
    """A pair, if there is one, and whether the packet ends with it."""
    return data.StructLayout({"pair": pair_layout(params.entry), "is_pair": 1, "last": 1})


def result_layout(params: QueueParams) -> data.StructLayout:
    """A pair of a packet, or none if the packet has none; `last` of the packet."""
    return data.StructLayout({"pair": pair_layout(params.entry), "is_pair": 1, "last": 1})


class SortedQueue(wiring.Component):
    """Sorted insertion: the first k pairs of each packet in rank order.

    Parameters
    ----------
    params : QueueParams

    Members
    -------
    k : In(stream of count_bits); per packet, at most `depth`
    item : In(item_layout), has_item : In(1), takes_item : Out(1); an offer that may be withdrawn
    threshold : Out(key_bits), filters : Out(1); while `filters`, a pair of the packet whose item is
        offered can be among the first k only if its key is above `threshold`
    rejects : Out(1); with `filters`: k is 0, no pair is wanted
    o : Out(stream of result_layout); max(1, min(k, pairs)) words per packet

    Timing
    ------
    One item per cycle, one result per cycle, both at once. An item is held for one cycle and then
    inserted; results begin two cycles after the insertion of the last item. `filters` and
    `threshold` follow an insertion by two cycles. Nothing depends on `o.ready` but by registers.

    Numbers
    -------
    Keys are unsigned, the largest first; equal keys stay in the order in which they came.
    """

    def __init__(self, params: QueueParams) -> None:
        self.params = params
        super().__init__(
            {
                "k": In(stream.Signature(params.count_bits)),
                "item": In(item_layout(params)),
                "has_item": In(1),
                "takes_item": Out(1),
                "threshold": Out(params.entry.key_bits),
                "filters": Out(1),
                "rejects": Out(1),
                "o": Out(stream.Signature(result_layout(params))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        params = self.params
        held = Signal(params.count_bits)
        held_next = Signal(params.count_bits)
        item = Signal(item_layout(params))
        has_item, step, insert, append, shift, close = (
            Signal(name=name) for name in ("has_item", "step", "insert", "append", "shift", "close")
        )
        m.submodules.wanted = wanted = StreamFIFO(
            FIFOParams(payload=params.count_bits, depth=K_WORDS)
        )
        wiring.connect(m, wiring.flipped(self.k), wanted.i)
        has_room = Signal()
        drain_ends = Signal()
        is_draining = Signal()
        pair = Signal(pair_layout(params.entry))
        pairs = self._entries(m, pair, append, shift, close)
        m.d.comb += [
            has_room.eq(held != wanted.o.payload),
            step.eq(
                has_item
                & wanted.o.valid
                & (pairs[-1].is_empty | shift | ~(item.is_pair & has_room))
                & ~(item.last & is_draining & ~drain_ends)
            ),
            insert.eq(step & item.is_pair),
            pair.payload.eq(item.pair.payload),
            pair.key.eq(Mux(insert, item.pair.key, 0)),
            append.eq(insert & has_room),
            close.eq(step & item.last),
            wanted.o.ready.eq(close),
            held_next.eq(held + append),
            self.takes_item.eq(~has_item | step),
        ]
        m.d.sync += held.eq(Mux(close, 0, held_next))
        with m.If(self.takes_item):
            m.d.sync += [has_item.eq(self.has_item), item.eq(self.item)]
        self._drain(m, pairs[0].pair, close, held_next, (is_draining, drain_ends, shift))
        is_full = Signal()
        m.d.sync += [
            is_full.eq(wanted.o.valid & ~has_room & ~close),
            self.rejects.eq(~held.any()),
            self.threshold.eq(_last_open(pairs)),
        ]
        # The item that is held may be the last of the packet before.
        m.d.comb += self.filters.eq(is_full & ~(has_item & item.last))
        return m

    def _entries(self, m, pair, append, shift, close):
        """What each entry holds, the best first."""
        params = self.params.entry
        entries = [Shared(QueueEntry(params)) for _ in range(self.params.depth)]
        closes = Signal()
        m.d.comb += closes.eq(close | ResetSignal())
        for index, entry in enumerate(entries):
            m.submodules[f"entry_{index}"] = entry
            m.d.comb += [
                entry.pair.eq(pair),
                entry.append.eq(append),
                entry.shift.eq(shift),
                entry.close.eq(closes),
            ]
            if index:
                before = entries[index - 1]
                m.d.comb += [
                    entry.left.eq(before.o),
                    entry.left_moves.eq(before.moves),
                    before.right.eq(entry.o),
                    before.right_moves.eq(entry.moves),
                ]
        m.d.comb += [entries[-1].right.is_empty.eq(1), entries[-1].right_moves.eq(append)]
        return [entry.o for entry in entries]

    def _drain(self, m, pair, close, results, signals):
        """Results of the closed packet leave through a FIFO whose room is known from registers."""
        is_draining, drain_ends, shift = signals
        left = Signal(self.params.count_bits)
        m.submodules.results = results_out = StreamFIFO(
            FIFOParams(payload=result_layout(self.params), depth=OUTPUT_WORDS)
        )
        wiring.connect(m, results_out.o, wiring.flipped(self.o))
        is_last = ~left[1:].any() if self.params.depth > 1 else Const(1)
        put = results_out.i
        m.d.comb += [
            put.valid.eq(is_draining),
            put.payload.pair.eq(pair),
            put.payload.is_pair.eq(left.any()),
            put.payload.last.eq(is_last),
            shift.eq(is_draining & put.ready & left.any()),
            drain_ends.eq(is_draining & put.ready & is_last),
        ]
        m.d.sync += left.eq(left - shift)
        with m.If(close):
            m.d.sync += [is_draining.eq(1), left.eq(results)]
        with m.Elif(drain_ends):
            m.d.sync += is_draining.eq(0)


def _last_open(entries):
    """Key of the last pair of the open packet, 0 if there is none."""
    key = 0
    for index, entry in enumerate(entries):
        is_last = entry.is_open
        if index + 1 < len(entries):
            is_last = is_last & ~entries[index + 1].is_open
        key = key | (entry.pair.key & is_last.replicate(len(entry.pair.key)))
    return key
