"""Float run of model graphs: against onnxruntime's float kernels, and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from tilewright.dataflow.graph import Graph, Op
from tilewright.dataflow.operators import KINDS
from tilewright.dataflow.tensor import Role, Tensor
from tilewright.sim.golden.float_ops import FLOAT_OPS
from tilewright.sim.golden.float_run import run_float

TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}


def graph_of(
    kind: str,
    operands: list[np.ndarray[Any, Any]],
    shape: tuple[int, ...],
    attributes: dict[str, Any],
    **result: Any,
) -> Graph:
    """One op; operand 0 is the graph's input, the others constants."""
    tensors = []
    for number, data in enumerate(operands):
        role: Role = "constant" if number else "input"
        constant = data if number else None
        tensors.append(
            Tensor(name=f"t{number}", shape=data.shape, number_format=data.dtype.name, role=role,
                   data=constant)
        )  # fmt: skip
    result = {"number_format": "float32"} | result
    tensors.append(Tensor(name="y", shape=shape, role="output", **result))
    inputs = tuple(f"t{number}" for number in range(len(operands)))
    op = Op(name="op", kind=kind, inputs=inputs, outputs=("y",), attributes=attributes)
    return Graph(name="one", ops=(op,), tensors=tuple(tensors))


def run_one(
    kind: str,
    operands: list[np.ndarray[Any, Any]],
    shape: tuple[int, ...],
    attributes: dict[str, Any],
    **result: Any,
) -> np.ndarray[Any, Any]:
    """The result of one op."""
    return run_float(graph_of(kind, operands, shape, attributes, **result), {"t0": operands[0]})[
        "y"
    ]


