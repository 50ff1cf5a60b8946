"""Which instance of the design each cell of a flat netlist belongs to.

Synthesis throws names away. So before it, every cell gets a mark in its `src` attribute, the one
attribute that yosys carries through all its passes: number of the instance, line of the Verilog,
operation and width, as in `@17:60:add:32`. Registers, carry chains, multipliers and memories keep
it. LUTs are made anew by the mapper; a LUT belongs to the instance whose cells it drives, if these
are of one instance; else to the one whose cells drive it, if these are; else to the one in whose
net's name it is called.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from tilewright.build.synth.counts import BLOCKS, LARGE_BLOCKS, MEMORY_SITES, Area, area_of_cells
from tilewright.build.synth.harness import INSTANCE

__all__ = ["Mark", "Marked", "mark", "mark_of", "modules_of", "owners", "without_harness"]

UNKNOWN: Final = -1
"""The instance of a cell that cannot be attributed; it has a row of its own."""


@dataclass(frozen=True, kw_only=True)
class Mark:
    """What a cell was before synthesis: `instance` is a place in `Marked.paths`."""

    instance: int
    line: int = 0
    operation: str = ""
    width: int = 0

    @property
    def text(self) -> str:
        return f"@{self.instance}:{self.line}:{self.operation}:{self.width}"


def mark_of(source: str) -> Mark | None:
    """The first mark in a `src` attribute."""
    for part in source.split("|"):
        if part.startswith("@"):
            instance, line, operation, width = part[1:].split(":")
            return Mark(
                instance=int(instance), line=int(line), operation=operation, width=int(width)
            )
    return None


HARNESS_PATH: Final = "(harness)"
"""The row of the registers around a design out of context."""


@dataclass
class Marked:
    """Instances (path, module), memories by name (instance, bits of a word, words), and the nets
    that multiplications make, with the bits of each: themselves, or by a register.
    """

    paths: list[str] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)
    memories: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    products: dict[str, int] = field(default_factory=dict)


def mark(module: Any) -> Marked:
    """Mark every cell and memory of yosys' flat top module."""
    found = Marked(paths=[""], modules=[module.name.str().removeprefix("\\")])
    for name, cell in module.cells_.items():
        if cell.type.str() == "$scopeinfo":
            found.paths.append(".".join(_words(cell, "hdlname") or [_plain(name)]))
            found.modules.append(cell.get_string_attribute(_id("module")))
    places = {path: place for place, path in enumerate(found.paths)}
    for name, cell in module.cells_.items():
        if cell.type.str() != "$scopeinfo":
            cell.set_src_attribute(_mark_of_cell(name, cell, places).text)
    for name, memory in module.memories.items():
        path, _, _ = ".".join(_words(memory, "hdlname") or [_plain(name)]).rpartition(".")
        place = places.get(path, 0)
        found.memories[_plain(name)] = (place, int(memory.width), int(memory.size))
        memory.set_src_attribute(Mark(instance=place, operation="memory").text)
    found.products = _products(module)
    return found


def without_harness(module: dict[str, Any], marked: Marked) -> None:
    """Call everything in a netlist as if the design in the harness were the top."""
    prefix = f"{INSTANCE}."
    for kind in ("cells", "netnames"):
        module[kind] = {name.removeprefix(prefix): item for name, item in module[kind].items()}
    marked.paths = [
        path.removeprefix(INSTANCE).removeprefix(".") if path else HARNESS_PATH
        for path in marked.paths
    ]
    marked.memories = {name.removeprefix(prefix): m for name, m in marked.memories.items()}
    marked.products = {name.removeprefix(prefix): bits for name, bits in marked.products.items()}


