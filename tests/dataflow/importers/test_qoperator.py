"""QOperator models: onnxruntime's own quantiser writes them, its kernels judge every tensor."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)
from tilewright.dataflow.importers.imported import Imported
from tilewright.dataflow.importers.model import import_bytes
from tilewright.sim.golden.model_run import run_model
from tilewright.sim.golden.oracle import integer_session

MICROSOFT = "com.microsoft"
IMAGE = (1, 3, 8, 8)
Arrays = dict[str, NDArray[Any]]
Nodes = Sequence[onnx.NodeProto]

KINDS = {
    "Conv": ("QLinearConv", "conv"),
    "Gemm": ("QGemm", "matmul"),
    "MatMul": ("QLinearMatMul", "matmul"),
    "Add": ("QLinearAdd", "add"),
    "Mul": ("QLinearMul", "mul"),
    "Concat": ("QLinearConcat", "concat"),
    "LeakyRelu": ("QLinearLeakyRelu", "table"),
    "Sigmoid": ("QLinearSigmoid", "table"),
    "AveragePool": ("QLinearAveragePool", "average_pool"),
    "GlobalAveragePool": ("QLinearGlobalAveragePool", "global_average_pool"),
    "MaxPool": ("MaxPool", "max_pool"),
}


class Batches(CalibrationDataReader):  # type: ignore[misc]  # no annotations
    """Random images for the quantiser."""

    def __init__(self, rng: np.random.Generator) -> None:
        images = [rng.normal(size=IMAGE).astype(np.float32) for _ in range(6)]
        self._left = iter([{"x": image} for image in images])

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        return next(self._left, None)


def model_of(
    nodes: Nodes,
    constants: Arrays,
    inputs: dict[str, tuple[int, Sequence[int]]],
    outputs: dict[str, int],
    opset: int = 13,
) -> onnx.ModelProto:
    graph = helper.make_graph(
        list(nodes),
        "net",
        [helper.make_tensor_value_info(name, *known) for name, known in inputs.items()],
        [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid(MICROSOFT, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def float_net(rng: np.random.Generator) -> onnx.ModelProto:
    """Every operator of KINDS, once or more."""
    constants: Arrays = {}
    nodes: list[onnx.NodeProto] = []

    def weights(*shape: int) -> str:
        name = f"w{len(constants)}"
        spread = 1.5 / np.sqrt(np.prod(shape[1:]))
        constants[name] = (rng.normal(size=shape) * spread).astype(np.float32)
        return name

    def add(operator: str, inputs: list[str], output: str, **attributes: Any) -> None:
        nodes.append(helper.make_node(operator, inputs, [output], f"n_{output}", **attributes))

    add("Conv", ["x", weights(4, 3, 3, 3), weights(4)], "c1", pads=[1, 1, 1, 1])
    add("Relu", ["c1"], "r1")
    add("Conv", ["r1", weights(4, 1, 3, 3), weights(4)], "d1", pads=[1] * 4, group=4)
    add("LeakyRelu", ["d1"], "l1", alpha=0.1)
    add("Add", ["r1", "l1"], "a1")
    add("Sigmoid", ["l1"], "s1")
    add("Mul", ["a1", "s1"], "m1")
    add("Concat", ["m1", "l1", "r1"], "k1", axis=1)
    add("MaxPool", ["k1"], "p1", kernel_shape=[2, 2], strides=[2, 2])
    add("AveragePool", ["p1"], "p2", kernel_shape=[2, 2], pads=[0, 0, 1, 1])
    add("Conv", ["p2", weights(6, 12, 1, 1)], "c3", strides=[1, 2])
    add("GlobalAveragePool", ["c3"], "g1")
    add("Flatten", ["g1"], "f1")
    add("Gemm", ["f1", weights(5, 6), weights(5)], "e1", transB=1)
    add("MatMul", ["e1", weights(5, 7)], "y")
    return model_of(nodes, constants, {"x": (TensorProto.FLOAT, IMAGE)}, {"y": TensorProto.FLOAT})


def imported(model: onnx.ModelProto) -> Imported:
    batch = model.graph.input[0].type.tensor_type.shape.dim[0].dim_value
    return import_bytes(model.SerializeToString(), Path("net.onnx"), batch)


def by_onnxruntime(model: onnx.ModelProto, inputs: Arrays) -> Arrays:
    """All values by their names: QOperator kernels are not fused, so each can be an output."""
    every = onnx.ModelProto()
    every.CopyFrom(model)
    names = [name for node in model.graph.node for name in node.output]
    del every.graph.output[:]
    every.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    session = integer_session(every.SerializeToString())
    return dict(zip(names, session.run(None, inputs), strict=True))


def compare(model: onnx.ModelProto, inputs: Arrays, hint: str, least: int = 1) -> None:
    """Every integer tensor of ours, and every output, is onnxruntime's."""
    expected, run = by_onnxruntime(model, inputs), run_model(imported(model), inputs)
    ours = {**run.integers, **run.outputs}
    shared = sorted(set(ours) & set(expected))
    assert len(shared) >= least, f"{hint}: only {shared}"
    for name in shared:
        got, wanted = ours[name], expected[name]
        assert got.dtype == wanted.dtype, f"{hint}, {name}"
        wrong = np.argwhere(got != wanted)
        at = tuple(wrong[0]) if len(wrong) else ()
        assert not len(wrong), (
            f"{hint}, {name}{list(at)}: expected {wanted[at]}, got {got[at]}; {len(wrong)} in all"
        )


