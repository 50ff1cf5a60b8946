"""Pools and means: onnxruntime's integers, and by hand."""

from fractions import Fraction

import numpy as np
import pytest
from tilewright.dataflow.graph import Graph, Op, Tensor
from tilewright.sim.golden import float32_steps, ops_window
from tilewright.sim.golden.run import run

# shape, kernel, strides, pads
POOLS = [
    ((2, 3, 12, 11), (2, 2), (2, 2), (0, 0, 0, 0)),
    ((2, 3, 12, 11), (3, 3), (1, 1), (1, 1, 1, 1)),
    ((1, 4, 9, 14), (3, 5), (2, 1), (0, 1, 2, 3)),
    ((2, 5, 31), (4,), (3,), (2, 1)),
    ((1, 2, 5, 6, 7), (2, 3, 2), (1, 2, 1), (1, 0, 1, 0, 2, 0)),
    ((8, 400, 6, 5), (6, 5), (1, 1), (0, 0, 0, 0)),
    ((2, 3, 6, 5), (6, 5), (1, 1), (1, 0, 0, 0)),
]
# shape, axes: reduced axes behind, in front, between, apart, all
MEANS = [
    ((6, 40, 8, 8), (2, 3)),
    ((6, 40, 7, 7), (2, 3)),
    ((1, 99, 3, 5), (2, 3)),
    ((9, 50, 1, 3), (2, 3)),
    ((4, 90, 29), (2,)),
    ((3, 51, 7, 1), (2, 3)),
    ((3, 70, 650), (1,)),
    ((40, 7, 650), (1,)),
    ((900, 61, 1), (1,)),
    ((2, 5, 7, 700), (1, 2)),
    ((64, 6, 40), (0,)),
    ((1, 50, 2000), (1,)),
    ((1, 1, 50, 70), (2,)),
    ((1, 40, 61), (0, 2)),
    ((20, 7, 61, 1), (1, 3)),
    ((40, 1, 61), (1, 2)),
    ((7, 9, 5, 11), (0, 2)),
    ((7, 9, 5, 11), (1, 3)),
    ((5, 67), (0, 1)),
]


@pytest.fixture(scope="session")
def over_axes(quantised, single_op, near_tie):
    """`over_axes(kind, node, shape, count, formats, seed, ...)`: many means close to ties."""

    def make(kind, node, shape, count, formats, seed, **options):
        rng = np.random.default_rng(seed)
        zeros = [int(rng.choice([np.iinfo(f).min, np.iinfo(f).max, rng.integers(0, 100)]))
                 for f in formats]  # fmt: skip
        unit = float(np.exp(rng.uniform(-5, 2)))
        scale = near_tie(rng, unit * rng.choice([1, 2, count / 4]))
        x = quantised(name="x", number_format=formats[0], scale=scale, zero_point=zeros[0],
                      shape=shape)  # fmt: skip
        y = quantised(name="y", number_format=formats[1], scale=unit, zero_point=zeros[1])
        return single_op(kind=kind, node=node, operands=[x], result=y, **options)

    return make


def pool(over_axes, case, formats, seed, counts_padding=0):
    shape, kernel, strides, pads = case
    ones = (1,) * len(kernel)
    ours = {"kernel": kernel, "strides": strides, "pads": pads, "dilations": ones}
    theirs = {"kernel_shape": kernel, "strides": strides, "pads": pads}
    return over_axes(
        "average_pool", "AveragePool", shape, float(np.prod(kernel)), formats, seed,
        attributes=ours | {"counts_padding": counts_padding},
        node_attributes=theirs | {"count_include_pad": counts_padding},
    )  # fmt: skip


def mean(over_axes, case, formats, seed, keeps_axes=1):
    shape, axes = case
    count = float(np.prod([shape[axis] for axis in axes]))
    return over_axes(
        "reduce_mean", "ReduceMean", shape, count, formats, seed,
        attributes={"axes": axes, "keeps_axes": keeps_axes},
        node_attributes={"keepdims": keeps_axes},
        node_constants={"axes": np.array(axes)},
    )  # fmt: skip


