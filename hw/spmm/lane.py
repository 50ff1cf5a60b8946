"""A lane: products of one entry and a word of B, two open rows, results that leave in order."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..lib.shared import Shared
from ..lib.stream import StreamFIFO
from ..lib.stream_params import FIFOParams
from .cost import ISSUE_TO_ITEM_CYCLES
from .merge import Merge, item_layout
from .params import LaneParams, SpmmParams
from .ports import entry_layout, result_layout

NUM_ACCUMULATORS = 2


class Datapath(wiring.Component):
    """Multiplies limbs with words of B and adds the products to one of two accumulators.

    Parameters
    ----------
    params : LaneParams

    Members
    -------
    start : In(1), entry : In(entry_layout(params)), panel : In(panel_bits)
    word : In(word_bits); the word of B, one cycle after ``start``
    is_item : Out(1), item : Out(item_layout(params)); what a closing entry makes of its row

    Timing
    ------
    An entry per cycle. ``is_item`` ``cost.ISSUE_TO_ITEM_CYCLES`` after ``start``; free running.

    Numbers
    -------
    limb x element exactly, shifted by position * limb_bits; sums wrap at accumulator_bits.
    """

    def __init__(self, params: LaneParams) -> None:
        self.params = params
        super().__init__(
            {
                "start": In(1),
                "entry": In(entry_layout(params)),
                "panel": In(params.panel_bits),
                "word": In(params.word_bits),
                "is_item": Out(1),
                "item": Out(item_layout(params)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        starts, entries, panels = self._delays(m)
        word = Signal(self.params.word_bits, reset_less=True)
        m.d.sync += word.eq(self.word)
        products = self._multiply(m, entries[-2], word)
        sums = self._accumulate(m, starts[-1], entries[-1], products)
        entry, result = entries[-1], self.item.result
        m.d.comb += [
            self.is_item.eq(starts[-1] & entry.closes),
            result.sums.eq(sums),
            result.row.eq(entry.row),
            result.panel.eq(panels[-1]),
            result.has_row.eq(entry.is_product),
            result.last.eq(entry.last),
            self.item.sends.eq(entry.sends),
            self.item.waits.eq(entry.waits),
        ]
        return m

    def _delays(self, m):
        """The entry beside its word, its product and its sum."""
        starts, entries, panels = [self.start], [self.entry], [self.panel]
        for stage in range(1, ISSUE_TO_ITEM_CYCLES + 1):
            start = Signal(name=f"start_{stage}")
            entry = Signal(entry_layout(self.params), name=f"entry_{stage}", reset_less=True)
            panel = Signal(self.params.panel_bits, name=f"panel_{stage}", reset_less=True)
            m.d.sync += [start.eq(starts[-1]), entry.eq(entries[-1]), panel.eq(panels[-1])]
            starts.append(start)
            entries.append(entry)
            panels.append(panel)
        return starts, entries, panels

    def _multiply(self, m, entry, word):
        """Registered products: for each row of a block, one per column."""
        p = self.params
        is_high = entry.is_high if p.num_limbs > 1 else 1
        element_bits = p.b_format.bits
        elements = [word[n * element_bits : (n + 1) * element_bits] for n in range(p.columns)]
        products = []
        for row in range(p.block_rows):
            sign = entry.limbs[row][-1] & is_high if p.a_format.signed else 0
            limb = Signal(signed(p.limb_bits + 1), name=f"limb_{row}")
            m.d.comb += limb.eq(Cat(entry.limbs[row], sign))
            for column, element in enumerate(elements):
                factor = element.as_signed() if p.b_format.signed else element
                exact = limb * factor
                product = Signal(exact.shape(), name=f"product_{row}_{column}", reset_less=True)
                m.d.sync += product.eq(exact)
                products.append(product)
        return products

    def _accumulate(self, m, start, entry, products):
        """Adds the products; the new sums."""
        p = self.params
        sums = []
        for number, product in enumerate(products):
            kept = [
                Signal(signed(p.accumulator_bits), name=f"sum_{number}_{n}", reset_less=True)
                for n in range(NUM_ACCUMULATORS)
            ]
            old, new = (
                Signal.like(kept[0], name=f"old_{number}"),
                Signal.like(kept[0], name=f"new_{number}"),
            )
            m.d.comb += old.eq(Mux(entry.first, 0, Mux(entry.accumulator, kept[1], kept[0])))
            m.d.comb += new.eq(old + self._shift(entry, product))
            for n, register in enumerate(kept):
                with m.If(start & entry.is_product & (entry.accumulator == n)):
                    m.d.sync += register.eq(new)
            sums.append(new)
        return Cat(sums)

    def _shift(self, entry, product):
        """The product at its limb's position."""
        shifted = product
        for position in range(1, self.params.num_limbs):
            moved = (product << (position * self.params.limb_bits)).as_signed()
            shifted = Mux(entry.position == position, moved, shifted)
        return shifted