def onnxruntime_of(
    op_type: str, operands: list[np.ndarray[Any, Any]], **attributes: Any
) -> np.ndarray[Any, Any]:
    """What onnxruntime answers for one node."""
    names = [f"t{number}" for number in range(len(operands))]
    node = helper.make_node(op_type, names, ["y"], **attributes)
    first = helper.make_tensor_value_info("t0", TensorProto.FLOAT, operands[0].shape)
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    constants = [
        numpy_helper.from_array(a, n) for a, n in zip(operands[1:], names[1:], strict=True)
    ]
    graph = helper.make_graph([node], "one", [first], [result], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    answer: np.ndarray[Any, Any] = session.run(None, {"t0": operands[0]})[0]
    return answer


def floats(rng: np.random.Generator, *shape: int) -> np.ndarray[Any, Any]:
    return rng.standard_normal(shape).astype(np.float32)


def window_of(rng: np.random.Generator, rank: int) -> dict[str, tuple[int, ...]]:
    """Random strides, pads and dilations."""
    return {
        "strides": tuple(int(n) for n in rng.integers(1, 4, rank)),
        "pads": tuple(int(n) for n in rng.integers(0, 2, 2 * rank)),
        "dilations": tuple(int(n) for n in rng.integers(1, 3, rank)),
    }


@pytest.mark.parametrize("seed", range(12))
def test_convolutions(seed: int) -> None:
    """Conv and ConvTranspose over one, two and three axes, grouped, with and without bias."""
    rng = np.random.default_rng(seed)
    rank, groups = 1 + seed % 3, int(rng.choice([1, 2, 3]))
    kernel = tuple(int(n) for n in rng.integers(1, 4, rank))
    extents = tuple(int(n) for n in rng.integers(6, 10, rank))
    window = window_of(rng, rank)
    activation = floats(rng, 2, 2 * groups, *extents)
    bias = [floats(rng, 3 * groups)] if seed % 2 else []
    operands = [activation, floats(rng, 3 * groups, 2, *kernel), *bias]
    want = onnxruntime_of("Conv", operands, group=groups, **window)
    got = run_one("conv", operands, want.shape, {**window, "groups": groups})
    np.testing.assert_allclose(got, want, **TOLERANCE, err_msg=f"seed {seed}")
    operands[1] = floats(rng, 2 * groups, 3, *kernel)
    more = tuple(int(rng.integers(0, step)) for step in window["strides"])
    want = onnxruntime_of("ConvTranspose", operands, group=groups, output_padding=more, **window)
    attributes = {**window, "groups": groups, "output_padding": more}
    got = run_one("conv_transpose", operands, want.shape, attributes)
    np.testing.assert_allclose(got, want, **TOLERANCE, err_msg=f"seed {seed}")


@pytest.mark.parametrize("seed", range(9))
def test_pools(seed: int) -> None:
    """Maximum and average, padding counted or not."""
    rng = np.random.default_rng(seed)
    rank = 1 + seed % 3
    window = window_of(rng, rank)
    kernel = tuple(int(n) for n in rng.integers(2, 4, rank))
    values = [floats(rng, 2, 3, *(int(n) for n in rng.integers(6, 10, rank)))]
    want = onnxruntime_of("MaxPool", values, kernel_shape=kernel, **window)
    got = run_one("max_pool", values, want.shape, {**window, "kernel": kernel})
    np.testing.assert_array_equal(got, want, err_msg=f"seed {seed}")
    for counts in (0, 1):
        want = onnxruntime_of(
            "AveragePool", values, kernel_shape=kernel, count_include_pad=counts, **window
        )
        attributes = {**window, "kernel": kernel, "counts_padding": counts}
        got = run_one("average_pool", values, want.shape, attributes)
        np.testing.assert_allclose(got, want, **TOLERANCE, err_msg=f"seed {seed}")


UNARY = [
    ("relu", "Relu", {}, {}),
    ("leaky_relu", "LeakyRelu", {"alpha": 0.25}, {"alpha": 0.25}),
    ("sigmoid", "Sigmoid", {}, {}),
    ("tanh", "Tanh", {}, {}),
    ("erf", "Erf", {}, {}),
    ("gelu", "Gelu", {"approximate": "none"}, {"approximate": "none"}),
    ("gelu", "Gelu", {"approximate": "tanh"}, {"approximate": "tanh"}),
    ("hard_swish", "HardSwish", {}, {}),
    ("softmax", "Softmax", {"axis": 1}, {"axis": 1}),
    ("global_average_pool", "GlobalAveragePool", {}, {}),
    ("transpose", "Transpose", {"perm": (2, 0, 1)}, {"perm": (2, 0, 1)}),
]


@pytest.mark.parametrize(("kind", "op_type", "attributes", "theirs"), UNARY)
def test_functions_of_one_operand(
    kind: str, op_type: str, attributes: dict[str, Any], theirs: dict[str, Any]
) -> None:
    """Small and large values of both signs, and zero."""
    rng = np.random.default_rng(5)
    values = floats(rng, 4, 6, 5) * np.float32(3)
    values[0, 0] = [0, 80, -80, 1e-6, -1e-6]
    want = onnxruntime_of(op_type, [values], **theirs)
    got = run_one(kind, [values], want.shape, attributes)
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=2e-6)


def test_normalisations() -> None:
    """Layer and batch normalisation."""
    rng = np.random.default_rng(6)
    values = floats(rng, 3, 4, 5)
    operands = [values, floats(rng, 4, 5), floats(rng, 4, 5)]
    want = onnxruntime_of("LayerNormalization", operands, axis=1, epsilon=1e-3)
    got = run_one("layer_normalization", operands, want.shape, {"axis": 1, "epsilon": 1e-3})
    np.testing.assert_allclose(got, want, **TOLERANCE)
    variance = np.abs(floats(rng, 4))
    operands = [values, floats(rng, 4), floats(rng, 4), floats(rng, 4), variance]
    want = onnxruntime_of("BatchNormalization", operands, epsilon=1e-3)
    got = run_one("batch_normalization", operands, want.shape, {"epsilon": 1e-3})
    np.testing.assert_allclose(got, want, **TOLERANCE)


