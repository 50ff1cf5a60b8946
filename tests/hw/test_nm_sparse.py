"""nm_sparse without a simulator: parameters, packing, and what the law says of rates."""

import itertools

import numpy as np
import pytest
from tilewright.hw.nm_prune import cost as prune_cost
from tilewright.hw.nm_prune import mapping as prune_mapping
from tilewright.hw.nm_prune.params import NMPruneParams
from tilewright.hw.nm_sparse import cost, law, mapping
from tilewright.hw.nm_sparse.params import NMSparseParams
from tilewright.hw.systolic import law as systolic_law
from tilewright.hw.systolic.mapping import tile_loops
from tilewright.hw.systolic.params import SystolicParams

from tilewright.spec.sections.nm_sparse import full_rate_groups

GOOD = {"rows": 2, "cols": 3, "group": 4, "feed_lanes": 2}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"group": 0}, "group: 1..16, got 0"),
        ({"group": 17}, "group: 1..16, got 17"),
        ({"feed_lanes": 5}, "feed_lanes: 1..4"),
        ({"feed_lanes": 0}, "feed_lanes: 1..4"),
        ({"mux": "column"}, "mux: one of pe, row"),
        ({"edge_groups": 1}, "edge_groups"),
        ({"rows": 0}, "rows"),
    ],
)
def test_wrong_parameters(changes, message):
    with pytest.raises(ValueError, match=message):
        NMSparseParams(**{**GOOD, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"group": 17}, "group: 1..16"),
        ({"max_kept": 5}, "max_kept: 1..4"),
        ({"output": "both"}, "output: one of groups, words"),
        ({"cols": 0}, "cols"),
    ],
)
def test_wrong_parameters_of_the_pruner(changes, message):
    with pytest.raises(ValueError, match=message):
        NMPruneParams(**{"group": 4, **changes})


def test_wrong_numbers_of_weights():
    params = NMSparseParams(**GOOD)
    for kept in (0, 5):
        with pytest.raises(ValueError, match=r"kept: 1\.\.4"):
            mapping.group_loops(params, 1, 4, 1, kept=kept)
    with pytest.raises(ValueError, match="group at k 4, column 1: 2 weights not zero, kept is 1"):
        mapping.compress(params, [[0, 0]] * 5 + [[1, 1], [0, 2], [0, 0]], 1)
    row = NMSparseParams(**GOOD, mux="row")
    with pytest.raises(ValueError, match=r"group at k 0, column 0\.\.1: 2 weights"):
        mapping.compress(row, [[1, 0], [0, 1]], 1)
    loops = mapping.group_loops(params, 1, 4, 1, kept=2)
    with pytest.raises(ValueError, match="weights keep 1 of a group, the command 2"):
        list(mapping.pack_b(params, loops, mapping.compress(params, [[1]], 1)))


def test_spec_and_parameters_agree_on_the_buffer():
    for rows, group, feed_lanes in itertools.product((1, 3, 16), (1, 5, 16), (1, 3, 16)):
        if feed_lanes <= group:
            params = NMSparseParams(rows=rows, cols=1, group=group, feed_lanes=feed_lanes)
            assert params.edge_groups == full_rate_groups(rows, group, feed_lanes)


def cycles(params, groups, kept, m_tiles=1):
    shape = (m_tiles * params.rows, groups * params.group, params.cols)
    return law.kernel_cycles(params, [mapping.group_loops(params, *shape, kept=kept)])


@pytest.mark.parametrize("feed_lanes", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("rows", [1, 2, 5, 16])
def test_groups_follow_each_other_as_the_rate_law_says(rows, feed_lanes):
    """The default buffer reaches the rate of the narrower of steps and feed; one less may not."""
    params = NMSparseParams(rows=rows, cols=2, group=8, feed_lanes=feed_lanes, output="raw")
    for kept in range(1, 9):
        slope = cycles(params, 90, kept) - cycles(params, 60, kept)
        assert slope == 30 * cost.group_cycles(params, kept), (rows, feed_lanes, kept)


def test_a_short_buffer_costs_what_the_law_says():
    """`round_cycles` for every `edge_groups` groups."""
    for edge_groups, rows, kept in itertools.product((2, 3, 5), (1, 4, 16), (1, 2, 8)):
        params = NMSparseParams(
            rows=rows, cols=2, group=8, feed_lanes=4, output="raw", edge_groups=edge_groups
        )
        slope = cycles(params, 40 * edge_groups, kept) - cycles(params, 30 * edge_groups, kept)
        assert slope == 10 * cost.round_cycles(params, kept), (edge_groups, rows, kept)


def test_dense_work_takes_what_a_dense_array_takes():
    """N = M has no idle MAC: the cycles of a `systolic` array with both feeds `k_outer`."""
    sparse = NMSparseParams(rows=4, cols=4, group=4, feed_lanes=1, output="raw")
    dense = SystolicParams(
        rows=4, cols=4, lanes=4, a_feed="k_outer", b_feed="k_outer", output="raw"
    )
    loops = tile_loops(dense, 12, 64, 8)
    ours = cycles(sparse, 16, 4, m_tiles=6)
    # The first step waits for 4 activation words, the dense array only for its command (2 cycles).
    assert ours == systolic_law.kernel_cycles(dense, [loops]) + 4 - 2


def test_speedup_limit():
    params = NMSparseParams(rows=16, cols=16, group=8, feed_lanes=4)
    assert cost.speedup_limit(params, 2) == (8, 2)
    assert cost.speedup_limit(params, 1) == (8, 2)  # the feed is too narrow for 1:8
    wide = NMSparseParams(rows=16, cols=16, group=8, feed_lanes=8)
    assert cost.speedup_limit(wide, 1) == (8, 1)
    assert cost.tile_cycles(params, 96, 2) == 192
    assert cost.tile_cycles(params, 2, 2) == 16  # the drain moves 16 rows


def test_groups_of_weights_come_in_the_order_of_the_tiles():
    """Columns of a tile, groups of k, tiles; zeros beyond the edges."""
    rng = np.random.default_rng(7)
    array = NMSparseParams(rows=2, cols=3, group=4, feed_lanes=2, output="raw")
    pruner = NMPruneParams(group=4, output="words", cols=3)
    weights = rng.integers(-128, 128, (10, 7))
    groups = list(prune_mapping.groups_of_weights(pruner, weights.tolist()))
    assert len(groups) == 3 * 3 * 3  # groups of k, columns of a tile, tiles
    assert groups[0] == weights[:4, 0].tolist() and groups[3] == weights[4:8, 0].tolist()
    assert groups[-1] == [0] * 4 and groups[-3] == [*weights[8:, 6].tolist(), 0, 0]
    assert pruner.element_bits == array.weight_bits


def test_laws_of_the_pruner_by_hand():
    """A command, then a group per cycle; 6 cycles to the word; a row of columns before its words.

    3 columns, 2 kept, 7 groups: taken in cycles 1 to 7, rows complete in 9, 12 and 13 (the packet
    ends): words in 10, 11, 13, 14 and, behind them, 15 and 16.
    """
    packet = prune_cost.Packet(groups=7, kept=2)
    assert prune_cost.kernel_cycles(NMPruneParams(group=4), [packet]) == 14
    words = NMPruneParams(group=4, output="words", cols=3)
    assert prune_cost.kernel_cycles(words, [packet]) == 17
