"""Runs of a DMA command become bursts."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .dma_params import DmaParams
from .layout import command_layout
from .loops import LoopNest, buffered
from .params import ACTIVITY_BITS
from .tokens import SignalPort, WaitPort

__all__ = [
    "BurstSource",
    "burst_layout",
    "connect_source",
    "counts_layout",
    "dma_members",
]


def counts_layout(params: DmaParams) -> data.ArrayLayout:
    """Tokens per signal port; at least one entry, because a memory needs some width."""
    return data.ArrayLayout(params.token_bits, max(1, params.count_signals()))


def burst_layout(params: DmaParams) -> data.StructLayout:
    """One burst: byte `address`, `last` = words - 1, `local` address of its first word, `target`,
    and per signal port the tokens that the burst's end gives (0 but for the last of a run)."""
    members = {
        "address": params.axi.address_bits,
        "last": params.burst_last_bits,
        "local": params.local_address_bits,
        "target": 1 if params.has_target else 0,
        "counts": counts_layout(params),
    }
    return data.StructLayout(members)


def dma_members(params: DmaParams) -> dict[str, wiring.Member]:
    """The members that both DMA engines have.

    command : In(stream) of `params.command_format`. base : In, byte address of memory word 0, a
        multiple of `word_bytes` (lower bits are ignored), constant while busy.
    waits : Out(WaitPort).array, taken before a run's first address is given; signals :
        Out(SignalPort).array (each not there when there are none).
    busy : Out(1), something of a command is here. activity : Out(Activity).
    error : Out(1), sticky: memory answered wrongly. clear : In(1), resets it.
    """
    bits = params.token_bits
    members = {
        "command": In(stream.Signature(command_layout(params.command_format))),
        "base": In(params.axi.address_bits),
        "busy": Out(1),
        "activity": Out(ACTIVITY_BITS),
        "error": Out(1),
        "clear": In(1),
    }
    if params.num_waits:
        members["waits"] = Out(WaitPort(bits)).array(params.num_waits)
    if params.count_signals():
        members["signals"] = Out(SignalPort(bits)).array(params.count_signals())
    return members


