"""From the files of finished stages to one frozen object."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tilewright.build.synth import place_route as pr
from tilewright.build.synth import yosys_worker
from tilewright.build.synth.counts import Area
from tilewright.build.synth.harness import CLOCK
from tilewright.build.synth.job import Job
from tilewright.build.synth.outputs import read_report
from tilewright.build.synth.result import MemoryUse, ModuleArea, Synthesis
from tilewright.build.synth.scopes import owners
from tilewright.build.synth.seeds import Placed
from tilewright.build.synth.stages import Stages
from tilewright.build.synth.timing import Names
from tilewright.build.synth.words import limits_of

__all__ = ["collect"]


def collect(
    job: Job, stages: Stages, synth: Path, placed: Placed | None = None, packed: Path | None = None
) -> Synthesis:
    """Everything that the stages found."""
    modules = json.loads((synth / yosys_worker.MODULES).read_text())
    family = job.target.family
    files = {"netlist": f"{synth.name}/{pr.NETLIST}"}
    found: dict[str, Any] = {}
    if placed is not None:
        result = f"{placed.folder.name}/{pr.PLACED[family]}"
        files |= {"placed": result} if (job.folder / result).exists() else {}
        names = _names(job, synth, modules)
        clocks, uses = read_report(placed.folder / pr.REPORT, names)
        found = {"clocks": clocks, "uses": uses, "limits": limits_of(clocks),
                 "seed": placed.seed, "seeds": placed.tried}  # fmt: skip
    if packed is not None:
        files["bitstream"] = f"{packed.name}/{pr.PACKED[family]}"
    return Synthesis(
        top=job.top,
        target=job.target,
        verilog_sha256=job.verilog_sha256,
        stages=tuple(stages.times),
        modules=tuple(
            ModuleArea(path=row["path"], module=row["module"], area=Area(**row["area"]))
            for row in modules["modules"]
        ),
        memories=tuple(MemoryUse(**row) for row in modules["memories"]),
        cells=modules["cells"],
        files=files,
        versions=job.versions,
        **({"seed": job.seeds[0]} | found),
    )


def _names(job: Job, synth: Path, modules: Mapping[str, Any]) -> Names:
    netlist = json.loads((synth / pr.NETLIST).read_text())
    cells = netlist["modules"][job.placed_top]["cells"]
    paths = [row["path"] for row in modules["modules"]]
    clock = modules.get("clock") if job.has_harness else None
    return Names(cells, paths, owners(cells, paths), products=modules.get("products"),
                 clocks={CLOCK: clock} if clock is not None else {})  # fmt: skip
