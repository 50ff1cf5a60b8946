"""Requantizer: golden model against float32 and onnxruntime, hardware against golden model."""

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from amaranth.sim import Simulator
from tilewright.hw.lib.cost import requantize_latency, requantize_settings_latency
from tilewright.hw.lib.requantize import Requantizer
from tilewright.hw.lib.requantize_params import RequantizeParams, decode_scale, encode_scale
from tilewright.sim.golden.requantize import requantize, wrap

SEED = 20
EXACT = RequantizeParams()
FIXED = RequantizeParams(mode="fixed")


def float32_words(scales):
    return np.asarray(scales, np.float32).view(np.uint32).astype(np.int64)


def edge_accumulators(bits):
    """Powers of two and their neighbours, ties at 24 bits, extremes."""
    powers = 1 << np.arange(bits - 1, dtype=np.int64)
    near = np.concatenate([powers + d for d in (-2, -1, 0, 1, 2)])
    ties = [0xFFFFFF, 0x1000001, 0x1000003, 0x1FFFFFF, 0x3FFFFFE, 0x2000002, 0x2000006, 0x3FFFFFF]
    values = np.concatenate([near, np.array(ties), [0, 1, 3, 5, 0x555555]])
    values = np.concatenate([values, -values, [-(1 << (bits - 1)), (1 << (bits - 1)) - 1]])
    return np.unique(wrap(values, bits))


def edge_scales():
    """Powers of two (ties when rounding to integer), full mantissas, products that carry."""
    mantissas = (0, 1, 0x7FFFFF, 0x400000, 0x3FFFFF, 0x400001, 0x2AAAAA, 0x555555)
    exponents = (1, 60, 95, 100, 103, 110, 118, 119, 120, 124, 126, 127, 128, 134, 140, 200, 254)
    return np.array([(e << 23) | m for e in exponents for m in mantissas], np.int64)


def float32_requantize(accumulators, words, zero_point):
    with np.errstate(over="ignore"):
        scales = words.astype(np.uint32).view(np.float32)
        rounded = np.rint(accumulators.astype(np.float32) * scales).astype(np.float64)
    return np.clip(rounded + zero_point, -128, 127).astype(np.int64)


def test_golden_equals_float32_on_random_values():
    rng = np.random.default_rng(SEED)
    n = 1_100_000
    for _ in range(2):
        accumulators = rng.integers(-(1 << 31), 1 << 31, n) >> rng.integers(0, 31, n)
        # results within a few times the int8 range
        target = rng.uniform(-400, 400, n)
        scales = np.abs(target / np.where(accumulators == 0, 1, accumulators)) + 1e-30
        words = float32_words(scales)
        got = requantize(accumulators, 0, words, EXACT, zero_point=-5)
        expected = float32_requantize(accumulators, words, -5)
        wrong = np.flatnonzero(got != expected)
        assert wrong.size == 0, f"seed {SEED}, index {wrong[0]}: {got[wrong[0]]}"


def test_golden_equals_float32_on_edges():
    accumulators, words = np.meshgrid(edge_accumulators(32), edge_scales())
    got = requantize(accumulators, 0, words, EXACT, zero_point=7)
    np.testing.assert_array_equal(got, float32_requantize(accumulators, words, 7))