def _mark_of_cell(name: Any, cell: Any, places: Mapping[str, int]) -> Mark:
    words = _words(cell, "scopename") or _words(cell, "hdlname")[:-1]
    source = str(cell.get_src_attribute()).split("|")[0].rpartition(":")[2]
    line = source.partition(".")[0]
    widths = [value.size() for port, value in cell.connections_.items() if port.str() in _RESULTS]
    return Mark(
        instance=places.get(".".join(words), UNKNOWN),
        line=int(line) if line.isdecimal() else 0,
        operation=cell.type.str().removeprefix("$"),
        width=max(widths, default=0),
    )


def _products(module: Any) -> dict[str, int]:
    """Nets that hold a product, by name, with their bits. A multiplication in LUTs keeps no mark,
    but the LUTs and carries that it becomes are called after what they lead to.
    """
    cells = [
        (cell.type.str(), {port.str(): _wire(net) for port, net in cell.connections_.items()})
        for cell in module.cells_.values()
    ]
    made = {ports["\\Y"] for kind, ports in cells if kind == "$mul"} - {_NO_WIRE}
    for _ in range(_MOST_CHOICES):  # a register that keeps its value, or is cleared
        made |= {ports["\\Y"] for kind, ports in cells if kind == "$mux"
                 and not made.isdisjoint((ports["\\A"], ports["\\B"]))}  # fmt: skip
    made |= {ports["\\Q"] for _, ports in cells if ports.get("\\D") in made}
    return {name[1:]: bits for name, bits in sorted(made) if name.startswith("\\")}


def _wire(net: Any) -> tuple[str, int]:
    """Name and bits of the wire that a port is connected to as a whole."""
    return (net.as_wire().name.str(), net.size()) if net.is_wire() else _NO_WIRE


_NO_WIRE: Final = ("", 0)
_MOST_CHOICES: Final = 2

_RESULTS: Final = ("\\Y", "\\Q", "\\RD_DATA", "\\DATA")


def _words(thing: Any, attribute: str) -> list[str]:
    return str(thing.get_string_attribute(_id(attribute))).split()


def _id(name: str) -> Any:
    from pyosys import libyosys

    return libyosys.IdString("\\" + name)


def _plain(name: Any) -> str:
    return str(name.str()).removeprefix("\\")


_LOGIC: Final = ("LUT", "SB_LUT4", "INV", "PFUMX", "L6MUX21", "MUXF", "MUX2")
"""Beginnings of the types that the mapper makes of logic; their marks say nothing."""


def owners(cells: Mapping[str, Any], paths: list[str]) -> dict[str, int]:
    """The instance of each cell by the cell's name; `UNKNOWN` where nothing tells it."""
    found: dict[str, int] = {}
    for name, cell in cells.items():
        known = mark_of(str(cell["attributes"].get("src", "")))
        if known is not None and not cell["type"].startswith(_LOGIC):
            found[name] = known.instance
    places = {path: place for place, path in enumerate(paths)}
    logic = {name: cell for name, cell in cells.items() if cell["type"].startswith(_LOGIC)}
    for name in cells:
        if name not in found and name not in logic:
            found[name] = _by_name(name, places)
    drives = _reached(_neighbours(cells, logic, "output", "input"), found)
    reads = _reached(_neighbours(cells, logic, "input", "output"), found)
    for name in logic:
        only = drives[name] if drives[name] >= 0 else reads[name]
        found[name] = only if only >= 0 else _by_name(name, places)
    return found


def _by_name(name: str, places: Mapping[str, int]) -> int:
    """The deepest instance whose path begins the name; the top for a name of its own nets."""
    if name.startswith("$"):
        return UNKNOWN
    parts = name.split(".")
    for length in range(len(parts) - 1, -1, -1):
        if (place := places.get(".".join(parts[:length]))) is not None:
            return place
    return UNKNOWN


def _neighbours(
    cells: Mapping[str, Any], logic: Mapping[str, Any], near: str, far: str
) -> dict[str, set[str]]:
    """The cells at the `far` ends of the nets at each logic cell's `near` ports."""
    at_net: dict[int, list[str]] = defaultdict(list)
    for name, cell in cells.items():
        for bit in _nets(cell, far):
            at_net[bit].append(name)
    return {
        name: {other for bit in _nets(cell, near) for other in at_net.get(bit, ())}
        for name, cell in logic.items()
    }


