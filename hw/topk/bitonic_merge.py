"""Engine bitonic_merge: words are sorted and merged into lists that go round a pipeline."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, wiring

from ..lib.stream import StreamFIFO
from ..lib.stream_params import FIFOParams
from .bitonic_loop import MergeLoop
from .bitonic_params import BitonicParams, bitonic_params
from .exchange import Network
from .params import TopKParams
from .ports import engine_members, output_layout
from .shift_queue import connect_k

K_WORDS = 2
OUTPUT_WORDS = 2


class BitonicMerge(wiring.Component):
    """P keys per cycle: a sorting network, then merges of lists of k_max pairs.

    A merge takes as many cycles as its network has stages, so that many partial lists take the
    sorted words in turn; when a packet has ended they are merged with each other.

    Parameters
    ----------
    params : TopKParams

    Members
    -------
    k, i, o : as of ``TopK``; `lanes` pairs in an output word

    Timing
    ------
    A word per cycle; words of the next packet go on between the merges of the last lists. The law
    is ``bitonic_cost.kernel_cycles``; it depends on the number of results, not on the keys.

    Numbers
    -------
    As ``TopK``.
    """

    def __init__(self, params: TopKParams) -> None:
        self.params = params
        super().__init__(engine_members(params))

    def elaborate(self, platform):
        m = Module()
        sizes = bitonic_params(self.params)
        m.submodules.loop = loop = MergeLoop(sizes)
        m.submodules.wanted = wanted = StreamFIFO(
            FIFOParams(payload=self.params.k_bits, depth=K_WORDS)
        )
        connect_k(m, self.params, self.k, wanted.i)
        self._sort(m, sizes, loop)
        self._leave(m, sizes, loop, wanted.o)
        return m

    def _sort(self, m, sizes: BitonicParams, loop):
        """Input words, sorted; the FIFO behind the network has room for all under way."""
        params, word = self.params, self.i.payload
        m.submodules.sorter = sorter = Network(sizes.sorter)
        run = data.StructLayout(
            {"pairs": data.ArrayLayout(sizes.pair_bits, sizes.run_pairs), "last": 1}
        )
        m.submodules.runs = runs = StreamFIFO(FIFOParams(payload=run, depth=sizes.run_words))
        room = Signal(range(sizes.run_words + 1), init=sizes.run_words)
        base = Signal(params.index_bits)
        enters = Signal()
        m.d.comb += [self.i.ready.eq(room.any()), enters.eq(self.i.valid & self.i.ready)]
        m.d.sync += room.eq(room - enters + (runs.o.valid & runs.o.ready))
        with m.If(enters):
            m.d.sync += base.eq(Mux(word.last, 0, base + params.lanes))
        for lane in range(params.lanes):
            index = (base + lane)[: params.index_bits]
            pair = Cat(~index, word.keys[lane] ^ params.rank_flip, word.mask[lane])
            m.d.comb += sorter.i[lane].eq(pair)
        valid, last = enters, word.last
        for number in range(sizes.sorter.latency):
            sorts = Signal(name=f"sorts_{number}")
            ends = Signal(name=f"ends_{number}", reset_less=True)
            m.d.sync += [sorts.eq(valid), ends.eq(last)]
            valid, last = sorts, ends
        m.d.comb += [runs.i.valid.eq(valid), runs.i.payload.last.eq(last)]
        m.d.comb += [
            runs.i.payload.pairs[rank].eq(sorter.o[rank]) for rank in range(sizes.run_pairs)
        ]
        wiring.connect(m, runs.o, loop.i)

    def _leave(self, m, sizes: BitonicParams, loop, wanted):
        """The final list, `lanes` pairs at a time."""
        params, lanes = self.params, self.params.lanes
        m.submodules.words = words = StreamFIFO(
            FIFOParams(payload=output_layout(params), depth=OUTPUT_WORDS)
        )
        wiring.connect(m, words.o, wiring.flipped(self.o))
        num_pairs = -(-sizes.list_pairs // lanes) * lanes
        pairs = Signal(data.ArrayLayout(sizes.pair_bits, num_pairs), reset_less=True)
        left = Signal(params.k_bits)
        leaves, is_last, loads = Signal(), Signal(), Signal()
        put = words.i
        is_more = (left > lanes) & pairs[lanes][-1] if sizes.list_pairs > lanes else Const(0)
        m.d.comb += [
            is_last.eq(~is_more),
            put.valid.eq(leaves),
            put.payload.last.eq(is_last),
            loop.o.ready.eq(wanted.valid & (~leaves | (put.ready & is_last))),
            loads.eq(loop.o.valid & loop.o.ready),
            wanted.ready.eq(loads),
        ]
        for lane in range(lanes):
            pair = pairs[lane]
            is_result = pair[-1] & (left > lane) if lane < sizes.list_pairs else Const(0)
            key = pair[sizes.index_bits : -1] ^ params.rank_flip
            m.d.comb += [
                put.payload.mask[lane].eq(is_result),
                put.payload.keys[lane].eq(Mux(is_result, key, 0)),
                put.payload.indices[lane].eq(Mux(is_result, ~pair[: sizes.index_bits], 0)),
            ]
        with m.If(loads):
            m.d.sync += [leaves.eq(1), left.eq(wanted.payload), pairs.eq(loop.o.payload)]
        with m.Elif(put.ready):
            m.d.sync += [
                leaves.eq(leaves & ~is_last),
                left.eq(left - lanes),
                pairs.eq(pairs.as_value() >> lanes * sizes.pair_bits),
            ]
        return m
