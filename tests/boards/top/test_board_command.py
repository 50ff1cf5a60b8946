"""The command unit against the board in Python: the same answers, the same memory after them."""

import random

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.sim import Simulator
from tilewright.boards.link.device import Device
from tilewright.boards.link.frames import FrameDecoder, encode_frame
from tilewright.boards.link.messages import Identity, Operation, Request, Response
from tilewright.boards.top.command import CommandUnit
from tilewright.boards.top.framing import FrameReceiver, FrameSender
from tilewright.boards.top.memory import BoardMemory
from tilewright.boards.top.params import CommandParams, MemoryParams

BYTE_CYCLES = 10
MEMORY_BYTES = 512
LIMIT_CYCLES = 4000


class Bench:
    """The link without its serial line, a memory, and registers of the bench."""

    def __init__(self, unit_bytes):
        self.identity = Identity(
            unit_bytes=unit_bytes, spec_hash=0xABCD1234, memory_bytes=MEMORY_BYTES,
            register_bytes=64, clock_hz=12_000_000,
        )  # fmt: skip
        m = Module()
        m.submodules.receiver = self.receiver = receiver = FrameReceiver()
        m.submodules.sender = self.sender = sender = FrameSender()
        m.submodules.command = self.command = command = CommandUnit(
            CommandParams(identity=self.identity)
        )
        params = MemoryParams(
            words=MEMORY_BYTES // unit_bytes, data_bytes=unit_bytes, address_bits=16
        )
        m.submodules.memory = memory = BoardMemory(params)
        wiring.connect(m, command.o, sender.i)
        wiring.connect(m, command.memory, memory.link)
        for name in ("is_full", "length", "data", "bad", "missed"):
            m.d.comb += getattr(command, name).eq(getattr(receiver, name))
        m.d.comb += [receiver.address.eq(command.address), receiver.free.eq(command.free)]
        self.module = m
        self.registers = Registers()
        self.resets = 0

    def answers(self, bodies):
        """Send frames one by one and collect the answers."""
        simulator = Simulator(self.module)
        simulator.add_clock(1e-6)
        decoder = FrameDecoder()
        got = []

        async def drive(ctx):
            for body in bodies:
                for byte in encode_frame(body):
                    ctx.set(self.receiver.byte, byte)
                    ctx.set(self.receiver.byte_valid, 1)
                    await ctx.tick()
                    ctx.set(self.receiver.byte_valid, 0)
                    await ctx.tick().repeat(BYTE_CYCLES - 1)
                await self._collect(ctx, decoder, got, len(body) >= 11)

        async def serve(ctx):
            port = self.command.registers
            while True:
                await ctx.tick()
                self.resets += ctx.get(self.command.reset)
                is_asked = ctx.get(port.request) and not ctx.get(port.acknowledge)
                ctx.set(port.acknowledge, is_asked)
                if is_asked:
                    value = ctx.get(port.write_data) if ctx.get(port.is_write) else None
                    read = self.registers(ctx.get(port.address), value)
                    ctx.set(port.read_data, read or 0)
                    ctx.set(port.error, read is None)

        simulator.add_testbench(drive)
        simulator.add_testbench(serve, background=True)
        simulator.run()
        return got

    async def _collect(self, ctx, decoder, got, is_answered):
        ctx.set(self.sender.o.ready, 1)
        for _ in range(LIMIT_CYCLES):
            valid, byte = ctx.get(self.sender.o.valid), ctx.get(self.sender.o.payload)
            await ctx.tick()
            bodies = decoder.feed(bytes([byte])) if valid else []
            got += bodies
            if bodies or not is_answered:
                return
        raise AssertionError("no answer")


