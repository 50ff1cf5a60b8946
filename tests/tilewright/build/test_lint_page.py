"""docs/lint.md is generated."""

from pathlib import Path

from tilewright.build.lint import lint_page

PAGE = Path(__file__).parents[3] / "docs" / "lint.md"


def test_page_is_up_to_date() -> None:
    assert PAGE.read_text() == lint_page()
