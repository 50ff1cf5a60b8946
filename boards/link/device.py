"""A board's end of the link in Python: what `boards/top/command.py` does, for tests of hosts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from .frames import FrameDecoder, encode_frame
from .messages import (
    MAX_DATA_BYTES,
    PROTOCOL_VERSION,
    REGISTER_BYTES,
    Identity,
    Operation,
    Request,
    Response,
    State,
    Status,
    next_sequence,
)

__all__ = ["Device", "no_registers"]

ONCE = (Operation.RESET, Operation.WRITE_MEMORY, Operation.WRITE_REGISTERS)
"""Not executed again when they are repeated."""
Access = Callable[[int, int | None], int | None]
"""A register access: offset, and the value to write or None to read; None means a bus error."""


def no_registers(_offset: int, _value: int | None) -> int | None:
    """A board without registers: every access is an error."""
    return None


@dataclass
class Device:
    """`take` bytes from the host and get the bytes of the answers.

    Every frame in `take` is executed at once, so nothing is missed for being busy; the hardware
    drops a frame that comes meanwhile as a whole, which a host sees as a lost frame.
    """

    identity: Identity
    registers: Access = no_registers
    memory: bytearray = field(default_factory=bytearray)
    num_executed: int = 0
    num_resets: int = 0
    _decoder: FrameDecoder = field(default_factory=FrameDecoder)
    _session: int | None = None
    _last: Request | None = None
    _last_status: Status = Status.OK

    def __post_init__(self) -> None:
        self.memory = self.memory or bytearray(self.identity.memory_bytes)

    def take(self, data: bytes) -> bytes:
        """The answers to what these bytes complete."""
        answers = b""
        for body in self._decoder.feed(data):
            request = Request.decode(body)
            if request is None:
                self._decoder.bad_frames += 1
                continue
            answers += encode_frame(self._answer(request).encode())
        return answers

    def _answer(self, request: Request) -> Response:
        if request.operation == Operation.HELLO:
            status, data = self._hello(request)
        else:
            wrong = self._sequence_status(request)
            status, data = (wrong, b"") if wrong is not None else self._serve(request)
        return Response(
            operation=request.operation & 0x7F,
            session=request.session,
            sequence=request.sequence,
            status=status,
            data=data,
        )

    def _hello(self, request: Request) -> tuple[Status, bytes]:
        if request.address != PROTOCOL_VERSION or request.data or request.count:
            return Status.REFUSED, b""
        self._session, self._last, self._last_status = request.session, request, Status.OK
        return Status.OK, self.identity.encode()

    def _sequence_status(self, request: Request) -> Status | None:
        """What is wrong with the request's number, or None."""
        if self._session != request.session or self._last is None:
            return Status.NO_SESSION
        if self._is_repeated(request):
            return None
        is_next = request.sequence == next_sequence(self._last.sequence)
        return None if is_next else Status.OUT_OF_SEQUENCE

    def _is_repeated(self, request: Request) -> bool:
        last = self._last
        assert last is not None
        return (request.sequence, request.operation) == (last.sequence, last.operation)

    def _serve(self, request: Request) -> tuple[Status, bytes]:
        """Execute it; a repeated write is only answered, a repeated read reads again."""
        status, data = self._check(request), b""
        if self._is_repeated(request) and request.operation in ONCE:
            status = self._last_status
        elif status == Status.OK:
            status, data = self._execute(request)
        self._last, self._last_status = request, status
        return status, data

    def _check(self, request: Request) -> Status:
        """Form and range of a request."""
        try:
            operation = Operation(request.operation)
        except ValueError:
            return Status.REFUSED
        if len(request.data) != (request.count if operation.is_write else 0):
            return Status.REFUSED
        if not (operation.is_read or operation.is_write):
            return Status.REFUSED if request.count else Status.OK
        is_memory = operation in (Operation.READ_MEMORY, Operation.WRITE_MEMORY)
        unit = self.identity.unit_bytes if is_memory else REGISTER_BYTES
        limit = self.identity.memory_bytes if is_memory else self.identity.register_bytes
        is_aligned = request.address % unit == 0 and request.count % unit == 0
        is_inside = 0 < request.count <= MAX_DATA_BYTES and request.address + request.count <= limit
        return Status.OK if is_aligned and is_inside else Status.REFUSED

    def _execute(self, request: Request) -> tuple[Status, bytes]:
        start, end = request.address, request.address + request.count
        match request.operation:
            case Operation.STATE:
                return Status.OK, self._state()
            case Operation.RESET:
                self.num_resets += 1
            case Operation.READ_MEMORY:
                return Status.OK, bytes(self.memory[start:end])
            case Operation.WRITE_MEMORY:
                self.num_executed += 1
                self.memory[start:end] = request.data
            case Operation.READ_REGISTERS:
                values = [self.registers(at, None) for at in range(start, end, REGISTER_BYTES)]
                status = Status.BUS_ERROR if None in values else Status.OK
                return status, b"".join((v or 0).to_bytes(4, "little") for v in values)
            case Operation.WRITE_REGISTERS:
                self.num_executed += 1
                return self._write_registers(request), b""
        return Status.OK, b""

    def _write_registers(self, request: Request) -> Status:
        status = Status.OK
        for place in range(0, request.count, REGISTER_BYTES):
            value = int.from_bytes(request.data[place : place + REGISTER_BYTES], "little")
            if self.registers(request.address + place, value) is None:
                status = Status.BUS_ERROR
        return status

    def _state(self) -> bytes:
        state = State(bad_frames=self._decoder.bad_frames, missed_frames=0, has_interrupt=False)
        return state.encode()
