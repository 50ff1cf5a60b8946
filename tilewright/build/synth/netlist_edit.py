"""What passes over netlists share: nets of a module of yosys's JSON, one bit at a time. Pure."""

from collections.abc import Iterator
from typing import Any

__all__ = ["Bit", "Json", "bit_of", "bits_of", "drop_unused", "inputs_of", "readers_of"]

Bit = int | str
"""Number of a net, or a constant: "0", "1", "x", "z"."""
Json = dict[str, Any]


def bits_of(cell: Json) -> Iterator[tuple[str, Bit]]:
    """Port and net of every connection of a cell, one bit at a time."""
    for port, bits in cell["connections"].items():
        for bit in bits:
            yield port, bit


def inputs_of(cell: Json) -> Iterator[tuple[str, Bit]]:
    """`bits_of` of the ports that read."""
    for port, bit in bits_of(cell):
        if cell["port_directions"].get(port) != "output":
            yield port, bit


def bit_of(cell: Json, port: str) -> Bit:
    """The net of a port of one bit; an open one counts as `x`."""
    bits: list[Bit] = cell["connections"].get(port) or ["x"]
    return bits[0]


def readers_of(module: Json) -> dict[Bit, set[tuple[str, str]]]:
    """Who reads each net: a cell's name and port, or no name and a port of the module."""
    readers: dict[Bit, set[tuple[str, str]]] = {}
    for name, cell in module["cells"].items():
        for port, bit in inputs_of(cell):
            readers.setdefault(bit, set()).add((name, port))
    for name, port in module["ports"].items():
        if port["direction"] != "input":
            for bit in port["bits"]:
                readers.setdefault(bit, set()).add(("", name))
    return readers


def drop_unused(module: Json) -> None:
    """Removes cells whose type is empty, and names of nets that nothing drives or reads any more.

    A pass that walks the cells marks those that go: a dictionary that is walked keeps its keys.
    """
    module["cells"] = {name: cell for name, cell in module["cells"].items() if cell["type"]}
    used = {bit for cell in module["cells"].values() for _, bit in bits_of(cell)}
    used |= {bit for port in module["ports"].values() for bit in port["bits"]}
    module["netnames"] = {
        name: net
        for name, net in module["netnames"].items()
        if any(bit in used or isinstance(bit, str) for bit in net["bits"])
    }
