"""The benchmark of the report's page: skipped with a reason where there is no Chromium."""

import sys
from collections.abc import Callable
from types import ModuleType

import pytest


def test_without_a_chromium_the_rows_say_so(
    benchmark_module: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    exploration = benchmark_module("exploration")
    rows_of = sys.modules["parts.page_rows"]
    monkeypatch.setattr(rows_of, "find_chromium", lambda: None)
    rows = rows_of.page_rows()
    assert [row["case"] for row in rows] == [
        "page_1000_designs_seconds", "page_100000_designs_seconds",
    ]  # fmt: skip
    assert all("apt-get install chromium" in row["skipped"] for row in rows)
    assert [exploration.shortfalls_of(row) for row in rows] == [[], []]
