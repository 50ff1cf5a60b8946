"""Comparators and pipelined networks of them."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..lib.shared import Shared
from .bitonic_params import ExchangeParams, NetworkParams


class Exchange(wiring.Component):
    """The larger and the smaller of two numbers.

    Parameters
    ----------
    params : ExchangeParams

    Members
    -------
    a, b : In(bits). high, low : Out(bits)

    Timing
    ------
    Combinational.

    Numbers
    -------
    Unsigned.
    """

    def __init__(self, params: ExchangeParams) -> None:
        self.params = params
        bits = params.bits
        super().__init__({"a": In(bits), "b": In(bits), "high": Out(bits), "low": Out(bits)})

    def elaborate(self, platform):
        m = Module()
        is_larger = Signal()
        m.d.comb += [
            is_larger.eq(self.a > self.b),
            self.high.eq(Mux(is_larger, self.a, self.b)),
            self.low.eq(Mux(is_larger, self.b, self.a)),
        ]
        return m


class Network(wiring.Component):
    """A network of comparators with a register after each stage.

    Parameters
    ----------
    params : NetworkParams

    Members
    -------
    i : In(num numbers). o : Out(num numbers)

    Timing
    ------
    Latency ``params.latency``, new numbers in each cycle; nothing stalls it.

    Numbers
    -------
    Unsigned.
    """

    def __init__(self, params: NetworkParams) -> None:
        self.params = params
        wires = data.ArrayLayout(params.bits, params.num)
        super().__init__({"i": In(wires), "o": Out(wires)})

    def elaborate(self, platform):
        m = Module()
        params = self.params
        wires = [self.i[index] for index in range(params.num)]
        for number, stage in enumerate(params.stages):
            after = list(wires)
            for above, below in stage:
                exchange = Shared(Exchange(ExchangeParams(bits=params.bits)))
                m.submodules[f"exchange_{number}_{above}_{below}"] = exchange
                m.d.comb += [exchange.a.eq(wires[above]), exchange.b.eq(wires[below])]
                after[above], after[below] = exchange.high, exchange.low
            wires = []
            for index, value in enumerate(after):
                register = Signal(params.bits, name=f"stage_{number}_{index}", reset_less=True)
                m.d.sync += register.eq(value)
                wires.append(register)
        m.d.comb += [self.o[index].eq(wire) for index, wire in enumerate(wires)]
        return m