def test_golden_equals_onnxruntime():
    """QLinearConv 1x1 with bias: int32 accumulators of full size, per-channel scales."""
    onnxruntime = pytest.importorskip("onnxruntime")
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(SEED)
    depth, channels, rows = 96, 32, 2000
    x = rng.integers(-128, 128, (1, depth, 1, rows)).astype(np.int8)
    w = rng.integers(-127, 128, (channels, depth, 1, 1)).astype(np.int8)
    bias = rng.integers(-100000, 100000, channels).astype(np.int32)
    w_scale = rng.uniform(1e-4, 4e-3, channels).astype(np.float32)
    x_scale, y_scale = np.float32(0.0371), np.float32(0.23)
    constants = {
        "xs": x_scale, "xz": np.int8(0), "w": w, "ws": w_scale, "wz": np.zeros(channels, np.int8),
        "ys": y_scale, "yz": np.int8(-11), "bias": bias,
    }  # fmt: skip
    inputs = ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz", "bias"]
    graph = helper.make_graph(
        [helper.make_node("QLinearConv", inputs, ["y"])],
        "requantize",
        [helper.make_tensor_value_info("x", TensorProto.INT8, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.INT8, (1, channels, 1, rows))],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    expected = session.run(None, {"x": x})[0][0, :, 0, :].astype(np.int64)
    accumulators = w[:, :, 0, 0].astype(np.int64) @ x[0, :, 0, :].astype(np.int64)
    words = float32_words((x_scale * w_scale) / y_scale)
    got = requantize(accumulators, bias[:, None].astype(np.int64), words[:, None], EXACT, -11)
    np.testing.assert_array_equal(got, expected)


def test_golden_by_hand():
    half = encode_scale(0.5, "exact")
    values = np.array([1, 3, 5, -1, -3, -5, 255, -257, 1 << 30])
    expected = [0, 2, 2, 0, -2, -2, 127, -128, 127]
    np.testing.assert_array_equal(requantize(values, 0, half, EXACT), expected)
    fixed_half = encode_scale(0.5, "fixed", 8)
    np.testing.assert_array_equal(requantize(values, 0, fixed_half, FIXED), expected)
    assert requantize(np.array([0x7FFFFFFF]), 1, half, EXACT)[0] == -128  # the sum wraps


@pytest.mark.parametrize("bits", [4, 8, 16, 24])
def test_encoded_fixed_scale_is_near(bits):
    rng = np.random.default_rng(SEED)
    for scale in [*np.exp(rng.uniform(-40, 2, 200)), 0.5, 1.0, 1 - 2**-30]:
        word = encode_scale(float(scale), "fixed", bits)
        assert abs(decode_scale(word, "fixed") / scale - 1) <= 2.0**-bits, f"seed {SEED}: {scale}"
        assert (word & 0xFFFFFF).bit_length() == bits


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf"), 1e39, 3.5e38, 1e-40])
def test_scales_that_are_refused(scale):
    with pytest.raises(ValueError, match="scale"):
        encode_scale(scale, "exact")


def simulate(params, columns):
    """One value per cycle; columns: accumulator, bias, scale, zero point, minimum, maximum."""
    dut = Requantizer(params)
    members = (dut.accumulator, dut.bias, dut.scale, dut.zero_point, dut.minimum, dut.maximum)
    latency, got = requantize_latency(params), []
    rows = list(zip(*(np.asarray(c).tolist() for c in columns), strict=True))

    async def bench(ctx):
        for index in range(len(rows) + latency):
            for member, value in zip(members, rows[min(index, len(rows) - 1)], strict=True):
                ctx.set(member, value)
            if index >= latency:
                got.append(ctx.get(dut.result))
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-8)
    simulator.add_testbench(bench)
    simulator.run()
    return np.array(got)


