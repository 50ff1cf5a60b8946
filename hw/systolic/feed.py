"""Edges of the array: operand words are buffered, then serialised or skewed."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ..lib.chain import Chain
from ..lib.pick import pick
from .params import GROUP, GROUP_LOG2, ElementParams, FeedParams
from .ports import index_shape


class Feed(wiring.Component):
    """Edge buffer that hands out whole blocks of words.

    Parameters
    ----------
    params : FeedParams

    Members
    -------
    i : In(stream of words)
    is_ready : Out(1); a block is complete that no start has taken
    start : In(1); takes a block, only with is_ready
    word : Out(word_bits); word n of the block in cycle t + 1 + n, for ``start`` in cycle t
    load : Out(1); with word 0
    is_valid : Out(1); with every word

    Timing
    ------
    One word per cycle in while there is room; a block counts in the cycle after its last word.
    Starts at least ``block_words`` cycles apart. A word's room counts from the cycle after it was
    read, which is cycle t + n: two blocks of room keep up with one word per cycle.

    Numbers
    -------
    None.
    """

    def __init__(self, params: FeedParams) -> None:
        self.params = params
        super().__init__(
            {
                "i": In(stream.Signature(params.word_bits)),
                "is_ready": Out(1),
                "start": In(1),
                "word": Out(params.word_bits),
                "load": Out(1),
                "is_valid": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        depth, block = self.params.depth_words, self.params.block_words
        m.submodules.storage = storage = memory.Memory(
            shape=self.params.word_bits,
            depth=depth,
            init=[],
            # Words of earlier cycles are looked at, words read in earlier ones overwritten.
            attrs={"no_rw_check": 1},
        )
        write, read = storage.write_port(), storage.read_port()
        produce = Signal(index_shape(depth))
        consume = Signal(index_shape(depth))
        available = Signal(range(depth + 1))  # words of no started block
        index = Signal(index_shape(block))  # word to read next; 0 when idle
        accepted = self.i.valid & self.i.ready
        after_produce = Signal.like(produce, init=1)  # a register, so that it is compared at once
        is_full = Signal()  # a register, known a step ahead
        is_busy = Signal()  # likewise: words of the block are left to read
        is_reading = self.start | is_busy
        m.d.comb += [
            self.i.ready.eq(~is_full),
            write.addr.eq(produce),
            write.data.eq(self.i.payload),
            write.en.eq(accepted),
            read.addr.eq(consume),
            read.en.eq(1),  # other words are not looked at: `start` has no wide fan-out
            self.word.eq(read.data),
        ]
        arrived = available + accepted
        m.d.sync += [
            is_full.eq(~is_reading & (is_full | (accepted & (after_produce == consume)))),
            is_busy.eq(is_reading & (index != block - 1)),
            available.eq(Mux(self.start, arrived - block, arrived)),
            # The comparison is made before `start` is known.
            self.is_ready.eq(Mux(self.start, arrived >= 2 * block, arrived >= block)),
            self.load.eq(self.start),
            self.is_valid.eq(is_reading),
        ]
        with m.If(accepted):
            m.d.sync += produce.eq(after_produce)
            is_end = after_produce == depth - 1
            m.d.sync += after_produce.eq(Mux(is_end, 0, after_produce + 1))
        with m.If(is_reading):
            m.d.sync += consume.eq(Mux(consume == depth - 1, 0, consume + 1))
            m.d.sync += index.eq(Mux(index == block - 1, 0, index + 1))
        return m


class Serializer(wiring.Component):
    """Hands out the elements of a word, lowest first, then zeros.

    Parameters
    ----------
    params : ElementParams

    Members
    -------
    word : In(num * bits), load : In(1)
    index : In; n in cycle t + 1 + n, for ``load`` in cycle t
    element : Out(bits); element n in cycle t + 1 + n

    Timing
    ------
    One element per cycle; a load every ``num`` cycles leaves no gap. The word stands still, but for
    ``GROUP`` elements, over which a multiplexer moves: a shift register would take a LUT for each
    bit, a multiplexer over all too long before a multiplier. The first group is not held. After its
    last element the word is cleared, by the reset pin of the registers.

    Numbers
    -------
    None.
    """

    def __init__(self, params: ElementParams) -> None:
        self.params = params
        super().__init__(
            {
                "word": In(params.num * params.bits),
                "load": In(1),
                "index": In(index_shape(params.num)),
                "element": Out(params.bits),
            }
        )

    def elaborate(self, platform):
        m = Module()
        num, bits = self.params.num, self.params.bits
        is_end = self.index == num - 1
        group = Signal(min(num, GROUP) * bits, reset_less=True)
        if num <= GROUP:
            with m.If(is_end & ~self.load):
                m.d.sync += group.eq(0)
            with m.Elif(self.load):
                m.d.sync += group.eq(self.word)
        else:
            self._hold(m, group, is_end)
        elements = [group[n : n + bits] for n in range(0, len(group), bits)]
        m.d.comb += self.element.eq(pick(elements, self.index[:GROUP_LOG2]))
        return m

    def _hold(self, m, group, is_end):
        """The groups behind the first; each takes its turn."""
        size, high = len(group), self.index[GROUP_LOG2:]
        held = Signal(len(self.word) - size, reset_less=True)
        padded = Cat(held, Const(0, -len(held) % size))
        groups = [self.word[:size], *(padded[n : n + size] for n in range(0, len(padded), size))]
        chosen = pick(groups, Mux(self.load, 0, (high + 1)[: len(high)]))
        clears = ~self.load & (is_end | self.index.all())  # the first group only comes with a load
        with m.If(clears):
            m.d.sync += [held.eq(0), group.eq(0)]
        with m.Else():
            with m.If(self.load):
                m.d.sync += held.eq(self.word[size:])
            with m.If(self.load | self.index[:GROUP_LOG2].all()):
                m.d.sync += group.eq(chosen)


class ColumnEdge(wiring.Component):
    """A column's serialiser; hands load and index on to the next column.

    Parameters
    ----------
    params : ElementParams

    Members
    -------
    word : In(num * bits), element : Out(bits); those of ``Serializer``
    load_in, index_in : In, load_out, index_out : Out; one cycle later

    Timing
    ------
    That of ``Serializer``.

    Numbers
    -------
    None.
    """

    chained = ("load", "index")
    broadcast = ("word",)

    def __init__(self, params: ElementParams) -> None:
        self.params = params
        word_bits = params.num * params.bits
        index = index_shape(params.num)
        super().__init__(
            {
                "word": In(word_bits),
                "load_in": In(1),
                "load_out": Out(1),
                "index_in": In(index),
                "index_out": Out(index),
                "element": Out(params.bits),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.serializer = serializer = Serializer(self.params)
        m.d.sync += [self.load_out.eq(self.load_in), self.index_out.eq(self.index_in)]
        m.d.comb += [
            serializer.word.eq(self.word),
            serializer.load.eq(self.load_in),
            serializer.index.eq(self.index_in),
            self.element.eq(serializer.element),
        ]
        return m


class ColumnEdges(Chain):
    """The edge above the array, column 0 first."""

    PART = ColumnEdge


class Skew(wiring.Component):
    """Delays element n of a word by n + 1 cycles.

    Parameters
    ----------
    params : ElementParams

    Members
    -------
    i, o : In, Out(num * bits)

    Timing
    ------
    One word per cycle, free running.

    Numbers
    -------
    None.
    """

    def __init__(self, params: ElementParams) -> None:
        self.params = params
        width = params.num * params.bits
        super().__init__({"i": In(width), "o": Out(width)})

    def elaborate(self, platform):
        m = Module()
        bits = self.params.bits
        waiting, elements = self.i, []
        for n in range(self.params.num):
            stage = Signal(len(waiting), name=f"stage_{n}", reset_less=True)
            m.d.sync += stage.eq(waiting)
            elements.append(stage[:bits])
            waiting = stage[bits:]
        m.d.comb += self.o.eq(Cat(elements))
        return m
