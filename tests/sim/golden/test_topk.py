"""The golden model of topk against other sorts and hand-made answers."""

import heapq

import numpy as np
import pytest
from tilewright.sim.golden.topk import topk

SEED = 3


def test_hand_made_answers():
    keys = [5, -2, 7, 5, -128, 7]
    valid = [1, 1, 1, 0, 1, 1]
    assert topk(keys, valid, 3).tolist() == [2, 5, 0]  # the two 7s as they came; index 3 is a hole
    assert topk(keys, valid, 99).tolist() == [2, 5, 0, 1, 4]
    assert topk(keys, valid, 2, largest=False).tolist() == [4, 1]
    assert topk(keys, valid, 0).tolist() == []
    assert topk([], [], 4).tolist() == []


def test_the_smallest_key_can_be_selected():
    assert topk([-128, -128], [0, 1], 2).tolist() == [1]


@pytest.mark.parametrize("largest", [True, False])
def test_against_a_heap(largest):
    """`heapq` takes equal items in the order of their positions when asked by (key, position)."""
    rng = np.random.default_rng(SEED)
    for _ in range(300):
        count = int(rng.integers(0, 40))
        keys = rng.integers(-4, 5, count).tolist()
        valid = (rng.random(count) < 0.8).tolist()
        k = int(rng.integers(0, 45))
        places = [i for i in range(count) if valid[i]]
        sign = -1 if largest else 1
        expected = heapq.nsmallest(k, places, key=lambda i: (sign * keys[i], i))
        assert topk(keys, valid, k, largest=largest).tolist() == expected, (SEED, keys, valid, k)


def test_against_numpy_stable_sort():
    rng = np.random.default_rng(SEED)
    keys = rng.integers(-(1 << 31), 1 << 31, 5000)
    keys[::7] = keys[0]
    expected = np.argsort(-keys, kind="stable")[:900]
    assert topk(keys, np.ones(5000), 900).tolist() == expected.tolist()
