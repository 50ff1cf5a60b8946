"""The model graph of whole models: quantised values, constants, names, batch, recognised groups."""

from pathlib import Path

import ml_dtypes
import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, numpy_helper, parser
from tilewright.dataflow.graph import Graph
from tilewright.dataflow.importers.onnx_file import parse_model
from tilewright.dataflow.importers.onnx_model import model_graph
from tilewright.dataflow.serial import from_json, to_json
from tilewright.sim.golden.float_run import run_float

from tilewright.spec.diagnostics import SpecError

PLACE = Path("model.onnx")
PACKED = {TensorProto.INT4: ml_dtypes.int4, TensorProto.UINT4: ml_dtypes.uint4}


def proto(body, inputs="float[N,4] x", outputs="float[N,4] y", constants="", opset=21):
    """A model of lines of nodes; written in ONNX's text form."""
    known = f"<{constants}>" if constants else ""
    text = f'<ir_version: 10, opset_import: ["" : {opset}]> m ({inputs}) => ({outputs}) {known}'
    model = parser.parse_model(f"{text} {{ {body} }}")
    for item in model.graph.initializer:
        if item.data_type in PACKED:  # the parser does not pack two numbers in a byte
            values = np.array(item.int32_data).reshape(item.dims).astype(PACKED[item.data_type])
            item.CopyFrom(numpy_helper.from_array(values, item.name))
    return model


def graph_of(model, batch=1):
    return model_graph(parse_model(model.SerializeToString(), PLACE), PLACE, batch)


def kinds(graph):
    return [op.kind for op in graph.ops]


