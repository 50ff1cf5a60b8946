"""Verilog to cell area and gate delay in a cell library: the stages `synth` and `sta`."""

import contextlib
import hashlib
import json
import shutil
from collections.abc import Mapping as MappingOf
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from tilewright.build.files import sha256_file, to_json_bytes, write_file
from tilewright.build.process import Limits, run
from tilewright.build.synth import asic_timing, asic_worker
from tilewright.build.synth.asic_passes import LIBERTY, Mapping
from tilewright.build.synth.asic_result import AsicMemory, AsicModule, AsicSynthesis, GatePath
from tilewright.build.synth.liberty import Library, read_library
from tilewright.build.synth.memory_areas import MemoryAreas
from tilewright.build.synth.passes import identifier
from tilewright.build.synth.result import SYNTH_JSON
from tilewright.build.synth.stages import Stages, locked
from tilewright.build.synth.tools import SynthLimits, require, run_yosys, version_of
from tilewright.commands.contract import Progress, no_progress
from tilewright.dataflow.serial import from_json, to_json
from tilewright.errors import UsageError

__all__ = ["LEAST_MEMORY_BITS", "synthesise_asic"]

LEAST_MEMORY_BITS: Final = 4096
"""Smaller memories become flip-flops: about what a RAM compiler makes no smaller."""
NO_BUFFER: Final = (
    "the library has no buffer to drive paths with: ABC timed none, so the clock was not judged"
)
DESIGN, VERILOG, SDC, STA_SCRIPT = "design.v", "netlist.v", "design.sdc", "sta.tcl"
PACKAGE: Final = Path(__file__).parent
SYNTH_FILES: Final = (
    "asic_passes.py",
    "asic_result.py",
    "asic_timing.py",
    "asic_worker.py",
    "passes.py",
    "scopes.py",
)
"""Files of ours that the result of the stage `synth` depends on."""


def synthesise_asic(
    verilog: Path,
    top: str,
    folder: Path,
    *,
    liberty: Path | Library,
    memory_areas: MemoryAreas | None = None,
    freq_hz: float = 100e6,
    least_memory_bits: int = LEAST_MEMORY_BITS,
    limits: SynthLimits | None = None,
    progress: Progress = no_progress,
    holds_lock: bool = False,
) -> AsicSynthesis:
    """Map module `top` of the file `verilog` to the cells of `liberty`; results stay in `folder`.

    liberty : the file, or what `read_library` found in it.
    freq_hz : the clock that gates are sized for. Memories with a given area, and those of at least
    `least_memory_bits` that are written and read with a clock, stay memories: black boxes.

    holds_lock : the caller holds `folder` already (`stages.locked`).

    Stages are resumed as those of `synthesise` are. Writes `synth.json`, last.

    Raises:
        SpecError: the library cannot be used, with the places of all mistakes.
        ToolError, ProcessError, OutputError: as `synthesise`.
    """
    if not 1e3 <= freq_hz <= 1e12:
        raise UsageError(f"clock: from 1 kHz to 1 THz, got {freq_hz:g} Hz")
    job = _Job(
        verilog=verilog,
        top=identifier(top),
        folder=folder.absolute(),
        library=liberty if isinstance(liberty, Library) else read_library(liberty),
        areas=memory_areas or MemoryAreas(),
        freq_hz=freq_hz,
        least_memory_bits=least_memory_bits,
        limits=limits or SynthLimits(),
    )
    require("yosys")
    with contextlib.nullcontext() if holds_lock else locked(job.folder):
        stages = Stages(job.folder, progress)
        synth = job.synth(stages)
        timed = job.sta(stages, synth)
        result = job.result(stages, synth, timed)
        write_file(job.folder / SYNTH_JSON, to_json_bytes(to_json(result)))
    return result


