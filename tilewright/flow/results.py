"""What the flow found out, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tilewright.errors import OutputError

REPORT_JSON = "report.json"
REPORT_TEXT = "report.md"
VERIFICATION = ": verification"
"""How the title of a result ends if its hardware was simulated."""

ACTIVITIES = ("idle", "busy", "wait_input", "wait_output", "wait_token", "bank_conflict")
ACTIVITY_WORDS = {
    "idle": "no command",
    "busy": "working",
    "wait_input": "waiting for input",
    "wait_output": "waiting for output",
    "wait_token": "waiting for a token",
    "bank_conflict": "bank conflict",
}


@dataclass(frozen=True, kw_only=True)
class Result:
    """A verdict with its rows: (label, text) for people, `data` for programs."""

    title: str
    ok: bool
    rows: Sequence[tuple[str, str]]
    data: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()

    @property
    def is_verified(self) -> bool:
        """Whether something was simulated: estimates and generated files have passed nothing."""
        return self.title.endswith(VERIFICATION)

    def table(self) -> str:
        """The rows, labels aligned, under the title, with the verdict, if there is one, last."""
        width = max((len(label) for label, _ in self.rows), default=0)
        lines = [self.title, *(f"  {label:<{width}}  {text}" for label, text in self.rows)]
        passed = ["PASSED"] if self.is_verified else []
        return "\n".join([*lines, *self.notes, *(passed if self.ok else ["FAILED"])])

    def to_json(self) -> dict[str, Any]:
        """Everything, ready for `json.dumps`."""
        return {
            "title": self.title,
            "rows": [list(row) for row in self.rows],
            "notes": list(self.notes),
            **self.data,
        }


def read_result(out: Path) -> Result:
    """The result that an earlier run left in `out`.

    Raises:
        OutputError: if there is none or it cannot be read.
    """
    path = out / REPORT_JSON
    try:
        data = json.loads(path.read_text())
        known = {key: data.pop(key) for key in ("title", "ok", "rows", "notes")}
        rows = [(str(label), str(text)) for label, text in known["rows"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        help = "tilewright verify SPEC makes one"
        raise OutputError(f"{path}: no report can be read here: {error}", help=help) from error
    return Result(
        title=str(known["title"]),
        ok=known["ok"] is True,
        rows=rows,
        data=data,
        notes=[str(note) for note in known["notes"]],
    )


def activity_table(units: Sequence[str], counters: Sequence[int]) -> dict[str, dict[str, int]]:
    """Counters in register order as unit -> class -> cycles."""
    per_unit = len(ACTIVITIES)
    return {
        unit: dict(zip(ACTIVITIES, counters[place * per_unit :][:per_unit], strict=True))
        for place, unit in enumerate(units)
    }


def markdown_activity(activity: Mapping[str, Mapping[str, int]]) -> str:
    """Where each unit's cycles went, in per cent, as a Markdown table."""
    order = ("busy", *(name for name in ACTIVITIES if name != "busy"))
    lines = ["| unit | " + " | ".join(ACTIVITY_WORDS[c] for c in order) + " | cycles |"]
    lines.append("|---|" + "---:|" * (len(order) + 1))
    for unit, counts in activity.items():
        total = sum(counts.values())
        shares = " | ".join(f"{100 * counts[c] / max(1, total):.1f} %" for c in order)
        lines.append(f"| {unit} | {shares} | {total:,} |")
    return "\n".join(lines)


def limit_sentence(
    activity: Mapping[str, Mapping[str, int]], core: str, *, is_planned: bool = False
) -> str:
    """What limits the run: the largest share of the engine's cycles that is not work.

    In a planned schedule tasks also wait for results that the task before is still making.
    """
    counts = activity[core]
    total = max(1, sum(counts.values()))
    worst = max((name for name in counts if name != "busy"), key=lambda name: counts[name])
    if counts["busy"] >= 0.9 * total or not counts[worst]:
        share = 100 * counts["busy"] / total
        return f"the array works {share:.1f} % of the time (with padding): its size is the limit"
    share = 100 * counts[worst] / total
    late = "results of the task before" if is_planned else "a small batch"
    verb, cause = {
        "wait_input": ("waits for input", f"slow memory or {late}"),
        "wait_output": ("waits for room", "results leave too slowly"),
        "idle": ("has no work", "start and end of the run"),
        "wait_token": ("waits for a token", "other units are late"),
        "bank_conflict": ("waits for a bank", "banks are shared"),
    }[worst]
    return f"the array {verb} {share:.1f} % of the time: {cause}"
