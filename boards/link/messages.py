"""Requests and responses: the bodies of frames. All numbers are little endian.

A request names a session (a random number of the host's) and a sequence number one more than that
of the request before. A board executes each number of the present session once; it answers one that
it has executed already again, and refuses all others. `docs/host-link.md` goes through the cases.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

__all__ = [
    "HEADER_BYTES",
    "MAX_DATA_BYTES",
    "PROTOCOL_VERSION",
    "REGISTER_BYTES",
    "RESPONSE_BIT",
    "Identity",
    "Operation",
    "Request",
    "Response",
    "State",
    "Status",
    "next_sequence",
]

PROTOCOL_VERSION = 1
MAX_DATA_BYTES = 256
REGISTER_BYTES = 4
RESPONSE_BIT = 0x80
_REQUEST = struct.Struct("<BHHIH")
_RESPONSE = struct.Struct("<BHH")
HEADER_BYTES = _REQUEST.size
RESPONSE_HEADER_BYTES = _RESPONSE.size


class Operation(IntEnum):
    """What a request asks for."""

    HELLO = 0
    """begin a session; `address` is the protocol's version; answers an `Identity`"""
    STATE = 1
    """answers a `State`"""
    RESET = 2
    """reset the accelerator; memory keeps its contents"""
    READ_MEMORY = 4
    WRITE_MEMORY = 5
    READ_REGISTERS = 6
    """registers of 32 bits at successive addresses"""
    WRITE_REGISTERS = 7

    @property
    def is_read(self) -> bool:
        """Whether data comes back from an address."""
        return self in (Operation.READ_MEMORY, Operation.READ_REGISTERS)

    @property
    def is_write(self) -> bool:
        """Whether data goes to an address."""
        return self in (Operation.WRITE_MEMORY, Operation.WRITE_REGISTERS)


class Status(IntEnum):
    """The last byte of a response."""

    OK = 0
    REFUSED = 1
    """no such operation, wrong length, address not aligned or out of range"""
    BUS_ERROR = 2
    """a register answered with an error, for instance because there is none"""
    NO_SESSION = 3
    """no session, or another one: the board was reset, or another host has begun"""
    OUT_OF_SEQUENCE = 4
    """neither the next request nor the last one again"""


def next_sequence(sequence: int) -> int:
    """The number of the request after this one: 16 bits, which wrap."""
    return (sequence + 1) & 0xFFFF


@dataclass(frozen=True, kw_only=True)
class Request:
    """`count`: bytes to read or to write; `data`: those to write. Addresses are in bytes."""

    operation: int
    session: int
    sequence: int
    address: int = 0
    count: int = 0
    data: bytes = b""

    def encode(self) -> bytes:
        """The body of its frame."""
        header = (self.operation, self.session, self.sequence, self.address, self.count)
        return _REQUEST.pack(*header) + self.data

    @classmethod
    def decode(cls, body: bytes) -> Request | None:
        """The request in a body; None if it is too short to be one."""
        if len(body) < HEADER_BYTES:
            return None
        operation, session, sequence, address, count = _REQUEST.unpack_from(body)
        return cls(
            operation=operation,
            session=session,
            sequence=sequence,
            address=address,
            count=count,
            data=body[HEADER_BYTES:],
        )


@dataclass(frozen=True, kw_only=True)
class Response:
    """The answer to the request with the same three first fields."""

    operation: int
    session: int
    sequence: int
    status: int
    data: bytes = b""

    def encode(self) -> bytes:
        """The body of its frame: the status is last, when all else is known."""
        header = _RESPONSE.pack(self.operation | RESPONSE_BIT, self.session, self.sequence)
        return header + self.data + bytes([self.status])

    @classmethod
    def decode(cls, body: bytes) -> Response | None:
        """The response in a body; None if it is none."""
        if len(body) < RESPONSE_HEADER_BYTES + 1 or not body[0] & RESPONSE_BIT:
            return None
        operation, session, sequence = _RESPONSE.unpack_from(body)
        return cls(
            operation=operation ^ RESPONSE_BIT,
            session=session,
            sequence=sequence,
            status=body[-1],
            data=body[RESPONSE_HEADER_BYTES:-1],
        )


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What a board says of itself.

    Parameters
    ----------
    unit_bytes : memory is read and written in multiples of this, at multiples of it
    spec_hash : first 32 bits of the design's SHA-256
    memory_bytes : from address 0
    register_bytes : from address 0
    clock_hz : of the design
    """

    unit_bytes: int
    spec_hash: int
    memory_bytes: int
    register_bytes: int
    clock_hz: int

    MAGIC: ClassVar[bytes] = b"TWRT"
    FORM: ClassVar[struct.Struct] = struct.Struct("<4sBBHIIII")

    def encode(self) -> bytes:
        """24 bytes: magic, version, log2 of the unit, most data of a request, the rest."""
        return self.FORM.pack(
            self.MAGIC,
            PROTOCOL_VERSION,
            self.unit_bytes.bit_length() - 1,
            MAX_DATA_BYTES,
            self.spec_hash,
            self.memory_bytes,
            self.register_bytes,
            self.clock_hz,
        )

    @classmethod
    def decode(cls, data: bytes) -> Identity | None:
        """None if it is not that of a board with this protocol."""
        if len(data) != cls.FORM.size:
            return None
        magic, version, unit_log2, most, *numbers = cls.FORM.unpack(data)
        if (magic, version, most) != (cls.MAGIC, PROTOCOL_VERSION, MAX_DATA_BYTES):
            return None
        names = ("spec_hash", "memory_bytes", "register_bytes", "clock_hz")
        return cls(unit_bytes=1 << unit_log2, **dict(zip(names, numbers, strict=True)))


@dataclass(frozen=True, kw_only=True)
class State:
    """Counters of a board since its reset (they wrap at 2**16), and its interrupt.

    Parameters
    ----------
    bad_frames : frames that ended with a wrong CRC or too long
    missed_frames : good ones that came while the one before was still in hand
    """

    bad_frames: int
    missed_frames: int
    has_interrupt: bool

    FORM: ClassVar[struct.Struct] = struct.Struct("<HHB")

    def encode(self) -> bytes:
        """5 bytes."""
        return self.FORM.pack(self.bad_frames, self.missed_frames, self.has_interrupt)

    @classmethod
    def decode(cls, data: bytes) -> State | None:
        """None if the length is wrong."""
        if len(data) != cls.FORM.size:
            return None
        bad, missed, flags = cls.FORM.unpack(data)
        return cls(bad_frames=bad, missed_frames=missed, has_interrupt=bool(flags))
