"""The last step of radix_select: of equal keys, the first as many as are wanted; output words."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .params import TopKParams
from .ports import output_layout
from .radix_params import digit_params
from .radix_stage import stage_layout


def ones_before(bits: list[Value]) -> tuple[list[Value], Value]:
    """How many bits are set below each place, and in all; logarithmic depth."""
    if len(bits) == 1:
        return [Value.cast(0)], bits[0]
    half = len(bits) // 2
    low, low_ones = ones_before(bits[:half])
    high, high_ones = ones_before(bits[half:])
    return low + [low_ones + count for count in high], low_ones + high_ones


class Emitter(wiring.Component):
    """Takes of each packet's candidates the first ``target``, and forms output words.

    Parameters
    ----------
    params : TopKParams

    Members
    -------
    i : In(stream of the last pass's stage_layout)
    o : Out(stream of output_layout); one word per word

    Timing
    ------
    ``radix_cost.EMIT_CYCLES``, one word per cycle; ``i.ready`` depends on ``o.ready``.

    Numbers
    -------
    Indices are positions: word of the packet times ``lanes`` plus lane.
    """

    def __init__(self, params: TopKParams) -> None:
        self.params = params
        passed = stage_layout(digit_params(params)[-1], is_input=False)
        super().__init__(
            {
                "i": In(stream.Signature(passed)),
                "o": Out(stream.Signature(output_layout(params))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        lanes = self.params.lanes
        held = Signal(self.i.payload.shape(), reset_less=True)
        is_held = Signal()
        is_first = Signal(init=1)
        left = Signal.like(self.i.payload.target, reset_less=True)  # wanted by words to come
        wanted = Mux(is_first, held.target, left)
        before, ones = ones_before([held.candidates[lane] for lane in range(lanes)])
        ties = Cat(bit & (count < wanted)
                   for bit, count in zip(held.candidates, before, strict=True))  # fmt: skip
        selected = Signal(lanes)
        moves = ~self.o.valid | self.o.ready
        m.d.comb += [selected.eq(held.taken | ties), self.i.ready.eq(~is_held | moves)]
        with m.If(self.i.ready):
            m.d.sync += is_held.eq(self.i.valid)
            with m.If(self.i.valid):
                m.d.sync += held.eq(self.i.payload)
        with m.If(moves):
            m.d.sync += self.o.valid.eq(is_held)
            with m.If(is_held):
                m.d.sync += [
                    left.eq(Mux(wanted > ones, wanted - ones, 0)),
                    is_first.eq(held.last),
                    self.o.payload.mask.eq(selected),
                    self.o.payload.last.eq(held.last),
                ]
                if self.params.order != "mask":
                    self._pairs(m, held, selected)
        return m

    def _pairs(self, m, held, selected):
        """Keys and indices of the selected lanes, zeros in the others."""
        p = self.params
        base = Signal(p.index_bits)  # position of lane 0
        m.d.sync += base.eq(Mux(held.last, 0, base + p.lanes))
        is_aligned = p.lanes & (p.lanes - 1) == 0
        for lane in range(p.lanes):
            index = base | lane if is_aligned else base + lane
            m.d.sync += [
                self.o.payload.keys[lane].eq(Mux(selected[lane], held.keys[lane], 0)),
                self.o.payload.indices[lane].eq(Mux(selected[lane], index, 0)),
            ]