def random_values(params, rng, count):
    """Values whose results lie around the output range, edges among them, changing settings."""
    low, high = params.output_range
    accumulators = rng.integers(-(1 << 47), 1 << 47, count) >> rng.integers(0, 47, count)
    edges = edge_accumulators(params.accumulator_bits)
    accumulators[: count // 2] = rng.choice(edges, count // 2)
    accumulators = wrap(accumulators, params.accumulator_bits)
    bias = rng.choice([0, 0, 1, -1, 12345, -(1 << 31), (1 << 31) - 1], count)
    total = np.abs(wrap(accumulators + bias, params.accumulator_bits)).astype(float)
    scales = rng.uniform(0, 1.5 * (high - low), count) / np.maximum(total, 1) + 1e-30
    ties = np.exp2(rng.integers(-30, 3, count))
    scales = np.where(rng.random(count) < 0.3, ties, scales)
    if params.mode == "fixed":
        scales = np.minimum(scales, 0.9 * 2.0**params.multiplier_bits)
    words = [encode_scale(float(s), params.mode, params.multiplier_bits) for s in scales]
    words = np.array(words, np.int64)
    if params.mode == "exact":
        is_edge = rng.random(count) < 0.2
        words = np.where(is_edge, rng.choice(edge_scales(), count), words)
    zero_point = rng.integers(low, high + 1, count)
    minimum = rng.integers(low, high + 1, count)
    maximum = np.maximum(minimum, rng.integers(low, high + 1, count))
    is_full = rng.random(count) < 0.8
    minimum, maximum = np.where(is_full, low, minimum), np.where(is_full, high, maximum)
    return accumulators, bias, words, zero_point, minimum, maximum


@pytest.mark.parametrize(
    "params",
    [
        EXACT,
        replace(EXACT, output_is_signed=False),
        replace(EXACT, accumulator_bits=8),
        replace(EXACT, accumulator_bits=20, output_bits=2),
        replace(EXACT, accumulator_bits=24, output_bits=4, output_is_signed=False),
        replace(EXACT, accumulator_bits=25),
        replace(EXACT, accumulator_bits=48, output_bits=16),
        FIXED,
        replace(FIXED, multiplier_bits=4, accumulator_bits=8),
        replace(FIXED, multiplier_bits=8, accumulator_bits=20, output_is_signed=False),
        replace(FIXED, multiplier_bits=16),
        replace(FIXED, accumulator_bits=48, output_bits=16),
    ],
    ids=str,
)
def test_hardware_equals_golden(params):
    rng = np.random.default_rng(SEED)
    count = 6000 if params in (EXACT, FIXED) else 1500
    columns = random_values(params, rng, count)
    accumulators, bias, words, zero_point, minimum, maximum = columns
    expected = requantize(accumulators, bias, words, params, zero_point, minimum, maximum)
    got = simulate(params, columns)
    wrong = np.flatnonzero(got != expected)
    detail = [(int(i), [int(c[i]) for c in columns], got[i], expected[i]) for i in wrong[:3]]
    assert wrong.size == 0, (
        f"seed {SEED}: {wrong.size} wrong; index, inputs, got, expected: {detail}"
    )


def middle_ties():
    """(accumulator, scale): the product is half a 24-bit ulp beside an integer and a half.

    x * y = 2 q + 1 or 2 q - 1 where q, of 24 bits, stands for an odd number of halves: rounding the
    product to 24 bits is a tie that gives q, and rounding q to an integer is another.
    """
    pairs = []
    for halves in range(3, 256, 2):
        q = halves << (24 - halves.bit_length())
        for product in (2 * q + 1, 2 * q - 1):
            factors = (d for d in range(3, 5000, 2) if product % d == 0)
            x = next((d for d in factors if (product // d).bit_length() <= 24), None)
            if x is not None:
                pairs.append((x, math.ldexp(product // x, halves.bit_length() - 26)))
    return pairs


def test_ties_of_the_product():
    """Leaving out the middle rounding gives other results: it is there, and half to even."""
    accumulators, scales = zip(*middle_ties(), strict=True)
    words = float32_words(scales)
    zeros = np.zeros(len(words), np.int64)
    expected = float32_requantize(np.array(accumulators), words, 0)
    once = [round(Fraction(a) * Fraction(s)) for a, s in middle_ties()]
    assert np.sum(np.minimum(once, 127) != expected) > 50
    np.testing.assert_array_equal(requantize(np.array(accumulators), 0, words, EXACT), expected)
    columns = (accumulators, zeros, words, zeros, zeros - 128, zeros + 127)
    np.testing.assert_array_equal(simulate(EXACT, columns), expected)


def test_subnormal_scale_counts_as_zero():
    columns = ([1 << 30, -(1 << 31)], [0, 0], [0x7FFFFF, 1], [5, 5], [-128] * 2, [127] * 2)
    np.testing.assert_array_equal(simulate(EXACT, columns), [5, 5])


def test_static_settings_are_taken_at_their_stage():
    """A change of settings between two values is seen by the later one alone."""
    params = replace(EXACT, settings_are_static=True)
    early = requantize_settings_latency(params)
    count, change = 60, 20
    accumulators = np.arange(count) * 3
    one = np.full(count, encode_scale(1.0, "exact"))
    zero_point = np.where(np.arange(count) < change, 0, 9)
    shifted = np.concatenate([np.zeros(early, int), zero_point])[:count]
    limits = (np.full(count, -128), np.full(count, 127))
    columns = (accumulators, np.zeros(count, int), one, shifted, *limits)
    expected = requantize(accumulators, 0, one, params, zero_point)
    np.testing.assert_array_equal(simulate(params, columns), expected)
