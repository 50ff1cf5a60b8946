"""Routing: the kept elements of a word move to the slots where they leave."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .cost import STAGES_PER_REGISTER
from .params import ZeroSkipParams
from .ports import result_shape, routed_layout, selected_layout

__all__ = ["Router"]


class Router(wiring.Component):
    """Moves kept elements side by side, behind those that an output word already holds.

    The n-th kept element of a word goes to slot (number of open elements + n) mod lanes. A
    butterfly network takes it there in log2(lanes) stages; stage s sets bit s of its lane to that
    of its slot. No two elements meet: after stage s two of them in one place would come from lanes
    that differ in the lowest s + 1 bits only, and go to slots that agree in those bits, while their
    slots are closer to each other than 2**(s + 1).

    Parameters
    ----------
    params : ZeroSkipParams

    Members
    -------
    i : In(stream of selected_layout, always ready)
    o : Out(stream of routed_layout, always ready)

    Timing
    ------
    ``cost.COUNT_CYCLES + cost.PLACE_CYCLES + cost.network_cycles``, one word per cycle.
    """

    def __init__(self, params: ZeroSkipParams) -> None:
        self.params = params
        super().__init__(
            {
                "i": In(stream.Signature(selected_layout(params), always_ready=True)),
                "o": Out(stream.Signature(routed_layout(params), always_ready=True)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        valid, word = self._place(m, *self._count(m))
        for stage in range(self.params.stages):
            word = self._exchange(m, word, stage)
            if (stage + 1) % STAGES_PER_REGISTER == 0 or stage == self.params.stages - 1:
                valid, word = self._register(m, valid, word, stage)
        slots = zip(self.o.payload.slots, word.values, word.lanes, strict=True)
        for slot, value, lane in slots:
            index = Cat(lane[: self.params.stages], word.number)
            m.d.comb += [slot.value.eq(value), slot.index.eq(index)]
        m.d.comb += self.o.valid.eq(valid)
        m.d.comb += [
            getattr(self.o.payload, name).eq(getattr(word, name))
            for name in ("mask", "is_over", "last")
        ]
        return m

    def _count(self, m):
        """The word one cycle later; the kept elements in front of each lane, and all of them."""
        counted = Signal(selected_layout(self.params), reset_less=True)
        valid = Signal(name="counted_valid")
        m.d.sync += [counted.eq(self.i.payload), valid.eq(self.i.valid)]
        sums, total = _prefix_sums(list(self.i.payload.mask))
        before = [
            Signal(range(lane + 1), name=f"before_{lane}", reset_less=True)
            for lane in range(1, len(sums))
        ]
        count = Signal(range(self.params.lanes + 1), reset_less=True)
        m.d.sync += [*(a.eq(b) for a, b in zip(before, sums[1:], strict=True)), count.eq(total)]
        return valid, counted, [Const(0), *before], count

    def _place(self, m, valid, word, before, count):
        """Slots; whether the word ends an output word; how many elements stay open behind it."""
        lanes, stages = self.params.lanes, self.params.stages
        placed = Signal(self._layout(), reset_less=True)
        placed_valid = Signal()
        num_open = Signal(range(lanes + 1))  # a full word stays open: it may be the last one
        total = Signal(range(2 * lanes + 1))
        is_over = Signal()
        rest = total[:stages]  # modulo lanes
        m.d.comb += [
            total.eq(num_open + count),
            is_over.eq(total[stages + 1] | (total[stages] & rest.any())),
        ]
        with m.If(valid):
            is_full = total[stages:].any() & ~rest.any()
            m.d.sync += num_open.eq(Mux(word.last, 0, Cat(rest, is_full)))
        m.d.sync += [
            placed_valid.eq(valid),
            placed.mask.eq(word.mask),
            placed.number.eq(word.word),
            placed.last.eq(word.last),
            placed.is_over.eq(is_over),
            placed.values.eq(word.values),
            *(slot.eq(num_open + n) for slot, n in zip(placed.slots, before, strict=True)),
        ]
        return placed_valid, placed

    def _exchange(self, m, word, stage):
        """One stage: lanes that differ in bit `stage` only, straight on or crossed."""
        moved = Signal(self._layout(), name=f"stage_{stage}")
        m.d.comb += moved.eq(word)
        for lane in range(self.params.lanes):
            other, side = lane ^ (1 << stage), lane >> stage & 1
            is_crossed = Signal(name=f"is_crossed_{stage}_{lane}")
            goes_here = [bit if side else ~bit for bit in (slot[stage] for slot in word.slots)]
            # The lane number of an element is known bit by bit where the element leaves it.
            origin = Signal(self.params.lane_bits, name=f"origin_{stage}_{lane}")
            m.d.comb += [
                is_crossed.eq(word.mask[other] & goes_here[other]),
                moved.mask[lane].eq(is_crossed | (word.mask[lane] & goes_here[lane])),
                moved.slots[lane].eq(Mux(is_crossed, word.slots[other], word.slots[lane])),
                moved.values[lane].eq(Mux(is_crossed, word.values[other], word.values[lane])),
                origin.eq(Mux(is_crossed, word.lanes[other], word.lanes[lane])),
                moved.lanes[lane].eq(
                    Cat(origin[:stage], ~is_crossed if side else is_crossed, origin[stage + 1 :])
                ),
            ]
        return moved

    def _register(self, m, valid, word, stage):
        kept = Signal(self._layout(), name=f"word_{stage}", reset_less=True)
        kept_valid = Signal(name=f"valid_{stage}")
        m.d.sync += [kept.eq(word), kept_valid.eq(valid)]
        return kept_valid, kept

    def _layout(self):
        """A word on its way: `slots` and `lanes` are where its elements go and come from."""
        lanes, bits = self.params.lanes, self.params.lane_bits
        return data.StructLayout(
            {
                "values": data.ArrayLayout(result_shape(self.params), lanes),
                "slots": data.ArrayLayout(bits, lanes),
                "lanes": data.ArrayLayout(bits, lanes),
                "mask": lanes,
                "number": self.params.word_bits,
                "is_over": 1,
                "last": 1,
            }
        )


def _prefix_sums(flags):
    """The number of flags in front of each one, and that of all: sums of halves, shared."""
    if len(flags) == 1:
        return [0], flags[0]
    half = len(flags) // 2
    low, low_total = _prefix_sums(flags[:half])
    high, high_total = _prefix_sums(flags[half:])
    return [*low, *(low_total + n for n in high)], low_total + high_total
