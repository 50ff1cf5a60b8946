"""Frames on the serial line: flags, stuffing and CRC (`boards/link/frames.py` says how)."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.crc import catalog
from amaranth.lib.wiring import In, Out
from tilewright.boards.link.frames import CRC_BYTES, ESCAPE, FLAG, FLIP
from tilewright.boards.link.messages import HEADER_BYTES

from .cost import BITS_PER_CHECKED_BYTE
from .params import BUFFER_BYTES

__all__ = ["FrameReceiver", "FrameSender", "SerialCrc"]


class SerialCrc(wiring.Component):
    """CRC-32 of bytes, a bit per cycle: small, and faster than any serial line.

    Members
    -------
    start : In(1), begin a new message. byte : In(8). valid : In(1), take the byte (not while busy).
    busy : Out(1), bits are left. is_match : Out(1), the bytes so far end with their CRC. crc :
    Out(32), of the bytes so far.

    Timing
    ------
    `busy` for `cost.BITS_PER_CHECKED_BYTE` cycles from the cycle after `valid`; `crc` and
    `is_match` are those of all bytes when it is low.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "start": In(1),
                "byte": In(8),
                "valid": In(1),
                "busy": Out(1),
                "is_match": Out(1),
                "crc": Out(32),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.crc = crc = catalog.CRC32_ISO_HDLC(data_width=1).create()
        bits = Signal(8)
        left = Signal(range(BITS_PER_CHECKED_BYTE + 1))
        m.d.comb += [
            self.busy.eq(left != 0),
            crc.start.eq(self.start),
            crc.data.eq(bits[0]),
            crc.valid.eq(self.busy),
            self.crc.eq(crc.crc),
            self.is_match.eq(crc.match_detected),
        ]
        with m.If(self.valid):
            m.d.sync += [bits.eq(self.byte), left.eq(BITS_PER_CHECKED_BYTE)]
        with m.Elif(self.busy):
            m.d.sync += [bits.eq(bits >> 1), left.eq(left - 1)]
        return m


