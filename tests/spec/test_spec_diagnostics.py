"""Rendering of messages: safe, cut, aligned."""

import pytest

from tilewright.spec import Diagnostic, SpecError
from tilewright.spec.diagnostics import closest, printable, suggestion

LOCATED = Diagnostic(
    file="a.yaml", line=3, column=5, path="kernel.rows", rule="must be 1 to 4", value="9",
    help="lower it", source_line="    rows: 9", width=4,
)  # fmt: skip


def test_located() -> None:
    assert LOCATED.render().splitlines() == [
        "a.yaml:3:5: error: kernel.rows: must be 1 to 4, got 9",
        "  3 |     rows: 9",
        "    |     ^^^^",
        "  help: lower it",
    ]


def test_plain_for_files_without_lines() -> None:
    diagnostic = Diagnostic.plain("net.onnx", "node conv_1", "operator Conv is not supported", "x")
    assert diagnostic.render().splitlines() == [
        "net.onnx: error: node conv_1: operator Conv is not supported",
        "  help: x",
    ]


def test_json() -> None:
    assert LOCATED.to_json() == {
        "file": "a.yaml", "line": 3, "column": 5, "severity": "error", "path": "kernel.rows",
        "rule": "must be 1 to 4", "value": "9", "help": "lower it",
    }  # fmt: skip


def test_color_adds_only_color() -> None:
    import re

    assert re.sub("\x1b\\[[0-9]*m", "", LOCATED.render(color=True)) == LOCATED.render()
    assert "\x1b[" in LOCATED.render(color=True)


HOSTILE = ["\x1b[31m", "\x07", "a\nb", "\x9b2J", "\u202egnp", "\u2028", "\x00", "\ud800", "\u200b"]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_hostile_reaches_a_terminal(text: str) -> None:
    diagnostic = Diagnostic(
        file=text, line=1, column=1, path=text, rule=text, value=text, help=text, source_line=text
    )
    rendered = diagnostic.render()
    assert all(c.isprintable() or c == "\n" for c in rendered), ascii(rendered)
    assert len(rendered.split("\n")) == 4
    rendered.encode("utf-8")


def test_cut() -> None:
    assert printable("x" * 100, 10) == "xxxxxxx..."
    assert printable("x" * 10, 10) == "x" * 10
    long = Diagnostic(file="f", line=1, column=50_000, rule="r", source_line="y" * 100_000)
    head, source, caret = long.render().splitlines()
    assert len(source) < 120
    assert source.index("y") <= caret.index("^") < len(source)
    assert head == "f:1:50000: error: r"


def test_caret_under_wide_and_combining_characters() -> None:
    line = "数e\u0301: x"
    diagnostic = Diagnostic(file="f", line=1, column=6, rule="r", source_line=line)
    assert diagnostic.render().splitlines()[2] == "    | " + " " * 5 + "^"


def test_empty_values_are_named() -> None:
    assert Diagnostic(file="f", rule="r", value="").render() == "f: error: r, got nothing"
    assert Diagnostic(file="f", rule="r", value="  ").render() == "f: error: r, got '  '"


def test_error_holds_all() -> None:
    error = SpecError([LOCATED, LOCATED])
    assert error.diagnostics == (LOCATED, LOCATED)
    assert str(error) == f"{LOCATED.render()}\n{LOCATED.render()}"
    assert error.render(color=True).count("\x1b[1m") == 2


def test_did_you_mean() -> None:
    known = ["rows", "cols", "dataflow"]
    assert closest("row", known) == "rows"
    assert closest("Cols", known) == "cols"
    assert closest("zzz", known) is None
    assert closest("r" * 100_000, known) is None
    assert suggestion("dataflo", known, "key") == "did you mean `dataflow`?"
    assert suggestion("zzz", known, "key") == "known keys: rows, cols, dataflow"
    assert suggestion("zzz", [], "board") == "no board is known yet"
