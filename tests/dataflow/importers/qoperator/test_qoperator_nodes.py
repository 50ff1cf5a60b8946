"""QOperator nodes one by one: every tensor is that of onnxruntime's kernels."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from tilewright.sim.golden.model_run import run_model


def scalars(**values: float | int) -> dict[str, Any]:
    """Scales (floats) and zero points (int8) as constants."""
    return {
        name: np.array(value, np.float32 if isinstance(value, float) else np.int8)
        for name, value in values.items()
    }


def node_model(
    qoperator: Any,
    operator: str,
    inputs: Sequence[str],
    constants: dict[str, Any],
    *,
    domain: str = "com.microsoft",
    shape: Sequence[int] = (2, 3, 4, 4),
    made: int = TensorProto.INT8,
    **attributes: Any,
) -> onnx.ModelProto:
    """One node on the int8 input x, with those of the constants that it takes."""
    node = helper.make_node(operator, list(inputs), ["y"], "it", domain=domain, **attributes)
    used = {name: value for name, value in constants.items() if name in inputs}
    return qoperator.model_of([node], used, {"x": (TensorProto.INT8, shape)}, {"y": made})


X = ("x", "xs", "xz")
Y = ("ys", "yz")
QUANTISED = scalars(xs=0.05, xz=-3, ys=0.07, yz=5, bs=0.02, bz=0)
WEIGHT = np.random.default_rng(1).integers(-128, 128, (5, 3, 3, 3), np.int8)
MATRIX = np.random.default_rng(2).integers(-128, 128, (4, 6), np.int8)
ROW = np.random.default_rng(3).integers(-128, 128, (1, 3, 1, 1), np.int8)
SEVERAL = np.linspace(0.01, 0.04, 6, dtype=np.float32)
NO_ZEROS = np.zeros(6, np.int8)
BIAS = np.arange(6, dtype=np.int32) * 1000 - 2500

# What is special, the node: operator, inputs, further constants, attributes.
NODES: dict[str, tuple[str, tuple[str, ...], dict[str, Any], dict[str, Any]]] = {
    "leaky relu without zero points": (
        "QLinearLeakyRelu", ("x", "xs", "", "ys", ""), {}, {"alpha": 0.3},
    ),
    "a steep sigmoid": ("QLinearSigmoid", (*X, "bs", "yz"), {}, {}),
    "add of a constant that broadcasts": ("QLinearAdd", (*X, "b", "bs", "bz", *Y), {"b": ROW}, {}),
    "mul of a tensor with itself": ("QLinearMul", (*X, *X, *Y), {}, {}),
    "add without a zero point": ("QLinearAdd", (*X, *X, "ys"), {}, {}),
    "concat of three scales": (
        "QLinearConcat", (*Y, *X, "c", "bs", "bz", *X), {"c": np.repeat(ROW, 2, 0).repeat(4, 2)
         .repeat(4, 3)}, {"axis": -3},
    ),
    "average pool, padded and counted": (
        "QLinearAveragePool", (*X, *Y), {},
        {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1},
    ),
    "average pool SAME": (
        "QLinearAveragePool", (*X, *Y), {},
        {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "SAME_UPPER"},
    ),
    "global average pool": ("QLinearGlobalAveragePool", (*X, *Y), {}, {}),
    "convolution of onnxruntime's domain": (
        "QLinearConv", (*X, "w", "bs", "bz", *Y), {"w": WEIGHT}, {"pads": [1] * 4},
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", NODES)
def test_single_nodes(qoperator: Any, what: str) -> None:
    operator, inputs, constants, attributes = NODES[what]
    model = node_model(qoperator, operator, inputs, {**QUANTISED, **constants}, **attributes)
    values = np.random.default_rng(4).integers(-128, 128, (2, 3, 4, 4), np.int8)
    qoperator.compare(model, {"x": values}, what)


MATRICES: dict[str, tuple[str, tuple[str, ...], dict[str, Any], dict[str, Any]]] = {
    "gemm per column with a bias": (
        "QGemm", (*X, "w", "several", "zeros", "bias", *Y),
        {"w": MATRIX, "several": SEVERAL, "zeros": NO_ZEROS, "bias": BIAS}, {},
    ),
    "gemm, transposed, without a bias": (
        "QGemm", (*X, "w", "several", "zeros", "", *Y),
        {"w": np.ascontiguousarray(MATRIX.T), "several": SEVERAL, "zeros": NO_ZEROS},
        {"transB": 1},
    ),
    "matmul per column": (
        "QLinearMatMul", (*X, "w", "several", "zeros", *Y),
        {"w": MATRIX, "several": SEVERAL, "zeros": NO_ZEROS}, {"domain": ""},
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", MATRICES)
def test_single_matrix_products(qoperator: Any, what: str) -> None:
    operator, inputs, constants, attributes = MATRICES[what]
    model = node_model(
        qoperator, operator, inputs, {**QUANTISED, **constants}, shape=(7, 4), **attributes
    )
    values = np.random.default_rng(5).integers(-128, 128, (7, 4), np.int8)
    qoperator.compare(model, {"x": values}, what)


def test_a_gemm_without_a_result_scale_makes_floats(qoperator: Any) -> None:
    inputs = (*X, "w", "bs", "bz", "bias")
    constants = {**QUANTISED, "w": MATRIX, "bias": BIAS}
    model = node_model(qoperator, "QGemm", inputs, constants, shape=(7, 4), made=TensorProto.FLOAT)
    values = np.random.default_rng(6).integers(-128, 128, (7, 4), np.int8)
    qoperator.compare(model, {"x": values}, "float gemm")


@pytest.mark.parametrize("operator", ["MatMulInteger", "ConvInteger"])
def test_integer_products_are_int32(qoperator: Any, operator: str) -> None:
    """Operands have no scales; zero points are subtracted; padding counts as the zero point."""
    is_conv = operator == "ConvInteger"
    shape, weight = ((2, 3, 4, 4), WEIGHT) if is_conv else ((7, 4), MATRIX)
    attributes = {"pads": [1, 1, 1, 1]} if is_conv else {}
    constants = {"w": weight, **scalars(xz=-3)}
    model = node_model(
        qoperator,
        operator,
        ["x", "w", "xz"],
        constants,
        domain="",
        shape=shape,
        made=TensorProto.INT32,
        **attributes,
    )
    values = np.random.default_rng(7).integers(-128, 128, shape, np.int8)
    if is_conv:  # onnxruntime's ConvInteger takes uint8 alone
        got = run_model(qoperator.imported(model), {"x": values}).outputs["y"]
        padded = np.pad(values.astype(np.int32) + 3, ((0, 0), (0, 0), (1, 1), (1, 1)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (2, 3))
        assert np.array_equal(got, np.einsum("bcyxij,kcij->bkyx", windows, weight.astype(np.int32)))
    else:
        qoperator.compare(model, {"x": values}, operator)


@pytest.mark.parametrize("ending", ["float", "quantised"])
@pytest.mark.parametrize("scale", [0.125, 0.1, 0.0371])
def test_integer_products_between_scales(qoperator: Any, scale: float, ending: str) -> None:
    """What ONNX models with MatMulInteger do around it: Cast, Mul, Add, and QuantizeLinear."""
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("MatMulInteger", ["q", "w", "z", "wz"], ["sums"]),
        helper.make_node("Cast", ["sums"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["floats", "each"], ["scaled"]),
        helper.make_node("Add", ["scaled", "offset"], ["y" if ending == "float" else "moved"]),
    ]
    if ending == "quantised":
        nodes += [
            helper.make_node("Relu", ["moved"], ["positive"]),
            helper.make_node("QuantizeLinear", ["positive", "ys", "yz"], ["y"]),
        ]
    rng = np.random.default_rng(8)
    constants: dict[str, Any] = {
        "s": np.array(scale, np.float32),
        "z": np.array(7, np.uint8),
        "w": MATRIX,
        "wz": np.arange(6, dtype=np.int8),
        "each": (scale * rng.uniform(-0.01, 0.02, 6)).astype(np.float32),
        "offset": rng.normal(size=6).astype(np.float32),
        "ys": np.array(0.05, np.float32),
        "yz": np.array(20, np.uint8),
    }
    used = {name for node in nodes for name in node.input}
    kind = TensorProto.FLOAT if ending == "float" else TensorProto.UINT8
    known = {name: value for name, value in constants.items() if name in used}
    model = qoperator.model_of(nodes, known, {"x": (TensorProto.FLOAT, (5, 4))}, {"y": kind})
    x = (rng.normal(size=(5, 4)) * 128 * scale).astype(np.float32)
    qoperator.compare(model, {"x": x}, f"seed 8, scale {scale}")


def test_int32_sums_keep_all_bits(qoperator: Any) -> None:
    """More than float32's 24 bits: 1200 products of -128 * -128, and one of 1."""
    weight = np.full((1201, 1), -128, np.int8)
    weight[0] = 1
    model = node_model(
        qoperator,
        "MatMulInteger", ["x", "w"], {"w": weight}, domain="", shape=(1, 1201),
        made=TensorProto.INT32,
    )  # fmt: skip
    values = np.full((1, 1201), -128, np.int8)
    values[0, 0] = 3
    assert run_model(qoperator.imported(model), {"x": values}).outputs["y"].tolist() == [
        [1200 * 2**14 + 3]
    ]


def test_softmax_and_mean_become_ops(qoperator: Any) -> None:
    """Their integer definitions are this project's own."""
    softmax = node_model(qoperator, "QLinearSoftmax", (*X, *Y), QUANTISED, axis=1, opset=13)
    mean = node_model(qoperator, "QLinearReduceMean", (*X, *Y), QUANTISED, axes=[2, 3], keepdims=0)
    assert [op.kind for op in qoperator.imported(softmax).graph.ops] == ["softmax"]
    # Up to version 12 the axes from `axis` on are one.
    older = node_model(qoperator, "QLinearSoftmax", (*X, *Y), QUANTISED, axis=1, opset=11)
    assert qoperator.imported(older).graph.tensor(
        qoperator.imported(older).graph.ops[0].outputs[0]
    ).shape == (2, 48)
    (op,) = qoperator.imported(mean).graph.ops
    assert (op.kind, op.attributes["axes"], op.attributes["keeps_axes"]) == (
        "reduce_mean",
        (2, 3),
        0,
    )
