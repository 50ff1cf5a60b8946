"""Convolutions and matrix products: onnxruntime's integers."""

import numpy as np
import pytest
from tilewright.sim.golden import ops_accumulate
from tilewright.sim.golden.oracle import processor_flags
from tilewright.sim.golden.run import run

# x, w, strides, pads, dilations, groups
CONVOLUTIONS = [
    ((2, 3, 9, 8), (5, 3, 3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 1),
    ((1, 8, 12, 7), (16, 8, 1, 1), (2, 1), (0, 0, 0, 0), (1, 1), 1),
    ((2, 6, 10, 11), (6, 1, 3, 3), (2, 2), (0, 1, 2, 1), (1, 1), 6),
    ((1, 4, 9, 9), (8, 1, 3, 5), (1, 1), (1, 2, 1, 2), (1, 1), 4),
    ((1, 6, 11, 13), (9, 2, 3, 2), (1, 2), (2, 0, 1, 3), (2, 3), 3),
    ((3, 16, 20), (12, 16, 5), (2,), (1, 3), (2,), 1),
    ((2, 5, 17), (5, 1, 4), (1,), (3, 0), (1,), 5),
    ((1, 2, 4, 5, 6), (3, 2, 2, 3, 2), (1, 2, 1), (0, 1, 0, 1, 1, 1), (1, 1, 2), 1),
]
KINDS = {"Conv": "conv", "ConvTranspose": "conv_transpose", "Gemm": "matmul", "MatMul": "matmul"}
FORMATS = [("int8", "int8"), ("uint8", "uint8"), ("uint8", "int8")]


@pytest.fixture(scope="session")
def accumulating(quantised, single_op):
    """`accumulating(node, shapes, formats, seed, ...)`: constant weights, a bias, random scales."""

    def make(node, x_shape, w_shape, formats, seed, axis=None, **options):
        kind = KINDS[node]
        rng = np.random.default_rng(seed)
        x_format, w_format = formats
        is_per_channel = axis is not None
        groups = options.get("attributes", {}).get("groups", 1)
        channels = {"Conv": w_shape[0], "ConvTranspose": w_shape[1] * groups}.get(node, w_shape[-1])
        terms = int(np.prod(w_shape)) // channels
        x_zero, y_zero = (extreme(rng, x_format) for _ in range(2))
        w_zero = 0 if is_per_channel and w_format == "int8" else extreme(rng, w_format)
        w_scales = np.exp(rng.uniform(-7, -3, channels if is_per_channel else 1))
        w_scales = w_scales.astype(np.float32)
        x_scale = np.float32(np.exp(rng.uniform(-5, 0)))
        spread = rng.uniform(10, 90)  # of the products behind one step of the result
        y_scale = np.float32(x_scale * w_scales.mean() * terms**0.5 * spread)
        weights = rng.integers(*weight_range(formats), w_shape, w_format)
        x = quantised(name="x", number_format=x_format, scale=x_scale, zero_point=x_zero,
                      shape=x_shape)  # fmt: skip
        w = quantised(name="w", number_format=w_format, zero_point=w_zero, data=weights,
                      scale=w_scales if is_per_channel else w_scales[0], axis=axis)  # fmt: skip
        y = quantised(name="y", number_format=x_format, scale=y_scale, zero_point=y_zero)
        bias = rng.integers(-3000 * terms, 3000 * terms, channels, np.int32)
        return accumulating_op(single_op, quantised, kind, node, x, w, y, bias, options)

    return make


def weight_range(formats):
    """Where onnxruntime's sums of uint8 by int8 saturate, weights of 7 bits: half-open."""
    if formats == ("uint8", "int8") and not processor_flags(("avx_vnni", "avx512_vnni")):
        return -64, 64
    info = np.iinfo(formats[1])
    return info.min, info.max + 1


def extreme(rng, number_format):
    """A zero point anywhere, often at an end."""
    info = np.iinfo(number_format)
    return int(rng.choice([info.min, info.max, 0, rng.integers(info.min, info.max + 1)]))


def accumulating_op(single_op, quantised, kind, node, x, w, y, bias, options):
    """`bias` goes to the node too, except to MatMul, which has none."""
    channels = len(bias)
    scales = np.broadcast_to((x.scales * w.scales).astype(np.float32), (channels,))
    if node == "MatMul":
        bias = np.zeros_like(bias)
    is_scalar = w.axis is None
    third = quantised(name="b", number_format="int32", data=bias, axis=None if is_scalar else 0,
                      scale=scales[0] if is_scalar else scales, zero_point=0)  # fmt: skip
    low, high = np.iinfo(y.number_format).min, np.iinfo(y.number_format).max
    limits = {"zero_point": int(y.zero_points[0]), "minimum": low, "maximum": high}
    return single_op(
        kind=kind,
        node=node,
        operands=[x, w],
        result=y,
        attributes=options.get("attributes", {}) | limits,
        node_attributes=options.get("node_attributes", {}),
        more={"bias": bias, "scale": (scales / y.scales).astype(np.float32)},
        node_operands=[] if node == "MatMul" else [third],
    )


def windows(strides, pads, dilations, groups):
    ours = {"strides": strides, "pads": pads, "dilations": dilations, "groups": groups}
    theirs = {"strides": strides, "pads": pads, "dilations": dilations, "group": groups}
    return {"attributes": ours, "node_attributes": theirs}


@pytest.mark.parametrize("formats", FORMATS, ids="-".join)
def test_convolutions_equal_onnxruntime(accumulating, formats):
    for number, (x, w, *window) in enumerate(CONVOLUTIONS):
        for axis in (None, 0):
            seed = 10 * number + (axis is None)
            op = accumulating("Conv", x, w, formats, seed, axis, **windows(*window))
            wrong, total = op.differences(seed, kernel="QLinearConv")
            assert not wrong, f"{x} {w} {window} seed {seed}: {wrong} of {total}"


@pytest.mark.parametrize("formats", FORMATS, ids="-".join)
def test_matrix_products_equal_onnxruntime(accumulating, formats):
    for number, (x, w) in enumerate([((5, 7), (7, 9)), ((1, 64), (64, 1)), ((33, 130), (130, 17))]):
        for axis in (None, 1):
            seed = 50 + 10 * number + (axis is None)
            gemm = accumulating("Gemm", x, w, formats, seed, axis)
            wrong, total = gemm.differences(seed, kernel="QGemm")
            assert not wrong, f"Gemm {x} {w} seed {seed}: {wrong} of {total}"
            product = accumulating("MatMul", (3, *x), w, formats, seed, axis)
            wrong, total = product.differences(seed, kernel="QLinearMatMul")
            assert not wrong, f"MatMul {x} {w} seed {seed}: {wrong} of {total}"


@pytest.mark.parametrize("formats", [("int8", "int8"), ("uint8", "uint8")], ids="-".join)
def test_sums_wrap_as_onnxruntime_s_do(quantised, single_op, formats):
    """140,000 products of the ends: sums far beyond 31 bits, and a bias at the end of them."""
    low, high = np.iinfo(formats[0]).min, np.iinfo(formats[0]).max
    rng = np.random.default_rng(4)
    weights = rng.choice([low, high], (140_000, 6)).astype(formats[1])
    weights[:, :2] = [low, high]
    bias = np.array([2**31 - 1, -(2**31), 0, 1, -1, 2**30], np.int32)
    for zero_point in (low, high):
        x = quantised(name="x", number_format=formats[0], scale=1.0, zero_point=zero_point,
                      shape=(3, 140_000))  # fmt: skip
        other = low + high - zero_point
        w = quantised(name="w", number_format=formats[1], zero_point=other, data=weights)
        y = quantised(
            name="y", number_format=formats[0], scale=2.0**24, zero_point=(low + high) // 2
        )
        op = accumulating_op(single_op, quantised, "matmul", "Gemm", x, w, y, bias, {})
        wrong, total = op.differences(4, kernel="QGemm")
        assert not wrong, f"zero point {zero_point}: {wrong} of {total}"


def test_zero_points_of_columns_equal_onnxruntime(quantised, single_op):
    """Weights with a scale and a zero point for each column."""
    for seed, (node, kernel) in enumerate([("Gemm", "QGemm"), ("MatMul", "QLinearMatMul")]):
        rng = np.random.default_rng(seed)
        weights = rng.integers(0, 256, (40, 30), np.uint8)
        x = quantised(name="x", number_format="uint8", scale=0.02, zero_point=255, shape=(50, 40))
        w = quantised(name="w", number_format="uint8", data=weights, axis=1,
                      scale=np.exp(rng.uniform(-6, -3, 30)).astype(np.float32),
                      zero_point=rng.integers(0, 256, 30))  # fmt: skip
        y = quantised(name="y", number_format="uint8", scale=0.3, zero_point=128)
        bias = rng.integers(-9999, 9999, 30, np.int32)
        op = accumulating_op(single_op, quantised, "matmul", node, x, w, y, bias, {})
        wrong, total = op.differences(seed, kernel=kernel)
        assert not wrong, f"{node}: {wrong} of {total}"


@pytest.mark.parametrize("formats", [("int8", "int8"), ("uint8", "uint8")], ids="-".join)
def test_products_of_two_activations_equal_onnxruntime(quantised, single_op, formats):
    for seed, (left, right) in enumerate(
        [((2, 3, 5, 8), (2, 3, 8, 6)), ((1, 4, 7), (5, 7, 3)), ((6, 9), (9, 4))]
    ):
        rng = np.random.default_rng(seed)
        x, w = (
            quantised(name=name, number_format=fmt, scale=np.float32(rng.uniform(0.01, 0.1)),
                      zero_point=extreme(rng, fmt), shape=shape)
            for name, fmt, shape in zip("xw", formats, (left, right), strict=True)
        )  # fmt: skip
        y_scale = x.scales[0] * w.scales[0] * np.float32(99 * left[-1] ** 0.5)
        y = quantised(name="y", number_format=formats[0], zero_point=extreme(rng, formats[0]),
                      scale=y_scale)  # fmt: skip
        op = accumulating_op(single_op, quantised, "matmul", "MatMul", x, w, y,
                             np.zeros(right[-1], np.int32), {})  # fmt: skip
        wrong, total = op.differences(seed, kernel="QLinearMatMul")
        assert not wrong, f"{left} {right}: {wrong} of {total}"


@pytest.mark.slow
@pytest.mark.parametrize("formats", FORMATS, ids="-".join)
def test_millions_of_sums_equal_onnxruntime(accumulating, formats):
    checked = dict.fromkeys(("QLinearConv", "QGemm", "QLinearMatMul"), 0)
    for seed in range(20):
        channels, groups = [(32, 1), (48, 48)][seed % 2]
        window = windows((1, 1), (1, 1, 1, 1), (1, 1), groups)
        shapes = (4, channels, 48, 48), (channels, channels // groups, 3, 3)
        axis = seed // 2 % 2
        ops = {
            "QLinearConv": accumulating("Conv", *shapes, formats, 900 + seed, [None, 0][axis],
                                        **window),
            "QGemm": accumulating("Gemm", (999, 200 + seed), (200 + seed, 255), formats, seed,
                                  [None, 1][axis]),
            "QLinearMatMul": accumulating("MatMul", (3, 333, 200 + seed), (200 + seed, 255),
                                          formats, seed, [None, 1][axis]),
        }  # fmt: skip
        for kernel, op in ops.items():
            wrong, total = op.differences(seed, kernel=kernel)
            assert not wrong, f"{kernel} seed {seed}: {wrong} of {total}"
            checked[kernel] += total
    assert min(checked.values()) > 10_000_000


FLOAT_KERNELS = [  # node, formats, most results that may differ of 100,000, by one step
    ("ConvTranspose", ("int8", "int8"), 10),
    ("ConvTranspose", ("uint8", "int8"), 10),
    ("ConvTranspose", ("int16", "int8"), 150),
    ("Conv", ("int8", "uint8"), 10),
    ("Conv", ("int16", "int8"), 400),
]


@pytest.mark.parametrize(("node", "formats", "most"), FLOAT_KERNELS)
def test_distance_to_float_kernels(accumulating, node, formats, most):
    """Where onnxruntime sums floats, few results differ, and by one step (docs/numbers.md)."""
    wrong = total = 0
    for seed in range(3):
        if node == "Conv":
            window = windows((1, 1), (1, 1, 1, 1), (1, 1), 1)
            op = accumulating(node, (2, 16, 20, 20), (16, 16, 3, 3), formats, seed, **window)
        else:
            window = windows((2, 2), (1, 1, 1, 1), (1, 1), 2)
            for attributes in window.values():
                attributes["output_padding"] = (1, 1)
            op = accumulating(node, (2, 16, 20, 20), (16, 8, 3, 3), formats, seed, **window)
        rng = np.random.default_rng(seed)
        given = op.inputs(rng)
        theirs = op.oracle().run(given)["y"].astype(int)
        difference = np.abs(theirs - run(op.graph(theirs.shape), given)["y"])
        assert difference.max() <= 1, f"seed {seed}"
        wrong, total = wrong + int(difference.sum()), total + difference.size
    assert wrong * 100_000 <= most * total, f"{wrong} of {total}"


@pytest.mark.parametrize(
    ("part", "planted"),
    [
        ("scaled", lambda sums, scale: np.rint(sums.astype(np.float64) * np.float64(scale))
         .astype(np.float32)),
        ("scaled", lambda sums, scale: np.floor(sums.astype(np.float32) * scale
                                                + np.float32(0.5))),
        ("_padded", lambda centred, pads: np.pad(
            centred, [(0, 0), (0, 0), *zip(pads[: len(pads) // 2], pads[len(pads) // 2 :],
                                           strict=True)], constant_values=1)),
    ],
    ids=["double", "half up", "padding"],
)  # fmt: skip
def test_a_planted_bug_is_noticed(accumulating, monkeypatch, part, planted):
    monkeypatch.setattr(ops_accumulate, part, planted)
    window = windows((1, 1), (1, 1, 1, 1), (1, 1), 1)
    for seed in range(40):
        op = accumulating("Conv", (4, 8, 40, 40), (16, 8, 3, 3), FORMATS[0], seed, 0, **window)
        if op.differences(seed)[0]:
            return
    raise AssertionError("not noticed")
