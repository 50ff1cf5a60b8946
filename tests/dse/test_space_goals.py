"""Constraints: who kills how many, the nearest miss; parts add up to the whole."""

import numpy as np
from tilewright.dse.space_goals import Constraint, Goals, Objective, Tally, empty_tally

GOALS = Goals(
    objectives=(Objective(metric="cycles"), Objective(metric="rate", goal="max")),
    constraints=(
        Constraint(name="fast", metric="cycles", maximum=100),
        Constraint(name="small", metric="lut", minimum=1, maximum=50),
    ),
)
METRICS = {
    "cycles": np.array([90, 110, 150, 100, 200]),
    "rate": np.array([1.0, 2, 3, 4, 5]),
    "lut": np.array([60.0, 50, 52, 1, 0]),
}


def test_costs_are_minimised() -> None:
    assert GOALS.costs(METRICS).tolist() == [[90, -1], [110, -2], [150, -3], [100, -4], [200, -5]]


def test_the_tally_by_hand() -> None:
    tally = Tally.of(GOALS, METRICS, np.arange(10, 15))
    assert (tally.designs, tally.feasible) == (5, 1)
    assert tally.killed == {"fast": 3, "small": 3}
    assert tally.killed_alone == {"fast": 1, "small": 1}
    assert (tally.nearest["fast"].index, tally.nearest["fast"].value) == (11, 110)
    assert (tally.nearest["small"].index, tally.nearest["small"].excess) == (12, 0.04)
    assert tally.nearest_all is not None
    assert (tally.nearest_all.index, tally.nearest_all.constraint) == (11, "fast")


def test_tallies_of_parts_add_up_in_any_order() -> None:
    rng = np.random.default_rng(4)
    metrics = {name: rng.integers(0, 220, 200).astype(float) for name in METRICS}
    whole = Tally.of(GOALS, metrics, np.arange(200))
    parts = []
    for start in range(0, 200, 30):
        part = {name: column[start : start + 30] for name, column in metrics.items()}
        parts.append(Tally.of(GOALS, part, np.arange(200)[start : start + 30]))
    for order in (parts, parts[::-1]):
        assert sum(order, start=empty_tally(GOALS)) == whole
    assert whole.feasible > 0


def test_without_constraints_all_are_feasible() -> None:
    goals = Goals(objectives=GOALS.objectives)
    tally = Tally.of(goals, METRICS, np.arange(5))
    assert (tally.feasible, tally.nearest_all) == (5, None)
