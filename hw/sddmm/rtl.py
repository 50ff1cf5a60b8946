"""The sddmm template: scores of sampled pairs of rows as streams."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..lib.banked_store import BankedStore, load_word_layout
from ..lib.shared import Shared
from ..lib.stream import StreamBuffer
from ..lib.stream_params import StreamParams
from .issue import Issue, QueryLoader
from .lane import Lane
from .params import SddmmParams
from .ports import query_layout, row_layout, score_layout, slot_layout
from .rows import RowStream


class Sddmm(wiring.Component):
    """Dot products of rows of Q and K at the nonzeros of a mask, by a schedule without conflicts.

    Parameters
    ----------
    params : SddmmParams

    Members
    -------
    a : In(stream of slot_layout); the schedule, ``last`` on a packet's last slot
    k : In(stream of load_word_layout); rows of K into the banks, ``last`` ends a packet's
    q : In(stream of query_layout); rows of Q, ``last`` on a row's last word
    o : Out(stream of score_layout).array(lanes), each in its order, to be drained independently of
        each other; or with output ``rows`` Out(stream of row_layout), in row-major order

    Timing
    ------
    The law in ``cost``: a slot per ``last_chunk`` + 1 cycles, any stall on any port.

    Numbers
    -------
    Exact products, sums wrap at accumulator_bits.
    """

    def __init__(self, params: SddmmParams) -> None:
        self.params = params
        scores = Out(stream.Signature(score_layout(params.lane_params))).array(params.lanes)
        rows = Out(stream.Signature(row_layout(params)))
        super().__init__(
            {
                "a": In(stream.Signature(slot_layout(params))),
                "k": In(stream.Signature(load_word_layout(params.store_params))),
                "q": In(stream.Signature(query_layout(params))),
                "o": rows if params.is_row_stream else scores,
            }
        )

    def elaborate(self, platform):
        m = Module()
        p = self.params
        m.submodules.slots = slots = StreamBuffer(StreamParams(payload=slot_layout(p)))
        m.submodules.issue = issue = Issue(p)
        m.submodules.keys = keys = BankedStore(p.store_params)
        m.submodules.queries = queries = QueryLoader(p)
        wiring.connect(m, wiring.flipped(self.a), slots.i)
        wiring.connect(m, slots.o, issue.i)
        wiring.connect(m, wiring.flipped(self.k), keys.i)
        wiring.connect(m, wiring.flipped(self.q), queries.i)
        lanes = self._lanes(m, issue, queries, keys)
        m.d.comb += [
            issue.has_keys.eq(keys.is_full),
            issue.has_room.eq(Cat(lane.has_room for lane in lanes).all()),
            issue.waiting.eq(queries.waiting),
            queries.taken.eq(issue.taken),
            queries.freed.eq(issue.freed),
            keys.addresses.eq(issue.addresses),
            keys.read.eq(issue.read),
            keys.free.eq(issue.free_keys),
        ]
        if p.is_row_stream:
            m.submodules.rows = rows = RowStream(p)
            wiring.connect(m, rows.o, wiring.flipped(self.o))
        for number, lane in enumerate(lanes):
            target = rows.i[number] if p.is_row_stream else wiring.flipped(self.o[number])
            wiring.connect(m, lane.o, target)
        return m

    def _lanes(self, m, issue, queries, keys):
        p = self.params
        first = _delayed(m, "first", issue.first, 2 + p.dot_params.tree_stages)
        last = _delayed(m, "last", issue.last, 3 + p.dot_params.tree_stages)
        bits = p.lane_params.query_word_bits
        lanes = []
        for number in range(p.lanes):
            m.submodules[f"lane_{number}"] = lane = Shared(Lane(p.lane_params))
            element = 0 if p.is_row_stream else number * bits
            names = (field.name for field in p.entry_format.fields)
            m.d.comb += [
                lane.entry.eq(Cat(issue.i.payload[f"{name}_{number}"] for name in names)),
                lane.start.eq(issue.start),
                lane.is_packet_end.eq(issue.i.payload.last),
                lane.query_base.eq(issue.query_base),
                lane.chunk.eq(issue.chunk),
                lane.words.eq(keys.words),
                lane.first.eq(first),
                lane.last.eq(last),
                lane.query_write.eq(queries.write),
                lane.query_address.eq(queries.address),
                lane.query_data.eq(self.q.payload.data[element : element + bits]),
            ]
            lanes.append(lane)
        return lanes


def _delayed(m, name, value, cycles):
    for stage in range(cycles):
        delayed = Signal(name=f"{name}_{stage}")
        m.d.sync += delayed.eq(value)
        value = delayed
    return value
