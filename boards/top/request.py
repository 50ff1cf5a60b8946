"""What a request asks for, and whether that is right."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from tilewright.boards.link.messages import (
    HEADER_BYTES,
    MAX_DATA_BYTES,
    PROTOCOL_VERSION,
    REGISTER_BYTES,
    Operation,
)

from .params import BUFFER_BYTES, CommandParams

__all__ = ["RequestCheck"]

OPERATION_BITS = 3


class RequestCheck(wiring.Component):
    """Form, range and place in the session of a request.

    Parameters
    ----------
    params : CommandParams.

    Members
    -------
    header : In, as `boards.link.messages.Request` begins. length : In, bytes of the body. session,
    sequence, operation, is_open : In, of the last request that was accepted.
    is_memory, is_write, is_read, is_hello : Out(1), the kind.
    is_refused : Out(1), wrong form or range. is_mine : Out(1), of the open session. is_next,
    is_again : Out(1), its number follows the last one, or it is the last one.

    Timing
    ------
    The kind at once, the others one cycle after the inputs.
    """

    def __init__(self, params: CommandParams) -> None:
        self.params = params
        super().__init__(
            {
                "header": In(8 * HEADER_BYTES),
                "length": In(range(BUFFER_BYTES + 1)),
                "session": In(16),
                "sequence": In(16),
                "operation": In(8),
                "is_open": In(1),
                "is_memory": Out(1),
                "is_write": Out(1),
                "is_read": Out(1),
                "is_hello": Out(1),
                "is_refused": Out(1),
                "is_mine": Out(1),
                "is_next": Out(1),
                "is_again": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        operation, session, sequence = self.header[:8], self.header[8:24], self.header[24:40]
        address, count = self.header[40:72], self.header[72:]
        low = operation[:OPERATION_BITS]
        m.d.comb += [
            self.is_memory.eq(~low[1]),
            self.is_hello.eq(operation == Operation.HELLO),
            self.is_write.eq((low == Operation.WRITE_MEMORY) | (low == Operation.WRITE_REGISTERS)),
            self.is_read.eq((low == Operation.READ_MEMORY) | (low == Operation.READ_REGISTERS)),
        ]
        is_known = ~operation[OPERATION_BITS:].any() & (low != 3)
        is_formed = self.length == HEADER_BYTES + Mux(self.is_write, count, 0)
        is_hello_good = (address == PROTOCOL_VERSION) & (count == 0)
        is_plain_good = Mux(self.is_hello, is_hello_good, count == 0)
        is_access = self.is_write | self.is_read
        is_asked_well = Mux(is_access, self._is_in_range(m, address, count), is_plain_good)
        m.d.sync += [
            self.is_refused.eq(~(is_known & is_formed & is_asked_well)),
            self.is_mine.eq(self.is_open & (session == self.session)),
            self.is_next.eq(sequence == (self.sequence + 1)[:16]),
            self.is_again.eq((sequence == self.sequence) & (operation == self.operation)),
        ]
        return m

    def _is_in_range(self, m: Module, address, count):
        """Aligned, not empty, not too long, and all of it there."""
        identity, bits = self.params.identity, self.params.address_bits
        unit_mask = Mux(self.is_memory, identity.unit_bytes - 1, REGISTER_BYTES - 1)
        limit = Mux(self.is_memory, identity.memory_bytes, identity.register_bytes)
        end = Signal(bits + 1)
        m.d.comb += end.eq(address[:bits] + count[: MAX_DATA_BYTES.bit_length()])
        is_aligned = ~((address | count) & unit_mask).any()
        is_inside = ~address[bits:].any() & (end <= limit)
        return is_aligned & is_inside & (count != 0) & (count <= MAX_DATA_BYTES)
