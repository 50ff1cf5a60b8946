"""Functions of a model and branches that are decided are inlined; what cannot be is refused."""

import time
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx import helper, parser
from tilewright.dataflow.importers.onnx_file import parse_model
from tilewright.dataflow.importers.onnx_model import model_graph
from tilewright.sim.golden.float_run import run_float

from tilewright.spec.diagnostics import SpecError

PLACE = Path("model.onnx")
IF = """y = If({condition}) <
  then_branch = g () => (float[a,b] o) {{ o = Relu(x) }},
  else_branch = h () => (float[a,b] p) {{ t = Tanh(x) p = Neg(t) }}>"""


def graph_of(model, batch=1):
    return model_graph(parse_model(model.SerializeToString(), PLACE), PLACE, batch)


def kinds(graph):
    return [op.kind for op in graph.ops]


def rules(model):
    with pytest.raises(SpecError) as caught:
        graph_of(model)
    return [(item.path, item.rule) for item in caught.value.diagnostics]


def branches(condition, nodes="", constants=""):
    known = f"<{constants}>" if constants else ""
    frame = '<ir_version: 9, opset_import: ["" : 18]> m (float[N,4] x) => (float[N,4] y)'
    return parser.parse_model(f"{frame} {known} {{ {nodes} {IF.format(condition=condition)} }}")


def calls(*bodies, main="F0"):
    """Functions F0, F1 ... of one value; each calls those that it lists, one after the other."""
    model = parser.parse_model(
        '<ir_version: 9, opset_import: ["" : 18, "mine" : 1]> m (float[N,4] x) => (float[N,4] y) '
        f"{{ [call] y = mine.{main}(x) }}"
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("mine", 1)]
    for number, body in enumerate(bodies):
        names = ["a", *(f"v{place}" for place in range(len(body)))]
        nodes = [
            helper.make_node(
                op, names[place : place + 1], names[place + 1 : place + 2],
                domain="mine" if op.startswith("F") else "",
            )
            for place, op in enumerate(body)
        ]  # fmt: skip
        made = helper.make_function("mine", f"F{number}", ["a"], names[-1:], nodes, opsets)
        model.functions.append(made)
    return model


def test_functions():
    model = calls(["F1", "Tanh", "F1"], ["Relu", "Neg"])
    graph = graph_of(model, 3)
    assert kinds(graph) == ["relu", "mul", "tanh", "relu", "mul"]
    data = np.random.default_rng(4).normal(size=(3, 4)).astype(np.float32)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    (wanted,) = session.run(None, {"x": data})
    np.testing.assert_allclose(run_float(graph, {"x": data})["y"], wanted, 1e-6, 1e-6)
    assert [tensor.name for tensor in graph.inputs] == ["x"]


def test_functions_that_call_each_other():
    assert "Cycle detected" in rules(calls(["F1"], ["F0"]))[0][1]


def test_functions_that_multiply():
    """Nine levels of nine calls would be 387 million nodes."""
    started = time.process_time()
    (found,) = rules(calls(*[[f"F{n + 1}"] * 9 for n in range(9)], ["Relu"]))
    assert found[0] == "node call (F0)"
    assert found[1].startswith("functions of the model")
    assert time.process_time() - started < 3


def test_a_function_that_there_is_not():
    (found,) = rules(calls(["Relu"], main="F7"))
    assert found[0] == "node call (F7)"


@pytest.mark.parametrize("batch", [1, 2])
def test_branches(batch):
    """The condition may be a constant or follow from the extents of the inputs."""
    plain = branches("c", constants="bool c = {0}")
    assert kinds(graph_of(plain, batch)) == ["tanh", "mul"]
    computed = branches(
        "c",
        "s = Shape(x) n = Gather(s, zero) c = Equal(n, one)",
        "int64 zero = {0}, int64 one = {1}",
    )
    assert kinds(graph_of(computed, batch)) == (["relu"] if batch == 1 else ["tanh", "mul"])


def test_a_branch_that_data_decide():
    model = branches("c", "m = ReduceMax<keepdims = 0>(x) c = Greater(m, z)", "float z = {0}")
    places = dict(rules(model))
    assert "graph of their own" in places["node y (If)"]
    assert "ReduceMax is not supported" in places["node m (ReduceMax)"]


def test_a_quantised_model_keeps_its_scales():
    model = branches(
        "c", "q = QuantizeLinear(w, s, z) f = DequantizeLinear(q, s, z) v = Add(x, f)",
        "bool c = {1}, float[4] w = {1,2,3,4}, float s = {0.5}, int8 z = {3}",
    )  # fmt: skip
    for node in model.graph.node[-1].attribute[0].g.node:
        node.input[0] = "v"
    for node in model.graph.node[-1].attribute[1].g.node[:1]:
        node.input[0] = "v"
    assert kinds(graph_of(model)) == ["dequantize", "add", "relu"]
