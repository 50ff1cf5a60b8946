"""LUTs by synthesis: the goals of the queues, and how near the area law is."""

import importlib
from pathlib import Path
from types import ModuleType

import pytest
from tilewright.hw.topk.area import MAX_ERROR, lut_estimate
from tilewright.hw.topk.kernel import TopKKernel
from tilewright.hw.topk.params import TopKParams

from tilewright.build.verilog import emit
from tilewright.spec.numbers import NumberFormat

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
INT8 = NumberFormat(8)
POINTS = {
    "shift_queue": TopKParams(
        engine="shift_queue", lanes=1, key=NumberFormat(16), k_max=16, max_words=4096
    ),
    "filtered_queue": TopKParams(
        engine="filtered_queue", lanes=16, key=INT8, k_max=16, max_words=64
    ),
    "bitonic_merge": TopKParams(engine="bitonic_merge", lanes=8, key=INT8, k_max=12, max_words=64),
    "radix_select": TopKParams(
        engine="radix_select",
        lanes=16,
        key=INT8,
        k_max=64,
        max_words=64,
        order="mask",
        digit_bits=4,
    ),
    "radix_select_wide_digits": TopKParams(
        engine="radix_select", lanes=8, key=INT8, k_max=64, max_words=64, order="index"
    ),
}


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module `parts.topk_queue_rows` of the benchmarks."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("parts.topk_queue_rows")


@pytest.mark.slow
def test_entry_of_a_queue(rows):
    """One LUT per bit, a comparison, and control: 90 LUT, 66 flip-flops."""
    row = rows.entry_row()
    assert row["lut"] <= row["lut_goal"] and row["ff"] <= row["ff_goal"], row


@pytest.mark.slow
def test_wide_filter(rows):
    row = rows.filter_row()
    assert row["lut"] <= row["lut_goal"], row
    estimate = lut_estimate(
        TopKParams(
            engine="filtered_queue",
            lanes=81,
            key=NumberFormat(32),
            k_max=10,
            max_words=(1 << 32) // 81,
        )
    )
    assert abs(estimate / row["lut"] - 1) <= MAX_ERROR, (estimate, row)


@pytest.mark.slow
@pytest.mark.parametrize("name", POINTS)
def test_area_law(name, rows):
    params = POINTS[name]
    lut = rows.area_of(emit(TopKKernel(params), "best"), "best").lut
    assert abs(lut_estimate(params) / lut - 1) <= MAX_ERROR, (lut_estimate(params), lut)
