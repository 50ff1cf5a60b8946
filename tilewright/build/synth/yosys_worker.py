"""Synthesises with yosys in the folder that it is started in, as `job.json` there says.

A process of its own (`python -m tilewright.build.synth.yosys_worker`): yosys is a native library
that may end the process or print as it likes. The job holds values, never a script; see `passes`.

It writes `netlist.json`, the netlist, and `modules.json`: the instances of the design with the area
of each, and its memories with the primitives that hold them.
"""

import json
import sys
from pathlib import Path
from typing import Any

from tilewright.build.synth import scopes
from tilewright.build.synth.guard import guard
from tilewright.build.synth.passes import Pass, final_passes, first_passes, mapping_passes
from tilewright.build.synth.target import Target

JOB, NETLIST, MODULES = "job.json", "netlist.json", "modules.json"


def main() -> int:
    """Entry point; 0 if everything was written."""
    job = json.loads(Path(JOB).read_text())
    guard(job["memory_bytes"])
    target, top = Target(**job["target"]), str(job["top"])
    from pyosys import libyosys

    design = libyosys.Design()
    _run(libyosys, design, first_passes(job["sources"], top))
    marked = scopes.mark(design.top_module())
    _run(libyosys, design, mapping_passes(target, top, job["options"]))
    _run(libyosys, design, final_passes())
    netlist = json.loads(Path(NETLIST).read_text())
    modules = scopes.modules_of(netlist["modules"][top]["cells"], marked, target.family)
    Path(MODULES).write_text(json.dumps(modules, indent=1) + "\n")
    return 0


def _run(libyosys: Any, design: Any, passes: list[Pass]) -> None:
    for one in passes:
        libyosys.run_pass(one.text, design)


if __name__ == "__main__":
    sys.exit(main())
