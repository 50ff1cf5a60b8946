"""The serial line: bits to bytes and back."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .params import UartParams

__all__ = ["UartReceiver", "UartSender"]

DATA_BITS = 8
FRAME_BITS = DATA_BITS + 2


class UartReceiver(wiring.Component):
    """Bytes from a line.

    Parameters
    ----------
    params : UartParams.

    Members
    -------
    rx : In(1), the pin; idle is high. data : Out(8). valid : Out(1), a byte was received. error :
    Out(1), the stop bit was missing: the byte is lost.

    Timing
    ------
    `valid` or `error` for one cycle, in the middle of the stop bit (and four cycles for the
    synchroniser and the filter). Nothing holds it up: who listens takes each byte.

    Numbers
    -------
    A level counts when two of three samples in a row have it; a start bit that is over in its
    middle is noise. Bit times may differ by 5 % from the sender's (with divisors of 8 and more).
    """

    def __init__(self, params: UartParams) -> None:
        self.params = params
        super().__init__({"rx": In(1), "data": Out(8), "valid": Out(1), "error": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        divisor = self.params.divisor
        samples = Signal(5, init=0b11111)
        m.d.sync += samples.eq(Cat(self.rx, samples))
        a, b, c = samples[2], samples[3], samples[4]
        line = Signal(init=1)
        was_high = Signal(init=1)
        m.d.comb += line.eq((a & b) | (a & c) | (b & c))
        m.d.sync += was_high.eq(line)
        timer = Signal(range(divisor))
        place = Signal(range(FRAME_BITS + 1))
        is_busy = Signal()
        m.d.sync += [self.valid.eq(0), self.error.eq(0)]
        with m.If(~is_busy):
            # A line that stays low is a break, not a row of start bits.
            m.d.sync += [is_busy.eq(was_high & ~line), timer.eq(divisor // 2 - 1), place.eq(0)]
        with m.Elif(timer != 0):
            m.d.sync += timer.eq(timer - 1)
        with m.Else():
            m.d.sync += [timer.eq(divisor - 1), place.eq(place + 1)]
            with m.If(place == 0):
                m.d.sync += is_busy.eq(~line)
            with m.Elif(place == FRAME_BITS - 1):
                m.d.sync += [is_busy.eq(0), self.valid.eq(line), self.error.eq(~line)]
            with m.Else():
                m.d.sync += self.data.eq(Cat(self.data[1:], line))
        return m


class UartSender(wiring.Component):
    """Bytes to a line.

    Parameters
    ----------
    params : UartParams.

    Members
    -------
    i : In(stream of 8). tx : Out(1), the pin; idle is high.

    Timing
    ------
    A byte takes 10 * divisor cycles and is taken when the stop bit of the one before has begun its
    last cycle: bytes follow each other without a gap.
    """

    def __init__(self, params: UartParams) -> None:
        self.params = params
        super().__init__({"i": In(stream.Signature(8)), "tx": Out(1, init=1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        divisor = self.params.divisor
        bits = Signal(FRAME_BITS - 1, init=~0)
        left = Signal(range(FRAME_BITS + 1))
        timer = Signal(range(divisor))
        is_over = Signal()
        m.d.comb += [is_over.eq((left == 0) | ((left == 1) & (timer == 0)))]
        m.d.comb += self.i.ready.eq(is_over)
        m.d.sync += timer.eq(Mux(timer == 0, divisor - 1, timer - 1))
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [
                self.tx.eq(0),
                bits.eq(Cat(self.i.payload, Const(1, 1))),
                left.eq(FRAME_BITS),
                timer.eq(divisor - 1),
            ]
        with m.Elif((left != 0) & (timer == 0)):
            m.d.sync += [self.tx.eq(bits[0]), bits.eq(Cat(bits[1:], Const(1, 1)))]
            m.d.sync += left.eq(left - 1)
        return m
