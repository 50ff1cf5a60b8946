"""A board in Python, and links to it."""

import itertools

import pytest
from tilewright.boards.link.device import Device
from tilewright.boards.link.host import Link, LinkTiming
from tilewright.boards.link.messages import Identity

IDENTITY = Identity(
    unit_bytes=16, spec_hash=0xC0FFEE01, memory_bytes=4096, register_bytes=64, clock_hz=25_000_000
)
PATIENT = LinkTiming(attempts=60)


class Registers:
    """Sixteen registers; a write to offset 0 counts a start, offsets from 32 on are not there."""

    def __init__(self):
        self.values = [0] * 16
        self.starts = 0

    def __call__(self, offset, value):
        if offset >= 32:
            return None
        if value is None:
            return self.values[offset // 4]
        self.starts += offset == 0
        self.values[offset // 4] = value
        return value


@pytest.fixture
def board():
    """A board and its registers."""
    registers = Registers()
    return Device(identity=IDENTITY, registers=registers), registers


@pytest.fixture
def link_to():
    """A patient link over a port with its own clock; sessions are 1, 2, ..., not by chance."""
    numbers = itertools.count(1)

    def make(port, session=None):
        session = next(numbers) if session is None else session
        return Link(port, timing=PATIENT, session=session, now=port.now)

    return make