def _nets(cell: Mapping[str, Any], direction: str) -> Iterable[int]:
    """Nets at a cell's ports of one direction."""
    for port, bits in cell["connections"].items():
        if cell["port_directions"].get(port) == direction:
            yield from (bit for bit in bits if isinstance(bit, int))


_NOBODY: Final = -2
_SEVERAL: Final = -3


def _reached(neighbours: Mapping[str, Collection[str]], known: Mapping[str, int]) -> dict[str, int]:
    """The one instance that a cell of logic reaches, also through logic; or none, or several."""
    found: dict[str, int] = {}
    for start in neighbours:
        stack: list[str] = [start]
        on_path: set[str] = set()  # a loop, which synthesis does not make, must not hold us
        while stack:
            name = stack[-1]
            ends = neighbours[name]
            waiting = [e for e in ends if e in neighbours and e not in found and e not in on_path]
            if name in found or not waiting:
                instances = {found.get(e, _NOBODY) if e in neighbours else known[e] for e in ends}
                found.setdefault(name, _single(instances - {_NOBODY}))
                on_path.discard(stack.pop())
            else:
                on_path.add(name)
                stack += waiting
    return found


def _single(instances: set[int]) -> int:
    if len(instances) > 1:
        return _SEVERAL
    return instances.pop() if instances else _NOBODY


def modules_of(cells: Mapping[str, Any], marked: Marked, family: str) -> dict[str, Any]:
    """What `modules.json` holds: `modules` with the area of each instance, `memories`, `cells` by
    type, and the nets of `products`.
    """
    owner = owners(cells, marked.paths)
    kinds: dict[int, Counter[str]] = defaultdict(Counter)
    holders: dict[str, Counter[str]] = defaultdict(Counter)
    for name, cell in cells.items():
        kinds[owner[name]][cell["type"]] += 1
        if cell["type"] in BLOCKS or cell["type"] in LARGE_BLOCKS or cell["type"] in MEMORY_SITES:
            holders[_memory_of(name, marked.memories)][cell["type"]] += 1
    memories = [_memory_row(marked, name, holders, family) for name in sorted(marked.memories)]
    asked: Counter[int] = Counter()
    for name, memory in zip(sorted(marked.memories), memories, strict=True):
        if memory["block_bits_used"]:
            asked[marked.memories[name][0]] += memory["bits_asked"]
    rows = []
    for place in [*range(len(marked.paths)), UNKNOWN]:
        area = area_of_cells(kinds[place], family) + Area(ram_bits_asked=asked[place])
        if place != UNKNOWN or kinds[place]:
            path = marked.paths[place] if place != UNKNOWN else "(not attributed)"
            module = marked.modules[place] if place != UNKNOWN else ""
            rows.append({"path": path, "module": module, "area": asdict(area)})
    return {"modules": rows, "memories": memories, "cells": dict(sum(kinds.values(), Counter())),
            "products": marked.products}  # fmt: skip


def _memory_of(cell: str, memories: Mapping[str, Any]) -> str:
    """The memory that a cell is a part of: yosys appends numbers to the memory's name."""
    parts = cell.split(".")
    for length in range(len(parts), 0, -1):
        if (name := ".".join(parts[:length])) in memories:
            return name
    return ""


def _memory_row(
    marked: Marked, name: str, holders: Mapping[str, Counter[str]], family: str
) -> dict[str, Any]:
    place, width, words = marked.memories[name]
    held = holders.get(name, Counter())
    return {
        "path": name,
        "instance": marked.paths[place],
        "width_bits": width,
        "words": words,
        "bits_asked": width * words,
        "block_bits_used": area_of_cells(held, family).ram_bits_used,
        "primitives": dict(sorted(held.items())),
    }
