"""The benchmark of the explorer: what falls short, the space that searches are compared on."""

import sys
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest


@pytest.fixture
def exploration(benchmark_module: Callable[[str], ModuleType]) -> ModuleType:
    """`benchmarks/exploration.py` as a module; its parts stay in `sys.modules` meanwhile."""
    return benchmark_module("exploration")


def test_what_is_above_its_goal_falls_short(exploration) -> None:
    row = {"case": "x", "value": 201, "goal": 200}
    assert exploration.shortfalls_of(row) == ["x: 201, the goal is 200"]
    assert exploration.shortfalls_of({**row, "value": 200}) == []
    assert exploration.shortfalls_of({**row, "goal": None}) == []
    assert "the" not in exploration.table([{**row, "goal": None}]).splitlines()[1]


def test_the_search_space_is_what_it_says(exploration) -> None:
    search_space = sys.modules["parts.search_space"]
    space = search_space.space()
    assert space.size == 15_360 >= 7_200
    columns = space.columns(0, space.size)
    metrics = search_space.evaluate(columns)
    picked = np.random.default_rng(1).integers(0, space.size, 25)
    for index in picked:  # one design alone gives what it gives among all
        one = search_space.evaluate(space.columns_at(space.indices([int(index)])))
        for name in search_space.METRICS:
            assert one[name][0] == metrics[name][index]
    feasible = (metrics["area"] <= search_space.MOST_AREA).sum()
    assert 0.5 * space.size < feasible < space.size


def test_shares_of_the_volume(exploration) -> None:
    rows, search_space = sys.modules["parts.search_rows"], sys.modules["parts.search_space"]
    truth = rows.Truth(search_space.goals("cycles", "area"))
    everything = truth.shares(range(truth.space.size))
    assert everything == pytest.approx({"linear": 1.0, "log": 1.0})
    bad = int(np.flatnonzero(~truth.is_feasible)[0])
    assert truth.shares([bad]) == {"linear": 0.0, "log": 0.0}
    few = truth.shares(range(0, truth.space.size, 500))
    assert few["log"] < few["linear"] < 1


def test_our_own_sampler_needs_few_designs(exploration) -> None:
    """One seed of the benchmark, in the harder count of the volume."""
    rows, search_space = sys.modules["parts.search_rows"], sys.modules["parts.search_space"]
    truth = rows.Truth(search_space.goals("cycles", "area"))
    needed = rows.designs_needed(truth, rows.sampler_of("model", truth, 2, 0), 120)
    assert needed["linear"] <= 80
    assert needed["log"] <= 120


def test_a_search_that_does_not_arrive_is_counted_as_more(exploration) -> None:
    rows, search_space = sys.modules["parts.search_rows"], sys.modules["parts.search_space"]
    truth = rows.Truth(search_space.goals("cycles", "area"))
    needed = rows.designs_needed(truth, rows.sampler_of("random", truth, 2, 0), 8)
    assert needed == {"linear": 9, "log": 9}
