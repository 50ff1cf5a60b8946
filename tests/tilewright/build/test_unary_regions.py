"""Which nodes are together a function of one value, and what quantising them as one gains."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tilewright.dataflow.importers.model import import_bytes
from tilewright.sim.golden.run import run

from tilewright.build.quantize import quantized_bytes, run_model
from tilewright.build.unary_regions import name_all_nodes, unary_regions

CHANNELS = 6


def model(*nodes: Any, shape: tuple[Any, ...] = ("N", CHANNELS), **constants: Any) -> Any:
    """A float model from `x` to `y`."""
    graph = helper.make_graph(
        list(nodes),
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(v, np.float32), n) for n, v in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def node(op_type: str, inputs: str, output: str, **attributes: Any) -> Any:
    return helper.make_node(op_type, inputs.split(), [output], name=f"make_{output}", **attributes)


GELU = (
    node("Div", "a root", "b"),
    node("Erf", "b", "c"),
    node("Add", "c one", "d"),
    node("Mul", "a d", "e"),
    node("Mul", "e half", "g"),
)
NUMBERS = {"root": 2**0.5, "one": 1, "half": [0.5]}


def groups(made: Any) -> list[list[str]]:
    return [[member.output[0] for member in group] for group in unary_regions(made)]


def weights(seed: int = 3) -> Any:
    return np.random.default_rng(seed).normal(0, 1, (CHANNELS, CHANNELS))


def network() -> Any:
    """Two matmuls with a spelled-out Gelu between them, and a ReLU behind."""
    last = (node("MatMul", "g v", "h"), node("Relu", "h", "y"))
    first = node("MatMul", "x w", "a")
    return model(first, *GELU, *last, w=weights(1), v=weights(2), **NUMBERS)


def test_gelu_is_one_group_and_a_relu_behind_a_product_is_none() -> None:
    assert groups(network()) == [["b", "c", "d", "e", "g"]]


def test_a_single_node_is_no_group() -> None:
    assert groups(model(node("Sigmoid", "x", "y"))) == []


def test_a_constant_per_channel_ends_a_group() -> None:
    made = model(
        node("Sigmoid", "x", "a"), node("Add", "a bias", "b"), node("Tanh", "b", "c"),
        node("Mul", "b c", "y"), bias=np.ones(CHANNELS),
    )  # fmt: skip
    assert groups(made) == [["c", "y"]]


def test_two_values_are_no_group() -> None:
    made = model(node("Sigmoid", "x", "a"), node("MatMul", "a w", "b"), node("Add", "a b", "y"),
                 w=weights())  # fmt: skip
    assert groups(made) == []


def test_a_saturation_counts_only_within_a_group() -> None:
    """`x * clip(x + 3)`: the value is used twice; the first Relu belongs to the product."""
    made = model(
        node("MatMul", "x w", "a"), node("Relu", "a", "r"), node("Add", "r three", "b"),
        node("Clip", "b zero six", "c"), node("Mul", "r c", "y"),
        w=weights(), three=3, zero=0, six=6,
    )  # fmt: skip
    assert groups(made) == [["b", "c", "y"]]


def test_names_are_given_where_none_are() -> None:
    made = model(
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("Relu", ["a"], ["b"], name="Relu_0"),
        helper.make_node("Relu", ["b"], ["y"]),
    )
    name_all_nodes(made)
    assert [member.name for member in made.graph.node] == ["Relu_0_", "Relu_0", "Relu_2"]


def inputs(count: int = 200) -> Any:
    return np.random.default_rng(5).normal(0, 2, (count, CHANNELS)).astype(np.float32)


def test_a_group_becomes_one_table_and_agrees_with_onnxruntime() -> None:
    values = inputs()
    made = quantized_bytes(network(), [{"x": values}], lambda _line: None)
    graph = import_bytes(made, Path("gelu.onnx"), len(values)).graph
    assert [op.kind for op in graph.ops] == ["matmul", "table", "matmul"]
    entry, result = graph.inputs[0], graph.outputs[0]
    got = result.dequantize(run(graph, {entry.name: entry.quantize(values)})[result.name])
    [expected] = run_model(made, [{"x": values}])
    np.testing.assert_allclose(got, expected["y"], rtol=0, atol=1e-6)


def test_node_by_node_it_would_be_several_ops(monkeypatch: pytest.MonkeyPatch) -> None:
    """And no nearer to the floats: rounding the values in between gains nothing."""
    values = inputs()
    floats = run_model(network().SerializeToString(), [{"x": values}])[0]["y"]

    def measured() -> tuple[int, float]:
        made = quantized_bytes(network(), [{"x": values}], lambda _line: None)
        error = np.square(run_model(made, [{"x": values}])[0]["y"] - floats).mean()
        return len(import_bytes(made, Path("gelu.onnx")).graph.ops), float(error)

    num_ops, error = measured()
    monkeypatch.setattr("tilewright.build.quantize.unary_regions", lambda _model: [])
    num_single_ops, single_error = measured()
    assert (num_ops, num_single_ops) == (3, 6)
    assert error < 1.1 * single_error


@pytest.mark.parametrize("behind", ["MaxPool", "AveragePool"])
def test_pools_behind_a_group_are_integers_too(behind: str) -> None:
    """onnxruntime's quantiser leaves them in floats where their input is not quantised before."""
    made = model(
        node("Conv", "x w", "a"), *GELU,
        node(behind, "g", "y", kernel_shape=[2], strides=[2]),
        shape=("N", 2, 16), w=np.random.default_rng(4).normal(0, 1, (3, 2, 3)), **NUMBERS,
    )  # fmt: skip
    values = np.random.default_rng(6).normal(0, 1, (40, 2, 16)).astype(np.float32)
    data = quantized_bytes(made, [{"x": values}], lambda _line: None)
    kinds = [op.kind for op in import_bytes(data, Path("pool.onnx")).graph.ops]
    assert kinds[:2] == ["conv", "table"]
    assert kinds[2].endswith("pool")


def test_quantised_twice_is_the_same() -> None:
    feeds = [{"x": inputs(20)}]
    first, second = (quantized_bytes(network(), feeds, lambda _line: None) for _ in range(2))
    assert first == second
    onnx.checker.check_model(onnx.load_from_string(first))
