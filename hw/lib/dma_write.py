"""The write DMA: scratchpad to memory."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from .axi import AxiWriteSignature, drive_constants
from .dma_burst import BurstSource, burst_layout, connect_source, counts_layout, dma_members
from .dma_params import StoreParams
from .params import Activity
from .scratchpad import ReadPort
from .stream import StreamFIFO
from .stream_params import FIFOParams

__all__ = ["StoreDMA"]


class StoreDMA(wiring.Component):
    """Copies strided runs of words from the scratchpad to memory.

    Parameters
    ----------
    params : StoreParams.

    Members
    -------
    those of ``dma_burst.dma_members``: signals of kind `read` are given after a run's last word has
        left the scratchpad, of kind `response` after memory has answered the run's last burst, and
        with it all earlier ones; busy while a command is here, or memory has not answered every
        burst; error: a response was an error.
    m_axi : Out(AxiWriteSignature).
    read : Out(ReadPort).

    Timing
    ------
    Command in t: AWVALID in t + `cost.DMA_COMMAND_TO_ADDRESS`. Token given in t: AWVALID from t +
    `cost.DMA_GIVE_TO_ADDRESS`. AW handshake in t: request for the burst's first word in t +
    `cost.STORE_ADDRESS_TO_REQUEST`. Request granted in t: WVALID in t +
    `cost.store_grant_to_beat(read_latency)`, signal of kind `read` in t +
    `cost.STORE_GRANT_TO_GIVE`. B handshake in t: signal of kind `response` and end of `busy` in t +
    `cost.STORE_RESPONSE_TO_GIVE`. One address, one request, one beat per cycle with
    credits >= `cost.store_full_rate_credits(read_latency)`; at most `outstanding` bursts between AW
    and B handshake. W never comes before its AW. BREADY is always high. Nothing combinational from
    an AXI input to an output.

    Numbers
    -------
    Bits of a memory word from `word_bits` on are written as 0; addresses wrap.
    """

    def __init__(self, params: StoreParams):
        self.params = params
        members = dma_members(params)
        members["m_axi"] = Out(AxiWriteSignature(params.axi))
        members["read"] = Out(ReadPort(params.local_address_bits, params.word_bits))
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        params, axi = self.params, self.m_axi
        m.submodules.source = source = BurstSource(params)
        connect_source(m, self, source)
        m.submodules.bursts = bursts = self._fifo(burst_layout(params), params.outstanding)
        m.submodules.unanswered = unanswered = self._fifo(counts_layout(params), params.outstanding)
        # A burst in `bursts` is also in `unanswered`, so that room there is room in both.
        has_room = unanswered.i.ready
        drive_constants(m, axi, "w", params.axi)
        m.d.comb += [
            axi.awaddr.eq(source.o.payload.address),
            axi.awlen.eq(source.beats_last),
            axi.awvalid.eq(source.o.valid & has_room),
            source.o.ready.eq(axi.awready & has_room),
            bursts.i.payload.eq(source.o.payload),
            bursts.i.valid.eq(axi.awvalid & axi.awready),
            unanswered.i.payload.eq(source.o.payload.counts),
            unanswered.i.valid.eq(axi.awvalid & axi.awready),
        ]
        m.submodules.words = words = self._fifo(
            params.word_bits, params.credits, has_bypass=params.has_ram_words
        )
        # Whether each requested word ends its burst; it stays here as long as its credit is out.
        m.submodules.ends = ends = self._fifo(1, params.credits)
        self._requests(m, bursts, ends)
        self._beats(m, words, ends)
        self._responses(m, unanswered)
        m.d.comb += self.busy.eq(source.busy | unanswered.o.valid)
        self._activity(m, source, ends)
        return m

    def _fifo(self, payload: object, depth: int, *, has_bypass: bool = False) -> StreamFIFO:
        params = FIFOParams(payload=payload, depth=depth, block=False, has_bypass=has_bypass)
        return StreamFIFO(params)

    def _requests(self, m: Module, bursts: StreamFIFO, ends: StreamFIFO) -> None:
        """Ask for a burst's words; an entry of `ends` is the credit of a word.

        Address and rest of the burst are registers: the grant takes its time in this cycle.
        """
        has_burst = Signal()
        address = Signal(self.params.local_address_bits)
        left = Signal(self.params.burst_last_bits)  # words after this one
        counts = Signal.like(bursts.o.payload.counts, name="burst_counts")
        is_granted = Signal()
        is_burst_end = Signal()
        m.d.comb += [
            self.read.valid.eq(has_burst & ends.i.ready),
            self.read.address.eq(address),
            is_granted.eq(self.read.valid & self.read.ready),
            is_burst_end.eq(~left.any()),
            bursts.o.ready.eq(~has_burst | (is_granted & is_burst_end)),
            ends.i.valid.eq(is_granted),
            ends.i.payload.eq(is_burst_end),
        ]
        with m.If(bursts.o.ready):
            m.d.sync += [
                has_burst.eq(bursts.o.valid),
                address.eq(bursts.o.payload.local),
                left.eq(bursts.o.payload.last),
                counts.eq(bursts.o.payload.counts),
            ]
        with m.Elif(is_granted):
            m.d.sync += [address.eq(address + 1), left.eq(left - 1)]
        self._give(m, "read", is_granted & is_burst_end, counts)

    def _beats(self, m: Module, words: StreamFIFO, ends: StreamFIFO) -> None:
        """Send a word's beats, the lowest first."""
        params, axi = self.params, self.m_axi
        beat = Signal(range(max(2, params.beats_per_word)))
        is_word_end = Signal()
        m.d.comb += [
            words.i.valid.eq(self.read.response_valid),
            words.i.payload.eq(self.read.response_data),
            is_word_end.eq(beat == params.beats_per_word - 1),
            axi.wvalid.eq(words.o.valid),
            axi.wdata.eq(words.o.payload >> (beat * len(axi.wdata))),
            axi.wstrb.eq(~0),
            axi.wlast.eq(is_word_end & ends.o.payload),
            words.o.ready.eq(axi.wready & is_word_end),
            ends.o.ready.eq(words.o.valid & axi.wready & is_word_end),
        ]
        with m.If(axi.wvalid & axi.wready):
            m.d.sync += beat.eq(Mux(is_word_end, 0, beat + 1))

    def _responses(self, m: Module, unanswered: StreamFIFO) -> None:
        m.d.comb += [self.m_axi.bready.eq(1), unanswered.o.ready.eq(self.m_axi.bvalid)]
        self._give(m, "response", self.m_axi.bvalid, unanswered.o.payload)
        with m.If(self.clear):
            m.d.sync += self.error.eq(0)
        with m.Elif(self.m_axi.bvalid & self.m_axi.bresp[1]):
            m.d.sync += self.error.eq(1)

    def _give(self, m: Module, kind: str, is_now: Value, counts: Value) -> None:
        for i, signal_kind in enumerate(self.params.signal_kinds):
            if signal_kind == kind:
                m.d.sync += self.signals[i].give.eq(Mux(is_now, counts[i], 0))

    def _activity(self, m: Module, source: BurstSource, ends: StreamFIFO) -> None:
        """The first that holds."""
        axi = self.m_axi
        with m.If(axi.wvalid):
            m.d.comb += self.activity.eq(Mux(axi.wready, Activity.BUSY, Activity.WAIT_OUTPUT))
        with m.Elif(self.read.valid & ~self.read.ready):
            m.d.comb += self.activity.eq(Activity.BANK_CONFLICT)
        with m.Elif(axi.awvalid & ~axi.awready):
            m.d.comb += self.activity.eq(Activity.WAIT_OUTPUT)
        with m.Elif(source.wait_token):
            m.d.comb += self.activity.eq(Activity.WAIT_TOKEN)
        with m.Elif(source.busy | self.read.valid | ends.o.valid):
            m.d.comb += self.activity.eq(Activity.BUSY)
        with m.Elif(self.busy):
            m.d.comb += self.activity.eq(Activity.WAIT_OUTPUT)
