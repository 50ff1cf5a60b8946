"""What a sweep's folder says: `report.html`, `report.json`, `designs.csv`; differences; traces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from tilewright.build.files import to_json_bytes, write_file
from tilewright.commands.contract import SWEEP_FILE
from tilewright.dataflow.serial import SerialError
from tilewright.dse.detail_choice import kept_text
from tilewright.dse.point_detail import PointDetail, point_name
from tilewright.dse.report.diff import KINDS, SweepDiff, compare
from tilewright.dse.report.diff_fronts import why_text
from tilewright.dse.report.diff_page import VOLUMES, WORDS, diff_page
from tilewright.dse.report.page import sweep_page
from tilewright.dse.report.page_data import first_row, short_names
from tilewright.dse.report.sensitivity import Effect, codes_of, effects
from tilewright.dse.report.tables import designs_csv, report_data
from tilewright.dse.report.text import number_text, percent_text
from tilewright.dse.report.trace import trace_text
from tilewright.dse.sweep_file import INDEX, SweepFile, parse_sweep_file
from tilewright.errors import OutputError, UsageError
from tilewright.flow.results import Result

from .points import FOLDER, read_points

PAGE, DATA, TABLE = "report.html", "report.json", "designs.csv"
DIFF_PAGE, DIFF_DATA = "diff.html", "diff.json"
MAX_VERSIONS: Final = 12
MAX_ASKED: Final = 24


def read_sweep(folder: Path) -> SweepFile:
    """The sweep in a folder.

    Raises:
        OutputError: there is none, or it is not one of this version.
    """
    path = folder / SWEEP_FILE
    try:
        return parse_sweep_file(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, SerialError) as error:
        help = "tilewright sweep SPEC makes one"
        why = (
            (error.strerror or "it cannot be read").lower() if isinstance(error, OSError) else error
        )
        raise OutputError(f"{path}: no sweep can be read here: {why}", help=help) from error


def report_sweep(folder: Path, out: Path | None = None) -> Result:
    """Write the report of the sweep in `folder` there, or into `out`."""
    file = read_sweep(folder)
    return write_report(out or folder, file, read_points(folder, file))


def write_report(out: Path, file: SweepFile, details: Mapping[int, PointDetail]) -> Result:
    """Page, data and table into `out`, and what to read first."""
    found = effects(file, codes_of(file))
    write_file(out / PAGE, sweep_page(file, details))
    write_file(out / DATA, to_json_bytes(report_data(file, details, found)))
    write_file(out / TABLE, designs_csv(file))
    coverage = file.coverage
    rows = [
        ("coverage", coverage.text),
        ("front", f"{len(file.front):,} of {coverage.num_feasible:,} designs that meet all bounds"),
        *_influence_rows(file, found),
        *_limit_rows(file, details),
        ("page", str(out / PAGE)),
        ("data", f"{out / DATA}, {out / TABLE}"),
    ]
    data = {"name": file.name, "page": str(out / PAGE), "num_details": len(details)}
    return Result(
        title=f"{file.name}: exploration", ok=True, rows=rows, data=data, notes=file.notes
    )


def _influence_rows(file: SweepFile, found: tuple[Effect, ...]) -> list[tuple[str, str]]:
    """For each objective the parameter that changes it most."""
    names = short_names([parameter.path for parameter in file.space.parameters])
    rows = []
    for objective in file.objectives:
        mine = [e for e in found if e.metric == objective.metric and e.is_factor]
        if not mine:
            continue
        most = max(mine, key=lambda effect: effect.size)
        ends = f"{most.steps[0].start} to {most.steps[-1].end}"
        text = f"{names[most.parameter]}: {percent_text(most.total)} from {ends}"
        rows.append((f"{objective.metric} hangs on", text))
    return rows


def _limit_rows(file: SweepFile, details: Mapping[int, PointDetail]) -> list[tuple[str, str]]:
    """What limits the design that the page shows first."""
    row = first_row(file, details)
    if row < 0 or file.columns[INDEX][row] not in details:
        return []
    detail = details[file.columns[INDEX][row]]  # type: ignore[index]
    return [(f"design {detail.index}", detail.sentence)]


def write_trace(folder: Path, index: int, out: Path | None = None) -> Result:
    """The schedule of one design for ui.perfetto.dev.

    Raises:
        UsageError: the design has no detail.
    """
    file = read_sweep(folder)
    details = read_points(folder, file)
    if index not in details:
        known = ", ".join(str(one) for one in sorted(details)) or "none"
        help = f"{kept_text(file, details)} There are: {known}"
        raise UsageError(f"--trace {index}: no schedule is kept of it", help=help)
    path = (out or folder / FOLDER) / f"{point_name(index)}.trace.json"
    write_file(path, trace_text(details[index]))
    rows = [
        ("cycles", f"{details[index].cycles:,}, one for each microsecond"),
        ("trace", str(path)),
        ("open in", "ui.perfetto.dev or chrome://tracing"),
    ]
    return Result(title=f"design {index}: trace", ok=True, rows=rows, data={"trace": str(path)})


def diff_sweeps(first: Path, second: Path, out: Path) -> Result:
    """Compare two sweeps; the page and the data go into `out`."""
    files = read_sweep(first), read_sweep(second)
    diff = compare(*files)
    write_file(out / DIFF_PAGE, diff_page(diff, *files))
    write_file(out / DIFF_DATA, to_json_bytes({**asdict(diff), "counts": _counts(diff)}))
    title = " and ".join(dict.fromkeys(diff.names))
    return Result(
        title=f"{title}: difference",
        ok=True,
        rows=[*_diff_rows(diff), ("page", str(out / DIFF_PAGE))],
        data={"counts": _counts(diff), "page": str(out / DIFF_PAGE)},
        notes=[f"{name}: {one} -> {other}" for name, one, other in diff.versions[:MAX_VERSIONS]],
    )


def _counts(diff: SweepDiff) -> dict[str, Any]:
    return {kind: diff.count(kind) for kind in KINDS}


def _diff_rows(diff: SweepDiff) -> list[tuple[str, str]]:
    only = diff.only_designs
    rows = [
        ("objectives", ", ".join(diff.objectives) or "none in common"),
        ("designs in both", f"{len(diff.changes):,}; only first {only[0]:,}, second {only[1]:,}"),
        *(
            (f"asked: {name}", f"{one} -> {other}")
            for name, one, other in (*diff.asked, *diff.keys)[:MAX_ASKED]
        ),
        *(("values", text) for text in diff.other_values),
        *((WORDS[kind], f"{diff.count(kind):,}") for kind in KINDS),
        ("front", f"{diff.stayed} stay, {len(diff.entered)} enter, {len(diff.left)} leave"),
        *(
            (name, why_text(absent, place))
            for name, absent, place in (
                ("entering", diff.entered_by, "first"),
                ("leaving", diff.left_by, "second"),
            )
            if absent
        ),
    ]
    if diff.volumes is not None:
        one, other = diff.volumes
        change = f" ({percent_text(other / one)})" if one else ""
        rows.append((VOLUMES, f"{number_text(one)} -> {number_text(other)}{change}"))
    return rows
