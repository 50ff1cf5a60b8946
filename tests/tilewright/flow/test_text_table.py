"""Tables: widths, alignment, and names that would like to be more than text."""

import sys
import unicodedata

import numpy as np
import pytest

from tilewright.flow.text_table import (
    Column,
    paragraph,
    shorten,
    table,
    terminal_columns,
)
from tilewright.spec.diagnostics import columns

EVIL = (
    "a\x1b[31mred\x1b[0m",
    "line\nfeed\rreturn\ttab\x00nul\x7fdel",
    "\u202eright to left\u2066",
    "wide \N{CJK UNIFIED IDEOGRAPH-4E2D}" * 40,
    "combining e" + "\N{COMBINING ACUTE ACCENT}" * 50,
    "\ud800 lone surrogate",
    "x" * 5000,
    "",
)
HEADS = (Column(head="name", least=6), Column(head="kind"), Column(head="count", is_right=True))


def is_safe(line: str) -> bool:
    return all(c.isprintable() for c in line)


@pytest.mark.parametrize("width", [1, 2, 3, 4, 7, 20, 80])
@pytest.mark.parametrize("text", EVIL, ids=range(len(EVIL)))
def test_a_shortened_text_fits_and_is_printable(text: str, width: int) -> None:
    got = shorten(text, width)
    assert columns(got) <= width
    assert is_safe(got)


def test_a_text_that_fits_stays_and_a_long_one_keeps_both_ends() -> None:
    assert shorten("conv_12", 7) == "conv_12"
    assert shorten("backbone/stage1/conv_12", 13) == "backb...nv_12"
    assert shorten("conv_12", 6) == "co...2"


@pytest.mark.parametrize("width", range(40, 161, 8))
def test_no_line_is_wider_than_asked(width: int) -> None:
    rows = [(text, "conv", str(number)) for number, text in enumerate(EVIL)]
    lines = table(HEADS, rows, width)
    assert len(lines) == 1 + len(EVIL)
    for line in lines:
        assert columns(line) <= width, line
        assert is_safe(line)


def test_columns_are_aligned_also_with_wide_characters() -> None:
    lines = table(HEADS, [("\N{CJK UNIFIED IDEOGRAPH-4E2D}", "a", "1"), ("ab", "bcd", "1,000")], 80)
    assert lines == ["name  kind  count", "中    a         1", "ab    bcd   1,000"]
    assert len({columns(line) for line in lines}) == 1


def test_only_what_may_shrink_does() -> None:
    lines = table(HEADS, [("n" * 50, "kind_that_stays", "123,456,789")], 50)
    assert columns(lines[1]) == 50
    assert lines[1].endswith("  kind_that_stays  123,456,789")


def test_numbers_are_at_the_right_for_random_rows() -> None:
    seed = 5
    rng = np.random.default_rng(seed)
    rows = [("x" * int(n), "k", f"{int(v):,}") for n, v in rng.integers(1, 10**6, (20, 2)) % 1000]
    ends = {columns(line) for line in table(HEADS, rows, 120)}
    assert len(ends) == 1, f"seed {seed}: {ends}"


@pytest.mark.parametrize(
    ("asked", "used"), [("20", 80), ("80", 80), ("123", 123), ("500", 160), ("0", 100), ("x", 100)]
)
def test_columns_of_the_terminal(monkeypatch: pytest.MonkeyPatch, asked: str, used: int) -> None:
    monkeypatch.setenv("COLUMNS", asked)
    monkeypatch.setattr(sys, "__stdout__", None)  # no terminal to ask
    assert terminal_columns() == used


def test_a_paragraph_is_wrapped_between_words() -> None:
    words = [f"input_{number}: int8 1x2" for number in range(5)]
    lines = paragraph("inputs", words, 50, 8)
    assert lines[0] == "inputs    input_0: int8 1x2, input_1: int8 1x2,"
    assert all(line.startswith(" " * 10) for line in lines[1:])
    assert "".join(lines).count(",") == 4
    assert paragraph("none", [], 50, 8) == ["none"]


@pytest.mark.parametrize("text", EVIL, ids=range(len(EVIL)))
def test_words_of_a_paragraph_fit_too(text: str) -> None:
    for line in paragraph("label", [text, text, "end"], 60, 12):
        assert columns(line) <= 60
        assert is_safe(line)


def test_a_column_is_what_a_terminal_shows() -> None:
    """Against Unicode's own tables: one of each width."""
    for character, width in (("a", 1), ("\N{FULLWIDTH LATIN CAPITAL LETTER A}", 2), ("é", 1)):
        assert columns(character) == width, unicodedata.name(character)
    assert columns("e\N{COMBINING ACUTE ACCENT}") == 1
