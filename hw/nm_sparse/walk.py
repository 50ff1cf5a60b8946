"""Walks the loops of a command one step at a time: `kept` steps for each group."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from ..systolic.command import CommandWalker
from .params import NMSparseParams


class StepWalker(wiring.Component):
    """A ``CommandWalker`` over groups with a loop of `kept` steps inside.

    Parameters
    ----------
    params : NMSparseParams

    Members
    -------
    Those of ``CommandWalker``, of steps instead of blocks, and
    is_first_of_group : Out(1); first step of a group

    Timing
    ------
    That of ``CommandWalker``.

    Numbers
    -------
    None.
    """

    FIRST = ("is_first_of_tile", "is_first_of_panel")
    LAST = ("is_last_of_tile", "is_last_of_row", "is_last_of_panel")

    def __init__(self, params: NMSparseParams) -> None:
        self.params = params
        self._walker = CommandWalker(params)
        members = dict(self._walker.signature.members.items())
        changed = ("i", "step", *self.FIRST, *self.LAST)
        self._same = tuple(name for name in members if name not in changed)
        super().__init__({**members, "is_first_of_group": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.walker = walker = self._walker
        wiring.connect(m, wiring.flipped(self.i), walker.i)
        index = Signal(self.params.index_bits)
        is_last = index == self.last_step
        with m.If(self.step):
            m.d.sync += index.eq(Mux(is_last, 0, index + 1))
        m.d.comb += [
            walker.step.eq(self.step & is_last),
            *(getattr(self, name).eq(getattr(walker, name)) for name in self._same),
            self.is_first_of_group.eq(~index.any()),
        ]
        for names, is_here in ((self.FIRST, ~index.any()), (self.LAST, is_last)):
            m.d.comb += [getattr(self, n).eq(getattr(walker, n) & is_here) for n in names]
        return m
