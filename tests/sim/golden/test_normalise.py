"""Integer softmax and layer normalisation: plain Python, onnxruntime, and by hand."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from onnx import helper, numpy_helper
from tilewright.dataflow.graph import Op
from tilewright.dataflow.number_formats import range_of
from tilewright.dataflow.tensor import Tensor
from tilewright.sim.golden.operand import Operand
from tilewright.sim.golden.ops_normalise import layer_normalization, softmax
from tilewright.sim.golden.oracle import integer_session

Array = np.ndarray[Any, Any]


def tensor_of(values: Array, scale: float | None = None, zero_point: int = 0) -> Operand:
    """An operand; without a scale plain floats."""
    quantisation = {"scale": (float(np.float32(scale)),), "zero_point": (zero_point,)}
    form: dict[str, Any] = {} if scale is None else quantisation
    tensor = Tensor(name="t", shape=values.shape, number_format=values.dtype.name, **form)
    return Operand(tensor=tensor, values=values)


def op_of(kind: str, **attributes: Any) -> Op:
    return Op(name="op", kind=kind, inputs=("t",), outputs=("y",), attributes=attributes)


def onnxruntime_of(
    op_type: str, x: Operand, result: Operand, floats: list[Array], **attributes: Any
) -> Array:
    """The op between DequantizeLinear and QuantizeLinear, with the integer kernels allowed."""
    constants = [("sx", x.scale), ("zx", x.values.dtype.type(x.zero_point))]
    constants += [("sy", result.scale), ("zy", x.values.dtype.type(result.zero_point))]
    constants += [(f"c{number}", values) for number, values in enumerate(floats)]
    names = ["xf", *(f"c{number}" for number in range(len(floats)))]
    nodes = [
        helper.make_node("DequantizeLinear", ["x", "sx", "zx"], ["xf"]),
        helper.make_node(op_type, names, ["yf"], **attributes),
        helper.make_node("QuantizeLinear", ["yf", "sy", "zy"], ["y"]),
    ]
    kind = helper.np_dtype_to_tensor_dtype(x.values.dtype)
    ends = [helper.make_tensor_value_info(name, kind, x.values.shape) for name in "xy"]
    graph = helper.make_graph(
        nodes,
        "one",
        ends[:1],
        ends[1:],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    session = integer_session(model.SerializeToString())
    answer: Array = session.run(None, {"x": x.values})[0]
    return answer


def rows_of(rng: np.random.Generator, dtype: type[Any], shape: tuple[int, ...]) -> Array:
    """Random integers around a random middle, the format's ends among them."""
    low, high = range_of(np.dtype(dtype).name)
    width = (high - low) * rng.uniform(0.005, 0.3)
    values = np.rint(rng.normal((high + low) / 2, width, shape))
    values.flat[:2] = [low, high][: values.size]
    clipped: Array = np.clip(values, low, high).astype(dtype)
    return clipped


