"""A board's top: clock, serial line, LEDs, and between them the link, a memory, an accelerator."""

from amaranth.hdl import (
    Cat,
    ClockDomain,
    ClockSignal,
    Const,
    DomainRenamer,
    Instance,
    Module,
    ResetInserter,
    ResetSignal,
    Signal,
)
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from tilewright.hw.lib.axi import AxiLiteSignature, AxiSignature

from .link import BoardLink
from .memory import BoardMemory, axi_params
from .params import MAX_LEDS, BoardTopParams
from .reset import ResetTimer

__all__ = ["BoardTop"]

SHOWN_LOG2 = 22
"""Cycles for which an LED shows an event, as a power of two."""


class BoardTop(wiring.Component):
    """An accelerator that a host can use over a serial line.

    Parameters
    ----------
    params : BoardTopParams. The accelerator is an instance of its own, verified Verilog module.

    Members
    -------
    clk : In(1), the board's oscillator. reset : In(1), the pin of its button (missing where there
    is none). rx : In(1), tx : Out(1), the serial line. led : Out, in
    this order: blinks while the clock runs; the accelerator uses the memory; it has finished (its
    interrupt); a damaged frame or a memory access beyond the memory (missing where there is no LED
    at all).

    Timing
    ------
    Everything runs on `clk`. Reset holds for `reset.RESET_CYCLES` after configuration and after
    the button; the accelerator and its memory port are reset again whenever the host asks for it.
    """

    def __init__(self, params: BoardTopParams) -> None:
        self.params = params
        members = {"clk": In(1), "rx": In(1), "tx": Out(1, init=1)}
        if params.reset_is_inverted is not None:
            members["reset"] = In(1)
        if params.num_leds:
            members["led"] = Out(params.num_leds)
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        self._clocks(m)
        m.submodules.link = link = BoardLink(self.params)
        memory = BoardMemory(self.params.memory)
        # What is under way in its port goes with the accelerator; its contents stay.
        m.submodules.memory = ResetInserter(link.reset)(memory)
        m.d.comb += [link.rx.eq(self.rx), self.tx.eq(link.tx)]
        wiring.connect(m, link.memory, memory.link)
        irq = self._accelerator(m, link.bus, memory.axi, link.reset)
        m.d.comb += link.has_interrupt.eq(irq)
        self._leds(m, memory, irq, link.bad | memory.error)
        return m

    def _clocks(self, m: Module) -> None:
        """`sync` with its reset; `power` runs from the first edge on."""
        m.domains.power = power = ClockDomain(reset_less=True)
        m.domains.sync = ClockDomain()
        timer = ResetTimer(self.params.reset_is_inverted)
        m.submodules.reset_timer = DomainRenamer("power")(timer)
        m.d.comb += [power.clk.eq(self.clk), ClockSignal().eq(self.clk)]
        m.d.comb += ResetSignal().eq(timer.reset)
        if self.params.reset_is_inverted is not None:
            m.d.comb += timer.button.eq(self.reset)

    def _accelerator(self, m: Module, lite: object, axi: object, reset: Signal) -> Signal:
        """The accelerator's module, and its reset."""
        irq = Signal()
        aresetn = Signal()
        m.d.sync += aresetn.eq(~reset)
        ports = {"i_aclk": ClockSignal(), "i_aresetn": aresetn, "o_irq": irq}
        lite_members = AxiLiteSignature(self.params.register_address_bits).flip().members
        axi_members = AxiSignature(axi_params(self.params.memory)).members
        for prefix, port, members in (("s_axil", lite, lite_members), ("m_axi", axi, axi_members)):
            for name, member in members.items():
                kind = "i" if member.flow == In else "o"
                ports[f"{kind}_{prefix}_{name}"] = getattr(port, name)
        m.submodules.accelerator = Instance(self.params.module, **ports)
        return irq

    def _leds(self, m: Module, memory: BoardMemory, irq: Signal, has_error: Signal) -> None:
        if not self.params.num_leds:
            return
        ticks = Signal(SHOWN_LOG2 + 1)
        m.d.sync += ticks.eq(ticks + 1)
        axi = memory.axi
        events = (axi.rvalid | axi.wvalid, has_error)
        shown = []
        for name, event in zip(("busy", "error"), events, strict=True):
            is_shown = Signal(2, name=f"{name}_shown")
            shown.append(is_shown.any())
            with m.If(event):
                m.d.sync += is_shown.eq(0b11)
            with m.Elif(ticks[:SHOWN_LOG2] == 0):
                m.d.sync += is_shown.eq(is_shown >> 1)
        busy, error = shown
        lit = Cat(ticks[-1], busy, irq, error)
        inverted = Cat(*(Const(int(bit), 1) for bit in self.params.led_is_inverted[:MAX_LEDS]))
        m.d.comb += self.led.eq(lit ^ inverted)
