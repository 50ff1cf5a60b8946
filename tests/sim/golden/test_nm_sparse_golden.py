"""Golden models of nm_sparse and the pruner against dense products and hand arithmetic."""

import numpy as np
import pytest
from tilewright.hw.nm_sparse import mapping
from tilewright.hw.nm_sparse.params import NMSparseParams
from tilewright.sim.golden.nm_prune import nm_prune, prune
from tilewright.sim.golden.nm_sparse import nm_sparse, spread

SEED = 61


def params(group, **more):
    return NMSparseParams(rows=2, cols=3, group=group, feed_lanes=1, output="raw", **more)


@pytest.mark.parametrize("mux", ["pe", "row"])
@pytest.mark.parametrize("group", [1, 2, 4, 7, 16])
def test_compressed_weights_give_the_dense_product(group, mux):
    """Ragged K and N; NumPy's own product of the pruned matrix is the measure."""
    rng = np.random.default_rng(SEED)
    for kept in range(1, group + 1):
        k, n = int(rng.integers(1, 4 * group + 2)), int(rng.integers(1, 8))
        a, b = rng.integers(-128, 128, (5, k)), rng.integers(-128, 128, (k, n))
        if mux == "pe":
            b = prune(b, kept, group)
        else:
            b *= np.repeat(prune(rng.integers(1, 9, (k, -(-n // 3))), kept, group) != 0, 3, 1)[
                :, :n
            ]
        compressed = mapping.compress(params(group, mux=mux), b.tolist(), kept)
        got = nm_sparse(params(group, mux=mux), a, compressed.values, compressed.indices)
        assert got.tolist() == (a @ b).tolist(), f"kept {kept}, k {k}, n {n}, seed {SEED}"
        padded = spread(compressed.values, compressed.indices, group)
        assert padded[:k].tolist() == b.tolist() and not padded[k:].any()


def test_by_hand():
    """Groups of 4: 3 * 5 + (-2) * 7 = 1, and -128 * -128 * 2 = 32768 in the second column."""
    values = [[[3, -128], [-2, -128]]]
    indices = [[[0, 1], [3, 2]]]
    a = [[5, -128, -128, 7]]
    assert nm_sparse(params(4), a, values, indices).tolist() == [[1, 32768]]


def test_sums_wrap():
    """32768 is -32768 in 16 bits."""
    values, indices = [[[-128], [-128]]], [[[1], [2]]]
    narrow = params(4, accumulator_bits=16)
    assert nm_sparse(narrow, [[0, -128, -128, 0]], values, indices).tolist() == [[-32768]]


def test_an_index_beyond_the_group_selects_nothing():
    assert nm_sparse(params(3), [[1, 1, 1]], [[[7], [5]]], [[[3], [1]]]).tolist() == [[5]]


PRUNED = [
    # group, kept, what stays: by hand
    ([127, -128, 3, -128], 2, [(-128, 1), (-128, 3)]),  # |-128| = 128 > 127
    ([5, -5, 5, -5], 2, [(5, 0), (-5, 1)]),  # ties: the lowest index
    ([0, 0, 0, 1], 3, [(1, 3)]),  # zeros never stay
    ([0, 0, 0, 0], 4, []),
    ([1, -2, 3, -4], 4, [(1, 0), (-2, 1), (3, 2), (-4, 3)]),
    ([4, 1, 9, 2], 1, [(9, 2)]),
]


@pytest.mark.parametrize(("group", "kept", "stays"), PRUNED)
def test_pruning_by_hand(group, kept, stays):
    values, indices, mask = nm_prune([group], kept, 4)
    padded = stays + [(0, 0)] * (4 - len(stays))
    assert list(zip(values[0].tolist(), indices[0].tolist(), strict=True)) == padded
    assert mask[0].tolist() == [1] * len(stays) + [0] * (4 - len(stays))
    matrix = prune(np.array([group]).T, kept, 4)[:, 0]
    assert [(v, i) for i, v in enumerate(matrix.tolist()) if v] == stays


def test_pruner_and_compression_agree():
    """What the pruner gives is what `compress` makes of the pruned matrix."""
    rng = np.random.default_rng(SEED)
    for group in (1, 4, 6, 16):
        kept = int(rng.integers(1, group + 1))
        matrix = rng.integers(-3, 4, (5 * group, 4))
        compressed = mapping.compress(params(group), prune(matrix, kept, group).tolist(), kept)
        for column in range(4):
            groups = matrix[:, column].reshape(5, group)
            values, indices, _ = nm_prune(groups, kept, kept)
            assert values.tolist() == np.asarray(compressed.values)[:, :, column].tolist()
            assert indices.tolist() == np.asarray(compressed.indices)[:, :, column].tolist()
