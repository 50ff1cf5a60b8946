"""Frames on a stream of bytes that may lose, double, change or invent some.

A frame is `FLAG`, the body with its CRC-32, `FLAG`; in between, `FLAG` and `ESCAPE` are sent as
`ESCAPE` and the byte with bit 5 changed. That is the asynchronous framing of RFC 1662, section 4.2;
`ESCAPE FLAG` there ends a frame that counts for nothing. The CRC is that of IEEE 802.3, section
3.2.9 (polynomial 0x04C11DB7, reflected, inverted before and after), sent lowest byte first, and is
computed by the standard library's `zlib`.

So a receiver finds the next frame whatever came before it, and takes none whose bytes are not those
that were sent: a changed frame passes with a probability of 2**-32.
"""

from __future__ import annotations

import zlib

__all__ = ["CRC_BYTES", "ESCAPE", "FLAG", "MAX_BODY_BYTES", "FrameDecoder", "encode_frame"]

FLAG = 0x7E
ESCAPE = 0x7D
FLIP = 0x20
CRC_BYTES = 4
MAX_BODY_BYTES = 512 - CRC_BYTES
"""A board keeps a frame with its CRC in 512 bytes of memory; longer ones are dropped."""


def encode_frame(body: bytes) -> bytes:
    """The bytes on the wire for `body`, flags included. Raises `ValueError` if it is too long."""
    if not 1 <= len(body) <= MAX_BODY_BYTES:
        raise ValueError(f"a frame's body has 1..{MAX_BODY_BYTES} bytes, got {len(body)}")
    wire = bytearray([FLAG])
    for byte in body + zlib.crc32(body).to_bytes(CRC_BYTES, "little"):
        if byte in (FLAG, ESCAPE):
            wire += bytes([ESCAPE, byte ^ FLIP])
        else:
            wire.append(byte)
    wire.append(FLAG)
    return bytes(wire)


class FrameDecoder:
    """Bytes in, bodies of good frames out.

    `bad_frames` counts frames that ended with a wrong CRC, too short, too long, or by `ESCAPE
    FLAG`. Before the first flag nothing is a frame: noise there is not counted.
    """

    def __init__(self) -> None:
        self.bad_frames = 0
        self._frame = bytearray()
        self._is_inside = False
        self._is_escaped = False

    def feed(self, data: bytes) -> list[bytes]:
        """The bodies that these bytes complete, in order."""
        bodies = []
        for byte in data:
            if byte == FLAG:
                body = self._end()
                if body is not None:
                    bodies.append(body)
            elif self._is_inside:
                self._take(byte)
        return bodies

    def _take(self, byte: int) -> None:
        if self._is_escaped:
            self._is_escaped = False
            byte ^= FLIP
        elif byte == ESCAPE:
            self._is_escaped = True
            return
        # One byte more than fits marks a frame that is too long.
        if len(self._frame) <= MAX_BODY_BYTES + CRC_BYTES:
            self._frame.append(byte)

    def _end(self) -> bytes | None:
        """A flag: the frame so far is judged, the next begins."""
        frame, was_escaped = bytes(self._frame), self._is_escaped
        self._frame.clear()
        self._is_inside, self._is_escaped = True, False
        if not frame and not was_escaped:
            return None
        body, crc = frame[:-CRC_BYTES], frame[-CRC_BYTES:]
        is_whole = 0 < len(body) <= MAX_BODY_BYTES and not was_escaped
        if is_whole and zlib.crc32(body) == int.from_bytes(crc, "little"):
            return body
        self.bad_frames += 1
        return None
