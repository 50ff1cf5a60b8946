"""The spmm template: a sparse matrix times a dense one, as streams."""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..lib.banked_store import BankedStore, load_word_layout
from .broadcast_front import BroadcastFront
from .dynamic_front import DynamicFront
from .lane import Lanes
from .params import SpmmParams
from .ports import result_layout
from .static_front import StaticFront


class Spmm(wiring.Component):
    """C = A B: the front end of `mode` between the store that holds B and the lanes.

    Parameters
    ----------
    params : SpmmParams

    Members
    -------
    a : In(stream), in mode dynamic an array by lane; A in the form of the mode, for each panel
        again; ``last`` ends a packet
    b : In(stream of load_word_layout); a packet's B, ``last`` on its last word
    o : Out(stream of result_layout).array(lanes); each lane's results, ``last`` on its last word

    Timing
    ------
    The law in ``cost``. A packet's A is taken when its B is there. Any port may stall at any time;
    the lanes' outputs are to be drained whatever the others do: one that stands still holds all
    lanes up once its results fill `result_words`.

    Numbers
    -------
    Exact products, sums wrap at accumulator_bits.
    """

    def __init__(self, params: SpmmParams) -> None:
        self.params = params
        self.front = _front(params)
        results = stream.Signature(result_layout(params.lane_params))
        super().__init__(
            {
                "a": self.front.signature.members["a"],
                "b": In(stream.Signature(load_word_layout(params.store_params))),
                "o": Out(results).array(params.lanes),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.front = front = self.front
        m.submodules.store = store = BankedStore(self.params.store_params)
        m.submodules.lanes = lanes = Lanes(self.params)
        outer = self.a if self.params.mode == "dynamic" else [self.a]
        inner = front.a if self.params.mode == "dynamic" else [front.a]
        for port, stream_in in zip(outer, inner, strict=True):
            wiring.connect(m, wiring.flipped(port), stream_in)
        wiring.connect(m, wiring.flipped(self.b), store.i)
        m.d.comb += [
            front.is_full.eq(store.is_full),
            store.free.eq(front.free),
            store.addresses.eq(front.addresses),
            store.read.eq(front.read),
            front.bank_words.eq(store.words),
            front.have_room.eq(lanes.have_room),
            front.have_spare.eq(lanes.have_spare),
        ]
        for number in range(self.params.lanes):
            m.d.comb += [
                lanes.starts[number].eq(front.starts[number]),
                lanes.entries[number].eq(front.entries[number]),
                lanes.panels[number].eq(front.panels[number]),
                lanes.words[number].eq(front.lane_words[number]),
            ]
            wiring.connect(m, lanes.o[number], wiring.flipped(self.o[number]))
        return m


def _front(params: SpmmParams) -> wiring.Component:
    """The front end of a mode: a component with `a` and `ports.front_members`."""
    if params.mode == "static":
        return StaticFront(params)
    if params.mode == "broadcast":
        return BroadcastFront(params)
    return DynamicFront(params)
