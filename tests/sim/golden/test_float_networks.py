"""Whole networks in floats, and functions of one value as tables of integers."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from tilewright.dataflow.importers.model import import_bytes, import_model
from tilewright.sim.golden.float_run import run_float
from tilewright.sim.golden.model_run import run_model
from tilewright.sim.golden.oracle import Oracle

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


@pytest.mark.parametrize("name", ["digits_mlp", "digits_cnn", "digits_dsres"])
def test_a_network_as_its_file_says(name: str) -> None:
    """The model graph, floats between quantize and dequantize, beside onnxruntime without fusions.

    Sums of floats may differ in their last bits, and so a result that lies beside a tie.
    """
    path = EXAMPLES / f"{name}.qdq.onnx"
    images = "digits_mlp" if name == "digits_mlp" else "digits_cnn"
    given = np.load(EXAMPLES / f"{images}_data.npz")["x_test"][:40]
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    want = session.run(None, {session.get_inputs()[0].name: given})[0]
    imported = import_model(path)
    (source,), (sink,) = imported.model.inputs, imported.model.outputs
    got = run_float(imported.model, {source.name: given})[sink.name]
    steps = np.abs(got - want) / imported.graph.outputs[0].scale[0]
    assert steps.max() < 1.5 and (steps > 0.5).mean() <= 0.01


def gelu(x: float) -> float:
    return x / 2 * (1 + math.erf(x / math.sqrt(2)))


def gelu_tanh(x: float) -> float:
    return x / 2 * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


FUNCTIONS: list[tuple[str, dict[str, Any], Callable[[float], float], float, int]] = [
    ("Gelu", {}, gelu, 0.017, -118),
    ("Gelu", {"approximate": "tanh"}, gelu_tanh, 0.017, -118),
    ("Sigmoid", {}, lambda x: 1 / (1 + math.exp(-x)), 1 / 256, -128),
    ("Tanh", {}, math.tanh, 1 / 128, 0),
    ("HardSwish", {}, lambda x: x * max(0, min(1, x / 6 + 0.5)), 0.018, -107),
    ("LeakyRelu", {"alpha": 0.1}, lambda x: x if x > 0 else 0.1 * x, 0.02, -100),
]


@pytest.mark.parametrize(("op_type", "attributes", "function", "scale", "zero_point"), FUNCTIONS)
def test_every_integer_through_a_function(
    op_type: str,
    attributes: dict[str, Any],
    function: Callable[[float], float],
    scale: float,
    zero_point: int,
) -> None:
    """All 256: as plain Python has them and as onnxruntime has them, but beside ties."""
    source, step, middle = np.float32(0.031), np.float32(scale), 7
    constants = {
        "sx": source, "zx": np.int8(middle), "sy": step, "zy": np.int8(zero_point)
    }  # fmt: skip
    nodes = [
        helper.make_node("DequantizeLinear", ["x", "sx", "zx"], ["xf"]),
        helper.make_node(op_type, ["xf"], ["yf"], **attributes),
        helper.make_node("QuantizeLinear", ["yf", "sy", "zy"], ["y"]),
    ]
    ends = [helper.make_tensor_value_info(n, TensorProto.INT8, ["n", 1]) for n in "xy"]
    stored = [numpy_helper.from_array(np.asarray(a), name) for name, a in constants.items()]
    graph = helper.make_graph(nodes, "one", ends[:1], ends[1:], stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    data = model.SerializeToString()
    imported = import_bytes(data, Path("one.onnx"))
    assert [op.kind for op in imported.graph.ops] == ["table"]
    x = np.arange(-128, 128).astype(np.int8).reshape(-1, 1)
    got = run_model(imported, {"x": x}).outputs["y"]
    theirs = Oracle(data).run({"x": x})["y"]
    for value, ours, other in zip(x.flat, got.flat, theirs.flat, strict=True):
        exact = function((int(value) - middle) * float(source)) / float(step) + zero_point
        allowed = 0.5 + 1e-4 if -128 <= exact <= 127 else math.inf
        assert abs(float(ours) - exact) <= allowed, f"{op_type} of {value}: {ours}, exact {exact}"
        if exact > 127 or exact < -128:
            assert ours == (127 if exact > 127 else -128), f"{op_type} of {value}: {ours}"
        is_beside_tie = abs(abs(exact - math.floor(exact)) - 0.5) < 1e-3
        assert ours == other or is_beside_tie, f"{op_type} of {value}: {ours}, theirs {other}"
