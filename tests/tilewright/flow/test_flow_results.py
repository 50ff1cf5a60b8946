"""A result says PASSED only if something ran."""

import pytest

from tilewright.flow.results import ACTIVITIES, Result, limit_sentence


@pytest.mark.parametrize(
    ("title", "ok", "last"),
    [
        ("x: verification", True, "PASSED"),
        ("x: verification", False, "FAILED"),
        ("x: estimate", True, "  cycles  1"),
        ("x: estimate", False, "FAILED"),
        ("x: generated (nothing simulated)", True, "  cycles  1"),
    ],
)
def test_the_last_line(title: str, ok: bool, last: str) -> None:
    result = Result(title=title, ok=ok, rows=[("cycles", "1")])
    assert result.table().splitlines()[-1] == last


def test_the_limit_names_the_largest_share() -> None:
    counts = dict.fromkeys(("idle", "wait_input", "wait_output", "wait_token", "bank_conflict"), 1)
    activity = {"array.core": {"busy": 50, **counts, "wait_input": 44}}
    expected = "the array waits for input 44.9 % of the time: slow memory or a small batch"
    assert limit_sentence(activity, "array.core") == expected
    planned = limit_sentence(activity, "array.core", is_planned=True)
    assert planned.endswith(": slow memory or results of the task before")
    activity = {"array.core": {"busy": 95, **counts}}
    assert limit_sentence(activity, "array.core").startswith("the array works 95.0 % of the time")


@pytest.mark.parametrize("worst", [name for name in ACTIVITIES if name != "busy"])
def test_every_sentence_fits_a_line_of_the_table(worst: str) -> None:
    activity = {"array.core": dict.fromkeys(ACTIVITIES, 0) | {"busy": 1, worst: 99}}
    rows = [
        ("mismatches, golden", ""),
        ("where cycles went", limit_sentence(activity, "array.core")),
    ]
    table = Result(title="x: verification", ok=True, rows=rows).table()
    assert max(map(len, table.splitlines())) <= 100
