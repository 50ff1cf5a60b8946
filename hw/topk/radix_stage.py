"""One digit pass of radix_select: counts a packet's candidates while its words wait."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..lib.stream import StreamFIFO
from ..lib.stream_params import FIFOParams
from .radix_count import FineCounters, SuffixCounters
from .radix_decide import Decider, decision_layout
from .radix_params import DECISIONS, DigitParams


def stage_layout(params: DigitParams, *, is_input: bool) -> data.StructLayout:
    """A word before or after a pass: keys, those taken for sure, candidates, and of the packet
    `target`, the candidates to take. `is_settled`: it has no candidates, in any of its words.
    """
    key_bits = params.key_bits if is_input else params.passed_bits
    taken = {"taken": params.lanes} if params.has_taken or not is_input else {}
    return data.StructLayout(
        {
            "keys": data.ArrayLayout(key_bits, params.lanes),
            **taken,
            "candidates": params.lanes,
            "target": params.target_bits,
            "is_settled": 1,
            "last": 1,
        }
    )


class DigitStage(wiring.Component):
    """Splits the candidates of each packet at one digit: taken, still candidates, dropped.

    Words wait in a buffer until the packet's decision is made: after its last word, or after its
    first if it is settled already.

    Parameters
    ----------
    params : DigitParams

    Members
    -------
    i : In(stream of stage_layout(params, is_input=True))
    o : Out(stream of stage_layout(params, is_input=False)); as many words

    Timing
    ------
    One word per cycle; the law is ``radix_cost``. ``i.ready`` and ``o.valid`` come from registers
    only. After a reset the memories are swept before the first word is taken.

    Numbers
    -------
    Exact for packets of at most ``max_words`` words.
    """

    def __init__(self, params: DigitParams) -> None:
        self.params = params
        super().__init__(
            {
                "i": In(stream.Signature(stage_layout(params, is_input=True))),
                "o": Out(stream.Signature(stage_layout(params, is_input=False))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        p = self.params
        word = data.StructLayout(
            {name: f.shape for name, f in self.i.payload.shape() if name not in _PER_PACKET}
        )
        m.submodules.buffer = buffer = StreamFIFO(
            FIFOParams(payload=word, depth=p.buffer_depth, block=p.buffer.uses_block)
        )
        m.submodules.decider = decider = Decider(p)
        m.submodules.decisions = decisions = StreamFIFO(
            FIFOParams(payload=decision_layout(p), depth=DECISIONS, block=False)
        )
        for name in word.members:
            m.d.comb += buffer.i.payload[name].eq(self.i.payload[name])
        can_take = self._count(m, decider, decisions)
        m.d.comb += [
            self.i.ready.eq(buffer.i.ready & can_take),
            buffer.i.valid.eq(self.i.valid & can_take),
            decisions.i.valid.eq(decider.is_done),
            decisions.i.payload.eq(decider.decision),
        ]
        self._split(m, buffer.o, decisions.o)
        return m

    def _count(self, m, decider, decisions):
        """Counts words as they are taken, and asks for decisions. Returns whether one may be taken.

        A word is held in registers, advances to the counters in the next cycle, and in the cycle
        after that, if its packet is then complete, the decision starts.
        """
        p = self.params
        held = Signal(data.StructLayout(_FLAGS | {"target": p.target_bits}))
        counted = Signal(data.StructLayout({"is_settled": 1, "target": p.target_bits}))
        is_held, is_waiting, is_stuck, starts = Signal(), Signal(), Signal(), Signal()
        is_first = Signal(init=1)
        takes, advance, is_request = Signal(), Signal(), Signal()
        room = Signal(range(DECISIONS + 1), init=DECISIONS)
        leaves = decisions.o.valid & decisions.o.ready
        m.d.comb += [
            takes.eq(self.i.valid & self.i.ready),
            starts.eq(is_waiting & (room != 0)),
            advance.eq(is_held & ~is_stuck),
            is_request.eq(Mux(held.is_settled, held.is_first, held.last)),
            decider.start.eq(starts),
            decider.is_settled.eq(counted.is_settled),
            decider.target.eq(counted.target),
        ]
        m.d.sync += room.eq(room - starts + leaves)
        with m.If(takes):
            m.d.sync += [
                is_first.eq(self.i.payload.last),
                held.is_first.eq(is_first),
                *(held[n].eq(self.i.payload[n]) for n in ("is_settled", "last", "target")),
            ]
        with m.If(takes | advance):
            m.d.sync += is_held.eq(takes)
        with m.If(advance & is_request):
            m.d.sync += counted.target.eq(held.target)
            m.d.sync += counted.is_settled.eq(held.is_settled)
        m.d.sync += is_waiting.eq((advance & is_request) | (is_waiting & ~starts))
        self._count_coarse(m, decider, takes, advance, held.is_first)
        is_full = is_waiting & ~starts
        if not p.fine_bits:
            m.d.comb += is_stuck.eq(is_full)
            return ~is_held | ~is_stuck
        swap = ~held.is_settled & held.last
        is_busy, is_swept = self._count_fine(m, decider, takes, advance, swap)
        m.d.comb += is_stuck.eq(is_full | (swap & (is_busy | (is_waiting & ~counted.is_settled))))
        return is_swept & (~is_held | ~is_stuck)

    def _count_coarse(self, m, decider, takes, advance, is_first):
        """The counters of the upper bits."""
        m.submodules.counters = counters = SuffixCounters(self.params)
        m.d.comb += [
            counters.candidates.eq(self.i.payload.candidates),
            counters.load.eq(takes),
            counters.advance.eq(advance),
            counters.is_first.eq(is_first),
            decider.at_least.eq(counters.at_least),
        ]
        for lane, digit in enumerate(self._digits(self.i.payload.keys)):
            m.d.comb += counters.digits[lane].eq(digit[self.params.fine_bits :])

    def _count_fine(self, m, decider, takes, advance, swap):
        """The memories of the lower bits. Returns whether the other set is being read, and whether
        the memories are ready.
        """
        p = self.params
        m.submodules.fine = fine = FineCounters(p)
        digits = Signal(data.ArrayLayout(p.digit_bits, p.lanes), reset_less=True)
        candidates = Signal(p.lanes, reset_less=True)
        busy = Signal(range(p.num_groups + 2))
        with m.If(takes):
            m.d.sync += candidates.eq(self.i.payload.candidates)
            for lane, digit in enumerate(self._digits(self.i.payload.keys)):
                m.d.sync += digits[lane].eq(digit)
        with m.If(decider.start & ~decider.is_settled):
            m.d.sync += busy.eq(p.num_groups + 1)
        with m.Elif(busy.any()):
            m.d.sync += busy.eq(busy - 1)
        m.d.comb += [
            fine.digits.eq(digits),
            fine.candidates.eq(candidates),
            fine.count.eq(advance),
            fine.swap.eq(advance & swap),
            fine.row.eq(decider.row),
            fine.free.eq(decider.free),
            decider.sums.eq(fine.sums),
        ]
        return busy.any(), fine.is_swept

    def _digits(self, keys):
        """The digit of each key, larger first."""
        p = self.params
        return [key[p.digit_start : p.digit_start + p.digit_bits] ^ p.flip for key in keys]

    def _split(self, m, words, decisions):
        """Words leave with what their packet's decision makes of them."""
        p = self.params
        decision = decisions.payload
        digits = self._digits(words.payload.keys)
        larger = Cat(digit > decision.digit for digit in digits)
        equal = Cat(digit == decision.digit for digit in digits)
        candidates = words.payload.candidates
        passed = equal & ~decision.is_settled.replicate(p.lanes)
        sure = words.payload.taken if p.has_taken else 0
        leaves = self.o.valid & self.o.ready
        m.d.comb += [
            self.o.valid.eq(words.valid & decisions.valid),
            self.o.payload.taken.eq(sure | (candidates & (larger | (equal & ~passed)))),
            self.o.payload.candidates.eq(candidates & passed),
            self.o.payload.target.eq(decision.ties),
            self.o.payload.is_settled.eq(decision.is_settled),
            self.o.payload.last.eq(words.payload.last),
            words.ready.eq(leaves),
            decisions.ready.eq(leaves & words.payload.last),
        ]
        for lane, key in enumerate(words.payload.keys):
            m.d.comb += self.o.payload.keys[lane].eq(key)


_PER_PACKET = ("target", "is_settled")
_FLAGS = {"is_settled": 1, "is_first": 1, "last": 1}
