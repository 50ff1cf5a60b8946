"""Fronts and hypervolumes against definitions written out, and values from outside."""

import time

import numpy as np
import pytest
from tilewright.dse.pareto import front_indices, front_mask, hypervolume


def dominates(one, other) -> bool:
    return bool((one <= other).all() and (one < other).any())


def front_by_definition(costs: np.ndarray) -> list[int]:
    return [i for i, row in enumerate(costs) if not any(dominates(other, row) for other in costs)]


def volume_by_inclusion(costs: np.ndarray, reference: np.ndarray) -> float:
    """Every grid cell between the coordinates, one by one."""
    columns = costs.shape[1]
    edges = [np.unique(np.append(costs[:, i], reference[i])) for i in range(columns)]
    edges = [e[e <= reference[i]] for i, e in enumerate(edges)]
    total = 0.0
    for cell in np.ndindex(*(len(e) - 1 for e in edges)):
        low = np.array([edges[i][c] for i, c in enumerate(cell)])
        high = np.array([edges[i][c + 1] for i, c in enumerate(cell)])
        if (costs <= low).all(axis=1).any():
            total += float(np.prod(high - low))
    return total


@pytest.mark.parametrize("columns", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("levels", [2, 4, 50, 10**6])
def test_the_front_is_the_definition(columns: int, levels: int) -> None:
    """Few levels: ties in some columns, and whole duplicates."""
    for seed in range(12):
        rng = np.random.default_rng(seed)
        costs = rng.integers(0, levels, (int(rng.integers(1, 120)), columns)).astype(float)
        assert front_indices(costs).tolist() == front_by_definition(costs), f"seed {seed}"


@pytest.mark.parametrize("columns", [2, 3, 4, 5])
def test_a_front_of_everything(columns: int) -> None:
    """Points of a plane that no other dominates, with copies of all."""
    rng = np.random.default_rng(5)
    costs = rng.integers(0, 1000, (300, columns)).astype(float)
    costs[:, -1] = -costs[:, :-1].sum(axis=1)
    assert front_mask(np.concatenate([costs, costs])).all()


@pytest.mark.parametrize("columns", [2, 3, 4, 5])
def test_the_first_pass_drops_nothing_of_the_front(columns: int) -> None:
    rng = np.random.default_rng(columns)
    costs = rng.integers(0, 60, (30_000, columns)).astype(float)
    rows = np.unique(costs, axis=0)
    expected = {tuple(rows[i]) for i in front_indices(rows[:16_000])} | {
        tuple(rows[16_000:][i]) for i in front_indices(rows[16_000:]) if len(rows) > 16_000
    }
    candidates = np.array(sorted(expected))
    expected = {tuple(candidates[i]) for i in front_by_definition(candidates)}
    assert {tuple(costs[i]) for i in front_indices(costs)} == expected
    copies = [tuple(row) for row in costs if tuple(row) in expected]
    assert len(front_indices(costs)) == len(copies)


@pytest.mark.parametrize("columns", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("levels", [3, 6, 1000])
def test_the_hypervolume_is_the_sum_of_cells(columns: int, levels: int) -> None:
    for seed in range(6):
        rng = np.random.default_rng(seed)
        count = int(rng.integers(1, 7 if columns > 3 else 14))
        costs = rng.integers(0, levels, (count, columns)).astype(float)
        reference = np.full(columns, float(levels) - 0.5)
        expected = volume_by_inclusion(costs, reference)
        assert hypervolume(costs, reference) == pytest.approx(expected, rel=1e-12), f"seed {seed}"


def test_hypervolumes_by_hand() -> None:
    """Three steps of a staircase; two boxes that share 1 x 1 x 2."""
    assert hypervolume(np.array([[1.0, 3], [2, 2], [3, 1]]), np.array([4.0, 4])) == 6.0
    assert hypervolume(np.array([[0.0, 1, 1], [1, 0, 1]]), np.array([2.0, 2, 3])) == 6.0
    assert hypervolume(np.array([[5.0, 5]]), np.array([4.0, 4])) == 0.0
    assert hypervolume(np.zeros((0, 3)), np.ones(3)) == 0.0


@pytest.mark.parametrize("columns", [3, 4])
def test_more_points_never_lose_volume(columns: int) -> None:
    rng = np.random.default_rng(1)
    costs = rng.random((200, columns))
    reference = np.ones(columns)
    volumes = [hypervolume(costs[:n], reference) for n in range(20, 201, 20)]
    assert volumes == sorted(volumes)
    assert volumes[-1] == pytest.approx(hypervolume(costs[front_indices(costs)], reference))


def test_what_has_no_front_is_refused() -> None:
    with pytest.raises(ValueError, match=r"finite.*row 1"):
        front_indices(np.array([[1.0, 2], [np.nan, 1]]))
    with pytest.raises(ValueError, match="at least one column"):
        front_indices(np.zeros((3, 0)))
    with pytest.raises(ValueError, match="references"):
        hypervolume(np.zeros((3, 2)), np.ones(3))
    assert front_indices(np.zeros((0, 3))).tolist() == []


@pytest.mark.parametrize("columns", [2, 3, 4])
def test_two_hundred_thousand_points_all_on_the_front(columns: int) -> None:
    """The worst case: nothing can be dropped. Quadratic work would take minutes."""
    rng = np.random.default_rng(2)
    costs = rng.random((200_000, columns))
    costs[:, -1] = -costs[:, :-1].sum(axis=1)
    started = time.process_time()
    assert len(front_indices(costs)) == len(costs)
    assert time.process_time() - started < 30
