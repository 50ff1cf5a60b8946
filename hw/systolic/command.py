"""Walks the loops of output-stationary commands, one block per step."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..lib.layout import command_layout, equals
from .params import NUM_LOOPS, SystolicParams


class CommandWalker(wiring.Component):
    """Holds a command, the next one behind it, and the place in the loops.

    Parameters
    ----------
    params : SystolicParams

    Members
    -------
    i : In(stream of commands)
    is_active : Out(1); a block remains
    step : In(1); the block is done, go to the next; only with is_active
    command : Out(command_layout); the command of this block
    is_first_of_tile, is_last_of_tile : Out(1); first, last k block
    is_first_of_panel : Out(1); first block of a panel
    is_last_of_row : Out(1); last block of the last subpanel
    is_last_of_panel : Out(1); last block of a panel

    Timing
    ------
    A command is active two cycles after its transfer when idle, and right after the last step of
    the one before. One command waits while one is active. All outputs but ``command`` come from
    flags, which are registers: counters are compared a step ahead.

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
                "step": In(1),
                "command": Out(layout),
                "is_first_of_tile": Out(1),
                "is_last_of_tile": Out(1),
                "is_first_of_panel": Out(1),
                "is_last_of_row": Out(1),
                "is_last_of_panel": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        waiting = Signal(self.i.payload.shape())
        is_waiting = Signal()
        at_first = [Signal(name=f"at_first_{d}") for d in range(NUM_LOOPS)]
        at_last = [Signal(name=f"at_last_{d}") for d in range(NUM_LOOPS)]
        is_done = self.step & at_last[0] & at_last[1] & at_last[2] & at_last[3]
        takes_next = is_waiting & (~self.is_active | is_done)
        m.d.comb += self.i.ready.eq(~is_waiting)
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [waiting.eq(self.i.payload), is_waiting.eq(1)]
        with m.If(takes_next):
            m.d.sync += [self.command.eq(waiting), is_waiting.eq(0), self.is_active.eq(1)]
        with m.Elif(is_done):
            m.d.sync += self.is_active.eq(0)
        advances = self.step
        for d in range(NUM_LOOPS):
            self._count(m, d, takes_next, advances, waiting, at_first[d], at_last[d])
            advances = advances & at_last[d]
        m.d.comb += [
            self.is_first_of_tile.eq(at_first[0]),
            self.is_last_of_tile.eq(at_last[0]),
            self.is_first_of_panel.eq(at_first[0] & at_first[1] & at_first[2]),
            self.is_last_of_row.eq(at_last[0] & at_last[1]),
            self.is_last_of_panel.eq(at_last[0] & at_last[1] & at_last[2]),
        ]
        return m

    def _count(self, m, d, takes_next, advances, waiting, at_first, at_last):
        """The steps of loop d that are left, and its flags for the next step."""
        left = Signal(self.params.bound_bits, name=f"left_{d}")
        first, again = getattr(waiting, f"last_{d}"), getattr(self.command, f"last_{d}")
        with m.If(takes_next):
            m.d.sync += [left.eq(first), at_first.eq(1), at_last.eq(equals(first, 0))]
        with m.Elif(advances):
            m.d.sync += [
                left.eq(Mux(at_last, again, left - 1)),
                at_first.eq(at_last),
                at_last.eq(Mux(at_last, equals(again, 0), left == 1)),
            ]
