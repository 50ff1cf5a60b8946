"""The scratchpad: banks with one read and one write port each, shared by any number of ports."""

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from .layout import equals
from .memory_params import ScratchpadParams
from .shared import Shared

__all__ = ["ReadPort", "Scratchpad", "ScratchpadBank", "WritePort"]


class ReadPort(wiring.Signature):
    """Read port seen from the initiator.

    A request is granted in a cycle with `valid` and `ready`; `valid` and `address` stay until then.
    `response_valid` and `response_data` come a fixed number of cycles later and cannot be held up.
    """

    def __init__(self, address_bits: int, word_bits: int):
        super().__init__(
            {
                "valid": Out(1),
                "ready": In(1),
                "address": Out(address_bits),
                "response_valid": In(1),
                "response_data": In(word_bits),
            }
        )


class WritePort(wiring.Signature):
    """Write port seen from the initiator: lanes with their `mask` bit set are written."""

    def __init__(self, address_bits: int, word_bits: int, lane_bits: int):
        super().__init__(
            {
                "valid": Out(1),
                "ready": In(1),
                "address": Out(address_bits),
                "data": Out(word_bits),
                "mask": Out(word_bits // lane_bits),
            }
        )


class ScratchpadBank(wiring.Component):
    """One memory with a read and a write port.

    Parameters
    ----------
    params : ScratchpadParams.

    Members
    -------
    read_enable, read_row, read_data · write_mask (per lane; 0: no write), write_row, write_data.

    Timing
    ------
    `read_data` one cycle after `read_enable`, held until the next (a cycle later with read_latency
    3). Written in t: readable from t + 1. A row read while it is written is undefined.
    """

    def __init__(self, params: ScratchpadParams):
        self.params = params
        super().__init__(
            {
                "read_enable": In(1),
                "read_row": In(params.row_bits),
                "read_data": Out(params.word_bits),
                "write_mask": In(params.lanes),
                "write_row": In(params.row_bits),
                "write_data": In(params.word_bits),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        params = self.params
        shape = params.word_bits
        m.submodules.memory = rows = memory.Memory(
            shape=shape,
            depth=params.words_per_bank,
            init=[],
            attrs={"no_rw_check": 1},  # tokens keep reads and writes of a row apart
        )
        write = rows.write_port(granularity=params.lane_bits)
        read = rows.read_port()
        m.d.comb += [
            write.addr.eq(self.write_row),
            write.data.eq(self.write_data),
            write.en.eq(self.write_mask),
            read.addr.eq(self.read_row),
            read.en.eq(self.read_enable),
        ]
        domain = m.d.sync if params.read_latency == 3 else m.d.comb
        domain += self.read_data.eq(read.data)
        return m


class Scratchpad(wiring.Component):
    """Banked memory; the ports with the lower numbers go first at a bank.

    Parameters
    ----------
    params : ScratchpadParams.

    Members
    -------
    read : In(ReadPort).array(num_read_ports), write : In(WritePort).array(num_write_ports).
    read_conflict, write_conflict : Out, bit p: port p has a request that is not granted now.
    error : Out(1), sticky: a request to a bank that is not there or not within the port's reach
        (granted; reads 0, writes nothing). clear : In(1), resets it.

    Timing
    ------
    A bank grants one read and one write per cycle; `ready` depends on the requests of this cycle.
    Response `read_latency` cycles after the grant. Granted write in t: a read granted in t + 1 sees
    it, one granted in t gets the word before or after it (undefined: tokens keep them apart).
    """

    def __init__(self, params: ScratchpadParams):
        self.params = params
        address, word = params.address_bits, params.word_bits
        write = WritePort(address, word, params.lane_bits)
        super().__init__(
            {
                "read": In(ReadPort(address, word)).array(params.num_read_ports),
                "write": In(write).array(params.num_write_ports),
                "read_conflict": Out(params.num_read_ports),
                "write_conflict": Out(params.num_write_ports),
                "error": Out(1),
                "clear": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        banks = [self._bank(m, b) for b in range(self.params.banks)]
        kinds = (
            (self.read, self.read_conflict, self.params.read_banks),
            (self.write, self.write_conflict, self.params.write_banks),
        )
        for ports, conflict, reach in kinds:
            for p, port in enumerate(ports):
                blocked = Cat(
                    q.valid & (self._index(q) == self._index(port))
                    for n, q in enumerate(ports[:p])
                    if set(reach(n)) & set(reach(p))
                )
                m.d.comb += [
                    port.ready.eq(~blocked.any()),
                    conflict[p].eq(port.valid & ~port.ready),
                ]
                with m.If(port.valid & self._is_beyond(port, reach(p))):
                    m.d.sync += self.error.eq(1)
        with m.If(self.clear):
            m.d.sync += self.error.eq(0)
        for p, port in enumerate(self.write):
            for b in self.params.write_banks(p):
                with m.If(self._granted(port, b)):
                    m.d.comb += [
                        banks[b].write_mask.eq(port.mask),
                        banks[b].write_row.eq(port.address[: self.params.row_bits]),
                        banks[b].write_data.eq(port.data),
                    ]
        for p, port in enumerate(self.read):
            for b in self.params.read_banks(p):
                with m.If(self._granted(port, b)):
                    m.d.comb += [
                        banks[b].read_enable.eq(1),
                        banks[b].read_row.eq(port.address[: self.params.row_bits]),
                    ]
            self._respond(m, port, {b: banks[b] for b in self.params.read_banks(p)})
        return m

    def _bank(self, m: Module, number: int) -> wiring.Component:
        bank = Shared(ScratchpadBank(self.params))
        m.submodules[f"bank_{number}"] = bank
        return bank

    def _index(self, port: wiring.PureInterface) -> Value:
        """The bank of a port's request, one bit wide at least."""
        return Cat(port.address[self.params.row_bits :], Const(0, 1))

    def _is_beyond(self, port: wiring.PureInterface, reach: tuple[int, ...]) -> Value:
        """Whether a port's request is for a bank that it does not reach."""
        if len(reach) == 1 << (self.params.address_bits - self.params.row_bits):
            return Const(0)
        return ~Cat(equals(self._index(port), b) for b in reach).any()

    def _granted(self, port: wiring.PureInterface, bank: int) -> Value:
        return port.valid & port.ready & equals(self._index(port), bank)

    def _respond(self, m: Module, port: wiring.PureInterface, banks: dict) -> None:
        """Select the bank's word `read_latency` cycles after the grant."""
        valid, index = port.valid & port.ready, self._index(port)
        for _ in range(2 if self.params.read_latency == 3 else 1):
            later_valid = Signal()
            later_index = Signal(len(index))
            m.d.sync += [later_valid.eq(valid), later_index.eq(index)]
            valid, index = later_valid, later_index
        word = Signal(self.params.word_bits)
        with m.Switch(index):
            for b, bank in banks.items():
                with m.Case(b):
                    m.d.comb += word.eq(bank.read_data)
            with m.Default():
                m.d.comb += word.eq(0)
        domain = m.d.comb if self.params.read_latency == 1 else m.d.sync
        domain += [port.response_valid.eq(valid), port.response_data.eq(word)]
