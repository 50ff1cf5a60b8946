"""YAML text to plain data in which every key and value has its place.

Less than YAML on purpose: one document, no anchors, aliases, tags or merge keys, keys are text and
stand once, scalars follow YAML 1.2's core schema, size and depth have limits. The data is built
from the parser's events, never by recursion, so hostile nesting costs nothing.
"""

from __future__ import annotations

import os
import re
import stat
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from .composer import Fatal, KeyPath, Place, Reader, Span, compose
from .diagnostics import Diagnostic, SpecError

MAX_SOURCE_BYTES = 256 * 1024
_BAD_CHARACTER = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_LINE_BREAK = re.compile("\r\n|\r|\n")
_LOADER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


@dataclass(frozen=True, kw_only=True)
class Document:
    """Data with places. `poisoned` paths hold a mistake already, nothing more is said of them."""

    file: str
    data: object = None
    places: Mapping[KeyPath, Place] = field(default_factory=dict)
    lines: tuple[str, ...] = ()
    mistakes: tuple[Diagnostic, ...] = ()
    poisoned: frozenset[KeyPath] = frozenset()

    def diagnostic(
        self,
        path: KeyPath,
        rule: str,
        *,
        help: str | None = None,
        value: str | None = None,
        at_key: bool = False,
    ) -> Diagnostic:
        """A message about `path`, placed at its value, or at the nearest key that exists."""
        nearest = path
        while nearest and nearest not in self.places:
            nearest = nearest[:-1]
        place = self.places.get(nearest)
        spoken = path_text(path)
        if place is None and self.lines:
            return self._at(Span(1, 1), spoken, rule, help, value)
        if place is None:
            return Diagnostic(file=self.file, path=spoken, rule=rule, help=help, value=value)
        is_exact = nearest == path
        if value is None and is_exact and not at_key and path:
            value = place.text
        span = place.value if is_exact and not at_key else place.key
        return self._at(span, spoken, rule, help, value)

    def _at(
        self, span: Span, path: str, rule: str, help: str | None, value: str | None
    ) -> Diagnostic:
        has_line = 0 < span.line <= len(self.lines)
        return Diagnostic(
            file=self.file,
            line=span.line,
            column=span.column,
            path=path,
            rule=rule,
            value=value,
            help=help,
            source_line=self.lines[span.line - 1] if has_line else None,
            width=span.width,
        )


def path_text(path: KeyPath) -> str:
    """`("kernel", "rows")` -> `kernel.rows`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def read_source(path: Path) -> str:
    """The text of a spec file. Raises SpecError for what cannot be read as text."""
    return decode_source(_read_bytes(path), str(path))


def _read_bytes(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise _refused(path, "must be a regular file")
            return file.read(MAX_SOURCE_BYTES + 1)
    except IsADirectoryError:
        raise _refused(path, "is a directory", "name a spec file") from None
    except FileNotFoundError:
        raise _refused(path, "file not found", "`tilewright init` writes a first spec") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise _refused(path, f"cannot be read: {reason}") from None


def _refused(path: Path, rule: str, help: str | None = None) -> SpecError:
    return SpecError([Diagnostic(file=str(path), rule=rule, help=help)])


def decode_source(content: bytes, file: str) -> str:
    """UTF-8 to text within the size limit."""
    if len(content) > MAX_SOURCE_BYTES:
        rule = f"must be at most {MAX_SOURCE_BYTES // 1024} KiB"
        raise SpecError([Diagnostic(file=file, rule=rule, help="a spec holds no data, only keys")])
    try:
        return content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8")
        line_starts = [0, *(m.end() for m in _LINE_BREAK.finditer(before))]
        diagnostic = Diagnostic(
            file=file,
            line=len(line_starts),
            column=len(before) - line_starts[-1] + 1,
            rule="must be UTF-8 text",
            value=f"byte 0x{content[error.start]:02x}",
            source_line=_LINE_BREAK.split(content.decode("utf-8", "replace"))[len(line_starts) - 1],
            help="save the file as UTF-8",
        )
        raise SpecError([diagnostic]) from None


def read_document(text: str, file: str) -> Document:
    """Text to data. Raises SpecError where no data can be made; lesser mistakes are collected."""
    if len(text) > MAX_SOURCE_BYTES:
        decode_source(text.encode("utf-8", "surrogatepass"), file)
    lines = tuple(_LINE_BREAK.split(text))
    document = Document(file=file, lines=lines)
    _refuse_characters(text, document)
    reader = Reader()
    try:
        root = compose(text, _LOADER)
    except yaml.MarkedYAMLError as error:
        raise SpecError([_syntax_error(error, document)]) from None
    except yaml.YAMLError:
        raise SpecError([document._at(Span(1, 1), "", "must be YAML text", None, None)]) from None
    except Fatal as error:
        mistake = error.mistake
        raise SpecError(
            [document._at(mistake.span, "", mistake.rule, mistake.help, None)]
        ) from None
    data = None if root is None else reader.data(root)
    mistakes = tuple(
        document._at(m.span, path_text(m.path), m.rule, m.help, None) for m in reader.mistakes
    )
    return Document(
        file=file,
        data=data,
        places=reader.places,
        lines=lines,
        mistakes=mistakes,
        poisoned=frozenset(m.path for m in reader.mistakes),
    )


def _refuse_characters(text: str, document: Document) -> None:
    bad = _BAD_CHARACTER.search(text)
    if bad is None:
        return
    starts = [0, *(m.end() for m in _LINE_BREAK.finditer(text))]
    line = bisect_right(starts, bad.start())
    span = Span(line, bad.start() - starts[line - 1] + 1)
    rule = "must not hold control characters"
    code = f"U+{ord(bad[0]):04X}"
    raise SpecError([document._at(span, "", rule, "delete this character", code)])


_SYNTAX_HELP = {
    "mapping values are not allowed in this context": (
        "one `key: value` in a line, keys of a section in one column; quote text that holds `: `"
    ),
    "found character that cannot start any token": (
        "indent with spaces, not tabs; quote text that starts with one of %@`"
    ),
    "did not find expected node content": "a value is missing, or a bracket is not closed",
    "could not find expected ':'": "write `key: value`, with a space after the colon",
    "did not find expected key": "keys of one section start in the same column",
    "did not find expected ',' or '}'": "close `{` with `}` and put commas between entries",
    "did not find expected ',' or ']'": "close `[` with `]` and put commas between entries",
    "found unexpected end of stream": "a quote or bracket is not closed",
    "did not find expected <document start>": "a spec is a list of `key: value` lines",
}


def _syntax_error(error: yaml.MarkedYAMLError, document: Document) -> Diagnostic:
    problem = (error.problem or error.context or "cannot be read").strip()
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark is not None else 1
    column = mark.column + 1 if mark is not None else 1
    if line > len(document.lines):
        line, column = len(document.lines), len(document.lines[-1]) + 1
    help = _SYNTAX_HELP.get(problem)
    if help and error.context_mark is not None and error.context_mark.line + 1 < line:
        help += f" (it starts in line {error.context_mark.line + 1})"
    return document._at(Span(line, column), "", f"YAML syntax: {problem}", help, None)
