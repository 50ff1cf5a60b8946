"""Which elements are kept: not zero, beyond a threshold, or changed enough since last sent."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ..lib.layout import command_layout
from .params import ZeroSkipParams
from .ports import input_layout, result_shape, selected_layout, value_shape

__all__ = ["DeltaSelector", "Selector"]


def exceeds(value, theta):
    """Whether the magnitude of `value` is larger than `theta`; exact for the most negative one."""
    return (value > theta) | (value < -theta)


def _members(params: ZeroSkipParams) -> dict[str, wiring.Member]:
    members = {
        "i": In(stream.Signature(input_layout(params), always_ready=True)),
        "word": In(params.word_bits),
        "o": Out(stream.Signature(selected_layout(params), always_ready=True)),
    }
    if params.has_command:
        members["command"] = In(command_layout(params.command_format))
    return members


class Selector(wiring.Component):
    """Marks the elements that are not 0, or larger than theta in magnitude.

    Parameters
    ----------
    params : ZeroSkipParams, function `zeros` or `threshold`

    Members
    -------
    i : In(stream of input_layout, always ready). word : In; the word's number in its packet
    command : In(params.command_format); of the packet (`threshold` only)
    o : Out(stream of selected_layout, always ready)

    Timing
    ------
    ``cost.SELECT_CYCLES``, one word per cycle.
    """

    def __init__(self, params: ZeroSkipParams) -> None:
        self.params = params
        super().__init__(_members(params))

    def elaborate(self, platform):
        m = Module()
        values = self.i.payload.values
        if self.params.has_command:
            is_kept = [exceeds(value, self.command.theta) for value in values]
        else:
            is_kept = [value.any() for value in values]
        found = Signal(selected_layout(self.params), reset_less=True)
        m.d.comb += self.o.payload.eq(found)
        m.d.sync += [
            self.o.valid.eq(self.i.valid),
            found.values.eq(values),
            found.mask.eq(self.i.payload.mask & Cat(is_kept)),
            found.word.eq(self.word),
            found.last.eq(self.i.payload.last),
        ]
        return m


class DeltaSelector(wiring.Component):
    """Marks the elements that differ by more than theta from the value last sent; gives the change.

    The values last sent lie in a memory of one bank per lane, written where an element is sent.
    Words with the same number may follow each other at once: the second one then takes the values
    from a register. A packet with `is_reset` compares its elements with 0 and writes all of them.

    Parameters
    ----------
    params : ZeroSkipParams, function `delta`

    Members
    -------
    As those of ``Selector``.

    Timing
    ------
    ``cost.READ_STATE_CYCLES + cost.SELECT_CYCLES``, one word per cycle.

    Numbers
    -------
    A change has one bit more than a value: exact. The sum of the changes sent of an element, since
    it was compared with 0, is the value last sent.
    """

    def __init__(self, params: ZeroSkipParams) -> None:
        self.params = params
        super().__init__(_members(params))

    def elaborate(self, platform):
        m = Module()
        lanes, shape = self.params.lanes, value_shape(self.params)
        now = Signal(input_layout(self.params), reset_less=True)
        command = Signal(command_layout(self.params.command_format), reset_less=True)
        word = Signal(self.params.word_bits, reset_less=True)
        found = Signal(selected_layout(self.params), reset_less=True)
        is_valid = Signal()
        m.d.sync += [is_valid.eq(self.i.valid), now.eq(self.i.payload), word.eq(self.word)]
        m.d.sync += command.eq(self.command)
        sent, write = self._state(m, is_valid, word)
        is_sent = Signal(lanes)
        deltas = Signal(data.ArrayLayout(result_shape(self.params), lanes))
        for lane in range(lanes):
            before = Signal(shape, name=f"before_{lane}")
            m.d.comb += [
                before.eq(Mux(command.is_reset, 0, sent[lane])),
                deltas[lane].eq(now.values[lane] - before),
                is_sent[lane].eq(now.mask[lane] & exceeds(deltas[lane], command.theta)),
                write.data[lane].eq(Mux(is_sent[lane], now.values[lane], before)),
                write.en[lane].eq(is_valid & now.mask[lane] & (is_sent[lane] | command.is_reset)),
            ]
        m.d.comb += self.o.payload.eq(found)
        m.d.sync += [
            self.o.valid.eq(is_valid),
            found.values.eq(deltas),
            found.mask.eq(is_sent),
            found.word.eq(word),
            found.last.eq(now.last),
        ]
        return m

    def _state(self, m, is_valid, word):
        """The values last sent, and the memory's write port: enable per lane."""
        lanes, shape = self.params.lanes, value_shape(self.params)
        m.submodules.state = state = memory.Memory(
            shape=data.ArrayLayout(shape, lanes),
            depth=max(2, self.params.words),
            init=[],
            attrs={"no_rw_check": 1},  # what is written while it is read is taken from `written`
        )
        read = state.read_port()
        write = state.write_port(granularity=1)
        m.d.comb += [read.addr.eq(self.word), read.en.eq(self.i.valid), write.addr.eq(word)]
        written = Signal(data.ArrayLayout(shape, lanes), reset_less=True)
        is_written = Signal(lanes)
        # Element by element: a word that leaves an element as it is does not write it.
        m.d.sync += written.eq(write.data)
        is_same_word = self.i.valid & is_valid & (self.word == word)
        m.d.sync += is_written.eq(Mux(is_same_word, write.en, 0))
        sent = Signal(data.ArrayLayout(shape, lanes))
        for lane in range(lanes):
            m.d.comb += sent[lane].eq(Mux(is_written[lane], written[lane], read.data[lane]))
        return sent, write
