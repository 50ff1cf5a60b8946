"""Tcl scripts from typed words: no text ever becomes more than the one word that it is.

A script is a list of commands, a command a list of words. A plain `str` is always data; what Tcl
shall evaluate is a `Call` (`[...]`), a `Variable` (`$name`) or a `Block` (`{...}` of commands).
Quoting follows the rules of `man n Tcl`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["Block", "Call", "Command", "Variable", "comment", "script", "word"]

_BARE: Final = re.compile(r"[A-Za-z0-9_./:+@%,-][A-Za-z0-9_./:+@%,=-]*")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SPECIAL: Final = frozenset(' \t"$[]{}\\;#')
_NOT_IN_COMMENTS: Final = re.compile(r"[^A-Za-z0-9 .,:;()/_+-]")


@dataclass(frozen=True)
class Variable:
    """The value of a variable, as one word."""

    name: str

    def __str__(self) -> str:
        return f"${_name(self.name)}"


@dataclass(frozen=True)
class Command:
    """A command and its arguments; the first word is a name."""

    words: tuple[Word, ...]

    def __init__(self, *words: Word) -> None:
        object.__setattr__(self, "words", words)

    def __str__(self) -> str:
        first, *rest = self.words
        return " ".join([_name(str(first)), *(word(entry) for entry in rest)])


@dataclass(frozen=True)
class Call:
    """The result of a command, as one word."""

    command: Command

    def __init__(self, *words: Word) -> None:
        object.__setattr__(self, "command", Command(*words))

    def __str__(self) -> str:
        return f"[{self.command}]"


@dataclass(frozen=True)
class Block:
    """Commands as one word, for `if` and the like."""

    commands: tuple[Command, ...]

    def __init__(self, *commands: Command) -> None:
        object.__setattr__(self, "commands", commands)

    def __str__(self) -> str:
        lines = "".join(f"    {command}\n" for command in self.commands)
        return "{\n" + lines + "}"


Word = str | Variable | Call | Block


def word(entry: Word) -> str:
    """One word as it is written. Text is data: bare, in braces, or with backslashes.

    Raises:
        ValueError: for text with a null character, which no Tcl string can hold safely.
    """
    if not isinstance(entry, str):
        return str(entry)
    if "\0" in entry:
        raise ValueError("a word must not hold a null character")
    if _BARE.fullmatch(entry):
        return entry
    if not any(c in "{}\\" or not c.isprintable() for c in entry):
        return f"{{{entry}}}"
    return "".join(_escaped(c) for c in entry)


def comment(text: str) -> str:
    """A line that Tcl ignores; what could end it, or continue it, becomes a space."""
    return f"# {_NOT_IN_COMMENTS.sub(' ', text)}"


def script(lines: Sequence[Command | str]) -> str:
    """A whole script; a `str` is a comment, "" an empty line."""
    shown = [(comment(line) if line else "") if isinstance(line, str) else str(line)
             for line in lines]  # fmt: skip
    return "\n".join(shown) + "\n"


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(f"not the name of a command or variable: {text!r}")
    return text


def _escaped(character: str) -> str:
    if character in _SPECIAL:
        return f"\\{character}"
    # `\u` takes four digits at most; a character beyond them is printable or it is refused.
    if not character.isprintable():
        if ord(character) > 0xFFFF:
            raise ValueError(f"a word must not hold U+{ord(character):X}")
        return f"\\u{ord(character):04x}"
    return character
