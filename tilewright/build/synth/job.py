"""The stages of one synthesis: what each depends on, and how its tool is started."""

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from tilewright.build.files import sha256_file, to_json_bytes
from tilewright.build.process import Limits
from tilewright.build.synth import place_route as pr
from tilewright.build.synth import yosys_worker
from tilewright.build.synth.constraints import constraints_text
from tilewright.build.synth.harness import harness_name, harness_pins
from tilewright.build.synth.outputs import check_output, read_report
from tilewright.build.synth.result import PNR
from tilewright.build.synth.stages import Stages
from tilewright.build.synth.target import Stage, Target
from tilewright.build.synth.timing import Names
from tilewright.build.synth.tools import SynthLimits, require, run_tool, run_yosys, version_of
from tilewright.errors import UsageError

__all__ = ["Job", "recipe"]

DESIGN: Final = "design.v"
PACKAGE: Final = Path(__file__).parent
SYNTH_FILES: Final = ("carry_pack.py", "constants.py", "counts.py", "dsp_pack.py", "harness.py",
                      "netlist_edit.py", "passes.py", "scopes.py", "target.py",
                      "yosys_worker.py")  # fmt: skip
"""Files of ours that the result of the stage `synth` depends on."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What `synthesise` was asked for, and its stages as methods."""

    text: bytes = field(repr=False)
    top: str
    target: Target
    folder: Path
    constraints: str | None
    data: tuple[Path, ...]
    options: dict[str, bool | int]
    seeds: Sequence[int]
    placer: pr.Placer
    limits: SynthLimits
    packs_registers: bool
    keeps_registers: bool
    is_placed: bool
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def verilog_sha256(self) -> str:
        """Of the text that is synthesised: the file may change meanwhile."""
        return hashlib.sha256(self.text).hexdigest()

    def check(self, to: Stage) -> None:
        """Whether the tools are there, and can do what is asked for."""
        require(*pr.tools_for(self.target, to))
        if not self.seeds:
            raise UsageError("seeds: at least one")
        if self.placer != pr.DEFAULT_PLACER and self.target.family != "ecp5":
            raise UsageError(f"placer: ECP5 only, not {self.target.family}: {self.placer}")
        if to == "bitstream" and self.target.out_of_context:
            raise UsageError("a design out of context has no pins, so no bitstream",
                             help="name a board")  # fmt: skip

    @property
    def has_harness(self) -> bool:
        """Whether the ports need registers around the design."""
        is_open = self.target.family == "ecp5" or not self.target.out_of_context
        return self.is_placed and not is_open

    @property
    def placed_top(self) -> str:
        """The root of the netlist."""
        return harness_name(self.top, self.text) if self.has_harness else self.top

    def synth(self, stages: Stages) -> Path:
        """The netlist and the areas of the instances."""
        target = {
            **asdict(self.target),
            # What only place and route reads: synthesis is the same for all of these.
            "package": None,
            "speed": None,
            "part": None,
            "freq_hz": 100e6,
            "out_of_context": self.target.out_of_context and not self.has_harness,
        }
        job = {"target": target, "top": self.top, "sources": [DESIGN], "options": self.options,
               "has_harness": self.has_harness,
               "packs_registers": self.packs_registers,
               "keeps_registers": self.keeps_registers}  # fmt: skip
        inputs = {
            **job,
            "design": self.verilog_sha256,
            "data": {path.name: sha256_file(path) for path in self.data},
            "recipe": recipe(),
            "tool": self._version("yosys"),
        }

        def make(partial: Path, log: Path) -> None:
            (partial / DESIGN).write_bytes(self.text)
            for path in self.data:
                shutil.copyfile(path, partial / path.name)
            whole = {**job, "memory_bytes": self.limits.memory_bytes}
            (partial / yosys_worker.JOB).write_bytes(to_json_bytes(whole))
            run_yosys(cwd=partial, log_path=log, limits=self._limits(self.limits.synth_seconds))

        return stages.run("synth", f"synthesise for {self.target.family}", inputs, make,
                          (yosys_worker.MODULES, pr.NETLIST))  # fmt: skip

    @property
    def pins(self) -> str | None:
        """The file of pins."""
        if self.has_harness and self.target.family == "gowin":
            return constraints_text("gowin", harness_pins(self.target.part or ""))
        return self.constraints

    def pnr(self, stages: Stages, synth: Path, seed: int, name: str = PNR) -> Path:
        """The placed and routed design; `name` of its stage."""
        family, pins = self.target.family, self.pins
        tool, netlist = pr.pnr_tool(self.target), synth / pr.NETLIST
        arguments = pr.pnr_arguments(
            self.target,
            Path("..") / synth.name / pr.NETLIST,
            self.placed_top,
            seed=seed,
            placer=self.placer,
            has_constraints=pins is not None,
        )
        has_placed = family != "ecp5" or not self.target.out_of_context
        results = (pr.REPORT, *([pr.PLACED[family]] if has_placed else []))
        inputs = {
            "arguments": arguments,
            "netlist": sha256_file(netlist),
            "constraints": pins or "",
            "tool": self._version(tool),
        }

        def make(partial: Path, log: Path) -> None:
            if pins is not None:
                (partial / pr.CONSTRAINTS[family]).write_text(pins)
            run_tool(tool, arguments, cwd=partial, log_path=log,
                     limits=self._limits(self.limits.pnr_seconds))  # fmt: skip
            check_output(partial / pr.REPORT, log)
            read_report(partial / pr.REPORT, Names({}, [], {}))  # unreadable, it is no result

        words = tool if name == PNR else f"{tool}, seed {seed}"
        return stages.run(name, f"place and route ({words})", inputs, make, results)

    def pack(self, stages: Stages, placed: Path) -> Path:
        """The bitstream."""
        source = Path("..") / placed.name / pr.PLACED[self.target.family]
        step = pr.pack_step(self.target, source)
        inputs = {
            "arguments": list(step.arguments),
            "placed": sha256_file(placed / source.name),
            "tool": self._version(step.tool),
        }

        def make(partial: Path, log: Path) -> None:
            run_tool(step.tool, step.arguments, cwd=partial, log_path=log,
                     limits=self._limits(self.limits.pack_seconds))  # fmt: skip

        return stages.run("pack", f"pack the bitstream ({step.tool})", inputs, make,
                          (pr.PACKED[self.target.family],))  # fmt: skip

    def _version(self, tool: str) -> str:
        package, _, version = version_of(tool).partition(" ")
        self.versions[package] = version
        return f"{package} {version}"

    def _limits(self, seconds: float) -> Limits:
        return Limits(wall_seconds=seconds, memory_bytes=self.limits.memory_bytes)


def recipe() -> str:
    """A digest of our own code that the stage `synth` depends on."""
    whole = hashlib.sha256()
    for name in SYNTH_FILES:
        whole.update((PACKAGE / name).read_bytes())
    return whole.hexdigest()