@pytest.mark.parametrize("counts_padding", [0, 1])
@pytest.mark.parametrize("number_format", ["int8", "uint8"])
def test_average_pools_equal_onnxruntime(over_axes, number_format, counts_padding):
    for number, case in enumerate(POOLS):
        for seed in range(4 * number, 4 * number + 4):
            op = pool(over_axes, case, (number_format,) * 2, seed, counts_padding)
            wrong, total = op.differences(seed, kernel="QLinearAveragePool")
            assert not wrong, f"{case} seed {seed}: {wrong} of {total}"


def test_average_pools_of_other_formats_equal_onnxruntime(over_axes):
    for formats in [("int16", "int16"), ("int8", "uint8"), ("uint8", "int16")]:
        for number, case in enumerate(POOLS):
            for counts_padding in (0, 1):
                op = pool(over_axes, case, formats, number, counts_padding)
                wrong, total = op.differences(number)
                assert not wrong, f"{formats} {case}: {wrong} of {total}"


@pytest.mark.parametrize("formats", [("int8", "int8"), ("uint8", "uint8"), ("int16", "int16")])
def test_global_average_pools_equal_onnxruntime(over_axes, formats):
    kernel = "QLinearGlobalAveragePool" if "16" not in formats[0] else None
    for number, shape in enumerate([(3, 50, 8, 8), (9, 400, 7, 7), (2, 900, 5), (1, 9, 3, 2, 5)]):
        for seed in range(4 * number, 4 * number + 4):
            count = float(np.prod(shape[2:]))
            op = over_axes("global_average_pool", "GlobalAveragePool", shape, count, formats, seed)
            wrong, total = op.differences(seed, kernel=kernel)
            assert not wrong, f"{shape} seed {seed}: {wrong} of {total}"


@pytest.mark.parametrize("formats", [("int8", "int8"), ("uint8", "uint8"), ("int16", "int16")])
@pytest.mark.usefixtures("fused_kernels")
def test_means_equal_onnxruntime(over_axes, formats):
    for number, case in enumerate(MEANS):
        for seed in range(3 * number, 3 * number + 3):
            op = mean(over_axes, case, formats, seed, keeps_axes=seed % 2)
            wrong, total = op.differences(seed)
            assert not wrong, f"{case} seed {seed}: {wrong} of {total}"


def test_means_of_everything_equal_onnxruntime(over_axes):
    """And of one row, of one column."""
    cases = [((5, 67), (0, 1)), ((1, 335), (1,)), ((335, 1), (0,)), ((67, 1, 5), (0, 2))]
    for seed, case in enumerate(3 * cases):
        op = mean(over_axes, case, ("int16", "int16"), seed)
        wrong, total = op.differences(seed, styles=("uniform",) * 200)
        assert not wrong, f"{case} seed {seed}: {wrong} of {total}"


def test_means_of_several_runs_are_those_of_each(over_axes):
    """Also where the rows of the second run begin at another address."""
    for seed in range(20):
        op = mean(over_axes, ((1, 333, 5, 7), (2, 3)), ("int8", "int8"), seed)
        graph = op.graph((1, 333, 1, 1))
        images = np.random.default_rng(seed).integers(-128, 128, (4, 333, 5, 7), np.int8)
        want = [run(graph, {"x": image[None]})["y"] for image in images]
        assert np.array_equal(run(graph, {"x": images})["y"], np.concatenate(want)), f"seed {seed}"


