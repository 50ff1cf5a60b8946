"""Tables for terminals: columns aligned, no line wider than asked, nothing that a terminal obeys.

What the cells say may come from files that nobody vouches for: control characters and characters
that turn the direction of writing are escaped, wide and combining characters are counted as they
are shown, and what is too long loses its middle.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tilewright.spec.diagnostics import columns, printable

GAP: Final = "  "
CUT: Final = "..."
LEAST_COLUMNS, MOST_COLUMNS, DEFAULT_COLUMNS = 80, 160, 100
MAX_CELL_CHARS: Final = 1000


def terminal_columns() -> int:
    """Columns to write for: the terminal's, within 80 and 160; 100 where there is none."""
    wide = shutil.get_terminal_size(fallback=(DEFAULT_COLUMNS, 24)).columns
    return min(MOST_COLUMNS, max(LEAST_COLUMNS, wide))


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column's head. Numbers are `is_right` aligned; `least` columns remain when it must shrink
    (None: it never does).
    """

    head: str
    is_right: bool = False
    least: int | None = None


def shorten(text: str, width: int) -> str:
    """`text` made printable and at most `width` columns wide; a long one loses its middle."""
    text = printable(text, MAX_CELL_CHARS)
    if columns(text) <= width:
        return text
    if width <= len(CUT):
        return CUT[:width]
    room = width - len(CUT)
    front = _fit(text, (room + 1) // 2)
    back = _fit(text[::-1], room // 2)[::-1]
    return front + CUT + back


def _fit(text: str, width: int) -> str:
    """As many characters from the front as `width` columns take."""
    used = 0
    for place, character in enumerate(text):
        used += columns(character)
        if used > width:
            return text[:place]
    return text


def table(heads: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Head and rows as lines of at most `width` columns, if the columns may shrink that far."""
    cells = [[printable(text, MAX_CELL_CHARS) for text in row] for row in rows]
    widths = [
        max(columns(text) for text in (head.head, *(row[place] for row in cells)))
        for place, head in enumerate(heads)
    ]
    _shrink(heads, widths, width - len(GAP) * (len(heads) - 1))
    lines = [[head.head for head in heads], *cells]
    return [
        GAP.join(
            _aligned(text, wide, head.is_right)
            for text, wide, head in zip(line, widths, heads, strict=True)
        ).rstrip()
        for line in lines
    ]


def _shrink(heads: Sequence[Column], widths: list[int], room: int) -> None:
    """Take columns from the widest that may shrink, one by one, until all fit in `room`."""
    while sum(widths) > room:
        able = [
            place
            for place, head in enumerate(heads)
            if head.least is not None and widths[place] > max(head.least, len(head.head))
        ]
        if not able:
            return
        widths[max(able, key=lambda place: widths[place])] -= 1


def _aligned(text: str, width: int, is_right: bool) -> str:
    text = shorten(text, width)
    blank = " " * (width - columns(text))
    return blank + text if is_right else text + blank


def paragraph(label: str, words: Sequence[str], width: int, label_width: int) -> list[str]:
    """`label`, then `words` with commas between them on as many lines as they need."""
    indent = label_width + len(GAP)
    lines: list[str] = []
    line = label + " " * (label_width - columns(label)) + GAP
    used = False
    for number, word in enumerate(words):
        text = shorten(word, width - indent - 1) + ("," if number < len(words) - 1 else "")
        if used and columns(line) + 1 + columns(text) > width:
            lines.append(line)
            line, used = " " * indent, False
        line += (" " if used else "") + text
        used = True
    return [*lines, line.rstrip()]


def label_rows(rows: Sequence[tuple[str, Sequence[str]]], width: int) -> list[str]:
    """Labels and what they say, indented and aligned; no line is wider than `width`."""
    labels = [shorten(label, width // 3) for label, _ in rows]
    wide = max(map(columns, labels), default=0)
    return [
        f"  {line}"
        for label, (_, words) in zip(labels, rows, strict=True)
        for line in paragraph(label, words, width - 2, wide)
    ]
