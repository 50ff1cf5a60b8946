"""Sums, differences, products, changes of scale, tables: onnxruntime's integers, and by hand."""

import numpy as np
import pytest
from tilewright.dataflow.graph import Graph, Op, Tensor
from tilewright.dataflow.number_formats import storage_type
from tilewright.sim.golden import ops_elementwise
from tilewright.sim.golden.run import run

SHAPE = (4, 8, 16, 16)
BROADCASTS = [
    (SHAPE, SHAPE),
    (SHAPE, (1,)),
    ((1,), SHAPE),
    (SHAPE, (8, 1, 1)),
    ((8, 1, 1), SHAPE),
    ((16,), SHAPE),
    ((4, 8, 1, 16), (8, 16, 1)),
    ((3, 7), (3, 7)),
    ((4, 9, 1), ()),
    ((), (4, 9, 1)),
    ((99, 1), (1,)),
    ((99, 1), (1, 1)),
    ((1, 1), (99, 1, 1)),
]
KERNELS = {"add": ("Add", "QLinearAdd"), "mul": ("Mul", "QLinearMul"), "sub": ("Sub", None)}


@pytest.fixture(scope="session")
def binary(quantised, single_op, near_tie):
    """`binary(kind, formats, shapes, seed)`: scales in which many results lie close to ties."""

    def make(kind, formats, shapes, seed):
        rng = np.random.default_rng(seed)

        def zero_point(number_format):
            return int(rng.integers(np.iinfo(number_format).min, np.iinfo(number_format).max + 1))

        unit = float(np.exp(rng.uniform(-5, 2)))
        scales = [near_tie(rng, unit), near_tie(rng, unit)]
        if kind == "mul":
            scales = [near_tie(rng, 1 / 16), near_tie(rng, unit / 16)]
        a, b = (
            quantised(name=name, number_format=fmt, scale=scale, zero_point=zero_point(fmt),
                      shape=shape)
            for name, fmt, scale, shape in zip("ab", formats, scales, shapes, strict=False)
        )  # fmt: skip
        y = quantised(
            name="y", number_format=formats[2], scale=unit, zero_point=zero_point(formats[2])
        )
        return single_op(kind=kind, node=KERNELS[kind][0], operands=[a, b], result=y)

    return make


def total_differences(binary, kind, formats, shapes, seeds):
    counts = [
        binary(kind, formats, shapes, seed).differences(
            seed, kernel=KERNELS[kind][1] if set(formats) in ({"int8"}, {"uint8"}) else None
        )
        for seed in seeds
    ]
    return sum(wrong for wrong, _ in counts), sum(total for _, total in counts)


@pytest.mark.parametrize("number_format", ["int8", "uint8"])
@pytest.mark.parametrize("kind", ["add", "mul", "sub"])
@pytest.mark.usefixtures("fused_kernels")
def test_8_bits_equal_onnxruntime(binary, kind, number_format):
    for shapes in BROADCASTS:
        seeds = range(3)
        wrong, total = total_differences(binary, kind, (number_format,) * 3, shapes, seeds)
        assert not wrong, f"{shapes}: {wrong} of {total}, seeds {seeds}"


@pytest.mark.slow
@pytest.mark.parametrize("number_format", ["int8", "uint8"])
@pytest.mark.parametrize("kind", ["add", "mul", "sub"])
@pytest.mark.usefixtures("fused_kernels")
def test_millions_of_numbers_equal_onnxruntime(binary, kind, number_format):
    wrong, total = total_differences(
        binary, kind, (number_format,) * 3, ((16, 8, 32, 32),) * 2, range(100, 140)
    )
    assert not wrong, f"{wrong} of {total}"
    assert total > 10_000_000


@pytest.mark.parametrize("kind", ["add", "mul", "sub"])
def test_other_formats_equal_onnxruntime(binary, kind):
    for formats in [
        ("int16", "int16", "int16"),
        ("uint16", "uint16", "uint16"),
        ("int8", "uint8", "int8"),
        ("int8", "int8", "int16"),
        ("int16", "int8", "uint8"),
    ]:
        wrong, total = total_differences(binary, kind, formats, (SHAPE, SHAPE), range(2))
        assert not wrong, f"{formats}: {wrong} of {total}"


