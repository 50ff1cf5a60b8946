"""The decision of a digit pass: which digit is the threshold, and how many equal keys are left."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .radix_count import chosen
from .radix_params import DigitParams


def decision_layout(params: DigitParams) -> data.StructLayout:
    """Larger digits are taken; of equal ones `ties`, or all of them if `is_settled`."""
    return data.StructLayout(
        {"digit": params.digit_bits, "ties": params.target_bits, "is_settled": 1}
    )


class CoarseSearch(wiring.Component):
    """Finds the upper bits of the threshold digit.

    Parameters
    ----------
    params : DigitParams

    Members
    -------
    start : In(1); a packet is counted
    target : In(target_bits); keys wanted of the candidates
    at_least : In(counters of ``SuffixCounters``)
    digit : Out(coarse_bits); the largest value that enough candidates reach, else 0
    ties : Out(target_bits); keys wanted of the candidates with this value
    is_settled : Out(1); those are all of them

    Timing
    ------
    Results are valid in the cycle after ``start`` and stay until the next.

    Numbers
    -------
    Exact.
    """

    def __init__(self, params: DigitParams) -> None:
        self.params = params
        bins = 1 << params.coarse_bits
        super().__init__(
            {
                "start": In(1),
                "target": In(params.target_bits),
                "at_least": In(data.ArrayLayout(params.count_bits, bins)),
                "digit": Out(params.coarse_bits),
                "ties": Out(params.target_bits),
                "is_settled": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        bins = 1 << self.params.coarse_bits
        target = Signal.like(self.target, reset_less=True)
        counts = Signal.like(self.at_least, reset_less=True)
        is_reached = Signal(bins - 1, reset_less=True)  # of the values from 1
        with m.If(self.start):
            m.d.sync += [target.eq(self.target), counts.eq(self.at_least)]
            m.d.sync += [is_reached[n].eq(self.at_least[n + 1] >= self.target)
                         for n in range(bins - 1)]  # fmt: skip
        reached = Cat(1, is_reached, 0)
        is_digit = [reached[n] & ~reached[n + 1] for n in range(bins)]
        here = chosen(is_digit, [counts[n] for n in range(bins)])
        above = chosen(is_digit[:-1], [counts[n] for n in range(1, bins)])
        m.d.comb += [
            self.digit.eq(chosen(is_digit, [Const(n) for n in range(bins)])),
            self.ties.eq(target - above),
            self.is_settled.eq(target >= here),
        ]
        return m


class FineSearch(wiring.Component):
    """Finds the lower bits of the threshold digit: reads the rows of its upper bits.

    Parameters
    ----------
    params : DigitParams, with fine_bits

    Members
    -------
    start : In(1); in the cycle after ``CoarseSearch.start``, with its results:
    coarse, target : In; upper bits of the digit, keys wanted of those that have them
    row : Out(row_bits), sums : In; those of ``FineCounters``
    free : Out(1); in the cycle after the last row was read
    is_done : Out(1), decision : Out(decision_layout); in this cycle only

    Timing
    ------
    Rows are read in the ``num_groups`` cycles after ``start``, then ``free``; ``is_done`` comes
    ``num_groups + 2`` cycles after ``start``. Starts at least ``num_groups + 1`` cycles apart.

    Numbers
    -------
    Exact.
    """

    def __init__(self, params: DigitParams) -> None:
        self.params = params
        super().__init__(
            {
                "start": In(1),
                "coarse": In(params.coarse_bits),
                "target": In(params.target_bits),
                "row": Out(params.row_bits),
                "sums": In(data.ArrayLayout(params.count_bits, params.bins_per_row)),
                "free": Out(1),
                "is_done": Out(1),
                "decision": Out(decision_layout(params)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        p = self.params
        groups = p.num_groups
        steps = Signal(groups + 2)  # bit n: started n + 1 cycles ago
        coarse = Signal(p.coarse_bits, reset_less=True)
        target = Signal(p.target_bits, reset_less=True)
        read_group = Signal(range(max(2, groups)), reset_less=True)
        m.d.sync += [steps.eq(Cat(self.start, steps)), read_group.eq(read_group - 1)]
        with m.If(self.start):
            m.d.sync += [coarse.eq(self.coarse), target.eq(self.target)]
            m.d.sync += read_group.eq(groups - 1)
        group_bits = p.row_bits - p.coarse_bits
        m.d.comb += [
            self.row.eq(Cat(read_group[:group_bits], coarse)),
            self.free.eq(steps[groups]),
            self.is_done.eq(steps[groups + 1]),
        ]
        fine, wanted, is_settled = self._walk(m, steps[1], target)
        m.d.comb += [
            self.decision.digit.eq(Cat(fine, coarse)),
            self.decision.ties.eq(wanted),
            self.decision.is_settled.eq(is_settled),
        ]
        return m

    def _walk(self, m, begin, target):
        """Goes through the sums, the largest values first, until enough candidates are seen.

        Returns the state after the present group: lower bits, keys wanted of the candidates that
        have them, whether those are all.
        """
        p = self.params
        group = Signal(range(max(2, p.num_groups)), reset_less=True)
        state = data.StructLayout(
            {"fine": p.fine_bits, "wanted": p.target_bits, "is_settled": 1, "is_found": 1}
        )
        now, then = Signal(state, reset_less=True), Signal(state)
        is_last = ~group.any()
        reached = [count >= now.wanted for count in self.sums]
        place, here, above = Const(0, p.fine_bits), self.sums[0], self.sums[0]
        for n in range(p.bins_per_row):  # the last that is reached counts
            is_here = reached[n] if n else reached[n] | is_last
            place = Mux(is_here, n, place)
            here = Mux(is_here, self.sums[n], here)
            above = Mux(is_here, self.sums[n + 1] if n < p.bins_per_row - 1 else 0, above)
        group_bits = p.row_bits - p.coarse_bits
        m.d.comb += then.eq(now)
        with m.If(~now.is_found):
            m.d.comb += [
                then.fine.eq(Cat(place[: p.fine_bits - group_bits], group[:group_bits])),
                then.wanted.eq(now.wanted - above),
                then.is_settled.eq(now.wanted >= here),
                then.is_found.eq(reached[0]),
            ]
        m.d.sync += [now.eq(then), group.eq(group - 1)]
        with m.If(begin):
            m.d.sync += [now.eq(0), now.wanted.eq(target), group.eq(p.num_groups - 1)]
        return then.fine, then.wanted, then.is_settled


class Decider(wiring.Component):
    """From counters to decisions, in order.

    Parameters
    ----------
    params : DigitParams

    Members
    -------
    start : In(1); ``at_least`` counts a whole packet, or the packet ``is_settled`` already
    is_settled, target, at_least : In; with ``start``
    row, free : Out, sums : In; those of ``FineSearch``, with fine_bits only
    is_done : Out(1), decision : Out(decision_layout); in this cycle only

    Timing
    ------
    ``is_done`` comes 1 cycle after ``start``, with fine_bits ``num_groups + 3``; settled packets
    may follow in any cycle, others as ``FineSearch`` says.

    Numbers
    -------
    Exact.
    """

    def __init__(self, params: DigitParams) -> None:
        self.params = params
        bins = 1 << params.coarse_bits
        members = {
            "start": In(1),
            "is_settled": In(1),
            "target": In(params.target_bits),
            "at_least": In(data.ArrayLayout(params.count_bits, bins)),
            "is_done": Out(1),
            "decision": Out(decision_layout(params)),
        }
        if params.fine_bits:
            members["row"] = Out(params.row_bits)
            members["free"] = Out(1)
            members["sums"] = In(data.ArrayLayout(params.count_bits, params.bins_per_row))
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        p = self.params
        m.submodules.coarse = coarse = CoarseSearch(p)
        is_counted = self.start & ~self.is_settled
        m.d.comb += [
            coarse.start.eq(is_counted),
            coarse.target.eq(self.target),
            coarse.at_least.eq(self.at_least),
        ]
        delay = p.num_groups + 3 if p.fine_bits else 1
        settled = Signal(delay)  # settled packets pass by, at the same pace
        m.d.sync += settled.eq(Cat(self.start & self.is_settled, settled))
        is_passing = settled[delay - 1]
        counted = Signal()
        m.d.sync += counted.eq(is_counted)
        if not p.fine_bits:
            m.d.comb += [
                self.is_done.eq(counted | is_passing),
                self.decision.digit.eq(coarse.digit),
                self.decision.ties.eq(coarse.ties),
                self.decision.is_settled.eq(self._settles(coarse.is_settled | is_passing)),
            ]
            return m
        m.submodules.fine = fine = FineSearch(p)
        m.d.comb += [
            fine.start.eq(counted),
            fine.coarse.eq(coarse.digit),
            fine.target.eq(coarse.ties),
            fine.sums.eq(self.sums),
            self.row.eq(fine.row),
            self.free.eq(fine.free),
            self.is_done.eq(fine.is_done | is_passing),
            self.decision.eq(fine.decision),
            self.decision.is_settled.eq(self._settles(fine.decision.is_settled | is_passing)),
        ]
        return m

    def _settles(self, is_settled):
        """After the last digit there is no pass to save: ties alone tell which keys are taken."""
        return is_settled if self.params.digit_start else 0
