"""What happens where the packing search runs out of time: CP-SAT answers, or nobody does."""

from __future__ import annotations

import pytest
from tilewright.dataflow.placement import packing, packing_cpsat
from tilewright.dataflow.placement.packing import Rectangle, overlaps, pack
from tilewright.dataflow.placement.packing_core import OUT_OF_NODES
from tilewright.dataflow.planning.solvers import SolverFailed

CROSSED = [(0, 2, 4), (0, 5, 3), (2, 4, 2), (4, 7, 5), (2, 7, 2)]


def rectangles(times: list[tuple[int, int, int]]) -> list[Rectangle]:
    return [Rectangle(start=start, end=end, size=4 * size) for start, end, size in times]


@pytest.fixture
def search_without_end(monkeypatch):
    monkeypatch.setattr(packing, "search", lambda *_: (OUT_OF_NODES, 7))
    monkeypatch.setattr(packing, "greedy_best", lambda given: (1 << 40,) * len(given))


def least_capacity(given: list[Rectangle]) -> int:
    capacity = 4
    while packing_cpsat.cpsat_offsets(given, capacity, unit=4, seconds=10, seed=1)[0] is None:
        capacity += 4
    return capacity


def test_cp_sat_packs_what_the_search_left_open(search_without_end):
    given = rectangles(CROSSED)
    capacity = least_capacity(given)
    found = pack(given, capacity, seconds=0.2)
    assert (found.method, found.is_refuted) == ("CP-SAT", False)
    assert found.offsets is not None
    ends = [offset + one.size for offset, one in zip(found.offsets, given, strict=True)]
    assert max(ends) == capacity
    for i, one in enumerate(given):
        for j in range(i):
            if overlaps(one, given[j]):
                apart = found.offsets[i] >= ends[j] or found.offsets[j] >= ends[i]
                assert apart, f"{i} and {j} share bytes"


def test_cp_sat_refutes_too():
    given = rectangles(CROSSED)
    capacity = least_capacity(given)
    refuted = packing_cpsat.cpsat_offsets(given, capacity - 4, unit=4, seconds=10, seed=1)
    assert refuted == (None, True)


def test_without_a_solver_the_question_stays_open(search_without_end, monkeypatch):
    def missing(*_args, **_options):
        raise SolverFailed("planted")

    monkeypatch.setattr(packing, "cpsat_offsets", missing)
    found = pack(rectangles(CROSSED), 1000, seconds=0.2)
    assert (found.offsets, found.is_refuted, found.method) == (None, False, "search")


def test_too_many_rectangles_are_no_model():
    many = rectangles([(0, 1, 1)] * (packing_cpsat.MOST_RECTANGLES + 1))
    with pytest.raises(SolverFailed, match="more than 1500 rectangles"):
        packing_cpsat.cpsat_offsets(many, 1 << 30, unit=1, seconds=1, seed=1)
