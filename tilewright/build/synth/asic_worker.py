"""Synthesises for a cell library in the folder that it is started in, as `job.json` there says.

A process of its own, as `yosys_worker` is. It writes `netlist.json`, `netlist.v` (the gates; a
memory is an instance of a module `memory_WORDSxBITS_...` that nobody defines) and `modules.json`:
the cells of each instance of the design by type, its memories, and ABC's slowest path.
"""

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping as MappingOf
from pathlib import Path
from typing import Any

from tilewright.build.synth import scopes
from tilewright.build.synth.asic_passes import (
    ABC_LOG,
    CONSTRAINTS,
    MAPPED,
    REGISTERS,
    SCRIPT,
    Mapping,
    abc_constraints,
    abc_script,
    coarse_passes,
    gate_passes,
    last_passes,
)
from tilewright.build.synth.asic_timing import abc_path
from tilewright.build.synth.guard import guard
from tilewright.build.synth.passes import Pass, flattening_passes, reading_passes
from tilewright.dataflow.serial import to_json

JOB, NETLIST, MODULES = "job.json", "netlist.json", "modules.json"
MEMORY = "$mem_v2"


def main() -> int:
    """Entry point; 0 if everything was written."""
    job = json.loads(Path(JOB).read_text())
    guard(job["memory_bytes"])
    mapping = Mapping(**{**job["mapping"], "ties": tuple(job["mapping"]["ties"])})
    Path(SCRIPT).write_text(abc_script(mapping))
    if mapping.buffer:
        Path(CONSTRAINTS).write_text(abc_constraints(mapping))
    from pyosys import libyosys

    design = libyosys.Design()
    _run(libyosys, design, [*reading_passes(job["sources"], str(job["top"])), *flattening_passes()])
    module = design.top_module()
    marked = scopes.mark(module)
    _run(libyosys, design, coarse_passes())
    memories = [_kept(libyosys, cell, name, marked, job) for name, cell in _memories(module)]
    _run(libyosys, design, gate_passes(mapping))
    path = _slowest(str(job["top"]), job["flip_flops"])
    for _, cell in _memories(module):
        _black_box(libyosys, cell)
    _run(libyosys, design, last_passes(mapping))
    netlist = json.loads(Path(NETLIST).read_text())
    cells = netlist["modules"][str(job["top"])]["cells"]
    rows = instance_rows(cells, marked, frozenset(job["logic"]))
    contents = {"modules": rows, "memories": memories, "path": path}
    Path(MODULES).write_text(json.dumps(contents, indent=1) + "\n")
    return 0


def _slowest(top: str, flip_flops: dict[str, str]) -> dict[str, Any] | None:
    """ABC's path, with ends of our names."""
    log = Path(ABC_LOG).read_text(errors="replace") if Path(ABC_LOG).exists() else ""
    mapped = Path(MAPPED)
    netlist = json.loads(mapped.read_text())["modules"][top]
    mapped.unlink()
    path = abc_path(log, netlist, flip_flops)
    return to_json(path) if path is not None else None


def _run(libyosys: Any, design: Any, passes: list[Pass]) -> None:
    for one in passes:
        libyosys.run_pass(one.text, design)


def _memories(module: Any) -> list[tuple[str, Any]]:
    return [
        (str(name.str()).removeprefix("\\"), cell)
        for name, cell in module.cells_.items()
        if cell.type.str() == MEMORY
    ]


def _kept(
    libyosys: Any, cell: Any, name: str, marked: scopes.Marked, job: MappingOf[str, Any]
) -> dict[str, Any]:
    """A memory's row; marks it if it stays a memory."""
    place = marked.memories[name][0] if name in marked.memories else 0
    row: dict[str, Any] = {
        "path": name,
        "instance": marked.paths[place],
        "module": marked.modules[place],
        "words": _number(libyosys, cell, "SIZE"),
        "bits": _number(libyosys, cell, "WIDTH"),
        "read_ports": _number(libyosys, cell, "RD_PORTS"),
        "write_ports": _number(libyosys, cell, "WR_PORTS"),
        "is_clocked": "0" not in _bits(libyosys, cell, "RD_CLK_ENABLE"),
        "has_contents": "1" in _bits(libyosys, cell, "INIT"),
    }
    row["is_black_box"] = is_black_box(row, job["given"], int(job["least_memory_bits"]))
    if row["is_black_box"]:
        cell.set_string_attribute(libyosys.IdString("\\" + REGISTERS), "no")
    return row


def is_black_box(row: MappingOf[str, Any], given: list[dict[str, Any]], least_bits: int) -> bool:
    """Whether a memory is for a RAM compiler: one with a given area, or a large one that is written
    and read with a clock. The rest becomes flip-flops; what is never written, gates.
    """
    size = {"words": row["words"], "bits": row["bits"]}
    if size in given or {"module": row["module"]} in given:
        return True
    is_ram = row["write_ports"] > 0 and row["is_clocked"]
    return bool(is_ram and row["words"] * row["bits"] >= least_bits)


def _number(libyosys: Any, cell: Any, name: str) -> int:
    return int(cell.getParam(libyosys.IdString("\\" + name)).as_int())


def _bits(libyosys: Any, cell: Any, name: str) -> str:
    return str(cell.getParam(libyosys.IdString("\\" + name)).as_string())


def _black_box(libyosys: Any, cell: Any) -> None:
    """Named after its size; its pins are those of yosys' memory cells, without resets unused."""
    sizes = [_number(libyosys, cell, name) for name in ("SIZE", "WIDTH", "RD_PORTS", "WR_PORTS")]
    cell.type = libyosys.IdString("\\memory_{}x{}_{}r{}w".format(*sizes))
    for name in [str(key.str()) for key in cell.parameters]:
        cell.unsetParam(libyosys.IdString(name))
    for name in ("\\RD_ARST", "\\RD_SRST"):
        port = libyosys.IdString(name)
        if cell.getPort(port).is_fully_zero():
            cell.unsetPort(port)


def instance_rows(
    cells: MappingOf[str, Any], marked: scopes.Marked, logic: frozenset[str]
) -> list[dict[str, Any]]:
    """Each instance with its own cells by type. `logic`: the types that the mapper makes anew."""
    seen = {name: _as_seen(cell, logic) for name, cell in cells.items()}
    kinds: dict[int, Counter[str]] = defaultdict(Counter)
    for name, place in scopes.owners(seen, marked.paths).items():
        if cells[name]["type"] == "$scopeinfo":
            continue
        kinds[place][cells[name]["type"]] += 1
    rows = [
        {"path": path, "module": module, "cells": dict(sorted(kinds[place].items()))}
        for place, (path, module) in enumerate(zip(marked.paths, marked.modules, strict=True))
    ]
    if rest := kinds[scopes.UNKNOWN]:
        rows.append({"path": "(not attributed)", "module": "", "cells": dict(sorted(rest.items()))})
    return rows


def _as_seen(cell: MappingOf[str, Any], logic: frozenset[str]) -> MappingOf[str, Any]:
    """The cell as `owners` can read it: that knows the gates of FPGAs, and directions of pins."""
    if cell["type"] in logic:
        return {**cell, "type": "LUT"}
    if "port_directions" in cell:
        return cell
    outputs = {name: "output" if name == "RD_DATA" else "input" for name in cell["connections"]}
    return {**cell, "port_directions": outputs}


if __name__ == "__main__":
    sys.exit(main())
