"""A packed matrix: its streams, what it will take, and how evenly the work is spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tilewright.dataflow.sparse.matrix import SparseMatrix

from .text_table import DEFAULT_COLUMNS, label_rows, shorten

MOST_BINS = 8
NO_WORK = "nothing: there is no work"
"""What limits a matrix without entries."""


class DoesNotFitError(ValueError):
    """A matrix is larger than the unit; `key` of the kernel's section limits it."""

    def __init__(self, key: str, rule: str, help: str | None = None) -> None:
        self.key, self.rule, self.help = key, rule, help
        super().__init__(f"{key}: {rule}")


@dataclass(frozen=True, kw_only=True)
class PackedStream:
    """The words of a stream of the schedule as they are played; `last` is the highest of `bits`."""

    name: str
    bits: int
    words: Sequence[int]

    @property
    def file(self) -> str:
        """Name of the stream's file."""
        return f"{self.name}.hex"

    def hex_text(self) -> str:
        """A word per line, highest digit first, as `$readmemh` reads them."""
        digits = (self.bits + 3) // 4
        return "".join(f"{word:0{digits}x}\n" for word in self.words)


@dataclass(frozen=True, kw_only=True)
class Packed:
    """What a template's packer makes of a matrix.

    `cycles` count from the first word of the schedule to the last result out, the other operands
    being in the unit before; `occupancy` is the share of its multipliers' work that is asked for.
    Loads count by lane what it computes, and by bank how often it is read, in one pass.
    """

    unit: Sequence[str]
    streams: Sequence[PackedStream]
    passes: int
    pass_cycles: float
    cycles: int
    occupancy: float
    lane_loads: Sequence[int]
    bank_loads: Sequence[int]
    replicated: int
    window: str
    limit: str
    description: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PackResult:
    """A packed matrix with its sources; `files` were written."""

    name: str
    template: str
    matrix: SparseMatrix
    matrix_file: str
    matrix_sha256: str
    spec_file: str
    values: str
    packed: Packed
    files: tuple[Path, ...] = ()

    ok: bool = True

    def rows(self) -> list[tuple[str, list[str]]]:
        """Labels and what they say."""
        matrix, packed = self.matrix, self.packed
        sizes = f"{matrix.rows:,} x {matrix.columns:,}"
        stored = f"{matrix.num_entries:,} stored"
        words = [
            f"{stream.name}: {count(len(stream.words), 'word')} of {stream.bits} bits"
            for stream in packed.streams
        ]
        shown = words if len(words) < 4 else [words[0], f"and {len(words) - 1} more"]
        each = f"{packed.pass_cycles:,.1f}".removesuffix(".0")
        passes = (
            f"{packed.passes:,} passes of {each}" if packed.passes != 1 else f"a pass of {each}"
        )
        return [
            ("matrix", [sizes, stored, f"{matrix.density:.1%} of the places"]),
            ("values", [self.values]),
            ("unit", list(packed.unit)),
            ("schedule", shown),
            ("cycles", [f"{packed.cycles:,} from the first word of the schedule", passes]),
            ("occupancy", [f"{packed.occupancy:.1%}"]),
            ("lane loads", [spread(packed.lane_loads)]),
            ("", histogram(packed.lane_loads, "lanes")),
            ("bank loads", [spread(packed.bank_loads)]),
            ("", histogram(packed.bank_loads, "banks")),
            ("replicated", [f"{count(packed.replicated, 'row')} in several banks"]),
            ("window", [packed.window]),
            ("limit", [packed.limit]),
        ]

    def table(self, width: int = DEFAULT_COLUMNS) -> str:
        """For people: no line is wider than `width`, but for paths."""
        title = f"{Path(self.matrix_file).name}: packed for {self.name} ({self.template})"
        lines = [shorten(title, width), *label_rows(self.rows(), width)]
        return "\n".join([*lines, *(f"wrote {file}" for file in self.files)])

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        packed, matrix = self.packed, self.matrix
        return {
            "matrix": {
                "file": self.matrix_file,
                "sha256": self.matrix_sha256,
                "rows": matrix.rows,
                "columns": matrix.columns,
                "entries": matrix.num_entries,
                "values": self.values,
            },
            "spec": self.spec_file,
            "name": self.name,
            "template": self.template,
            "streams": {
                stream.name: {
                    "file": stream.file,
                    "bits": stream.bits,
                    "words": len(stream.words),
                }
                for stream in packed.streams
            },
            "passes": packed.passes,
            "pass_cycles": packed.pass_cycles,
            "cycles": packed.cycles,
            "occupancy": packed.occupancy,
            "lane_loads": list(packed.lane_loads),
            "bank_loads": list(packed.bank_loads),
            "replicated": packed.replicated,
            "window": packed.window,
            "limit": packed.limit,
            "files": [str(file) for file in self.files],
        }


def count(number: int, noun: str, plural: str = "") -> str:
    """A number of things."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def spread(loads: Sequence[int]) -> str:
    """Least, mean and most of some loads."""
    mean = sum(loads) / len(loads)
    return f"least {min(loads):,}, mean {mean:,.1f}, most {max(loads):,}"


def histogram(loads: Sequence[int], noun: str) -> list[str]:
    """How many have which load: each load by itself if they are few, else in bins of one width."""
    least, most = min(loads), max(loads)
    width = 1 if most - least < MOST_BINS else -(-(most - least + 1) // MOST_BINS)
    counts = np.bincount((np.asarray(loads) - least) // width)
    told = []
    for number, count in enumerate(counts.tolist()):
        begin = least + number * width
        name = f"{begin:,}" if width == 1 else f"{begin:,}-{begin + width - 1:,}"
        told += [f"{name}: {count:,}"] if count else []
    told[-1] += f" {noun}"
    return told
