"""Systolic kernel, weight stationary: every product right, every cycle as the law says."""

from itertools import pairwise

import numpy as np
import pytest
from tilewright.hw.systolic import cost_ws, mapping_ws
from tilewright.hw.systolic.law_ws import SeenPorts, kernel_cycles, timing
from tilewright.hw.systolic.params import SystolicParams
from tilewright.sim.pysim import STALLS

from tilewright.spec.numbers import NumberFormat

SEED = 30


@pytest.fixture
def bench(systolic_bench):
    def packets_of(params, loops):
        return loops.packets, loops.m

    return systolic_bench(mapping_ws, mapping_ws.pass_loops, packets_of, SEED)


def offers(trace, port):
    """For each transfer, the first cycle in which its word was offered."""
    result, previous = [], -1
    for taken in trace.times(port):
        valid = trace[f"{port}.valid"]
        result.append(next(t for t in range(previous + 1, taken + 1) if valid[t]))
        previous = taken
    return result


def check_law(params, jobs, trace, label):
    """Every step, weight word, output word and release in the very cycle of the law."""
    taken = trace.times("o")
    ports = SeenPorts(
        params,
        a_offers=offers(trace, "a"),
        b_offers=offers(trace, "b"),
        commands=trace.times("command"),
        outputs=taken,
        parameters=trace.times("p") if params.has_parameters else (),
    )
    law = timing(params, [job.loops for job in jobs], ports)
    assert trace.times("a") == law.a, f"{label}: A words"
    assert trace.times("b") == law.b, f"{label}: B words"
    outputs = [max(t, p + 1) for t, p in zip(law.outputs, [-1, *taken], strict=False)]
    assert offers(trace, "o") == outputs, f"{label}: output words"
    if params.has_parameters:
        assert trace.when("release") == law.releases, f"{label}: releases"
    check_distance(params, jobs, law.a, label)


def check_distance(params, jobs, starts, label):
    """No accumulator is read before, or in the cycle in which, the pass before writes it."""
    starts = iter(starts)
    for job in jobs:
        passes = job.loops.k_blocks * cost_ws.subblocks(params)
        for _ in range(job.loops.packets):
            times = [[next(starts) for _ in range(job.loops.m)] for _ in range(passes)]
            for before, after in pairwise(times):
                least = min(b - a for a, b in zip(before, after, strict=True))
                assert least >= cost_ws.ACCUMULATE_CYCLES, f"{label}: {least} cycles apart"


def params_of(text, **more):
    """`rows x cols / lanes a_format b_format`."""
    sizes, a, b = text.split()
    array, lanes = sizes.split("/")
    rows, cols = array.split("x")
    more = {"bound_bits": 8, "accumulator_rows": 32} | more
    return SystolicParams(
        rows=int(rows),
        cols=int(cols),
        lanes=int(lanes),
        dataflow="weight_stationary",
        a_format=NumberFormat.parse(a),
        b_format=NumberFormat.parse(b),
        **more,
    )


CASES = {
    "one": params_of("1x1/1 int8 int8"),
    "one_wide": params_of("1x1/4 uint8 int8"),
    "row": params_of("1x5/5 int8 int8"),
    "column": params_of("5x1/5 int8 uint8"),
    "flat": params_of("3x5/5 int8 int8"),
    "tall": params_of("5x3/6 uint8 int8", requantize="fixed", multiplier_bits=16),
    "square": params_of("4x4/4 int4 int4", output="raw", accumulator_bits=12),
    "square_wide": params_of("4x4/16 int8 int8"),
    "wide_format": params_of("2x3/7 int16 int4", output="raw", accumulator_bits=40),
    "narrow": params_of("2x2/3 int2 uint2", accumulator_bits=8, bound_bits=4),
}


def jobs_of(bench, params, rng):
    """Products that fill nothing, and several packets, passes, commands and parameter sets."""
    r, c, lanes = params.rows, params.cols, params.lanes
    shapes = [(r + 2, lanes + 1, 2 * c + 1), (1, 3 * lanes, 1), (3, 2 * lanes, c)]
    return [
        bench.job(params, shape, rng, subpanels=s)
        for shape, s in zip(shapes, (2, 1, 1), strict=True)
    ]


def check(bench, params, jobs, label, **stall):
    trace = bench.run(params, jobs, **stall)
    bench.check_results(params, jobs, trace, label)
    check_law(params, jobs, trace, label)
    return trace


