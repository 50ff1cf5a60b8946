"""A register file on AXI4-Lite, made from a register table."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .axi import AxiLiteSignature, Response
from .register_table import REGISTER_BITS, Access, Field, Register, RegisterTable, Window

WORD_LOW_BIT = 2
"""Address bits below select a byte and are ignored: lanes are chosen by strobes."""


@dataclass(frozen=True, kw_only=True)
class RegisterFileParams:
    """Parameters of a register file.

    Parameters
    ----------
    table : the registers; ports follow from it
    """

    table: RegisterTable


def _members(table: RegisterTable) -> dict:
    members = {"bus": In(AxiLiteSignature(table.address_bits))}
    if table.interrupt is not None:
        members["irq"] = Out(1)
    for register in table.registers:
        for field in register.fields:
            name = register.port_name(field)
            match field.access:
                case Access.RO if field.constant is None:
                    members[name] = In(field.bits)
                case Access.RW:
                    members[name] = Out(field.bits, init=field.reset)
                case Access.W1C:
                    members[name] = Out(field.bits, init=field.reset)
                    members[f"{name}_set"] = In(field.bits)
                case Access.PULSE:
                    members[name] = Out(field.bits)
    for window in table.windows:
        members[f"{window.name}_valid"] = Out(1)
        members[f"{window.name}_address"] = Out(max(1, (window.num_words - 1).bit_length()))
        members[f"{window.name}_data"] = Out(REGISTER_BITS)
        members[f"{window.name}_strobe"] = Out(REGISTER_BITS // 8)
    return members


class RegisterFile(wiring.Component):
    """Registers, pulses, an interrupt and write windows on AXI4-Lite.

    **Parameters**: `RegisterFileParams.table`, the register map.

    **Members**
      * `bus` (in): AXI4-Lite, 32 bits.
      * `irq` (out): level; high while an enabled status bit is set. Only with an interrupt pair.
      * per field, called `REGISTER_FIELD`, or `REGISTER` if the field is called `value`:
        `ro` an input; `rw` an output; `w1c` an output and an input `..._set` of event pulses;
        `pulse` an output. Constants have no port.
      * per window: `WINDOW_valid`, `_address` (in 32-bit words), `_data`, `_strobe` (out): one
        write per cycle of `valid`; the memory always takes it.

    **Timing**: a write acts in the cycle after the later of its AW and W handshakes
    (`cost.REGISTER_WRITE_TO_PULSE`), if the response of the write before it was taken by then;
    pulse and window outputs are high in that cycle, `rw` outputs change in the next, BVALID rises
    in the next. AR handshake in t: RVALID in t + 1. One write every 3 cycles, one read every 2. AW
    and W may come in any order; no output of a channel depends combinationally on an input of the
    bus.

    **Numbers**: bytes without strobe keep their value. Unmapped offsets, writes to registers with
    read-only fields alone, and reads of windows are answered with SLVERR.
    """

    def __init__(self, params: RegisterFileParams) -> None:
        self.params = params
        super().__init__(_members(params.table))

    def elaborate(self, platform):
        m = Module()
        self._write_channel(m)
        self._read_channel(m)
        if self.params.table.interrupt is not None:
            enable, status = (self._register_value(n) for n in self.params.table.interrupt)
            m.d.comb += self.irq.eq((enable & status).any())
        return m

    def _register_value(self, name: str) -> Value:
        register = self.params.table.register(name)
        return Cat(getattr(self, register.port_name(field)) for field in register.fields)

    def _write_channel(self, m: Module) -> None:
        bus = self.bus
        address = Signal.like(bus.awaddr)
        data = Signal(REGISTER_BITS)
        strobe = Signal(4)
        has_address = Signal()
        has_data = Signal()
        act = Signal()
        m.d.comb += [
            bus.awready.eq(~has_address),
            bus.wready.eq(~has_data),
            act.eq(has_address & has_data & ~bus.bvalid),
        ]
        with m.If(bus.awvalid & bus.awready):
            m.d.sync += [has_address.eq(1), address.eq(bus.awaddr)]
        with m.If(bus.wvalid & bus.wready):
            m.d.sync += [has_data.eq(1), data.eq(bus.wdata), strobe.eq(bus.wstrb)]
        with m.If(bus.bvalid & bus.bready):
            m.d.sync += bus.bvalid.eq(0)
        with m.If(act):
            m.d.sync += [has_address.eq(0), has_data.eq(0), bus.bvalid.eq(1)]
            m.d.sync += bus.bresp.eq(Response.SLVERR)
        mask = Cat(bit.replicate(8) for bit in strobe)
        self._hold_events(m)
        with m.Switch(address[WORD_LOW_BIT:]):
            for register in self.params.table.registers:
                if register.is_writable:
                    with m.Case(register.offset >> WORD_LOW_BIT), m.If(act):
                        m.d.sync += bus.bresp.eq(Response.OKAY)
                        self._write_register(m, register, data, mask)
        for window in self.params.table.windows:
            self._write_window(m, window, act, address, data, strobe)

    def _hold_events(self, m: Module) -> None:
        for register in self.params.table.registers:
            for field in register.fields:
                if field.access is Access.W1C:
                    name = register.port_name(field)
                    value = getattr(self, name)
                    m.d.sync += value.eq(value | getattr(self, f"{name}_set"))

    def _write_register(self, m: Module, register: Register, data: Value, mask: Value) -> None:
        for field in register.fields:
            name = register.port_name(field)
            bits = slice(field.low_bit, field.low_bit + field.bits)
            new, enable = data[bits], mask[bits]
            match field.access:
                case Access.RW:
                    value = getattr(self, name)
                    m.d.sync += value.eq((value & ~enable) | (new & enable))
                case Access.W1C:
                    value, event = getattr(self, name), getattr(self, f"{name}_set")
                    m.d.sync += value.eq((value & ~(new & enable)) | event)
                case Access.PULSE:
                    m.d.comb += getattr(self, name).eq(new & enable)

    def _write_window(
        self, m: Module, window: Window, act: Value, address: Value, data: Value, strobe: Value
    ) -> None:
        low = (window.size_bytes - 1).bit_length()
        hit = act & (address[low:] == window.offset >> low)
        with m.If(hit):
            m.d.sync += self.bus.bresp.eq(Response.OKAY)
        m.d.comb += [
            getattr(self, f"{window.name}_valid").eq(hit),
            getattr(self, f"{window.name}_address").eq(address[WORD_LOW_BIT:low]),
            getattr(self, f"{window.name}_data").eq(data),
            getattr(self, f"{window.name}_strobe").eq(strobe),
        ]

    def _read_channel(self, m: Module) -> None:
        bus = self.bus
        m.d.comb += bus.arready.eq(~bus.rvalid)
        with m.If(bus.rvalid & bus.rready):
            m.d.sync += bus.rvalid.eq(0)
        with m.If(bus.arvalid & bus.arready):
            m.d.sync += [bus.rvalid.eq(1), bus.rdata.eq(0), bus.rresp.eq(Response.SLVERR)]
            with m.Switch(bus.araddr[WORD_LOW_BIT:]):
                for register in self.params.table.registers:
                    with m.Case(register.offset >> WORD_LOW_BIT):
                        m.d.sync += bus.rresp.eq(Response.OKAY)
                        for field in register.fields:
                            self._read_field(m, register, field)

    def _read_field(self, m: Module, register: Register, field: Field) -> None:
        if field.access is Access.PULSE:
            return
        value: Value = Const(field.constant or 0, field.bits)
        if field.constant is None:
            value = getattr(self, register.port_name(field))
        m.d.sync += self.bus.rdata[field.low_bit : field.low_bit + field.bits].eq(value)
