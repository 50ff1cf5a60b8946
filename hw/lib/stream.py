"""Stream parts: buffers, FIFO, fork and join."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from .layout import equals
from .stream_params import BranchParams, FIFOParams, StreamParams

__all__ = [
    "Fork",
    "Join",
    "SkidBuffer",
    "StreamBuffer",
    "StreamFIFO",
]


class StreamBuffer(wiring.Component):
    """Registers `valid` and `payload`.

    Parameters
    ----------
    params : StreamParams.

    Members
    -------
    i : In(stream). o : Out(stream).

    Timing
    ------
    Latency `cost.STREAM_BUFFER`, one transfer per cycle; `i.ready` depends on `o.ready`.
    """

    def __init__(self, params: StreamParams):
        self.params = params
        signature = stream.Signature(params.payload)
        super().__init__({"i": In(signature), "o": Out(signature)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.i.ready.eq(~self.o.valid | self.o.ready)
        with m.If(self.i.ready):
            m.d.sync += self.o.valid.eq(self.i.valid)
            with m.If(self.i.valid):
                m.d.sync += self.o.payload.eq(self.i.payload)
        return m


class SkidBuffer(wiring.Component):
    """Registers `ready`; a word that comes too late for the stall is kept.

    Parameters
    ----------
    params : StreamParams.

    Members
    -------
    i : In(stream). o : Out(stream).

    Timing
    ------
    Latency `cost.SKID_BUFFER` (combinational from `i` to `o`), one transfer per cycle.
    """

    def __init__(self, params: StreamParams):
        self.params = params
        signature = stream.Signature(params.payload)
        super().__init__({"i": In(signature), "o": Out(signature)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        is_kept = Signal()
        kept = Signal(self.params.payload)
        m.d.comb += [
            self.i.ready.eq(~is_kept),
            self.o.valid.eq(self.i.valid | is_kept),
            self.o.payload.eq(Mux(is_kept, kept, self.i.payload)),
        ]
        m.d.sync += is_kept.eq(self.o.valid & ~self.o.ready)
        with m.If(~is_kept):
            m.d.sync += kept.eq(self.i.payload)
        return m


class StreamFIFO(wiring.Component):
    """First in, first out.

    Parameters
    ----------
    params : FIFOParams, `depth` >= 1.

    Members
    -------
    i : In(stream). o : Out(stream). level : Out, entries inside.

    Timing
    ------
    Latency `cost.fifo_latency(params)`: 1 from registers, LUT memory or with a bypass, 2 from a
    block memory. One transfer per cycle (depth 1: every second cycle). `i.ready` comes from
    registers only.
    """

    def __init__(self, params: FIFOParams):
        self.params = params
        signature = stream.Signature(params.payload)
        super().__init__(
            {"i": In(signature), "o": Out(signature), "level": Out(range(params.depth + 1))}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        depth = self.params.depth
        put = Signal()
        get = Signal()
        m.submodules.entries = entries = memory.Memory(
            shape=self.params.payload,
            depth=max(2, depth),
            init=[],
            # Entries of earlier cycles are read, entries that were read in earlier ones written.
            attrs=({"no_rw_check": 1} if self.params.uses_block else {})
            | ({"ram_style": "block"} if self.params.has_bypass else {}),
        )
        write = entries.write_port()
        is_full = Signal()
        m.d.comb += [
            self.i.ready.eq(~is_full),
            put.eq(self.i.valid & self.i.ready),
            get.eq(self.o.valid & self.o.ready),
            write.en.eq(put),
            write.data.eq(self.i.payload),
        ]
        # Whether it is full, or empty, is a register: the level is compared a step ahead.
        m.d.sync += [
            self.level.eq(self.level + put - get),
            is_full.eq(~get & (is_full | (put & equals(self.level, depth - 1)))),
        ]
        self._step(m, put, write.addr)
        if self.params.uses_block and not self.params.has_bypass:
            self._read_block(m, entries, put)
        else:
            m.d.sync += self.o.valid.eq(put | (self.o.valid & ~(get & (self.level == 1))))
            if self.params.has_bypass:
                self._read_around(m, entries, put, get, write.addr)
            else:
                read = entries.read_port(domain="comb")
                m.d.comb += self.o.payload.eq(read.data)
                self._step(m, get, read.addr)
        return m

    def _read_around(
        self, m: Module, entries: memory.Memory, put: Signal, get: Signal, written: Signal
    ) -> None:
        """The memory reads the entry that is at the front in the next cycle; one that is written
        only now is kept beside it."""
        read = entries.read_port()
        front = Signal.like(read.addr)
        newest = Signal(self.params.payload)
        is_newest = Signal()
        following = Mux(front == self.params.depth - 1, 0, front + 1)
        m.d.comb += [
            read.addr.eq(Mux(get, following, front)),
            self.o.payload.eq(Mux(is_newest, newest, read.data)),
        ]
        m.d.sync += [
            front.eq(read.addr),
            newest.eq(self.i.payload),
            is_newest.eq(put & (written == read.addr)),
        ]

    def _read_block(self, m: Module, entries: memory.Memory, put: Signal) -> None:
        """The memory's output register is the last entry; `stored` are those behind it."""
        stored = Signal.like(self.level)
        fetch = Signal()
        read = entries.read_port()
        m.d.comb += [
            fetch.eq((stored != 0) & (~self.o.valid | self.o.ready)),
            read.en.eq(fetch),
            self.o.payload.eq(read.data),
        ]
        m.d.sync += stored.eq(stored + put - fetch)
        with m.If(~self.o.valid | self.o.ready):
            m.d.sync += self.o.valid.eq(fetch)
        self._step(m, fetch, read.addr)

    def _step(self, m: Module, enable: Signal, address: Signal) -> None:
        """A pointer that drives `address` and wraps at `depth`."""
        pointer = Signal.like(address)
        m.d.comb += address.eq(pointer)
        with m.If(enable):
            m.d.sync += pointer.eq(Mux(pointer == self.params.depth - 1, 0, pointer + 1))


