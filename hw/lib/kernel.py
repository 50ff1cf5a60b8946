"""Any component of streams, with the port names that tools recognise."""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from amaranth.hdl import Cat, ClockDomain, ClockSignal, Module, ResetSignal, Shape, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["StreamKernel"]

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class StreamKernel(wiring.Component):
    """A component of streams behind AXI4-Stream ports.

    Parameters
    ----------
    core : wiring.Component in the domain `sync`. Its stream members, alone or in arrays of one
        dimension, become AXI4-Stream ports; other members keep their names. A payload whose layout
        has a field `last` must have it as its last, on top, and gets `tlast`.
    names : other names for some members; None: the member stays inside (outputs only).

    Members
    -------
    aclk, aresetn : In(1); clock, synchronous reset (active low)
    s_axis_NAME_{tdata, tvalid, tready, tlast} : streams into the core; of an array, NAME0, NAME1..
    m_axis_NAME_{tdata, tvalid, tready, tlast} : streams out of it
    any other member of the core, under its name

    Timing
    ------
    That of the core: only wires are added. Numbers likewise.
    """

    def __init__(
        self, core: wiring.Component, names: Mapping[str, str | None] = MappingProxyType({})
    ) -> None:
        self.core = core
        self.names = names
        members = {"aclk": In(1), "aresetn": In(1)}
        for name, member, _ in _ports(core, names):
            if not member.is_signature:
                members[name] = member
                continue
            flow, back = (In, Out) if member.flow is In else (Out, In)
            prefix = _prefix(name, member)
            shape = _payload(member)
            last = _has_last(shape)
            members[f"{prefix}_tdata"] = flow(Shape.cast(shape).width - last)
            members[f"{prefix}_tvalid"] = flow(1)
            members[f"{prefix}_tready"] = back(1)
            if last:
                members[f"{prefix}_tlast"] = flow(1)
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = ClockDomain()
        m.submodules[_WORD_START.sub("_", type(self.core).__name__).lower()] = self.core
        m.d.comb += [ClockSignal().eq(self.aclk), ResetSignal().eq(~self.aresetn)]
        for name, member, value in _ports(self.core, self.names):
            if member.is_signature:
                self._connect(m, _prefix(name, member), member, value)
            elif member.flow is In:
                m.d.comb += value.eq(getattr(self, name))
            else:
                m.d.comb += getattr(self, name).eq(value)
        return m

    def _connect(self, m, prefix, member, port):
        names = ("tdata", "tlast") if _has_last(_payload(member)) else ("tdata",)
        outer = Cat(getattr(self, f"{prefix}_{name}") for name in names)
        valid, ready = (getattr(self, f"{prefix}_{name}") for name in ("tvalid", "tready"))
        inner = Value.cast(port.payload)
        if member.flow is In:
            m.d.comb += [inner.eq(outer), port.valid.eq(valid), ready.eq(port.ready)]
        else:
            m.d.comb += [outer.eq(inner), valid.eq(port.valid), port.ready.eq(ready)]


def _ports(
    core: wiring.Component, names: Mapping[str, str | None]
) -> Iterator[tuple[str, wiring.Member, Any]]:
    """Name, member (a stream or a plain signal) and value of each port; arrays one by one."""
    for inner, member in core.signature.members.items():
        name, value = names.get(inner, inner), getattr(core, inner)
        if name is None:
            continue
        if member.is_signature and not isinstance(member.signature, stream.Signature):
            raise TypeError(f"{name}: a kernel has streams and plain signals only")
        if not member.dimensions:
            yield name, member, value
        elif member.is_signature and len(member.dimensions) == 1:
            for index in range(member.dimensions[0]):
                yield f"{name}{index}", member.flow(member.signature), value[index]
        else:
            raise TypeError(f"{name}: arrays of streams with one dimension only")


def _prefix(name: str, member: wiring.Member) -> str:
    return f"{'s' if member.flow is In else 'm'}_axis_{name}"


def _payload(member: wiring.Member):
    """Shape of a stream's payload."""
    return member.signature.members["payload"].shape


def _has_last(shape) -> bool:
    """Whether a payload is a layout with the field `last`, which then lies on top."""
    if not (isinstance(shape, data.StructLayout) and "last" in shape.members):
        return False
    field = shape["last"]
    if field.offset + field.width != shape.size or field.width != 1:
        raise TypeError("`last` is the last field of a payload, and one bit wide")
    return True
