"""Where the cycles went: one counter for each activity of each unit."""

from amaranth.hdl import Array, Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .layout import equals
from .params import ACTIVITY_BITS, Activity, CounterParams

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
        unused = [Const(0)] * ((1 << len(self.index)) - len(counters))
        m.d.sync += self.value.eq(Array([*counters, *unused])[self.index])
        return m