@pytest.mark.slow
@pytest.mark.parametrize("number_format", ["int8", "uint8"])
@pytest.mark.usefixtures("fused_kernels")
def test_millions_of_means_equal_onnxruntime(over_axes, number_format):
    formats, checked = (number_format,) * 2, 0
    for seed in range(60):
        ops = [
            pool(over_axes, ((8, 32, 32, 32), (3, 3), (1, 1), (1,) * 4), formats, seed, seed % 2),
            mean(over_axes, [((32, 512, 8, 8), (2, 3)), ((31, 511, 5, 7), (2, 3)),
                             ((16, 40, 999), (1,))][seed % 3], formats, seed),
        ]  # fmt: skip
        for op in ops:
            wrong, total = op.differences(seed)
            assert not wrong, f"seed {seed}: {wrong} of {total}"
            checked += total
    assert checked > 10_000_000


def test_greatest_numbers_equal_onnxruntime(quantised, single_op):
    """Also where onnxruntime takes the greatest of the floats."""
    for number_format in ("int8", "uint8"):
        for seed, (shape, kernel, strides, pads) in enumerate(POOLS):
            dilations = (1 + seed % 2,) * len(kernel) if seed < 4 else (1,) * len(kernel)
            window = {"strides": strides, "pads": pads, "dilations": dilations}
            x = quantised(name="x", number_format=number_format, scale=0.1, zero_point=9,
                          shape=shape)  # fmt: skip
            y = quantised(name="y", number_format=number_format, scale=0.1, zero_point=9)
            op = single_op(
                kind="max_pool", node="MaxPool", operands=[x], result=y,
                attributes=window | {"kernel": kernel},
                node_attributes=window | {"kernel_shape": kernel},
            )  # fmt: skip
            wrong, total = op.differences(seed)
            assert not wrong, f"{shape} {kernel}: {wrong} of {total}"


def by_hand(kind, numbers, x, y, shape, **attributes):
    """Our op on plain lists; x and y are (format, scale, zero point)."""
    values = np.array(numbers, x[0])
    tensors = [
        Tensor(name=name, shape=extents, number_format=fmt, scale=(scale,), zero_point=(zero,),
               role=role)
        for name, extents, role, (fmt, scale, zero) in
        (("x", values.shape, "input", x), ("y", shape, "output", y))
    ]  # fmt: skip
    op = Op(name="op", kind=kind, inputs=("x",), outputs=("y",), attributes=attributes)
    return run(Graph(name="hand", ops=(op,), tensors=tuple(tensors)), {"x": values})["y"].tolist()


def test_windows_by_hand():
    window = {"kernel": (2,), "strides": (1,), "pads": (1, 0), "dilations": (1,)}
    row, one = [[[-128, 5, 8]]], ("int8", 1.0, 0)
    assert by_hand("max_pool", row, one, one, (1, 1, 3), **window) == [[[-128, 5, 8]]]
    # -128 alone; (-128 + 5) / 2 = -61.5 -> -62 (even); 6.5 -> 6
    assert by_hand("average_pool", row, one, one, (1, 1, 3), counts_padding=0,
                   **window) == [[[-128, -62, 6]]]  # fmt: skip
    # the padding counts as zero; with zero point 1: -64 + 1; -60.5 -> -60; 7.5 -> 8
    assert by_hand("average_pool", row, one, ("int8", 1.0, 1), (1, 1, 3), counts_padding=1,
                   **window) == [[[-63, -60, 8]]]  # fmt: skip
    assert by_hand("average_pool", row, one, one, (1, 1, 3), counts_padding=0, minimum=0,
                   maximum=5, **window) == [[[0, 0, 5]]]  # fmt: skip


def test_means_by_hand():
    x, image = ("int8", 1.0, -1), [[[[1, 2], [3, 3]]]]
    # (2 + 3 + 4 + 4) / 4 = 3.25; twice that, 6.5 -> 6, and the zero point after rounding
    assert by_hand("global_average_pool", image, x, ("int8", 0.5, 1), (1, 1, 1, 1)) == [[[[7]]]]
    assert by_hand("reduce_mean", image, x, ("int8", 0.5, 1), (1, 1), axes=(2, 3),
                   keeps_axes=0) == [[7]]  # fmt: skip
    assert by_hand("reduce_mean", image, x, ("int8", 0.5, 0), (1, 1, 1, 2), axes=(2,),
                   keeps_axes=1) == [[[[6, 7]]]]  # fmt: skip
    # the greatest sums saturate
    ends = [[[[-128] * 9]], [[[127] * 9]]]
    assert by_hand("global_average_pool", ends, ("int8", 1.0, 0), ("uint8", 0.25, 0),
                   (2, 1, 1, 1)) == [[[[0]]], [[[255]]]]  # fmt: skip


