"""Thresholds against onnxruntime and qonnx, on every sum that can occur."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from tilewright.dataflow.graph import Op
from tilewright.dataflow.integers.float_chain import Chain, chain_of, linear_step, offset_step
from tilewright.dataflow.integers.thresholds import MAX_THRESHOLDS, Staircase, thresholds_of
from tilewright.dataflow.rounding import SIGN
from tilewright.dataflow.tensor import Tensor

CHANNELS = 6
SUM = Op(name="sum", kind="matmul", inputs=("a", "b"), outputs=("v0",), origin="Sum")
Constants = dict[str, NDArray[np.float32]]
Attributes = dict[str, Any]

# kind, ONNX operator, its constants in order after (or, in front, before) the value, attributes
STEPS: dict[str, tuple[str, str, tuple[str, ...], Attributes, Attributes]] = {
    "batch_normalization": (
        "batch_normalization",
        "BatchNormalization",
        ("x", "gamma", "beta", "mean", "variance"),
        {"epsilon": 1e-5},
        {"epsilon": 1e-5},
    ),
    "add": ("add", "Add", ("x", "each"), {}, {}),
    "sub": ("sub", "Sub", ("x", "each"), {}, {}),
    "sub from": ("sub", "Sub", ("each", "x"), {}, {}),
    "mul": ("mul", "Mul", ("x", "each"), {}, {}),
    "mul one": ("mul", "Mul", ("one", "x"), {}, {}),
    "div": ("div", "Div", ("x", "each"), {}, {}),
    "relu": ("relu", "Relu", ("x",), {}, {}),
    "leaky_relu": ("leaky_relu", "LeakyRelu", ("x",), {"alpha": 0.1}, {"alpha": 0.1}),
    "clip": ("clip", "Clip", ("x", "low", "high"), {"minimum": -1.0, "maximum": 1.5}, {}),
}
CHAINS = [
    [],
    ["batch_normalization"],
    ["batch_normalization", "relu"],
    ["mul", "add", "clip"],
    ["sub", "div", "mul one", "add"],
    ["sub from", "leaky_relu"],
    ["clip", "mul", "sub from"],
]


def random_constants(seed: int) -> Constants:
    rng = np.random.default_rng(seed)
    gamma = rng.normal(size=CHANNELS)
    gamma[0] = 0.0  # a channel that does not depend on its sums
    values = {
        "gamma": gamma,
        "beta": rng.normal(size=CHANNELS),
        "mean": rng.normal(size=CHANNELS) * 5,
        "variance": rng.uniform(0.1, 30, CHANNELS),
        "each": rng.normal(size=(1, CHANNELS)) + 0.01,
        "one": np.array(0.75),
        "low": np.array(-1.0),
        "high": np.array(1.5),
    }
    return {name: value.astype(np.float32) for name, value in values.items()}


def chain(steps: list[str], constants: Constants, scale: NDArray[np.float32]) -> Chain:
    ops = []
    for index, step in enumerate(steps):
        kind, _, operands, attributes, _ = STEPS[step]
        operands = operands[:1] if kind == "clip" else operands
        inputs = tuple(f"v{index}" if name == "x" else name for name in operands)
        name = f"{kind}_{index}"
        outputs = (f"v{index + 1}",)
        ops.append(Op(name=name, kind=kind, inputs=inputs, outputs=outputs, attributes=attributes))
    made = chain_of(ops, (1, CHANNELS), 1, constants.get)
    return Chain((linear_step(SUM, scale), *made.steps), CHANNELS)


def by_onnxruntime(
    steps: list[str], constants: Constants, values: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The chain on `values` [n][channels], a session for each node as qonnx does it."""
    for step in steps:
        _, operator, operands, _, attributes = STEPS[step]
        shape = [None, CHANNELS]
        graph = helper.make_graph(
            [helper.make_node(operator, list(operands), ["y"], **attributes)],
            "one",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
            [numpy_helper.from_array(constants[name], name) for name in operands if name != "x"],
        )
        opset = [helper.make_opsetid("", 13)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=8)
        session = onnxruntime.InferenceSession(model.SerializeToString())
        values = session.run(None, {"x": values})[0]
    return values


def counted(table: NDArray[np.int32], minimum: int, sums: NDArray[np.int64]) -> NDArray[np.int64]:
    """What the op `threshold` is defined to compute, on sums [channels][n]."""
    reached: NDArray[np.int64] = (sums[:, :, None] >= table[:, None, :]).sum(-1) + minimum
    return reached


QUANTISERS = [
    ("int4", (), {"rounding": "half_even"}),
    ("int2", (), {"rounding": "half_even", "minimum": -1}),
    ("int2", (), {"rounding": SIGN, "minimum": -1}),
    ("uint1", (), {"rounding": "half_even"}),
    ("uint4", (3,), {"rounding": "half_up", "maximum": 14}),
    ("int5", (-2,), {"rounding": "floor"}),
    ("int5", (), {"rounding": "ceil"}),
    ("uint8", (), {"rounding": "down"}),
    ("int8", (7,), {}),
    ("int9", (), {"rounding": "up"}),
]


