"""Frames in hardware against those in Python, byte for byte, over a damaged line."""

import random
import zlib

import pytest
from tilewright.boards.link.faults import FaultRates, damage
from tilewright.boards.link.frames import ESCAPE, FLAG, FrameDecoder, encode_frame
from tilewright.boards.link.messages import HEADER_BYTES
from tilewright.boards.top.framing import FrameReceiver, FrameSender
from tilewright.sim import pysim

BYTE_CYCLES = 12
"""A serial line gives the CRC 40 cycles and more."""


def random_bodies(seed, num, longest=60):
    draw = random.Random(seed)
    alphabet = [FLAG, ESCAPE, *range(256)]
    return [
        bytes(draw.choices(alphabet, k=draw.randrange(HEADER_BYTES, longest))) for _ in range(num)
    ]


def receive(wire, *, hold=0, errors=()):
    """Bodies that the receiver took, and how often it was bad or missed one.

    Each frame is freed `hold` cycles after its bytes were read. `errors`: positions of bytes that
    the line lost.
    """
    dut = FrameReceiver()
    bodies = []

    async def drive(ctx):
        for place, byte in enumerate(wire):
            ctx.set(dut.byte, byte)
            ctx.set(dut.byte_valid, place not in errors)
            ctx.set(dut.byte_error, place in errors)
            await ctx.tick()
            ctx.set(dut.byte_valid, 0)
            ctx.set(dut.byte_error, 0)
            await ctx.tick().repeat(BYTE_CYCLES - 1)
        await ctx.tick().repeat(700 + hold)

    async def take(ctx):
        while True:
            while not ctx.get(dut.is_full):
                await ctx.tick()
            body = bytearray()
            for address in range(ctx.get(dut.length)):
                ctx.set(dut.address, address)
                await ctx.tick()
                body.append(ctx.get(dut.data))
            await ctx.tick().repeat(hold + 1)
            bodies.append(bytes(body))
            ctx.set(dut.free, 1)
            await ctx.tick()
            ctx.set(dut.free, 0)

    watch = {"bad": dut.bad, "missed": dut.missed}
    trace = _simulate(dut, drive, take, watch)
    return bodies, len(trace.when("bad")), len(trace.when("missed"))


def _simulate(dut, drive, take, watch):
    """`take` never ends: it is no bench that is waited for."""
    ended = []

    async def bounded(ctx):
        await drive(ctx)
        ended.append(True)

    simulator = pysim._simulator(dut)
    trace = pysim.Trace({name: [] for name in watch})

    async def sample(ctx):
        while not ended:
            _, _, *row = await ctx.tick().sample(*watch.values())
            for column, value in zip(trace.signals.values(), row, strict=True):
                column.append(int(value))
            assert trace.cycles < 200_000, "not done"

    simulator.add_testbench(bounded, background=True)
    simulator.add_testbench(take, background=True)
    simulator.add_testbench(sample)
    simulator.run()
    return trace


def test_sender_makes_the_same_bytes():
    bodies = [bytes([7]), bytes([FLAG]), *random_bodies(1, 12, 30)]
    dut = FrameSender()
    expected = b"".join(map(encode_frame, bodies))

    async def put(ctx):
        for body in bodies:
            words = [{"data": b, "last": place == len(body) - 1} for place, b in enumerate(body)]
            await pysim.put(ctx, dut.i, words, pysim.stalls("random", 3))

    async def get(ctx):
        await pysim.get(ctx, dut.o, len(expected), pysim.stalls("random", 4))

    trace = pysim.simulate(dut, [put, get], {}, streams={"o": dut.o}, limit_cycles=50_000)
    assert bytes(trace.payloads("o")) == expected


@pytest.mark.parametrize("seed", range(2))
def test_receiver_takes_what_the_decoder_takes(seed):
    """Every kind of damage: the same bodies and the same number of bad frames."""
    rates = FaultRates(drop=0.004, double=0.004, change=0.004, insert=0.004, flag=0.004)
    pause = bytes([FLAG] * 8)  # so that no frame comes too early
    wire = pause.join(map(encode_frame, random_bodies(seed, 24)))
    wire = damage(wire, rates, random.Random(seed))
    decoder = FrameDecoder()
    expected = decoder.feed(wire + bytes([FLAG]))
    assert 0 < len(expected) < 24
    assert receive(wire + bytes([FLAG])) == (expected, decoder.bad_frames, 0)


def test_a_frame_that_comes_too_early_is_missed_as_a_whole():
    """The first is held for the time of two; no byte of the second reaches the buffer."""
    bodies = random_bodies(5, 4, 20)
    wire = b"".join(map(encode_frame, bodies))
    taken, bad, missed = receive(wire, hold=30 * BYTE_CYCLES)
    assert taken[0] == bodies[0]
    assert all(body in bodies for body in taken)
    assert (bad, missed) == (0, 4 - len(taken))
    assert missed > 0


def test_the_longest_frame_and_one_byte_more():
    longest, beyond = random.Random(6).randbytes(508), random.Random(7).randbytes(509)

    def raw(body):
        inner = body + zlib.crc32(body).to_bytes(4, "little")
        for byte in (ESCAPE, FLAG):
            inner = inner.replace(bytes([byte]), bytes([ESCAPE, byte ^ 0x20]))
        return bytes([FLAG]) + inner + bytes([FLAG])

    assert raw(longest) == encode_frame(longest)
    wire = raw(beyond) + raw(longest) + encode_frame(bytes(HEADER_BYTES))
    taken, bad, missed = receive(wire)
    assert taken == [longest] or taken == [longest, bytes(HEADER_BYTES)]
    assert (bad, len(taken) + missed) == (1, 2)


def test_a_frame_shorter_than_a_header_is_bad():
    assert receive(encode_frame(bytes(HEADER_BYTES - 1)))[:2] == ([], 1)


def test_a_byte_that_the_line_lost_ends_the_frame():
    bodies = random_bodies(8, 2, 20)
    wire = b"".join(map(encode_frame, bodies))
    assert receive(wire, errors=(5,)) == ([bodies[1]], 1, 0)
