"""A memory plan as one HTML page that needs nothing else: figures, picture, what was moved, order.

Every text that comes from a file is escaped, and the page's own policy forbids all scripts but
ours and all network.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Final

from tilewright.dse.report.text import shown

from .plan_page_parts import SCRIPT, STYLE
from .plan_picture import View, column_pixels, picture
from .plan_result import PlanResult

MAX_LISTED: Final = 500
MAX_ORDER: Final = 10_000
MAX_WORDS_CHARS: Final = 300
KINDS: Final = (
    ("made", "made on chip"),
    ("leaves", "made on chip, then spilled"),
    ("first", "first load (compulsory)"),
    ("back", "came back"),
)


def page(result: PlanResult) -> str:
    """The whole page."""
    planned = result.planned
    view = View(planned)
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    width = column_pixels(len(planned.plan.order))
    title = f"{shown(planned.problem.name)}: memory plan"
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width">',
            f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>",
            *_summary(result),
            *_controls(width),
            *picture(view, width),
            *_moved_table(view),
            *_order_list(view),
            f"<script>{SCRIPT}</script>\n</body>\n</html>\n",
        ]
    )


def _summary(result: PlanResult) -> Iterator[str]:
    """Two tables side by side."""
    certificate = result.planned.certificate
    state = "proven" if certificate.is_proven else f"gap {certificate.gap:.1%}"
    rows = result.rows()
    middle = (len(rows) + 1) // 2
    yield '<div class="summary">'
    for part in (rows[:middle], rows[middle:]):
        yield "<table>"
        for label, words in part:
            badge = ""
            if label == "gap":
                kind = "good" if certificate.is_proven else "open"
                badge = f'<b class="badge {kind}">{state}</b> '
            yield f"<tr><th>{label}<td>{badge}{shown(', '.join(words), MAX_WORDS_CHARS)}"
        yield "</table>"
    yield "</div>"


def _controls(width: float) -> Iterator[str]:
    yield '<div class="controls">'
    for kind, words in KINDS:
        yield f'<span class="key"><i class="{kind}"></i>{words}</span>'
    yield '<label>zoom <input id="zoom" type="range" min="1" max="90" step="0.1"'
    yield f' value="{width}"></label></div>'


def _moved_table(view: View) -> Iterator[str]:
    """Every tensor that comes back, with when it was away."""
    rows = []
    for before, after in view.absences():
        item = view.items[after.item]
        away = f"{view.step_name(before.last)}<td>{view.step_name(after.first)}"
        rows.append(f"<tr><td>{shown(item.name)}<td class=n>{item.size:,}<td>{away}")
    if not rows:
        yield "<p>No tensor leaves the scratchpad before its last use.</p>"
        return
    yield f"<h2>Away and back: {len(rows):,}</h2><table><tr><th>tensor<th>bytes<th>leaves after"
    yield "<th>comes back before"
    yield from rows[:MAX_LISTED]
    yield "</table>"
    if len(rows) > MAX_LISTED:
        yield f"<p>and {len(rows) - MAX_LISTED:,} more, all in plan.json</p>"


def _order_list(view: View) -> Iterator[str]:
    count = len(view.order)
    yield f"<details><summary>The order of {count:,} operators</summary><ol start=0>"
    for position in range(min(count, MAX_ORDER)):
        yield f"<li>{view.step_name(position)}"
    yield "</ol></details>"
