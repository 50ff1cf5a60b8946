"""The same network in every version of ONNX's operator set that is read: the same numbers."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper
from tilewright.dataflow.importers.onnx_checks import NEWEST_OPSET, OLDEST_OPSET
from tilewright.dataflow.importers.onnx_file import parse_model
from tilewright.dataflow.importers.onnx_model import model_graph
from tilewright.sim.golden.float_run import run_float

PLACE = Path("model.onnx")
NEWEST_FINAL = 23  # onnxruntime says that later ones are not final for it


class Writer:
    """Nodes in the form of one version: parameters as attributes first, as inputs later."""

    def __init__(self, opset):
        self.opset, self.nodes, self.constants = opset, [], {}

    def constant(self, value, kind):
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(value, kind)
        return name

    def add(self, op, inputs, **attributes):
        output = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [output], f"n{output}", **attributes))
        return output

    def listed(self, op, source, name, values, since, **attributes):
        """A list of integers: an attribute before version `since`, the second input from then."""
        if self.opset < since:
            return self.add(op, [source], **{name: values}, **attributes)
        return self.add(op, [source, self.constant(values, np.int64)], **attributes)

    def clip(self, source):
        if self.opset < 11:
            return self.add("Clip", [source], min=-1.0, max=2.0)
        limits = [self.constant(value, np.float32) for value in (-1, 2)]
        return self.add("Clip", [source, *limits])

    def slice(self, source):
        if self.opset < 10:
            return self.add("Slice", [source], starts=[1], ends=[-1], axes=[2])
        bounds = [self.constant([value], np.int64) for value in (1, -1, 2)]
        return self.add("Slice", [source, *bounds])

    def enlarged(self, source):
        scales = [1.0, 1.0, 2.0, 2.0]
        if self.opset < 9:
            return self.add("Upsample", [source], scales=scales)
        given = self.constant(scales, np.float32)
        if self.opset < 10:
            return self.add("Upsample", [source, given])
        if self.opset < 11:
            return self.add("Resize", [source, given])
        attributes = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        return self.add("Resize", [source, self.constant([], np.float32), given], **attributes)


def network(opset):
    rng = np.random.default_rng(8)
    to = Writer(opset)
    weight = to.constant(rng.normal(size=(4, 3, 3, 3)), np.float32)
    x = to.add("Conv", ["x", weight], auto_pad="SAME_UPPER", strides=[2, 2])
    numbers = [to.constant(value, np.float32) for value in ([1, 2, 1, 2], [0, 1, 0, 1])]
    x = to.add("BatchNormalization", [x, *numbers, numbers[1], numbers[0]])
    x = to.clip(to.add("LeakyRelu", [x], alpha=0.1))
    x = to.listed("Pad", x, "pads", [0, 0, 1, 0, 0, 0, 0, 2], 11)
    x = to.slice(to.add("MaxPool", [x], kernel_shape=[2, 2], strides=[1, 1]))
    x = to.enlarged(x)
    x = to.add("AveragePool", [x], kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1)
    x = to.listed("ReduceMean", x, "axes", [2], 18, keepdims=1)
    x = to.listed("Unsqueeze", to.listed("Squeeze", x, "axes", [2], 13), "axes", [1], 13)
    x = to.add("Softmax", [x], axis=3)
    x = to.add("Flatten", [to.add("Dropout", [x])])
    table = to.constant(rng.normal(size=(72, 5)), np.float32)
    bias = to.constant(rng.normal(size=5), np.float32)
    x = to.add("Gemm", [x, table, bias])
    graph = helper.make_graph(
        to.nodes,
        "network",
        [helper.make_tensor_value_info("x", 1, ["N", 3, 8, 16])],
        [helper.make_tensor_value_info(x, 1, ["N", 5])],
        [numpy_helper.from_array(value, name) for name, value in to.constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def computed(opset, data):
    model = network(opset)
    graph = model_graph(parse_model(model.SerializeToString(), PLACE), PLACE, len(data))
    return model, run_float(graph, {"x": data})[graph.outputs[0].name]


@pytest.mark.parametrize("opset", range(OLDEST_OPSET, NEWEST_OPSET + 1))
def test_opset(opset):
    data = np.random.default_rng(9).normal(size=(2, 3, 8, 16)).astype(np.float32)
    model, got = computed(opset, data)
    onnx.checker.check_model(model)
    np.testing.assert_array_equal(got, computed(13, data)[1])
    if opset <= NEWEST_FINAL:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        off = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL  # its fusion of Pad fails here
        options.graph_optimization_level = off
        session = onnxruntime.InferenceSession(model.SerializeToString(), options)
        np.testing.assert_allclose(got, session.run(None, {"x": data})[0], 1e-4, 1e-5)
