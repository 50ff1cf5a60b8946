"""The emitted Verilog of systolic kernels under Verilator: results, cycles, stream rules."""

import pytest
from tilewright.hw.systolic.array_ws import WeightStationaryArray
from tilewright.hw.systolic.kernel import SystolicKernel
from tilewright.hw.systolic.params import SystolicParams

from tilewright.build.kernel_run import simulate_kernel
from tilewright.build.lint import lint
from tilewright.build.verilog import emit
from tilewright.flow.systolic_cases import job
from tilewright.spec.numbers import NumberFormat

SEED = 41
UINT8 = NumberFormat(8, signed=False)
MODULE = "kernel_under_test"

PARAMS = {
    "8x8": SystolicParams(rows=8, cols=8, lanes=16),
    "3x5": SystolicParams(rows=3, cols=5, lanes=5, a_format=UINT8),
    "weight_stationary_8x8": SystolicParams(
        rows=8, cols=8, lanes=16, dataflow="weight_stationary", accumulator_rows=32
    ),
    "weight_stationary_3x5": SystolicParams(
        rows=3,
        cols=5,
        lanes=5,
        dataflow="weight_stationary",
        a_format=UINT8,
        requantize="fixed",
        multiplier_bits=16,
        accumulator_rows=24,
    ),
}


@pytest.mark.simulator
@pytest.mark.parametrize("name", PARAMS)
def test_emitted_verilog(name, tmp_path):
    """Ragged products back to back and under every standard stall; panels of 1 and 2 subpanels."""
    params = PARAMS[name]
    verilog = emit(SystolicKernel(params), MODULE)
    assert not lint(verilog, MODULE).problems
    result = simulate_kernel(verilog, job(params, MODULE, samples=6, seed=SEED), tmp_path)
    assert result.is_passed, result.explain()


@pytest.mark.slow
def test_large_weight_stationary_array_stays_small_text():
    """64 x 64 PEs within the bytes that the output-stationary array may take."""
    params = SystolicParams(rows=64, cols=64, lanes=64, dataflow="weight_stationary")
    assert len(emit(WeightStationaryArray(params), "array").encode()) <= 150_000


def test_the_smallest_array_has_no_signal_of_no_bits():
    """One set of one parameter entry once had an address of 0 bits."""
    verilog = emit(SystolicKernel(SystolicParams(rows=1, cols=1, lanes=1, param_sets=1)), MODULE)
    assert "[-1:0]" not in verilog
    assert not lint(verilog, MODULE).problems


def test_one_row_compares_its_room_as_linters_like_it():
    """Room that is one word short of one row is none: a comparison with 0."""
    params = SystolicParams(rows=1, cols=3, lanes=3, output="raw")
    assert not lint(emit(SystolicKernel(params), MODULE), MODULE).problems
