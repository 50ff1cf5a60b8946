"""Scores of all lanes, joined to words of a stream of rows."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..lib.stream import StreamBuffer
from ..lib.stream_params import StreamParams
from .params import SddmmParams
from .ports import row_layout, score_layout


class RowStream(wiring.Component):
    """Takes the scores in the order lane 0, lane 1, ...; a word holds those of one row.

    Parameters
    ----------
    params : SddmmParams

    Members
    -------
    i : In(stream of score_layout).array(lanes); all lanes have equally many
    o : Out(stream of row_layout)

    Timing
    ------
    ``cost.ROW_STREAM`` cycles; a word per cycle, one for each row that the lanes' scores belong to.

    Numbers
    -------
    None.
    """

    def __init__(self, params: SddmmParams) -> None:
        self.params = params
        scores = stream.Signature(score_layout(params.lane_params))
        super().__init__(
            {
                "i": In(scores).array(params.lanes),
                "o": Out(stream.Signature(row_layout(params))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        lanes = self.params.lanes
        m.submodules.buffer = buffer = StreamBuffer(StreamParams(payload=row_layout(self.params)))
        wiring.connect(m, buffer.o, wiring.flipped(self.o))
        heads = [i.payload for i in self.i]
        is_sent = Signal(lanes)
        waiting, ends, mask, rest, lowest = (
            Signal(lanes, name=name) for name in ("waiting", "ends", "mask", "rest", "lowest")
        )
        is_taken = buffer.i.valid & buffer.i.ready
        is_done = ~rest.any()  # this word is the last of these scores
        row = 0
        for lane, head in enumerate(heads):
            row |= Mux(lowest[lane], head.row, 0)
            m.d.comb += self.i[lane].ready.eq(is_taken & is_done)
        m.d.comb += [
            buffer.i.valid.eq(Cat(i.valid for i in self.i).all()),
            waiting.eq(Cat(head.has_score for head in heads) & ~is_sent),
            ends.eq(waiting & Cat(head.last for head in heads)),
            # Up to the lowest end of a row: a number less one flips its bits up to the lowest 1.
            mask.eq(waiting & (ends ^ (ends - 1))),
            rest.eq(waiting & ~mask),
            lowest.eq(waiting & ~(waiting - 1)),
            buffer.i.payload.scores.as_value().eq(
                Cat(Mux(mask[lane], head.score, 0) for lane, head in enumerate(heads))
            ),
            buffer.i.payload.mask.eq(mask),
            buffer.i.payload.row.eq(row),
            buffer.i.payload.is_end.eq(is_done & heads[0].is_end),
            buffer.i.payload.last.eq(ends.any() | ~waiting.any()),
        ]
        with m.If(is_taken):
            m.d.sync += is_sent.eq(Mux(is_done, 0, is_sent | mask))
        return m
