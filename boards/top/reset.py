"""When a board is in reset: after its configuration, and while its button is pressed."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["RESET_CYCLES", "ResetTimer"]

RESET_CYCLES = 255
"""After configuration: iCE40's RAM blocks do not answer in the first microseconds."""
SYNC_STAGES = 2


class ResetTimer(wiring.Component):
    """Holds reset until nothing has asked for it for a while.

    Parameters
    ----------
    is_inverted : whether the button's pin is low when it is pressed; None: there is no button.

    Members
    -------
    button : In(1), the pin (not there without a button). reset : Out(1).

    Timing
    ------
    Its clock domain has no reset: it starts from the initial values. `reset` is high for
    `RESET_CYCLES` + 1 cycles; a pressed button begins that again `SYNC_STAGES` + 1 cycles later, so
    a button that bounces is pressed once.
    """

    def __init__(self, is_inverted: bool | None = None) -> None:
        self.is_inverted = is_inverted
        members = {"reset": Out(1, init=1)}
        if is_inverted is not None:
            members["button"] = In(1, init=int(is_inverted))
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        left = Signal(range(RESET_CYCLES + 1), init=RESET_CYCLES)
        following = Mux(left == 0, 0, left - 1)
        if self.is_inverted is not None:
            released = -1 if self.is_inverted else 0
            stages = Signal(SYNC_STAGES, init=released & ((1 << SYNC_STAGES) - 1))
            m.d.sync += stages.eq(Cat(self.button, stages))
            following = Mux(stages[-1] ^ int(self.is_inverted), RESET_CYCLES, following)
        m.d.sync += [left.eq(following), self.reset.eq(left != 0)]
        return m
