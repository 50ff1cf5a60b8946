"""Rings, even splits, runs and result windows: the arithmetic of the simple schedule."""

import numpy as np
import pytest
from tilewright.dataflow.commands import blocks_per_run, ring_segments
from tilewright.dataflow.placement.simple import result_windows
from tilewright.dataflow.tiling import split_evenly


@pytest.mark.parametrize("start", range(3))
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 7, 9])
def test_ring_segments_visit_each_panel_in_its_slot(start, count):
    visited = [
        (part.first + i, part.slot + i % part.inner)
        for part in ring_segments(0, count, start, 3)
        for i in range(part.inner * part.outer)
    ]
    assert visited == [(panel, (start + panel) % 3) for panel in range(count)]
    assert len(list(ring_segments(0, count, start, 3))) <= 3


def test_split_evenly():
    for tiles in range(1, 40):
        for most in range(1, 12):
            blocks = split_evenly(tiles, most)
            assert sum(blocks) == tiles
            assert len(blocks) == -(-tiles // most)
            assert blocks[0] <= blocks[-1] + 1
            assert list(blocks) == sorted(blocks, reverse=True)


def test_runs_fill_bursts():
    assert blocks_per_run(48, 16, 1) == 1
    assert blocks_per_run(12, 4, 1) == 4
    assert blocks_per_run(7, 4, 1) == 7  # no divisor fills a burst
    assert blocks_per_run(6, 1, 1) == 6


def test_result_windows_keep_live_tiles_apart():
    rng = np.random.default_rng(11)
    for _ in range(200):
        slots = int(rng.integers(2, 24))
        blocks = [
            (int(rng.integers(1, slots // 2 + 1)), int(rng.integers(1, 5)))
            for _ in range(rng.integers(1, 8))
        ]
        tokens, windows = result_windows(blocks, slots)
        used = [
            window.first + index % window.slots
            for (tiles, panels), window in zip(blocks, windows, strict=True)
            for index in range(tiles * panels)
        ]
        assert max(used) < slots
        for start in range(len(used)):
            live = used[start : start + tokens]
            assert len(set(live)) == len(live), (blocks, slots, tokens)
