"""Emitted Verilog of weight-stationary kernels under Verilator: results, cycles, stream rules."""

import numpy as np
import pytest
from tilewright.hw.lib.requantize_params import encode_scale
from tilewright.hw.systolic import mapping, mapping_ws
from tilewright.hw.systolic.array_ws import WeightStationaryArray
from tilewright.hw.systolic.kernel import SystolicKernel
from tilewright.hw.systolic.law_ws import kernel_cycles
from tilewright.hw.systolic.params import SystolicParams
from tilewright.sim.golden.systolic import systolic
from tilewright.sim.regress import Case, Job, Port
from tilewright.sim.vectors import STANDARD_STALLS, StallPattern

from tilewright.build.kernel_run import simulate_kernel
from tilewright.build.lint import lint
from tilewright.build.verilog import emit
from tilewright.spec.numbers import NumberFormat

SEED = 43


def ports(params):
    return (
        Port(name="command", direction="in", bits=params.command_format.width),
        Port(name="a", direction="in", bits=params.a_word_bits),
        Port(name="b", direction="in", bits=params.b_word_bits),
        Port(name="p", direction="in", bits=params.param_word_bits),
        Port(name="o", direction="out", bits=params.output_word_bits, has_last=True),
        Port(name="p_release", direction="pulse"),
    )


def output_words(params, loops, expected):
    """The words, `last` on top, of a matrix of results without ragged columns."""
    words = []
    for packet in range(loops.packets):
        first = packet * params.cols
        for r in range(loops.m):
            last = (r == loops.m - 1) << params.output_word_bits
            row = expected[r][first : first + params.cols]
            words.append(mapping.pack_word(row, mapping.RESULT_BITS) | last)
    return words


def case(params, name, shape, subpanels, stalls):
    rng = np.random.default_rng([SEED, *shape])
    m, k, n = shape
    a = rng.integers(params.a_format.minimum, params.a_format.maximum + 1, (m, k))
    b = rng.integers(params.b_format.minimum, params.b_format.maximum + 1, (k, n))
    biases = rng.integers(-1000, 1000, n).tolist()
    scales = rng.uniform(0.5, 2, n) / (k * 100)
    words = [encode_scale(s, params.requantize, params.multiplier_bits) for s in scales]
    loops = mapping_ws.pass_loops(params, m, k, n, subpanels=subpanels)
    settings = {"zero_point": -3, "minimum": -100, "maximum": 110}
    expected = systolic(params, a, b, biases=biases, scale_words=words, **settings)
    command = mapping_ws.command_fields(params, loops, **settings)
    return Case(
        name=name,
        inputs={
            "command": [params.command_format.encode(command)],
            "a": list(mapping_ws.pack_a(params, loops, a)),
            "b": list(mapping_ws.pack_b(params, loops, b)),
            "p": list(mapping_ws.pack_parameters(params, loops, biases, words)),
        },
        expected={
            "o": output_words(params, loops, expected.tolist()),
            "p_release": [1] * loops.panels,
        },
        stalls=stalls,
        expected_cycles=None if stalls else kernel_cycles(params, [loops]),
        limit_cycles=100_000,
    )


PARAMS = [
    SystolicParams(rows=8, cols=8, lanes=16, dataflow="weight_stationary"),
    SystolicParams(
        rows=3,
        cols=5,
        lanes=5,
        dataflow="weight_stationary",
        a_format=NumberFormat(8, signed=False),
        requantize="fixed",
        multiplier_bits=16,
        accumulator_rows=24,
    ),
]


@pytest.mark.simulator
@pytest.mark.parametrize("params", PARAMS, ids=lambda params: f"{params.rows}x{params.cols}")
def test_emitted_verilog(params, tmp_path):
    verilog = emit(SystolicKernel(params), "kernel_under_test")
    assert not lint(verilog, "kernel_under_test").problems
    shape = (2 * params.rows + 3, 3 * params.lanes, 4 * params.cols)
    cases = [case(params, "free", shape, 2, {}), case(params, "one", shape, 1, {})]
    cases.append(case(params, "single_row", (1, params.lanes + 1, 2 * params.cols), 2, {}))
    for pattern in STANDARD_STALLS:
        stalls = {port.name: pattern for port in ports(params) if port.direction != "pulse"}
        cases.append(case(params, f"stall_{pattern.kind}_{pattern.seed}", shape, 2, stalls))
    slow = {"o": StallPattern(kind="one_in_four")}
    cases.append(case(params, "slow_output", shape, 4, slow))
    job = Job(module="kernel_under_test", ports=ports(params), cases=tuple(cases), seed=SEED)
    result = simulate_kernel(verilog, job, tmp_path)
    assert result.is_passed, result.explain()


def test_large_array_stays_small_text():
    """64 x 64 PEs within the bytes that the output-stationary array may take."""
    params = SystolicParams(rows=64, cols=64, lanes=64, dataflow="weight_stationary")
    assert len(emit(WeightStationaryArray(params), "array").encode()) <= 150_000
