"""Functions written as several nodes are one op again; what only looks like them is not."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx import parser
from tilewright.dataflow.importers.onnx_file import parse_model
from tilewright.dataflow.importers.onnx_model import model_graph
from tilewright.sim.golden.float_run import run_float

PLACE = Path("model.onnx")
GELU = "float r = {1.4142135}, float i = {0.70710678}, float o = {1}, float h = {0.5}"
SWISH = "float t = {3}, float z = {0}, float s = {6}, float q = {0.16666667}, float h = {0.5}"
TANH = "float k = {0.79788458}, float c = {0.044715}, float t = {3}, float o = {1}, float h = {0.5}"


def model_of(body, constants, outputs="float[N,4] y"):
    frame = '<ir_version: 10, opset_import: ["" : 18]> m (float[N,4] x)'
    return parser.parse_model(f"{frame} => ({outputs}) <{constants}> {{ {body} }}")


def graph_of(model):
    return model_graph(parse_model(model.SerializeToString(), PLACE), PLACE)


def kinds(graph):
    return [op.kind for op in graph.ops]


@pytest.mark.parametrize(
    ("body", "constants", "kind"),
    [
        ("d = Div(x, r) e = Erf(d) a = Add(e, o) m = Mul(x, a) y = Mul(m, h)", GELU, "gelu"),
        ("d = Mul(i, x) e = Erf(d) a = Add(o, e) m = Mul(a, h) y = Mul(m, x)", GELU, "gelu"),
        ("b = Mul(x, h) d = Div(x, r) e = Erf(d) a = Add(e, o) y = Mul(b, a)", GELU, "gelu"),
        ("p = Pow(x, t) w = Mul(p, c) u = Add(x, w) v = Mul(u, k) e = Tanh(v) a = Add(e, o) "
         "b = Mul(x, h) y = Mul(b, a)", TANH, "gelu"),
        ("p = Mul(x, x) p3 = Mul(p, x) w = Mul(p3, c) u = Add(x, w) v = Mul(u, k) e = Tanh(v) "
         "a = Add(e, o) b = Mul(h, a) y = Mul(x, b)", TANH, "gelu"),
        ("a = Add(x, t) b = Clip(a, z, s) m = Mul(x, b) y = Div(m, s)", SWISH, "hard_swish"),
        ("a = Add(x, t) b = Clip(a, z, s) d = Div(b, s) y = Mul(x, d)", SWISH, "hard_swish"),
        ("a = Add(t, x) b = Clip(a, z, s) d = Mul(b, q) y = Mul(d, x)", SWISH, "hard_swish"),
        ("a = HardSigmoid<alpha = 0.16666667, beta = 0.5>(x) y = Mul(x, a)", SWISH, "hard_swish"),
    ],
)  # fmt: skip
def test_groups_that_are_one_function(body, constants, kind):
    model = model_of(body, constants)
    graph = graph_of(model)
    assert kinds(graph) == [kind]
    if kind == "gelu":
        form = "tanh" if constants is TANH else "none"
        assert graph.ops[0].attributes["approximate"] == form
    assert graph.ops[0].origin.split(", ")[-1] == "y"
    data = np.random.default_rng(7).uniform(-6, 6, (20, 4)).astype(np.float32)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    (wanted,) = session.run(None, {"x": data})
    np.testing.assert_allclose(run_float(graph, {"x": data})["y"], wanted, 1e-5, 1e-5)


@pytest.mark.parametrize(
    ("body", "outputs"),
    [
        ("d = Div(x, r) e = Erf(d) a = Add(e, o) m = Mul(x, a) y = Mul(m, h)", ", float[N,4] e"),
        ("d = Div(x, i) e = Erf(d) a = Add(e, o) m = Mul(x, a) y = Mul(m, h)", ""),
        ("d = Div(x, r) e = Erf(d) a = Add(e, o) m = Mul(d, a) y = Mul(m, h)", ""),
        ("d = Div(x, r) e = Erf(d) n = Relu(e) a = Add(e, o) m = Mul(x, a) g = Mul(m, h) "
         "y = Add(g, n)", ""),
    ],
)  # fmt: skip
def test_groups_that_are_not(body, outputs):
    """A value inside is read elsewhere, or the function is another."""
    graph = graph_of(model_of(body, GELU, "float[N,4] y" + outputs))
    assert "gelu" not in kinds(graph)
    assert "erf" in kinds(graph)


def test_groups_one_after_the_other():
    """Two of them share constants; one feeds the other."""
    once = "d{0} = Div({1}, r) e{0} = Erf(d{0}) a{0} = Add(e{0}, o) m{0} = Mul({1}, a{0}) "
    body = once.format(1, "x") + "g = Mul(m1, h) " + once.format(2, "g") + "y = Mul(m2, h)"
    graph = graph_of(model_of(body, GELU))
    assert kinds(graph) == ["gelu", "gelu"]
    assert graph.ops[1].inputs == ("g",)
