"""Whatever a model file becomes by chance, it is a graph or a SpecError: nothing else, at once."""

import contextlib
import struct
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tilewright.dataflow.graph import Graph
from tilewright.dataflow.importers.model import import_bytes
from tilewright.dataflow.importers.onnx_file import parse_model
from tilewright.dataflow.importers.onnx_model import model_graph
from tilewright.dataflow.importers.onnx_nodes.registry import supported_operators

from tilewright.spec.diagnostics import SpecError

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.onnx"))
PLACE = Path("model.onnx")
SECONDS = 5.0  # for one file, on a busy machine
NUMBERS = (0, 1, -1, 2, 3, 7, -2, 255, 1000, 1 << 20, 1 << 31, (1 << 63) - 1, -(1 << 63))
DOMAINS = ("", "ai.onnx", "com.microsoft", "qonnx.custom_op.general", "elsewhere")
NAMES = (
    "axis", "axes", "perm", "pads", "strides", "dilations", "kernel_shape", "group", "to", "split",
    "block_size", "mode", "auto_pad", "ceil_mode", "keepdims", "alpha", "epsilon", "blocksize",
)  # fmt: skip


def quantised(name, source, nodes, constants, shape_of_scale=()):
    constants[f"{name}_s"] = np.full(shape_of_scale, 0.1, np.float32)
    constants[f"{name}_z"] = np.full(shape_of_scale, 3, np.int8)
    pair = [f"{name}_s", f"{name}_z"]
    nodes.append(helper.make_node("QuantizeLinear", [source, *pair], [f"{name}_q"]))
    nodes.append(helper.make_node("DequantizeLinear", [f"{name}_q", *pair], [f"{name}_f"]))
    return f"{name}_f"


def zoo():
    """A model with operators of every family and shapes computed by the model."""
    rng = np.random.default_rng(0)
    weight = {"w": rng.integers(-9, 9, (4, 3, 3, 3)).astype(np.int8)}
    constants = weight | {
        "w_s": np.full(4, 0.01, np.float32), "w_z": np.zeros(4, np.int8),
        "pick": np.array([0], np.int64), "rest": np.array([-1], np.int64),
        "low": np.float32(-2), "high": np.float32(2), "table": np.ones((9, 12), np.float32),
        "sizes": np.array([1, 4, 6, 6], np.int64), "begin": np.array([1], np.int64),
        "end": np.array([3], np.int64), "one": np.array([1], np.int64),
        "pads": np.array([0, 0, 0, 1, 0, 0, 1, 0], np.int64), "none": np.zeros(0, np.float32),
        "fc": rng.normal(size=(12, 5)).astype(np.float32), "gain": np.ones(5, np.float32),
    }  # fmt: skip
    nodes = []
    x = quantised("x", "x", nodes, constants)
    nodes += [
        helper.make_node("DequantizeLinear", ["w", "w_s", "w_z"], ["w_f"], axis=0),
        helper.make_node(
            "Conv", [x, "w_f"], ["c"], name="conv", strides=[2, 2], auto_pad="SAME_UPPER"
        ),
    ]
    c = quantised("c", "c", nodes, constants)
    steps = [
        ("Clip", [c, "low", "high"], {}), ("HardSwish", None, {}),
        ("Pad", [None, "pads"], {"mode": "constant"}),
        ("MaxPool", None, {"kernel_shape": [2, 2], "ceil_mode": 1}),
        ("Resize", [None, "none", "", "sizes"], {"mode": "nearest"}),
        ("Slice", [None, "begin", "end", "one"], {}), ("Transpose", None, {"perm": [0, 2, 3, 1]}),
        ("AveragePool", None, {"kernel_shape": [3, 1], "strides": [1, 1]}),
        ("ReduceMean", None, {"axes": [2], "keepdims": 0}),
    ]  # fmt: skip
    last = c
    for number, (op, inputs, attributes) in enumerate(steps):
        names = [last if name is None else name for name in inputs or [None]]
        last = f"v{number}"
        nodes.append(helper.make_node(op, names, [last], name=f"n{number}", **attributes))
    nodes += [
        helper.make_node("Shape", [last], ["shape"]),
        helper.make_node("Gather", ["shape", "pick"], ["batch"]),
        helper.make_node("Concat", ["batch", "rest"], ["flat"], axis=0),
        helper.make_node("Reshape", [last, "flat"], ["rows"]),
        helper.make_node("Gather", ["table", "i"], ["found"], name="lookup"),
        helper.make_node("Add", ["rows", "found"], ["sum"], name="add"),
        helper.make_node("Split", ["sum"], ["left", "right"], axis=1),
        helper.make_node("Concat", ["right", "left"], ["joined"], axis=-1, name="join"),
        helper.make_node("Gemm", ["joined", "fc"], ["g"], name="gemm"),
        helper.make_node("LayerNormalization", ["g", "gain"], ["n"], name="norm"),
        helper.make_node("Erf", ["n"], ["e"], name="erf"),
        helper.make_node("Softmax", ["e"], ["y"], name="soft"),
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes,
        "zoo",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 8, 8]),
            helper.make_tensor_value_info("i", TensorProto.INT64, ["N"]),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 5])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def changed_bytes(model, rng):
    """Bytes set, removed and put in; mostly outside of weights, which take any value."""
    data = bytearray(model.SerializeToString())
    for _ in range(int(rng.integers(1, 5))):
        at, what = int(rng.integers(len(data))), rng.random()
        if what < 0.7:
            data[at] = int(rng.integers(256))
        elif what < 0.85:
            del data[at : at + int(rng.integers(1, 9))]
        else:
            data[at:at] = rng.bytes(int(rng.integers(1, 9)))
    return bytes(data)