@dataclass(frozen=True, kw_only=True)
class _Job:
    """The arguments of `synthesise_asic`, and its stages as methods."""

    verilog: Path
    top: str
    folder: Path
    library: Library
    areas: MemoryAreas
    freq_hz: float
    least_memory_bits: int
    limits: SynthLimits
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def liberty_sha256(self) -> str:
        return hashlib.sha256(self.library.text.encode()).hexdigest()

    def synth(self, stages: Stages) -> Path:
        """The netlist, and the cells of the instances."""
        buffer, ties = self.library.buffer, self.library.tie_cells
        mapping = Mapping(
            period_ps=max(1, round(1e12 / self.freq_hz)),
            buffer=buffer.name if buffer is not None else "",
            load_femtofarads=self.library.flip_flop_input_farads * 1e15,
            ties=(*ties[0], *ties[1]) if ties is not None else (),
        )
        job = {
            "top": self.top,
            "sources": [DESIGN],
            "mapping": asdict(mapping),
            "given": [
                _given(entry.module, entry.words, entry.bits) for entry in self.areas.entries
            ],
            "least_memory_bits": self.least_memory_bits,
            "flip_flops": self.library.flip_flops,
            "logic": [c.name for c in self.library.cells.values() if c.kind == "logic"],
        }
        package, _, version = version_of("yosys").partition(" ")
        self.versions[package] = version
        inputs = {
            **job,
            "design": sha256_file(self.verilog),
            "liberty": self.liberty_sha256,
            "recipe": [sha256_file(PACKAGE / name) for name in SYNTH_FILES],
            "tool": f"{package} {version}",
        }

        def make(partial: Path, log: Path) -> None:
            shutil.copyfile(self.verilog, partial / DESIGN)
            (partial / LIBERTY).write_text(self.library.text)
            whole = {**job, "memory_bytes": self.limits.memory_bytes}
            (partial / asic_worker.JOB).write_bytes(to_json_bytes(whole))
            bounds = Limits(wall_seconds=self.limits.synth_seconds)
            run_yosys(cwd=partial, log_path=log, limits=bounds, worker="asic_worker")

        results = (asic_worker.MODULES, asic_worker.NETLIST, VERILOG)
        return stages.run("synth", f"synthesise for {self.library.name}", inputs, make, results)

    def sta(self, stages: Stages, synth: Path) -> Path | None:
        """OpenSTA's report, where the program is installed."""
        if (program := shutil.which("sta")) is None:
            return None
        clocks = asic_timing.clock_ports(self._netlist(synth), self.library.flip_flops)
        sdc = asic_timing.sta_constraints(clocks, self.freq_hz, self.library)
        tcl = asic_timing.sta_script(LIBERTY, VERILOG, self.top, SDC)
        inputs = {
            "script": tcl,
            "constraints": sdc,
            "netlist": sha256_file(synth / VERILOG),
            "liberty": self.liberty_sha256,
            "tool": sha256_file(Path(program)),
        }

        def make(partial: Path, log: Path) -> None:
            for name in (VERILOG, LIBERTY):
                shutil.copyfile(synth / name, partial / name)
            (partial / SDC).write_text(sdc)
            (partial / STA_SCRIPT).write_text(tcl)
            command = [program, "-no_init", "-no_splash", "-exit", STA_SCRIPT]
            bounds = Limits(wall_seconds=self.limits.pnr_seconds)
            run(command, cwd=partial, log_path=log, limits=bounds)

        results = (asic_timing.STA_REPORT,)
        return stages.run("sta", "time the gates (OpenSTA)", inputs, make, results)

    def result(self, stages: Stages, synth: Path, timed: Path | None) -> AsicSynthesis:
        """Everything that the stages found."""
        contents = json.loads((synth / asic_worker.MODULES).read_text())
        modules = tuple(self._module(row) for row in contents["modules"])
        memories = tuple(self._memory(row) for row in contents["memories"] if row["is_black_box"])
        sequential = {
            c.name for c in self.library.cells.values() if c.kind in ("flip_flop", "latch")
        }
        paths = self._paths(synth, timed, contents["path"])
        counts = [(kind, n) for row in modules for kind, n in row.cells.items()]
        files = {"netlist": f"{synth.name}/{VERILOG}"}
        return AsicSynthesis(
            top=self.top,
            library=self.library.name,
            library_sha256=self.liberty_sha256,
            verilog_sha256=sha256_file(self.verilog),
            freq_hz=self.freq_hz,
            stages=tuple(stages.times),
            modules=modules,
            memories=memories,
            num_flip_flops=sum(n for kind, n in counts if kind in self.library.flip_flops),
            sequential_area=sum(
                n * self.library.cells[kind].area for kind, n in counts if kind in sequential
            ),
            paths=paths,
            notes=self._notes(contents["memories"], memories, is_timed=bool(paths)),
            files=files,
            versions=self.versions,
        )

    def _paths(
        self, synth: Path, timed: Path | None, abc: MappingOf[str, Any] | None
    ) -> tuple[GatePath, ...]:
        found = [from_json(GatePath, abc) if abc is not None else None]
        if timed is not None:
            report = (timed / asic_timing.STA_REPORT).read_text(errors="replace")
            unit, netlist = self.library.time_unit_seconds, self._netlist(synth)
            found.append(asic_timing.sta_path(report, 1 / self.freq_hz, unit, netlist))
        return tuple(path for path in found if path is not None)

    def _netlist(self, synth: Path) -> dict[str, Any]:
        modules = json.loads((synth / asic_worker.NETLIST).read_text())["modules"]
        netlist: dict[str, Any] = modules[self.top]
        return netlist

    def _module(self, row: MappingOf[str, Any]) -> AsicModule:
        """Types that the library does not have are memories, or what yosys could not map."""
        known = {kind: n for kind, n in row["cells"].items() if kind in self.library.cells}
        area = sum(n * self.library.cells[kind].area for kind, n in known.items())
        return AsicModule(path=row["path"], module=row["module"], cells=known, area=area)

    def _memory(self, row: MappingOf[str, Any]) -> AsicMemory:
        found = self.areas.find(words=row["words"], bits=row["bits"], module=row["module"])
        names = ("path", "instance", "module", "words", "bits", "read_ports", "write_ports",
                 "has_contents")  # fmt: skip
        area = found.um2 if found is not None else None
        return AsicMemory(**{name: row[name] for name in names}, area=area)

    def _notes(
        self, rows: list[dict[str, Any]], memories: tuple[AsicMemory, ...], *, is_timed: bool
    ) -> tuple[str, ...]:
        """What the sums do not tell."""
        notes = []
        if self.library.buffer is None and not is_timed:
            notes.append(NO_BUFFER)
        if without := [memory for memory in memories if memory.area is None]:
            bits = sum(memory.words * memory.bits for memory in without)
            notes.append(f"{_memories(len(without))} of {bits:,} bits: area not given")
        for entry in self.areas.entries:
            fits = [m for m in memories
                    if entry.fits(words=m.words, bits=m.bits, module=m.module)]  # fmt: skip
            if not fits:
                notes.append(f"memory areas: the design has no memory {entry.text}")
        if lost := [row for row in rows if row["has_contents"] and row["write_ports"]]:
            notes.append(
                f"{_memories(len(lost))} with initial contents, which no chip has at power-on"
            )
        if self.areas.source:
            notes.append(f"areas of memories: {self.areas.source}")
        registers = sum(r["words"] * r["bits"] for r in rows if not r["is_black_box"])
        if registers:
            notes.append(
                f"smaller memories and tables of {registers:,} bits are gates and registers"
            )
        return tuple(notes)


def _given(module: str | None, words: int | None, bits: int | None) -> dict[str, Any]:
    return {"module": module} if module is not None else {"words": words, "bits": bits}


def _memories(number: int) -> str:
    return f"{number} memory" if number == 1 else f"{number} memories"
