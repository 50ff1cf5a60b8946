"""The golden product against SciPy, and by hand."""

import numpy as np
import pytest
import scipy.sparse
from tilewright.sim.golden.spmm import spmm

SEED = 23


@pytest.mark.parametrize("trial", range(8))
def test_against_scipy(trial: int) -> None:
    rng = np.random.default_rng([SEED, trial])
    m, k, n = rng.integers(1, 20, 3)
    dense = rng.integers(-128, 128, (m, k)) * (rng.random((m, k)) < 0.3)
    a, b = scipy.sparse.csr_matrix(dense), rng.integers(-128, 128, (k, n))
    rows = np.repeat(np.arange(m), np.diff(a.indptr))
    assert np.array_equal(spmm(m, rows, a.indices, a.data, b, 32), a @ b), f"seed {SEED}"


def test_blocks_against_scipy() -> None:
    """Columns of 2-row blocks of a BSR matrix."""
    rng = np.random.default_rng(SEED)
    blocks = rng.integers(-8, 8, (3, 2, 4))
    a = scipy.sparse.bsr_matrix((blocks, [1, 0, 2], [0, 1, 3, 3]), shape=(6, 12))
    b = rng.integers(-128, 128, (12, 5))
    rows = np.repeat([0, 1, 1], 4)
    columns = (np.array([1, 0, 2])[:, None] * 4 + np.arange(4)).reshape(-1)
    values = blocks.transpose(0, 2, 1).reshape(-1, 2)
    assert np.array_equal(spmm(3, rows, columns, values, b, 32), a @ b)


def test_duplicates_add_up() -> None:
    """(3 + 4) x 10 and (3 + 4) x -1."""
    assert spmm(1, [0, 0], [1, 1], [3, 4], [[9, 9], [10, -1]], 32).tolist() == [[70, -7]]


def test_sums_wrap() -> None:
    """2 x (-128 x -128) = 32768, which 16 bits of two's complement take for -32768; a sum that is
    beyond the range on its way comes back: 32768 - 16384.
    """
    assert spmm(1, [0, 0], [0, 0], [-128, -128], [[-128]], 16).tolist() == [[-32768]]
    values = [-128, -128, 128]
    assert spmm(1, [0] * 3, [0] * 3, values, [[-128]], 16).tolist() == [[16384]]


def test_empty() -> None:
    """No stored value, no row, no column of B."""
    assert spmm(2, [], [], [], np.ones((3, 2)), 32).tolist() == [[0, 0], [0, 0]]
    assert spmm(0, [], [], [], np.ones((3, 2)), 32).shape == (0, 2)
    assert spmm(1, [0], [0], [5], np.ones((3, 0)), 32).shape == (1, 0)
    assert spmm(1, [], [], np.zeros((0, 4)), np.ones((3, 2)), 32).shape == (4, 2)
