"""The zero_skip template: a stream of elements in, those that matter out, side by side."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..lib.layout import command_layout, equals
from ..lib.stream import StreamFIFO
from ..lib.stream_params import FIFOParams
from .cost import credits
from .merge import Merger
from .params import ZeroSkipParams
from .ports import input_layout, output_layout
from .route import Router
from .select import DeltaSelector, Selector

COMMANDS_HELD = 2


class ZeroSkip(wiring.Component):
    """Keeps the elements of each packet that are not 0, beyond theta, or changed beyond theta.

    Parameters
    ----------
    params : ZeroSkipParams

    Members
    -------
    command : In(stream of params.command_format); one per packet (not with function `zeros`)
    i : In(stream of input_layout); values, which lanes hold an element, end of the packet
    o : Out(stream of output_layout); results and positions in rising order, `lanes` in each word
        but the last of a packet; a packet of which nothing is kept gives one word without results

    Timing
    ------
    The law in ``cost``: one word per cycle whatever is kept, any stall on any port. Words under way
    are counted in credits, so nothing inside ever stops. No port's ready depends on another port.

    Numbers
    -------
    Exact: comparisons and changes have the bits that they need.
    """

    def __init__(self, params: ZeroSkipParams) -> None:
        self.params = params
        members = {
            "i": In(stream.Signature(input_layout(params))),
            "o": Out(stream.Signature(output_layout(params))),
        }
        if params.has_command:
            members["command"] = In(stream.Signature(command_layout(params.command_format)))
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        is_delta = self.params.function == "delta"
        selector = DeltaSelector(self.params) if is_delta else Selector(self.params)
        m.submodules.selector = selector
        m.submodules.router = router = Router(self.params)
        m.submodules.merger = merger = Merger(self.params)
        depth = credits(self.params)
        m.submodules.results = results = StreamFIFO(
            FIFOParams(payload=output_layout(self.params), depth=depth, block=False)
        )
        wiring.connect(m, selector.o, router.i)
        wiring.connect(m, router.o, merger.i)
        wiring.connect(m, results.o, wiring.flipped(self.o))
        enters = Signal()
        has_room = self._count_credits(m, enters, merger.credit_back, depth)
        has_command = self._take_commands(m, selector, enters)
        number = Signal(self.params.word_bits)
        is_end = self.i.payload.last | equals(number, self.params.words - 1)
        m.d.comb += [
            self.i.ready.eq(has_room & has_command),
            enters.eq(self.i.valid & self.i.ready),
            selector.i.valid.eq(enters),
            selector.i.payload.eq(self.i.payload),
            selector.word.eq(number),
            # Its ready is always high: there are no more words than credits.
            results.i.valid.eq(merger.o.valid),
            results.i.payload.eq(merger.o.payload),
        ]
        with m.If(enters):
            m.d.sync += number.eq(Mux(is_end, 0, number + 1))
        return m

    def _count_credits(self, m, enters, credit_back, depth):
        """Whether one more word may be under way, from registers."""
        credits_left = Signal(range(depth + 1), init=depth)
        has_room = Signal(init=1)
        next_left = Signal.like(credits_left)
        leaves = self.o.valid & self.o.ready
        m.d.comb += next_left.eq(credits_left + credit_back + leaves - enters)
        m.d.sync += [credits_left.eq(next_left), has_room.eq(next_left.any())]
        return has_room

    def _take_commands(self, m, selector, enters):
        """Whether the packet's command is there; it goes when the packet's last word enters."""
        if not self.params.has_command:
            return 1
        payload = command_layout(self.params.command_format)
        m.submodules.commands = commands = StreamFIFO(
            FIFOParams(payload=payload, depth=COMMANDS_HELD)
        )
        wiring.connect(m, wiring.flipped(self.command), commands.i)
        m.d.comb += [
            selector.command.eq(commands.o.payload),
            commands.o.ready.eq(enters & self.i.payload.last),
        ]
        return commands.o.valid