@pytest.mark.parametrize(
    ("activation", "weight", "per_channel"),
    [("QUInt8", "QInt8", True), ("QInt8", "QInt8", True), ("QUInt8", "QUInt8", False)],
)
def test_onnxruntimes_qoperator_models_give_its_integers(
    activation: str, weight: str, per_channel: bool, tmp_path: Path
) -> None:
    seed = 11
    rng = np.random.default_rng(seed)
    logging.getLogger().addFilter(_quiet)
    try:
        quantize_static(
            float_net(rng),
            tmp_path / "q.onnx",
            Batches(rng),
            quant_format=QuantFormat.QOperator,
            activation_type=QuantType[activation],
            weight_type=QuantType[weight],
            per_channel=per_channel,
        )
    finally:
        logging.getLogger().removeFilter(_quiet)
    model = onnx.load(tmp_path / "q.onnx")
    found = {node.op_type for node in model.graph.node}
    assert {name for name, _ in KINDS.values()} <= found
    kinds = {op.kind for op in imported(model).graph.ops}
    assert {kind for _, kind in KINDS.values()} <= kinds
    for number in range(8):
        image = (rng.normal(size=IMAGE) * (0.3, 1, 3)[number % 3]).astype(np.float32)
        compare(model, {"x": image}, f"seed {seed}, image {number}", least=15)


def _quiet(record: logging.LogRecord) -> bool:
    """The quantiser advises to pre-process; the test's nets need none."""
    return "pre-process" not in record.getMessage()


def scalars(**values: float | int) -> Arrays:
    """Scales (floats) and zero points (int8) as constants."""
    return {
        name: np.array(value, np.float32 if isinstance(value, float) else np.int8)
        for name, value in values.items()
    }


