"""Sweeps that are killed at random moments lose no record and need no repair."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def kill_rows(benchmark_module: Callable[[str], ModuleType]) -> ModuleType:
    """`benchmarks/parts/kill_rows.py` as a module."""
    return benchmark_module("parts.kill_rows")


@pytest.mark.parametrize("kills", [4, pytest.param(100, marks=pytest.mark.slow)])
def test_nothing_is_lost_or_doubled(kill_rows, kills: int) -> None:
    tally = kill_rows.kill_sweeps(kills, seed=kills, ports=8 if kills < 100 else 40)
    assert tally.kills == kills
    assert 0 < tally.driver_kills < kills
    assert (tally.lost, tally.doubled, tally.missing, tally.differing) == (0, 0, 0, 0)


def test_what_is_lost_or_doubled_is_counted(kill_rows, tmp_path: Path) -> None:
    """A ledger with a line twice, one missing, and another result."""
    kill_rows.drive(tmp_path, 1)
    path = tmp_path / "ledger.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:-1], lines[1]]))
    tally = kill_rows.Tally()
    kill_rows._count(tmp_path, 1, b"other", tally)
    assert (tally.lost, tally.doubled, tally.missing, tally.differing) == (1, 1, 1, 1)


@pytest.mark.slow
def test_kills_of_the_verb_change_no_byte(benchmark_module: Callable[[str], ModuleType]) -> None:
    tally = benchmark_module("parts.verb_kill_rows").kill_verbs(4, seed=1)
    assert (tally.kills, tally.differing) == (4, 0)
    assert tally.driver_kills
