"""Walks the loops of weight-stationary commands, one step of m at a time."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..lib.layout import command_layout
from .cost_ws import subblocks
from .params import SystolicParams
from .ports import index_shape

LOOPS = ("m", "subblock", "k_block", "subpanel", "panel")  # innermost first


class PassWalker(wiring.Component):
    """Holds a command, the next one behind it, and the place in the loops.

    Parameters
    ----------
    params : SystolicParams

    Members
    -------
    i : In(stream of commands)
    is_active : Out(1); a step remains
    advance : In(1); the step is done, go to the next; only with is_active
    command : Out(command_layout); the command of this step
    is_first, is_last : Out(5); bit d: loop ``LOOPS[d]`` is at its first, last
    subblock : Out; counter of that loop

    Timing
    ------
    A command is active two cycles after its transfer when idle, and right after the last step of
    the one before. One command waits while one is active.

    Numbers
    -------
    None.
    """

    def __init__(self, params: SystolicParams) -> None:
        self.params = params
        layout = command_layout(params.command_format)
        super().__init__(
            {
                "i": In(stream.Signature(layout)),
                "is_active": Out(1),
                "advance": In(1),
                "command": Out(layout),
                "is_first": Out(len(LOOPS)),
                "is_last": Out(len(LOOPS)),
                "subblock": Out(index_shape(subblocks(params))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        waiting = Signal(self.i.payload.shape())
        is_waiting = Signal()
        is_done = Signal()
        load = Signal()
        m.d.comb += [
            is_done.eq(self.advance & self.is_last.all()),
            load.eq(is_waiting & (~self.is_active | is_done)),
            self.i.ready.eq(~is_waiting),
        ]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [waiting.eq(self.i.payload), is_waiting.eq(1)]
        with m.If(load):
            m.d.sync += [self.command.eq(waiting), is_waiting.eq(0), self.is_active.eq(1)]
        with m.Elif(is_done):
            m.d.sync += self.is_active.eq(0)
        field = 0  # the command's loops are all but the subblocks
        for d, name in enumerate(LOOPS):
            is_end = self.is_last[:d].all()  # all loops inside are at their last
            if name == "subblock":
                self._count_subblocks(m, d, load, self.advance & is_end)
            else:
                lasts = (getattr(waiting, f"last_{field}"), getattr(self.command, f"last_{field}"))
                self._count(m, d, load, self.advance & is_end, lasts)
                field += 1
        return m

    def _count(self, m, d, load, step, lasts):
        """Counts loop d down and keeps its flags in registers."""
        first_bound, bound = lasts
        remaining = Signal(self.params.bound_bits, name=f"remaining_{LOOPS[d]}")
        is_last = self.is_last[d]
        with m.If(load):
            m.d.sync += [remaining.eq(first_bound), is_last.eq(~first_bound.any())]
            m.d.sync += self.is_first[d].eq(1)
        with m.Elif(step):
            m.d.sync += remaining.eq(Mux(is_last, bound, remaining - 1))
            m.d.sync += is_last.eq(Mux(is_last, ~bound.any(), remaining == 1))
            m.d.sync += self.is_first[d].eq(is_last)

    def _count_subblocks(self, m, d, load, step):
        """Counts the subblocks of a word up."""
        last = subblocks(self.params) - 1
        is_last, is_first = self.is_last[d], self.is_first[d]
        if last == 0:
            m.d.comb += [is_first.eq(1), is_last.eq(1)]
            return
        with m.If(load):
            m.d.sync += [self.subblock.eq(0), is_last.eq(0), is_first.eq(1)]
        with m.Elif(step):
            m.d.sync += self.subblock.eq(Mux(is_last, 0, self.subblock + 1))
            m.d.sync += is_last.eq(self.subblock == last - 1)
            m.d.sync += is_first.eq(is_last)
