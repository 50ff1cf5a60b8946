"""The host's end of the link: one request at a time, repeated until its answer comes."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

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

__all__ = [
    "Link",
    "LinkError",
    "LinkLostError",
    "LinkRefusedError",
    "LinkTiming",
    "NoAnswerError",
    "Port",
    "Statistics",
]

SMALLEST_SESSION, NUM_SESSIONS = 1, 0xFFFF
BITS_PER_BYTE = 10
"""With start and stop bit."""
MARGIN = 2.0
"""Of the time that the bytes take on the wire: stuffing doubles the bytes at worst."""


class LinkError(Exception):
    """The link failed; the text says how."""


class NoAnswerError(LinkError):
    """No answer to any attempt."""


class LinkLostError(LinkError):
    """The board no longer knows the session."""


class LinkRefusedError(LinkError):
    """The board will not do it, or its register answered with an error."""


class Port(Protocol):
    """A stream of bytes to the board and back."""

    def write(self, data: bytes) -> None:
        """Send all of it."""

    def read(self, seconds: float) -> bytes:
        """What has come; waits for the first byte up to `seconds`; empty when none came."""


@dataclass(frozen=True, kw_only=True)
class LinkTiming:
    """How long to wait.

    Parameters
    ----------
    bits_per_second : on the wire
    answer_seconds : from the end of a request to the end of its answer, beside the time of the
        bytes: what the computer, its USB and the board need together
    attempts : how often a request is sent
    """

    bits_per_second: int = 1_000_000
    answer_seconds: float = 0.25
    attempts: int = 10

    def seconds(self, num_bytes: int) -> float:
        """Time to wait for the answer where `num_bytes` go both ways together."""
        wire = num_bytes * BITS_PER_BYTE / self.bits_per_second
        return self.answer_seconds + MARGIN * wire


@dataclass
class Statistics:
    """What happened on the link so far."""

    requests: int = 0
    repeats: int = 0
    sent_bytes: int = 0
    received_bytes: int = 0
    bad_frames: int = 0
    foreign_frames: int = 0


class Link:
    """A session with a board.

    `open` comes first; every other call raises `LinkLostError` if the board was reset or another
    host has begun a session since, `NoAnswerError` if it stays silent, `LinkRefusedError` if it
    refuses. Whatever happened to a program that used the board before, a new `Link` begins anew.
    """

    def __init__(
        self,
        port: Port,
        *,
        timing: LinkTiming | None = None,
        session: int | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.statistics = Statistics()
        self.identity: Identity | None = None
        self._port = port
        self._timing = timing or LinkTiming()
        # Random, so that no answer to another program is taken for one to us.
        random = SMALLEST_SESSION + secrets.randbelow(NUM_SESSIONS)
        self._session = random if session is None else session
        self._sequence = 0
        self._now = now
        self._decoder = FrameDecoder()

    def open(self) -> Identity:
        """Begin the session; what the board is. Raises `LinkError` if it is none of ours."""
        self._sequence = 0
        hello = Request(
            operation=Operation.HELLO,
            session=self._session,
            sequence=self._sequence,
            address=PROTOCOL_VERSION,
        )
        data = self._call(hello, answer_bytes=32)
        identity = Identity.decode(data)
        if identity is None:
            raise LinkError("the board answers, but not in this version of the protocol")
        self.identity = identity
        return identity

    def state(self) -> State:
        """The board's counters."""
        state = State.decode(self._next(Operation.STATE, answer_bytes=8))
        if state is None:
            raise LinkError("the board's state has another form than expected")
        return state

    def reset(self) -> None:
        """Reset the accelerator, whatever it is doing; memory keeps its contents."""
        self._next(Operation.RESET)

    def write_memory(self, address: int, data: bytes) -> None:
        """Write bytes at an address; both are multiples of the board's unit."""
        for start in range(0, len(data), MAX_DATA_BYTES):
            part = data[start : start + MAX_DATA_BYTES]
            self._next(Operation.WRITE_MEMORY, address=address + start, data=part)

    def read_memory(self, address: int, count: int) -> bytes:
        """Read `count` bytes; both are multiples of the board's unit."""
        return self._read(Operation.READ_MEMORY, address, count)

    def write_registers(self, offset: int, values: Sequence[int]) -> None:
        """Write registers at successive offsets, each once: also those that start something."""
        words = [value.to_bytes(REGISTER_BYTES, "little") for value in values]
        most = MAX_DATA_BYTES // REGISTER_BYTES
        for start in range(0, len(words), most):
            part = b"".join(words[start : start + most])
            place = offset + REGISTER_BYTES * start
            self._next(Operation.WRITE_REGISTERS, address=place, data=part)

    def read_registers(self, offset: int, count: int = 1) -> tuple[int, ...]:
        """Read `count` registers at successive offsets."""
        data = self._read(Operation.READ_REGISTERS, offset, REGISTER_BYTES * count)
        places = range(0, len(data), REGISTER_BYTES)
        return tuple(int.from_bytes(data[p : p + REGISTER_BYTES], "little") for p in places)

    def _read(self, operation: Operation, address: int, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = min(MAX_DATA_BYTES, count - len(data))
            place = address + len(data)
            got = self._next(operation, address=place, count=part, answer_bytes=part)
            if len(got) != part:
                raise LinkError(f"{part} bytes were asked for, {len(got)} came")
            data += got
        return data

    def _next(
        self,
        operation: Operation,
        *,
        address: int = 0,
        count: int = 0,
        data: bytes = b"",
        answer_bytes: int = 0,
    ) -> bytes:
        """The next request of the session."""
        if self.identity is None:
            raise LinkError("the session is not open")
        self._sequence = next_sequence(self._sequence)
        request = Request(
            operation=operation,
            session=self._session,
            sequence=self._sequence,
            address=address,
            count=count or len(data),
            data=data,
        )
        return self._call(request, answer_bytes)

    def _call(self, request: Request, answer_bytes: int) -> bytes:
        """Send a request until its answer comes; the answer's data."""
        wire = encode_frame(request.encode())
        seconds = self._timing.seconds(len(wire) + answer_bytes + 16)
        self.statistics.requests += 1
        for attempt in range(self._timing.attempts):
            self.statistics.repeats += attempt > 0
            self.statistics.sent_bytes += len(wire)
            self._port.write(wire)
            response = self._wait(request, seconds)
            if response is not None:
                return self._judge(request, response)
        raise NoAnswerError(
            f"no answer to {_name(request)} in {self._timing.attempts} attempts, "
            f"{self.statistics.received_bytes} bytes came in all"
        )

    def _wait(self, request: Request, seconds: float) -> Response | None:
        """The answer to this very request, or None when the time is up."""
        deadline = self._now() + seconds
        while (left := deadline - self._now()) > 0:
            data = self._port.read(left)
            self.statistics.received_bytes += len(data)
            found = None
            for body in self._decoder.feed(data):
                response = Response.decode(body)
                if response is not None and _answers(response, request):
                    found = response
                else:  # to an earlier attempt that seemed lost, or to another program
                    self.statistics.foreign_frames += 1
            self.statistics.bad_frames = self._decoder.bad_frames
            if found is not None:
                return found
        return None

    def _judge(self, request: Request, response: Response) -> bytes:
        name = _name(request)
        place = f"{name} of {request.count} bytes at {request.address:#x}"
        match response.status:
            case Status.OK:
                return response.data
            case Status.NO_SESSION | Status.OUT_OF_SEQUENCE:
                raise LinkLostError(
                    f"{name}: the board no longer knows this session: it was reset or configured "
                    "anew, or another program uses it"
                )
            case Status.BUS_ERROR:
                raise LinkRefusedError(f"{place}: the register answered with an error")
            case _:
                raise LinkRefusedError(f"{place}: refused by the board")


def _name(request: Request) -> str:
    return Operation(request.operation).name.lower()


def _answers(response: Response, request: Request) -> bool:
    mine = (request.operation, request.session, request.sequence)
    return (response.operation, response.session, response.sequence) == mine
