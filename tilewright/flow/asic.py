"""The flow of `tilewright synth --family asic`: a spec to cell area and gate delay, for people."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tilewright.build.files import write_file
from tilewright.build.synth import SynthLimits
from tilewright.build.synth.asic import synthesise_asic
from tilewright.build.synth.asic_result import NOT_GIVEN, AsicMemory, AsicSynthesis, GatePath
from tilewright.build.synth.liberty import read_library
from tilewright.build.synth.memory_areas import read_memory_areas
from tilewright.build.synth.result import StageTime
from tilewright.build.synth.stages import locked
from tilewright.commands.contract import Progress, no_progress
from tilewright.dataflow.serial import to_json
from tilewright.spec import Spec

from .part_tree import LEAST_SHARE, joined_path, part_tree
from .synth import DEFAULT_FREQUENCY_HZ, design_verilog
from .synth_report import stage_words
from .text_table import Column, label_rows, table

__all__ = ["AsicOptions", "AsicResult", "asic"]

_PARTS = (
    Column(head="part", least=24),
    *(Column(head=head, is_right=True) for head in ("n", "cells", "um2", "share")),
)
_MEMORIES = (
    Column(head="memory", least=24),
    *(Column(head=head, is_right=True) for head in ("n", "words x bits", "ports", "um2")),
)


@dataclass(frozen=True, kw_only=True)
class AsicOptions:
    """What the command line says. freq_hz : default the spec's clock, else 100 MHz."""

    liberty: Path
    memory_areas: Path | None = None
    freq_hz: float | None = None
    limits: SynthLimits | None = None


def asic(
    spec: Spec, out: Path | None, *, options: AsicOptions, progress: Progress = no_progress
) -> AsicResult:
    """Map a spec's design to a cell library; results stay in `out` (default `out/NAME_synth/asic`).

    Raises:
        SpecError: the library or the areas of memories are wrong, or the design cannot be made.
        ToolError, ProcessError, OutputError: as `build.synth.asic.synthesise_asic`.
    """
    library = read_library(options.liberty)  # mistakes are told before anything is written
    areas = read_memory_areas(options.memory_areas) if options.memory_areas is not None else None
    folder = out if out is not None else Path("out") / f"{spec.name}_synth" / "asic"
    progress("generate")
    started = time.monotonic()
    verilog = design_verilog(spec)
    seconds = round(time.monotonic() - started, 3)
    with locked(folder):
        source = folder / f"{spec.name}.v"
        write_file(source, verilog)
        result = synthesise_asic(
            source,
            spec.name,
            folder,
            liberty=library,
            memory_areas=areas,
            freq_hz=options.freq_hz or spec.clock_hz or DEFAULT_FREQUENCY_HZ,
            limits=options.limits,
            progress=progress,
            holds_lock=True,
        )
    generated = StageTime(name="generate", seconds=seconds, was_resumed=False)
    result = replace(result, stages=(generated, *result.stages))
    return AsicResult(name=spec.name, folder=str(folder), synthesis=result)


@dataclass(frozen=True, kw_only=True)
class AsicResult:
    """What `tilewright synth --family asic` found."""

    name: str
    folder: str
    synthesis: AsicSynthesis

    @property
    def ok(self) -> bool:
        """Whether the gates leave the clock a margin: without wires, so none is a clear answer."""
        slack = self.synthesis.slack_seconds
        return slack is None or slack >= 0

    def to_json(self) -> dict[str, Any]:
        """The same as `synth.json`, with sums."""
        found = self.synthesis
        return {
            "name": self.name,
            "folder": self.folder,
            "cell_area": round(found.cell_area, 4),
            "memory_area": round(found.memory_area, 4),
            "memories_without_area": len(found.without_area),
            "slack_seconds": found.slack_seconds,
            "synthesis": to_json(found),
        }

    def table(self, width: int = 100) -> str:
        """At most `width` columns."""
        found = self.synthesis
        lines = [f"{self.name}: cells of {found.library}", ""]
        lines += [f"  {line}" for line in table(_PARTS, _part_rows(found, self.name), width - 2)]
        if found.memories:
            rows = _memory_rows(found.memories)
            lines += ["", *(f"  {line}" for line in table(_MEMORIES, rows, width - 2))]
        lines += ["", *label_rows(_sums(found), width)]
        for path in found.paths:
            lines += ["", *label_rows(_path_rows(path, found.freq_hz), width)]
        times = stage_words(found.stages)
        lines += ["", *label_rows([("stages", times), ("results", [self.folder])], width)]
        return "\n".join([*lines, *([] if self.ok else ["FAILED: too slow for this clock"])])


@dataclass(frozen=True, kw_only=True)
class _Cells:
    """Cells and their area."""

    count: int
    area: float

    def __add__(self, other: _Cells) -> _Cells:
        return _Cells(count=self.count + other.count, area=self.area + other.area)


def _part_rows(found: AsicSynthesis, name: str) -> list[list[str]]:
    """Parts in the order of the tree, repeated ones together, with everything inside them."""
    cells = ((row.path, _Cells(count=row.num_cells, area=row.area)) for row in found.modules)
    whole = found.cell_area or 1.0
    return [
        [part.label(name), str(part.count), f"{part.whole.count:,}", f"{part.whole.area:,.0f}",
         f"{100 * part.whole.area / whole:.1f} %"]
        for part in part_tree(cells)
        if part.whole.area >= LEAST_SHARE * whole or not part.path
    ]  # fmt: skip


def _memory_rows(memories: Sequence[AsicMemory]) -> list[list[str]]:
    """Memories of one kind in one place together; one without a given area says so."""
    groups: dict[tuple[str, str, str, float | None], list[AsicMemory]] = {}
    for memory in memories:
        ports = f"{memory.read_ports}r {memory.write_ports}w"
        path = joined_path(memory.path)
        key = (path, f"{memory.words} x {memory.bits}", ports, memory.area)
        groups.setdefault(key, []).append(memory)
    rows = []
    for (path, size, ports, area), members in groups.items():
        total = f"{len(members) * area:,.0f}" if area is not None else NOT_GIVEN
        rows.append([path, str(len(members)), size, ports, total])
    return rows


def _sums(found: AsicSynthesis) -> list[tuple[str, list[str]]]:
    share = 100 * found.sequential_area / found.cell_area if found.cell_area else 0.0
    registers = f"{found.num_flip_flops:,} flip-flops ({share:.0f} % of the area)"
    rows = [("cells", [f"{found.cell_area:,.1f} um2", registers])]
    if found.memories:
        without = len(found.without_area)
        words = [f"{found.memory_area:,.1f} um2 given"] if without < len(found.memories) else []
        words += [f"{NOT_GIVEN} for {without} of {len(found.memories)}"] if without else []
        rows.append(("memories", words))
    return rows + [("note", [note]) for note in found.notes]


def _path_rows(path: GatePath, freq_hz: float) -> list[tuple[str, list[str]]]:
    """A path in words."""
    slack = path.slack_seconds
    margin = slack if slack is not None else 1 / freq_hz - path.seconds
    verdict = "left" if margin >= 0 else "missing"
    return [
        (path.tool, [f"{path.seconds * 1e9:.2f} ns through {len(path.steps)} cells",
                     f"{abs(margin) * 1e9:.2f} ns {verdict} at {freq_hz / 1e6:g} MHz"]),
        ("from", [path.start]),
        ("to", [path.end]),
        ("meaning", path.meaning.split(", ")),
    ]  # fmt: skip
