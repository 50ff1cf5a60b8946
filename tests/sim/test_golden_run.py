"""The golden run equals onnxruntime's integer kernels, bit for bit."""

from pathlib import Path

import numpy as np
import pytest
from tilewright.dataflow.graph import Graph, Op, Tensor
from tilewright.dataflow.importers.onnx_qdq import import_onnx
from tilewright.sim.golden.oracle import oracle_outputs
from tilewright.sim.golden.run import run

EXAMPLES = Path(__file__).parents[2] / "examples"
MODEL = EXAMPLES / "digits_mlp.qdq.onnx"


@pytest.fixture(scope="module")
def digits():
    with np.load(EXAMPLES / "digits_mlp_data.npz", allow_pickle=False) as data:
        return data["x_test"], data["y_test"]


def test_all_digits_equal_onnxruntime(digits):
    images, labels = digits
    graph = import_onnx(MODEL, batch=len(images))
    entry, result = graph.inputs[0], graph.outputs[0]
    got = run(graph, {entry.name: entry.quantize(images)})[result.name]
    want = oracle_outputs(MODEL, graph, {entry.origin: images})[result.name]
    assert got.dtype == np.int8
    assert got.shape == (540, 10)
    wrong = np.argwhere(got != want)
    assert not len(wrong), f"{len(wrong)} differ, first at {wrong[0]}"
    assert round(float((got.argmax(axis=1) == labels).mean()), 4) == 0.9759


def test_a_wrong_bias_is_noticed(digits):
    images, _ = digits
    graph = import_onnx(MODEL, batch=len(images))
    entry, result = graph.inputs[0], graph.outputs[0]
    tensors = tuple(
        Tensor(**(vars(t) | {"data": t.data + np.int32(60)})) if t.name == "bias_0" else t
        for t in graph.tensors
    )
    changed = Graph(name="changed", ops=graph.ops, tensors=tensors)
    got = run(changed, {entry.name: entry.quantize(images)})[result.name]
    want = oracle_outputs(MODEL, graph, {entry.origin: images})[result.name]
    assert (got != want).any()


def by_hand(weight, bias, scale, zero_points, limits, values):
    """One matmul on given numbers."""
    constants = [
        ("w", np.array(weight, np.int8)),
        ("b", np.array(bias, np.int32)),
        ("s", np.array(scale, np.float32)),
    ]
    x = np.array(values, np.int8)
    tensors = [
        Tensor(name="x", shape=x.shape, number_format="int8", role="input", scale=(1.0,),
               zero_point=(zero_points[0],)),
        *(Tensor(name=n, shape=d.shape, number_format=d.dtype.name, role="constant", data=d)
          for n, d in constants),
        Tensor(name="y", shape=(len(x), len(bias)), number_format="int8", role="output"),
    ]  # fmt: skip
    attributes = {"zero_point": zero_points[1], "minimum": limits[0], "maximum": limits[1]}
    op = Op(name="o", kind="matmul", inputs=("x", "w", "b", "s"), outputs=("y",),
            attributes=attributes)  # fmt: skip
    graph = Graph(name="hand", ops=(op,), tensors=tuple(tensors))
    return run(graph, {"x": x})["y"].tolist()


def test_hand_arithmetic():
    # (3 - 1) * 5 = 10, + 1 = 11, * 0.5 = 5.5 -> 6 (even); (0 - 1) * 5 + 1 = -4 -> -2
    assert by_hand([[5]], [1], [0.5], (1, 0), (-128, 127), [[3], [0]]) == [[6], [-2]]
    # 4.5 -> 4 (even), then the zero point
    assert by_hand([[1]], [0], [0.5], (0, 10), (-128, 127), [[9]]) == [[14]]
    # a ReLU: nothing below the zero point; saturation at both ends
    assert by_hand([[1]], [0], [1.0], (0, -5), (-5, 127), [[-9], [9]]) == [[-5], [4]]
    assert by_hand([[100]], [0], [1.0], (0, 0), (-128, 127), [[100], [-100]]) == [[127], [-128]]
    # per-channel scales, the least inputs
    assert by_hand([[-128, 1]], [0, 0], [2.0**-8, 1.0], (0, 0), (-128, 127), [[-128]]) == [
        [64, -128]
    ]


def test_wrong_inputs_are_refused(digits):
    graph = import_onnx(MODEL, batch=2)
    name = graph.inputs[0].name
    for inputs, words in [
        ({}, "missing"),
        ({name: np.zeros((2, 63), np.int8)}, "must be int8"),
        ({name: np.zeros((2, 64), np.float32)}, "got float32"),
        ({name: np.zeros((2, 64), np.int8), "other": np.zeros(1)}, "no input other"),
    ]:
        with pytest.raises(ValueError, match=words):
            run(graph, inputs)


def test_quantize_is_what_the_model_does(digits):
    images, _ = digits
    entry = import_onnx(MODEL).inputs[0]
    levels = entry.quantize(images)
    assert levels.min() >= -128
    assert np.abs(entry.dequantize(levels) - images).max() <= entry.scale[0] / 2 + 1e-6
    with pytest.raises(ValueError, match="must be finite"):
        entry.quantize(np.array([[np.nan]], np.float32))
