"""The engine radix_select: digit passes over buffered words."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring

from .params import TopKParams
from .ports import engine_members
from .radix_emit import Emitter
from .radix_params import digit_params
from .radix_stage import DigitStage


class RadixSelect(wiring.Component):
    """Selects the k largest keys of each packet, digit by digit, and leaves them where they were.

    Parameters
    ----------
    params : TopKParams

    Members
    -------
    k : In(stream of k_bits); one per packet, taken with its first word
    i : In(stream of input_layout)
    o : Out(stream of output_layout); one word per word of ``i``

    Timing
    ------
    One word per cycle in and out; the law is ``radix_cost``. ``i.ready`` depends on ``k.valid``
    and ``k.ready`` on ``i.valid`` at the first word of a packet.

    Numbers
    -------
    Exact for packets of at most ``max_words`` words; a longer one fills the buffers and is stuck.
    """

    def __init__(self, params: TopKParams) -> None:
        self.params = params
        super().__init__(engine_members(params))

    def elaborate(self, platform):
        m = Module()
        stages: list[DigitStage] = []
        for number, part in enumerate(digit_params(self.params)):
            m.submodules[f"pass_{number}"] = stage = DigitStage(part)
            if stages:
                wiring.connect(m, stages[-1].o, stage.i)
            stages.append(stage)
        m.submodules.emitter = emitter = Emitter(self.params)
        wiring.connect(m, stages[-1].o, emitter.i)
        wiring.connect(m, emitter.o, wiring.flipped(self.o))
        self._join(m, stages[0].i)
        return m

    def _join(self, m, first):
        """Words with their packet's k: that of stream `k` with the first word, then the same."""
        p = self.params
        is_first = Signal(init=1)
        held = Signal(p.k_bits, reset_less=True)
        k = Signal(p.k_bits)
        takes = first.valid & first.ready
        can_exceed = p.k_max < (1 << p.k_bits) - 1
        m.d.comb += [
            k.eq(Mux(is_first, self.k.payload, held)),
            first.valid.eq(self.i.valid & (self.k.valid | ~is_first)),
            self.i.ready.eq(first.ready & (self.k.valid | ~is_first)),
            self.k.ready.eq(first.ready & self.i.valid & is_first),
            first.payload.keys.eq(self.i.payload.keys),
            first.payload.target.eq(Mux(k > p.k_max, p.k_max, k) if can_exceed else k),
            first.payload.is_settled.eq(~k.any()),
            first.payload.candidates.eq(self.i.payload.mask & k.any().replicate(p.lanes)),
            first.payload.last.eq(self.i.payload.last),
        ]
        with m.If(takes):
            m.d.sync += is_first.eq(self.i.payload.last)
            with m.If(is_first):
                m.d.sync += held.eq(k)
