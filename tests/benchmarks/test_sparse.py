"""The benchmark of sparse engines: what counts as falling short."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

GOOD = {"case": "a", "cycles": 9, "estimate": 9, "occupancy": 98.0, "goal": 97.0, "is_right": True}


@pytest.fixture
def sparse(benchmark_module: Callable[[str], ModuleType]) -> ModuleType:
    """`benchmarks/sparse.py` as a module."""
    return benchmark_module("sparse")


def test_a_good_row_is_none(sparse: Any) -> None:
    assert sparse.shortfalls_of(GOOD) == []
    assert sparse.shortfalls_of({"case": "b", "lut": 10, "goal": 10, "limit": 8}) == []
    assert "98.0 %" in sparse.table([GOOD])


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"estimate": 10}, "a: 9 cycles, estimate 10"),
        ({"occupancy": 96.9}, "a: occupancy 96.9 %, goal 97.0"),
        ({"is_right": False, "message": "o[3]"}, "a: wrong results o[3]"),
        ({"skipped": "x.mtx is not there"}, "a: not measured, x.mtx is not there"),
        ({"is_met": False}, "a: the goal is not met"),
        ({"dense_cycles": 3, "dense_estimate": 4}, "a: 3 dense_cycles, estimate 4"),
    ],
)
def test_what_falls_short_is_said(sparse: Any, changes: dict[str, Any], text: str) -> None:
    assert sparse.shortfalls_of({**GOOD, **changes}) == [text]


def test_more_luts_than_the_goal_fall_short(sparse: Any) -> None:
    row = {"case": "mux", "part": "alone", "lut": 11, "goal": 10}
    assert sparse.shortfalls_of(row) == ["mux alone: lut 11 LUT, goal 10"]
