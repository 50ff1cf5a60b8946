"""Accumulators and their requantisation: plain loops, bounds, and by hand."""

import itertools

import numpy as np
import pytest
from tilewright.dataflow.graph import Graph, Op, Tensor
from tilewright.dataflow.operators import KINDS
from tilewright.hw.lib.requantize_params import RequantizeParams
from tilewright.sim.golden import ops_accumulate
from tilewright.sim.golden.ops_accumulate import exact_type, scaled, wrapped
from tilewright.sim.golden.requantize import requantize
from tilewright.sim.golden.run import run


def extreme(rng, number_format):
    """A zero point anywhere, often at an end."""
    info = np.iinfo(number_format)
    return int(rng.choice([info.min, info.max, 0, rng.integers(info.min, info.max + 1)]))


def raw(kind, x, w, x_zero, w_zero, attributes):
    """The accumulators of one op."""
    tensors = [
        Tensor(name=name, shape=data.shape, number_format=data.dtype.name, scale=(1.0,),
               zero_point=(zero,), role="input", layout="")
        for name, data, zero in (("x", x, x_zero), ("w", w, w_zero))
    ]  # fmt: skip
    shape = shape_of(kind, x, w, attributes)
    y = Tensor(name="y", shape=shape, number_format="int32", role="output")
    op = Op(name="op", kind=kind, inputs=("x", "w"), outputs=("y",), attributes=attributes)
    return run(Graph(name="raw", ops=(op,), tensors=(*tensors, y)), {"x": x, "w": w})["y"]


def shape_of(kind, x, w, attributes):
    return KINDS[kind].shape([x.shape, w.shape], attributes)


def plain_convolution(x, w, strides, pads, dilations, groups):
    """Every product on its own, in Python's integers."""
    batch, _, *spatial = x.shape
    filters, part, *kernel = w.shape
    rank = len(kernel)
    extents = [
        (n + pads[a] + pads[rank + a] - dilations[a] * (kernel[a] - 1) - 1) // strides[a] + 1
        for a, n in enumerate(spatial)
    ]
    sums = np.zeros((batch, filters, *extents), object)
    for b, k, *at in np.ndindex(batch, filters, *extents):
        for c, *tap in np.ndindex(part, *kernel):
            where = [p * s + t * d - q for p, s, t, d, q in
                     zip(at, strides, tap, dilations, pads[:rank], strict=True)]  # fmt: skip
            if all(0 <= index < n for index, n in zip(where, spatial, strict=True)):
                channel = k // (filters // groups) * part + c
                sums[b, k, *at] += int(x[b, channel, *where]) * int(w[k, c, *tap])
    return sums


def plain_transposed_convolution(x, w, strides, pads, dilations, groups, more):
    """Every input adds its multiple of the filter."""
    batch, channels, *spatial = x.shape
    _, part, *kernel = w.shape
    rank = len(kernel)
    extents = [
        strides[a] * (n - 1)
        + dilations[a] * (kernel[a] - 1)
        + 1
        + more[a]
        - pads[a]
        - pads[rank + a]
        for a, n in enumerate(spatial)
    ]
    sums = np.zeros((batch, part * groups, *extents), object)
    for b, c, *at in np.ndindex(batch, channels, *spatial):
        for k, *tap in np.ndindex(part, *kernel):
            where = [p * s + t * d - q for p, s, t, d, q in
                     zip(at, strides, tap, dilations, pads[:rank], strict=True)]  # fmt: skip
            if all(0 <= index < n for index, n in zip(where, extents, strict=True)):
                filter_index = c // (channels // groups) * part + k
                sums[b, filter_index, *where] += int(x[b, c, *at]) * int(w[c, k, *tap])
    return sums