def test_requantize_equals_onnxruntime(quantised, single_op, near_tie):
    """As parts of a concatenation, which onnxruntime requantises by a table of its own."""
    for seed in range(30):
        rng = np.random.default_rng(seed)
        number_format = ["int8", "uint8"][seed % 2]
        info = np.iinfo(number_format)
        zeros = [int(zero) for zero in rng.integers(info.min, info.max + 1, 3)]
        unit = float(np.exp(rng.uniform(-5, 2)))
        parts = [
            quantised(name=name, number_format=number_format, scale=near_tie(rng, unit),
                      zero_point=zeros[index], shape=(1, 256))
            for index, name in enumerate("ab")
        ]  # fmt: skip
        y = quantised(name="y", number_format=number_format, scale=unit, zero_point=zeros[2])
        whole = single_op(kind="concat", node="Concat", operands=parts, result=y,
                          node_attributes={"axis": 1})  # fmt: skip
        given = {part.name: np.arange(info.min, info.max + 1, dtype=number_format)[None]
                 for part in parts}  # fmt: skip
        oracle = whole.oracle()
        assert whole.kernels(oracle) == {"QLinearConcat"}
        theirs = oracle.run(given)["y"]
        ours = [
            run(single_op(kind="requantize", node="", operands=[part], result=y).graph((1, 256)),
                {part.name: given[part.name]})["y"]
            for part in parts
        ]  # fmt: skip
        assert np.array_equal(np.concatenate(ours, axis=1), theirs), f"seed {seed}"


def numbers(kind, operands, result, more=(), **attributes):
    """Our op on plain lists: `operands` are (format, scale, zero point, numbers)."""
    tensors, given = [], {}
    for index, (fmt, scale, zero, values) in enumerate(operands):
        given[f"x{index}"] = np.array(values, storage_type(fmt))
        tensors.append(Tensor(name=f"x{index}", shape=given[f"x{index}"].shape, number_format=fmt,
                              scale=(scale,), zero_point=(zero,), role="input"))  # fmt: skip
    for index, data in enumerate(more):
        tensors.append(Tensor(name=f"c{index}", shape=data.shape, number_format=data.dtype.name,
                              role="constant", data=data))  # fmt: skip
    fmt, scale, zero = result
    shape = np.broadcast_shapes(*(values.shape for values in given.values()))
    y = Tensor(name="y", shape=shape, number_format=fmt, scale=(scale,), zero_point=(zero,),
               role="output")  # fmt: skip
    op = Op(name="op", kind=kind, inputs=tuple(t.name for t in tensors), outputs=("y",),
            attributes=attributes)  # fmt: skip
    return run(Graph(name="hand", ops=(op,), tensors=(*tensors, y)), given)["y"].tolist()


def test_sums_by_hand():
    one = ("int8", 1.0, 0)
    # 3 * .5 + 4 * .25 = 2.5 -> 2 (even); 5 * .5 + 4 * .25 = 3.5 -> 4
    a, b = ("int8", 0.5, 0, [3, 5]), ("int8", 0.25, 0, [4, 4])
    assert numbers("add", [a, b], one) == [2, 4]
    # the zero point shifts what is even: 2.5 + 1 = 3.5 -> 4, not 2 + 1
    assert numbers("add", [a, b], ("int8", 1.0, 1)) == [4, 4]
    # saturation at both ends, zero points at both ends, and the limits of a Relu
    ends = [("int8", 1.0, -128, [127, -128]), ("int8", 1.0, 127, [127, -128])]
    assert numbers("add", ends, ("int8", 1.0, 0)) == [127, -128]
    assert numbers("add", ends, ("int8", 1.0, 0), minimum=-5, maximum=9) == [9, -5]
    assert numbers("sub", [("uint8", 1.0, 0, [7, 255]), ("uint8", 1.0, 0, [9, 0])],
                   ("uint8", 1.0, 0)) == [0, 255]  # fmt: skip


def test_products_by_hand():
    # (3 - 1) * (5 - 0) * (.5 * .5 / 1) = 2.5 -> 2; with zero point 1: 3.5 -> 4
    operands = [("int8", 0.5, 1, [3]), ("int8", 0.5, 0, [5])]
    assert numbers("mul", operands, ("int8", 1.0, 0)) == [2]
    assert numbers("mul", operands, ("int8", 1.0, 1)) == [4]
    # (-128 - 127) squared is 65025, times 2**-8 is 254.004
    corner = ("int8", 1.0, 127, [-128])
    assert numbers("mul", [corner, corner], ("uint8", 256.0, 0)) == [254]
    assert numbers("mul", [corner, corner], ("int8", 256.0, -128)) == [126]


@pytest.mark.parametrize(
    ("a", "b", "swaps"),
    [((5, 4), (5, 4), False), ((5, 4), (4,), False), ((4,), (5, 4), False), ((1,), (5, 4), True),
     ((5, 4), (1,), False), ((5, 1), (1,), True), ((5, 1), (1, 1), False), ((5, 1), (), True),
     ((), (5, 1), True), ((), (4,), True), ((4,), (), False), ((1,), (1,), True), ((), (), True),
     ((5, 1, 1), (1, 1), True), ((5, 1), (4, 1, 1), False)],
)  # fmt: skip
def test_which_operand_is_one_number_against_a_row(a, b, swaps):
    assert ops_elementwise._is_scalar_against_row(a, b) == swaps


