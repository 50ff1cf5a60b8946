"""Float operators in all their forms: the model graph computes what onnxruntime computes."""

import itertools
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx import helper, numpy_helper
from tilewright.dataflow.importers.onnx_file import parse_model
from tilewright.dataflow.importers.onnx_model import model_graph
from tilewright.sim.golden.float_run import run_float

PLACE = Path("model.onnx")
F, I64 = np.float32, np.int64


class Fed:
    """An input of the model of this shape, random."""

    def __init__(self, *shape, low=-2.0, high=2.0):
        self.shape, self.low, self.high = shape, low, high


def built(nodes, operands, opset, outputs):
    """A model of `nodes`; operands by name: `Fed` are inputs, arrays constants."""
    inputs = [
        helper.make_tensor_value_info(name, 1, list(value.shape))
        for name, value in operands.items()
        if isinstance(value, Fed)
    ]
    constants = [
        numpy_helper.from_array(np.asarray(value), name)
        for name, value in operands.items()
        if not isinstance(value, Fed)
    ]
    results = [helper.make_tensor_value_info(name, 1, None) for name in outputs]
    graph = helper.make_graph(nodes, "case", inputs, results, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def single(op, operands, opset, attributes, outputs=1):
    names = {f"i{place}": value for place, value in enumerate(operands) if value is not None}
    inputs = [f"i{place}" if value is not None else "" for place, value in enumerate(operands)]
    results = [f"o{place}" for place in range(outputs)]
    node = helper.make_node(op, inputs, results, name="node", **attributes)
    return built([node], names, opset, results), {
        name: value for name, value in names.items() if isinstance(value, Fed)
    }


def compare(model, feds, seed):
    """onnxruntime's float kernels against a run of the model graph."""
    rng = np.random.default_rng(seed)
    data = {name: rng.uniform(fed.low, fed.high, fed.shape).astype(F) for name, fed in feds.items()}
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    wanted = session.run(None, data)
    graph = model_graph(parse_model(model.SerializeToString(), PLACE), PLACE, None)
    made = run_float(graph, data)
    assert [tensor.name for tensor in graph.outputs] == [item.name for item in model.graph.output]
    for item, expected in zip(model.graph.output, wanted, strict=True):
        got = made[item.name]
        assert got.shape == expected.shape, f"{item.name}: {got.shape}, wanted {expected.shape}"
        np.testing.assert_allclose(got, expected, 2e-5, 2e-5, err_msg=f"{item.name}, seed {seed}")
    return graph


def ints(*values):
    return np.array(values, I64)


def floats(*values):
    return np.array(values, F)


X = Fed(2, 4, 7, 6)
W = np.random.default_rng(1).normal(size=(6, 4, 3, 2)).astype(F)
B6 = np.random.default_rng(2).normal(size=6).astype(F)
WT = np.random.default_rng(3).normal(size=(4, 3, 3, 2)).astype(F)
MODE, POLICY = "coordinate_transformation_mode", "keep_aspect_ratio_policy"
P2 = {"kernel_shape": [3, 2]}

CASES = [
    # operator, operands, opset, attributes
    ("Conv", [X, W, B6], 13, {}),
    ("Conv", [X, W], 7, {"strides": [2, 1], "pads": [1, 0, 2, 1]}),
    ("Conv", [X, W, B6], 13, {"auto_pad": "SAME_UPPER", "strides": [2, 3]}),
    ("Conv", [X, W, B6], 13, {"auto_pad": "SAME_LOWER", "strides": [1, 2]}),
    ("Conv", [X, W, B6], 13, {"auto_pad": "VALID", "kernel_shape": [3, 2]}),
    ("Conv", [X, W, None], 13, {"dilations": [2, 3], "pads": [2, 2, 2, 2]}),
    ("Conv", [X, W[:4, :1]], 13, {"group": 4}),
    ("Conv", [X, W[:, :2]], 13, {"group": 2}),
    ("Conv", [Fed(2, 4, 9), W[:, :, :, 0], B6], 13, {"strides": [2], "pads": [1, 1]}),
    ("ConvTranspose", [X, WT], 13, {}),
    ("ConvTranspose", [X, WT], 13, {"strides": [2, 3], "pads": [1, 0, 0, 1]}),
    ("ConvTranspose", [X, WT], 13, {"strides": [2, 2], "output_padding": [1, 0]}),
    ("ConvTranspose", [X, WT], 13, {"strides": [2, 2], "output_shape": [14, 12]}),
    ("ConvTranspose", [X, WT], 13, {"strides": [2, 2], "auto_pad": "SAME_UPPER"}),
    ("ConvTranspose", [X, WT], 13, {"strides": [2, 2], "auto_pad": "SAME_LOWER"}),
    ("ConvTranspose", [X, WT[:, :2], floats(1, 2, 3, 4)], 13, {"group": 2, "dilations": [2, 1]}),
    ("ConvTranspose", [Fed(2, 4, 5), WT[:, :, :, 0]], 13, {"strides": [2]}),
    ("MatMul", [Fed(3, 4), Fed(4, 5)], 13, {}),
    ("MatMul", [Fed(2, 3, 4), Fed(2, 4, 5)], 13, {}),
    ("MatMul", [Fed(2, 1, 3, 4), Fed(5, 4, 2)], 13, {}),
    ("MatMul", [Fed(4), Fed(4, 5)], 13, {}),
    ("MatMul", [Fed(2, 3, 4), Fed(4)], 13, {}),
    ("MatMul", [Fed(4), Fed(4)], 13, {}),
    ("MatMul", [Fed(4), Fed(2, 4, 3)], 13, {}),
    ("Gemm", [Fed(3, 4), Fed(4, 6), B6], 13, {}),
    ("Gemm", [Fed(4, 3), Fed(6, 4), B6], 13, {"transA": 1, "transB": 1}),
    ("Gemm", [Fed(3, 4), W[:, :, 0, 0], B6], 11, {"transB": 1, "alpha": 0.5, "beta": 2.0}),
    ("Gemm", [Fed(3, 4), Fed(4, 6)], 11, {}),
    ("Gemm", [Fed(3, 4), Fed(4, 6), F(1.5)], 11, {}),
    ("Gemm", [Fed(3, 4), Fed(4, 6), B6.reshape(1, 6)], 7, {}),
    ("Gemm", [Fed(3, 4), Fed(4, 6), floats(1, 2, 3).reshape(3, 1)], 11, {}),
    ("Gemm", [Fed(3, 4), Fed(4, 6), Fed(3, 6)], 11, {}),
    ("Gemm", [Fed(1, 4), Fed(4, 1), Fed(1)], 11, {}),
    ("Add", [X, Fed(4, 1, 1)], 13, {}),
    ("Sub", [Fed(3, 1), Fed(1, 5)], 13, {}),
    ("Mul", [X, floats(1.5)], 13, {}),
    ("Div", [X, Fed(6, low=1)], 13, {}),
    ("Pow", [Fed(3, 4, low=0.5), F(3)], 13, {}),
    ("Sum", [X, X, X], 13, {}),
    ("Sum", [X], 13, {}),
    ("Neg", [X], 13, {}),
    ("Sqrt", [Fed(3, 4, low=0.1)], 13, {}),
    ("Min", [X, F(0.5)], 13, {}),
    ("Max", [floats(-0.5), X], 12, {}),
    ("Relu", [X], 14, {}),
    ("Clip", [X, F(-1), F(0.5)], 13, {}),
    ("Clip", [X, None, F(0.5)], 11, {}),
    ("Clip", [X], 13, {}),
    ("Clip", [X], 7, {"min": -0.25, "max": 1.0}),
    ("LeakyRelu", [X], 13, {"alpha": 0.2}),
    ("LeakyRelu", [X], 7, {}),
    ("Sigmoid", [X], 13, {}),
    ("Tanh", [X], 13, {}),
    ("Erf", [X], 13, {}),
    ("HardSwish", [Fed(4, 5, low=-5, high=5)], 14, {}),
    ("HardSigmoid", [Fed(4, 5, low=-5, high=5)], 13, {}),
    ("HardSigmoid", [Fed(4, 5, low=-5, high=5)], 13, {"alpha": 0.1, "beta": 0.4}),
    ("Gelu", [X], 20, {}),
    ("Gelu", [X], 20, {"approximate": "tanh"}),
    ("MaxPool", [X], 12, {**P2}),
    ("MaxPool", [X], 8, {**P2, "strides": [2, 2], "pads": [1, 0, 1, 1]}),
    ("MaxPool", [X], 12, {**P2, "strides": [3, 4], "ceil_mode": 1}),
    ("MaxPool", [X], 12, {**P2, "strides": [3, 3], "ceil_mode": 1, "pads": [2, 1, 2, 1]}),
    ("MaxPool", [X], 12, {**P2, "auto_pad": "SAME_UPPER", "strides": [2, 2]}),
    ("MaxPool", [X], 12, {**P2, "auto_pad": "SAME_LOWER", "strides": [2, 2]}),
    ("MaxPool", [X], 12, {**P2, "auto_pad": "VALID", "dilations": [2, 2]}),
    ("MaxPool", [Fed(2, 3, 9)], 12, {"kernel_shape": [4], "strides": [3], "ceil_mode": 1}),
    ("AveragePool", [X], 11, {**P2}),
    ("AveragePool", [X], 11, {**P2, "pads": [1, 1, 1, 1]}),
    ("AveragePool", [X], 11, {**P2, "pads": [1, 1, 1, 1], "count_include_pad": 1}),
    ("AveragePool", [X], 11, {**P2, "auto_pad": "SAME_UPPER", "strides": [2, 2]}),
    ("AveragePool", [X], 11, {**P2, "strides": [3, 4], "ceil_mode": 1}),
    ("AveragePool", [X], 19, {**P2, "dilations": [2, 2]}),
    ("AveragePool", [Fed(2, 3, 9)], 11, {"kernel_shape": [4], "strides": [2]}),
    ("GlobalAveragePool", [X], 13, {}),
    ("GlobalMaxPool", [X], 13, {}),
    ("GlobalAveragePool", [Fed(2, 3, 9)], 13, {}),
    ("ReduceMean", [X], 13, {"axes": [2, 3]}),
    ("ReduceMean", [X], 13, {"axes": [-1], "keepdims": 0}),
    ("ReduceMean", [X], 13, {}),
    ("ReduceMean", [X, ints(-1, 1)], 18, {"keepdims": 0}),
    ("ReduceMean", [X], 18, {"keepdims": 0}),
    ("ReduceMean", [X, ints()], 18, {"noop_with_empty_axes": 1}),
    ("Softmax", [X], 13, {}),
    ("Softmax", [X], 13, {"axis": 1}),
    ("Softmax", [X], 11, {}),
    ("Softmax", [X], 11, {"axis": 2}),
    ("Softmax", [X], 11, {"axis": -1}),
    ("Softmax", [Fed(2, 5)], 7, {"axis": 0}),
    ("Softmax", [Fed(2, 5, 1, 1)], 9, {}),
    ("LayerNormalization", [X, Fed(6), Fed(6)], 17, {}),
    ("LayerNormalization", [X, Fed(6)], 17, {"epsilon": 0.01}),
    ("LayerNormalization", [X, Fed(7, 6), Fed(7, 6)], 17, {"axis": 2}),
    ("LayerNormalization", [X, Fed(7, 6)], 17, {"axis": -2}),
    (
        "BatchNormalization",
        [X, floats(1, 2, 3, 4), floats(4, 3, 2, 1), floats(0, 1, 0, 1), floats(1, 2, 1, 2)],
        9,
        {"epsilon": 0.001},
    ),
    (
        "BatchNormalization",
        [X, floats(1, 2, 3, 4), floats(4, 3, 2, 1), floats(0, 1, 0, 1), floats(1, 2, 1, 2)],
        15,
        {},
    ),
    ("Concat", [X, X, Fed(2, 4, 7, 1)], 13, {"axis": -1}),
    ("Concat", [X], 13, {"axis": 1}),
    ("Concat", [X, np.ones((2, 1, 7, 6), F)], 13, {"axis": 1}),
    ("Slice", [X], 7, {"starts": [1, -3], "ends": [100, -1], "axes": [1, 3]}),
    ("Slice", [X], 9, {"starts": [0, 1], "ends": [1, 3]}),
    ("Slice", [X, ints(1), ints(1 << 40), ints(-2)], 10, {}),
    ("Slice", [X, ints(-1, 5), ints(-100, 1), ints(2, 3), ints(-2, -1)], 13, {}),
    ("Slice", [X, np.array([1], np.int32), np.array([3], np.int32)], 13, {}),
    ("Slice", [X, ints(0), ints(99), ints(3)], 13, {}),
    ("Pad", [X], 7, {"pads": [0, 0, 1, 2, 0, 1, 0, 1], "value": 1.5}),
    ("Pad", [X, ints(0, 0, 1, 2, 0, 1, 0, 1), F(-1)], 13, {}),
    ("Pad", [X, ints(0, 0, 1, 2, 0, 1, 3, 1)], 13, {"mode": "reflect"}),
    ("Pad", [X, ints(0, 0, 1, 2, 0, 1, 9, 1)], 13, {"mode": "edge"}),
    ("Pad", [X, ints(0, 0, -1, 2, 0, -1, 0, 1), F(3)], 13, {}),
    ("Pad", [X, ints(1, 2, 0, 1), F(3), ints(-1, 1)], 18, {}),
    ("Pad", [X, ints(1, 2), None, ints(-2)], 19, {"mode": "wrap"}),
    ("Pad", [X, ints(0, 0, 0, 0, 0, 0, 0, 0)], 13, {}),
    ("Reshape", [X, ints(2, -1, 6)], 13, {}),
    ("Reshape", [X, ints(0, 0, 42)], 13, {}),
    ("Reshape", [X, ints(-1)], 13, {}),
    ("Reshape", [X, ints(2, 4, 7, 6)], 14, {"allowzero": 1}),
    ("Reshape", [Fed(1, 1), ints()], 13, {}),
    ("Flatten", [X], 13, {}),
    ("Flatten", [X], 13, {"axis": 0}),
    ("Flatten", [X], 13, {"axis": 4}),
    ("Flatten", [X], 13, {"axis": -1}),
    ("Transpose", [X], 13, {}),
    ("Transpose", [X], 13, {"perm": [0, 2, 3, 1]}),
    ("Transpose", [X], 13, {"perm": [0, 1, 2, 3]}),
    ("Squeeze", [Fed(1, 3, 1, 2)], 11, {"axes": [0]}),
    ("Squeeze", [Fed(1, 3, 1, 2)], 11, {}),
    ("Squeeze", [Fed(1, 3, 1, 2), ints(-2)], 13, {}),
    ("Unsqueeze", [Fed(3, 2)], 11, {"axes": [0, 3]}),
    ("Unsqueeze", [Fed(3, 2), ints(-1, 1)], 13, {}),
    ("Upsample", [X], 7, {"scales": [1.0, 1.0, 2.0, 3.0]}),
    ("Upsample", [X, floats(1, 1, 2.5, 1)], 9, {"mode": "nearest"}),
    ("Resize", [X, floats(1, 1, 2, 0.6)], 10, {}),
    ("Resize", [X, None, None, ints(2, 4, 14, 3)], 13, {}),
    ("Resize", [X, floats(), floats(1, 1, 2, 2)], 11, {MODE: "asymmetric"}),
    ("Resize", [X, None, floats(2, 0.5)], 18, {"axes": [3, 2]}),
    ("Resize", [X, None, None, ints(10, 15)], 19, {"axes": [-2, -1], MODE: "align_corners"}),
    ("Resize", [X, None, None, ints(10, 15)], 18, {"axes": [2, 3], POLICY: "not_larger"}),
    ("Resize", [X, None, None, ints(5, 15)], 18, {"axes": [2, 3], POLICY: "not_smaller"}),
    ("Expand", [Fed(3, 1), ints(2, 1, 4)], 13, {}),
    ("Expand", [Fed(3, 4), ints(1, 1)], 13, {}),
    ("Tile", [Fed(3, 2), ints(2, 3)], 13, {}),
    ("Gather", [X, ints(0, -1, 2)], 13, {"axis": 1}),
    ("Gather", [X, np.array(2, I64)], 13, {"axis": -1}),
    ("Gather", [X, np.array([[0, 1], [1, 0]], np.int32)], 13, {}),
    ("DepthToSpace", [Fed(2, 8, 3, 5)], 13, {"blocksize": 2}),
    ("DepthToSpace", [Fed(2, 8, 3, 5)], 13, {"blocksize": 2, "mode": "CRD"}),
    ("SpaceToDepth", [Fed(2, 3, 4, 6)], 13, {"blocksize": 2}),
    ("Identity", [X], 13, {}),
    ("Dropout", [X], 12, {}),
    ("Cast", [X], 13, {"to": 1}),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda n: f"{CASES[n][0]}-{n}")
def test_operator(number):
    op, operands, opset, attributes = CASES[number]
    model, feds = single(op, operands, opset, attributes)
    graph = compare(model, feds, number)
    assert all(op.origin in ("node", "o0") for op in graph.ops)


@pytest.mark.parametrize("mode", ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"])
@pytest.mark.parametrize(
    "coordinates",
    ["half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners", "tf_half_pixel_for_nn"],
)
def test_resize_modes(coordinates, mode):
    for seed, sizes in enumerate([(14, 12), (5, 1), (1, 4), (11, 17), (3, 3)]):
        attributes = {"coordinate_transformation_mode": coordinates, "nearest_mode": mode}
        model, feds = single("Resize", [X, None, None, ints(2, 4, *sizes)], 11, attributes)
        model.graph.node[0].input[1] = "roi"
        model.graph.initializer.append(numpy_helper.from_array(floats(), "roi"))
        model.graph.node[0].input[2] = "roi"
        compare(model, feds, seed)


@pytest.mark.parametrize(
    ("opset", "operands", "attributes", "outputs"),
    [
        (11, [X], {"axis": 2, "split": [1, 2, 4]}, 3),
        (11, [X], {"axis": -1}, 2),
        (13, [X, ints(3, 1)], {"axis": 1}, 2),
        (18, [X], {"axis": 2, "num_outputs": 3}, 3),
    ],
)
def test_split(opset, operands, attributes, outputs):
    model, feds = single("Split", operands, opset, attributes, outputs)
    graph = compare(model, feds, opset)
    assert [op.kind for op in graph.ops] == ["slice"] * outputs


@pytest.mark.parametrize("op", ["MaxPool", "AveragePool"])
def test_ceil_mode_of_small_pools(op):
    for extent, kernel, stride, pad in itertools.product(range(3, 8), (2, 3), (1, 2, 3), (0, 1, 2)):
        if pad < kernel:
            sizes = {"kernel_shape": [kernel], "strides": [stride], "pads": [0, pad]}
            model, feds = single(op, [Fed(1, 2, extent)], 12, {**sizes, "ceil_mode": 1})
            compare(model, feds, extent)
