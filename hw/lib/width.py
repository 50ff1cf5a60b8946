"""Width converters between streams of narrow and wide words."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .layout import equals
from .stream_params import WidthParams

__all__ = ["Downsizer", "Upsizer", "narrow_layout", "wide_layout"]


def narrow_layout(params: WidthParams) -> data.StructLayout:
    """`data`, and `last` of a packet."""
    return data.StructLayout({"data": params.narrow_bits, "last": 1})


def wide_layout(params: WidthParams) -> data.StructLayout:
    """`data` with the first part lowest, `last` of a packet, `extra` = parts in use - 1."""
    return data.StructLayout(
        {"data": params.narrow_bits * params.factor, "last": 1, "extra": params.count_bits}
    )


class Upsizer(wiring.Component):
    """Collects `factor` narrow words into a wide one; `last` sends a partial one.

    Parameters
    ----------
    params : WidthParams.

    Members
    -------
    i : In(stream of narrow_layout). o : Out(stream of wide_layout), parts not in use are 0.

    Timing
    ------
    Latency `cost.UPSIZER` from the last part; one narrow word per cycle; `i.ready` depends on
    `o.ready`.
    """

    def __init__(self, params: WidthParams):
        self.params = params
        super().__init__(
            {
                "i": In(stream.Signature(narrow_layout(params))),
                "o": Out(stream.Signature(wide_layout(params))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        params = self.params
        part = Signal(params.count_bits)
        words = Signal(data.ArrayLayout(params.narrow_bits, params.factor))
        is_full = self.i.payload.last | (part == params.factor - 1)
        m.d.comb += [
            self.i.ready.eq(~self.o.valid | self.o.ready),
            self.o.payload.data.eq(words.as_value()),
        ]
        with m.If(self.i.ready):
            m.d.sync += self.o.valid.eq(self.i.valid & is_full)
            with m.If(self.i.valid):
                m.d.sync += [
                    self.o.payload.last.eq(self.i.payload.last),
                    self.o.payload.extra.eq(part),
                    part.eq(Mux(is_full, 0, part + 1)),
                ]
                with m.If(equals(part, 0)):
                    m.d.sync += words.eq(0)
                for n in range(params.factor):
                    with m.If(equals(part, n)):
                        m.d.sync += words[n].eq(self.i.payload.data)
        return m


class Downsizer(wiring.Component):
    """Sends the parts of a wide word, lowest first; `extra` says how many.

    Parameters
    ----------
    params : WidthParams.

    Members
    -------
    i : In(stream of wide_layout). o : Out(stream of narrow_layout), `last` on the last part of a
        word with `last`.

    Timing
    ------
    Latency `cost.DOWNSIZER` to the first part; one part per cycle without a bubble between words;
    `i.ready` depends on `o.ready`.
    """

    def __init__(self, params: WidthParams):
        self.params = params
        super().__init__(
            {
                "i": In(stream.Signature(wide_layout(params))),
                "o": Out(stream.Signature(narrow_layout(params))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        width = self.params.narrow_bits
        word = Signal(wide_layout(self.params))
        is_at_end = equals(word.extra, 0)
        m.d.comb += [
            self.o.payload.data.eq(word.data[:width]),
            self.o.payload.last.eq(word.last & is_at_end),
            self.i.ready.eq(~self.o.valid | (self.o.ready & is_at_end)),
        ]
        with m.If(self.i.ready):
            m.d.sync += self.o.valid.eq(self.i.valid)
            with m.If(self.i.valid):
                m.d.sync += word.eq(self.i.payload)
        with m.Elif(self.o.ready):
            m.d.sync += [word.data.eq(word.data >> width), word.extra.eq(word.extra - 1)]
        return m
