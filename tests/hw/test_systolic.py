"""Systolic kernel, output stationary: every product right, every cycle as the law says."""

import numpy as np
import pytest
from tilewright.hw.lib.requantize_params import encode_scale
from tilewright.hw.systolic import cost, mapping
from tilewright.hw.systolic.law import Transfers, kernel_cycles, starts_from_transfers
from tilewright.hw.systolic.params import SystolicParams
from tilewright.hw.systolic.rtl import Systolic
from tilewright.sim.golden.systolic import systolic
from tilewright.sim.pysim import STALLS, get, put, simulate, stalls

from tilewright.spec.numbers import NumberFormat

SEED = 20


class Job:
    """A random product for one command, its words and the expected results."""

    def __init__(self, params, shape, rng, subpanels=1, is_extreme=False):
        self.params, self.shape = params, shape
        m, k, n = shape
        self.a = self._operand(params.a_format, (m, k), rng, is_extreme)
        self.b = self._operand(params.b_format, (k, n), rng, is_extreme)
        self.loops = mapping.tile_loops(params, m, k, n, subpanels=subpanels)
        self.biases = rng.integers(-500, 500, n).tolist()
        spread = np.abs(self.a @ self.b).max() + 500
        scales = rng.uniform(20, 300, n) / spread
        self.scales = [encode_scale(s, params.requantize, params.multiplier_bits) for s in scales]
        low, high = sorted(rng.integers(-128, 128, 2).tolist())
        self.settings = {
            "zero_point": int(rng.integers(-20, 20)),
            "minimum": low,
            "maximum": high,
        }

    @staticmethod
    def _operand(number_format, shape, rng, is_extreme):
        low, high = number_format.minimum, number_format.maximum
        if is_extreme:
            return rng.choice([low, high], shape)
        return rng.integers(low, high + 1, shape)

    @property
    def expected(self):
        return systolic(
            self.params,
            self.a,
            self.b,
            biases=self.biases,
            scale_words=self.scales,
            **self.settings,
        ).tolist()

    def words(self):
        p = self.params
        settings = self.settings if p.has_parameters else {}
        return {
            "command": [mapping.command_fields(p, self.loops, **settings)],
            "a": list(mapping.pack_a(p, self.loops, self.a)),
            "b": list(mapping.pack_b(p, self.loops, self.b)),
            "p": list(mapping.pack_parameters(p, self.loops, self.biases, self.scales)),
        }


def run(params, jobs, stall="none", o_stall="none", limit_cycles=20000):
    """Trace of the kernel doing `jobs` one after the other."""
    dut = Systolic(params)
    ports = {name: getattr(dut, name) for name in ("command", "a", "b", "o")}
    if params.has_parameters:
        ports["p"] = dut.p
    words = {name: [w for job in jobs for w in job.words()[name]] for name in ports if name != "o"}
    num_outputs = sum(job.loops.tiles for job in jobs) * params.rows

    def feed(seed, name):
        return lambda ctx: put(ctx, ports[name], words[name], stalls(stall, SEED + seed))

    benches = [feed(i, name) for i, name in enumerate(words)]
    benches.append(lambda ctx: get(ctx, dut.o, num_outputs, stalls(o_stall, SEED + 9)))
    watch = {name: getattr(dut, name) for name in ("release", "busy", "wait_input", "wait_output")}
    return simulate(dut, benches, watch, streams=ports, limit_cycles=limit_cycles)


def check_results(params, jobs, trace, label):
    mask = (1 << params.output_word_bits) - 1
    payloads = trace.payloads("o")
    words = iter(payloads)
    for index, job in enumerate(jobs):
        own = [next(words) & mask for _ in range(job.loops.tiles * params.rows)]
        got = mapping.unpack_outputs(params, job.loops, own, job.shape[0], job.shape[2])
        assert got == job.expected, f"{label}: job {index} {job.shape}, seed {SEED}"
    lasts = [payload >> params.output_word_bits for payload in payloads]
    tile = [0] * (params.rows - 1) + [1]
    assert lasts == tile * (len(payloads) // params.rows), f"{label}: last"
    assert not trace["o.valid"][-1], f"{label}: a word too many"
    assert not trace["busy"][-1], f"{label}: busy at the end"


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
    "narrow": params_of("2x2/3 int2 uint2 ii", accumulator_bits=8),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("stall", "o_stall"), [(s, s) for s in STALLS] + [("none", "random")])
def test_products_and_cycles(name, stall, o_stall):
    params = CASES[name]
    rng = np.random.default_rng(SEED)
    r, c, lanes = params.rows, params.cols, params.lanes
    shapes = [(2 * r - 1, lanes + 1, 2 * c + 1), (1, 1, 1), (r + 1, 3 * lanes, c)]
    jobs = [
        Job(params, shape, rng, subpanels=s) for shape, s in zip(shapes, (2, 1, 1), strict=True)
    ]
    label = f"{name} {stall} {o_stall}"
    trace = run(params, jobs, stall, o_stall)
    check_results(params, jobs, trace, label)
    check_law(params, jobs, trace, label)
    if (stall, o_stall) == ("none", "none"):
        cycles = trace.times("o")[-1] - trace.times("command")[0] + 1
        assert cycles == kernel_cycles(params, [job.loops for job in jobs]), label


@pytest.mark.parametrize("name", ["flat", "square", "outer_flat"])
def test_slow_destination_holds_tiles_up(name):
    """Tiles of one block each: the output FIFO fills and its room decides every start."""
    params = CASES[name]
    num_tiles = cost.output_tiles(params) + 4
    rng = np.random.default_rng(SEED)
    job = Job(params, (num_tiles * params.rows, 1, params.cols), rng)
    trace = run(params, [job], "none", "one_in_four")
    assert any(trace["wait_output"])
    check_results(params, [job], trace, name)
    check_law(params, [job], trace, name)
