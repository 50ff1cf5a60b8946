"""Rows of the explorer's benchmark on comparison models."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def peer_rows(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """`benchmarks/parts/peer_rows.py` as a module, gone afterwards."""
    monkeypatch.syspath_prepend(FOLDER)
    before = set(sys.modules)
    yield importlib.import_module("parts.peer_rows")
    for name in set(sys.modules) - before:
        if name.split(".")[0] == "parts":
            del sys.modules[name]


def test_without_the_table_a_row_says_so(peer_rows: Any, tmp_path: Path) -> None:
    (row,) = peer_rows.rows(tmp_path / "none.csv")
    assert row["skipped"] == "none.csv is not here"


def test_the_rows(peer_rows: Any) -> None:
    """Known errors as published; ours within the goal, on what was not fitted, too."""
    if not peer_rows.TABLE.exists():
        pytest.skip("the table of published cycles is not here")
    values = {row["case"]: row["value"] for row in peer_rows.rows()}
    assert values["gemmini_timeloop_error_percent"] == 26.1
    assert values["gemmini_scale_sim_error_percent"] == 30.3
    assert values["gemmini_ideal_error_percent"] == 47.9
    assert values["gemmini_ours_error_percent"] <= 12
    assert values["gemmini_ours_held_out_error_percent"] <= 14
    assert values["scale_sim_formula_wrong_rows"] == 0
