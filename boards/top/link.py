"""The board's end of the link, from the pins to memory and registers."""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from tilewright.hw.lib.axi import AxiLiteSignature

from .command import CommandUnit
from .framing import FrameReceiver, FrameSender
from .params import BoardTopParams, CommandParams
from .port import LinkPort
from .registers import RegisterPort
from .uart import UartReceiver, UartSender

__all__ = ["BoardLink"]


class BoardLink(wiring.Component):
    """Serial line, frames and the command unit.

    Parameters
    ----------
    params : BoardTopParams.

    Members
    -------
    rx : In(1), tx : Out(1), the serial line. memory : Out(LinkPort). bus : Out(AxiLiteSignature).
    has_interrupt : In(1). reset : Out(1), the host resets the accelerator. bad : Out(1), for one
    cycle: a damaged frame came.

    Timing
    ------
    That of its parts.
    """

    def __init__(self, params: BoardTopParams) -> None:
        self.params = params
        super().__init__(
            {
                "rx": In(1),
                "tx": Out(1, init=1),
                "memory": Out(LinkPort(8 * params.identity.unit_bytes)),
                "bus": Out(AxiLiteSignature(params.register_address_bits)),
                "has_interrupt": In(1),
                "reset": Out(1),
                "bad": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.receiver = receiver = UartReceiver(self.params.uart)
        m.submodules.sender = sender = UartSender(self.params.uart)
        m.submodules.frames_in = frames_in = FrameReceiver()
        m.submodules.frames_out = frames_out = FrameSender()
        m.submodules.command = command = CommandUnit(CommandParams(identity=self.params.identity))
        m.submodules.registers = registers = RegisterPort(self.params.register_address_bits)
        m.d.comb += [
            receiver.rx.eq(self.rx),
            self.tx.eq(sender.tx),
            frames_in.byte.eq(receiver.data),
            frames_in.byte_valid.eq(receiver.valid),
            frames_in.byte_error.eq(receiver.error),
            frames_in.address.eq(command.address),
            frames_in.free.eq(command.free),
            command.data.eq(frames_in.data),
            command.is_full.eq(frames_in.is_full),
            command.length.eq(frames_in.length),
            command.bad.eq(frames_in.bad),
            command.missed.eq(frames_in.missed),
            command.has_interrupt.eq(self.has_interrupt),
            self.reset.eq(command.reset),
            self.bad.eq(frames_in.bad),
        ]
        wiring.connect(m, command.o, frames_out.i)
        wiring.connect(m, frames_out.o, sender.i)
        wiring.connect(m, command.registers, registers.link)
        wiring.connect(m, wiring.flipped(self.memory), command.memory)
        wiring.connect(m, wiring.flipped(self.bus), registers.bus)
        return m
