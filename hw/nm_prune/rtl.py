"""The nm_prune template: an online N:M pruner."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..lib.layout import command_layout
from ..lib.stream import StreamFIFO
from ..lib.stream_params import FIFOParams
from . import cost
from .columns import ColumnWords
from .params import NMPruneParams
from .ports import elements_layout, group_layout, word_layout
from .select import GroupSelect


class NMPruner(wiring.Component):
    """Keeps the `kept` largest magnitudes of each group, with their indices.

    Parameters
    ----------
    params : NMPruneParams

    Members
    -------
    command : In(stream of params.command_format); kept - 1, one for each packet
    i : In(stream of group_layout); a packet of at least one group
    o : Out(stream of elements_layout or, with ``output: words``, of word_layout)

    Timing
    ------
    The law in ``cost``: a group per cycle, ``cost.GROUP_TO_WORD_CYCLES`` to its elements. Any stall
    on any port: a group is taken only if there is room for what is left of it.

    Numbers
    -------
    Those of ``GroupSelect``.
    """

    def __init__(self, params: NMPruneParams) -> None:
        self.params = params
        output = elements_layout(params) if params.output == "groups" else word_layout(params)
        super().__init__(
            {
                "command": In(stream.Signature(command_layout(params.command_format))),
                "i": In(stream.Signature(group_layout(params))),
                "o": Out(stream.Signature(output)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        p = self.params
        layout = command_layout(p.command_format)
        m.submodules.commands = commands = StreamFIFO(
            FIFOParams(payload=layout, depth=cost.HELD_COMMANDS)
        )
        wiring.connect(m, wiring.flipped(self.command), commands.i)
        m.submodules.select = select = GroupSelect(p)
        takes = self.i.valid & self.i.ready
        leaves = Signal()
        room = Signal(range(cost.BUFFERED_GROUPS + 1), init=cost.BUFFERED_GROUPS)
        m.d.sync += room.eq(room - takes + leaves)
        m.d.comb += [
            self.i.ready.eq(commands.o.valid & (room != 0)),
            commands.o.ready.eq(takes & self.i.payload.last),
            select.values.eq(self.i.payload.values),
            select.last_step.eq(commands.o.payload.last_step),
        ]
        self._buffer(m, select, takes, commands.o.payload.last_step, leaves)
        return m

    def _buffer(self, m, select, takes, last_step, leaves):
        """The FIFO behind the pipeline, which never has to wait, and what empties it."""
        p = self.params
        elements = Signal(elements_layout(p))
        tag = Cat(self.i.payload.last, last_step if p.output == "words" else ())
        tags = Signal((1 + len(tag)) * cost.PIPELINE_CYCLES)  # (taken, last, last step), oldest top
        m.d.sync += tags.eq(Cat(takes, tag, tags))
        oldest = tags[-1 - len(tag) :]
        m.d.comb += [
            elements.elements.eq(select.elements),
            elements.mask.eq(select.mask),
            elements.last.eq(oldest[1]),
        ]
        word = Cat(elements.as_value(), oldest[2:])
        m.submodules.fifo = fifo = StreamFIFO(
            FIFOParams(payload=len(word), depth=cost.BUFFERED_GROUPS)
        )
        m.d.comb += [
            fifo.i.payload.eq(word),
            fifo.i.valid.eq(oldest[0]),
            leaves.eq(fifo.o.valid & fifo.o.ready),
        ]
        sink = self.o
        if p.output == "words":
            m.submodules.columns = columns = ColumnWords(p)
            wiring.connect(m, columns.o, wiring.flipped(self.o))
            m.d.comb += columns.last_step.eq(fifo.o.payload[len(elements.as_value()) :])
            sink = columns.i
        m.d.comb += [
            sink.payload.as_value().eq(fifo.o.payload[: len(elements.as_value())]),
            sink.valid.eq(fifo.o.valid),
            fifo.o.ready.eq(sink.ready),
        ]