@pytest.mark.parametrize("formats", [("int8", "int8"), ("uint8", "uint8"), ("int16", "int16")])
def test_accumulators_equal_plain_loops(formats):
    rng = np.random.default_rng(7)
    for strides, dilations, groups, more in itertools.product((1, 2), (1, 2), (1, 2), (0, 1)):
        x, w = (
            rng.integers(np.iinfo(fmt).min, np.iinfo(fmt).max, shape, fmt, endpoint=True)
            for fmt, shape in zip(formats, ((2, 4, 4, 5), (4, 4 // groups, 3, 2)), strict=True)
        )
        x_zero, w_zero = (extreme(rng, fmt) for fmt in formats)
        window = {"strides": (strides, 1), "pads": (1, 0, 2, 1), "dilations": (1, dilations)}
        centred = x.astype(np.int64) - x_zero, w.astype(np.int64) - w_zero
        want = plain_convolution(*centred, *window.values(), groups)
        got = raw("conv", x, w, x_zero, w_zero, window | {"groups": groups})
        assert np.array_equal(got, to_32_bits(want)), (strides, dilations, groups)
        more = (min(more, strides - 1), 0)
        want = plain_transposed_convolution(*centred, *window.values(), groups, more)
        got = raw("conv_transpose", x, w, x_zero, w_zero,
                  window | {"groups": groups, "output_padding": more})  # fmt: skip
        assert np.array_equal(got, to_32_bits(want)), (strides, dilations, groups, more)


def to_32_bits(values):
    return ((values + 2**31) % 2**32 - 2**31).astype(np.int32)


def test_accumulators_wrap():
    """70,000 products of -128 by -128 and 127 exceed 31 bits; int16 needs 64-bit sums to wrap."""
    x, w = np.full((1, 140_000), -128, np.int8), np.full((140_000, 2), -128, np.int8)
    w[:, 1] = 127
    got = raw("matmul", x, w, 127, 127, {})
    exact = [140_000 * 255 * 255, 0]
    assert got.tolist() == [[(exact[0] + 2**31) % 2**32 - 2**31, 0]]
    x, w = np.full((1, 70_000), -(2**15), np.int16), np.full((70_000, 1), 2**15 - 1, np.int16)
    exact = 70_000 * -(2**15) * (2**15 - 1)
    assert raw("matmul", x, w, 0, 0, {}).tolist() == [[(exact + 2**31) % 2**32 - 2**31]]


def test_fast_sums_are_exact_up_to_their_bounds():
    assert exact_type(2**24) is np.float32
    assert exact_type(2**24 + 1) is np.float64
    assert exact_type(2**53) is np.float64
    assert exact_type(2**53 + 1) is np.int64
    for values, kind in [([2**24, -(2**24)], np.float32), ([2**53, 2**32 + 5], np.float64),
                         ([-(2**63), 2**63 - 1], np.int64)]:  # fmt: skip
        want = [(value + 2**31) % 2**32 - 2**31 for value in values]
        assert wrapped(np.array(values, kind)).tolist() == want


def test_float32_steps_equal_the_integer_definition():
    """`scaled` against `requantize`, which spells float32 out in integers."""
    rng = np.random.default_rng(11)
    totals = np.concatenate([
        rng.integers(-(2**31), 2**31, 300_000),
        (rng.integers(-(2**31), 2**31, 300_000) >> rng.integers(0, 31, 300_000)),
        np.array([0, 1, -1, 2**24 + 1, 2**24 + 3, -(2**31), 2**31 - 1]),
    ])  # fmt: skip
    scales = np.exp(rng.uniform(-22, 1, len(totals))).astype(np.float32)
    ties = rng.integers(0, 2, len(totals)) == 1
    scales[ties] = 2.0 ** rng.integers(-24, 1, int(ties.sum()))
    words = scales.view(np.uint32).astype(np.int64)
    want = requantize(totals, 0, words, RequantizeParams(output_bits=16))
    got = np.clip(scaled(totals.astype(np.int32), scales), -(2**15), 2**15 - 1)
    wrong = np.flatnonzero(got != want)
    assert not len(wrong), f"seed 11: {totals[wrong[:3]]} by {scales[wrong[:3]]}"


def one_result(x, w, bias, scale, x_zero=0, y=(0, -128, 127), y_format="int8"):
    """A matmul of one row by hand: numbers in, numbers out."""
    constants = {"w": np.array(w, np.int8), "b": np.array(bias, np.int32),
                 "s": np.array(scale, np.float32)}  # fmt: skip
    activation = np.array([x], np.int8)
    tensors = [
        Tensor(name="x", shape=activation.shape, number_format="int8", scale=(1.0,),
               zero_point=(x_zero,), role="input"),
        *(Tensor(name=name, shape=data.shape, number_format=data.dtype.name, role="constant",
                 data=data) for name, data in constants.items()),
        Tensor(name="y", shape=(1, len(bias)), number_format=y_format, role="output"),
    ]  # fmt: skip
    op = Op(name="op", kind="matmul", inputs=("x", "w", "b", "s"), outputs=("y",),
            attributes=dict(zip(("zero_point", "minimum", "maximum"), y, strict=True)))  # fmt: skip
    return run(Graph(name="hand", ops=(op,), tensors=tuple(tensors)), {"x": activation})["y"][0]


def test_matrix_products_by_hand():
    # (3 - 1) * 5 = 10, + 1 = 11, * .5 = 5.5 -> 6; (3 - 1) * -2 - 1 = -5, * .5 = -2.5 -> -2
    assert one_result([3], [[5, -2]], [1, -1], [0.5, 0.5], x_zero=1).tolist() == [6, -2]
    # half to even first, then the zero point: 4.5 -> 4, + 11
    assert one_result([9], [[1]], [0], [0.5], y=(11, -128, 127)).tolist() == [15]
    # saturation at both ends and at a Relu's
    assert one_result([100], [[100, -100]], [0, 0], [1, 1]).tolist() == [127, -128]
    assert one_result([100], [[1, -1]], [0, 0], [1, 1], y=(-9, -9, 50)).tolist() == [50, -9]
    # a scale that overflows float32, one that underflows
    assert one_result([1], [[1, -1]], [2**30, 2**30], [3e38, 1e-44]).tolist() == [127, 0]
    # the bias wraps
    assert one_result([1], [[1]], [2**31 - 1], [2.0**-24]).tolist() == [-128]
    # 16 bits of result keep what float32 keeps
    assert one_result([127], [[127]], [0], [2.0], y=(-3, -(2**15), 2**15 - 1),
                      y_format="int16").tolist() == [32255]  # fmt: skip


def test_a_convolution_by_hand():
    """A 2 x 2 filter over 2 x 2 inputs with one column of padding, which counts as zero."""
    x = np.array([[[[3, 5], [7, 9]]]], np.int8)
    w = np.array([[[[1, 2], [-1, 4]]]], np.int8)
    window = {"strides": (1, 1), "pads": (0, 1, 0, 0), "dilations": (1, 1), "groups": 1}
    # centred by 1: [[2, 4], [6, 8]]; left: 0 1 + 2 2 + 0 -1 + 6 4; right: 2 + 8 - 6 + 32
    assert raw("conv", x, w, 1, 0, window).tolist() == [[[[28, 36]]]]
    # transposed: every input times the filter, without the column on the left
    transposed = raw("conv_transpose", x, w, 1, 0, window | {"output_padding": (0, 0)})
    assert transposed.tolist() == [[[[8, 8], [24, 32], [16, 32]]]]


@pytest.mark.parametrize("planted", [np.float16, np.float32])
def test_a_planted_bug_is_noticed(monkeypatch, planted):
    """Sums in a type that does not hold them."""
    monkeypatch.setattr(ops_accumulate, "exact_type", lambda bound: planted)
    numbers = np.random.default_rng(1).integers(-128, 128, (2, 9000), np.int8)
    with np.errstate(over="ignore", invalid="ignore"):
        got = raw("matmul", numbers, numbers.T.copy(), 0, 0, {})
    assert not np.array_equal(got, numbers.astype(np.int64) @ numbers.T)