def equal_to_onnxruntime(model, data, batch=1):
    """All outputs, bit for bit, with optimisations off: what the nodes say one by one."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    wanted = session.run(None, data)
    graph = graph_of(model, batch)
    made = run_float(graph, data)
    for item, expected in zip(model.graph.output, wanted, strict=True):
        np.testing.assert_array_equal(made[item.name], expected, item.name)
    assert from_json(Graph, to_json(graph)) == graph
    return graph


def random(*shape, seed=0, spread=3.0):
    return np.random.default_rng(seed).uniform(-spread, spread, shape).astype(np.float32)


@pytest.mark.parametrize("kind", ["int8", "uint8", "int16", "uint16", "int4", "uint4"])
def test_number_formats(kind):
    zero = 5 if kind.startswith("u") else -2
    model = proto(
        "q = QuantizeLinear(x, s, z) y = DequantizeLinear(q, s, z)",
        constants=f"float s = {{0.3}}, {kind} z = {{{zero}}}",
    )
    graph = equal_to_onnxruntime(model, {"x": random(50, 4, spread=9)}, 50)
    assert graph.tensor("q").number_format == kind
    assert graph.tensor("q").zero_point == (zero,)


def test_weights_that_the_model_quantises():
    """Models trained with quantisation hold floats: they become integers here."""
    model = proto(
        "q = QuantizeLinear<axis = 0>(w, s, z) t = Transpose(q) "
        "f = DequantizeLinear<axis = 1>(t, s, z) y = MatMul(x, f)",
        outputs="float[N,3] y",
        constants="float[3,4] w = {1,-2,3,400,5,6,-7e30,8,9,0.05,0.15,0.25}, "
        "float[3] s = {0.1,0.2,0.1}, int8[3] z = {0,0,0}",
    )
    graph = equal_to_onnxruntime(model, {"x": np.eye(4, dtype=np.float32)}, 4)
    assert kinds(graph) == ["dequantize", "matmul"]
    weight = graph.tensor(graph.ops[0].inputs[0])
    assert (weight.number_format, weight.shape, weight.axis) == ("int8", (4, 3), 1)
    assert weight.data[:, 2].tolist() == [90, 0, 2, 2]  # halves to even
    assert weight.data[:, 0].tolist() == [10, -20, 30, 127]
    assert weight.origin == "w"


def test_uint8_without_a_zero_point():
    model = proto(
        "q = QuantizeLinear(x, s) y = DequantizeLinear(q, s)", constants="float s = {0.3}"
    )
    assert equal_to_onnxruntime(model, {"x": random(5, 4)}, 5).tensor("q").number_format == "uint8"
    wide = proto(
        "q = QuantizeLinear<output_dtype = 5>(x, s) y = DequantizeLinear(q, s)",
        constants="float s = {0.3}",
    )
    assert equal_to_onnxruntime(wide, {"x": random(5, 4)}, 5).tensor("q").number_format == "int16"


@pytest.mark.parametrize("kind", ["int8", "uint8", "int4", "uint4", "int16"])
@pytest.mark.parametrize("axis", [0, -1])
def test_weights_of_a_scale_per_channel(kind, axis):
    weights = "1, 2, 3, 4, 5, 6, 7, 0, 1, 3, 5, 7"
    scales = "0.5, 0.25, 0.125, 0.75" if axis == -1 else "0.5, 0.25, 0.125"
    count = 4 if axis == -1 else 3
    model = proto(
        f"f = DequantizeLinear<axis = {axis}>(w, s, z) y = Gemm<transB = 1>(x, f)",
        outputs="float[N,3] y",
        constants=f"{kind}[3,4] w = {{{weights}}}, float[{count}] s = {{{scales}}}, "
        f"{kind}[{count}] z = {{{', '.join(['1'] * count)}}}",
    )
    graph = graph_of(model)
    assert kinds(graph) == ["dequantize", "matmul"]
    weight = graph.tensor(graph.ops[0].inputs[0])
    assert weight.shape == (4, 3)
    assert weight.axis == (0 if axis == -1 else 1)
    assert weight.number_format == kind
    assert weight.origin == "w"
    data = random(2, 4)
    floats = weight.dequantize(weight.data)
    np.testing.assert_allclose(run_float(graph, {"x": data})["y"], data @ floats, 1e-5, 1e-5)
    listed = np.array([int(v) for v in weights.split(",")]).reshape(3, 4)
    assert weight.data.tolist() == listed.T.tolist()


@pytest.mark.parametrize(
    ("body", "constants", "shape", "made"),
    [
        ("t = Transpose(x) y = DequantizeLinear(t, s, z)", "", "4,N", "transpose"),
        ("p = Pad(x, pads, v) y = DequantizeLinear(p, s, z)",
         ", int64[4] pads = {0,1,0,0}, int8 v = {7}", "N,5", "pad"),
        ("r = Reshape(x, r0) t = Transpose(r) y = DequantizeLinear(t, s, z)",
         ", int64[2] r0 = {-1,2}", "2,M", "transpose"),
        ("a = Concat<axis = 1>(x, x) y = DequantizeLinear(a, s, z)", "", "N,8", "concat"),
        ("a, b = Split<axis = 1, num_outputs = 2>(x) y = DequantizeLinear(b, s, z)", "", "N,2",
         "slice"),
        ("a = Gather<axis = 1>(x, i) y = DequantizeLinear(a, s, z)", ", int64[2] i = {-1,0}",
         "N,2", "gather"),
    ],
)  # fmt: skip
def test_integers_moved_before_their_scale_is_known(body, constants, shape, made):
    model = proto(
        body,
        inputs="int8[N,4] x",
        outputs=f"float[{shape}] y",
        constants="float s = {0.5}, int8 z = {3}" + constants,
    )
    data = np.random.default_rng(2).integers(-128, 128, (6, 4)).astype(np.int8)
    graph = equal_to_onnxruntime(model, {"x": data}, 6)
    assert graph.inputs[0].scale == (0.5,)
    assert made in kinds(graph)
    moved = [op for op in graph.ops if op.kind not in ("quantize", "dequantize")]
    assert {graph.tensor(op.outputs[0]).number_format for op in moved} == {"float32"}


def test_integers_moved_between_quantize_and_dequantize():
    model = proto(
        """q = QuantizeLinear(x, s, z) r = Reshape(q, shape)
        m = MaxPool<kernel_shape = [2], pads = [1, 0]>(r) t = Transpose<perm = [0, 2, 1]>(m)
        y = DequantizeLinear(t, s, z)""",
        outputs="float[N,4,1] y",
        constants="float s = {0.5}, int8 z = {3}, int64[3] shape = {0,1,4}",
    )
    graph = equal_to_onnxruntime(model, {"x": random(3, 4)}, 3)
    assert [kind for kind in kinds(graph) if not kind.endswith("quantize")] == [
        "quantize", "reshape", "max_pool", "transpose",
    ][1:]  # fmt: skip


def test_bytes_become_floats():
    model = proto(
        "f = Cast<to = 1>(x) y = Div(f, c)", inputs="uint8[N,4] x", constants="float c = {255}"
    )
    data = np.random.default_rng(3).integers(0, 256, (6, 4)).astype(np.uint8)
    graph = equal_to_onnxruntime(model, {"x": data}, 6)
    assert (graph.inputs[0].scale, graph.inputs[0].zero_point) == ((1.0,), (0,))
    assert kinds(graph) == ["dequantize", "div"]


def test_an_embedding():
    model = proto(
        "j = Cast<to = 7>(i) e = Gather(w, j) y = DequantizeLinear(e, s, z)",
        inputs="int32[N,3] i",
        outputs="float[N,3,2] y",
        constants="int8[4,2] w = {1,2,3,4,5,6,7,8}, float s = {0.5}, int8 z = {1}",
    )
    data = np.array([[0, 3, 1], [2, 2, 0]], np.int32)
    graph = equal_to_onnxruntime(model, {"i": data}, 2)
    assert kinds(graph)[:2] == ["dequantize", "gather"]
    assert graph.inputs[0].number_format == "int32"


@pytest.mark.parametrize("batch", [1, 5])
def test_shapes_that_the_model_computes(batch):
    model = proto(
        """s = Shape(x) b = Gather(s, zero) u = Unsqueeze(b, front) t = Mul(u, two)
        all = Concat<axis = 0>(t, rest) y = Reshape(x, all)""",
        outputs="float[M,2] y",
        constants="int64 zero = {0}, int64[1] front = {0}, int64[1] two = {2}, "
        "int64[1] rest = {-1}",
    )
    graph = equal_to_onnxruntime(model, {"x": random(batch, 4)}, batch)
    assert kinds(graph) == ["reshape"]
    assert graph.outputs[0].shape == (2 * batch, 2)


def test_float_constants_are_computed():
    model = proto(
        "v = Constant<value_float = 2.0>() t = Transpose(w) u = Mul(t, v) n = Neg(u) "
        "y = MatMul(x, n)",
        constants="float[4,4] w = {1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16}",
    )
    graph = graph_of(model)
    assert kinds(graph) == ["matmul"]
    wanted = -2.0 * np.arange(1, 17, dtype=np.float32).reshape(4, 4).T
    assert graph.tensor(graph.ops[0].inputs[1]).data.tolist() == wanted.tolist()


def test_batch():
    model = proto(
        "y = Add(x, b)", inputs="float[N,4,N] x, float[N,4,1] b", outputs="float[N,4,N] y"
    )
    assert [t.shape for t in graph_of(model, 3).tensors] == [(3, 4, 3), (3, 4, 1), (3, 4, 3)]
    fixed = proto("y = Relu(x)", inputs="float[7,4] x")
    assert graph_of(fixed, 7).outputs[0].shape == (7, 4)
    assert graph_of(fixed, None).outputs[0].shape == (7, 4)
    with pytest.raises(SpecError, match="fixed batch of 7, 1 was asked"):
        graph_of(fixed)


def test_inputs_that_are_constants():
    model = proto(
        "y = Add(x, c)", inputs="float[N,4] x, float[4] c", constants="float[4] c = {1,2,3,4}"
    )
    assert [tensor.name for tensor in graph_of(model).inputs] == ["x"]


def test_outputs_and_names():
    """An output that is another value's, an input's, or a constant's."""
    model = proto(
        "a = Relu(x) y = Identity(a) again = Dropout(a) same = Identity(x) "
        "n = Shape(x) i = Identity(n)",
        outputs="float[N,4] y, float[N,4] again, float[N,4] same, int64[2] i, int64[2] n",
    )
    graph = equal_to_onnxruntime(model, {"x": random(1, 4)})
    assert [tensor.name for tensor in graph.outputs] == ["y", "again", "same", "i", "n"]
    assert {tensor.origin for tensor in graph.outputs} == {"y", "again", "same", "i", "n"}
    assert kinds(graph).count("relu") == 1


