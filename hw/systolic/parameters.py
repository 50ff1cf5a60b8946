"""Ring of parameter sets: filled by a stream, read one entry per cycle."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ..lib.pick import pick
from .params import ENTRY_BITS, SystolicParams
from .ports import index_shape


class ParameterRing(wiring.Component):
    """Keeps `param_sets` sets of `cols` entries of 64 bits.

    Parameters
    ----------
    params : SystolicParams

    Members
    -------
    p : In(stream of words of param_word_bits); `words_per_set` words make a set
    ready_sets : Out; complete sets that nobody has claimed
    claim_sets : In; sets claimed in this cycle, at most ready_sets
    read : In(1); starts to read the entries of set ``set``
    set, freed_sets : In; looked at with ``read``. ``freed_sets`` sets become free after it
    entry : Out(64); entry c in cycle t + 1 + c, for ``read`` in cycle t
    load : Out(1); with entry 0
    release : Out(1); ``cols`` cycles after a ``read`` with freed sets, when their room is back

    Timing
    ------
    One word per cycle while there is room. A set counts as ready in the cycle after its last word.
    ``read`` at most every ``cols`` cycles.

    Numbers
    -------
    Entries are passed on as they are.
    """

    def __init__(self, params: SystolicParams) -> None:
        self.params = params
        sets = range(params.param_sets + 1)
        super().__init__(
            {
                "p": In(stream.Signature(params.param_word_bits)),
                "ready_sets": Out(sets),
                "completes_set": Out(1),
                "claim_sets": In(sets),
                "read": In(1),
                "set": In(index_shape(params.param_sets)),
                "freed_sets": In(sets),
                "entry": Out(ENTRY_BITS),
                "load": Out(1),
                "release": Out(1),
            }
        )
        # Words narrower than an entry are joined before they are stored.
        self.words_per_row = max(1, ENTRY_BITS // params.param_word_bits)
        self.rows_per_set = params.words_per_set // self.words_per_row
        self.entries_per_row = max(1, params.param_word_bits // ENTRY_BITS)
        self.num_rows = params.param_sets * self.rows_per_set

    def elaborate(self, platform):
        m = Module()
        p = self.params
        row_bits = max(ENTRY_BITS, p.param_word_bits)
        m.submodules.storage = storage = memory.Memory(  # 2: no address of 0 bits
            shape=row_bits,
            depth=max(2, self.num_rows),
            init=[],
            attrs={"no_rw_check": 1},  # `_read` says why no row is read while it is written
        )
        freed = self._read(m, storage)
        self._fill(m, storage, freed)
        return m

    def _fill(self, m, storage, freed_sets):
        """Stores words; counts free words and complete sets."""
        p = self.params
        write = storage.write_port()
        accepted = self.p.valid & self.p.ready
        num_words = p.param_sets * p.words_per_set
        room_words = Signal(range(num_words + 1), init=num_words)
        freed_words = freed_sets * p.words_per_set
        next_room_words = Signal.like(room_words)
        is_full = Signal()  # a register: the room is compared a step ahead
        m.d.comb += next_room_words.eq(room_words + freed_words - accepted)
        m.d.sync += [room_words.eq(next_room_words), is_full.eq(~next_room_words.any())]
        word_in_set = Signal(index_shape(p.words_per_set))
        is_end_of_set = accepted & (word_in_set == p.words_per_set - 1)
        m.d.sync += self.ready_sets.eq(self.ready_sets + is_end_of_set - self.claim_sets)
        m.d.comb += [
            self.completes_set.eq(is_end_of_set),
            self.p.ready.eq(~is_full),
            write.data.eq(self.p.payload),
            write.en.eq(accepted),
        ]
        with m.If(accepted):
            m.d.sync += word_in_set.eq(Mux(is_end_of_set, 0, word_in_set + 1))
        if self.words_per_row > 1:
            earlier = Signal(ENTRY_BITS - p.param_word_bits, reset_less=True)
            part = Signal(range(self.words_per_row))
            is_end_of_row = part == self.words_per_row - 1
            joined = Cat(earlier, self.p.payload)
            m.d.comb += [write.data.eq(joined), write.en.eq(accepted & is_end_of_row)]
            with m.If(accepted):
                m.d.sync += earlier.eq(joined[p.param_word_bits :])
                m.d.sync += part.eq(Mux(is_end_of_row, 0, part + 1))
        with m.If(write.en):
            is_end = write.addr == self.num_rows - 1
            produce = Signal(index_shape(self.num_rows))
            m.d.sync += produce.eq(Mux(is_end, 0, produce + 1))
            m.d.comb += write.addr.eq(produce)

    def _read(self, m, storage):
        """Reads entries 0..cols-1 of a set; the sets freed by that in this cycle.

        A row is never written in the cycle in which it is read: rows are written while their set
        is free or incomplete and read while it is claimed.
        """
        p = self.params
        read = storage.read_port()
        index = Signal(index_shape(p.cols))  # entry to read next; 0 when idle
        row = Signal(index_shape(self.num_rows))
        lane = Signal(index_shape(self.entries_per_row))
        lane_read = Signal.like(lane)
        freed = Signal.like(self.freed_sets)
        is_reading = self.read | (index != 0)
        is_end = (index == p.cols - 1) & is_reading
        first_row = (self.set * self.rows_per_set)[: len(row)]
        row_now = Mux(self.read, first_row, row)
        lane_now = Mux(self.read, 0, lane)
        is_end_of_row = lane_now == self.entries_per_row - 1
        m.d.comb += [read.addr.eq(row_now), read.en.eq(is_reading)]
        with m.If(is_reading):
            m.d.sync += index.eq(Mux(is_end, 0, index + 1))
            m.d.sync += lane.eq(Mux(is_end_of_row, 0, lane_now + 1))
            m.d.sync += row.eq(row_now + is_end_of_row)
        with m.If(self.read):
            m.d.sync += freed.eq(self.freed_sets)
        freed_now = Mux(is_end, Mux(self.read, self.freed_sets, freed), 0)
        m.d.sync += [
            self.load.eq(self.read),
            lane_read.eq(lane_now),
            self.release.eq(freed_now != 0),
        ]
        entries = [read.data[i : i + ENTRY_BITS] for i in range(0, len(read.data), ENTRY_BITS)]
        m.d.comb += self.entry.eq(pick(entries, lane_read))
        return freed_now