class Lane(wiring.Component):
    """Datapath, results in a FIFO, and the merging of pieces of rows.

    Parameters
    ----------
    params : LaneParams

    Members
    -------
    start : In(1), entry : In(entry_layout(params)), panel : In(panel_bits); of a closing entry
        only in a cycle with ``has_room``
    word : In(word_bits); the entry's word of B, one cycle after ``start``
    has_room, has_spare : Out(1); one more result will fit, two more
    carry_in, carry_out : In, Out(stream of sums_bits); from the lane to the right, to the left
    o : Out(stream of result_layout(params))

    Timing
    ------
    An entry per cycle. A result that neither waits nor sends is valid on `o`
    ``cost.ISSUE_TO_RESULT_CYCLES`` after ``start`` if nothing is before it; results leave in the
    order of their closing entries, one per cycle. The FIFO has ``result_words`` words; a word that
    leaves it counts as room from the next cycle.

    Numbers
    -------
    Those of ``Datapath`` and ``Merge``.
    """

    def __init__(self, params: LaneParams) -> None:
        self.params = params
        carry = stream.Signature(params.sums_bits)
        super().__init__(
            {
                "start": In(1),
                "entry": In(entry_layout(params)),
                "panel": In(params.panel_bits),
                "word": In(params.word_bits),
                "has_room": Out(1),
                "has_spare": Out(1),
                "carry_in": In(carry),
                "carry_out": Out(carry),
                "o": Out(stream.Signature(result_layout(params))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        p = self.params
        m.submodules.datapath = datapath = Datapath(p)
        m.submodules.results = results = StreamFIFO(
            FIFOParams(payload=item_layout(p), depth=p.result_words)
        )
        m.submodules.merge = merge = Merge(p)
        for name in ("start", "entry", "panel", "word"):
            m.d.comb += getattr(datapath, name).eq(getattr(self, name))
        m.d.comb += [results.i.valid.eq(datapath.is_item), results.i.payload.eq(datapath.item)]
        wiring.connect(m, results.o, merge.i)
        wiring.connect(m, wiring.flipped(self.carry_in), merge.carry_in)
        wiring.connect(m, merge.carry_out, wiring.flipped(self.carry_out))
        wiring.connect(m, merge.o, wiring.flipped(self.o))
        room = Signal(range(p.result_words + 1), init=p.result_words)
        leaves = results.o.valid & results.o.ready
        m.d.sync += room.eq(room + leaves - (self.start & self.entry.closes))
        m.d.comb += [self.has_room.eq(room.any()), self.has_spare.eq(room > 1)]
        return m


class Lanes(wiring.Component):
    """All lanes, lane 0 leftmost; carries go from lane to lane.

    Parameters
    ----------
    params : SpmmParams

    Members
    -------
    starts, entries, panels, words, have_room, have_spare : arrays by lane, as in ``Lane``
    o : array of streams of result_layout

    Timing
    ------
    That of ``Lane``. A lane's results may wait for those of lanes to the right: every `o` is to be
    drained whatever the others do.

    Numbers
    -------
    Those of ``Lane``.
    """

    def __init__(self, params: SpmmParams) -> None:
        self.params = params
        lane = params.lane_params
        super().__init__(
            {
                "starts": In(1).array(params.lanes),
                "entries": In(entry_layout(lane)).array(params.lanes),
                "panels": In(lane.panel_bits).array(params.lanes),
                "words": In(lane.word_bits).array(params.lanes),
                "have_room": Out(params.lanes),
                "have_spare": Out(params.lanes),
                "o": Out(stream.Signature(result_layout(lane))).array(params.lanes),
            }
        )

    def elaborate(self, platform):
        m = Module()
        right = None
        for number in reversed(range(self.params.lanes)):
            m.submodules[f"lane_{number}"] = lane = Shared(Lane(self.params.lane_params))
            m.d.comb += [
                lane.start.eq(self.starts[number]),
                lane.entry.eq(self.entries[number]),
                lane.panel.eq(self.panels[number]),
                lane.word.eq(self.words[number]),
                self.have_room[number].eq(lane.has_room),
                self.have_spare[number].eq(lane.has_spare),
            ]
            wiring.connect(m, lane.o, wiring.flipped(self.o[number]))
            if right is not None:
                wiring.connect(m, right.carry_out, lane.carry_in)
            right = lane
        return m
