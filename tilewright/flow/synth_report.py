"""A synthesis for people: area by module, use of the device, clocks, the longest path, limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tilewright.boards import Device, Overuse
from tilewright.build.synth.counts import Area
from tilewright.build.synth.result import ClockTiming, PathStep, StageTime, Synthesis
from tilewright.build.synth.words import where
from tilewright.dataflow.serial import to_json

from .part_tree import LEAST_SHARE, Part, joined_path, part_tree
from .text_table import Column, paragraph, shorten, table

__all__ = ["SynthResult", "module_rows", "stage_words", "used_of"]

_HEADS = (
    Column(head="part", least=24),
    *(Column(head=head, is_right=True)
      for head in ("n", "LUT", "FF", "carry", "DSP", "RAM", "RAM bits", "LUT RAM")),
)  # fmt: skip


def module_rows(result: Synthesis) -> list[Part[Area]]:
    """Parts in the order of the tree, repeated ones together, small ones left to their parents."""
    total = result.total
    return [
        part
        for part in part_tree((row.path, row.area) for row in result.modules)
        if _is_shown(part.whole, total) or not part.path or part.path.startswith("(")
    ]


def _is_shown(area: Area, total: Area) -> bool:
    large = area.lut >= LEAST_SHARE * total.lut or area.ff >= LEAST_SHARE * total.ff
    return large or bool(area.dsp or area.ram_blocks or area.large_ram_blocks)


def stage_words(stages: Sequence[StageTime]) -> list[str]:
    """The time of each stage."""
    return [
        f"{stage.name} {stage.seconds:.1f} s{' (there already)' if stage.was_resumed else ''}"
        for stage in stages
    ]


def used_of(area: Area) -> dict[str, int]:
    """What a design takes, by the names of `boards.fit`."""
    return {
        "lut": area.lut,
        "ff": area.ff,
        "dsp": area.dsp,
        "ram_blocks": area.ram_blocks,
        "large_ram_blocks": area.large_ram_blocks,
    }


@dataclass(frozen=True, kw_only=True)
class ProjectResult:
    """A project for the vendor's tool and nothing else; `note` says why."""

    name: str
    board: str
    folder: str
    files: Mapping[str, str]
    note: str
    ok: bool = True

    def to_json(self) -> dict[str, Any]:
        """The same for programs."""
        return {"name": self.name, "folder": self.folder, "files": dict(self.files),
                "notes": [self.note]}  # fmt: skip

    def table(self, width: int = 100) -> str:
        """At most `width` columns, but for paths."""
        lines = [f"{self.name}: a project for {self.board}", "", *_wrapped(self.note, width)]
        return "\n".join([*lines, *(f"  {kind}  {place}" for kind, place in self.files.items())])


