"""Chains of equal parts, written down once however long they are."""

from dataclasses import dataclass
from typing import Any, ClassVar

from amaranth.hdl import Module, Shape, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .shared import Shared

__all__ = ["Chain", "ChainParams"]

MAX_FLAT_PARTS = 16
"""A longer chain that is compact consists of two chains of half the length. Fewer would save text
and cost time: every module is a run of the Verilog writer."""


@dataclass(frozen=True, kw_only=True)
class ChainParams:
    """`num` parts with params `part`.

    `is_compact`: halves of a chain are modules of their own, so that the text grows with the
    logarithm of `num`; else the parts stand side by side. `shares_parts`: a part is a module.
    """

    part: Any
    num: int
    is_compact: bool = True
    shares_parts: bool = True


class Chain(wiring.Component):
    """`num` parts, each connected to the next.

    A subclass names the class of its parts, `PART`. A part has attributes `chained` (stems: member
    `X_in` of a part is `X_out` of the one before) and `broadcast` (members that all parts share).

    Parameters
    ----------
    params : ChainParams

    Members
    -------
    Chained and broadcast ones as those of a part. Every other member is as wide as those of all
    parts together, part 0 lowest.

    Timing
    ------
    That of the parts. Numbers likewise.
    """

    PART: ClassVar[type[wiring.Component]]

    def __init__(self, params: ChainParams) -> None:
        self.params = params
        part = self.PART(params.part)
        part._MustUse__silence = True  # only its members are of interest
        self.chained, self.broadcast = part.chained, part.broadcast
        ends = [f"{stem}_{end}" for stem in self.chained for end in ("in", "out")]
        self.parallel = {
            name: Shape.cast(member.shape).width
            for name, member in part.signature.members.items()
            if name not in (*ends, *self.broadcast)
        }
        members = dict(part.signature.members.items())
        for name, bits in self.parallel.items():
            members[name] = (In if members[name].flow == In else Out)(bits * params.num)
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        previous = {stem: getattr(self, f"{stem}_in") for stem in self.chained}
        first = 0
        for size in self._sizes():
            link = self._link(size)
            m.submodules[f"part_{first}"] = link
            for stem in self.chained:
                m.d.comb += getattr(link, f"{stem}_in").eq(previous[stem])
                previous[stem] = getattr(link, f"{stem}_out")
            for name in self.broadcast:
                m.d.comb += getattr(link, name).eq(getattr(self, name))
            for name, bits in self.parallel.items():
                outer = Value.cast(getattr(self, name))[first * bits : (first + size) * bits]
                inner = getattr(link, name)
                is_input = self.signature.members[name].flow == In
                m.d.comb += inner.eq(outer) if is_input else outer.eq(inner)
            first += size
        for stem in self.chained:
            m.d.comb += getattr(self, f"{stem}_out").eq(previous[stem])
        return m

    def _sizes(self) -> list[int]:
        num = self.params.num
        if self.params.is_compact and num > MAX_FLAT_PARTS:
            return [num - num // 2, num // 2]
        return [1] * num

    def _link(self, size: int) -> wiring.Component:
        params = self.params
        if size == 1:
            part = self.PART(params.part)
            return Shared(part) if params.shares_parts else part
        return Shared(type(self)(ChainParams(part=params.part, num=size)))
