"""Golden model of zero_skip against scipy, by hand, and what a delta network needs of it."""

import numpy as np
import pytest
import scipy.sparse
from tilewright.hw.zero_skip.params import ZeroSkipParams
from tilewright.sim.golden.zero_skip import ZeroSkipModel, zero_skip

from tilewright.spec.numbers import NumberFormat

SEED = 31


def test_zeros_are_what_a_sparse_row_leaves_out() -> None:
    """scipy's CSR stores the same values and columns."""
    rng = np.random.default_rng(SEED)
    values = rng.integers(-128, 128, 500) * (rng.random(500) < 0.2)
    row = scipy.sparse.csr_array(values[np.newaxis])
    sent = zero_skip(ZeroSkipParams(lanes=4, elements=500), values)
    assert sent.values.tolist() == row.data.tolist()
    assert sent.indices.tolist() == row.indices.tolist()


@pytest.mark.parametrize(
    ("theta", "kept"),
    [(0, [-128, -2, 1, 127]), (1, [-128, -2, 127]), (127, [-128]), (128, []), (255, [])],
)
def test_a_threshold_by_hand(theta: int, kept: list[int]) -> None:
    """The most negative value has the largest magnitude: 128."""
    params = ZeroSkipParams(lanes=2, elements=8, function="threshold")
    sent = zero_skip(params, [-128, 0, -2, 1, 127], theta=theta)
    assert sent.values.tolist() == kept


def test_changes_by_hand() -> None:
    """Three packets of two elements, theta 3: the second change adds up until it is sent."""
    model = ZeroSkipModel(params=ZeroSkipParams(lanes=2, elements=2, function="delta"))
    steps = [([10, 2], [10], [0]), ([12, 4], [4], [1]), ([14, -128], [4, -132], [0, 1])]
    for values, changes, indices in steps:
        sent = model.packet(values, theta=3)
        assert (sent.values.tolist(), sent.indices.tolist()) == (changes, indices)
    assert model.sent.tolist() == [14, -128]
    again = model.packet([14, -128], theta=0, is_reset=True)
    assert again.values.tolist() == [14, -128]


@pytest.mark.parametrize("signed", [True, False])
def test_the_sum_of_changes_is_what_was_sent(signed: bool) -> None:
    """And no element is further than theta from it: the promise of delta networks."""
    value = NumberFormat(8, signed=signed)
    model = ZeroSkipModel(
        params=ZeroSkipParams(lanes=4, elements=50, function="delta", value=value)
    )
    rng = np.random.default_rng(SEED)
    sums = np.zeros(50, np.int64)
    for _ in range(30):
        values = rng.integers(value.minimum, value.maximum + 1, 50)
        theta = int(rng.integers(0, 200))
        sent = model.packet(values, theta=theta)
        sums[sent.indices] += sent.values
        assert (sums == model.sent[:50]).all(), f"seed {SEED}"
        assert (np.abs(values - sums) <= theta).all(), f"seed {SEED}"


def test_absent_elements_keep_their_state_and_long_packets_start_over() -> None:
    model = ZeroSkipModel(params=ZeroSkipParams(lanes=2, elements=4, function="delta"))
    model.packet([1, 2, 3, 4])
    sent = model.packet([5, 9, 3, 0], present=[True, False, True, False], is_reset=True)
    assert (sent.values.tolist(), sent.indices.tolist()) == ([5, 3], [0, 2])
    assert model.sent.tolist() == [5, 2, 3, 4]
    sent = model.packet([5, 2, 3, 4, 6, 2])
    assert (sent.values.tolist(), sent.indices.tolist()) == ([1], [0])
    assert model.packet([]).values.tolist() == []