class Fork(wiring.Component):
    """Sends each word to `num` streams, to each as soon as it is ready.

    Parameters
    ----------
    params : BranchParams.

    Members
    -------
    i : In(stream). o : Out(stream).array(num).

    Timing
    ------
    Latency `cost.FORK` (combinational), one transfer per cycle; a word is taken when the slowest
    has it.
    """

    def __init__(self, params: BranchParams):
        self.params = params
        signature = stream.Signature(params.payload)
        super().__init__({"i": In(signature), "o": Out(signature).array(params.num)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        is_sent = Signal(self.params.num)
        got = Cat(is_sent[n] | o.ready for n, o in enumerate(self.o))
        m.d.comb += self.i.ready.eq(got.all())
        for n, o in enumerate(self.o):
            m.d.comb += [o.valid.eq(self.i.valid & ~is_sent[n]), o.payload.eq(self.i.payload)]
        with m.If(self.i.valid):
            m.d.sync += is_sent.eq(Mux(self.i.ready, 0, got))
        return m


class Join(wiring.Component):
    """One word from each of `num` streams becomes one array of words.

    Parameters
    ----------
    params : BranchParams.

    Members
    -------
    i : In(stream).array(num). o : Out(stream of ArrayLayout(payload, num)).

    Timing
    ------
    Latency `cost.JOIN` (combinational), one transfer per cycle; the `ready`s depend on the other
    inputs' `valid`.
    """

    def __init__(self, params: BranchParams):
        self.params = params
        joined = data.ArrayLayout(params.payload, params.num)
        super().__init__(
            {
                "i": In(stream.Signature(params.payload)).array(params.num),
                "o": Out(stream.Signature(joined)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.o.valid.eq(Cat(i.valid for i in self.i).all())
        for n, i in enumerate(self.i):
            m.d.comb += [
                self.o.payload[n].eq(i.payload),
                i.ready.eq(self.o.valid & self.o.ready),
            ]
        return m