BY_HAND: list[tuple[str, list[Any], dict[str, Any], Any]] = [
    ("clip", [[-9, -1, 2, 9]], {"minimum": -1.0, "maximum": 2.5}, [-1, -1, 2, 2.5]),
    ("div", [[1, -6, 5], [4, 3, 2]], {}, [0.25, -2, 2.5]),
    ("pow", [[2, 9, 4], [3, 0.5, 0]], {}, [8, 3, 1]),
    ("sub", [[[1, 2], [3, 4]], [1, 3]], {}, [[0, -1], [2, 1]]),
    ("reduce_mean", [[[1, 2], [3, 6]]], {"axes": (1,), "keeps_axes": 0}, [1.5, 4.5]),
    ("reduce_mean", [[[1, 2], [3, 6]]], {"axes": (0, 1), "keeps_axes": 1}, [[3]]),
    ("matmul", [[[1, 2]], [[3, 4], [5, 6]], [10, 20]], {}, [[23, 36]]),
    ("slice", [[1, 2, 3, 4, 5]], {"starts": (4,), "stops": (-1,), "steps": (-2,)}, [5, 3, 1]),
    ("pad", [[1, 2, 3]], {"pads": (2, 1), "mode": "reflect", "value": 0.0}, [3, 2, 1, 2, 3, 2]),
    ("pad", [[1, 2, 3]], {"pads": (2, 1), "mode": "edge", "value": 0.0}, [1, 1, 1, 2, 3, 3]),
    ("pad", [[1, 2, 3]], {"pads": (2, 1), "mode": "wrap", "value": 0.0}, [2, 3, 1, 2, 3, 1]),
    ("pad", [[1, 2]], {"pads": (0, 2), "mode": "constant", "value": 7.5}, [1, 2, 7.5, 7.5]),
    ("concat", [[[1], [2]], [[3], [4]]], {"axis": 1}, [[1, 3], [2, 4]]),
    ("threshold", [[[1, 2, 3]], [[1, 2], [3, 4], [0, 9]]], {"axis": 1, "minimum": -1},
     [[0, -1, 0]]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "operands", "attributes", "want"), BY_HAND)
def test_by_hand(kind: str, operands: list[Any], attributes: dict[str, Any], want: Any) -> None:
    """Values worked out by hand."""
    arrays = [np.array(operand, np.float32) for operand in operands]
    expected = np.array(want, np.float32)
    got = run_one(kind, arrays, expected.shape, attributes)
    np.testing.assert_array_equal(got, expected)


def test_layout_ops_keep_integers() -> None:
    """Indices pick, repeat and drop; integers stay integers."""
    values = np.arange(-3, 3, dtype=np.int8).reshape(2, 3)
    rows, cols = np.array([1, 0, 0], np.int64), np.array([2, 2], np.int64)
    got = run_one("resize", [values, rows, cols], (3, 2), {"axes": (0, 1)}, number_format="int8")
    np.testing.assert_array_equal(got, np.array([[2, 2], [-1, -1], [-1, -1]], np.int8))
    indices = np.array([[0, 2]], np.int64)
    got = run_one("gather", [values, indices], (2, 1, 2), {"axis": 1}, number_format="int8")
    np.testing.assert_array_equal(got, np.array([[[-3, -1]], [[0, 2]]], np.int8))
    table = np.arange(256)[::-1].astype(np.uint8)
    got = run_one("table", [values, table], (2, 3), {}, number_format="uint8")
    np.testing.assert_array_equal(got, [[130, 129, 128], [127, 126, 125]])


