"""A lane: its query rows, its products, and its scores until they leave in order."""

from amaranth.hdl import Array, Cat, Module, Mux, Signal
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ..lib.banked_store import BankMux
from ..lib.banked_store_params import BankMuxParams
from ..lib.shared import Shared
from .dot import DotProduct
from .params import LaneParams
from .ports import entry_layout, score_layout


class ScoreWindow(wiring.Component):
    """Scores that are computed in any order leave in the order of their positions.

    Parameters
    ----------
    params : LaneParams

    Members
    -------
    entry : In(entry_layout); has_room : Out(1), its place is free, or it needs none
    start, is_packet_end : In(1); the entry is taken; with it, the packet's last slot
    place : Out(position_bits); of the entry
    score, write, write_place : In; a score for a place that was taken
    o : Out(stream of score_layout)

    Timing
    ------
    A score may leave in the cycle after its ``write``; its place is free in the cycle after it
    left.

    Numbers
    -------
    None.
    """

    def __init__(self, params: LaneParams) -> None:
        self.params = params
        score = score_layout(params)
        super().__init__(
            {
                "entry": In(entry_layout(params)),
                "has_room": Out(1),
                "start": In(1),
                "is_packet_end": In(1),
                "place": Out(params.position_bits),
                "score": In(score["score"].shape),
                "write": In(1),
                "write_place": In(params.position_bits),
                "o": Out(stream.Signature(score)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        window = self.params.window
        is_taken = Signal(window)  # by a score under way or done
        is_done = Signal(window)
        head = Signal(self.params.position_bits)
        self._place(m)
        takes = self.start & self.entry.is_active
        leaves = self.o.valid & self.o.ready
        freed = Mux(leaves, 1 << head, 0)
        m.d.comb += [
            self.has_room.eq(~self.entry.is_active | ~_bit(is_taken, self.place)),
            self.o.valid.eq(_bit(is_done, head)),
        ]
        m.d.sync += [
            is_taken.eq((is_taken | Mux(takes, 1 << self.place, 0)) & ~freed),
            is_done.eq((is_done | Mux(self.write, 1 << self.write_place, 0)) & ~freed),
            head.eq(head + leaves),
        ]
        entry = self.entry
        told = Cat(entry.row, entry.has_score, entry.is_end, entry.is_row_end)
        score = self._keep(m, "score", self.score, self.write, self.write_place, head)
        what = self._keep(m, "told", told, takes, self.place, head)
        m.d.comb += [
            self.o.payload.as_value()[len(score) :].eq(what),
            self.o.payload.score.eq(Mux(self.o.payload.has_score, score, 0)),
        ]
        return m

    def _place(self, m):
        """Positions count from the packet's first: the place of that one is kept."""
        base = Signal(self.params.position_bits)
        next_base = Signal.like(base)  # behind the lane's last position of this packet
        behind = Signal.like(base)
        ends = self.entry.is_active & self.entry.is_end
        m.d.comb += [
            self.place.eq(base + self.entry.position),
            behind.eq(Mux(ends, self.place + 1, next_base)),
        ]
        with m.If(self.start):
            m.d.sync += next_base.eq(behind)
            with m.If(self.is_packet_end):
                m.d.sync += base.eq(behind)

    def _keep(self, m, name, value, enable, address, head):
        """A memory of one word per place; its word at `head`."""
        m.submodules[name] = kept = memory.Memory(
            shape=len(value), depth=self.params.window, init=[]
        )
        write, read = kept.write_port(), kept.read_port(domain="comb")
        m.d.comb += [
            write.addr.eq(address),
            write.data.eq(value),
            write.en.eq(enable),
            read.addr.eq(head),
        ]
        return read.data


class Lane(wiring.Component):
    """One score after the other: a row of Q, which is kept here, times a row of K.

    Parameters
    ----------
    params : LaneParams

    Members
    -------
    entry : In(entry_layout); has_room : Out(1), it may start
    start, is_packet_end : In(1); the entry is taken; with it, the packet's last slot
    query_base : In(query_bits); place of the oldest query row
    chunk : In(chunk_bits); of the slot, from the cycle after ``start`` on
    words : In(banks * key_word_bits); the banks' words of that chunk
    first, last : In(1); of the chunks, ``cost.LANE_TO_FIRST`` and ``LANE_TO_WRITE`` cycles later
    query_write, query_address, query_data : In; a word for the query memory
    o : Out(stream of score_layout); in the order of the positions

    Timing
    ------
    A score may leave ``cost.start_to_score`` cycles after the slot's start.

    Numbers
    -------
    Those of ``DotProduct``.
    """

    def __init__(self, params: LaneParams) -> None:
        self.params = params
        super().__init__(
            {
                "entry": In(entry_layout(params)),
                "has_room": Out(1),
                "start": In(1),
                "is_packet_end": In(1),
                "query_base": In(params.query_bits),
                "chunk": In(params.chunk_bits),
                "words": In(params.banks * params.key_word_bits),
                "first": In(1),
                "last": In(1),
                "query_write": In(1),
                "query_address": In(range(max(2, params.query_words))),
                "query_data": In(params.query_word_bits),
                "o": Out(stream.Signature(score_layout(params))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        p = self.params
        m.submodules.window = window = Shared(ScoreWindow(p))
        m.submodules.dot = dot = Shared(DotProduct(p.dot))
        wiring.connect(m, window.o, wiring.flipped(self.o))
        is_active = Signal()
        bank = Signal(p.bank_bits)
        query = Signal(p.query_bits)
        place = Signal(p.position_bits)
        with m.If(self.start):
            m.d.sync += [
                is_active.eq(self.entry.is_active),
                bank.eq(self.entry.bank),
                query.eq(self.query_base + self.entry.query),
                place.eq(window.place),
            ]
        under_way = Cat(is_active, place)
        for stage in range(3 + p.dot.tree_stages):
            delayed = Signal(len(under_way), name=f"under_way_{stage}", reset_less=stage > 0)
            m.d.sync += delayed.eq(under_way)
            under_way = delayed
        m.d.comb += [
            window.entry.eq(self.entry),
            self.has_room.eq(window.has_room),
            window.start.eq(self.start),
            window.is_packet_end.eq(self.is_packet_end),
            window.score.eq(dot.score),
            window.write.eq(self.last & under_way[0]),
            window.write_place.eq(under_way[1:]),
            dot.first.eq(self.first),
            dot.query.eq(self._query_word(m, query)),
            dot.key.eq(self._key_word(m, bank)),
        ]
        return m

    def _query_word(self, m, query):
        """The query memory's word of this slot and chunk, a cycle later."""
        p = self.params
        m.submodules.queries = queries = memory.Memory(
            shape=p.query_word_bits, depth=max(2, p.query_words), init=[]
        )
        write, read = queries.write_port(), queries.read_port()
        m.d.comb += [
            write.addr.eq(self.query_address),
            write.data.eq(self.query_data),
            write.en.eq(self.query_write),
            read.addr.eq(query_address(p, query, self.chunk)),
        ]
        return read.data

    def _key_word(self, m, bank):
        """The word of the bank that has the row, a cycle later."""
        p = self.params
        choice = BankMuxParams(word_bits=p.key_word_bits, banks=p.banks)
        m.submodules.mux = mux = Shared(BankMux(choice))
        word = Signal(p.key_word_bits, name="key_word", reset_less=True)
        m.d.comb += [mux.words.eq(self.words), mux.select.eq(bank)]
        m.d.sync += word.eq(mux.word)
        return word


def _bit(flags, index):
    """One of some flags, as a choice and not as a shift."""
    return Array(flags)[index]


def query_address(params, query, chunk):
    """Where a chunk of a query row lies; parts that have one place only are left out."""
    parts = [chunk] if params.max_chunks > 1 else []
    parts += [query] if params.query_rows > 1 else []
    return Cat(*parts)
