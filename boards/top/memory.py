"""The memory of a board without a memory controller: RAM blocks behind an AXI4 port."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In
from tilewright.hw.lib.axi import AxiSignature, Response
from tilewright.hw.lib.dma_params import AxiParams
from tilewright.hw.lib.stream import StreamFIFO
from tilewright.hw.lib.stream_params import FIFOParams

from .params import MemoryParams
from .port import LinkPort

__all__ = ["BoardMemory", "axi_params"]


def axi_params(params: MemoryParams) -> AxiParams:
    """The port's widths."""
    return AxiParams(address_bits=params.address_bits, data_bytes=params.data_bytes)


class BoardMemory(wiring.Component):
    """RAM with an AXI4 port for the accelerator and a port for the link, which goes first.

    Parameters
    ----------
    params : MemoryParams.

    Members
    -------
    axi : In(AxiSignature). Full-width incrementing bursts with all strobes set, as the DMA engines
    make them; identifiers are not kept (they use 0).
    link : In(LinkPort) with byte addresses.
    error : Out(1), for one cycle: a burst begins beyond the memory. It is answered with SLVERR.

    Timing
    ------
    AR handshake in t: first beat in t + `cost.MEMORY_LATENCY`, then one per cycle, also over the
    ends of bursts; last W beat in t: BVALID in t + `cost.MEMORY_LATENCY`. `outstanding` bursts of
    each kind. Reads and writes are independent. A word of the link takes a cycle from the channel
    that it needs: acknowledged at once when written, one cycle later when read.

    Numbers
    -------
    A word read in the cycle in which it is written is undefined; a write can be read when it is
    answered. Contents survive a reset.
    """

    def __init__(self, params: MemoryParams) -> None:
        self.params = params
        super().__init__(
            {
                "axi": In(AxiSignature(axi_params(params))),
                "link": In(LinkPort(8 * params.data_bytes)),
                "error": wiring.Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        self.low = (self.params.data_bytes - 1).bit_length()
        words = memory.Memory(shape=8 * self.params.data_bytes, depth=self.params.words, init=[])
        m.submodules.words = words
        self.link_word = self.link.address[self.low :][: self.params.word_address_bits]
        is_read = Signal()
        m.d.sync += is_read.eq(self.link.request & ~self.link.is_write & ~is_read)
        m.d.comb += self.link.acknowledge.eq(is_read | self.link.request & self.link.is_write)
        read_error = self._reads(m, words, is_read)
        write_error = self._writes(m, words)
        m.d.comb += self.error.eq(read_error | write_error)
        return m

    def _bursts(self, m: Module, letter: str) -> StreamFIFO:
        """Accepted bursts: first word, beats - 1, whether it lies beyond the memory."""
        params = self.params
        layout = data.StructLayout({"word": params.word_address_bits, "last": 8, "is_bad": 1})
        fifo = StreamFIFO(FIFOParams(payload=layout, depth=params.outstanding, block=False))
        m.submodules[f"{letter}_bursts"] = fifo
        return fifo

    def _burst(self, m: Module, letter: str, payload: data.View) -> None:
        """What the address channel says now."""
        word = getattr(self.axi, f"a{letter}addr")[self.low :]
        bits = self.params.word_address_bits
        m.d.comb += [
            payload.word.eq(word),
            payload.last.eq(getattr(self.axi, f"a{letter}len")),
            payload.is_bad.eq(word[bits:].any() | (word[:bits] >= self.params.words)),
        ]

    def _reads(self, m: Module, words: memory.Memory, is_link: Signal) -> Signal:
        """The RAM reads the next word in every cycle, again if it could not be taken."""
        axi, read = self.axi, words.read_port()
        bursts = self._bursts(m, "r")
        coming = Signal.like(bursts.i.payload)
        head = Signal.like(bursts.i.payload)
        now = Signal.like(bursts.i.payload)
        is_here, is_taken, is_end, is_loaded = Signal(), Signal(), Signal(), Signal()
        self._burst(m, "r", coming)
        m.d.comb += [
            axi.arready.eq(bursts.i.ready),
            # A burst that finds nobody before it goes on at once.
            bursts.i.payload.eq(coming),
            bursts.i.valid.eq(axi.arvalid & (bursts.o.valid | ~is_loaded)),
            bursts.o.ready.eq(is_loaded),
            head.eq(Mux(bursts.o.valid, bursts.o.payload, coming)),
            is_end.eq(now.last == 0),
            is_taken.eq(is_here & ~is_link & (~axi.rvalid | axi.rready)),
            is_loaded.eq(
                (~is_here | is_taken & is_end) & (bursts.o.valid | axi.arvalid & axi.arready)
            ),
        ]
        following = Signal.like(now.word)
        m.d.comb += following.eq(Mux(is_loaded, head.word, Mux(is_taken, now.word + 1, now.word)))
        is_link_now = self.link.request & ~self.link.is_write & ~is_link
        m.d.comb += [
            read.addr.eq(Mux(is_link_now, self.link_word, following)),
            self.link.read_data.eq(read.data),
        ]
        m.d.sync += now.word.eq(following)
        with m.If(is_loaded):
            m.d.sync += [is_here.eq(1), now.last.eq(head.last), now.is_bad.eq(head.is_bad)]
        with m.Elif(is_taken):
            m.d.sync += [is_here.eq(~is_end), now.last.eq(now.last - 1)]
        with m.If(is_taken):
            m.d.sync += [axi.rdata.eq(read.data), axi.rlast.eq(is_end), axi.rvalid.eq(1)]
            m.d.sync += axi.rresp.eq(Mux(now.is_bad, Response.SLVERR, Response.OKAY))
        with m.Elif(axi.rready):
            m.d.sync += axi.rvalid.eq(0)
        return is_loaded & head.is_bad

    def _writes(self, m: Module, words: memory.Memory) -> Signal:
        axi, write = self.axi, words.write_port()
        bursts = self._bursts(m, "w")
        now = Signal.like(bursts.o.payload)
        is_here, is_taken, is_link = Signal(), Signal(), Signal()
        self._burst(m, "w", bursts.i.payload)
        m.submodules.answers = answers = StreamFIFO(
            FIFOParams(payload=1, depth=self.params.outstanding + 2, block=False)
        )
        # One answer may be on its way into the FIFO.
        has_room = answers.level <= self.params.outstanding
        m.d.comb += [
            axi.awready.eq(bursts.i.ready),
            bursts.i.valid.eq(axi.awvalid),
            is_link.eq(self.link.request & self.link.is_write),
            axi.wready.eq(is_here & ~is_link & has_room),
            is_taken.eq(axi.wvalid & axi.wready),
            bursts.o.ready.eq(~is_here | is_taken & axi.wlast),
            write.addr.eq(Mux(is_link, self.link_word, now.word)),
            write.data.eq(Mux(is_link, self.link.write_data, axi.wdata)),
            write.en.eq(is_link | is_taken & ~now.is_bad),
        ]
        with m.If(bursts.o.ready):
            m.d.sync += [is_here.eq(bursts.o.valid), now.eq(bursts.o.payload)]
        with m.Elif(is_taken):
            m.d.sync += now.word.eq(now.word + 1)
        m.d.sync += [answers.i.valid.eq(is_taken & axi.wlast), answers.i.payload.eq(now.is_bad)]
        m.d.comb += [
            axi.bvalid.eq(answers.o.valid),
            axi.bresp.eq(Mux(answers.o.payload, Response.SLVERR, Response.OKAY)),
            answers.o.ready.eq(axi.bready),
        ]
        return is_taken & axi.wlast & now.is_bad
