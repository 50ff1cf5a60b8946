"""Systolic kernel, output stationary: every product right, every cycle as the law says."""

import numpy as np
import pytest
from tilewright.hw.systolic import cost, mapping
from tilewright.hw.systolic.law import Transfers, kernel_cycles, starts_from_transfers
from tilewright.hw.systolic.params import SystolicParams
from tilewright.sim.pysim import STALLS

from tilewright.spec.numbers import NumberFormat

SEED = 20


@pytest.fixture
def bench(systolic_bench):
    def packets_of(params, loops):
        return loops.tiles, params.rows

    return systolic_bench(mapping, mapping.tile_loops, packets_of, SEED)


def check_law(params, jobs, trace, label):
    """Output words and releases in the very cycles that the transfers imply."""
    seen = Transfers(
        command=trace.times("command"),
        a=trace.times("a"),
        b=trace.times("b"),
        o=trace.times("o"),
        p=trace.times("p") if params.has_parameters else (),
    )
    timing = starts_from_transfers(params, [job.loops for job in jobs], seen)
    first = cost.first_output_cycles(params)
    valid, previous = trace["o.valid"], -1
    for n, taken in enumerate(seen.o):
        end = timing.tile_ends[n // params.rows]
        expected = max(end + first + n % params.rows, previous + 1)
        got = next(t for t in range(previous + 1, taken + 1) if valid[t])
        assert got == expected, f"{label}: output word {n} in cycle {got}, law says {expected}"
        previous = taken
    if params.has_parameters:
        assert trace.when("release") == timing.releases, f"{label}: releases"


def params_of(text, **more):
    """`rows x cols / lanes a_format b_format a_feed b_feed`, feeds `i`nner or `o`uter."""
    sizes, a, b, feeds = text.split()
    array, lanes = sizes.split("/")
    rows, cols = array.split("x")
    names = {"i": "k_inner", "o": "k_outer"}
    return SystolicParams(
        rows=int(rows),
        cols=int(cols),
        lanes=int(lanes),
        a_format=NumberFormat.parse(a),
        b_format=NumberFormat.parse(b),
        a_feed=names[feeds[0]],
        b_feed=names[feeds[1]],
        bound_bits=8,
        **more,
    )


CASES = {
    "one": params_of("1x1/1 int8 int8 ii"),
    "one_outer": params_of("1x1/1 int8 uint8 oo"),
    "one_wide": params_of("1x1/8 int8 int8 ii"),
    "flat": params_of("3x5/5 int8 int8 ii"),
    "tall": params_of("5x3/6 uint8 int8 ii", requantize="fixed", multiplier_bits=16),
    "square": params_of("4x4/4 int4 int4 ii", output="raw", accumulator_bits=12),
    "square_wide": params_of("4x4/16 int8 int8 ii"),
    "outer": params_of("4x4/4 int8 int8 oo"),
    "outer_flat": params_of("2x5/7 int8 int8 oo", output="raw"),
    "mixed_a": params_of("3x4/6 uint8 int8 oi"),
    "mixed_b": params_of("4x3/4 int16 int4 io", accumulator_bits=40, output="raw"),
    "tight": params_of("2x3/4 int8 int8 ii", param_sets=2),
    "deep": params_of("3x2/5 int8 int8 oi", param_sets=2, edge_blocks=3),
    "pairs": params_of("3x4/5 int8 int8 ii", products_per_dsp=2),
    "pairs_outer": params_of("5x2/5 int8 uint8 oo", output="raw", products_per_dsp=2),
    "pairs_mixed": params_of("1x6/6 uint8 int8 oi", products_per_dsp=2),
    "pairs_narrow": params_of(
        "4x4/4 uint8 uint8 io", output="raw", accumulator_bits=18, products_per_dsp=2
    ),
    "pairs_int4": params_of(
        "6x2/8 int4 int5 ii", output="raw", accumulator_bits=9, products_per_dsp=2
    ),
    "narrow": params_of("2x2/3 int2 uint2 ii", accumulator_bits=8),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("stall", "o_stall"), [(s, s) for s in STALLS] + [("none", "random")])
def test_products_and_cycles(bench, name, stall, o_stall):
    params = CASES[name]
    rng = np.random.default_rng(SEED)
    r, c, lanes = params.rows, params.cols, params.lanes
    shapes = [(2 * r - 1, lanes + 1, 2 * c + 1), (1, 1, 1), (r + 1, 3 * lanes, c)]
    jobs = [
        bench.job(params, shape, rng, subpanels=s)
        for shape, s in zip(shapes, (2, 1, 1), strict=True)
    ]
    label = f"{name} {stall} {o_stall}"
    trace = bench.run(params, jobs, stall, o_stall)
    bench.check_results(params, jobs, trace, label)
    check_law(params, jobs, trace, label)
    if (stall, o_stall) == ("none", "none"):
        cycles = trace.times("o")[-1] - trace.times("command")[0] + 1
        assert cycles == kernel_cycles(params, [job.loops for job in jobs]), label


@pytest.mark.parametrize("name", ["flat", "square", "outer_flat"])
def test_slow_destination_holds_tiles_up(bench, name):
    """Tiles of one block each: the output FIFO fills and its room decides every start."""
    params = CASES[name]
    num_tiles = cost.output_tiles(params) + 4
    rng = np.random.default_rng(SEED)
    job = bench.job(params, (num_tiles * params.rows, 1, params.cols), rng)
    trace = bench.run(params, [job], "none", "one_in_four")
    assert any(trace["wait_output"])
    bench.check_results(params, [job], trace, name)
    check_law(params, [job], trace, name)