class FrameReceiver(wiring.Component):
    """Keeps one good frame until it is freed; all others are dropped as a whole.

    Members
    -------
    byte : In(8), byte_valid, byte_error : In(1), from the line.
    is_full : Out(1), a good frame is here. length : Out, bytes of its body. free : In(1), done with
    it. address : In, data : Out(8), a byte of the body.
    bad, missed : Out(1), for one cycle: a frame ended that was damaged; that was good, but came
    while the one before was still here.

    Timing
    ------
    `is_full` in the cycle after the closing flag; `data` one cycle after `address`.

    Numbers
    -------
    Bodies of `HEADER_BYTES` to `BUFFER_BYTES` - 4 bytes.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "byte": In(8),
                "byte_valid": In(1),
                "byte_error": In(1),
                "is_full": Out(1),
                "length": Out(range(BUFFER_BYTES + 1)),
                "free": In(1),
                "address": In(range(BUFFER_BYTES)),
                "data": Out(8),
                "bad": Out(1),
                "missed": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.crc = crc = SerialCrc()
        m.submodules.buffer = buffer = memory.Memory(shape=8, depth=BUFFER_BYTES, init=[])
        write, read = buffer.write_port(), buffer.read_port()
        count = Signal(range(BUFFER_BYTES + 1))
        is_inside = Signal()
        is_escaped = Signal()
        is_spoilt = Signal()  # not all of it is in the buffer
        take = Signal()
        is_end = Signal()
        is_flag = self.byte_valid & (self.byte == FLAG)
        is_escape = self.byte == ESCAPE
        m.d.comb += [
            take.eq(self.byte_valid & ~is_flag & is_inside & (is_escaped | ~is_escape)),
            is_end.eq(is_flag & is_inside & ((count != 0) | is_escaped)),
            crc.start.eq(is_flag),
            crc.byte.eq(self.byte ^ Mux(is_escaped, FLIP, 0)),
            crc.valid.eq(take),
            write.addr.eq(count),
            write.data.eq(crc.byte),
            write.en.eq(take & ~self.is_full & ~count[-1]),
            read.addr.eq(self.address),
            self.data.eq(read.data),
        ]
        with m.If(self.byte_error):
            m.d.sync += is_inside.eq(0)
        with m.Elif(is_flag):
            m.d.sync += [is_inside.eq(1), is_escaped.eq(0), is_spoilt.eq(0), count.eq(0)]
        with m.Elif(take):
            m.d.sync += [is_escaped.eq(0), count.eq(Mux(count[-1], count, count + 1))]
            m.d.sync += is_spoilt.eq(is_spoilt | self.is_full)
        with m.Elif(self.byte_valid & is_inside):
            m.d.sync += is_escaped.eq(1)
        is_too_long = Signal()
        with m.If(is_flag):
            m.d.sync += is_too_long.eq(0)
        with m.Elif(take & count[-1]):
            m.d.sync += is_too_long.eq(1)
        is_good = crc.is_match & ~is_escaped & ~is_too_long & (count >= HEADER_BYTES + CRC_BYTES)
        m.d.comb += [
            self.bad.eq(is_end & ~is_good | self.byte_error & is_inside & (count != 0)),
            self.missed.eq(is_end & is_good & is_spoilt),
        ]
        with m.If(is_end & is_good & ~is_spoilt):
            m.d.sync += [self.is_full.eq(1), self.length.eq(count - CRC_BYTES)]
        with m.Elif(self.free):
            m.d.sync += self.is_full.eq(0)
        return m


class FrameSender(wiring.Component):
    """Bytes of a body become a frame.

    Members
    -------
    i : In(stream of data : 8, last : 1). o : Out(stream of 8), the bytes on the line.

    Timing
    ------
    A byte every `cost.BITS_PER_CHECKED_BYTE` + 2 cycles at most; `o` comes from registers but for
    the choice between a byte and its escape.
    """

    def __init__(self) -> None:
        body = data.StructLayout({"data": 8, "last": 1})
        super().__init__({"i": In(stream.Signature(body)), "o": Out(stream.Signature(8))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.crc = crc = SerialCrc()
        byte = Signal(8)
        is_last = Signal()
        is_escaped = Signal()
        crc_left = Signal(range(CRC_BYTES + 1))
        rest = Signal(32)
        must_escape = (byte == FLAG) | (byte == ESCAPE)
        m.d.comb += crc.byte.eq(self.i.payload.data)
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += [self.o.payload.eq(FLAG), self.o.valid.eq(self.i.valid)]
                m.d.comb += crc.start.eq(1)
                with m.If(self.i.valid & self.o.ready):
                    m.next = "TAKE"
            with m.State("TAKE"):
                m.d.comb += [self.i.ready.eq(1), crc.valid.eq(self.i.valid)]
                m.d.sync += [byte.eq(self.i.payload.data), is_last.eq(self.i.payload.last)]
                m.d.sync += [is_escaped.eq(0), crc_left.eq(0)]
                with m.If(self.i.valid):
                    m.next = "CHECK"
            with m.State("CHECK"), m.If(~crc.busy):
                m.d.sync += rest.eq(crc.crc)
                m.next = "SEND"
            with m.State("SEND"):
                is_plain = is_escaped | ~must_escape
                plain = byte ^ Mux(is_escaped, FLIP, 0)
                m.d.comb += [self.o.payload.eq(Mux(is_plain, plain, ESCAPE)), self.o.valid.eq(1)]
                with m.If(self.o.ready):
                    m.d.sync += is_escaped.eq(~is_plain)
                    with m.If(is_plain):
                        m.d.sync += [byte.eq(rest[:8]), rest.eq(rest >> 8)]
                        m.d.sync += crc_left.eq(crc_left + 1)
                        with m.If(~is_last):
                            m.next = "TAKE"
                        with m.Elif(crc_left == CRC_BYTES):
                            m.next = "CLOSE"
            with m.State("CLOSE"):
                m.d.comb += [self.o.payload.eq(FLAG), self.o.valid.eq(1)]
                with m.If(self.o.ready):
                    m.next = "IDLE"
        return m
