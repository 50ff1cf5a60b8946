"""Starts the slots of the schedule and counts out their cycles; rows of Q as they come and go."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..lib.layout import equals
from .lane import query_address
from .params import SddmmParams
from .ports import query_layout, slot_layout


class QueryLoader(wiring.Component):
    """Writes rows of Q into the lanes' memories and counts those that wait and those that fit.

    Parameters
    ----------
    params : SddmmParams

    Members
    -------
    i : In(stream of query_layout)
    waiting : Out(range(query_rows + 1)); complete rows that no slot has taken
    taken, freed : In(count_bits); rows that a slot takes, rows that are not needed any more
    write : Out(1), address : Out; a word is written now, of ``i.payload``

    Timing
    ------
    A word per cycle; a row is ``waiting`` in the cycle after its last word, room counts from the
    cycle after ``freed``.

    Numbers
    -------
    None.
    """

    def __init__(self, params: SddmmParams) -> None:
        self.params = params
        super().__init__(
            {
                "i": In(stream.Signature(query_layout(params))),
                "waiting": Out(params.count_bits),
                "taken": In(params.count_bits),
                "freed": In(params.count_bits),
                "write": Out(1),
                "address": Out(range(max(2, params.lane_params.query_words))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        lane = self.params.lane_params
        room = Signal(self.params.count_bits, init=self.params.query_rows)
        row = Signal(lane.query_bits)
        chunk = Signal(lane.chunk_bits)
        is_complete = self.write & self.i.payload.last
        m.d.comb += [
            self.i.ready.eq(room.any()),
            self.write.eq(self.i.valid & self.i.ready),
            self.address.eq(query_address(lane, row, chunk)),
        ]
        m.d.sync += [
            room.eq(room + self.freed - is_complete),
            self.waiting.eq(self.waiting + is_complete - self.taken),
            row.eq(row + is_complete),
        ]
        with m.If(self.write):
            m.d.sync += chunk.eq(Mux(self.i.payload.last, 0, chunk + 1))
        return m


class Issue(wiring.Component):
    """Starts a slot when its rows are there and the lanes have room, and says what each cycle does.

    Parameters
    ----------
    params : SddmmParams

    Members
    -------
    i : In(stream of slot_layout)
    has_keys, has_room : In(1); K is loaded; every lane has room for this slot
    waiting : In(count_bits); query rows that have come
    start : Out(1); the slot of ``i`` is taken: the lanes capture their entries
    taken, freed : Out(count_bits); query rows
    query_base : Out(query_bits); place of the oldest query row
    addresses : Out(ArrayLayout(address_bits, banks)), read : Out(1); banks are read in this cycle
    free_keys : Out(1); K is not read after this cycle
    chunk : Out(chunk_bits); of the slot that started, from the next cycle on
    first, last : Out(1); that chunk is the first, the last

    Timing
    ------
    A slot takes as many cycles as it has chunks, and the next follows without a pause. The first
    chunk is read in the cycle of ``start``; ``chunk``, ``first`` and ``last`` are a cycle later.

    Numbers
    -------
    None.
    """

    def __init__(self, params: SddmmParams) -> None:
        self.params = params
        store, lane = params.store_params, params.lane_params
        super().__init__(
            {
                "i": In(stream.Signature(slot_layout(params))),
                "has_keys": In(1),
                "has_room": In(1),
                "waiting": In(params.count_bits),
                "start": Out(1),
                "taken": Out(params.count_bits),
                "freed": Out(params.count_bits),
                "query_base": Out(lane.query_bits),
                "addresses": Out(data.ArrayLayout(store.address_bits, store.banks)),
                "read": Out(1),
                "free_keys": Out(1),
                "chunk": Out(lane.chunk_bits),
                "first": Out(1),
                "last": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        slot = self.i.payload
        is_busy = Signal()
        last_chunk = Signal.like(self.chunk)
        frees = Signal(self.params.count_bits)
        may_start = ~is_busy | self.last
        has_rows = self.has_keys & (self.waiting >= slot.takes)
        m.d.comb += [
            self.start.eq(self.i.valid & may_start & has_rows & self.has_room),
            self.i.ready.eq(self.start),
            self.taken.eq(Mux(self.start, slot.takes, 0)),
            self.first.eq(is_busy & equals(self.chunk, 0)),
            self.last.eq(is_busy & (self.chunk == last_chunk)),
            self.freed.eq(Mux(self.last, frees, 0)),
        ]
        m.d.sync += self.chunk.eq(self.chunk + 1)
        with m.If(self.last):
            m.d.sync += is_busy.eq(0)
        with m.If(self.start):
            m.d.sync += [
                is_busy.eq(1),
                self.chunk.eq(0),
                last_chunk.eq(slot.last_chunk),
                frees.eq(slot.frees),
                self.query_base.eq(self.query_base + slot.frees),
            ]
        self._read(m, is_busy, last_chunk)
        return m

    def _read(self, m, is_busy, last_chunk):
        """The first chunk is read at the start, the others from the addresses that follow."""
        slot = self.i.payload
        frees_keys = Signal()
        ends = Mux(self.start, equals(slot.last_chunk, 0), self.chunk + 1 == last_chunk)
        with m.If(self.start):
            m.d.sync += frees_keys.eq(slot.frees_keys)
        goes_on = is_busy & ~self.last
        m.d.comb += [
            self.read.eq(self.start | goes_on),
            self.free_keys.eq(self.read & ends & Mux(self.start, slot.frees_keys, frees_keys)),
        ]
        for bank in range(self.params.banks):
            following = Signal(self.params.store_params.address_bits, name=f"following_{bank}")
            address = self.addresses[bank]
            m.d.comb += address.eq(Mux(goes_on, following, slot[f"address_{bank}"]))
            m.d.sync += following.eq(address + 1)
