"""Small quantised ONNX models, written node by node."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper
from tilewright.dataflow.importers.model import import_bytes
from tilewright.sim.golden.model_run import run_model
from tilewright.sim.golden.oracle import integer_session

from tilewright.spec.diagnostics import SpecError

PLACE = Path("model.onnx")
SEED = 21


class Model:
    """Nodes, constants, inputs and outputs of one model; methods return names of values."""

    def __init__(self, opset=21):
        self.opset = opset
        self.nodes, self.constants = [], {}
        self.inputs, self.outputs = [], []

    @staticmethod
    def floats(shape, scale=0.05, seed=SEED):
        """Values of steps of int8, and beyond its range."""
        rng = np.random.default_rng(seed)
        return (rng.integers(-140, 141, shape) * np.float32(scale)).astype(np.float32)

    @staticmethod
    def weights(shape, element=np.int8, seed=SEED):
        """Random ones of all but the least value."""
        info = np.iinfo(element)
        rng = np.random.default_rng(seed)
        return rng.integers(info.min + 1, info.max + 1, shape).astype(element)

    def input(self, name, shape, element=np.float32):
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(element))
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def output(self, name, element=np.float32):
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(element))
        self.outputs.append(helper.make_tensor_value_info(name, kind, None))
        return self

    def constant(self, name, values):
        self.constants[name] = numpy_helper.from_array(np.asarray(values), name)
        return name

    def node(self, op, inputs, name=None, **attributes):
        """One node with one result; the value is named as the node, in small letters."""
        name = name or f"{op}_{len(self.nodes)}"
        value = f"{name.lower()}_value"
        self.nodes.append(helper.make_node(op, inputs, [value], name=name, **attributes))
        return value

    def quantize(self, value, scale, zero_point, element=np.int8, name=None):
        name = name or f"Q_{len(self.nodes)}"
        scale = self.constant(f"{name}_scale", np.float32(scale))
        zero = self.constant(f"{name}_zero", np.asarray(zero_point, element))
        self.nodes.append(
            helper.make_node("QuantizeLinear", [value, scale, zero], [f"{name}_q"], name=name)
        )
        return f"{name}_q"

    def dequantize(self, value, scale, zero_point, element=np.int8, axis=None, name=None):
        name = name or f"D_{len(self.nodes)}"
        scale = self.constant(f"{name}_scale", np.asarray(scale, np.float32))
        zero = self.constant(f"{name}_zero", np.asarray(zero_point, element))
        extra = {} if axis is None else {"axis": axis}
        self.nodes.append(
            helper.make_node(
                "DequantizeLinear", [value, scale, zero], [f"{name}_f"], name=name, **extra
            )
        )
        return f"{name}_f"

    def qdq(self, value, scale, zero_point=0, element=np.int8, name=None):
        """Quantised and dequantised."""
        integers = self.quantize(value, scale, zero_point, element, name)
        return self.dequantize(integers, scale, zero_point, element)

    def dq(self, values, scale, zero_point=None, axis=None, name=None):
        """A dequantised constant."""
        values = np.asarray(values)
        name = name or f"C_{len(self.nodes)}"
        scale = np.asarray(scale, np.float32)
        zeros = np.zeros(scale.shape, int) if zero_point is None else zero_point
        return self.dequantize(self.constant(name, values), scale, zeros, values.dtype, axis)

    @property
    def data(self):
        graph = helper.make_graph(
            self.nodes, "small", self.inputs, self.outputs, list(self.constants.values())
        )
        sets = [helper.make_opsetid("", self.opset)]
        model = helper.make_model(graph, opset_imports=sets)
        model.ir_version = 10
        model = onnx.shape_inference.infer_shapes(model)  # the outputs' shapes
        onnx.checker.check_model(model)
        return model.SerializeToString()

    def imported(self, batch=1):
        return import_bytes(self.data, PLACE, batch)

    @property
    def graph(self):
        return self.imported().graph

    @property
    def kinds(self):
        return [op.kind for op in self.graph.ops]

    def refused(self):
        """The diagnostics."""
        with pytest.raises(SpecError) as caught:
            self.imported()
        assert all(item.file == "model.onnx" for item in caught.value.diagnostics)
        return caught.value.diagnostics

    def onnxruntime(self, inputs, is_optimised=True):
        """Its outputs by name; with its integer kernels, or every node as the file has it."""
        if is_optimised:
            session = integer_session(self.data, threads=1)
        else:
            options = onnxruntime.SessionOptions()
            options.log_severity_level = 3
            options.intra_op_num_threads = 1
            level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
            options.graph_optimization_level = level
            session = onnxruntime.InferenceSession(self.data, options)
        names = [item.name for item in session.get_outputs()]
        return dict(zip(names, session.run(names, inputs), strict=True))

    def golden(self, inputs):
        """What the golden run and the host's ends make of `inputs`, by the outputs' names."""
        return dict(run_model(self.imported(), inputs).outputs)

    def check(self, inputs, is_optimised=True):
        """Golden run and onnxruntime agree in every bit."""
        theirs, ours = self.onnxruntime(inputs, is_optimised), self.golden(inputs)
        assert sorted(ours) == sorted(theirs)
        for name, values in theirs.items():
            np.testing.assert_array_equal(ours[name], values, err_msg=name)


@pytest.fixture
def new_model():
    return Model
