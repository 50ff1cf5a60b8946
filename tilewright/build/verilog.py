"""Amaranth component to Verilog text: same component, same bytes."""

import re
from typing import Any

from amaranth.back import rtlil, verilog
from amaranth.hdl import ClockDomain, Fragment, Value
from amaranth.hdl._ir import PortDirection
from amaranth.lib import wiring

__all__ = ["Library", "emit"]

# Yosys names a helper register after a line of its own source text.
_TRIGGER = re.compile(r"\\\$auto\$verilog_backend\.cc:\d+:dump_module\$\d+ ")
_MODULE = re.compile(r"\s*(.*?^endmodule)$", re.MULTILINE | re.DOTALL)
_MODULE_NAME = re.compile(r"^module \\?([^\s(]+)", re.MULTILINE)
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class Library:
    """The distinct shared modules of one design, in the order in which they were asked for.

    Handed to Amaranth as the `platform`: `tilewright.hw.lib.shared.Shared` asks it for names.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._names: dict[tuple[type, Any], str] = {}
        self._num_of_class: dict[str, int] = {}
        self.waiting: list[tuple[str, wiring.Component]] = []
        self.uses: dict[str, list[str]] = {}
        self.current = prefix

    def request_module(self, component: wiring.Component) -> str:
        """Name of the module for `component`; the first of its kind is queued for conversion."""
        key = (type(component), component.params)
        if key not in self._names:
            self._names[key] = self._new_name(type(component).__name__)
            self.waiting.append((self._names[key], component))
        name = self._names[key]
        users = self.uses.setdefault(self.current, [])
        if name not in users:
            users.append(name)
        return name

    def _new_name(self, class_name: str) -> str:
        base = f"{self._prefix}_{_WORD_START.sub('_', class_name).lower()}"
        count = self._num_of_class.get(base, 0)
        self._num_of_class[base] = count + 1
        return base if count == 0 else f"{base}_{count}"


def emit(component: wiring.Component, name: str) -> str:
    """Verilog of `component` as module `name`, preceded by the shared modules that it uses.

    Ports are those of the component's signature (`path__to__member`), plus `clk` and `rst` where
    the component leaves the domain `sync` to its surroundings.
    """
    library = Library(name)
    texts = {name: _convert(component, name, library, has_fixed_clock=False)}
    while library.waiting:
        module, part = library.waiting.pop(0)
        library.current = module
        texts[module] = _convert(part, module, library, has_fixed_clock=True)
    # One start of yosys for all modules: a start costs as much as a small module.
    text = verilog._convert_rtlil_text("\n".join(texts.values()), strip_internal_attrs=True)
    header, modules = _split(_TRIGGER.sub(r"\\$trigger ", text))
    order = {module: index for index, module in enumerate(_dependencies_first(name, library.uses))}
    # A module's own parts are called `module.part`; the sort keeps their order.
    modules.sort(key=lambda item: order[item[0].split(".")[0]])
    return "\n\n".join([header, *(text for _, text in modules)]) + "\n"


def _split(text: str) -> tuple[str, list[tuple[str, str]]]:
    """The comment at the top of a text, and its modules by name."""
    start = text.index("*/") + 2
    blocks = [match.group(1) for match in _MODULE.finditer(text, start)]
    modules = [(_MODULE_NAME.findall(block)[0], block) for block in blocks]
    return text[:start].strip(), modules


def _convert(
    component: wiring.Component, name: str, library: Library, *, has_fixed_clock: bool
) -> str:
    ports = {}
    for path, member, value in component.signature.flatten(component):
        direction = PortDirection.Input if member.flow == wiring.In else PortDirection.Output
        ports["__".join(map(str, path))] = (Value.cast(value), direction)
    fragment = Fragment.get(component, library)
    if has_fixed_clock:
        domain = ClockDomain("sync")
        fragment.add_domains(domain)
        ports["clk"] = (domain.clk, PortDirection.Input)
        ports["rst"] = (domain.rst, PortDirection.Input)
    text, _ = rtlil.convert_fragment(fragment, ports, name, emit_src=False)
    return str(text)


def _dependencies_first(top: str, uses: dict[str, list[str]]) -> list[str]:
    """Every module once, after all those that it instantiates."""
    order: list[str] = []

    def visit(module: str) -> None:
        for used in uses.get(module, []):
            if used not in order:
                visit(used)
        order.append(module)

    visit(top)
    return order