class Registers:
    """Sixteen registers, of which the upper half is not there."""

    def __init__(self):
        self.values = [0] * 16
        self.writes = []

    def __call__(self, offset, value):
        if offset >= 32:
            return None
        if value is None:
            return self.values[offset // 4]
        self.writes.append((offset, value))
        self.values[offset // 4] = value
        return value


def random_requests(seed, unit_bytes, num):
    """Mostly right ones in order, some repeated, some wrong in every way."""
    draw = random.Random(seed)
    session, sequence = 7, 0
    requests = [Request(operation=0, session=session, sequence=0, address=1)]
    for _ in range(num):
        kind = draw.random()
        if kind < 0.12:
            requests.append(requests[-1])
            continue
        sequence = sequence + 1 & 0xFFFF
        operation = draw.choice((1, 2, 4, 4, 5, 5, 5, 6, 7, 7))
        unit = unit_bytes if operation in (4, 5) else 4
        limit = MEMORY_BYTES if operation in (4, 5) else 64
        count = unit * draw.randrange(1, 1 + 48 // unit) if operation >= 4 else 0
        address = unit * draw.randrange((limit - count) // unit + 1) if operation >= 4 else 0
        if kind < 0.3:
            operation = draw.choice((operation, operation, 3, 8, 0x45, 0x85))
            address ^= draw.choice((0, 1, 2, MEMORY_BYTES, 1 << 31))
            count += draw.choice((0, 0, 1, unit, 512))
        data = draw.randbytes(count if count < 100 else 0) if operation in (5, 7) else b""
        if kind > 0.97:
            data += b"?"
        requests.append(
            Request(
                operation=operation,
                session=session if draw.random() > 0.04 else 8,
                sequence=sequence if draw.random() > 0.04 else sequence + 3 & 0xFFFF,
                address=address & 0xFFFF_FFFF,
                count=count,
                data=data,
            )
        )
        sequence = _follow(sequence, requests[-1], session)
        if draw.random() < 0.03:
            requests.append(Request(operation=0, session=session, sequence=0, address=1))
            sequence = 0
    return requests


def _follow(sequence, request, session):
    """The last number that the board has taken, as far as this bench knows."""
    is_taken = request.session == session and request.sequence == sequence
    return sequence if is_taken else sequence - 1 & 0xFFFF


@pytest.mark.parametrize(("unit_bytes", "seed"), [(16, 1), (4, 2), (1, 3)])
def test_answers_as_the_board_in_python(unit_bytes, seed):
    bench = Bench(unit_bytes)
    registers = Registers()
    device = Device(identity=bench.identity, registers=registers)
    requests = random_requests(seed, unit_bytes, 45)
    # Everything that was written is read at the end.
    last = [Request(operation=0, session=9, sequence=0, address=1)]
    last += [
        Request(operation=4, session=9, sequence=1 + n, address=256 * n, count=256)
        for n in range(MEMORY_BYTES // 256)
    ]
    bodies = [request.encode() for request in (*requests, *last)]
    expected = [
        Response.decode(body)
        for body in FrameDecoder().feed(device.take(b"".join(map(encode_frame, bodies))))
    ]
    got = [Response.decode(body) for body in bench.answers(bodies)]
    for number, (request, right, answer) in enumerate(
        zip((*requests, *last), expected, got, strict=True)
    ):
        if right.status == 0 or request.operation not in (4, 6):
            assert answer == right, f"seed {seed}, request {number}: {request}"
        else:  # what comes before the status of a failed read means nothing
            assert answer.status == right.status, f"seed {seed}, request {number}: {request}"
    assert bench.registers.writes == registers.writes
    assert bench.resets == 32 * device.num_resets
    assert {answer.status for answer in got} >= {0, 1, 2, 4}


def test_counts_bad_frames():
    bench = Bench(4)
    hello = Request(operation=Operation.HELLO, session=1, sequence=0, address=1).encode()
    state = Request(operation=Operation.STATE, session=1, sequence=1).encode()
    answers = bench.answers([hello, b"short", state])
    assert Response.decode(answers[-1]).data == b"\x01\x00\x00\x00\x00"
