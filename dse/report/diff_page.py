"""The difference of two sweeps as one HTML page without a script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from ..sweep_file import SweepFile
from .diff import KINDS, Change, SweepDiff
from .diff_fronts import WHY, why_text
from .page import document
from .page_data import short_names
from .sections import MAX_NOTE_CHARS, table
from .text import number_text, percent_text, setting_text, shown

MAX_LISTED: Final = 200
VOLUMES: Final = "hypervolume of both, by one reference point"
"""Another one than in their own reports, where the bound is that of each sweep."""
WORDS: Final = {
    "better": "better",
    "worse": "worse",
    "both": "better in one objective, worse in another",
    "same": "the same",
}


def diff_page(diff: SweepDiff, first: SweepFile, second: SweepFile) -> str:
    """The whole page."""
    names = " and ".join(dict.fromkeys(shown(name) for name in diff.names))
    return document(f"{names}: difference", list(_body(diff, first, second, names)))


def _body(diff: SweepDiff, first: SweepFile, second: SweepFile, names: str) -> Iterator[str]:
    yield f'<header class="top"><h1>{names}: difference of two sweeps</h1>'
    yield f'<dl class="facts">{"".join(_facts(diff))}</dl></header><main>'
    for what, (one, other) in (
        ("Parameters", diff.only_parameters),
        ("Objectives", diff.only_objectives),
    ):
        for place, only in (("first", one), ("second", other)):
            if only:
                listed = ", ".join(map(shown, only))
                yield f'<p class="note">{what} of the {place} sweep alone: {listed}</p>'
    yield from (f'<p class="note">{shown(text, MAX_NOTE_CHARS)}</p>' for text in diff.other_values)
    yield "<h2>What was asked that differs</h2>"
    yield _apart_table([*diff.asked, *diff.keys])
    yield "<h2>Pareto front</h2>"
    yield f"<p>{diff.stayed:,} designs are on both fronts.</p>"
    for title, file, indices, absent, place in (
        ("On the second front only", second, diff.entered, diff.entered_by, "first"),
        ("On the first front only", first, diff.left, diff.left_by, "second"),
    ):
        yield f"<h3>{title}: {len(indices):,}</h3>"
        yield f"<p>{shown(why_text(absent, place), MAX_NOTE_CHARS)}</p>"
        reasons = {i: WHY[why].format(place) for why, some in absent.items() for i in some}
        yield _front_table(file, indices, diff.objectives, reasons)
    yield "<h2>Designs that changed most</h2>"
    moved = [change for change in diff.changes if change.kind != "same"]
    moved.sort(key=lambda change: -change.size)
    yield _changes_table(diff, second, moved[:MAX_LISTED])
    if len(moved) > MAX_LISTED:
        yield f"<p>and {len(moved) - MAX_LISTED:,} more, all in diff.json</p>"
    yield "<h2>Versions and sources that changed</h2>"
    yield _apart_table(diff.versions)
    yield "</main>"


def _apart_table(changes: Sequence[tuple[str, str, str]]) -> str:
    rows = ([shown(text, MAX_NOTE_CHARS) for text in change] for change in changes)
    return table(["what", "first", "second"], rows) if changes else "<p>None.</p>"


def _facts(diff: SweepDiff) -> Iterator[str]:
    def fact(name: str, value: str, more: str = "") -> str:
        return f"<div><dt>{name}</dt><dd>{value} <small>{more}</small></dd></div>"

    yield fact("designs in both", f"{len(diff.changes):,}")
    for kind in KINDS:
        yield fact(WORDS[kind], f"{diff.count(kind):,}")
    yield fact("only in the first, second", f"{diff.only_designs[0]:,}, {diff.only_designs[1]:,}")
    if diff.volumes is not None:
        one, other = diff.volumes
        change = percent_text(other / one) if one else ""
        yield fact(VOLUMES, f"{one:.4g} &rarr; {other:.4g}", change)


def _front_table(
    file: SweepFile, indices: Sequence[int], objectives: Sequence[str], reasons: Mapping[int, str]
) -> str:
    if not indices:
        return "<p>None.</p>"
    units = {parameter.path: parameter.unit for parameter in file.space.parameters}
    names = short_names(list(units))
    head = ["design", *(shown(names[path]) for path in units), *map(shown, objectives), ""]
    rows = []
    for index in indices[:MAX_LISTED]:
        row = file.row_of(index)
        settings = [shown(setting_text(file.columns[p][row], u)) for p, u in units.items()]
        values = [shown(setting_text(file.columns[name][row])) for name in objectives]
        rows.append([f"{index:,}", *settings, *values, shown(reasons[index])])
    return table(head, rows, [0, *range(len(units) + 1, len(head) - 1)])


def _changes_table(diff: SweepDiff, second: SweepFile, moved: Sequence[Change]) -> str:
    if not moved:
        return "<p>None.</p>"
    names = short_names(list(diff.parameters))
    units = {parameter.path: parameter.unit for parameter in second.space.parameters}
    head = ["design", *(shown(names[path]) for path in diff.parameters)]
    head += [*map(shown, diff.objectives), ""]
    rows = []
    for change in moved:
        row = second.row_of(change.second)
        settings = [
            shown(setting_text(second.columns[path][row], units[path])) for path in diff.parameters
        ]
        values = [_value(*change.metrics[name]) for name in diff.objectives]
        rows.append([f"{change.second:,}", *settings, *values, WORDS[change.kind]])
    first = len(diff.parameters) + 1
    return table(head, rows, [0, *range(first, first + len(diff.objectives))])


def _value(before: float, after: float) -> str:
    text = f"{number_text(before)} &rarr; {number_text(after)}"
    ratio = percent_text(after / before) if before > 0 < after and before != after else ""
    return f'{text} <span class="soft">{ratio}</span>'