def scalar_softmax(row: list[int], scale: float, result_scale: float, zero_point: int) -> list[int]:
    """The formula of docs/numbers.md with Python's integers, unsaturated."""
    with localcontext() as context:
        context.prec = 50
        powers = [
            round(2**30 * (Decimal(scale) * (value - max(row))).exp()) for value in row
        ]  # round(): half to even
    reciprocal = int(np.floor(np.float32(1) / np.float32(result_scale)))
    return [round(Fraction(power * reciprocal, sum(powers))) + zero_point for power in powers]


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16])
def test_softmax_against_plain_python(dtype: type[Any]) -> None:
    """Rows of 1 to 300 values, small and large scales."""
    seed = 11
    rng = np.random.default_rng(seed)
    low, high = range_of(np.dtype(dtype).name)
    for length in (1, 2, 3, 10, 300):
        scale = float(np.float32(10 ** rng.uniform(-4, 0)))
        result_scale = float(np.float32(rng.choice([1 / 256, 1 / 255, 1 / 127, 0.3])))
        x = tensor_of(rows_of(rng, dtype, (3, length, 2)), scale, int(rng.integers(low, high)))
        result = tensor_of(x.values, result_scale, low)
        got = softmax(op_of("softmax", axis=1), [x], result.tensor)
        assert got.dtype == dtype
        for row in np.ndindex(3, 2):
            values = [int(value) for value in x.values[row[0], :, row[1]]]
            want = scalar_softmax(values, scale, result_scale, low)
            clipped = [min(max(value, low), high) for value in want]
            assert got[row[0], :, row[1]].tolist() == clipped, f"seed {seed} row {row}"


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_softmax_equals_onnxruntime(dtype: type[Any]) -> None:
    """Equal to QLinearSoftmax, but for values that lie on a tie up to float32's rounding."""
    seed = 12
    rng = np.random.default_rng(seed)
    low, _ = range_of(np.dtype(dtype).name)
    for length in (2, 10, 100, 1000):
        scale, result_scale = 10 ** rng.uniform(-2, -0.5), float(rng.choice([1 / 256, 1 / 255]))
        x = tensor_of(rows_of(rng, dtype, (10_000 // length, length)), scale, 3)
        result = tensor_of(x.values, result_scale, low)
        want = onnxruntime_of("Softmax", x, result, [], axis=-1)
        got = softmax(op_of("softmax", axis=1), [x], result.tensor)
        wrong = np.argwhere(got != want)
        assert not len(wrong), f"seed {seed} length {length} at {wrong[:3]}"


def test_softmax_by_hand() -> None:
    """Equal values share; ties go to the even one; a probability of 1 saturates."""
    equal = tensor_of(np.full((1, 4), 7, np.int8), 0.1)
    to = tensor_of(equal.values, 1 / 256, -128)
    op = op_of("softmax", axis=1)
    assert softmax(op, [equal], to.tensor).tolist() == [[-64] * 4]
    many = tensor_of(np.zeros((1, 512), np.uint8), 0.1)  # 256 / 512 is a tie
    to = tensor_of(many.values, 1 / 256, 0)
    assert softmax(op, [many], to.tensor).tolist() == [[0] * 512]
    certain = tensor_of(np.array([[-128, 127]], np.int8), 1.0)
    to = tensor_of(certain.values, 1 / 256, -128)
    assert softmax(op, [certain], to.tensor).tolist() == [[-128, 127]]
    # exp(-ln 3) = 1/3: shares 1/4 and 3/4
    thirds = tensor_of(np.array([[4, 5]], np.int8), math.log(3))
    to = tensor_of(thirds.values, 1 / 100, 0)
    assert softmax(op, [thirds], to.tensor).tolist() == [[25, 75]]


def scalar_layer_normalization(
    row: list[int], epsilon: float, scales: tuple[float, float], gamma: list[float],
    beta: list[float], zero_point: int,
) -> list[int]:  # fmt: skip
    """The formula of docs/numbers.md with Python's integers and fractions, unsaturated."""
    scale, result_scale = Fraction(scales[0]), Fraction(scales[1])
    length, total = len(row), sum(row)
    variance = length * sum(value * value for value in row) - total * total
    wide = variance * 2**16 + round(Fraction(epsilon) / scale**2 * length**2 * 2**16)
    pairs = 0  # pairs of bits that are cut (or, negative, appended)
    while wide >> (2 * pairs) >= 1 << 32:
        pairs += 1
    while wide and (wide << -2 * pairs if pairs < 0 else wide >> 2 * pairs) < 1 << 30:
        pairs -= 1
    top = wide << -2 * pairs if pairs < 0 else wide >> 2 * pairs
    root = min((math.isqrt(2**80 // top) + 1) // 2, 2**24 - 1) if wide else 0
    bits = 16
    while bits and (
        max(round(abs(Fraction(g) / result_scale) * 2**bits) for g in gamma) >= 2**20
        or max(round(abs(Fraction(b) / result_scale) * 2 ** (bits + 20)) for b in beta) >= 2**46
    ):
        bits -= 1
    answer = []
    for value, g, b in zip(row, gamma, beta, strict=True):
        # root / 2**(39 + pairs) is 1 / sqrt(wide), which is 2**8 times the deviation
        exact = Fraction(length * value - total) * root * 2**28 / Fraction(2) ** (39 + pairs)
        factor = round(Fraction(g) / result_scale * 2**bits)
        offset = round(Fraction(b) / result_scale * 2 ** (bits + 20))
        answer.append(
            round(Fraction(round(exact) * factor + offset, 2 ** (bits + 20))) + zero_point
        )
    return answer


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16])
@pytest.mark.parametrize("length", [1, 2, 3, 64, 257])
def test_layer_normalization_against_plain_python(dtype: type[Any], length: int) -> None:
    """Random rows, a constant row, and one with a single value that differs by one."""
    seed = 13 + length
    rng = np.random.default_rng(seed)
    low, high = range_of(np.dtype(dtype).name)
    scales = [float(np.float32(10 ** rng.uniform(-3, -0.5))) for _ in "xy"]
    epsilon = float(np.float32(rng.choice([1e-12, 1e-5, 1e-2])))
    values = rows_of(rng, dtype, (6, length))
    values[0] = high
    values[1] = [low, *[low + 1] * (length - 1)]
    gamma, beta = (rng.normal(1, 0.5, length).astype(np.float32) for _ in "gb")
    x, result = tensor_of(values, scales[0], 5), tensor_of(values, scales[1], 1)
    op = op_of("layer_normalization", axis=1, epsilon=epsilon)
    got = layer_normalization(op, [x, tensor_of(gamma), tensor_of(beta)], result.tensor)
    for number, row in enumerate(values.tolist()):
        want = scalar_layer_normalization(
            row, epsilon, (scales[0], scales[1]), gamma.tolist(), beta.tolist(), 1
        )
        clipped = [min(max(value, low), high) for value in want]
        assert got[number].tolist() == clipped, f"seed {seed} row {number}"


@pytest.mark.parametrize(("dtype", "most"), [(np.int8, 1e-4), (np.uint8, 1e-4), (np.int16, 1e-2)])
def test_layer_normalization_beside_onnxruntime(dtype: type[Any], most: float) -> None:
    """onnxruntime normalises in float32: nowhere more than one step away, rarely one."""
    seed = 14
    rng = np.random.default_rng(seed)
    differing, count = 0, 0
    for length in (1, 2, 7, 64, 768, 4096):
        x = tensor_of(rows_of(rng, dtype, (max(1, 8192 // length), length)), 0.01, 3)
        gamma, beta = (rng.normal(1, 0.3, length).astype(np.float32) for _ in "gb")
        result = tensor_of(x.values, 6 / range_of(x.tensor.number_format)[1], 1)
        want = onnxruntime_of("LayerNormalization", x, result, [gamma, beta], axis=-1, epsilon=1e-5)
        op = op_of("layer_normalization", axis=1, epsilon=1e-5)
        got = layer_normalization(op, [x, tensor_of(gamma), tensor_of(beta)], result.tensor)
        away = np.abs(got.astype(np.int64) - want)
        assert away.max() <= 1, f"seed {seed} length {length}"
        differing, count = differing + int(away.sum()), count + away.size
    assert differing <= most * count, f"seed {seed}: {differing} of {count}"


def test_layer_normalization_by_hand() -> None:
    """Mean 0, deviation 1: values of -1 and 1; several axes; integers as scale; a constant row."""
    values = np.array([[[3, 5], [3, 5]], [[9, 9], [9, 9]]], np.int8)
    x, result = tensor_of(values, 0.5, 4), tensor_of(values, 0.1, -3)
    op = op_of("layer_normalization", axis=1, epsilon=0.0)
    plain = [[[-13, 7], [-13, 7]], [[-3, -3], [-3, -3]]]
    assert layer_normalization(op, [x], result.tensor).tolist() == plain
    gamma = tensor_of(np.array([2, 4], np.int8), 0.25)  # 0.5 and 1
    beta = tensor_of(np.array([10, -10], np.int32), 0.01)  # 0.1 and -0.1
    got = layer_normalization(op, [x, gamma, beta], result.tensor)
    assert got.tolist() == [[[-7, 6], [-7, 6]], [[-2, -4], [-2, -4]]]
    limited = op_of("layer_normalization", axis=1, epsilon=0.0, minimum=-3, maximum=5)
    got = layer_normalization(limited, [x, gamma, beta], result.tensor)
    assert got.tolist() == [[[-3, 5], [-3, 5]], [[-2, -3], [-2, -3]]]


def test_epsilon_counts() -> None:
    """Variance 1 in real units and epsilon 3: half of what it is without."""
    values = np.array([[-10, 10]], np.int8)
    x, result = tensor_of(values, 0.1), tensor_of(values, 0.01)
    op = op_of("layer_normalization", axis=1, epsilon=3.0)
    assert layer_normalization(op, [x], result.tensor).tolist() == [[-50, 50]]


def test_rows_that_are_too_long() -> None:
    """Longer than exact sums in 64 bits allow."""
    values = np.zeros((1, 1 << 16), np.int16)
    op = op_of("layer_normalization", axis=1, epsilon=0.0)
    with pytest.raises(ValueError, match="rows of 65536 values are too long"):
        layer_normalization(op, [tensor_of(values, 0.1)], tensor_of(values, 0.1).tensor)
    short = values[:, : 1 << 15]
    layer_normalization(op, [tensor_of(short, 0.1)], tensor_of(short, 0.1).tensor)
