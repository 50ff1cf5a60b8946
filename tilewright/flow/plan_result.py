"""A memory plan as a table for people and as JSON for programs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tilewright.dataflow.planning.baselines import Baseline
from tilewright.dataflow.planning.graph_file import Weights
from tilewright.dataflow.planning.planned import Planned

from .text_table import DEFAULT_COLUMNS, Column, label_rows, shorten, table

WEIGHTS_WORDS = {
    "activations": "activations only: parameters are not planned",
    "all": "activations and parameters: a parameter's first load is compulsory",
}
HEADS = (
    Column(head="order", least=8),
    Column(head="replacement", least=8),
    Column(head="placement", least=8),
    Column(head="moved bytes", is_right=True),
    Column(head="of ours", is_right=True),
    Column(head="arena height", is_right=True),
    Column(head="fits"),
    Column(head="seconds", is_right=True),
)


@dataclass(frozen=True, kw_only=True)
class PlanResult:
    """A checked plan, where its budget comes from, and what baselines move."""

    planned: Planned
    file: str
    budget_from: str
    weights: Weights
    notes: tuple[str, ...] = ()
    compared: tuple[Baseline, ...] = ()
    is_interrupted: bool = False
    files: tuple[Path, ...] = ()

    ok: bool = True

    def rows(self) -> list[tuple[str, list[str]]]:
        """Labels and what they say."""
        planned, traffic = self.planned, self.planned.traffic
        problem, certificate = planned.problem, planned.certificate
        share = planned.fragmentation / planned.height if planned.height else 0.0
        return [
            ("operators", [f"{len(problem.steps):,} on {len(problem.items):,} tensors"]),
            ("weights", [WEIGHTS_WORDS[self.weights]]),
            ("budget", [f"{problem.budget:,} bytes", self.budget_from, *self._alignment()]),
            ("compulsory", [f"{traffic.compulsory_read:,} bytes read: first loads",
                            f"{traffic.compulsory_written:,} bytes written: results"]),
            ("spilled", [f"{traffic.spilled:,} bytes"]),
            ("reloaded", [f"{traffic.reloaded:,} bytes"]),
            ("moved", [f"{traffic.moved_beyond:,} bytes spilled and reloaded"]),
            ("lower bound", [f"{certificate.lower_bound:,} bytes"]),
            ("gap", [self.gap_words()]),
            ("peak", [f"{planned.peak:,} bytes on chip at one time"]),
            ("arena height", [f"{planned.height:,} bytes"]),
            ("fragmentation", [f"{planned.fragmentation:,} bytes", f"{share:.1%} of the height"]),
            ("method", [*certificate.method.split(", "), *certificate.solvers]),
            ("seconds", [f"{certificate.seconds:.2f}"]),
            *(("note", [note]) for note in self.notes),
        ]  # fmt: skip

    def gap_words(self) -> str:
        """The gap, and what it means."""
        certificate = self.planned.certificate
        if certificate.is_proven:
            return "0: proven, no plan of this budget moves fewer bytes"
        end = (
            "interrupted" if self.is_interrupted else "time ran out, or addresses stood in the way"
        )
        return f"{certificate.gap:.1%}: not proven, {end}"

    def _alignment(self) -> list[str]:
        alignment = self.planned.alignment
        return [f"addresses at multiples of {alignment:,}"] if alignment > 1 else []

    def table(self, width: int = DEFAULT_COLUMNS) -> str:
        """For people: no line is wider than `width`, but for paths."""
        lines = [shorten(f"{self.planned.problem.name}: memory plan", width)]
        lines += label_rows(self.rows(), width)
        if self.compared:
            lines += ["", *table(HEADS, self._baseline_rows(), width)]
        return "\n".join([*lines, *(f"wrote {file}" for file in self.files)])

    def _baseline_rows(self) -> list[list[str]]:
        ours = self.planned.traffic.moved_beyond
        return [
            [
                one.order,
                one.replacement,
                one.placement,
                f"{one.bytes:,}",
                _ratio(one.bytes, ours),
                "-" if one.height is None else f"{one.height:,}",
                "yes" if one.fits else "no",
                f"{one.seconds:.2f}",
            ]
            for one in self.compared
        ]

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        planned, traffic = self.planned, self.planned.traffic
        certificate = planned.certificate
        return {
            "file": self.file,
            "name": planned.problem.name,
            "operators": len(planned.problem.steps),
            "tensors": len(planned.problem.items),
            "weights": self.weights,
            "budget_bytes": planned.problem.budget,
            "alignment": planned.alignment,
            "compulsory_read_bytes": traffic.compulsory_read,
            "compulsory_written_bytes": traffic.compulsory_written,
            "spilled_bytes": traffic.spilled,
            "reloaded_bytes": traffic.reloaded,
            "bytes": traffic.moved_beyond,
            "lower_bound": certificate.lower_bound,
            "gap": certificate.gap,
            "proven": certificate.is_proven,
            "interrupted": self.is_interrupted,
            "peak_bytes": planned.peak,
            "height_bytes": planned.height,
            "fragmentation_bytes": planned.fragmentation,
            "method": certificate.method,
            "seconds": certificate.seconds,
            "solvers": list(certificate.solvers),
            "notes": list(self.notes),
            "baselines": [asdict(one) for one in self.compared],
            "files": [str(file) for file in self.files],
        }


def _ratio(theirs: int, ours: int) -> str:
    if not ours:
        return "1.00" if not theirs else "more"
    return f"{theirs / ours:.2f}"