def test_made_names_are_free():
    model = proto(
        "y_sum = Relu(x) y_sum_2 = Tanh(x) y = Sum(x, y_sum, y_sum_2, x)",
        outputs="float[N,4] y, float[N,4] y_sum",
    )
    names = [tensor.name for tensor in graph_of(model).tensors]
    assert len(names) == len(set(names)) == 6


def test_origins():
    model = proto("[first] a = Relu(x) y = Tanh(a)")
    assert [op.origin for op in graph_of(model).ops] == ["first", "y"]
    assert [tensor.origin for tensor in graph_of(model).tensors] == ["x", "a", "y"]


def test_what_nothing_reads_is_left_out():
    graph = graph_of(proto("a = Tanh(x) y = Relu(x)", constants="float[4] c = {1,2,3,4}"))
    assert kinds(graph) == ["relu"]
    assert [tensor.name for tensor in graph.tensors] == ["x", "y"]


def test_one_constant_with_two_meanings():
    model = proto(
        "a = DequantizeLinear(w, s) b = DequantizeLinear(w, t) c = Add(x, a) y = Mul(c, b)",
        constants="int8[4] w = {1,2,3,4}, float s = {0.5}, float t = {2}",
    )
    graph = equal_to_onnxruntime(model, {"x": random(2, 4)}, 2)
    assert {graph.tensor(op.inputs[0]).scale for op in graph.ops[:2]} == {(0.5,), (2.0,)}


def test_opset_of_the_standard_domain_by_its_long_name():
    model = proto("y = Relu(x)")
    model.opset_import[0].domain = "ai.onnx"
    assert kinds(graph_of(model)) == ["relu"]


def test_a_zero_point_that_is_left_out():
    model = proto(
        "q = QuantizeLinear(x, s, z) y = DequantizeLinear(q, s)",
        constants="float s = {1}, int8 z = {0}",
    )
    assert equal_to_onnxruntime(model, {"x": random(1, 4)}).tensor("q").zero_point == (0,)
