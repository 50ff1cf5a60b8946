"""Verilog to area, clock and bitstream: the stages `synth`, `pnr` and `pack` in one folder."""

import contextlib
import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from tilewright.build.files import sha256_file, to_json_bytes, write_file
from tilewright.build.process import Limits
from tilewright.build.synth import place_route as pr
from tilewright.build.synth import yosys_worker
from tilewright.build.synth.constraints import constraints_text
from tilewright.build.synth.counts import Area
from tilewright.build.synth.harness import CLOCK, HARNESS, harness_pins
from tilewright.build.synth.passes import identifier
from tilewright.build.synth.result import SYNTH_JSON, MemoryUse, ModuleArea, Synthesis
from tilewright.build.synth.scopes import owners
from tilewright.build.synth.stages import Stages, locked
from tilewright.build.synth.target import PLACED, Stage, Target
from tilewright.build.synth.timing import Names, clocks_of, uses_of
from tilewright.build.synth.tools import SynthLimits, require, run_tool, run_yosys, version_of
from tilewright.build.synth.words import limits_of
from tilewright.commands.contract import Progress, no_progress
from tilewright.dataflow.serial import to_json
from tilewright.errors import OutputError, UsageError

__all__ = ["synthesise"]

DESIGN: Final = "design.v"
PACKAGE: Final = Path(__file__).parent
SYNTH_FILES: Final = ("carry_pack.py", "constants.py", "counts.py", "dsp_pack.py", "harness.py",
                      "netlist_edit.py", "passes.py", "scopes.py", "target.py",
                      "yosys_worker.py")  # fmt: skip
"""Files of ours that the result of the stage `synth` depends on."""


def synthesise(
    verilog: Path,
    top: str,
    target: Target,
    folder: Path,
    *,
    to: Stage = "synth",
    constraints: str | None = None,
    data: Sequence[Path] = (),
    options: Mapping[str, bool | int] | None = None,
    packs_registers: bool = True,
    seed: int = 1,
    placer: pr.Placer = "heap",
    limits: SynthLimits | None = None,
    progress: Progress = no_progress,
    goes_on: Callable[[Synthesis], bool] = lambda result: True,
    holds_lock: bool = False,
) -> Synthesis:
    """Synthesise module `top` of the file `verilog`; results and logs stay in `folder`.

    to : `synth` ends with the netlist, `pnr` with the placed design and its clocks, `bitstream`
        with the file that a board loads.
    constraints : text of the family's file of pins (`constraints`), for a design in its context.
    data : files that the Verilog reads (`$readmemh`), by their plain names.
    packs_registers : ECP5: registers around multipliers move into them (`dsp_pack`), and LUTs in
        front of carry chains into these (`carry_pack`).
    options : switches of the family's synthesis pass, such as `{"nodsp": True}`.
    placer : of nextpnr-ecp5.

    goes_on : told the result of `synth`; if it says no, the later stages are left out.
    holds_lock : the caller holds `folder` already (`stages.locked`).

    A stage that an earlier run finished with the same inputs, options and tools is taken as it is.
    Writes `synth.json`, last.

    Raises:
        ToolError: a tool is missing.
        ProcessError: a tool failed or took too long; its log is in `folder/logs`.
        OutputError: files cannot be written, or another run holds the folder.
    """
    job = _Job(
        text=_read(verilog), top=identifier(top),
        target=target.placed if to != "synth" or target.family in PLACED else target,
        folder=folder.absolute(), constraints=constraints, data=tuple(data),
        options=dict(options or {}), seed=seed, placer=placer, limits=limits or SynthLimits(),
        packs_registers=packs_registers and target.family == "ecp5", is_placed=to != "synth",
    )  # fmt: skip
    job.check(to)
    with contextlib.nullcontext() if holds_lock else locked(job.folder):
        stages = Stages(job.folder, progress)
        synth = job.synth(stages)
        is_placed = to != "synth" and goes_on(job.result(stages, synth, None, None))
        placed = job.pnr(stages, synth) if is_placed else None
        packed = job.pack(stages, placed) if placed is not None and to == "bitstream" else None
        result = job.result(stages, synth, placed, packed)
        write_file(job.folder / SYNTH_JSON, to_json_bytes(to_json(result)))
    return result