@dataclass(frozen=True, kw_only=True)
class SynthResult:
    """What `tilewright synth` found. `excess`: what the device has too little of; `messages`
    say it with the keys that make it less."""

    name: str
    where: str
    synthesis: Synthesis
    folder: str
    device: Device | None = None
    excess: Sequence[Overuse] = ()
    messages: Sequence[str] = ()
    notes: Sequence[str] = ()
    extra_files: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether the design fits and every clock is met; once placed, it has one."""
        is_met = all(clock.is_met for clock in self.synthesis.clocks)
        return not self.excess and is_met and not self._lacks_clock

    @property
    def _lacks_clock(self) -> bool:
        return self.synthesis.is_placed and not self.synthesis.clocks

    def to_json(self) -> dict[str, Any]:
        """The same as `synth.json`, with what was concluded from it."""
        return {
            "name": self.name,
            "folder": self.folder,
            "total": used_of(self.synthesis.total) | {"lut_ram": self.synthesis.total.lut_ram},
            "excess": [
                {"resource": e.resource, "used": e.used, "available": e.available}
                for e in self.excess
            ],
            "messages": list(self.messages),
            "notes": list(self.notes),
            "files": dict(self.extra_files) | dict(self.synthesis.files),
            "synthesis": to_json(self.synthesis),
        }

    def table(self, width: int = 100) -> str:
        """At most `width` columns."""
        lines = [f"{self.name}: {self.where}", "", *self._modules(width), "", *self._use(width)]
        for clock in self.synthesis.clocks:
            lines += ["", *_clock_lines(clock, width)]
        words = [*self.synthesis.limits, *self.notes, *([_NO_CLOCK] if self._lacks_clock else [])]
        lines += [""] if words else []
        lines += [line for text in words for line in _wrapped(text, width)]
        lines += ["", f"  results  {self.folder}"]
        lines += [f"  {kind}  {place}" for kind, place in self.extra_files.items()]
        lines += [f"does not fit: {message}" for message in self.messages]
        return "\n".join([*lines, *([] if self.ok else ["FAILED"])])

    def _modules(self, width: int) -> list[str]:
        prefix = f"{self.synthesis.top}_"
        modules = {
            joined_path(row.path): row.module.removeprefix(prefix) for row in self.synthesis.modules
        }
        rows = [
            _part_cells(part, part.label(self.name), modules[part.path])
            for part in module_rows(self.synthesis)
        ]
        return [f"  {line}" for line in table(_HEADS, rows, width - 2)]

    def _use(self, width: int) -> list[str]:
        """Use of the device, memories, and the time of each stage."""
        area, synthesis = self.synthesis.total, self.synthesis
        rows: list[tuple[str, list[str]]] = []
        if self.device is not None:
            available = self.device
            shares = [
                f"{label} {_share(used_of(area)[name], getattr(available, name))}"
                for name, label in _LABELS.items()
                if getattr(available, name) or used_of(area)[name]
            ]
            rows.append((f"of {available.name}", shares))
        if area.ram_bits_used:
            share = 100 * area.ram_bits_asked / area.ram_bits_used
            words = f"{area.ram_bits_asked:,} bits asked for in {area.ram_bits_used:,} bits"
            rows.append(("RAM blocks", [f"{words} ({share:.0f} %)"]))
        if synthesis.uses:
            uses = [f"{use.name} {_share(use.used, use.available)}" for use in synthesis.uses]
            rows.append(("placed", uses))
        if synthesis.seeds:
            texts = [
                f"{run.text}{' (taken)' if run.seed == synthesis.seed else ''}"
                for run in synthesis.seeds
            ]
            rows.append(("tried", texts))
        rows.append(("stages", stage_words(synthesis.stages)))
        wide = max(len(label) for label, _ in rows)
        lines = [paragraph(label, words, width - 2, wide) for label, words in rows]
        return [f"  {line}" for group in lines for line in group]


_NO_CLOCK = "place and route reported no clock, so none is met"
_LABELS = {"lut": "LUT", "ff": "FF", "dsp": "DSP", "ram_blocks": "RAM blocks",
           "large_ram_blocks": "large RAM blocks"}  # fmt: skip


def _share(used: int, available: int) -> str:
    share = f" ({100 * used / available:.0f} %)" if available else ""
    return f"{used:,} of {available:,}{share}"


def _part_cells(part: Part[Area], name: str, module: str) -> list[str]:
    if name.endswith("*") and "part_" not in module:  # a number is no name: say what it is
        name += f" {module}"
    area = part.whole
    blocks = str(area.ram_blocks)
    if area.large_ram_blocks:
        blocks += f"+{area.large_ram_blocks}"
    numbers = (area.lut, area.ff, area.carry, area.dsp)
    bits = f"{area.ram_bits_asked:,}/{area.ram_bits_used:,}" if area.ram_bits_used else "0"
    return [name, str(part.count), *(f"{number:,}" for number in numbers), blocks, bits,
            f"{area.lut_ram:,}"]  # fmt: skip


def _clock_lines(clock: ClockTiming, width: int) -> list[str]:
    """The clock, and its longest path with what each step takes."""
    verdict = "met" if clock.is_met else "MISSED"
    lines = [
        f"  clock {clock.name}: {clock.fmax_hz / 1e6:.1f} MHz, target {clock.target_hz / 1e6:.1f} "
        f"MHz {verdict}, slack {clock.slack_seconds * 1e9:+.2f} ns"
    ]
    lines += ["    routing   logic"] if clock.path else []
    for hop in hops(clock.path):
        times = f"{hop.routing * 1e9:7.2f} {hop.logic * 1e9:7.2f} ns"
        count = f" x{hop.count}" if hop.count > 1 else ""
        lines.append(shorten(f"    {times}  {hop.place}{count}", width))
    return lines


@dataclass
class Hop:
    """A wire and the logic at its end; `count` such in a row at one place count as one."""

    place: str
    routing: float = 0.0
    logic: float = 0.0
    count: int = 1


def hops(path: Sequence[PathStep]) -> list[Hop]:
    """The path as wires with the logic behind each; seconds add up to the path's."""
    found: list[Hop] = []
    wire = 0.0
    for step in path:
        if step.kind == "routing":
            wire += step.seconds
            continue
        place = where(step) if step.kind != "setup" else f"setup of {where(step)}"
        if found and found[-1].place == place:
            found[-1].count += 1
        else:
            found.append(Hop(place=place))
        found[-1].routing += wire
        found[-1].logic += step.seconds
        wire = 0.0
    return found


def _wrapped(text: str, width: int) -> list[str]:
    """A sentence on as many lines as it needs."""
    lines, line = [], " "
    for word in text.split():
        if len(line) + 1 + len(word) > width and line.strip():
            lines.append(line)
            line = "   "
        line += f" {word}"
    return [*lines, line]
