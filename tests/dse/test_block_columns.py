"""Which combinations of values a block has: against a dictionary of the rows themselves."""

from typing import Any

import numpy as np
import pytest
from tilewright.dse.block_columns import DENSE_CODES, kinds_of

ROWS, SEED = 500, 11


def _mixed(values: list[Any]) -> np.ndarray:
    column = np.empty(len(values), object)
    column[:] = values
    return column


def _columns(rng: np.random.Generator) -> dict[str, np.ndarray]:
    return {
        "flags": rng.random(ROWS) < 0.5,
        "few": rng.integers(-3, 4, ROWS),
        "wide": rng.integers(0, 4, ROWS) * (DENSE_CODES // 8),
        "huge": rng.integers(0, 5, ROWS) * DENSE_CODES,
        "words": rng.choice(["exact", "fixed"], ROWS),
        "many words": np.array([f"w{n}" for n in rng.integers(0, 40, ROWS)]),
        "optional": _mixed([None if n == 0 else n for n in rng.integers(0, 3, ROWS).tolist()]),
        "equal but other": _mixed([(1, 1.0, True, "1")[n] for n in rng.integers(0, 4, ROWS)]),
    }


def _rows(columns: list[np.ndarray]) -> list[tuple[Any, ...]]:
    """Plain rows with the types of their values."""
    told = [[(type(value), value) for value in column.tolist()] for column in columns]
    return list(zip(*told, strict=True))


@pytest.mark.parametrize(
    "names",
    [(name,) for name in _columns(np.random.default_rng(SEED))]
    + [("few", "optional"), ("huge", "wide", "words"), ("many words", "wide", "few", "huge")],
)
def test_rows_of_one_kind_are_equal_and_others_are_not(names: tuple[str, ...]) -> None:
    columns = _columns(np.random.default_rng(SEED))
    rows = _rows([columns[name] for name in names])
    found = kinds_of([columns[name] for name in names], ROWS)
    assert len(found) == len(set(rows)) > 1
    assert [rows[first] for first in found.first[found.of]] == rows, f"seed {SEED}"


def test_values_that_are_equal_after_the_first_are_told_apart_by_type() -> None:
    found = kinds_of([_mixed([1, True, 1, 2, 1.0])], 5)
    assert len(found) == 4
    assert found.of[0] == found.of[2] != found.of[1] != found.of[4]


def test_without_columns_there_is_one_kind() -> None:
    found = kinds_of([], 3)
    assert found.first.tolist() == [0]
    assert found.of.tolist() == [0, 0, 0]
