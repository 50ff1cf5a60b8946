"""Lines of a matrix file with places for messages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tilewright.spec.diagnostics import Diagnostic, SpecError

MAX_FILE_BYTES = 1 << 28
MAX_SIDE = 1 << 24
MAX_ENTRIES = 1 << 25
MAX_MISTAKES = 20
_WORD = re.compile(r"\S+")
_WORD_BETWEEN_COMMAS = re.compile(r"[^\s,]+")
_DIGITS = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)


@dataclass
class MatrixText:
    """The lines of a file, and the mistakes found in it; more than a screenful is not collected.

    `has_commas`: commas separate words, as blanks do.
    """

    file: str
    lines: list[str]
    has_commas: bool = False
    mistakes: list[Diagnostic] = field(default_factory=list)

    def words(self, line: int) -> list[str]:
        """The words of a line (from 0); none behind the end of the file."""
        return [match[0] for match in self._words(line)]

    def _words(self, line: int) -> list[re.Match[str]]:
        pattern = _WORD_BETWEEN_COMMAS if self.has_commas else _WORD
        return list(pattern.finditer(self.lines[line])) if line < len(self.lines) else []

    def say(
        self,
        line: int,
        rule: str,
        *,
        path: str = "",
        word: int | None = None,
        value: str | None = None,
        help: str | None = None,
    ) -> None:
        """A mistake in line `line` (from 0), at its word `word` (from 0) or at its beginning."""
        if len(self.mistakes) >= MAX_MISTAKES:
            raise self.error()
        line = max(0, min(line, len(self.lines) - 1))
        text = self.lines[line] if self.lines else ""
        column, width = 1, 1
        if word is not None:
            found = self._words(line)[word : word + 1]
            column = found[0].start() + 1 if found else len(text) + 1
            width = len(found[0][0]) if found else 1
        self.mistakes.append(
            Diagnostic(
                file=self.file,
                line=line + 1,
                column=column,
                path=path,
                rule=rule,
                value=value,
                help=help,
                source_line=text,
                width=width,
            )
        )

    def error(self) -> SpecError:
        """All mistakes so far."""
        return SpecError(self.mistakes)

    def stop(self) -> None:
        """Raise what was found, if there is anything."""
        if self.mistakes:
            raise self.error()


def whole(word: str) -> int | None:
    """The number that a word is; None: not a whole number of at most 18 digits."""
    return int(word) if _DIGITS.fullmatch(word) else None


def read_text(path: Path, *, has_commas: bool = False) -> MatrixText:
    """The lines of a file; `SpecError` if it is no text or too large."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise _refusal(path, f"cannot be read: {error.strerror or error}") from None
    if len(data) > MAX_FILE_BYTES:
        raise _refusal(path, f"a matrix file has at most {MAX_FILE_BYTES} bytes, this one has more")
    if not data.strip():
        raise _refusal(path, "is empty")
    if b"\0" in data:
        raise _refusal(path, "is not a text file: it has a byte 0")
    # Latin-1 takes every byte: comments may be in any encoding, and words are checked.
    lines = data.decode("latin-1").replace("\r\n", "\n").split("\n")
    return MatrixText(file=str(path), lines=lines, has_commas=has_commas)


def check_size(
    text: MatrixText, line: int, sizes: Iterable[tuple[str, int | None, str, int]]
) -> list[int] | None:
    """Sizes as (name, number, its word, most): those that are right, or None and mistakes."""
    good = []
    for place, (name, number, word, most) in enumerate(sizes):
        if number is None or not 0 <= number <= most:
            rule = f"must be a whole number from 0 to {most}"
            text.say(line, rule, path=name, word=place, value=word)
        else:
            good.append(number)
    return good if not text.mistakes else None


def _refusal(path: Path, rule: str) -> SpecError:
    return SpecError([Diagnostic.plain(str(path), "", rule)])
