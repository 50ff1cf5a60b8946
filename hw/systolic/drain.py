"""The drain: from the values that leave the array to requantized output words."""

from amaranth.hdl import Cat, Module, Signal, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..lib.chain import Chain, ChainParams
from ..lib.cost import requantize_latency, requantize_settings_latency
from ..lib.requantize import Requantizer
from ..lib.requantize_params import BIAS_BITS
from ..lib.stream import StreamFIFO
from ..lib.stream_params import FIFOParams
from . import cost, cost_ws
from .parameters import ParameterRing
from .params import ENTRY_BITS, SystolicParams
from .ports import ROOM_BITS, drain_signature, output_layout, settings_layout


class DrainColumn(wiring.Component):
    """A column's requantizer and the parameters that it holds for a packet.

    Parameters
    ----------
    params : SystolicParams

    Members
    -------
    value : In(signed(accumulator_bits))
    entry, load_in : In; the entry is taken in a cycle with ``load_in`` and counts from the next
    settings, load_settings_in : In; likewise
    load_out, load_settings_out : Out; one cycle later, for the next column
    result : Out(signed(8))

    Timing
    ------
    ``requantize_latency`` cycles from value to result, one value per cycle.

    Numbers
    -------
    Those of ``Requantizer``.
    """

    chained = ("load", "load_settings")
    broadcast = ("entry", "settings")

    def __init__(self, params: SystolicParams) -> None:
        self.params = params
        loads = {f"{name}_in": In(1) for name in self.chained}
        super().__init__(
            {
                "value": In(signed(params.accumulator_bits)),
                "entry": In(ENTRY_BITS),
                "settings": In(settings_layout(params)),
                **loads,
                **{f"{name}_out": Out(1) for name in self.chained},
                "result": Out(signed(params.requantize_params.output_bits)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.requantizer = requantizer = Requantizer(self.params.requantize_params)
        entry = Signal(ENTRY_BITS, reset_less=True)
        settings = Signal(settings_layout(self.params), reset_less=True)
        for name in self.chained:
            m.d.sync += getattr(self, f"{name}_out").eq(getattr(self, f"{name}_in"))
        with m.If(self.load_in):
            m.d.sync += entry.eq(self.entry)
        with m.If(self.load_settings_in):
            m.d.sync += settings.eq(self.settings)
        m.d.comb += [
            requantizer.accumulator.eq(self.value),
            requantizer.bias.eq(entry[:BIAS_BITS].as_signed()),
            requantizer.scale.eq(entry[BIAS_BITS:]),
            requantizer.zero_point.eq(settings.zero_point),
            requantizer.minimum.eq(settings.minimum),
            requantizer.maximum.eq(settings.maximum),
            self.result.eq(requantizer.result),
        ]
        return m


class DrainColumns(Chain):
    """All columns, column 0 first."""

    PART = DrainColumn


class Deskew(wiring.Component):
    """Undoes the skew of the columns: delays column c by cols - 1 - c cycles.

    Parameters
    ----------
    params : SystolicParams

    Members
    -------
    i : In(output_word_bits); column c is c cycles late
    o : Out(output_word_bits); all columns of one row of results

    Timing
    ------
    cols - 1 cycles, one word per cycle, free running.

    Numbers
    -------
    None.
    """

    def __init__(self, params: SystolicParams) -> None:
        self.params = params
        bits = params.output_word_bits
        super().__init__({"i": In(bits), "o": Out(bits)})

    def elaborate(self, platform):
        m = Module()
        cols = self.params.cols
        bits = self.params.output_word_bits // cols
        late = self.i  # columns 0..n-1 that still have to be delayed, and all later ones
        for n in range(1, cols):
            # Stage n - 1 delays columns 0..n-1 by a cycle while column n arrives.
            stage = Signal(n * bits, name=f"stage_{n}", reset_less=True)
            m.d.sync += stage.eq(late[: n * bits])
            late = Cat(stage, self.i[n * bits : (n + 1) * bits])
        m.d.comb += self.o.eq(late)
        return m


class Drain(wiring.Component):
    """Requantizes packets of results, undoes their skew and buffers them.

    Parameters
    ----------
    params : SystolicParams

    Members
    -------
    core : In(drain_signature(params)); its docstring has the rules
    p : In(stream of words of param_word_bits); only for int8 output
    o : Out(stream of {data: output_word_bits, last: 1})
    release : Out(1); a panel's parameter sets are free again
    is_empty : Out(1); nothing is reserved, under way or buffered

    Timing
    ------
    A row's word is valid ``cost.drain_cycles`` after its value in column 0 while the output FIFO is
    empty. ``release`` is ``cols`` cycles after the announcement of the packet that frees sets. The
    FIFO has ``cost.output_words`` words; room that a transfer makes counts from the next cycle.

    Numbers
    -------
    int8: those of ``Requantizer``, with the entry of column c and the packet's settings. raw:
    accumulators as they are.
    """

    def __init__(self, params: SystolicParams) -> None:
        self.params = params
        members = {
            "core": In(drain_signature(params)),
            "o": Out(stream.Signature(output_layout(params))),
            "release": Out(1),
            "is_empty": Out(1),
        }
        if params.has_parameters:
            members["p"] = In(stream.Signature(params.param_word_bits))
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        p = self.params
        m.submodules.deskew = deskew = Deskew(p)
        latency = p.cols - 1
        if p.has_parameters:
            latency += requantize_latency(p.requantize_params)
            m.d.comb += deskew.i.eq(self._requantize(m))
        else:
            m.d.comb += deskew.i.eq(self.core.values)
        moved = Cat(self.core.valid, self.core.last)
        if latency:  # Verilog has no signal of 0 bits
            under_way = Signal(2 * latency)  # (valid, last) of each row, youngest lowest
            moved = Cat(moved, under_way)
            m.d.sync += under_way.eq(moved)
        self._buffer(m, deskew.o, moved[2 * latency], moved[2 * latency + 1])
        return m

    def _buffer(self, m, word, is_valid, is_last):
        """The output FIFO and the count of words that are neither reserved nor used."""
        is_weight_stationary = self.params.dataflow == "weight_stationary"
        depth = (cost_ws if is_weight_stationary else cost).output_words(self.params)
        assert depth < 1 << ROOM_BITS
        m.submodules.fifo = buffer = StreamFIFO(
            FIFOParams(payload=self.params.output_word_bits + 1, depth=depth, block=True)
        )
        room = Signal(range(depth + 1), init=depth)
        leaves = self.o.valid & self.o.ready
        m.d.sync += room.eq(room - self.core.reserve_words + leaves)
        m.d.comb += [
            buffer.i.payload.eq(Cat(word, is_last)),
            buffer.i.valid.eq(is_valid),
            Cat(self.o.payload.data, self.o.payload.last).eq(buffer.o.payload),
            self.o.valid.eq(buffer.o.valid),
            buffer.o.ready.eq(self.o.ready),
            self.core.room_words.eq(room),
            self.core.frees_word.eq(leaves),
            self.is_empty.eq(room == depth),
        ]

    def _requantize(self, m):
        """A requantizer per column; parameters reach column c just before its first value."""
        p = self.params
        m.submodules.ring = ring = ParameterRing(p)
        wiring.connect(m, wiring.flipped(self.p), ring.p)
        m.d.comb += [
            ring.read.eq(self.core.announce),
            ring.set.eq(self.core.packet.set),
            ring.freed_sets.eq(self.core.packet.freed_sets),
            ring.claim_sets.eq(self.core.claim_sets),
            self.core.ready_sets.eq(ring.ready_sets),
            self.core.completes_set.eq(ring.completes_set),
            self.release.eq(ring.release),
        ]
        settings, load_settings = self._delay_settings(m)
        m.submodules.columns = columns = DrainColumns(
            ChainParams(part=p, num=p.cols, is_compact=p.is_large)
        )
        m.d.comb += [
            columns.value.eq(self.core.values),
            columns.entry.eq(ring.entry),
            columns.settings.eq(settings),
            columns.load_in.eq(ring.load),
            columns.load_settings_in.eq(load_settings),
        ]
        return columns.result

    def _delay_settings(self, m):
        """Settings and their load for column 0, just before its requantizer looks at them.

        That is some cycles after the entry, when the next packet may have been announced.
        """
        stages = requantize_settings_latency(self.params.requantize_params)
        token, settings = self.core.announce, self.core.packet.settings
        for stage in range(1, stages + 1):
            delayed_token = Signal(name=f"settings_token_{stage}")
            delayed = Signal(settings.shape(), name=f"settings_{stage}", reset_less=True)
            m.d.sync += [delayed_token.eq(token), delayed.eq(settings)]
            token, settings = delayed_token, delayed
        held = Signal(settings.shape(), name="settings_held", reset_less=True)
        load = Signal(name="settings_load")
        m.d.sync += load.eq(token)
        with m.If(token):  # all columns take them before the next packet's
            m.d.sync += held.eq(settings)
        return held, load
