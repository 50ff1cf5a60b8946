"""The sddmm template's golden model against dense products and by hand."""

import numpy as np
import scipy.sparse
from tilewright.sim.golden.sddmm import lane_words, row_words, sddmm

SEED = 5


def test_scores_are_those_of_the_dense_product():
    random = np.random.default_rng(SEED)
    for number in range(20):
        rows, columns, depth = random.integers(1, 9, 3).tolist()
        mask = scipy.sparse.csr_array(random.random((rows, columns)) < 0.4)
        q = random.integers(-128, 128, (rows, depth))
        k = random.integers(-128, 128, (columns, depth))
        scores = sddmm(mask.indptr, mask.indices, q, k, 32)
        found = scipy.sparse.csr_array((scores, mask.indices, mask.indptr), shape=mask.shape)
        assert np.array_equal(found.toarray(), mask.toarray() * (q @ k.T)), f"seed {SEED}, {number}"


def test_sums_wrap():
    """By hand: 3 x (-128 x -128) = 49152 = 49152 - 65536 in 16 bits, and 0 in 14."""
    extreme = np.full((1, 3), -128)
    assert sddmm([0, 1], [0], extreme, extreme, 16).tolist() == [-16384]
    assert sddmm([0, 1], [0], extreme, extreme, 14).tolist() == [0]


def test_positions_that_stand_twice_give_two_scores():
    assert sddmm([0, 2], [1, 1], [[2]], [[0], [3]], 8).tolist() == [6, 6]


def test_words_of_lanes():
    """Five scores of rows 0, 0, 0, 2, 2 on two lanes: three and two."""
    words = lane_words([0, 3, 3, 5], [1, -1, 2, 3, 4], 2, 8, 4)
    # From the top: last, is_end, has_score, four bits of the row, the score.
    assert words == [[0b001_0000_00000001, 0b001_0000_11111111, 0b111_0000_00000010],
                     [0b001_0010_00000011, 0b111_0010_00000100]]  # fmt: skip
    whole = lane_words([0, 3, 3, 5], [1, -1, 2, 3, 4], 2, 8, 4, [[2], [0]])
    assert whole == [[0b001_0010_00000011, 0b111_0010_00000100], words[0]]
    assert lane_words([0, 0], [], 2, 8, 4) == [[0b110 << 12], [0b110 << 12]]


def test_words_of_rows():
    """The same as a row stream: rows 0 and 2 share the word of places 2 and 3."""
    words = row_words([0, 3, 3, 5], [1, -1, 2, 3, 4], 2, 8, 4)
    # From the top: last, is_end, four bits of the row, mask, the scores of lanes 1 and 0.
    assert words == [
        0b00_0000_11_11111111_00000001,
        0b10_0000_01_00000000_00000010,
        0b00_0010_10_00000011_00000000,
        0b11_0010_01_00000000_00000100,
    ]
    assert row_words([0], [], 2, 8, 4) == [0b11 << 22]