@pytest.mark.parametrize("name", CASES)
def test_without_stalls(bench, name):
    params = CASES[name]
    jobs = jobs_of(bench, params, np.random.default_rng(SEED))
    trace = check(bench, params, jobs, name)
    cycles = trace.times("o")[-1] - trace.times("command")[0] + 1
    assert cycles == kernel_cycles(params, [job.loops for job in jobs]), name


@pytest.mark.parametrize("name", ["one", "row", "flat", "square", "narrow"])
@pytest.mark.parametrize("stall", STALLS[1:])
def test_with_stalls_everywhere(bench, name, stall):
    params = CASES[name]
    jobs = jobs_of(bench, params, np.random.default_rng(SEED))
    check(bench, params, jobs, f"{name} {stall}", stall=stall, o_stall=stall)


@pytest.mark.parametrize("port", ["command", "a", "b", "p", "o"])
def test_with_one_slow_port(bench, port):
    params = CASES["flat"]
    jobs = jobs_of(bench, params, np.random.default_rng(SEED))
    stall = {"stall": {port: "one_in_four"}} if port != "o" else {"o_stall": "random"}
    check(bench, params, jobs, f"slow {port}", **stall)


@pytest.mark.parametrize("m", [1, 2, 3, 4, 5])
def test_short_passes_keep_their_distance(bench, m):
    """A sum is read only after it was written, however short the passes are; rows = 1."""
    params = CASES["one_wide"]
    job = bench.job(params, (m, 4 * params.lanes, 1), np.random.default_rng(SEED))
    trace = check(bench, params, [job], f"m = {m}")
    steps = trace.times("a")
    cycles = cost_ws.pass_cycles(params, m)
    assert [s - steps[0] for s in steps[::m]] == [cycles * p for p in range(4 * params.lanes)]
    check(bench, params, [job], f"m = {m} stalled", stall="random", o_stall="random")


def test_no_gap_between_passes_packets_commands(bench):
    """m = rows: the weights load in just the time that they are used."""
    params = CASES["square_wide"]
    rng = np.random.default_rng(SEED)
    jobs = [bench.job(params, (4, 2 * params.lanes, 8), rng, subpanels=2) for _ in range(2)]
    steps = check(bench, params, jobs, "full rate").times("a")
    assert steps[-1] - steps[0] == len(steps) - 1


def test_a_full_output_stops_the_array_and_nothing_else(bench):
    """Nobody takes results for a while: room is never overrun and the array waits for output."""
    params = CASES["row"]
    job = bench.job(params, (32, 1, 25), np.random.default_rng(SEED))
    trace = check(bench, params, [job], "slow output", o_stall="one_in_four")
    assert any(trace["wait_output"]) and len(trace.times("o")) == 32 * 5


@pytest.mark.parametrize("name", ["flat", "wide_format", "narrow"])
def test_extreme_operands(bench, name):
    params = CASES[name]
    rng = np.random.default_rng(SEED)
    job = bench.job(params, (8, 2 * params.lanes, params.cols), rng, is_extreme=True)
    check(bench, params, [job], f"{name} extremes")


def test_the_accumulators_are_used_to_the_last_row(bench):
    params = params_of("2x2/2 int8 int8", accumulator_rows=9)
    rng = np.random.default_rng(SEED)
    check(
        bench,
        params,
        [bench.job(params, (9, 5, 2), rng), bench.job(params, (8, 5, 2), rng)],
        "9 rows",
    )
    with pytest.raises(ValueError, match="m: at most accumulator_rows = 9, got 10"):
        mapping_ws.pass_loops(params, 10, 5, 2)


@pytest.mark.parametrize(
    ("shape", "text"),
    [((0, 1, 1), "m: at least 1"), ((1, 1, 1281), "do not fit bound_bits"), ((1, 0, 1), "k: at")],
)
def test_shapes_that_are_refused(shape, text):
    with pytest.raises(ValueError, match=text):
        mapping_ws.pass_loops(CASES["row"], *shape)


def test_large_shapes_reach_the_promised_share_of_peak():
    """Start to last word, sources and destination never stalling."""
    params = params_of("16x16/16 int8 int8", bound_bits=16, accumulator_rows=512)
    for (m, k, n), least in {(128, 768, 64): 0.995, (128, 64, 128): 0.95}.items():
        loops = mapping_ws.pass_loops(params, m, k, n)
        ideal = m * k * n / (params.rows * params.cols)
        assert ideal / kernel_cycles(params, [loops]) >= least, (m, k, n)
        assert cost_ws.packet_cycles(params, m, loops.k_blocks) == m * loops.k_blocks
