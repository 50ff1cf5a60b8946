"""Output-stationary core: operand words and commands in, packets of results out."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring

from ..lib.layout import equals
from ..lib.stream import StreamFIFO
from ..lib.stream_params import FIFOParams
from .array import SystolicArray
from .command import CommandWalker
from .cost import (
    a_block_words,
    b_block_words,
    block_cycles,
    packet_cycles,
    packets_under_way,
)
from .feed import Feed
from .params import FeedParams, SystolicParams
from .ports import core_members, index_shape, packet_layout


class OutputStationaryCore(wiring.Component):
    """Starts blocks of k as soon as their words and the room for their results are there.

    Parameters
    ----------
    params : SystolicParams

    Members
    -------
    See ``ports.core_members``. A command's loops, innermost first: k blocks, subpanels, m tiles,
    panels. Each block takes ``cost.a_block_words`` A words and ``cost.b_block_words`` B words; each
    tile gives a packet of ``rows`` rows of results, row 0 first.

    Timing
    ------
    The law in ``cost``. Blocks, tiles and commands follow each other without a gap.

    Numbers
    -------
    Those of ``PE``.
    """

    WALKER: type[wiring.Component] = CommandWalker
    ARRAY: type[wiring.Component] = SystolicArray

    def __init__(self, params: SystolicParams) -> None:
        self.params = params
        super().__init__(core_members(params))

    def elaborate(self, platform):
        m = Module()
        m.submodules.walker = walker = self.WALKER(self.params)
        m.submodules.array = array = self.ARRAY(self.params)
        wiring.connect(m, wiring.flipped(self.command), walker.i)
        start, has_words = self._feed(m, array, walker)
        if self.params.has_parameters:
            has_words = has_words & self._take_sets(m, walker, start)
            self._describe_packets(m, array, walker, start)
        can_start, has_room = self._credits(m, walker, start)
        m.d.comb += [
            start.eq(walker.is_active & can_start & has_words & has_room),
            walker.step.eq(start),
            self.is_active.eq(walker.is_held),
            # A block under way is work; so is the distance that tiles keep.
            self.wait_input.eq(walker.is_active & can_start & ~has_words),
            self.wait_output.eq(walker.is_active & can_start & has_words & ~has_room),
            self.drain.values.eq(array.values),
            self.drain.valid.eq(array.valid),
            self.drain.last.eq(array.value_last),
        ]
        self._mark_tiles(m, array, start, walker)
        return m

    def _feed(self, m, array, walker):
        """Edge buffers; the start of a block and whether its words are there."""
        p = self.params
        feeds = {}
        for name, words in (("a", a_block_words(p)), ("b", b_block_words(p))):
            word_bits = p.a_word_bits if name == "a" else p.b_word_bits
            feeds[name] = feed = Feed(
                FeedParams(word_bits=word_bits, block_words=words, num_blocks=p.edge_blocks)
            )
            m.submodules[f"{name}_feed"] = feed
            wiring.connect(m, wiring.flipped(getattr(self, name)), feed.i)
            m.d.comb += getattr(array, f"{name}_word").eq(feed.word)
            m.d.comb += getattr(array, f"{name}_load").eq(feed.load)
        m.d.comb += array.a_valid.eq(feeds["a"].is_valid)
        start = Signal()
        m.d.comb += [feed.start.eq(start) for feed in feeds.values()]
        return start, feeds["a"].is_ready & feeds["b"].is_ready

    def _credits(self, m, walker, start):
        """Whether the array can take a block, and whether its results have somewhere to go."""
        p = self.params
        cycles, distance = block_cycles(p), packet_cycles(p)
        can_start = self._has_passed(m, "steps", start, cycles)
        ends_tile = start & walker.is_last_of_tile
        if cycles < distance:
            is_apart = self._has_passed(m, "tile_distance", ends_tile, distance)
            can_start &= is_apart | ~walker.is_last_of_tile
        has_room = self.drain.room_words >= p.rows
        if cycles > 1:  # the cycle after a start, in which it is wrong, has no start
            is_roomy = Signal(init=1)
            m.d.sync += is_roomy.eq(has_room | self._is_one_short(self.drain.room_words, p.rows))
            has_room = is_roomy
        m.d.comb += self.drain.reserve_words.eq(Mux(ends_tile, p.rows, 0))
        return can_start, has_room | ~walker.is_last_of_tile

    def _is_one_short(self, room_words, rows):
        """Whether the word that leaves in this cycle makes the room for a packet."""
        return self.drain.frees_word & equals(room_words, rows - 1)

    def _has_passed(self, m, name, begin, cycles):
        """Whether `begin` is so many cycles ago; from a register."""
        left = Signal(index_shape(cycles), name=f"{name}_left")
        has_passed = Signal(init=1, name=f"{name}_passed")
        with m.If(begin):
            m.d.sync += [left.eq(cycles - 1), has_passed.eq(cycles == 1)]
        with m.Elif(~has_passed):
            m.d.sync += [left.eq(left - 1), has_passed.eq(left == 1)]
        return has_passed

    def _mark_tiles(self, m, array, start, walker):
        """Brings a tile's first and last step to the array in time."""
        cycles = block_cycles(self.params)
        is_first = start & walker.is_first_of_tile
        is_last = start & walker.is_last_of_tile
        for name, value, delay in (("first", is_first, 3), ("last", is_last, cycles + 2)):
            stages = Signal(delay, name=f"{name}_stages")
            m.d.sync += stages.eq((stages << 1) | value)
            m.d.comb += getattr(array, name).eq(stages[-1])

    def _take_sets(self, m, walker, start):
        """Claims a panel's parameter sets with its first block; whether they are there."""
        claims = start & walker.is_first_of_panel
        m.d.comb += self.drain.claim_sets.eq(Mux(claims, walker.num_sets, 0))
        has_sets = self.drain.ready_sets >= walker.num_sets
        if block_cycles(self.params) > 1:  # as for the room
            needed = Mux(walker.is_active, walker.num_sets, walker.incoming_sets)
            is_supplied = Signal()
            m.d.sync += is_supplied.eq(self.drain.ready_sets + self.drain.completes_set >= needed)
            has_sets = is_supplied
        return has_sets | ~walker.is_first_of_panel

    def _describe_packets(self, m, array, walker, start):
        """Queues what the drain must know of each tile until the tile's values arrive."""
        p = self.params
        last_set = p.param_sets - 1
        first_set = Signal(index_shape(p.param_sets))
        this_set = Signal(index_shape(p.param_sets))
        next_set = Mux(this_set == last_set, 0, this_set + 1)
        packet = Signal(packet_layout(p))
        ends_tile = start & walker.is_last_of_tile
        with m.If(ends_tile):
            m.d.sync += this_set.eq(Mux(walker.is_last_of_row, first_set, next_set))
            with m.If(walker.is_last_of_panel):
                m.d.sync += [this_set.eq(next_set), first_set.eq(next_set)]
        freed_sets = Mux(walker.is_last_of_panel, walker.num_sets, 0)
        m.submodules.packets = packets = StreamFIFO(
            FIFOParams(payload=packet.shape(), depth=packets_under_way(p), block=False)
        )
        m.d.comb += [
            packet.set.eq(this_set),
            packet.freed_sets.eq(freed_sets),
            packets.i.payload.eq(packet),
            packets.i.valid.eq(ends_tile),
            packets.o.ready.eq(array.announce),
            self.drain.announce.eq(array.announce),
            self.drain.packet.eq(packets.o.payload),
        ]
        for name in ("zero_point", "minimum", "maximum"):
            m.d.comb += getattr(packet.settings, name).eq(getattr(walker, name))