@dataclass(frozen=True, kw_only=True)
class _Job:
    """The arguments of `synthesise`, and its stages as methods."""

    text: bytes = field(repr=False)
    top: str
    target: Target
    folder: Path
    constraints: str | None
    data: tuple[Path, ...]
    options: dict[str, bool | int]
    seed: int
    placer: pr.Placer
    limits: SynthLimits
    packs_registers: bool
    is_placed: bool
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def verilog_sha256(self) -> str:
        """Of the text that is synthesised: the file may change meanwhile."""
        return hashlib.sha256(self.text).hexdigest()

    def check(self, to: Stage) -> None:
        """Whether the tools are there, and can do what is asked for."""
        require(*pr.tools_for(self.target, to))
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
        return HARNESS if self.has_harness else self.top

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
               "packs_registers": self.packs_registers}  # fmt: skip
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

    def pnr(self, stages: Stages, synth: Path) -> Path:
        """The placed and routed design."""
        family, pins = self.target.family, self.pins
        tool, netlist = pr.pnr_tool(self.target), synth / pr.NETLIST
        arguments = pr.pnr_arguments(
            self.target,
            Path("..") / synth.name / pr.NETLIST,
            self.placed_top,
            seed=self.seed,
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

        return stages.run("pnr", f"place and route ({tool})", inputs, make, results)

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

    def result(
        self, stages: Stages, synth: Path, placed: Path | None, packed: Path | None
    ) -> Synthesis:
        """Everything that the stages found."""
        modules = json.loads((synth / yosys_worker.MODULES).read_text())
        files = {"netlist": f"{synth.name}/{pr.NETLIST}"}
        timing: dict[str, Any] = {}
        if placed is not None:
            result = f"{placed.name}/{pr.PLACED[self.target.family]}"
            files |= {"placed": result} if (self.folder / result).exists() else {}
            timing = self._timing(placed / pr.REPORT, self._names(synth, modules))
        if packed is not None:
            files["bitstream"] = f"{packed.name}/{pr.PACKED[self.target.family]}"
        return Synthesis(
            top=self.top,
            target=self.target,
            verilog_sha256=self.verilog_sha256,
            stages=tuple(stages.times),
            modules=tuple(
                ModuleArea(path=row["path"], module=row["module"], area=Area(**row["area"]))
                for row in modules["modules"]
            ),
            memories=tuple(MemoryUse(**row) for row in modules["memories"]),
            cells=modules["cells"],
            files=files,
            versions=self.versions,
            seed=self.seed,
            **timing,
        )

    def _timing(self, path: Path, names: Names) -> dict[str, Any]:
        try:
            report = json.loads(path.read_text())
            clocks, uses = clocks_of(report, names), uses_of(report)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise OutputError(f"{path}: not a report of nextpnr: {error}") from error
        return {"clocks": clocks, "uses": uses, "limits": limits_of(clocks)}

    def _names(self, synth: Path, modules: Mapping[str, Any]) -> Names:
        netlist = json.loads((synth / pr.NETLIST).read_text())
        cells = netlist["modules"][self.placed_top]["cells"]
        paths = [row["path"] for row in modules["modules"]]
        clock = modules["clock"] if self.has_harness else None
        return Names(
            cells, paths, owners(cells, paths), products=modules["products"],
            clocks={CLOCK: clock} if clock else {},
        )  # fmt: skip

    def _version(self, tool: str) -> str:
        package, _, version = version_of(tool).partition(" ")
        self.versions[package] = version
        return f"{package} {version}"

    def _limits(self, seconds: float) -> Limits:
        return Limits(wall_seconds=seconds, memory_bytes=self.limits.memory_bytes)


def _read(verilog: Path) -> bytes:
    try:
        return verilog.read_bytes()
    except OSError as error:
        raise UsageError(f"{verilog}: cannot be read: {error.strerror}") from error


def recipe() -> str:
    """A digest of our own code that the stage `synth` depends on."""
    whole = hashlib.sha256()
    for name in SYNTH_FILES:
        whole.update((PACKAGE / name).read_bytes())
    return whole.hexdigest()
