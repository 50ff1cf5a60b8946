"""Rows of PEs above each other, and what collects their sums."""

from typing import ClassVar

from amaranth.hdl import Module, Shape, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from ..lib.pick import pick
from ..lib.shared import Shared
from .cost import COLLECT_FAN_IN
from .params import RowGroupParams
from .pe import Row

SELECT_BITS = (COLLECT_FAN_IN - 1).bit_length()


class RowGroup(wiring.Component):
    """Rows above each other; a tree of multiplexers picks the row whose sums are complete.

    In a column one row after the other completes a tile, a row per cycle, so that nothing has to
    wait and no sum is kept: a group selects among up to ``COLLECT_FAN_IN`` rows, or groups of one
    level less.

    Parameters
    ----------
    params : RowGroupParams

    Members
    -------
    Those of ``Row``: chained ones of the first and the last row, ``a`` of all rows (k_outer: row 0
    lowest).
    select : In; for each level, the lowest first, and each column, the digit of the row to pick
        (not there without levels)
    values : Out; a sum per column, column 0 lowest

    Timing
    ------
    A digit of level l picks, in the next cycle, among what level l - 1 shows; level 0 is the rows.

    Numbers
    -------
    Those of ``PE``.
    """

    ROW: ClassVar[type[wiring.Component]] = Row

    def __init__(self, params: RowGroupParams) -> None:
        self.params = params
        row = self.ROW(params.array)
        row._MustUse__silence = True  # only its members are of interest
        self.chained, self.broadcast = row.chained, row.broadcast
        members = dict(row.signature.members.items())
        if self._has_own_a:
            members["a"] = In(Shape.cast(members["a"].shape).width * params.rows)
        if params.levels:
            members["select"] = In(params.levels * params.array.cols * SELECT_BITS)
        super().__init__(members)

    @property
    def _has_own_a(self) -> bool:
        """Whether each row has an operand port of its own."""
        return "a" not in self.broadcast

    def elaborate(self, platform):
        m = Module()
        above = {stem: getattr(self, f"{stem}_in") for stem in self.chained}
        values, first = [], 0
        for number, size in enumerate(self._sizes()):
            part = self._part(size)
            m.submodules[f"part_{number}"] = part
            for stem in self.chained:
                m.d.comb += getattr(part, f"{stem}_in").eq(above[stem])
                above[stem] = getattr(part, f"{stem}_out")
            m.d.comb += [getattr(part, name).eq(getattr(self, name)) for name in self.broadcast]
            if self._has_own_a:
                bits = len(part.a)
                m.d.comb += part.a.eq(self.a[first : first + bits])
                first += bits
            if self.params.levels > 1:
                m.d.comb += part.select.eq(self.select)
            values.append(part.values)
        for stem in self.chained:
            m.d.comb += getattr(self, f"{stem}_out").eq(above[stem])
        self._collect(m, values)
        return m

    def _sizes(self) -> list[int]:
        """Rows of each part: as many as one level less collects, what is left in the last."""
        size = COLLECT_FAN_IN ** max(0, self.params.levels - 1)
        full, rest = divmod(self.params.rows, size)
        return [size] * full + [rest] * (rest > 0)

    def _part(self, size: int) -> wiring.Component:
        array, levels = self.params.array, self.params.levels - 1
        part = self.ROW(array)
        if levels > 0:
            part._MustUse__silence = True
            part = type(self)(RowGroupParams(array=array, rows=size, levels=levels))
        return Shared(part) if array.is_large else part

    def _collect(self, m: Module, values: list[Value]) -> None:
        """The column's value of the part that the digit of this level names."""
        if not self.params.levels:
            m.d.comb += self.values.eq(values[0])
            return
        cols, bits = self.params.array.cols, self.params.array.accumulator_bits
        digits = self.select[(self.params.levels - 1) * cols * SELECT_BITS :]
        for c in range(cols):
            digit = digits[c * SELECT_BITS : (c + 1) * SELECT_BITS]
            here = slice(c * bits, (c + 1) * bits)
            value = Signal(bits, name=f"value_{c}", reset_less=True)
            m.d.sync += value.eq(pick([part[here] for part in values], digit))
            m.d.comb += self.values[here].eq(value)
