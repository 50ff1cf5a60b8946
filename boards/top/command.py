"""The board's end of the link: executes the requests in received frames."""

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from tilewright.boards.link.messages import (
    HEADER_BYTES,
    MAX_DATA_BYTES,
    REGISTER_BYTES,
    RESPONSE_BIT,
    RESPONSE_HEADER_BYTES,
    Operation,
    State,
    Status,
)

from .params import BUFFER_BYTES, CommandParams
from .port import LinkPort
from .request import RequestCheck

__all__ = ["CommandUnit"]

RESET_CYCLES = 32


class CommandUnit(wiring.Component):
    """Executes requests, each of a session once, and answers them.

    `boards/link/device.py` is the same in Python; `docs/host-link.md` says why it is as it is.

    Parameters
    ----------
    params : CommandParams.

    Members
    -------
    is_full, length, address, data, free : a received frame (`framing.FrameReceiver`).
    bad, missed : In(1), events that are counted. has_interrupt : In(1), told in the state.
    o : Out(stream of data : 8, last : 1), the body of the answer.
    memory : Out(LinkPort), byte addresses, words of `unit_bytes`. registers : Out(LinkPort), byte
    addresses, words of 4 bytes. reset : Out(1), high for `RESET_CYCLES` when asked for.
    is_serving : Out(1), a request is in hand.

    Timing
    ------
    Two cycles per byte of a request, one per byte of an answer as the sender takes them. The frame
    is freed before the answer is sent.
    """

    def __init__(self, params: CommandParams) -> None:
        self.params = params
        body = data.StructLayout({"data": 8, "last": 1})
        super().__init__(
            {
                "is_full": In(1),
                "length": In(range(BUFFER_BYTES + 1)),
                "address": Out(range(BUFFER_BYTES)),
                "data": In(8),
                "free": Out(1),
                "bad": In(1),
                "missed": In(1),
                "has_interrupt": In(1),
                "o": Out(stream.Signature(body)),
                "memory": Out(LinkPort(8 * params.identity.unit_bytes)),
                "registers": Out(LinkPort(8 * REGISTER_BYTES)),
                "reset": Out(1),
                "is_serving": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        self._declare()
        self._count(m)
        m.submodules.check = check = self.check
        m.d.comb += [
            check.header.eq(self._field(0, HEADER_BYTES)),
            check.length.eq(self.length),
            check.session.eq(self.session),
            check.sequence.eq(self.sequence),
            check.operation.eq(self.operation),
            check.is_open.eq(self.is_open),
            self.address.eq(self.index),
            self.memory.address.eq(self.at),
            self.registers.address.eq(self.at),
            self.memory.is_write.eq(self.check.is_write),
            self.registers.is_write.eq(self.check.is_write),
            self.memory.write_data.eq(self.word[-len(self.memory.write_data) :]),
            self.registers.write_data.eq(self.word[-len(self.registers.write_data) :]),
        ]
        with m.FSM() as states:
            self._read_header(m)
            self._judge(m)
            self._write(m)
            self._answer(m)
            self._tell(m)
            self._read(m)
            m.d.comb += self.is_serving.eq(~states.ongoing("WAIT"))
        return m

    def _declare(self) -> None:
        """State that several steps share."""
        self.check = RequestCheck(self.params)
        self.index = Signal(range(BUFFER_BYTES))
        self.is_fetched = Signal()
        self.header = Array(Signal(8, name=f"header{n}") for n in range(HEADER_BYTES))
        self.at = Signal(self.params.address_bits)
        self.left = Signal(range(MAX_DATA_BYTES + 1))
        self.word = Signal(8 * self.params.word_bytes)
        self.place = Signal(range(self.params.word_bytes))
        self.status = Signal(8)
        self.session = Signal(16)
        self.sequence = Signal(16)
        self.operation = Signal(8)
        self.is_accepted = Signal()
        self.is_open = Signal()
        self.last_status = Signal(2)
        self.counts = [Signal(16, name=name) for name in ("bad_frames", "missed_frames")]

    def _count(self, m: Module) -> None:
        for count, event in zip(self.counts, (self.bad, self.missed), strict=True):
            m.d.sync += count.eq(count + event)

    def _field(self, first: int, num: int) -> Cat:
        return Cat(*list(self.header)[first : first + num])

    def _port_in_use(self) -> tuple[Value, Value, Value]:
        """Last byte of a word, acknowledgement and error of memory or registers."""
        is_memory = self.check.is_memory
        return (
            Mux(is_memory, self.params.identity.unit_bytes - 1, REGISTER_BYTES - 1),
            Mux(is_memory, self.memory.acknowledge, self.registers.acknowledge),
            Mux(is_memory, self.memory.error, self.registers.error),
        )

    def _read_header(self, m: Module) -> None:
        with m.State("WAIT"):
            m.d.sync += [self.index.eq(0), self.is_fetched.eq(0), self.place.eq(0)]
            with m.If(self.is_full):
                m.next = "HEADER"
        with m.State("HEADER"):
            m.d.sync += self.is_fetched.eq(~self.is_fetched)
            with m.If(self.is_fetched):
                m.d.sync += [
                    self.header[self.index[:4]].eq(self.data),
                    self.index.eq(self.index + 1),
                ]
                with m.If(self.index == HEADER_BYTES - 1):
                    m.next = "CHECK"
        with m.State("CHECK"):
            m.next = "JUDGE"

    def _judge(self, m: Module) -> None:
        """Whether to execute; a repeated request that changes something is only answered."""
        is_once = self.check.is_write | (self.header[0] == Operation.RESET)
        is_accepted = self.check.is_hello & ~self.check.is_refused | ~self.check.is_hello & (
            self.check.is_mine & (self.check.is_next | self.check.is_again)
        )
        is_new = self.check.is_hello | ~self.check.is_again
        with m.State("JUDGE"):
            m.d.sync += [self.at.eq(self._field(5, 4)), self.left.eq(self._field(9, 2))]
            m.next = "FREE"
            with m.If(self.check.is_hello):
                m.d.sync += self.status.eq(Mux(self.check.is_refused, Status.REFUSED, Status.OK))
            with m.Elif(~self.check.is_mine):
                m.d.sync += self.status.eq(Status.NO_SESSION)
            with m.Elif(~is_accepted):
                m.d.sync += self.status.eq(Status.OUT_OF_SEQUENCE)
            with m.Elif(is_once & ~is_new):
                m.d.sync += self.status.eq(self.last_status)
            with m.Elif(self.check.is_refused):
                m.d.sync += self.status.eq(Status.REFUSED)
            with m.Else():
                m.d.sync += self.status.eq(Status.OK)
                with m.If(self.check.is_write):
                    m.next = "GATHER"
                with m.Elif(self.header[0] == Operation.RESET):
                    m.next = "RESET"
            m.d.sync += self.is_accepted.eq(is_accepted)
            with m.If(is_accepted):
                m.d.sync += [
                    self.session.eq(self._field(1, 2)),
                    self.sequence.eq(self._field(3, 2)),
                    self.operation.eq(self.header[0]),
                    self.is_open.eq(1),
                ]

    def _write(self, m: Module) -> None:
        """Bytes of the frame to words, words to their place."""
        unit_last, acknowledge, error = self._port_in_use()
        with m.State("GATHER"):
            m.d.sync += self.is_fetched.eq(~self.is_fetched)
            with m.If(self.is_fetched):
                m.d.sync += [
                    self.word.eq(Cat(self.word[8:], self.data)),
                    self.index.eq(self.index + 1),
                    self.left.eq(self.left - 1),
                    self.place.eq(Mux(self.place == unit_last, 0, self.place + 1)),
                ]
                with m.If(self.place == unit_last):
                    m.next = "STORE"
        with m.State("STORE"):
            m.d.comb += self.memory.request.eq(self.check.is_memory)
            m.d.comb += self.registers.request.eq(~self.check.is_memory)
            with m.If(acknowledge):
                m.d.sync += self.at.eq(self.at + unit_last + 1)
                with m.If(error):
                    m.d.sync += self.status.eq(Status.BUS_ERROR)
                m.next = "GATHER"
                with m.If(self.left == 0):
                    m.next = "FREE"
        cycles = Signal(range(RESET_CYCLES))
        with m.State("RESET"):
            m.d.comb += self.reset.eq(1)
            m.d.sync += cycles.eq(cycles + 1)
            with m.If(cycles == RESET_CYCLES - 1):
                m.next = "FREE"

    def _answer(self, m: Module) -> None:
        """Header, what the operation answers, status."""
        o, index = self.o, self.index
        is_ok = self.status == Status.OK
        header = Array([self.header[0] | RESPONSE_BIT, *list(self.header)[1:5]])
        with m.State("FREE"):
            m.d.comb += self.free.eq(1)
            m.d.sync += index.eq(0)
            with m.If(self.is_accepted):
                m.d.sync += self.last_status.eq(self.status)
            m.next = "SEND_HEADER"
        with m.State("SEND_HEADER"):
            m.d.comb += [o.valid.eq(1), o.payload.data.eq(header[index[:3]])]
            with m.If(o.ready):
                m.d.sync += index.eq(index + 1)
                with m.If(index == RESPONSE_HEADER_BYTES - 1):
                    m.d.sync += index.eq(0)
                    m.next = "SEND_STATUS"
                    with m.If(is_ok & self.check.is_read):
                        m.next = "LOAD"
                    with m.Elif(is_ok & self.check.is_hello):
                        m.next = "SEND_IDENTITY"
                    with m.Elif(is_ok & (self.header[0] == Operation.STATE)):
                        m.next = "SEND_STATE"
        with m.State("SEND_STATUS"):
            m.d.comb += [o.valid.eq(1), o.payload.data.eq(self.status), o.payload.last.eq(1)]
            with m.If(o.ready):
                m.next = "WAIT"

    def _tell(self, m: Module) -> None:
        """Identity and state."""
        o, index = self.o, self.index
        identity = self.params.identity.encode()
        state = Cat(*self.counts, self.has_interrupt, Const(0, 7))
        state_bytes = Array(state.word_select(n, 8) for n in range(State.FORM.size))
        tables = (
            ("SEND_IDENTITY", Array(Const(byte, 8) for byte in identity), len(identity)),
            ("SEND_STATE", state_bytes, State.FORM.size),
        )
        for name, values, length in tables:
            with m.State(name):
                m.d.comb += [o.valid.eq(1), o.payload.data.eq(values[index[:5]])]
                with m.If(o.ready):
                    m.d.sync += index.eq(index + 1)
                    with m.If(index == length - 1):
                        m.next = "SEND_STATUS"

    def _read(self, m: Module) -> None:
        """Words from their place, bytes of them to the answer."""
        unit_last, acknowledge, error = self._port_in_use()
        with m.State("LOAD"):
            m.d.comb += self.memory.request.eq(self.check.is_memory)
            m.d.comb += self.registers.request.eq(~self.check.is_memory)
            with m.If(acknowledge):
                m.d.sync += [
                    self.word.eq(
                        Mux(self.check.is_memory, self.memory.read_data, self.registers.read_data)
                    ),
                    self.at.eq(self.at + unit_last + 1),
                ]
                with m.If(error):
                    m.d.sync += self.status.eq(Status.BUS_ERROR)
                m.next = "SEND_WORD"
        with m.State("SEND_WORD"):
            m.d.comb += [self.o.valid.eq(1), self.o.payload.data.eq(self.word[:8])]
            with m.If(self.o.ready):
                m.d.sync += [
                    self.word.eq(self.word >> 8),
                    self.left.eq(self.left - 1),
                    self.place.eq(Mux(self.place == unit_last, 0, self.place + 1)),
                ]
                with m.If(self.place == unit_last):
                    m.next = "LOAD"
                    with m.If(self.left == 1):
                        m.next = "SEND_STATUS"
