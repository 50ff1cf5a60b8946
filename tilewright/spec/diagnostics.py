"""Located messages: `file:line:col: error: path: rule, got value`, source line, caret, help.

Whatever a message quotes comes from files that we did not write, so rendering escapes every
character that a terminal could act on and cuts what is too long to read.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

Severity = Literal["error", "warning", "note"]

MAX_VALUE_CHARS = 60
MAX_TEXT_CHARS = 400
MAX_SOURCE_CHARS = 100
_BOLD, _RED, _CYAN, _RESET = "\x1b[1m", "\x1b[31m", "\x1b[36m", "\x1b[0m"


def printable(text: str, max_chars: int = MAX_TEXT_CHARS) -> str:
    """`text` on one line, cut to about `max_chars`, with every unprintable character escaped."""
    cut = text if len(text) <= max_chars else text[: max_chars - 3] + "..."
    return "".join(c if c.isprintable() else _escape(c) for c in cut)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` was probably meant to be, if there is one."""
    if len(word) > 64:  # comparing is quadratic
        return None
    choices = {choice.lower(): choice for choice in known}
    found = difflib.get_close_matches(word.lower(), list(choices), n=1, cutoff=0.6)
    return choices[found[0]] if found else None


def suggestion(word: str, known: Sequence[str], noun: str) -> str:
    """Help for a wrong `word`: the likely one, else all known ones."""
    meant = closest(word, known)
    if meant is not None:
        return f"did you mean `{meant}`?"
    if not known:
        return f"no {noun} is known yet"
    return f"known {noun}s: {', '.join(known)}"


@dataclass(frozen=True, kw_only=True)
class Diagnostic:
    """One message about one place.

    `line` and `column` count from 1 in characters and are None where a file has no lines (an ONNX
    model). `path` names the key or the node, `rule` says what holds, `value` is what was found
    (None: nothing to show), `help` what to do. `source_line` and `width` draw the caret.
    """

    file: str
    line: int | None = None
    column: int | None = None
    severity: Severity = "error"
    path: str = ""
    rule: str
    value: str | None = None
    help: str | None = None
    source_line: str | None = None
    width: int = 1

    @classmethod
    def plain(
        cls, file: str, path: str, rule: str, help: str | None = None, value: str | None = None
    ) -> Diagnostic:
        """A message about a file without lines, such as a model."""
        return cls(file=file, path=path, rule=rule, help=help, value=value)

    def render(self, color: bool = False) -> str:
        """The message as text: safe for a terminal, without a newline at the end."""
        paint = _paint if color else _no_paint
        head = self._head(paint)
        lines = [head, *self._excerpt(paint)]
        if self.help is not None:
            lines.append(f"  {paint('help:', _CYAN)} {printable(self.help)}")
        return "\n".join(lines)

    def to_json(self) -> dict[str, str | int | None]:
        """The same as plain data for `--json`."""
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "severity": self.severity,
            "path": self.path,
            "rule": self.rule,
            "value": self.value,
            "help": self.help,
        }

    def with_help(self, help: str) -> Diagnostic:
        return replace(self, help=help)

    def _head(self, paint: _Paint) -> str:
        place = printable(self.file)
        if self.line is not None:
            place += f":{self.line}:{self.column}"
        head = f"{paint(place, _BOLD)}: {paint(self.severity + ':', _RED)} "
        head += f"{printable(self.path, 120)}: " if self.path else ""
        head += printable(self.rule)
        return head if self.value is None else f"{head}, got {shown_value(self.value)}"

    def _excerpt(self, paint: _Paint) -> list[str]:
        if self.source_line is None or self.line is None or self.column is None:
            return []
        start = max(0, self.column - 1 - MAX_SOURCE_CHARS // 2)
        window = self.source_line[start : start + MAX_SOURCE_CHARS]
        before = _one_line(window[: self.column - 1 - start])
        marked = window[self.column - 1 - start :]
        width = max(1, columns(_one_line(marked[: self.width])))
        number = str(self.line)
        return [
            f"  {number} | {before}{_one_line(marked)}",
            f"  {' ' * len(number)} | {' ' * columns(before)}{paint('^' * width, _RED)}",
        ]


class SpecError(Exception):
    """A text is wrong; `diagnostics` holds all its mistakes in order of place."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__(self.diagnostics)

    def __str__(self) -> str:
        return "\n".join(d.render() for d in self.diagnostics)

    def render(self, color: bool = False) -> str:
        """All messages as text for a terminal."""
        return "\n".join(d.render(color) for d in self.diagnostics)


class _Paint:
    def __call__(self, text: str, code: str) -> str:
        return f"{code}{text}{_RESET}" if self.active else text

    def __init__(self, active: bool) -> None:
        self.active = active


_paint, _no_paint = _Paint(True), _Paint(False)


def shown_value(value: str) -> str:
    """A found value as it stands in a message; what would be invisible is quoted."""
    if not value:
        return "nothing"
    text = printable(value, MAX_VALUE_CHARS)
    return text if text.strip() else f"'{text}'"


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else " " if c == "\t" else "\N{WHITE SQUARE}" for c in text)


def columns(text: str) -> int:
    """How many columns of a terminal `text` takes; it must be printable."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
