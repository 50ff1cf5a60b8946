"""Counters of a digit: the upper bits in registers, the lower bits in a memory per lane."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ..lib.shared import Shared
from .radix_params import DigitParams

LANES_PER_PART = 4
"""Lanes whose counters are added before the first register of the sum."""


def total(values: list[Value]) -> Value:
    """The sum, as a balanced tree."""
    while len(values) > 1:
        pairs = [a + b for a, b in zip(values[::2], values[1::2], strict=False)]
        values = pairs + values[len(pairs) * 2 :]
    return values[0]


def chosen(flags: list[Value], values: list[Value]) -> Value:
    """The value whose flag is set, of flags of which at most one is."""
    masked = [Mux(flag, value, 0) for flag, value in zip(flags, values, strict=True)]
    while len(masked) > 1:
        pairs = [a | b for a, b in zip(masked[::2], masked[1::2], strict=False)]
        masked = pairs + masked[len(pairs) * 2 :]
    return masked[0]


class SuffixCounters(wiring.Component):
    """For each value of a digit's upper bits: the candidates that are as large or larger.

    Parameters
    ----------
    params : DigitParams

    Members
    -------
    digits : In(lanes x coarse_bits); larger comes first
    candidates : In(lanes); which lanes count
    load : In(1); takes a word
    advance, is_first : In(1); adds the word taken last; the first of a packet starts anew
    at_least : Out(2**coarse_bits counters of count_bits)

    Timing
    ------
    One word per cycle; counters show a word in the cycle after its ``advance``.

    Numbers
    -------
    Exact up to ``lanes * max_words`` candidates.
    """

    def __init__(self, params: DigitParams) -> None:
        self.params = params
        bins = 1 << params.coarse_bits
        super().__init__(
            {
                "digits": In(data.ArrayLayout(params.coarse_bits, params.lanes)),
                "candidates": In(params.lanes),
                "load": In(1),
                "advance": In(1),
                "is_first": In(1),
                "at_least": Out(data.ArrayLayout(params.count_bits, bins)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        lanes = range(self.params.lanes)
        for value in range(1 << self.params.coarse_bits):
            counter = self.at_least[value]
            reached = Signal(self.params.lanes, name=f"reached_{value}", reset_less=True)
            with m.If(self.load):
                m.d.sync += reached.eq(self.candidates)
                if value:
                    large = Cat(self.digits[lane] >= value for lane in lanes)
                    m.d.sync += reached.eq(self.candidates & large)
            with m.If(self.advance):
                added = total([reached[lane] for lane in lanes])
                m.d.sync += counter.eq(Mux(self.is_first, 0, counter) + added)
        return m


class LaneCounters(wiring.Component):
    """Counters of one lane for all values of a digit, twice: one set counts, one is read.

    A row holds neighbouring values; a counter of a row counts those values of the row that are as
    large or larger. A row whose tag is not its set's present one counts as zeros: a new tag empties
    the whole set.

    Parameters
    ----------
    params : DigitParams

    Members
    -------
    digit, count : In(digit_bits), In(1); adds a key of this digit to the set in ``fills``
    row : In(row_bits); the row to read or to mark in the other set
    fills, marks : In(2); one bit per set: counts keys; is given its tag in ``row``
    tags : In(2 tags of tag_bits)
    counts : Out(bins_per_row counters of lane_count_bits); those of ``row``, in the same cycle

    Timing
    ------
    One key per cycle; a count is there in the next cycle.

    Numbers
    -------
    Exact up to ``max_words`` keys.
    """

    def __init__(self, params: DigitParams) -> None:
        self.params = params
        super().__init__(
            {
                "digit": In(params.digit_bits),
                "count": In(1),
                "row": In(params.row_bits),
                "fills": In(2),
                "marks": In(2),
                "tags": In(data.ArrayLayout(params.tag_bits, 2)),
                "counts": Out(data.ArrayLayout(params.lane_count_bits, params.bins_per_row)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        p = self.params
        bin_bits = p.digit_bits - p.row_bits
        bins = data.ArrayLayout(p.lane_count_bits, p.bins_per_row)
        shape = data.StructLayout({"counts": bins, "tag": p.tag_bits})
        found = []
        for number in range(2):
            rows = memory.Memory(shape=shape, depth=1 << p.row_bits, init=[])
            m.submodules[f"set_{number}"] = rows
            read, write = rows.read_port(domain="comb"), rows.write_port()
            address = Signal(p.row_bits, name=f"address_{number}")
            counts = Signal(bins, name=f"counts_{number}")
            is_present = Signal(name=f"is_present_{number}")
            m.d.comb += [
                address.eq(Mux(self.fills[number], self.digit[bin_bits:], self.row)),
                read.addr.eq(address),
                is_present.eq(read.data.tag == self.tags[number]),
                counts.eq(Mux(is_present, read.data.counts, 0)),
                write.addr.eq(address),
                write.data.tag.eq(self.tags[number]),
                write.en.eq(Mux(self.fills[number], self.count, self.marks[number])),
            ]
            for value in range(p.bins_per_row):
                is_counted = self.digit[:bin_bits] >= value if value else 1
                m.d.comb += write.data.counts[value].eq(counts[value] + is_counted)
            found.append(counts)
        m.d.comb += self.counts.eq(Mux(self.fills[0], found[1], found[0]))
        return m


class FineCounters(wiring.Component):
    """The memories of all lanes, and their sums.

    Parameters
    ----------
    params : DigitParams, with fine_bits

    Members
    -------
    digits, candidates, count : In; adds a word's candidates to the set that is filled
    swap : In(1); with the last word of a packet: the next word goes to the other set
    row : In(row_bits); to read in the set that is not filled
    free : In(1); that set is read no longer, and is emptied in this cycle
    is_swept : Out(1); the memories are empty after a reset: before, no other input may be used
    sums : Out(bins_per_row counters of count_bits); those of ``row`` two cycles before

    Timing
    ------
    One word per cycle in, one row per cycle out; a sweep takes ``2**row_bits`` cycles.

    Numbers
    -------
    Exact up to ``lanes * max_words`` candidates. Each use of a set leaves its tag in one row, in
    turn, so no row's tag is older than there are rows; there are twice as many tags.
    """

    def __init__(self, params: DigitParams) -> None:
        self.params = params
        super().__init__(
            {
                "digits": In(data.ArrayLayout(params.digit_bits, params.lanes)),
                "candidates": In(params.lanes),
                "count": In(1),
                "swap": In(1),
                "row": In(params.row_bits),
                "free": In(1),
                "is_swept": Out(1),
                "sums": Out(data.ArrayLayout(params.count_bits, params.bins_per_row)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        p = self.params
        fills, marks, row, tags = self._control(m)
        lanes = []
        for number in range(p.lanes):
            m.submodules[f"lane_{number}"] = lane = Shared(LaneCounters(p))
            lanes.append(lane)
            m.d.comb += [
                lane.digit.eq(self.digits[number]),
                lane.count.eq(self.candidates[number] & self.count),
                lane.row.eq(row),
                lane.fills.eq(fills),
                lane.marks.eq(marks),
                lane.tags.eq(tags),
            ]
        for value in range(p.bins_per_row):
            parts = []
            for start in range(0, p.lanes, LANES_PER_PART):
                group = lanes[start : start + LANES_PER_PART]
                part = Signal(p.count_bits, name=f"part_{value}_{start}", reset_less=True)
                m.d.sync += part.eq(total([lane.counts[value] for lane in group]))
                parts.append(part)
            m.d.sync += self.sums[value].eq(total(parts))
        return m

    def _control(self, m):
        """Which set is filled; which is given its tag, in which row; the tags."""
        p = self.params
        is_second = Signal()  # the set that is filled
        tags = Signal(data.ArrayLayout(p.tag_bits, 2))
        fills, marks = Signal(2), Signal(2)
        row = Signal(p.row_bits)
        with m.If(self.swap):
            m.d.sync += is_second.eq(~is_second)
        with m.If(self.is_swept):
            m.d.comb += [
                fills.eq(Cat(~is_second, is_second)),
                marks.eq(Cat(is_second & self.free, ~is_second & self.free)),
            ]
        with m.Else():
            m.d.comb += marks.eq(~0)
            m.d.sync += self.is_swept.eq(tags[0][: p.row_bits].all())
        for number in range(2):
            with m.If(marks[number]):
                m.d.sync += tags[number].eq(tags[number] + 1)
        mark_row = Mux(is_second, tags[0], tags[1])[: p.row_bits]
        m.d.comb += row.eq(Mux(self.is_swept & ~self.free, self.row, mark_row))
        return fills, marks, row, tags
