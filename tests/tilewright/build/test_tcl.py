"""What the emitter of Tcl writes is read back by two readers that share nothing with it: a small
one here, by the rules of `man n Tcl`, and Tcl itself where Python has it."""

from __future__ import annotations

import re

import pytest

from tilewright.build.tcl import Block, Call, Command, Variable, comment, script, word

HOSTILE = [
    "", " ", "a b", "$x", "${x}", "[exec touch canary]", "[", "]", "{", "}", "}{", "{}", "\\",
    "\\\\", "a\\", "a\\\nb", "\n", "a\nexec touch canary", "a;exec touch canary", ";", '"', '"a',
    'a"b', "#", "#a", "a#b", "\t", "\r", "\x01", "\x1b[31m", "\u2028", "\ufeff", "\N{SNOWMAN}",
    "-", "-force", "--", "*", "{*}", "{*}$x", "$", "$$", "$(x)", "%", "100%", "~", "~root", "a=b",
    "x" * 5000, "} ; exec touch canary ; {", "]; exec touch canary; [", "\\u0041", "\\x41",
    "\\[exec touch canary\\]", "{[exec touch canary]}", "a\u0085b", "\u200b", "é", "\U0001f600",
    "a\vb", "\f", "`touch canary`", "|touch canary", "$(touch canary)", "'", "a'b", "&", "<", ">",
]  # fmt: skip
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "v": "\v", "f": "\f", "b": "\b", "a": "\a"}


class Reader:
    """Splits a script into commands of words; `$` and `[` in a word are kept as they stand."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def commands(self, end: str = "") -> list[list[str]]:
        found: list[list[str]] = [[]]
        while self.at < len(self.text) and self.text[self.at] != end:
            c = self.text[self.at]
            if c in "\n;":
                found.append([])
                self.at += 1
            elif c in " \t":
                self.at += 1
            elif c == "#" and not found[-1]:
                self.at = self._end_of_comment()
            else:
                found[-1].append(self._word(end))
        return [command for command in found if command]

    def _end_of_comment(self) -> int:
        match = re.compile(r"(?:\\.|[^\\\n])*", re.DOTALL).match(self.text, self.at)
        assert match is not None
        return match.end()

    def _word(self, end: str) -> str:
        if self.text[self.at] == "{":
            return self._braced()
        assert self.text[self.at] != '"', "the emitter writes no quotes"
        parts = []
        while self.at < len(self.text) and self.text[self.at] not in " \t\n;" + end:
            parts.append(self._part())
        return "".join(parts)

    def _braced(self) -> str:
        depth, start = 0, self.at
        while True:
            c = self.text[self.at]
            depth += {"{": 1, "}": -1}.get(c, 0)
            self.at += 2 if c == "\\" else 1
            if depth == 0:
                return self.text[start + 1 : self.at - 1]

    def _part(self) -> str:
        c = self.text[self.at]
        if c == "[":
            start = self.at
            self.at += 1
            self.commands(end="]")
            self.at += 1
            return self.text[start : self.at]
        if c != "\\":
            self.at += 1
            return c
        follows = self.text[self.at + 1]
        if match := re.compile(r"u([0-9a-f]{1,4})").match(self.text, self.at + 1):
            self.at = match.end()
            return chr(int(match[1], 16))
        self.at += 2
        return ESCAPES.get(follows, follows)


def read(text: str) -> list[list[str]]:
    reader = Reader(text)
    found = reader.commands()
    assert reader.at == len(text)
    return found


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:40])
def test_any_text_is_one_word(text: str) -> None:
    written = script([Command("puts", text, "next"), Command("exit")])
    assert read(written) == [["puts", text, "next"], ["exit"]]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:40])
def test_any_text_is_one_word_for_tcl_itself(text: str) -> None:
    tkinter = pytest.importorskip("tkinter", reason="this Python has no Tcl")
    interpreter = tkinter.Tcl()
    seen: list[tuple[str, ...]] = []
    interpreter.createcommand("note", lambda *words: seen.append(words) or "")
    nested = Command("note", Call("list", text), Variable("x"))
    block = Command("if", "1", Block(Command("note", text)))
    interpreter.eval(script([Command("set", "x", text), Command("note", text), nested, block]))
    assert seen[0] == (text,)
    assert interpreter.splitlist(seen[1][0]) == (text,)
    assert seen[1][1] == text
    assert seen[2] == (text,)


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:40])
def test_a_comment_ends_with_its_line(text: str) -> None:
    assert "\n" not in comment(text)
    assert read(script([text or "x", Command("exit")])) == [["exit"]]


def test_what_no_word_can_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="null character"):
        word("a\0b")
    with pytest.raises(ValueError, match="U\\+E0001"):
        word("a\U000e0001")


@pytest.mark.parametrize("name", ["", "a b", "exec;", "$x", "[x]", "é", "a\n"])
def test_names_are_plain(name: str) -> None:
    with pytest.raises(ValueError, match="not the name"):
        str(Command(name))
    with pytest.raises(ValueError, match="not the name"):
        str(Variable(name))


def test_the_reader_sees_what_is_wrong() -> None:
    """Without quoting the same texts are no longer one word each."""
    wrong = [text for text in HOSTILE if _as_it_stands(text) != [["puts", text, "next"]]]
    assert len(wrong) > 25


def _as_it_stands(text: str) -> list[list[str]] | None:
    try:
        return read(f"puts {text} next\n")
    except (IndexError, AssertionError):
        return None
