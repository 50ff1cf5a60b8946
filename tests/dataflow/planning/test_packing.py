"""Packing against CP-SAT: what packs is packed without overlap, what does not is refuted."""

from __future__ import annotations

import numpy as np
import pytest
from ortools.sat.python import cp_model
from tilewright.dataflow.placement.packing import (
    GREEDY_ORDERS,
    Rectangle,
    greedy,
    height,
    overlaps,
    pack,
    parts,
    peak,
)
from tilewright.dataflow.placement.packing_greedy import neighbours, num_pairs
from tilewright.dataflow.planning.solvers import set_limits

CAPACITY = 16


def random_rectangles(seed: int, count: int, times: int, largest: int) -> list[Rectangle]:
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        start = int(rng.integers(0, times - 1))
        end = int(rng.integers(start + 1, min(times, start + 6) + 1))
        made.append(Rectangle(start=start, end=end, size=int(rng.integers(1, largest + 1))))
    return made


def least_height(rectangles: list[Rectangle]) -> int:
    """By CP-SAT's own constraint for rectangles."""
    model = cp_model.CpModel()
    total = sum(one.size for one in rectangles)
    top = model.new_int_var(peak(rectangles), total, "")
    times, places = [], []
    for one in rectangles:
        offset = model.new_int_var(0, total - one.size, "")
        model.add(offset + one.size <= top)
        times.append(model.new_fixed_size_interval_var(one.start, one.end - one.start, ""))
        places.append(model.new_fixed_size_interval_var(offset, one.size, ""))
    model.add_no_overlap_2d(times, places)
    model.minimize(top)
    solver = cp_model.CpSolver()
    set_limits(solver.parameters, seconds=60, workers=1)
    assert solver.solve(model) == cp_model.OPTIMAL
    return round(solver.objective_value)


def assert_apart(rectangles, offsets, capacity, words):
    assert height(rectangles, offsets) <= capacity, words
    assert min(offsets) >= 0, words
    for i, one in enumerate(rectangles):
        for j, other in enumerate(rectangles[:i]):
            if overlaps(one, other):
                low, high = sorted([(offsets[i], one.size), (offsets[j], other.size)])
                assert low[0] + low[1] <= high[0], f"{words}: {i} and {j}"


@pytest.mark.parametrize("block", range(6))
def test_equals_cp_sat(block):
    for seed in range(10 * block, 10 * block + 10):
        rectangles = random_rectangles(seed, count=8 + seed % 7, times=9, largest=9)
        least, words = least_height(rectangles), f"random_rectangles({seed})"
        packing = pack(rectangles, least, seconds=20)
        assert packing.offsets is not None, words
        assert_apart(rectangles, packing.offsets, least, words)
        refused = pack(rectangles, least - 1, seconds=20)
        assert refused.offsets is None, words
        assert refused.is_refuted, words


def full_rectangles(seed: int, capacity: int = CAPACITY, times: int = 11) -> list[Rectangle]:
    """At every time all of `capacity` is taken: what leaves is replaced by others at once."""
    rng = np.random.default_rng(seed)
    alive: list[tuple[int, int]] = []
    made = []
    for time in range(times + 1):
        for index in sorted(range(len(alive)), reverse=True):
            if time == times or rng.random() < 0.35:
                start, size = alive.pop(index)
                made.append(Rectangle(start=start, end=time, size=size))
        room = capacity - sum(size for _, size in alive)
        while room and time < times:
            size = min(room, int(rng.integers(2, 7)))
            alive.append((time, size))
            room -= size
    return made


def test_some_instances_need_more_than_their_peak():
    refuted = 0
    for seed in range(80):
        rectangles = full_rectangles(seed)
        assert peak(rectangles) == CAPACITY
        packing, least = pack(rectangles, CAPACITY, seconds=10), least_height(rectangles)
        words = f"full_rectangles({seed})"
        if least == CAPACITY:
            assert packing.offsets is not None, words
            assert_apart(rectangles, packing.offsets, CAPACITY, words)
        else:
            assert (packing.offsets, packing.is_refuted, packing.method) == (None, True, "search")
            assert pack(rectangles, least).offsets is not None, words
            refuted += 1
    assert refuted, "no instance in which the sum of sizes is not enough"


def test_above_the_peak_is_refuted_at_once():
    two = [Rectangle(start=0, end=2, size=3), Rectangle(start=1, end=3, size=4)]
    assert pack(two, 6).is_refuted
    assert pack(two, 7).offsets is not None
    assert pack([], 1).offsets == ()


@pytest.mark.parametrize("key", GREEDY_ORDERS)
@pytest.mark.parametrize("is_best_fit", [False, True])
def test_greedy_packings_do_not_overlap(key, is_best_fit):
    for seed in range(5):
        rectangles = random_rectangles(700 + seed, count=60, times=40, largest=30)
        offsets = greedy(rectangles, GREEDY_ORDERS[key], is_best_fit)
        assert_apart(rectangles, offsets, 10**9, f"random_rectangles({700 + seed})")


def test_best_fit_takes_the_tightest_hole_and_first_fit_the_lowest():
    # Offsets 0..5 free, 5..7 busy, 7..9 free, 9..10 busy when the last one comes.
    rectangles = [
        Rectangle(start=0, end=1, size=5),
        Rectangle(start=0, end=3, size=2),
        Rectangle(start=0, end=1, size=2),
        Rectangle(start=0, end=3, size=1),
        Rectangle(start=2, end=3, size=2),
    ]
    place = {id(r): i for i, r in enumerate(rectangles)}

    def in_turn(rectangle):
        return (place[id(rectangle)],)

    assert greedy(rectangles, in_turn) == [0, 5, 7, 9, 0]
    assert greedy(rectangles, in_turn, is_best_fit=True) == [0, 5, 7, 9, 7]


def test_neighbours_are_the_pairs_that_overlap():
    for seed in range(20):
        rectangles = random_rectangles(seed, count=30, times=25, largest=3)
        start = np.array([r.start for r in rectangles])
        end = np.array([r.end for r in rectangles])
        first, others = neighbours(start, end)
        pairs = 0
        for i, one in enumerate(rectangles):
            near = [j for j, other in enumerate(rectangles) if j != i and overlaps(one, other)]
            assert others[first[i] : first[i + 1]].tolist() == near, f"random_rectangles({seed})"
            pairs += len(near)
        assert num_pairs(start, end) * 2 == pairs


def test_parts_share_no_time():
    rectangles = [Rectangle(start=a, end=b, size=1) for a, b in [(4, 6), (0, 2), (1, 4), (6, 7)]]
    assert parts(rectangles) == [[1, 2], [0], [3]]


def test_many_rectangles_are_packed_in_time():
    rectangles = random_rectangles(1, count=10_000, times=12_000, largest=1000)
    packing = pack(rectangles, 2 * peak(rectangles), seconds=20)
    assert packing.offsets is not None
    order = sorted(range(len(rectangles)), key=lambda i: rectangles[i].start)
    alive: list[int] = []
    for index in order:
        one = rectangles[index]
        alive = [i for i in alive if rectangles[i].end > one.start]
        for other in alive:
            low, high = sorted((packing.offsets[i], rectangles[i].size) for i in (index, other))
            assert low[0] + low[1] <= high[0]
        alive.append(index)
