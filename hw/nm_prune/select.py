"""From a group of values to the elements of the largest: ranks by comparing all pairs."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..lib.layout import equals
from .params import NMPruneParams


class GroupSelect(wiring.Component):
    """Keeps the largest magnitudes of a group and moves them together.

    Parameters
    ----------
    params : NMPruneParams

    Members
    -------
    values : In(array of group values); last_step : In(index_bits); kept - 1
    elements : Out(array of max_kept elements); mask : Out(max_kept)

    Timing
    ------
    ``cost.PIPELINE_CYCLES`` cycles, one group per cycle, free running.

    Numbers
    -------
    Magnitudes are exact, that of the most negative value too. Of equal magnitudes the lowest index
    stays. Zeros are never kept: elements beyond the values that are not zero are 0.
    """

    def __init__(self, params: NMPruneParams) -> None:
        self.params = params
        super().__init__(
            {
                "values": In(data.ArrayLayout(params.value_format.bits, params.group)),
                "last_step": In(params.index_bits),
                "elements": Out(data.ArrayLayout(params.element_bits, params.max_kept)),
                "mask": Out(params.max_kept),
            }
        )

    def elaborate(self, platform):
        m = Module()
        magnitudes = self._magnitudes(m)
        beaten, is_zero = self._compare(m, magnitudes)
        is_kept = self._rank(m, beaten, is_zero)
        self._place(m, is_kept)
        return m

    def _delayed(self, m, value, name, num_cycles):
        """`value`, `num_cycles` cycles later."""
        for cycle in range(num_cycles):
            stage = Signal(value.shape(), name=f"{name}_{cycle + 1}", reset_less=True)
            m.d.sync += stage.eq(value)
            value = stage
        return value

    def _magnitudes(self, m):
        """Cycle 1: magnitudes, as wide as the values: the most negative one's fits unsigned."""
        bits = self.params.magnitude_bits
        found = []
        for i, value in enumerate(self.values):
            magnitude = Signal(bits, name=f"magnitude_{i}", reset_less=True)
            is_negative = value[-1] if self.params.value_format.signed else 0
            m.d.sync += magnitude.eq(Mux(is_negative, -value, value))
            found.append(magnitude)
        return found

    def _compare(self, m, magnitudes):
        """Cycle 2: bit j of `beaten[i]`: j is kept rather than i; and which values are 0."""
        num = self.params.group
        beaten = [Signal(num, name=f"beaten_{i}", reset_less=True) for i in range(num)]
        is_zero = Signal(num, reset_less=True)
        m.d.sync += is_zero.eq(Cat(~magnitude.any() for magnitude in magnitudes))
        for i in range(num):
            for j in range(i):
                lower_wins = magnitudes[j] >= magnitudes[i]
                m.d.sync += [beaten[i][j].eq(lower_wins), beaten[j][i].eq(~lower_wins)]
        return beaten, is_zero

    def _rank(self, m, beaten, is_zero):
        """Cycle 3: a value stays if fewer than `kept` others are rather kept."""
        is_kept = Signal(self.params.group, reset_less=True)
        last_step = self._delayed(m, self.last_step, "last_step", 2)
        for i, better in enumerate(beaten):
            others = [is_better for j, is_better in enumerate(better) if j != i]
            is_among = _count(others) <= last_step if others else 1
            m.d.sync += is_kept[i].eq(is_among & ~is_zero[i])
        return is_kept

    def _place(self, m, is_kept):
        """Cycles 4 and 5: the place of each value that stays, then each place's element."""
        p = self.params
        positions = []
        for i in range(p.group):
            position = Signal(range(p.group + 1), name=f"position_{i}", reset_less=True)
            m.d.sync += position.eq(_count(is_kept[:i]) if i else 0)
            positions.append(position)
        stays = self._delayed(m, is_kept, "stays", 1)
        values = self._delayed(m, self.values.as_value(), "values", 4)
        bits = p.value_format.bits
        for place in range(p.max_kept):
            here = [stays[i] & equals(position, place) for i, position in enumerate(positions)]
            element = 0
            for i, is_here in enumerate(here):
                value = Cat(values[i * bits : (i + 1) * bits], Const(i, p.index_bits))
                element |= Mux(is_here, value, 0)
            m.d.sync += [
                self.elements[place].eq(element),
                self.mask[place].eq(Cat(here).any()),
            ]


def _count(bits):
    """How many of `bits` are set, added up in pairs."""
    terms = list(bits)
    while len(terms) > 1:
        terms = [sum(terms[n : n + 2]) for n in range(0, len(terms), 2)]
    return terms[0]
