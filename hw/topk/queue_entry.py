"""One entry of a sorted queue."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .queue_params import EntryParams


def pair_layout(params: EntryParams) -> data.StructLayout:
    """A key and what goes with it."""
    return data.StructLayout({"payload": params.payload_bits, "key": params.key_bits})


def entry_layout(params: EntryParams) -> data.StructLayout:
    """What an entry holds. Neither empty nor open: a pair of the packet that is leaving."""
    return data.StructLayout(
        {"pair": pair_layout(params), "is_open": 1, "is_empty": 1},
    )


class QueueEntry(wiring.Component):
    """Holds a pair, or takes the new pair, its left neighbour's or its right neighbour's.

    Entries stand in rank order, the best on the left. A new pair goes in front of the first entry
    that ranks behind it; those move right. A shift moves all one to the left. Both at once: what
    would move right stays, and a new pair lands one place further left. So two packets share a
    queue: the older one leaves on the left while pairs of the *open* one are inserted behind it.

    Parameters
    ----------
    params : EntryParams

    Members
    -------
    pair : In(pair_layout); the new pair, a larger key ranks first; key 0 in cycles without one:
        it ranks behind everything
    append : In(1); there is a new pair and it may take an empty entry: the open packet has room
    shift : In(1); all move left in this cycle
    close : In(1); pairs of the open packet are closed at the end of this cycle (also at reset)
    left, right : In(entry_layout); what the neighbours hold
    left_moves, right_moves : In(1); the neighbours' `moves`
    o : Out(entry_layout); what this entry holds
    moves : Out(1); in this cycle's insertion this entry makes place, or is taken if it is empty

    Timing
    ------
    One insertion and one shift per cycle. `moves` comes from a comparison of `key_bits`.

    Numbers
    -------
    Keys are unsigned; a new pair goes behind pairs with its key.
    """

    def __init__(self, params: EntryParams) -> None:
        self.params = params
        super().__init__(
            {
                "pair": In(pair_layout(params)),
                "append": In(1),
                "shift": In(1),
                "close": In(1),
                "left": In(entry_layout(params)),
                "right": In(entry_layout(params)),
                "left_moves": In(1),
                "right_moves": In(1),
                "o": Out(entry_layout(params)),
                "moves": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        pair = Signal(pair_layout(self.params), reset_less=True)
        is_open = Signal(reset_less=True)
        is_empty = Signal(init=1)
        m.d.comb += [
            self.o.pair.eq(pair),
            self.o.is_open.eq(is_open),
            self.o.is_empty.eq(is_empty),
            self.moves.eq((is_open & (self.pair.key > pair.key)) | (is_empty & self.append)),
        ]
        # Written as one choice of six inputs per bit: a LUT each, and none to choose between them.
        is_new = Mux(self.shift, self.right_moves, ~self.left_moves)
        with m.If(Mux(self.shift, ~(self.moves & self.right_moves), self.moves)):
            m.d.sync += [
                pair.eq(
                    Mux(
                        self.shift,
                        Mux(self.right_moves, self.pair, self.right.pair),
                        Mux(self.left_moves, self.left.pair, self.pair),
                    )
                ),
                is_open.eq(is_new | Mux(self.shift, self.right.is_open, self.left.is_open)),
                is_empty.eq(~is_new & Mux(self.shift, self.right.is_empty, self.left.is_empty)),
            ]
        with m.If(self.close):
            m.d.sync += is_open.eq(0)
        return m
