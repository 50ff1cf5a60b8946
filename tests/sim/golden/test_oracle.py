"""onnxruntime as a judge: which kernels it runs, what can be seen inside, what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tilewright.dataflow.importers.model import import_bytes
from tilewright.sim.golden.comparison import Comparison, Count
from tilewright.sim.golden.model_run import run_model
from tilewright.sim.golden.oracle import Observer, Oracle, oracle_outputs, processor_flags

SCALE = {"x": 0.1, "a": 0.05, "b": 0.07, "y": 0.02}
EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


def model(*nodes: tuple[str, str, str], ends: tuple[str, str] = ("x", "y"), **more: Any) -> bytes:
    """`x` [2][6], then nodes (operator, input, output); int8, `SCALE`, zero point 3 everywhere.

    An operator of several inputs has them joined by a comma. The output is float unless its name
    ends in `_q`. `more` are constants.
    """
    used = {name.removesuffix("_q") for _, a, b in nodes for name in (*a.split(","), b)}
    constants = [numpy_helper.from_array(np.asarray(v), k) for k, v in more.items()]
    for name in sorted(used & set(SCALE)):
        constants.append(numpy_helper.from_array(np.array(SCALE[name], np.float32), f"{name}_s"))
        constants.append(numpy_helper.from_array(np.array(3, np.int8), f"{name}_z"))
    made = []
    for op_type, sources, result in nodes:
        inputs = sources.split(",")
        if op_type in ("QuantizeLinear", "DequantizeLinear"):
            label = (result if op_type == "QuantizeLinear" else inputs[0]).removesuffix("_q")
            inputs += [f"{label}_s", f"{label}_z"]
        made.append(helper.make_node(op_type, inputs, [result], result))
    first = helper.make_tensor_value_info(ends[0], TensorProto.FLOAT, [2, 6])
    kind = TensorProto.INT8 if ends[1].endswith("_q") else TensorProto.FLOAT
    last = helper.make_tensor_value_info(ends[1], kind, None)
    graph = helper.make_graph(made, "judged", [first], [last], constants)
    opset = [helper.make_opsetid("", 17)]
    return bytes(helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString())


def unary(op_type: str) -> bytes:
    """x -> Q -> DQ -> operator -> Q -> DQ -> y."""
    return model(
        ("QuantizeLinear", "x", "x_q"),
        ("DequantizeLinear", "x_q", "x_f"),
        (op_type, "x_f", "a"),
        ("QuantizeLinear", "a", "a_q"),
        ("DequantizeLinear", "a_q", "y"),
    )


def two_pairs() -> bytes:
    """x -> Q -> DQ -> Q -> DQ -> y, of two scales."""
    return model(
        ("QuantizeLinear", "x", "x_q"),
        ("DequantizeLinear", "x_q", "x_f"),
        ("QuantizeLinear", "x_f", "a_q"),
        ("DequantizeLinear", "a_q", "y"),
    )


X = np.linspace(-14, 14, 12, dtype=np.float32).reshape(2, 6)


@pytest.mark.parametrize(
    ("op_type", "kernel", "floats"),
    [
        ("LeakyRelu", "com.microsoft:QLinearLeakyRelu", {}),
        ("Sigmoid", "com.microsoft:QLinearSigmoid", {}),
        ("Tanh", ":Tanh", {"Tanh": 1}),
        ("Relu", ":Relu", {"Relu": 1}),
    ],
)
def test_kernels_are_named(op_type: str, kernel: str, floats: dict[str, int]) -> None:
    oracle = Oracle(unary(op_type))
    assert oracle.nodes[kernel] == 1
    assert dict(oracle.float_kernels) == floats


def test_int8_weights_and_activations_use_integer_kernels() -> None:
    oracle = Oracle((EXAMPLES / "digits_mlp.qdq.onnx").read_bytes())
    assert not oracle.float_kernels
    assert oracle.nodes["com.microsoft:QGemm"] + oracle.nodes[":QLinearMatMul"] == 3


def test_inner_values_are_those_of_the_model() -> None:
    values = Observer(unary("LeakyRelu"), {"x_q": "int8", "a_q": "int8"}).run({"x": X})
    x_q = np.clip(np.rint(X / np.float32(0.1)) + 3, -128, 127)
    assert np.array_equal(values["x_q"], x_q)
    assert np.array_equal(values["y"], (values["a_q"].astype(np.float32) - 3) * np.float32(0.05))


def test_a_value_whose_sight_changes_the_kernels_is_left_out() -> None:
    """A second pair of the same scale is dropped, unless its integers are asked for."""
    data = model(
        ("QuantizeLinear", "x", "x_q"),
        ("DequantizeLinear", "x_q", "x_f"),
        ("QuantizeLinear", "x_f", "t_q"),
        ("DequantizeLinear", "t_q", "t_f"),
        ("LeakyRelu", "t_f", "a"),
        ("QuantizeLinear", "a", "a_q"),
        ("DequantizeLinear", "a_q", "y"),
        t_s=np.float32(0.1),
        t_z=np.int8(3),
    )
    observer = Observer(data, {"x_q": "int8", "t_q": "int8", "a_q": "int8"})
    assert observer.left_out == ("t_q",)
    assert set(observer.run({"x": X})) == {"y", "x_q", "a_q"}
    for session in observer.sessions:
        assert session.nodes == observer.oracle.nodes


def test_two_pairs_in_a_row_keep_the_files_scales() -> None:
    """By default onnxruntime merges them into one pair with a scale of its own."""
    data = two_pairs()
    oracle = Oracle(data)
    assert oracle.had_double_pairs and not Oracle(unary("LeakyRelu")).had_double_pairs
    first = (np.clip(np.rint(X / np.float32(0.1)) + 3, -128, 127) - 3) * np.float32(0.1)
    second = np.clip(np.rint(first.astype(np.float32) / np.float32(0.05)) + 3, -128, 127)
    expected = (second - 3).astype(np.float32) * np.float32(0.05)
    assert np.array_equal(oracle.run({"x": X})["y"], expected)
    ours = run_model(import_bytes(data, Path("pairs.onnx"), 2), {"x": X})
    assert np.array_equal(ours.outputs["y"], expected)


def test_outputs_are_read_as_integers(tmp_path: Path) -> None:
    path = tmp_path / "unary.onnx"
    path.write_bytes(unary("LeakyRelu"))
    graph = import_bytes(path.read_bytes(), path, 2).graph
    (result,) = oracle_outputs(path, graph, {"x": X}).values()
    assert result.dtype == np.int8
    assert np.array_equal(result, Observer(path.read_bytes(), {"a_q": "int8"}).run({"x": X})["a_q"])


def test_an_answer_between_the_steps_is_refused(tmp_path: Path) -> None:
    """The graph of one model, the file of another whose result is a float."""
    path = tmp_path / "other.onnx"
    graph = import_bytes(unary("LeakyRelu"), path, 2).graph
    path.write_bytes(model(("Tanh", "x", "y")))
    with pytest.raises(ValueError, match="between the integers' steps"):
        oracle_outputs(path, graph, {"x": X})
    path.write_bytes(model(("Exp", "x", "y")))
    with pytest.raises(ValueError, match="beyond int8"):
        oracle_outputs(path, graph, {"x": X})


def test_a_comparison_counts_outputs_and_inner_values() -> None:
    data = unary("LeakyRelu")
    comparison = Comparison(data, import_bytes(data, Path("unary.onnx"), 2))
    comparison.run({"x": X})
    assert comparison.is_exact and not comparison.left_out
    assert comparison.outputs.tensors == {"y"} and comparison.inner.tensors == {"a_q"}
    assert comparison.outputs.checked == comparison.inner.checked == X.size
    assert comparison.outputs.mismatches == comparison.inner.mismatches == 0


def test_rows_one_by_one_are_the_same_as_together() -> None:
    data = unary("LeakyRelu")
    imported = import_bytes(data, Path("unary.onnx"), 2)
    fixed = onnx.load_model_from_string(data)
    fixed.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    comparison = Comparison(fixed.SerializeToString(), imported)
    rows = np.concatenate([X, X[::-1] * 2])
    _, theirs = comparison.run({"x": rows}, one_by_one=True)
    assert theirs["y"].shape == rows.shape and not comparison.outputs.mismatches
    assert comparison.outputs.checked == rows.size


def test_mismatches_are_counted_with_their_place_and_size() -> None:
    count = Count()
    count.add("t", np.array([1, 2, 3]), np.array([1, 4, 3]))
    count.add("t", np.array([0.5], np.float32), np.array([0.25], np.float32), step=0.125)
    assert (count.checked, count.mismatches, count.largest) == (4, 2, 2.0)
    assert count.examples[0] == "t[1]: ours 2, onnxruntime's 4"
    count.add("u", np.zeros((2, 2), np.int8), np.zeros(4, np.int8))
    assert count.mismatches == 6 and "int8 (2, 2) for int8 (4,)" in count.examples[-1]


def test_the_processor_is_named() -> None:
    assert processor_flags(["no_such_flag"]) == []


def uint8_by_int8(opset: int) -> bytes:
    """A product of 64 terms 255 by 127, whose sums in pairs have 17 bits."""
    constants = {
        "w": np.full((64, 4), 127, np.int8),
        "one": np.float32(1),
        "step": np.float32(10_000),
        "x_z": np.uint8(0),
        "w_z": np.int8(0),
    }
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "one", "x_z"], ["x_q"]),
        helper.make_node("DequantizeLinear", ["x_q", "one", "x_z"], ["x_f"]),
        helper.make_node("DequantizeLinear", ["w", "one", "w_z"], ["w_f"]),
        helper.make_node("MatMul", ["x_f", "w_f"], ["p"]),
        helper.make_node("QuantizeLinear", ["p", "step", "x_z"], ["p_q"]),
        helper.make_node("DequantizeLinear", ["p_q", "step", "x_z"], ["y"]),
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("x", [1, 64]), ("y", [1, 4]))
    ]
    values = [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()]
    graph = helper.make_graph(nodes, "wide", ends[:1], ends[1:], values)
    opsets = [helper.make_opsetid("", opset)]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString())


@pytest.mark.parametrize("opset", [17, 21])
def test_sums_of_uint8_by_int8_are_exact_or_said_to_saturate(opset: int) -> None:
    """On any processor: 255 * 127 * 64 = 2,072,640, in steps of 10,000."""
    oracle = Oracle(uint8_by_int8(opset))
    (y,) = oracle.run({"x": np.full((1, 64), 255, np.float32)}).values()
    assert oracle.saturating_kernels or np.array_equal(y, np.full((1, 4), 2_070_000, np.float32))
    if opset == 17:
        assert not oracle.saturating_kernels


def test_kernels_that_saturate_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    oracle = Oracle(uint8_by_int8(17))
    for node in oracle.optimised.graph.initializer:  # as if onnxruntime had left the weights int8
        if node.name.startswith("w_z"):
            node.CopyFrom(numpy_helper.from_array(np.int8(0), node.name))
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    for flags, number in (([], 1), (["avx_vnni"], 0)):
        monkeypatch.setattr(
            "tilewright.sim.golden.oracle.processor_flags", lambda _, found=flags: found
        )
        assert sum(oracle.saturating_kernels.values()) == number
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert not oracle.saturating_kernels