def node_model(
    operator: str,
    inputs: Sequence[str],
    constants: Arrays,
    *,
    domain: str = MICROSOFT,
    shape: Sequence[int] = (2, 3, 4, 4),
    made: int = TensorProto.INT8,
    **attributes: Any,
) -> onnx.ModelProto:
    """One node on the int8 input x, with those of the constants that it takes."""
    node = helper.make_node(operator, list(inputs), ["y"], "it", domain=domain, **attributes)
    used = {name: value for name, value in constants.items() if name in inputs}
    return model_of([node], used, {"x": (TensorProto.INT8, shape)}, {"y": made})


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
NODES: dict[str, tuple[str, tuple[str, ...], Arrays, dict[str, Any]]] = {
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
def test_single_nodes(what: str) -> None:
    operator, inputs, constants, attributes = NODES[what]
    model = node_model(operator, inputs, {**QUANTISED, **constants}, **attributes)
    values = np.random.default_rng(4).integers(-128, 128, (2, 3, 4, 4), np.int8)
    compare(model, {"x": values}, what)


MATRICES: dict[str, tuple[str, tuple[str, ...], Arrays, dict[str, Any]]] = {
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
def test_single_matrix_products(what: str) -> None:
    operator, inputs, constants, attributes = MATRICES[what]
    model = node_model(operator, inputs, {**QUANTISED, **constants}, shape=(7, 4), **attributes)
    values = np.random.default_rng(5).integers(-128, 128, (7, 4), np.int8)
    compare(model, {"x": values}, what)


def test_a_gemm_without_a_result_scale_makes_floats() -> None:
    inputs = (*X, "w", "bs", "bz", "bias")
    constants = {**QUANTISED, "w": MATRIX, "bias": BIAS}
    model = node_model("QGemm", inputs, constants, shape=(7, 4), made=TensorProto.FLOAT)
    values = np.random.default_rng(6).integers(-128, 128, (7, 4), np.int8)
    compare(model, {"x": values}, "float gemm")


@pytest.mark.parametrize("operator", ["MatMulInteger", "ConvInteger"])
def test_integer_products_are_int32(operator: str) -> None:
    """Operands have no scales; zero points are subtracted; padding counts as the zero point."""
    is_conv = operator == "ConvInteger"
    shape, weight = ((2, 3, 4, 4), WEIGHT) if is_conv else ((7, 4), MATRIX)
    attributes = {"pads": [1, 1, 1, 1]} if is_conv else {}
    constants = {"w": weight, **scalars(xz=-3)}
    model = node_model(
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
        got = run_model(imported(model), {"x": values}).outputs["y"]
        padded = np.pad(values.astype(np.int32) + 3, ((0, 0), (0, 0), (1, 1), (1, 1)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (2, 3))
        assert np.array_equal(got, np.einsum("bcyxij,kcij->bkyx", windows, weight.astype(np.int32)))
    else:
        compare(model, {"x": values}, operator)


@pytest.mark.parametrize("ending", ["float", "quantised"])
@pytest.mark.parametrize("scale", [0.125, 0.1, 0.0371])
def test_integer_products_between_scales(scale: float, ending: str) -> None:
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
    constants: Arrays = {
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
    model = model_of(nodes, known, {"x": (TensorProto.FLOAT, (5, 4))}, {"y": kind})
    x = (rng.normal(size=(5, 4)) * 128 * scale).astype(np.float32)
    compare(model, {"x": x}, f"seed 8, scale {scale}")


def test_int32_sums_keep_all_bits() -> None:
    """More than float32's 24 bits: 1200 products of -128 * -128, and one of 1."""
    weight = np.full((1201, 1), -128, np.int8)
    weight[0] = 1
    model = node_model(
        "MatMulInteger", ["x", "w"], {"w": weight}, domain="", shape=(1, 1201),
        made=TensorProto.INT32,
    )  # fmt: skip
    values = np.full((1, 1201), -128, np.int8)
    values[0, 0] = 3
    assert run_model(imported(model), {"x": values}).outputs["y"].tolist() == [[1200 * 2**14 + 3]]


def test_softmax_and_mean_become_ops() -> None:
    """Their integer definitions are this project's own."""
    softmax = node_model("QLinearSoftmax", (*X, *Y), QUANTISED, axis=1, opset=13)
    mean = node_model("QLinearReduceMean", (*X, *Y), QUANTISED, axes=[2, 3], keepdims=0)
    assert [op.kind for op in imported(softmax).graph.ops] == ["softmax"]
    # Up to version 12 the axes from `axis` on are one.
    older = node_model("QLinearSoftmax", (*X, *Y), QUANTISED, axis=1, opset=11)
    assert imported(older).graph.tensor(imported(older).graph.ops[0].outputs[0]).shape == (2, 48)
    (op,) = imported(mean).graph.ops
    assert (op.kind, op.attributes["axes"], op.attributes["keeps_axes"]) == (
        "reduce_mean",
        (2, 3),
        0,
    )
