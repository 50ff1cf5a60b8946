"""What a sweep says at its end: for people a page of lines, for programs a short object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import Any, Final

from tilewright.commands.contract import SWEEP_FILE
from tilewright.dse.detail_choice import printed_designs
from tilewright.dse.report.text import counted, number_text, setting_text
from tilewright.dse.sweep_file import SweepFile, SweptParameter
from tilewright.dse.sweep_rankings import ranking_text
from tilewright.dse.sweep_result import NO_NUMBERS, bounds_text
from tilewright.flow.text_table import Column, label_rows, table, terminal_columns
from tilewright.spec.diagnostics import printable

from .metrics import ENERGY, ENERGY_BY, ENERGY_COUNTS

TEXT_COLUMNS: Final = 48
"""Of a narrow terminal's 80 what the longest labels leave."""
MAX_NOTE_CHARS: Final = 1000


@dataclass(frozen=True, kw_only=True)
class SweepOutcome:
    """The file that was written, and whether all went well."""

    file: SweepFile
    folder: Path
    was_interrupted: bool = False
    problems: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether there is a design that meets all constraints, and every confirmation agrees."""
        return bool(self.file.front) and not self.problems

    def table(self) -> str:
        """For people."""
        width = terminal_columns()
        lines = [f"{self.file.name}: sweep", *label_rows(list(self._rows()), width), ""]
        lines += _front_lines(self.file, width)
        lines += _confirmation_lines(self.file, width)
        lines += [printable(note, MAX_NOTE_CHARS) for note in self.file.notes]
        lines += [printable(f"FAILED {problem}", MAX_NOTE_CHARS) for problem in self.problems]
        if not self.file.front and not self.was_interrupted:
            lines.append(f"FAILED {_why_no_front(self.file)}")
        if self.was_interrupted:
            lines.append("interrupted: the same command goes on from here")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """For programs; `sweep.json` has everything."""
        file = self.file
        return {
            "name": file.name,
            "folder": str(self.folder),
            "was_interrupted": self.was_interrupted,
            "designs": file.space.size,
            "evaluated": file.coverage.num_evaluated,
            "feasible": file.coverage.num_feasible,
            "failed": file.coverage.num_failed,
            "is_exact": file.coverage.kind == "exact",
            "front": [dict(_point(file, index)) for index in file.front],
            "confirmed": [one.index for one in file.confirmations],
            "problems": list(self.problems),
            "notes": list(file.notes),
        }

    def _rows(self) -> Iterator[tuple[str, list[str]]]:
        file = self.file
        yield (
            "space",
            [counted(file.space.size, "design"), *map(_values_text, file.space.parameters)],
        )
        yield from _wrapped("coverage", file.coverage.text)
        yield "feasible", [counted(file.coverage.num_feasible, "design")]
        for one in file.constraints:
            ruled = f"rules out {one.num_ruled_out:,}, {one.num_ruled_out_alone:,} of them alone"
            bounds = bounds_text(one.minimum, one.metric, one.maximum)
            yield f"constraint {one.name}", [f"{bounds} {one.unit}".rstrip(), ruled]
        yield from _wrapped("workload", file.context.get("workload", ""))
        for name, source in file.metrics.items():
            if name == ENERGY or name.startswith(ENERGY_BY):
                table_source = source.provenance.partition(f"; {ENERGY_COUNTS}")[0]
                yield from _wrapped(name, f"{table_source}; error: {source.error or 'not known'}")
        for ranking in file.rankings:
            yield from _wrapped(f"order by {ranking.table}", ranking_text(ranking))
        yield "results", [str(self.folder / SWEEP_FILE)]


def _why_no_front(file: SweepFile) -> str:
    """Constraints on parameters rule designs out before they have numbers."""
    is_ruled_out = any(one.num_ruled_out for one in file.constraints)
    if file.coverage.num_evaluated or is_ruled_out:
        return "no design meets all constraints"
    return NO_NUMBERS


def _wrapped(label: str, text: str) -> Iterator[tuple[str, list[str]]]:
    """A text on as many lines as it takes, nothing if there is none."""
    for number, line in enumerate(wrap(printable(text, MAX_NOTE_CHARS), TEXT_COLUMNS)):
        yield "" if number else label, [line]


def _values_text(parameter: SweptParameter) -> str:
    count = counted(parameter.num_values, "value")
    return f"{parameter.path} ({count if parameter.has_all else f'at least {count}'})"


def _point(file: SweepFile, index: int) -> Mapping[str, Any]:
    row = file.row_of(index)
    return {name: column[row] for name, column in file.columns.items()}


def _front_lines(file: SweepFile, width: int) -> list[str]:
    """The front from end to end: what differs between its designs, and the objectives."""
    shown = [_point(file, index) for index in printed_designs(file)]
    if not shown:
        return []
    objectives = [objective.metric for objective in file.objectives]
    parameters = file.space.parameters
    varied = {p.path: p.unit for p in parameters if len({point[p.path] for point in shown}) > 1}
    heads = [Column(head="design", is_right=True)]
    heads += [Column(head=path.rpartition(".")[2], is_right=True, least=6) for path in varied]
    heads += [Column(head=name, is_right=True) for name in objectives]
    rows = [
        [_text(point["index"])]
        + [setting_text(point[path], unit) for path, unit in varied.items()]
        + [_text(point[name]) for name in objectives]
        for point in shown
    ]
    some = f", {len(shown)} of them along {objectives[0]}" if len(shown) < len(file.front) else ""
    count = f"front: {counted(len(file.front), 'design')}{some}"
    return [count, *(f"  {line}" for line in table(heads, rows, width - 2))]


def _confirmation_lines(file: SweepFile, width: int) -> list[str]:
    if not file.confirmations:
        return []
    heads = [Column(head="design", is_right=True), Column(head="chosen")]
    heads += [Column(head=head, is_right=True) for head in ("cycles estimated", "measured")]
    heads += [Column(head=head, is_right=True) for head in ("bytes estimated", "measured")]
    heads.append(Column(head="", least=len("DIFFERENT")))
    rows = []
    for one in file.confirmations:
        pairs = [one.metrics.get(name) for name in ("cycles", "bytes_off_chip")]
        numbers = [
            _text(value)
            for pair in pairs
            for value in ((pair.estimated, pair.measured) if pair else ("-", "-"))
        ]
        rows.append([str(one.index), one.why, *numbers, "equal" if one.is_equal else "DIFFERENT"])
    lines = table(heads, rows, width - 2)
    return ["confirmed in RTL", *(f"  {line}" for line in lines)]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, str):
        return value or "-"
    return number_text(value)
