"""The read DMA: memory to scratchpad or to the parameter stream."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import Out

from .axi import AxiReadSignature, drive_constants
from .dma_burst import BurstSource, burst_layout, connect_source, counts_layout, dma_members
from .dma_params import LoadParams
from .params import Activity
from .scratchpad import WritePort
from .stream import StreamFIFO
from .stream_params import FIFOParams

__all__ = ["LoadDMA"]


def held_word_layout(params: LoadParams) -> data.StructLayout:
    """A word on its way from memory: `counts` are the tokens given once it has left."""
    return data.StructLayout(
        {
            "data": 8 * params.word_bytes,
            "local": params.local_address_bits,
            "is_parameter": 1,
            "counts": counts_layout(params),
        }
    )


class LoadDMA(wiring.Component):
    """Copies strided runs of words from memory to the scratchpad, or to the parameter stream.

    Parameters
    ----------
    params : LoadParams.

    Members
    -------
    those of ``dma_burst.dma_members``: signals are given after a run's last word was written or
        taken from `p`; busy while a command or a word of it is here; error: a response was an
        error, or RLAST came at a wrong beat.
    m_axi : Out(AxiReadSignature).
    write : Out(WritePort), whole words (one mask bit per 8 bits).
    p : Out(stream), the words of commands with `target` 1, whole (only with `has_parameters`).

    Timing
    ------
    Command in t: ARVALID in t + `cost.DMA_COMMAND_TO_ADDRESS`. Token given in t: ARVALID from t +
    `cost.DMA_GIVE_TO_ADDRESS`. Beat that completes a word in t: `write` or `p` valid in t +
    `cost.LOAD_BEAT_TO_WORD`. Word granted in t: signal in t + `cost.LOAD_GRANT_TO_GIVE`. One
    address and one beat per cycle; at most `outstanding` bursts between AR handshake and last beat:
    the next ARVALID comes `cost.LOAD_LAST_TO_ADDRESS` after the last beat that made room. RREADY
    falls only while a complete word cannot leave. Nothing combinational from an AXI input to an
    output.

    Numbers
    -------
    Bits of a memory word from `word_bits` on do not reach the scratchpad; addresses wrap.
    """

    def __init__(self, params: LoadParams):
        self.params = params
        members = dma_members(params)
        members["m_axi"] = Out(AxiReadSignature(params.axi))
        members["write"] = Out(
            WritePort(params.local_address_bits, params.word_bits, params.lane_bits)
        )
        if params.has_parameters:
            members["p"] = Out(stream.Signature(8 * params.word_bytes))
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        params, axi = self.params, self.m_axi
        m.submodules.source = source = BurstSource(params)
        connect_source(m, self, source)
        m.submodules.bursts = bursts = StreamFIFO(
            FIFOParams(payload=burst_layout(params), depth=params.outstanding, block=False)
        )
        drive_constants(m, axi, "r", params.axi)
        m.d.comb += [
            axi.araddr.eq(source.o.payload.address),
            axi.arlen.eq(source.beats_last),
            axi.arvalid.eq(source.o.valid & bursts.i.ready),
            source.o.ready.eq(axi.arready & bursts.i.ready),
            bursts.i.valid.eq(source.o.valid & axi.arready),
            bursts.i.payload.eq(source.o.payload),
        ]
        word = Signal(held_word_layout(params))
        is_held = Signal()
        is_granted = Signal()
        is_complete = Signal()
        is_free = Signal()  # no word is held, or it leaves
        m.d.comb += [
            is_free.eq(~is_held | is_granted),
            axi.rready.eq(bursts.o.valid & is_free),
        ]
        self._beats(m, bursts, word, is_complete, is_free)
        m.d.sync += is_held.eq(is_complete | (is_held & ~is_granted))
        self._deliver(m, word, is_held, is_granted)
        m.d.comb += self.busy.eq(source.busy | bursts.o.valid | is_held)
        self._activity(m, source, bursts, word, is_held & ~is_granted)
        return m

    def _beats(
        self, m: Module, bursts: StreamFIFO, word: Value, is_complete: Signal, is_free: Value
    ) -> None:
        """Collect beats to words, the first beat lowest.

        A word of one beat may be overwritten whenever none is held: valid data are not waited for.
        """
        params, axi, burst = self.params, self.m_axi, bursts.o.payload
        transfer = Signal()
        is_word_end = Signal()
        is_burst_end = Signal()
        index = Signal(params.burst_last_bits)
        beat = Signal(range(max(2, params.beats_per_word)))
        m.d.comb += [
            transfer.eq(axi.rvalid & axi.rready),
            is_word_end.eq(beat == params.beats_per_word - 1),
            is_burst_end.eq(is_word_end & (index == burst.last)),
            is_complete.eq(transfer & is_word_end),
            bursts.o.ready.eq(transfer & is_burst_end),
        ]
        takes_beat, takes_word = transfer, is_complete
        if params.beats_per_word == 1:
            takes_beat = takes_word = is_free
        with m.If(takes_beat):
            m.d.sync += word.data.eq(Cat(word.data, axi.rdata)[-len(word.data) :])
        with m.If(takes_word):
            m.d.sync += word.local.eq(burst.local + index)
            if params.has_parameters:
                m.d.sync += word.is_parameter.eq(burst.target)
            for i in range(params.num_signals):
                m.d.sync += word.counts[i].eq(Mux(is_burst_end, burst.counts[i], 0))
        with m.If(transfer):
            m.d.sync += beat.eq(Mux(is_word_end, 0, beat + 1))
        with m.If(is_complete):
            m.d.sync += index.eq(Mux(is_burst_end, 0, index + 1))
        with m.If(self.clear):
            m.d.sync += self.error.eq(0)
        with m.Elif(transfer & (axi.rresp[1] | (axi.rlast != is_burst_end))):
            m.d.sync += self.error.eq(1)

    def _deliver(self, m: Module, word: Value, is_held: Value, is_granted: Signal) -> None:
        """Hand a complete word to its target, then give its signals."""
        params = self.params
        m.d.comb += [
            self.write.address.eq(word.local),
            self.write.data.eq(word.data[: params.word_bits]),
            self.write.mask.eq(~0),
        ]
        if params.has_parameters:
            m.d.comb += [
                self.p.payload.eq(word.data),
                self.p.valid.eq(is_held & word.is_parameter),
                self.write.valid.eq(is_held & ~word.is_parameter),
                is_granted.eq(is_held & Mux(word.is_parameter, self.p.ready, self.write.ready)),
            ]
        else:
            m.d.comb += [self.write.valid.eq(is_held), is_granted.eq(is_held & self.write.ready)]
        for i in range(params.num_signals):
            m.d.sync += self.signals[i].give.eq(Mux(is_granted, word.counts[i], 0))

    def _activity(
        self, m: Module, source: BurstSource, bursts: StreamFIFO, word: Value, is_blocked: Value
    ) -> None:
        """The first that holds."""
        with m.If(is_blocked):
            target = word.is_parameter if self.params.has_parameters else 0
            blocked = Mux(target, Activity.WAIT_OUTPUT, Activity.BANK_CONFLICT)
            m.d.comb += self.activity.eq(blocked)
        with m.Elif(self.m_axi.rvalid & self.m_axi.rready):
            m.d.comb += self.activity.eq(Activity.BUSY)
        with m.Elif(bursts.o.valid):
            m.d.comb += self.activity.eq(Activity.WAIT_INPUT)
        with m.Elif(source.wait_token):
            m.d.comb += self.activity.eq(Activity.WAIT_TOKEN)
        with m.Elif(self.m_axi.arvalid & ~self.m_axi.arready):
            m.d.comb += self.activity.eq(Activity.WAIT_INPUT)
        with m.Elif(self.busy):
            m.d.comb += self.activity.eq(Activity.BUSY)
