"""The text of a liberty file as groups and attributes with their places, without their meaning.

The form is that of the Liberty reference manual: groups `name (words) { ... }`, simple attributes
`name : value ;`, complex ones `name (words);`, comments in `/* */`. A missing `;` at the end of a
line is forgiven, as every reader of such files does. Pure: text in, `Group` or a located error out.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NoReturn

from tilewright.spec.diagnostics import Diagnostic, SpecError

__all__ = ["Attribute", "Group", "LibertyText"]

MAX_DEPTH: Final = 16
MAX_WORD_CHARS: Final = 4096
_TOKEN: Final = re.compile(
    r"""(?P<skip>(?:[ \t\r\n\f\v]|\\[ \t\r]*\n|/\*.*?\*/)+)
      |(?P<string>"(?:[^"\\\n]|\\[ \t\r]*\n|\\.)*")
      |(?P<mark>[(){};:,])
      |(?P<word>(?:[^ \t\r\n\f\v(){};:,"\\/]|/(?!\*))+)""",
    re.DOTALL | re.VERBOSE,
)
_SKIPPED_GROUPS: Final = frozenset((
    "lu_table_template", "power_lut_template", "timing", "internal_power", "leakage_power",
    "operating_conditions", "wire_load", "wire_load_selection", "receiver_capacitance",
))  # fmt: skip
"""Read, so that their braces are checked, and dropped: tables of numbers for other tools."""


@dataclass(frozen=True)
class Attribute:
    """A simple or complex attribute: its words, and where its name stands in the text."""

    name: str
    words: tuple[str, ...]
    offset: int


@dataclass
class Group:
    """A group: what it is (`cell`), its words (`NAND2`), what is in it, where it begins."""

    kind: str
    words: tuple[str, ...]
    offset: int
    attributes: list[Attribute] = field(default_factory=list)
    groups: list["Group"] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The first word in its parentheses."""
        return self.words[0] if self.words else ""

    def find(self, name: str) -> Attribute | None:
        """The last attribute of this name: later ones replace earlier ones."""
        return next((one for one in reversed(self.attributes) if one.name == name), None)

    def of_kind(self, *kinds: str) -> Iterator["Group"]:
        """Groups of these kinds directly in this one."""
        return (group for group in self.groups if group.kind in kinds)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    offset: int


class LibertyText:
    """A file's text and places in it; `parse` reads its one group."""

    def __init__(self, text: str, file: str) -> None:
        self.text, self.file = text, file
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def diagnostic(self, offset: int, path: str, rule: str, **more: str | None) -> Diagnostic:
        """A message about the place `offset`."""
        line = bisect_right(self._starts, offset)
        start = self._starts[line - 1]
        end = self._starts[line] - 1 if line < len(self._starts) else len(self.text)
        return Diagnostic(
            file=self.file,
            line=line,
            column=offset - start + 1,
            path=path,
            rule=rule,
            source_line=self.text[start:end].rstrip("\r\n"),
            **more,  # type: ignore[arg-type]
        )

    def parse(self) -> Group:
        """The group that the file is.

        Raises:
            SpecError: at the first place where the form is broken: what follows cannot be trusted.
        """
        return _Parser(self).parse()


class _Parser:
    """Walks the tokens once; open groups lie on a stack, so that depth costs no recursion."""

    def __init__(self, source: LibertyText) -> None:
        self.source = source
        self.open: list[Group] = []
        self.tokens = self._tokens()
        self.token = next(self.tokens)

    def parse(self) -> Group:
        if self.token.kind == "end":
            self._wrong("is empty")
        while True:
            done = self._statement()
            if done is not None:
                break
        if self.token.text == ";":
            self._next()
        if self.token.kind != "end":
            self._wrong("one library is all that a file holds")
        return done

    def _statement(self) -> Group | None:
        """One attribute, the head of a group, or the end of one; the outermost when it ends."""
        if self.token.text == "}" and self.token.kind == "mark":
            return self._close()
        if self.token.kind == "end":
            here = self.open[-1]
            self._wrong(f"the group {here.kind} ({here.name}) that began here has no end", here)
        if self.token.kind != "word":
            self._wrong("a name must stand here")
        name = self._next()
        if self.token.text == ":" and self.open:
            self._next()
            self._add(Attribute(name.text, self._value(name), name.offset))
        elif self.token.text == "(":
            self._next()
            self._group_or_attribute(name)
        else:
            self._wrong("`:` or `(` must follow the name", name)
        return None

    def _group_or_attribute(self, name: _Token) -> None:
        words = self._arguments(name)
        if self.token.text == "{" and self.token.kind == "mark":
            if len(self.open) >= MAX_DEPTH:
                self._wrong(f"groups lie at most {MAX_DEPTH} deep")
            self._next()
            self.open.append(Group(name.text, words, name.offset))
            return
        if not self.open:
            self._wrong("must be `library (NAME) {`", name)
        self._add(Attribute(name.text, words, name.offset))
        if self.token.text == ";":
            self._next()

    def _close(self) -> Group | None:
        if not self.open:
            self._wrong("`}` without a group that it ends")
        self._next()
        group = self.open.pop()
        if not self.open:
            return group
        if group.kind not in _SKIPPED_GROUPS:
            self.open[-1].groups.append(group)
        return None

    def _add(self, attribute: Attribute) -> None:
        self.open[-1].attributes.append(attribute)

    def _value(self, name: _Token) -> tuple[str, ...]:
        """To the `;`, or to the end of the line where it is missing."""
        words: list[str] = []
        while self.token.kind in ("word", "string") and (
            not words or not self._is_new_line(name.offset, self.token.offset)
        ):
            words.append(self._next().text)
        if not words:
            self._wrong(f"a value of {name.text} must stand here")
        if self.token.text == ";" and self.token.kind == "mark":
            self._next()
        elif self.token.text != "}" and not self._is_new_line(name.offset, self.token.offset):
            self._wrong(f"`;` must end the value of {name.text}")
        return tuple(words)

    def _arguments(self, name: _Token) -> tuple[str, ...]:
        words: list[str] = []
        while self.token.text != ")" or self.token.kind != "mark":
            if self.token.kind in ("word", "string"):
                words.append(self._next().text)
            elif self.token.text in (",", ":"):  # bits of a bus: `A[3:0]`
                self._next()
            else:
                self._wrong(f"`)` must end what {name.text} has in parentheses")
        self._next()
        return tuple(words)

    def _is_new_line(self, before: int, now: int) -> bool:
        return "\n" in self.source.text[before:now]

    def _next(self) -> _Token:
        token = self.token
        self.token = next(self.tokens)
        return token

    def _tokens(self) -> Iterator[_Token]:
        text, at, end = self.source.text, 0, len(self.source.text)
        while at < end:
            match = _TOKEN.match(text, at)
            if match is None:
                self.token = _Token("bad", text[at], at)
                self._wrong(_character_rule(text, at))
            at = match.end()
            kind = match.lastgroup or ""
            if kind == "skip":
                continue
            word = match[kind]
            if kind == "string":
                word = re.sub(r"\\[ \t\r]*\n", "", word[1:-1])
            if kind == "word" and len(word) > MAX_WORD_CHARS:
                self.token = _Token("bad", "", match.start())
                self._wrong(f"a word has at most {MAX_WORD_CHARS} characters")
            yield _Token(kind, word, match.start())
        while True:
            yield _Token("end", "", max(0, end - 1))

    def _wrong(self, rule: str, place: _Token | Group | None = None) -> NoReturn:
        offset = (place or self.token).offset
        path = " ".join(f"{group.kind} {group.name}".strip() for group in self.open[:2])
        raise SpecError([self.source.diagnostic(offset, path, rule)])


def _character_rule(text: str, at: int) -> str:
    if text[at] == '"':
        return "the text that begins here has no end"
    if text.startswith("/*", at):
        return "the comment that begins here has no end"
    return "this character has no place here"
