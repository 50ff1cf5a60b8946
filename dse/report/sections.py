"""The page's parts that need no script: facts, sensitivity, constraints, measured, sources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

from ..sweep_file import SweepFile
from ..sweep_result import bounds_text
from .page_data import short_names
from .sensitivity import Effect, Step
from .table_orders import TABLE_ORDERS, table_orders
from .text import counted, number_text, percent_text, setting_text, shown

MAX_FAILURES: Final = 100
MAX_NOTE_CHARS: Final = 400
MAX_NOTES: Final = 12
STRONG: Final = 0.1
"""Relative change from which a cell of the sensitivity table is coloured."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """A table of safe HTML; `numbers`: columns that stand at the right."""
    kind = [' class="n"' if place in numbers else "" for place in range(len(head))]
    lines = ['<div class="scroll"><table><thead><tr>']
    lines += [f'<th scope="col"{kind[place]}>{cell}</th>' for place, cell in enumerate(head)]
    lines.append("</tr></thead><tbody>")
    for row in rows:
        cells = (f"<td{kind[place]}>{cell}</td>" for place, cell in enumerate(row))
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return "".join([*lines, "</tbody></table></div>"])


def facts(file: SweepFile) -> Iterator[str]:
    """The numbers at the top: how many, how good."""
    coverage = file.coverage
    size = file.space.size
    yield '<dl class="facts">'
    num_failed = coverage.num_failed
    yield _fact("designs evaluated", f"{coverage.num_evaluated + num_failed:,}", f"of {size:,}")
    if num_failed:
        yield _fact("have numbers", f"{coverage.num_evaluated:,}", f"{num_failed:,} failed")
    if file.constraints:
        share = f"{100 * coverage.num_feasible / max(1, coverage.num_evaluated):.0f} %"
        yield _fact("meet all constraints", f"{coverage.num_feasible:,}", share)
    yield _fact("on the Pareto front", f"{len(file.front):,}", "")
    for objective in file.objectives:
        best = _best(file, objective.metric, objective.direction)
        if best is not None:
            word = "least" if objective.direction == "min" else "most"
            unit = _unit(objective.metric, objective.unit)
            yield _fact(f"{word} {shown(objective.metric)}", number_text(best), shown(unit))
    if coverage.hypervolume is not None:
        yield _fact("hypervolume", f"{coverage.hypervolume:.4g}", "")
    if file.confirmations:
        equal = sum(one.is_equal for one in file.confirmations)
        yield _fact("simulated as estimated", f"{equal}", f"of {len(file.confirmations)}")
    yield "</dl>"


def _fact(name: str, value: str, more: str) -> str:
    return f"<div><dt>{name}</dt><dd>{value} <small>{more}</small></dd></div>"


def _unit(metric: str, unit: str) -> str:
    """The unit, unless the name says it."""
    return "" if unit.lower() == metric.replace("_", " ").lower() else unit


def _best(file: SweepFile, metric: str, direction: str) -> float | None:
    found = [file.columns[metric][file.row_of(index)] for index in file.front]
    values = [value for value in found if isinstance(value, int | float)]
    if not values:
        return None
    return min(values) if direction == "min" else max(values)


def notes(file: SweepFile) -> Iterator[str]:
    """What a reader must know before any number."""
    if file.was_interrupted:
        yield _note("Interrupted: what was evaluated until then. The same command goes on.")
    for text in file.notes[:MAX_NOTES]:
        yield _note(text)
    if len(file.notes) > MAX_NOTES:
        yield _note(f"and {len(file.notes) - MAX_NOTES:,} more notes, all in sweep.json")
    if file.num_left_out:
        yield _note(
            f"{file.num_left_out:,} designs are not in these tables and pictures: the front is "
            "complete, of the rest there is an evenly spaced sample."
        )
    wrong = [one for one in file.confirmations if not one.is_equal]
    if wrong:
        told = f"{counted(len(wrong), 'simulated design')} {'is' if len(wrong) == 1 else 'are'}"
        yield _note(f"{told} not as estimated: see Measured.")


def _note(text: str) -> str:
    return f'<p class="note">{shown(text, MAX_NOTE_CHARS)}</p>'


def sensitivity(file: SweepFile, effects: Sequence[Effect]) -> Iterator[str]:
    """A row for each parameter, from its first value to its last, and its steps."""
    goals = [objective.metric for objective in file.objectives]
    if not effects:
        yield '<p class="soft">No two designs differ in one parameter alone.</p>'
        return
    units = {parameter.path: parameter.unit for parameter in file.space.parameters}
    names = short_names(list(units))
    yield '<div class="scroll"><table><thead><tr><th scope="col">parameter</th>'
    yield '<th scope="col">from, to</th>'
    yield from (f'<th scope="col" class="n">{shown(goal)}</th>' for goal in goals)
    yield "</tr></thead><tbody>"
    grouped = [(path, list(of)) for path, of in groupby(effects, key=lambda e: e.parameter)]
    for path, of in grouped:
        by_metric = {effect.metric: effect for effect in of}
        steps = of[0].steps
        ends = [setting_text(v, units[path]) for v in (steps[0].start, steps[-1].end)]
        yield f'<tr><th scope="row" title="{shown(path)}">{shown(names[path])}</th>'
        yield f"<td>{shown(ends[0])} &rarr; {shown(ends[1])}</td>"
        yield from (_effect_cell(by_metric.get(goal)) for goal in goals)
        yield "</tr>"
    yield "</tbody></table></div>"
    yield "<details><summary>Each step, each metric</summary>"
    for path, of in grouped:
        yield f"<h3>{shown(names[path])}</h3>"
        yield _steps_table(of, units[path], names)
    yield "</details>"


def _effect_cell(effect: Effect | None) -> str:
    if effect is None:
        return '<td class="n">none</td>'
    if not effect.is_factor:
        return f'<td class="n">{effect.total:+.4g}</td>'
    kind = " up" if effect.total > 1 + STRONG else " down" if effect.total < 1 - STRONG else ""
    return f'<td class="n{kind}">{percent_text(effect.total)}</td>'


def _steps_table(of: Sequence[Effect], unit: str, names: Mapping[str, str]) -> str:
    def change(effect: Effect, value: float) -> str:
        return percent_text(value) if effect.is_factor else f"{value:+.4g}"

    def row(step: Step) -> list[str]:
        ends = " &rarr; ".join(shown(setting_text(v, unit)) for v in (step.start, step.end))
        cells = [ends, f"{step.num_pairs:,}"]
        for effect in of:
            same = next((s for s in effect.steps if s.start == step.start), None)
            if same is None:
                cells.append("")
                continue
            low, high = change(effect, same.low), change(effect, same.high)
            spread = "" if low == high else f' <span class="soft">{low} to {high}</span>'
            cells.append(f"{change(effect, same.mean)}{spread}")
        return cells

    head = ["step", "pairs", *(shown(effect.metric) for effect in of)]
    ignored = ", ".join(shown(names.get(path, path)) for path in of[0].ignored)
    text = f'<p class="soft small">mean over {ignored}</p>' if ignored else ""
    return table(head, map(row, of[0].steps), range(1, len(head))) + text


def constraints(file: SweepFile) -> str:
    """Which constraint rules out how many."""
    rows = (
        [
            shown(one.name),
            shown(bounds_text(one.minimum, one.metric, one.maximum)),
            shown(one.unit),
            f"{one.num_ruled_out:,}",
            f"{one.num_ruled_out_alone:,}",
        ]
        for one in file.constraints
    )
    head = ["constraint", "rule", "unit", "designs ruled out", "ruled out by it alone"]
    return table(head, rows, (3, 4))


def confirmations(file: SweepFile) -> str:
    """Estimated beside measured."""
    rows = []
    for one in file.confirmations:
        verdict = '<span class="badge good">equal</span>'
        if not one.is_equal:
            verdict = '<span class="badge bad">differs</span>'
        if one.has_conflicts:
            verdict += ' <span class="badge open">bank conflicts</span>'
        error = shown(one.error or "", MAX_NOTE_CHARS)
        for name, pair in one.metrics.items():
            rows.append(
                [
                    f"{one.index:,}",
                    one.why,
                    shown(name),
                    number_text(pair.estimated),
                    number_text(pair.measured),
                    number_text(pair.measured - pair.estimated),
                    f"{verdict} {error}",
                ]
            )
        if not one.metrics:
            rows.append([f"{one.index:,}", one.why, "", "", "", "", f"{verdict} {error}"])
    head = ["design", "chosen", "metric", "estimated", "measured", "difference", "verdict"]
    return table(head, rows, (0, 3, 4, 5))


def sources(file: SweepFile) -> Iterator[str]:
    """Where each number is from, how far off it may be, and what all depend on."""
    rows = (
        [
            shown(name),
            shown(source.unit),
            shown(source.error or "not known", MAX_NOTE_CHARS),
            shown(source.provenance, MAX_NOTE_CHARS),
        ]
        for name, source in file.metrics.items()
    )
    yield table(["metric", "unit", "error", "from"], rows)
    if file.rankings:
        yield f"<h3>{TABLE_ORDERS}</h3>"
        heads, orders = table_orders(file)
        yield f"<p>Of the {file.rankings[0].num_designs:,} designs that meet all constraints.</p>"
        yield table(heads, orders, (1, 3))
    yield "<h3>Everything depends on</h3>"
    context = ([shown(name), shown(text, MAX_NOTE_CHARS)] for name, text in file.context.items())
    yield table(["what", "version or hash"], context)
    if file.failures:
        yield from _failures(file)


def _failures(file: SweepFile) -> Iterator[str]:
    """By reason: how many designs, and the first of them."""
    reasons: dict[str, tuple[int, int]] = {}
    for one in file.failures:
        count, first = reasons.get(one.error, (0, one.start))
        reasons[one.error] = (count + one.stop - one.start, first)
    ordered = sorted(reasons.items(), key=lambda item: -item[1][0])
    yield f"<h3>Designs without numbers: {sum(count for _, (count, _) in ordered):,}</h3>"
    rows = (
        [f"{count:,}", f"{first:,}", shown(error, MAX_NOTE_CHARS)]
        for error, (count, first) in ordered[:MAX_FAILURES]
    )
    yield table(["designs", "the first", "why"], rows, (0, 1))
    if len(ordered) > MAX_FAILURES:
        yield f"<p>and {len(ordered) - MAX_FAILURES:,} more reasons, all in sweep.json</p>"
