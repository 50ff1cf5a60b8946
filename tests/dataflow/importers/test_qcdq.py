"""Clip between QuantizeLinear and DequantizeLinear: integers of fewer bits, as Brevitas writes."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from tilewright.dataflow.importers.imported import Imported
from tilewright.dataflow.importers.model import import_bytes
from tilewright.sim.golden.model_run import run_model

from tilewright.spec.diagnostics import SpecError

SEED = 3
Arrays = dict[str, NDArray[Any]]


def constants() -> Arrays:
    rng = np.random.default_rng(SEED)
    return {
        "s": np.array(0.25, np.float32),
        "z": np.array(0, np.int8),
        "us": np.array(0.5, np.float32),
        "uz": np.array(3, np.uint8),
        "low": np.array(-7, np.int8),
        "high": np.array(7, np.int8),
        "ulow": np.array(1, np.uint8),
        "uhigh": np.array(14, np.uint8),
        "ws": np.array(0.125, np.float32),
        "w1": rng.integers(-128, 128, (6, 5), np.int8),
        "w2": rng.integers(-8, 8, (5, 4), np.int8),
    }


def node(operator: str, inputs: str, output: str) -> onnx.NodeProto:
    return helper.make_node(operator, inputs.split(), [output], f"{operator}_{output}")


def nodes() -> list[onnx.NodeProto]:
    """Two layers of four bits; the second clip has a reader beside it that wants all eight."""
    return [
        node("QuantizeLinear", "x s z", "q0"),
        node("Clip", "q0 low high", "q1"),
        node("DequantizeLinear", "q1 s z", "d1"),
        node("Clip", "w1 low high", "c1"),
        node("DequantizeLinear", "c1 ws z", "e1"),
        node("MatMul", "d1 e1", "m1"),
        node("QuantizeLinear", "m1 us uz", "q2"),
        node("Clip", "q2 ulow uhigh", "q3"),
        node("DequantizeLinear", "q3 us uz", "d3"),
        node("DequantizeLinear", "w2 ws z", "e2"),
        node("MatMul", "d3 e2", "m2"),
        node("QuantizeLinear", "m2 s z", "y"),
        node("DequantizeLinear", "q2 us uz", "whole"),
    ]


def model(made: list[onnx.NodeProto], outputs: dict[str, int]) -> onnx.ModelProto:
    used = {name for item in made for name in item.input}
    graph = helper.make_graph(
        made,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [3, 6])],
        [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs.items()],
        [numpy_helper.from_array(v, name) for name, v in constants().items() if name in used],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def imported(proto: onnx.ModelProto) -> Imported:
    return import_bytes(proto.SerializeToString(), Path("net.onnx"), 3)


@pytest.mark.parametrize("is_shared", [False, True])
def test_clips_of_integers_saturate_as_onnxruntime_does(is_shared: bool) -> None:
    made = nodes() if is_shared else nodes()[:-1]
    outputs = {"y": TensorProto.INT8} | ({"whole": TensorProto.FLOAT} if is_shared else {})
    proto = model(made, outputs)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options)
    ours = imported(proto)
    rng = np.random.default_rng(SEED)
    for _ in range(20):
        x = (rng.normal(size=(3, 6)) * 2).astype(np.float32)
        expected = dict(zip(outputs, session.run(None, {"x": x}), strict=True))
        got = run_model(ours, {"x": x}).outputs
        for name, wanted in expected.items():
            assert np.array_equal(got[name], wanted), f"seed {SEED}, {name}"
    kinds = [op.kind for op in ours.graph.ops]
    assert kinds.count("table") == 0
    first = ours.graph.ops[kinds.index("matmul")]
    weight = ours.graph.tensor(first.inputs[1]).data
    assert weight is not None
    assert (weight.min(), weight.max()) == (-7, 7)
    limits = [(op.attributes["minimum"], op.attributes["maximum"]) for op in ours.graph.ops]
    assert (1, 14) in limits


def test_a_minimum_above_the_maximum_gives_the_maximum() -> None:
    made = [*nodes()[:1], node("Clip", "q0 high low", "q1"), *nodes()[2:-1]]
    before = imported(model(made, {"y": TensorProto.INT8})).before
    assert before is not None
    assert before.ops[-1].attributes == {"minimum": -7, "maximum": -7}


def test_limits_that_leave_nothing_are_refused_with_the_node() -> None:
    made = [*nodes()[:1], node("Clip", "q0 far far", "q1"), *nodes()[2:-1]]
    proto = model(made, {"y": TensorProto.INT8})
    proto.graph.initializer.append(numpy_helper.from_array(np.array(1000, np.int16), "far"))
    with pytest.raises(SpecError, match=r"Clip_q1 .*leave nothing"):
        imported(proto)