@pytest.mark.parametrize("steps", CHAINS, ids=lambda steps: "-".join(steps) or "scale")
@pytest.mark.parametrize("quantiser", QUANTISERS, ids=lambda q: f"{q[0]}-{q[2].get('rounding')}")
def test_every_sum_gives_the_integer_of_the_float_chain(
    steps: list[str], quantiser: tuple[str, tuple[int, ...], Attributes]
) -> None:
    intquant = pytest.importorskip("qonnx.custom_op.general.intquant")
    seed = CHAINS.index(steps) * 100 + QUANTISERS.index(quantiser)
    rng, constants = np.random.default_rng(seed), random_constants(seed)
    number_format, zero_point, attributes = quantiser
    scale = rng.uniform(0.01, 0.1, CHANNELS).astype(np.float32)
    result = Tensor(
        name="y",
        shape=(1, CHANNELS),
        number_format=number_format,
        scale=(float(np.float32(rng.uniform(0.05, 0.4))),),
        zero_point=zero_point or (0,),
    )
    least = rng.integers(-300, -1, CHANNELS)
    greatest = least + rng.integers(0, 600, CHANNELS)
    greatest[1] = least[1]  # a channel with a single sum
    made = thresholds_of(
        Staircase(
            chain=chain(steps, constants, scale),
            least=least,
            greatest=greatest,
            result=result,
            attributes=attributes,
        )
    )
    assert all(
        (made.table[:, i] <= made.table[:, j]).all() for i, j in pairwise_columns(made.table)
    )
    sums = np.minimum(least[:, None] + np.arange(601), greatest[:, None])
    floats = by_onnxruntime(steps, constants, (sums.astype(np.float32) * scale[:, None]).T).T
    expected = expected_integers(intquant, floats, result, attributes)
    signed = np.where(made.is_negated[:, None], -sums, sums)
    got = counted(made.table, made.minimum, signed)
    wrong = np.argwhere(got != expected)
    assert not wrong.size, f"seed {seed}: first difference at {wrong[0]}, {len(wrong)} in all"


@pytest.mark.parametrize("steps", CHAINS, ids=lambda steps: "-".join(steps) or "scale")
def test_the_float_chain_is_onnxruntimes_to_the_last_bit(steps: list[str]) -> None:
    seed = 40 + CHAINS.index(steps)
    rng, constants = np.random.default_rng(seed), random_constants(seed)
    scale = rng.uniform(0.01, 0.1, CHANNELS).astype(np.float32)
    sums = rng.integers(-(2**23), 2**23, (CHANNELS, 500)).astype(np.float32)
    got = chain(steps, constants, scale)(sums)
    wanted = by_onnxruntime(steps, constants, (sums * scale[:, None]).T).T
    assert np.array_equal(got, wanted), f"seed {seed}: {(got != wanted).sum()} differ"


def test_too_many_thresholds_are_refused() -> None:
    wide = Tensor(name="y", shape=(1, 80), number_format="int16", scale=(1.0,), zero_point=(0,))
    reach = np.full(80, 2**17)
    stairs = Staircase(
        chain=Chain((linear_step(SUM, np.ones(1, np.float32)),), 80),
        least=-reach,
        greatest=reach,
        result=wide,
        attributes={},
    )
    assert MAX_THRESHOLDS < 80 * 65535
    with pytest.raises(ValueError, match="65535 steps for each of 80 channels"):
        thresholds_of(stairs)
    with pytest.raises(ValueError, match="can leave 32 bits"):
        thresholds_of(replace(stairs, greatest=reach << 14))


def test_sums_beyond_24_bits_are_rounded_as_float32_rounds_them() -> None:
    """2^24 + 1 becomes 2^24 in float32: the step to more than that is one later."""
    result = Tensor(name="y", shape=(1, 1), number_format="uint1", scale=(1.0,), zero_point=(0,))
    one, less = np.ones(1, np.float32), np.full(1, -(2.0**24), np.float32)
    made = thresholds_of(
        Staircase(
            chain=Chain((linear_step(SUM, one), offset_step(SUM, less)), 1),
            least=np.array([0]),
            greatest=np.array([2**25]),
            result=result,
            attributes={},
        )
    )
    assert made.table.tolist() == [[2**24 + 2]]


def pairwise_columns(table: NDArray[np.int32]) -> Any:
    return pairwise(range(table.shape[1]))


def expected_integers(
    intquant: Any, floats: NDArray[np.float32], result: Tensor, attributes: Attributes
) -> NDArray[np.int64]:
    """By qonnx's `int_quant`; without a rounding by ONNX's QuantizeLinear in onnxruntime."""
    bits, signed = int(result.number_format.lstrip("uint")), result.number_format[0] == "i"
    scale, zero = np.float32(result.scale[0]), np.float32(result.zero_point[0])
    if "rounding" not in attributes:
        assert bits == 8
        return quantize_linear(floats, scale, np.int8(zero))
    if attributes["rounding"] == SIGN:
        return np.where(floats >= 0, 1, -1)
    narrow = "minimum" in attributes or "maximum" in attributes
    width, mode = np.array(bits, np.float32), attributes["rounding"]
    back = intquant.int_quant(floats, scale, zero, width, signed, narrow, mode)
    integers = back / scale + zero
    assert np.abs(integers - np.rint(integers)).max() < 1e-3
    rounded: NDArray[np.int64] = np.rint(integers).astype(np.int64)
    return rounded


def quantize_linear(
    floats: NDArray[np.float32], scale: np.float32, zero: np.int8
) -> NDArray[np.int64]:
    names = [("scale", np.array(scale)), ("zero", np.array(zero))]
    graph = helper.make_graph(
        [helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["y"])],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, floats.shape)],
        [helper.make_tensor_value_info("y", TensorProto.INT8, floats.shape)],
        [onnx.numpy_helper.from_array(value, name) for name, value in names],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    integers: NDArray[np.int64] = session.run(None, {"x": floats})[0].astype(np.int64)
    return integers
