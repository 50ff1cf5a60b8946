"""Synthesises with yosys in the folder that it is started in, as `job.json` there says.

A process of its own (`python -m tilewright.build.synth.yosys_worker`): yosys is a native library
that may end the process or print as it likes. The job holds values, never a script; see `passes`.

It writes `netlist.json`, the netlist, and `modules.json`: the instances of the design with the area
of each, its memories with the primitives that hold them, the nets of products, the clock's port.
"""

import json
import sys
from pathlib import Path
from typing import Any

from tilewright.build.synth import scopes
from tilewright.build.synth.carry_pack import pack_carry_luts
from tilewright.build.synth.constants import constant_passes
from tilewright.build.synth.dsp_pack import pack_dsp_registers
from tilewright.build.synth.guard import guard
from tilewright.build.synth.harness import clock_of, harness_name, harness_verilog
from tilewright.build.synth.passes import (
    Pass,
    final_passes,
    flattening_passes,
    keeping_passes,
    mapping_passes,
    reading_passes,
)
from tilewright.build.synth.target import Target

JOB, NETLIST, MODULES = "job.json", "netlist.json", "modules.json"
HARNESS_FILE = "harness.v"


def main() -> int:
    """Entry point; 0 if everything was written."""
    job = json.loads(Path(JOB).read_text())
    guard(job["memory_bytes"])
    target, top = Target(**job["target"]), str(job["top"])
    from pyosys import libyosys

    design = libyosys.Design()
    _run(libyosys, design, reading_passes(job["sources"], top))
    ports = _ports(design.top_module())
    if job["has_harness"]:
        name = harness_name(top, b"".join(Path(file).read_bytes() for file in job["sources"]))
        Path(HARNESS_FILE).write_text(harness_verilog(name, top, ports))
        top = name
        _run(libyosys, design, reading_passes([HARNESS_FILE], top))
    _run(libyosys, design, flattening_passes())
    marked = scopes.mark(design.top_module())
    if job["keeps_registers"]:
        _run(libyosys, design, keeping_passes())
    _run(libyosys, design, constant_passes(target))
    _run(libyosys, design, mapping_passes(target, top, job["options"]))
    _run(libyosys, design, final_passes())
    netlist = json.loads(Path(NETLIST).read_text())
    if job["packs_registers"]:
        netlist = pack_carry_luts(pack_dsp_registers(netlist))
    if job["has_harness"]:
        scopes.without_harness(netlist["modules"][top], marked)
    Path(NETLIST).write_text(json.dumps(netlist))
    modules = scopes.modules_of(netlist["modules"][top]["cells"], marked, target.family)
    modules["clock"] = clock_of(ports)
    Path(MODULES).write_text(json.dumps(modules, indent=1) + "\n")
    return 0


def _ports(module: Any) -> list[tuple[str, str, int]]:
    """Name, direction and bits of the ports of yosys' module, in their order."""
    wires = [wire for wire in module.wires_.values() if wire.port_id]
    return [
        (wire.name.str().removeprefix("\\"), "input" if wire.port_input else "output", wire.width)
        for wire in sorted(wires, key=lambda wire: wire.port_id)
    ]


def _run(libyosys: Any, design: Any, passes: list[Pass]) -> None:
    for one in passes:
        libyosys.run_pass(one.text, design)


if __name__ == "__main__":
    sys.exit(main())
