"""Weight-stationary core: operand words and commands in, packets of results out."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring

from ..lib.stream import StreamFIFO
from ..lib.stream_params import FIFOParams
from .array_ws import WeightStationaryArray
from .cost_ws import ACCUMULATE_CYCLES, packets_under_way
from .params import SystolicParams
from .ports import core_members, index_shape, packet_layout
from .walk_ws import LOOPS, PassWalker

_LOOP = {name: d for d, name in enumerate(LOOPS)}


class WeightStationaryCore(wiring.Component):
    """Starts a step as soon as its A word, its weights and the room for its result are there.

    Parameters
    ----------
    params : SystolicParams

    Members
    -------
    See ``ports.core_members``. A command's loops, innermost first: m (at most accumulator_rows), k
    blocks, subpanels, panels. For each k block and each subblock of ``rows`` of its ``lanes`` k:
    ``rows`` B words, and one A word per m, again for each subblock. Each subpanel gives a packet of
    m rows of results, first row first.

    Timing
    ------
    The law in ``cost_ws``: one step per cycle, the next weights load meanwhile. Passes, packets and
    commands follow each other without a gap. An A word is transferred as its step starts.
    ``b.ready`` depends on ``a.valid`` combinationally, no other output on an input.

    Numbers
    -------
    Those of ``WeightStationaryPE``.
    """

    def __init__(self, params: SystolicParams) -> None:
        self.params = params
        super().__init__(core_members(params))

    def elaborate(self, platform):
        m = Module()
        m.submodules.walker = walker = PassWalker(self.params)
        m.submodules.array = array = WeightStationaryArray(self.params)
        wiring.connect(m, wiring.flipped(self.command), walker.i)
        start = Signal()
        begins_pass = Signal()
        begins_packet = Signal()
        is_last_pass = walker.is_last[_LOOP["subblock"]] & walker.is_last[_LOOP["k_block"]]
        m.d.comb += begins_pass.eq(walker.is_first[_LOOP["m"]])
        m.d.comb += begins_packet.eq(begins_pass & is_last_pass)
        has_words = self._load_weights(m, array, start & begins_pass) | ~begins_pass
        if self.params.has_parameters:
            has_words &= self._describe_packets(m, array, walker, start, begins_packet)
        can_start = walker.is_active & self._keep_distance(m, walker, start, begins_packet)
        has_room = self.drain.room_words.any() | ~is_last_pass
        m.d.comb += [
            self.a.ready.eq(can_start & has_words & has_room),
            start.eq(self.a.valid & self.a.ready),
            walker.advance.eq(start),
            self.is_active.eq(walker.is_active),
            # The distance that passes and packets keep counts as work.
            self.wait_input.eq(can_start & ~(has_words & self.a.valid)),
            self.wait_output.eq(can_start & has_words & self.a.valid & ~has_room),
            self.drain.reserve_words.eq(start & is_last_pass),
            self.drain.values.eq(array.values),
            self.drain.valid.eq(array.valid),
            self.drain.last.eq(array.value_last),
        ]
        self._send_step(m, array, walker, start, is_last_pass)
        return m

    def _send_step(self, m, array, walker, start, is_last_pass):
        """A step's operands and what travels with them."""
        is_first_pass = walker.is_first[_LOOP["subblock"]] & walker.is_first[_LOOP["k_block"]]
        m.d.comb += [array.a_word.eq(self.a.payload), array.subblock.eq(walker.subblock)]
        with m.If(start):
            m.d.comb += [
                array.step.valid.eq(1),
                array.step.is_first_of_pass.eq(walker.is_first[_LOOP["m"]]),
                array.step.is_last_of_pass.eq(walker.is_last[_LOOP["m"]]),
                array.step.is_first_pass.eq(is_first_pass),
                array.step.is_last_pass.eq(is_last_pass),
            ]

    def _load_weights(self, m, array, swaps):
        """Loads a pass's weights as soon as those before are in use; whether they are loaded."""
        rows = self.params.rows
        loaded_rows = Signal(range(rows + 1))
        is_loaded = loaded_rows == rows
        accepted = self.b.valid & self.b.ready
        m.d.comb += [
            self.b.ready.eq(~is_loaded | swaps),
            array.load.eq(accepted),
            array.b_word.eq(self.b.payload),
        ]
        m.d.sync += loaded_rows.eq(Mux(swaps, 0, loaded_rows) + accepted)
        return is_loaded

    def _keep_distance(self, m, walker, start, begins_packet):
        """Whether the accumulators have the sums of the pass before, and the drain is free."""
        begins_pass = walker.is_first[_LOOP["m"]]
        adds = ~(walker.is_first[_LOOP["subblock"]] & walker.is_first[_LOOP["k_block"]])
        # What is left of ACCUMULATE_CYCLES after a short pass.
        steps_left = Signal(range(ACCUMULATE_CYCLES), init=ACCUMULATE_CYCLES - 1)
        wait = Signal.like(steps_left, name="accumulator_distance", init=0)
        with m.If(start):
            fewer = Mux(steps_left.any(), steps_left - 1, 0)
            restart = walker.is_last[_LOOP["m"]]
            m.d.sync += steps_left.eq(Mux(restart, ACCUMULATE_CYCLES - 1, fewer))
        with m.If(start & walker.is_last[_LOOP["m"]]):
            m.d.sync += wait.eq(steps_left)
        with m.Elif(wait.any()):
            m.d.sync += wait.eq(wait - 1)
        is_free = ~wait.any() | ~(begins_pass & adds)
        cols = self.params.cols
        if self.params.has_parameters and cols > 1:
            distance = Signal(range(cols), name="packet_distance")
            with m.If(start & begins_packet):
                m.d.sync += distance.eq(cols - 1)
            with m.Elif(distance.any()):
                m.d.sync += distance.eq(distance - 1)
            is_free &= ~distance.any() | ~begins_packet
        return is_free

    def _describe_packets(self, m, array, walker, start, begins_packet):
        """Queues what the drain must know of each packet until its values arrive.

        Claims a panel's parameter sets with its first packet; whether they are there.
        """
        p = self.params
        this_set = Signal(index_shape(p.param_sets))
        packet = Signal(packet_layout(p))
        num_sets = walker.command.last_2 + 1
        begins_panel = begins_packet & walker.is_first[_LOOP["subpanel"]]
        is_last_set = this_set == p.param_sets - 1
        starts_packet = start & begins_packet
        with m.If(starts_packet):
            m.d.sync += this_set.eq(Mux(is_last_set, 0, this_set + 1))
        m.submodules.packets = packets = StreamFIFO(
            FIFOParams(payload=packet.shape(), depth=packets_under_way(p), block=False)
        )
        m.d.comb += [
            packet.set.eq(this_set),
            packet.freed_sets.eq(Mux(walker.is_last[_LOOP["subpanel"]], num_sets, 0)),
            packets.i.payload.eq(packet),
            packets.i.valid.eq(starts_packet),
            packets.o.ready.eq(array.announce),
            self.drain.announce.eq(array.announce),
            self.drain.packet.eq(packets.o.payload),
            self.drain.claim_sets.eq(Mux(start & begins_panel, num_sets, 0)),
        ]
        for name in ("zero_point", "minimum", "maximum"):
            m.d.comb += getattr(packet.settings, name).eq(getattr(walker.command, name))
        return (self.drain.ready_sets >= num_sets) | ~begins_panel
