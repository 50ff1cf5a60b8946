"""Frames and messages of the host link."""

import random
import zlib

import pytest
from tilewright.boards.link.frames import (
    ESCAPE,
    FLAG,
    MAX_BODY_BYTES,
    FrameDecoder,
    encode_frame,
)
from tilewright.boards.link.messages import Identity, Operation, Request, Response, State, Status

IDENTITY = Identity(
    unit_bytes=16, spec_hash=0xC0FFEE01, memory_bytes=4096, register_bytes=64, clock_hz=25_000_000
)


def test_crc_is_that_of_the_standard():
    # The check value of CRC-32/ISO-HDLC in Greg Cook's catalogue: of the digits 1 to 9.
    assert zlib.crc32(b"123456789") == 0xCBF43926
    assert encode_frame(b"123456789") == b"\x7e123456789\x26\x39\xf4\xcb\x7e"


@pytest.mark.parametrize("size", [1, 2, 255, MAX_BODY_BYTES])
def test_frames_come_back(size):
    draw = random.Random(size)
    bodies = [bytes(draw.choices((FLAG, ESCAPE, 0x5E, 0x5D, 0, 255), k=size)) for _ in range(20)]
    decoder = FrameDecoder()
    assert decoder.feed(b"".join(map(encode_frame, bodies))) == bodies
    assert decoder.bad_frames == 0


@pytest.mark.parametrize("size", [0, MAX_BODY_BYTES + 1])
def test_bodies_have_a_length(size):
    with pytest.raises(ValueError, match=r"1\.\."):
        encode_frame(bytes(size))


def test_a_frame_that_is_too_long_is_dropped():
    body = bytes(MAX_BODY_BYTES + 1)
    wire = bytes([FLAG]) + body + zlib.crc32(body).to_bytes(4, "little") + bytes([FLAG])
    decoder = FrameDecoder()
    assert decoder.feed(wire + encode_frame(b"next")) == [b"next"]
    assert decoder.bad_frames == 1


def test_torn_frames_end_at_the_next_flag():
    """Cut at every place, also behind an escape: the frame behind it is received."""
    wire = encode_frame(bytes([FLAG, ESCAPE, 1, 2, 3]))
    for end in range(len(wire) - 1):
        decoder = FrameDecoder()
        assert decoder.feed(wire[:end] + encode_frame(b"next")) == [b"next"], end


def test_noise_makes_no_frame():
    draw = random.Random(3)
    decoder = FrameDecoder()
    assert decoder.feed(draw.randbytes(300_000)) == []
    assert decoder.bad_frames > 500


# ---- messages


def test_messages_come_back():
    request = Request(
        operation=Operation.WRITE_MEMORY, session=0x1234, sequence=0xFFFF, address=0x89ABCDEF,
        count=3, data=b"abc",
    )  # fmt: skip
    body = request.encode()
    assert body == bytes.fromhex("053412ffffefcdab890300616263")
    assert Request.decode(body) == request
    assert Request.decode(body[:10]) is None
    response = Response(operation=5, session=0x1234, sequence=7, status=Status.OK, data=b"xyz")
    assert response.encode() == bytes.fromhex("8534120700") + b"xyz\x00"
    assert Response.decode(response.encode()) == response
    assert Response.decode(body) is None  # a request that came back is no answer
    assert Identity.decode(IDENTITY.encode()) == IDENTITY
    assert Identity.decode(b"X" + IDENTITY.encode()[1:]) is None
    state = State(bad_frames=3, missed_frames=4, has_interrupt=True)
    assert State.decode(state.encode()) == state
