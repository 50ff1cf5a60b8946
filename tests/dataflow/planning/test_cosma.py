"""COSMA's own program and the planner find the same fewest bytes, addresses included."""

from __future__ import annotations

import pytest
from tilewright.dataflow.planning.cosma import cosma_bytes
from tilewright.dataflow.planning.planner import make_plan


def compare(make_problem, seeds: range) -> int:
    """How many of the graphs have to move something."""
    moved = 0
    for seed in seeds:
        problem = make_problem(seed, operators=3 + seed % 10)
        certificate = make_plan(problem, seconds=30).certificate
        expected = cosma_bytes(problem, seconds=300)
        found = certificate.bytes, certificate.lower_bound
        assert found == (expected, expected), f"random_problem({seed}, {3 + seed % 10})"
        moved += expected > 0
    return moved


@pytest.mark.parametrize("block", range(4))
def test_the_planner_equals_cosma(make_problem, block):
    start = 5000 + 15 * block
    assert compare(make_problem, range(start, start + 15)) >= 3


@pytest.mark.slow
@pytest.mark.parametrize("block", range(10))
def test_the_planner_equals_cosma_on_many(make_problem, block):
    start = 6000 + 50 * block
    assert compare(make_problem, range(start, start + 50)) >= 10