def test_orders_of_sums_by_hand():
    """Numbers that only one order sums so: 2**24 swallows single ones."""
    big = np.float32(2.0**24)
    ones = np.ones(8, np.float32)
    row = np.concatenate([[big], ones]).astype(np.float32)
    assert float32_steps.sum_in_sequence(row) == big
    assert float32_steps.sum_in_fours(row) == big + 4  # three, four and one
    assert float32_steps.sum_in_fours(row[::-1]) == big + 8  # four, four, one
    row = np.concatenate([ones[:3], [big], ones[:4]]).astype(np.float32)
    assert float32_steps.sum_in_sequence(row) == big + 4
    # lanes (2, 2, 2, 2**24): (2 + 2) + (2 + 2**24)
    assert float32_steps.sum_in_lanes(row, num_totals=2) == big + 6
    # one packet from 1 on: (1 + 2**24) + (1 + 1) is 2**24 + 2, and 1 is 2**24 + 4, which stays
    assert float32_steps.sum_in_lanes(row, start=1, num_totals=2) == big + 4


def test_fused_multiply_adds_equal_exact_ones():
    """Against Python's exact fractions, with sums far apart, and ties."""
    rng = np.random.default_rng(3)
    a = rng.integers(-255, 256, 3000).astype(np.float32)
    b = np.exp(rng.uniform(-30, 30, 3000)).astype(np.float32)
    c = (np.exp(rng.uniform(-30, 30, 3000)) * rng.choice([-1, 1], 3000)).astype(np.float32)
    a[:500], b[:500] = 1, np.float32(2.0**-24)  # half a step of 1
    c[:500] = 1 + np.float32(2.0**-23) * rng.integers(0, 99, 500)
    got = float32_steps.fused_multiply_add(a, b, c)
    for index in range(len(a)):
        exact = Fraction(float(a[index])) * Fraction(float(b[index])) + Fraction(float(c[index]))
        near = [np.nextafter(got[index], np.float32(end)) for end in (-np.inf, np.inf)]
        mine = abs(Fraction(float(got[index])) - exact)
        others = [abs(Fraction(float(other)) - exact) for other in near]
        is_even = got[index : index + 1].view(np.int32)[0] % 2 == 0
        assert mine < min(others) or (mine == min(others) and is_even), index


@pytest.mark.parametrize(
    ("part", "planted", "case"),
    [
        ("sum_in_lanes", lambda rows, start=0, num_totals=1:
         float32_steps.sum_in_lanes(rows, start, 1), MEANS[0]),
        ("_sums_of_aligned_rows", lambda rows, _:
         float32_steps.sum_in_lanes(rows, num_totals=2), MEANS[1]),
        ("sum_in_fours", float32_steps.sum_in_sequence, ((3, 70, 650), (1,))),
        ("sum_in_sequence", float32_steps.sum_in_fours, ((64, 6, 400), (0,))),
        ("has_8_bit_kernel", lambda operands, result: False, POOLS[1]),
        ("has_8_bit_kernel", lambda operands, result: False, POOLS[5]),
    ],
    ids=["totals", "alignment", "fours", "sequence", "window", "whole"],
)  # fmt: skip
@pytest.mark.usefixtures("fused_kernels")
def test_a_planted_bug_is_noticed(over_axes, monkeypatch, part, planted, case):
    monkeypatch.setattr(ops_window, part, planted)
    make = mean if len(case) == 2 else pool
    for seed in range(60):
        if make(over_axes, case, ("int8", "int8"), seed).differences(seed)[0]:
            return
    raise AssertionError("not noticed")
