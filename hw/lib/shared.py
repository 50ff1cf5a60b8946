"""Modules that are converted to Verilog once and instantiated many times."""

from typing import Protocol, runtime_checkable

from amaranth.hdl import ClockSignal, Instance, Module, ResetSignal, Value
from amaranth.lib import wiring

__all__ = ["ModuleLibrary", "Shared"]


@runtime_checkable
class ModuleLibrary(Protocol):
    """What `Shared` asks of the `platform` it is elaborated for."""

    def request_module(self, component: wiring.Component) -> str:
        """Name of the one module that stands for every component equal to this one."""


class Shared(wiring.Component):
    """A component that becomes one module per distinct (class, params), instantiated by name.

    Elaborated for a platform that collects modules (`ModuleLibrary`), it is an `Instance`;
    elsewhere, as in Amaranth's simulator, it contains the component itself. Both behave alike.

    Parameters
    ----------
    component : wiring.Component with a hashable `params`, in the clock domain `sync` only.

    Members
    -------
    Those of the component.

    Timing
    ------
    That of the component. Numbers likewise.
    """

    def __init__(self, component: wiring.Component):
        self.component = component
        super().__init__(component.signature)

    def elaborate(self, platform):
        if isinstance(platform, ModuleLibrary):
            # Most shared components are never elaborated: that is the point, not a mistake.
            self.component._MustUse__silence = True
            return self._instance(platform.request_module(self.component))
        m = Module()
        m.submodules.component = self.component
        inner = {path: value for path, _, value in _flatten(self.component)}
        for path, is_input, value in _flatten(self):
            source, sink = (value, inner[path]) if is_input else (inner[path], value)
            m.d.comb += sink.eq(source)
        return m

    def _instance(self, name: str) -> Instance:
        ports = {"i_clk": ClockSignal(), "i_rst": ResetSignal(allow_reset_less=True)}
        for path, is_input, value in _flatten(self):
            ports[f"{'i' if is_input else 'o'}_{'__'.join(map(str, path))}"] = value
        return Instance(name, **ports)


def _flatten(component: wiring.Component):
    for path, member, value in component.signature.flatten(component):
        yield path, member.flow == wiring.In, Value.cast(value)