def changed_node(graph, rng):
    node = graph.node[int(rng.integers(len(graph.node)))]
    values = [name for other in graph.node for name in (*other.input, *other.output)]
    names = node.input if rng.random() < 0.7 else node.output
    what = int(rng.integers(7))
    if what == 0:
        node.op_type = str(rng.choice(supported_operators()))
    elif what == 1:
        node.domain = str(rng.choice(DOMAINS))
    elif what == 2 and names:
        names[int(rng.integers(len(names)))] = str(rng.choice([*values, "", "unknown"]))
    elif what == 3 and names:
        del names[int(rng.integers(len(names)))]
    elif what == 4:
        names.append(str(rng.choice([*values, ""])))
    elif node.attribute and what == 5:
        changed_attribute(node.attribute[int(rng.integers(len(node.attribute)))], rng)
    else:
        name = str(rng.choice(NAMES))
        if name not in [item.name for item in node.attribute]:
            value = [int(v) for v in rng.choice(NUMBERS, int(rng.integers(1, 5)))]
            single = value[0] if rng.random() < 0.5 else value
            node.attribute.append(helper.make_attribute(name, single))


def changed_attribute(item, rng):
    if item.type == item.INT:
        item.i = int(rng.choice(NUMBERS))
    elif item.type == item.FLOAT:
        item.f = float(rng.choice([0.0, -1.0, np.nan, np.inf, 1e38]))
    elif item.type == item.INTS and item.ints:
        item.ints[int(rng.integers(len(item.ints)))] = int(rng.choice(NUMBERS))
        if rng.random() < 0.3:
            item.ints.append(int(rng.choice(NUMBERS)))
    elif item.type == item.STRING:
        item.s = rng.bytes(4)


def changed_constant(graph, rng):
    item = graph.initializer[int(rng.integers(len(graph.initializer)))]
    what = int(rng.integers(5))
    if what == 0 and item.dims:
        item.dims[int(rng.integers(len(item.dims)))] = int(rng.choice(NUMBERS))
    elif what == 1:
        item.data_type = int(rng.integers(0, 27))
    elif what == 2:
        item.raw_data = item.raw_data[: int(rng.integers(len(item.raw_data) + 1))]
    elif what == 3 and item.raw_data:
        wanted = len(item.raw_data)
        if item.data_type == TensorProto.INT64:
            packed = struct.pack("<q", int(rng.choice(NUMBERS)))
        else:
            packed = struct.pack("<f", float(rng.choice([0, -1, np.nan, np.inf, 1e-42])))
        item.raw_data = (packed * wanted)[:wanted]
    else:
        item.dims.append(int(rng.choice(NUMBERS)))


def changed_frame(model, rng):
    """Types and extents of inputs, names of outputs, versions."""
    what, item = int(rng.integers(6)), model.graph.input[int(rng.integers(len(model.graph.input)))]
    dims = item.type.tensor_type.shape.dim
    if what == 0:
        item.type.tensor_type.elem_type = int(rng.integers(0, 27))
    elif what == 1 and dims:
        dims[int(rng.integers(len(dims)))].dim_value = int(rng.choice(NUMBERS))
    elif what == 2 and dims:
        dims[int(rng.integers(len(dims)))].dim_param = "N"
    elif what == 3:
        model.graph.output[0].name = str(rng.choice(["x", "x_q", "w", "shape", "c_f", "z"]))
    elif what == 4:
        model.opset_import[0].version = int(rng.integers(5, 31))
    else:
        model.ir_version = int(rng.choice([0, 3, 8, 13, 14, 99]))


def changed_structure(model, rng):
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    for _ in range(int(rng.integers(1, 4))):
        what = rng.random()
        if what < 0.6:
            changed_node(changed.graph, rng)
        elif what < 0.85:
            changed_constant(changed.graph, rng)
        else:
            changed_frame(changed, rng)
    return changed.SerializeToString()


def read(data):
    """The model graph, or the diagnostics; what is a model graph goes on to the integer graph."""
    try:
        found = model_graph(parse_model(data, PLACE), PLACE)
    except SpecError as error:
        return error.diagnostics
    with contextlib.suppress(SpecError):
        import_bytes(data, PLACE)
    return found


def check(data, what):
    """Whether it is a model still; if not, diagnostics say why. Both come soon."""
    started = time.process_time()
    try:
        found = read(data)
    except Exception as error:
        raise AssertionError(f"{what}: {type(error).__name__}: {error}") from error
    assert time.process_time() - started < SECONDS, f"{what}: too slow"
    if isinstance(found, Graph):
        return True
    assert found, what
    assert all(item.rule and item.file == "model.onnx" and item.render() for item in found), what
    return False


def run(times, seed, change):
    """Changed models, and how many of them are models still."""
    models = [zoo(), *map(onnx.load, EXAMPLES)]
    rng = np.random.default_rng(seed)
    good = 0
    for number in range(times):
        model = models[number % len(models)]
        good += check(change(model, rng), f"seed {seed}, number {number}")
    return good


def test_unchanged():
    for model in [zoo(), *map(onnx.load, EXAMPLES)]:
        assert check(model.SerializeToString(), "unchanged")


@pytest.mark.parametrize("change", [changed_bytes, changed_structure])
def test_changed_models(change):
    assert 0 < run(150, 11, change) < 150


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_ten_thousand_changed_models(seed):
    assert 0 < run(1000, seed, changed_bytes) < 1000
    assert 0 < run(500, seed, changed_structure) < 500