class BurstSource(wiring.Component):
    """Walks the runs of DMA commands, waits for tokens before each, and cuts them into bursts.

    A burst ends at the end of the run, at a 4 KiB boundary of memory, or after `burst_words` words.

    Parameters
    ----------
    params : LoadParams or StoreParams.

    Members
    -------
    command : In(stream) of `params.command_format`. base : In, byte address of word 0.
    waits : Out(WaitPort).array (not there when there are none).
    o : Out(stream) of `burst_layout`. beats_last : Out, AxLEN that belongs to it.
    wait_token : Out(1), a run is held back by tokens alone. busy : Out(1), something is held.

    Timing
    ------
    Command in t: first burst in t + `cost.DMA_COMMAND_TO_ADDRESS`. Token given in t: burst from t +
    `cost.DMA_GIVE_TO_ADDRESS`. One burst per cycle, also over the ends of runs and commands. `o`
    comes from registers; `command.ready` and the tokens taken depend on `o.ready`.

    Numbers
    -------
    Word addresses wrap modulo 2**memory_address_bits before `base` is added.
    """

    def __init__(self, params: DmaParams) -> None:
        self.params = params
        members = dma_members(params)
        for name in ("activity", "error", "clear", "signals"):
            members.pop(name, None)
        super().__init__(
            members
            | {
                "o": Out(stream.Signature(burst_layout(params))),
                "beats_last": Out(8),
                "wait_token": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.loops = loops = LoopNest(self.params.loop_params)
        wiring.connect(m, wiring.flipped(self.command), loops.command)
        runs, is_waiting, _ = buffered(m, loops, self._run(loops))
        has_tokens = Signal()
        load = Signal()
        is_last_burst = Signal()
        can_load = runs.valid & (~self.o.valid | (self.o.ready & is_last_burst))
        m.d.comb += [
            load.eq(can_load & has_tokens),
            runs.ready.eq(load),
            self.wait_token.eq(can_load & ~has_tokens),
            self.busy.eq(is_waiting | self.o.valid),
        ]
        self._tokens(m, runs.payload, load, has_tokens)
        self._cut(m, runs.payload, load, is_last_burst)
        return m

    def _run(self, loops: LoopNest) -> dict[str, Value]:
        """What is kept of a run: addresses, words - 1, room in its first page and burst, target,
        tokens that it needs and gives.
        """
        page_bits = max(1, self.params.page_words.bit_length() - 1)
        address = self.base[self.params.word_bytes_log2 :] + loops.memory_address
        page = ~address[:page_bits] if self.params.page_words > 1 else Const(0, 1)
        run = {
            "page": page,
            "limit": self._limit(page),
            "memory_address": loops.memory_address,
            "local_address": loops.local_address,
            "run_last": loops.current.run_last,
        }
        if self.params.has_target:
            run["target"] = loops.current.target
        for i in range(self.params.num_waits):
            run[f"needed_{i}"] = loops.tokens_at(loops.at_start, f"wait{i}")
        for i in range(self.params.count_signals()):
            run[f"given_{i}"] = loops.tokens_at(loops.at_end, f"signal{i}")
        return run

    def _tokens(self, m: Module, run: data.View, load: Value, has_tokens: Signal) -> None:
        enough = []
        for i in range(self.params.num_waits):
            port, needed = self.waits[i], run[f"needed_{i}"]
            enough.append(port.available >= needed)
            m.d.comb += port.take.eq(Mux(load, needed, 0))
        m.d.comb += has_tokens.eq(Cat(enough).all())

    def _cut(self, m: Module, run: data.View, load: Value, is_last_burst: Signal) -> None:
        """The bursts of a run. What a burst may hold is known a burst ahead: `left` words - 1 of
        the run behind this one, `page` and `limit` (see `_limit`) of the next.
        """
        params, burst = self.params, self.o.payload
        low = params.word_bytes_log2
        word = Signal(params.axi.address_bits - low)
        left = Signal(params.run_bits)
        page = Signal.like(run.page)
        limit = Signal.like(run.limit)
        counts = Signal.like(burst.counts)
        continues = Signal()  # the run has more bursts, so that none is loaded
        beats = Const((1 << params.beats_per_word_log2) - 1, params.beats_per_word_log2)
        m.d.comb += [
            continues.eq(self.o.valid & ~is_last_burst),
            burst.address.eq(Cat(Const(0, low), word)),
            self.beats_last.eq(Cat(beats, burst.last)),
        ]
        for i in range(params.count_signals()):
            m.d.comb += burst.counts[i].eq(Mux(is_last_burst, counts[i], 0))
        first_word = self.base[low:] + run.memory_address
        run_last = Mux(continues, left, run.run_last)
        this_limit = Mux(continues, limit, run.limit)
        next_page = (Mux(continues, page, run.page) - this_limit - 1)[: len(page)]
        is_end = run_last <= this_limit
        m.d.sync += self.o.valid.eq(load | (self.o.valid & ~(self.o.ready & is_last_burst)))
        with m.If(Mux(continues, self.o.ready, load)):
            m.d.sync += [
                word.eq(Mux(continues, word + burst.last + 1, first_word)),
                burst.local.eq(Mux(continues, burst.local + burst.last + 1, run.local_address)),
                burst.last.eq(Mux(is_end, run_last, this_limit)),
                is_last_burst.eq(is_end),
                left.eq(run_last - this_limit - 1),
                page.eq(next_page),
                limit.eq(self._limit(next_page)),
            ]
        with m.If(load):
            if params.has_target:
                m.d.sync += burst.target.eq(run.target)
            for i in range(params.count_signals()):
                m.d.sync += counts[i].eq(run[f"given_{i}"])

    def _limit(self, page: Value) -> Value:
        """Words - 1 that a burst holds at most, if its page ends `page` words behind its first."""
        longest = Const(self.params.burst_words - 1, self.params.burst_last_bits)
        return Mux(page < longest, page, longest)[: len(longest)]


def connect_source(m: Module, dma: wiring.Component, source: BurstSource) -> None:
    """Connect what a DMA engine hands through to its burst source."""
    wiring.connect(m, wiring.flipped(dma.command), source.command)
    m.d.comb += source.base.eq(dma.base)
    for i in range(dma.params.num_waits):
        wiring.connect(m, source.waits[i], wiring.flipped(dma.waits[i]))
