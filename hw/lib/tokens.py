"""Tokens: counters that order the work of units."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .params import TokenParams

__all__ = ["SignalPort", "TokenCounter", "WaitPort"]


class WaitPort(wiring.Signature):
    """Seen from the unit that waits: `available` tokens, `take` so many at the end of the cycle."""

    def __init__(self, token_bits: int):
        super().__init__({"available": In(token_bits), "take": Out(token_bits)})


class SignalPort(wiring.Signature):
    """Seen from the unit that signals: `give` so many in this cycle, else 0."""

    def __init__(self, token_bits: int):
        super().__init__({"give": Out(token_bits)})


class TokenCounter(wiring.Component):
    """The tokens between one producer and one consumer.

    Parameters
    ----------
    params : TokenParams, `initial` tokens after reset and `clear`, counter of `bits` bits.

    Members
    -------
    clear : In(1), reload `initial`; overrides `give` and `take`.
    signal : In(SignalPort), the producer's side. wait : In(WaitPort), the consumer's side.
    error : Out(1), sticky: more taken than there were, or more given than can be counted; two
        cycles later.

    Timing
    ------
    Given in t: available in t + `cost.TOKEN_GIVE_TO_AVAILABLE`. Taken in t: gone in t + 1.

    Numbers
    -------
    Counts 0..2**bits - 1; beyond that `error`.
    """

    def __init__(self, params: TokenParams):
        self.params = params
        super().__init__(
            {
                "clear": In(1),
                "signal": In(SignalPort(params.bits)),
                "wait": In(WaitPort(params.bits)),
                "error": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bits = self.params.bits
        count = Signal(bits, init=self.params.initial)
        following = Signal(bits + 1)
        too_many_taken = self.wait.take > count
        is_wrong = Signal()  # the comparison has a cycle of its own
        m.d.comb += [
            self.wait.available.eq(count),
            following.eq(count + self.signal.give - self.wait.take),
        ]
        with m.If(self.clear):
            m.d.sync += [count.eq(self.params.initial), is_wrong.eq(0), self.error.eq(0)]
        with m.Else():
            m.d.sync += [count.eq(following), is_wrong.eq(too_many_taken | following[bits])]
            with m.If(is_wrong):
                m.d.sync += self.error.eq(1)
        return m