@pytest.mark.slow
@pytest.mark.usefixtures("fused_kernels")
def test_random_broadcasts_equal_onnxruntime(binary):
    rng = np.random.default_rng(77)
    for seed in range(300):
        extents = [int(extent) for extent in rng.integers(1, 9, rng.integers(1, 5))]
        shapes = []
        for _ in range(2):
            shape = [1 if rng.random() < 0.35 else extent for extent in extents]
            shapes.append(
                tuple(shape[int(rng.integers(0, len(shape) + 1)) * (rng.random() < 0.4) :])
            )
        op = binary("add", ("int8",) * 3, shapes, seed)
        wrong, total = op.differences(seed, styles=("uniform",) * 20, kernel="QLinearAdd")
        assert not wrong, f"{shapes} seed {seed}: {wrong} of {total}"


def test_fused_multiply_adds_matter():
    """A sum that lies beside a tie: two roundings would hit the tie."""
    scale = float(np.float32(0.5) + np.float32(2.0**-24))
    a, b = ("int8", scale, 0, [127]), ("int8", 1.0, 0, [64])
    # 127 (1/2 + 2**-24) + 64 = 127.5 + 127 * 2**-24, and float32 ends at 2**-17 there: 127.5
    assert numbers("add", [a, b], ("int8", 1.0, 0)) == [127]
    assert numbers("add", [a, ("int8", 1.0, 0, [-64])], ("int8", 1.0, 0)) == [0]


def test_changes_of_scale_by_hand():
    # (7 - 1) * .5 / 2 = 1.5 -> 2, + 100; (5 - 1) * .5 / 2 = 1 -> 101; 2.5 -> 2 + 100
    x = ("int8", 0.5, 1, [7, 5, 11])
    assert numbers("requantize", [x], ("uint8", 2.0, 100)) == [102, 101, 102]
    assert numbers("requantize", [("int16", 3.0, 0, [32767, -32768])], ("int8", 1.0, 5)) == [
        127, -128
    ]  # fmt: skip
    assert numbers("requantize", [x], ("int16", 2.0**-20, 0)) == [32767] * 3
    assert numbers("requantize", [x], ("int8", 0.5, 0), minimum=5, maximum=6) == [6, 5, 6]


def test_tables_and_thresholds_by_hand():
    squares = (np.arange(-128, 128) ** 2 // 64).astype(np.uint16)
    assert numbers("table", [("int8", 1.0, 0, [-128, -1, 0, 16])], ("uint16", 1.0, 0),
                   [squares]) == [256, 0, 0, 4]  # fmt: skip
    four = np.array([9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0, 0, 0, 0, 0], np.int8)
    assert numbers("table", [("int4", 1.0, 0, [-8, 1])], ("int8", 1.0, 0), [four]) == [9, 0]
    # one row of thresholds for each channel; equal counts; equal thresholds count twice
    rows = np.array([[-5, 0, 0], [1, 2, 3]], np.int32)
    counted = numbers("threshold", [("int8", 1.0, 0, [[-6, -5], [3, 2]])], ("int4", 1.0, 0), [rows],
                      axis=0, minimum=-2)  # fmt: skip
    assert counted == [[-2, -1], [1, 0]]
    assert numbers("threshold", [("int8", 1.0, 0, [[-1, 0]])], ("int4", 1.0, 0), [rows[:1]],
                   axis=1, minimum=0) == [[1, 3]]  # fmt: skip


def test_what_cannot_be_computed_is_refused():
    with pytest.raises(ValueError, match=r"op op \(table\): table has 3 entries for -128..127"):
        numbers("table", [("int8", 1.0, 0, [1])], ("int8", 1.0, 0), [np.zeros(3, np.int8)])
    huge = ("int8", 1e30, 0, [1])
    for kind in ("add", "mul"):
        with pytest.raises(ValueError, match=rf"op op \({kind}\): scale .* is too great"):
            numbers(kind, [huge, huge], ("int8", 1e-30, 0))


@pytest.mark.parametrize(
    ("part", "planted"),
    [
        ("fused_multiply_add", lambda a, b, c: a * b + c),
        ("_is_scalar_against_row", lambda a, b: not a),
        ("has_8_bit_kernel", lambda operands, result: False),
        ("_ratio", lambda result, *scales: np.nextafter(scales[0] / np.float32(result.scale[0]),
                                                        np.float32(9))),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("fused_kernels")
def test_a_planted_bug_is_noticed(binary, monkeypatch, part, planted):
    monkeypatch.setattr(ops_elementwise, part, planted)
    wrong, _ = total_differences(binary, "add", ("int8",) * 3, ((16,), SHAPE), range(4))
    scalar, _ = total_differences(binary, "add", ("int8",) * 3, ((8, 1, 1), SHAPE), range(6))
    assert wrong + scalar
