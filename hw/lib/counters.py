"""Where the cycles went: one counter for each activity of each unit."""

from amaranth.hdl import Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .layout import equals
from .params import ACTIVITY_BITS, COUNTER_GROUP_BITS, Activity, CounterParams
from .pick import pick

__all__ = ["ActivityCounters"]


class ActivityCounters(wiring.Component):
    """Counts the cycles that each unit spends in each class of `params.Activity`.

    Parameters
    ----------
    params : CounterParams, number of units and width of a counter.

    Members
    -------
    activity : In(3).array(num_units), an `Activity` each; exactly one class per cycle, so the
        classes of a unit sum to the cycles with `enable`.
    enable : In(1), count this cycle. clear : In(1), all to 0; overrides `enable`.
    index : In, which counter (`CounterParams.index`). value : Out(counter_bits).

    Timing
    ------
    A cycle is in the count two cycles later: activities, `enable` and `clear` are registered first,
    so that what they are made of does not reach the counters' enables. `value` belongs to the
    `index` of `cost.COUNTER_READ` cycles before.

    Numbers
    -------
    Wrap at 2**counter_bits.
    """

    def __init__(self, params: CounterParams):
        self.params = params
        super().__init__(
            {
                "activity": In(ACTIVITY_BITS).array(params.num_units),
                "enable": In(1),
                "clear": In(1),
                "index": In(range(max(2, params.num_counters))),
                "value": Out(params.counter_bits),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        enable, clear = Signal(), Signal()
        m.d.sync += [enable.eq(self.enable), clear.eq(self.clear)]
        counters = []
        for unit in range(self.params.num_units):
            activity_now = Signal(ACTIVITY_BITS, name=f"unit{unit}_activity")
            m.d.sync += activity_now.eq(self.activity[unit])
            for activity in Activity:
                counter = Signal(
                    self.params.counter_bits, name=f"unit{unit}_{activity.name.lower()}"
                )
                counters.append(counter)
                with m.If(clear):
                    m.d.sync += counter.eq(0)
                with m.Elif(enable & equals(activity_now, int(activity))):
                    m.d.sync += counter.eq(counter + 1)
        self._choose(m, counters)
        return m

    def _choose(self, m: Module, counters: list[Value]) -> None:
        """One of each group into a register, then one of those."""
        counters += [Const(0)] * ((1 << len(self.index)) - len(counters))
        bits = min(len(self.index), COUNTER_GROUP_BITS)
        groups = [counters[n : n + (1 << bits)] for n in range(0, len(counters), 1 << bits)]
        chosen = []
        for n, group in enumerate(groups):
            value = Signal(self.params.counter_bits, name=f"chosen_{n}")
            m.d.sync += value.eq(pick(group, self.index[:bits]))
            chosen.append(value)
        if len(chosen) == 1:
            m.d.comb += self.value.eq(chosen[0])
            return
        number = Signal(len(self.index) - bits, name="chosen_group")
        m.d.sync += number.eq(self.index[bits:])
        m.d.comb += self.value.eq(pick(chosen, number))