def test_integers_at_the_ends() -> None:
    """quantize, dequantize and requantize mean what their tensors say, per channel too."""
    values = np.array([[0.5, 1.5, -9, 0.26]], np.float32)
    form = {"number_format": "int8", "scale": (1.0,), "zero_point": (1,)}
    got = run_one("quantize", [values], (1, 4), {}, **form)
    np.testing.assert_array_equal(got, [[1, 3, -8, 1]])
    form = {"number_format": "int4", "scale": (0.5, 1, 2, 0.25), "zero_point": (0, 0, 0, 7)}
    got = run_one("quantize", [values], (1, 4), {}, axis=1, **form)
    np.testing.assert_array_equal(got, [[1, 2, -4, 7]])
    assert got.dtype == np.int8
    source = Tensor(
        name="t0", shape=(1, 4), number_format="int8", scale=(0.5,), zero_point=(2,), role="input"
    )
    unsigned = {"number_format": "uint8", "scale": (1.0,), "zero_point": (3,)}
    for kind, result, want in (
        ("dequantize", {"number_format": "float32"}, [[-65, -1, 0, 62.5]]),
        ("requantize", unsigned, [[0, 2, 3, 65]]),
    ):
        sink = Tensor(name="y", shape=(1, 4), role="output", **result)
        op = Op(name="op", kind=kind, inputs=("t0",), outputs=("y",))
        graph = Graph(name="one", ops=(op,), tensors=(source, sink))
        given = np.array([[-128, 0, 2, 127]], np.int8)
        np.testing.assert_array_equal(run_float(graph, {"t0": given})["y"], want)


def test_another_batch() -> None:
    """A reshape whose first extent is the batch, or holds it, follows the input."""
    graph = graph_of("reshape", [np.zeros((2, 3, 4), np.float32)], (2, 12), {})
    values = np.arange(60, dtype=np.float32).reshape(5, 3, 4)
    np.testing.assert_array_equal(run_float(graph, {"t0": values})["y"], values.reshape(5, 12))
    graph = graph_of("reshape", [np.zeros((2, 3, 4), np.float32)], (6, 4), {})
    np.testing.assert_array_equal(run_float(graph, {"t0": values})["y"], values.reshape(15, 4))


def test_several_runs() -> None:
    """An op along the first axis computes each run by itself; constants serve all of them."""
    values = np.arange(12, dtype=np.float32).reshape(6, 2)
    graph = graph_of("softmax", [np.zeros((2, 2), np.float32)], (2, 2), {"axis": 0})
    got = run_float(graph, {"t0": values})["y"]
    one = run_float(graph, {"t0": values[:2]})["y"]
    np.testing.assert_allclose(got, np.concatenate([one] * 3), rtol=1e-6)
    constant = np.array([[7, 8]], np.float32)
    graph = graph_of("concat", [np.zeros((2, 2), np.float32), constant], (3, 2), {"axis": 0})
    got = run_float(graph, {"t0": values})["y"]
    np.testing.assert_array_equal(got[[2, 5, 8]], [[7, 8]] * 3)
    np.testing.assert_array_equal(got[[0, 1, 3, 4, 6, 7]], values)
    with pytest.raises(ValueError, match=r"op op \(concat\): cannot take 3/2 times"):
        run_float(graph, {"t0": values[:3]})


def test_wrong_inputs() -> None:
    """Named: unknown, missing, wrong shape or format; infinite where integers are made."""
    graph = graph_of("relu", [np.zeros((2, 3), np.float32)], (2, 3), {})
    right = np.zeros((2, 3), np.float32)
    with pytest.raises(ValueError, match="no input other"):
        run_float(graph, {"t0": right, "other": right})
    with pytest.raises(ValueError, match="t0: missing"):
        run_float(graph, {})
    with pytest.raises(ValueError, match=r"t0: must be float32 \(2, 3\), got float32 \(2, 4\)"):
        run_float(graph, {"t0": np.zeros((2, 4), np.float32)})
    with pytest.raises(ValueError, match="got float64"):
        run_float(graph, {"t0": np.zeros((2, 3))})
    form = {"number_format": "int8", "scale": (1.0,), "zero_point": (0,)}
    far = np.array([3], np.int64)
    with pytest.raises(ValueError, match=r"op op \(gather\): index 3 is out of bounds"):
        run_one("gather", [right, far], (2, 1), {"axis": 1})
    with pytest.raises(ValueError, match="must be finite"):
        run_one("quantize", [right + np.float32(np.inf)], (2, 3), {}, **form)


def test_every_kind_has_a_meaning() -> None:
    """No kind is left out."""
    by_tensors = {"quantize", "dequantize", "requantize", "table", "reshape"}
    assert set(KINDS) == set(FLOAT_OPS) | by_tensors
