"""Files that are no models, and models whose structure is wrong: nodes out of order, values of the
same name, data in other files, unknown versions. Each gives a message at the right place."""

import os
import re
import time
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper, parser
from tilewright.dataflow.importers.onnx_file import read_model
from tilewright.dataflow.importers.onnx_model import model_graph

from tilewright.spec.diagnostics import SpecError

SECONDS = 3.0
GOOD = """
<ir_version: 9, opset_import: ["" : 18]>
good (float[N,4] x) => (float[N,3] y)
<float s = {0.5}, int8 z = {3}, float[4,3] w = {1,1,1,1,1,1,1,1,1,1,1,1}>
{
  [Q] q = QuantizeLinear(x, s, z)
  [D] f = DequantizeLinear(q, s, z)
  [product] m = MatMul(f, w)
  [relu] y = Relu(m)
}
"""


def good():
    return parser.parse_model(GOOD)


def node(model, name):
    return next(item for item in model.graph.node if item.name == name)


def constant(model, name):
    return next(item for item in model.graph.initializer if item.name == name)


def reverse(model):
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(nodes[::-1])


def external(location, name="w"):
    def change(model):
        item = constant(model, name)
        item.ClearField("raw_data")
        item.ClearField("float_data")
        item.data_location = TensorProto.EXTERNAL
        item.external_data.add(key="location", value=location)

    return change


def external_attribute(model):
    tensor = TensorProto(name="t", data_type=1, dims=[4], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="weights.bin")
    model.graph.node.append(helper.make_node("Constant", [], ["v"], "value", value=tensor))


def sparse(model):
    values = helper.make_tensor("thin", TensorProto.FLOAT, [1], [1.0])
    places = helper.make_tensor("", TensorProto.INT64, [1], [0])
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, places, [4]))


def strings(model):
    constant(model, "s").CopyFrom(helper.make_tensor("s", TensorProto.STRING, [], [b"half"]))


def beyond(model):
    tensor = TensorProto(name="z", data_type=TensorProto.INT8, int32_data=[300])
    constant(model, "z").CopyFrom(tensor)


def floats(name, value):
    def change(model):
        constant(model, name).float_data[-1] = value

    return change


def expansions(model):
    """Constants of 16 Mi numbers each: together they would fill the memory."""
    model.graph.initializer.append(helper.make_tensor("e", TensorProto.INT64, [1], [1 << 24]))
    for number in range(64):
        made = helper.make_node("Expand", ["s", "e"], [f"e{number}"], f"wide{number}")
        model.graph.node.append(made)


def transposes(model):
    """Weights that thousands of nodes transpose."""
    for number in range(6000):
        made = helper.make_node("Gemm", ["v", "w"], [f"g{number}"], f"g{number}", transB=1)
        model.graph.node.append(made)
    model.graph.input.append(helper.make_tensor_value_info("v", TensorProto.FLOAT, [1, 3]))


def names(count):
    def change(model):
        for number in range(count):
            model.graph.node.append(helper.make_node("Relu", ["x"], [f"n{number}"]))

    return change


def unnamed_bytes(model):
    """A name that is not UTF-8, as text of the same length takes its place."""
    node(model, "relu").name = "@@@@"
    return model.SerializeToString().replace(b"@@@@", b"\xff\xfe\xfd\xfc")


NEXT_OPSET = onnx.defs.onnx_opset_version() + 1

# What is done to the good model, the place in the message, the rule.
BAD = {
    "cycle": (lambda m: node(m, "Q").input.__setitem__(0, "y"), "node Q", "made by no earlier"),
    "loop of one": (lambda m: node(m, "relu").input.__setitem__(0, "y"), "node relu", "earlier"),
    "reversed": (reverse, "node relu", "made by no earlier node"),
    "value unknown": (
        lambda m: node(m, "relu").input.__setitem__(0, "no"), "node relu", "`no` is made by no",
    ),
    "value made twice": (
        lambda m: node(m, "product").output.__setitem__(0, "f"), "tensor f", "made 2 times",
    ),
    "constant made again": (
        lambda m: node(m, "product").output.__setitem__(0, "w"), "tensor w", "made 2 times",
    ),
    "constant twice": (
        lambda m: m.graph.initializer.append(constant(m, "s")), "tensor s", "made 2 times",
    ),
    "input twice": (lambda m: m.graph.input.append(m.graph.input[0]), "tensor x", "made 2 times"),
    "name twice": (lambda m: setattr(node(m, "relu"), "name", "Q"), "node Q", "2 nodes"),
    "input without a name": (lambda m: setattr(m.graph.input[0], "name", ""), "", "no name"),
    "name of bytes": (unnamed_bytes, "", "UTF-8|not an ONNX model"),
    "no node": (lambda m: m.graph.ClearField("node"), "", "no node"),
    "no output": (lambda m: m.graph.ClearField("output"), "", "no output"),
    "no graph": (lambda m: m.ClearField("graph"), "", "no node"),
    "too many nodes": (names(20_000), "", "at most 20000 nodes"),
    "output unknown": (
        lambda m: setattr(m.graph.output[0], "name", "no"), "output no", "no node makes it",
    ),
    "output is an input": (
        lambda m: setattr(m.graph.output[0], "name", "x"), "output x", "is an input",
    ),
    "opset too new": (
        lambda m: setattr(m.opset_import[0], "version", NEXT_OPSET), "operator set ai.onnx",
        f"of 7 to {NEXT_OPSET - 1}",
    ),
    "opset too old": (
        lambda m: setattr(m.opset_import[0], "version", 6), "operator set ai.onnx", "of 7 to",
    ),
    "opset unknown": (lambda m: m.ClearField("opset_import"), "operator set ai.onnx", "not say"),
    "opset twice": (
        lambda m: m.opset_import.append(helper.make_opsetid("ai.onnx", 17)),
        "operator set ai.onnx", "imported 2 times",
    ),
    "IR too new": (
        lambda m: setattr(m, "ir_version", onnx.IR_VERSION + 1), "ir_version", "must be at most",
    ),
    "IR unknown": (lambda m: m.ClearField("ir_version"), "", "ir_version"),
    "external": (external("weights.bin"), "tensor w", "other files are not read"),
    "external outside": (external("../../etc/passwd"), "tensor w", "other files are not read"),
    "external absolute": (external("/etc/passwd", "s"), "tensor s", "other files are not read"),
    "external attribute": (external_attribute, "node value", "other files are not read"),
    "declared huge": (
        lambda m: constant(m, "w").dims.append(1 << 40), "tensor w", "need .*, the file holds",
    ),
    "extents that wrap": (
        lambda m: constant(m, "w").dims.extend([1 << 32] * 2), "tensor w", "the file holds",
    ),
    "negative": (lambda m: constant(m, "w").dims.insert(0, -4), "tensor w", "negative extent"),
    "short data": (lambda m: setattr(constant(m, "w"), "raw_data", b""), "tensor w", "holds"),
    "type unknown": (lambda m: setattr(constant(m, "w"), "data_type", 77), "tensor w", "number 77"),
    "no type": (lambda m: setattr(constant(m, "w"), "data_type", 0), "tensor w", "UNDEFINED"),
    "strings": (strings, "tensor s", "type STRING"),
    "sparse": (sparse, "tensor thin", "sparse"),
    "axes": (lambda m: constant(m, "s").dims.extend([1] * 17), "tensor s", "17 axes"),
    "zero point out of range": (beyond, "tensor z", "300"),
    "scale NaN": (floats("s", float("nan")), "tensor s", "NaN or infinity"),
    "scale infinite": (floats("s", float("inf")), "tensor s", "NaN or infinity"),
    "weights NaN": (floats("w", float("nan")), "tensor w", "NaN or infinity"),
    "input without shape": (
        lambda m: m.graph.input[0].type.tensor_type.ClearField("shape"), "input x", "not decl",
    ),
    "input without type": (lambda m: m.graph.input[0].ClearField("type"), "input x", "not decl"),
    "memory": (expansions, "node wide", "takes too much memory or time"),
}  # fmt: skip


def outcome(path):
    """The diagnostics, which must come soon."""
    started = time.process_time()
    with pytest.raises(SpecError) as caught:
        model_graph(read_model(path), path)
    assert time.process_time() - started < SECONDS
    return caught.value.diagnostics


def test_the_good_model(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(good().SerializeToString())
    assert len(model_graph(read_model(path), path).ops) == 4


@pytest.mark.parametrize("name", BAD)
def test_bad_structure(name, tmp_path):
    change, place, rule = BAD[name]
    model = good()
    data = change(model)
    path = tmp_path / "model.onnx"
    path.write_bytes(data if isinstance(data, bytes) else model.SerializeToString())
    found = outcome(path)
    shown = "\n".join(item.render() for item in found)
    fits = [re.match(place, item.path) and re.search(rule, item.rule) for item in found]
    assert any(fits), f"{name}: {place!r}: {rule!r} is not in\n{shown}"
    assert all(item.help for item in found), f"{name}: what to do?\n{shown}"
    assert list(tmp_path.iterdir()) == [path], "something was written"


def test_shared_weights_cost_little(tmp_path):
    """Weights that thousands of nodes transpose are transposed once."""
    model = good()
    transposes(model)
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    started = time.process_time()
    model_graph(read_model(path), path)
    assert time.process_time() - started < 2 * SECONDS


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "is empty"),
        (b"\xff" * 64, "not an ONNX model"),
        (b"PK\x03\x04" + bytes(40), "not an ONNX model"),
        (b"tilewright: 1\n", "not an ONNX model"),
        (b"\x3a\xff\xff\xff\xff\x07", "not an ONNX model"),  # a graph of 2 GiB is announced
        (b"\x3a\x80\x80\x80\x80\x08" + bytes(99), "not an ONNX model"),
        (b"\x0b" * 4000, "not an ONNX model"),  # groups in groups
        (b"\x08\x09", "does not say|no node"),
    ],
)
def test_files_that_are_no_models(data, rule, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(data)
    assert re.search(rule, outcome(path)[0].rule)


def test_deep_nesting(tmp_path):
    """Types of sequences in sequences, deeper than any stack."""
    data = b""
    for _ in range(5000):
        inner = b"\x0a" + _varint(len(data)) + data  # Sequence.elem_type
        data = b"\x22" + _varint(len(inner)) + inner  # TypeProto.sequence_type
    info = b"\x0a\x01x\x12" + _varint(len(data)) + data  # ValueInfoProto.name, type
    graph = b"\x5a" + _varint(len(info)) + info  # GraphProto.input
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\x3a" + _varint(len(graph)) + graph)
    assert "not an ONNX model" in outcome(path)[0].rule


def _varint(number):
    data = b""
    while number > 127:
        data += bytes([number & 127 | 128])
        number >>= 7
    return data + bytes([number])


def test_no_plain_file(tmp_path):
    pipe = tmp_path / "pipe.onnx"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path, tmp_path / "missing.onnx", Path("/dev/zero"), Path("a\0b")):
        assert "cannot be read" in outcome(path)[0].rule


def test_truncated(tmp_path):
    data = good().SerializeToString()
    path = tmp_path / "model.onnx"
    for length in range(1, len(data)):
        path.write_bytes(data[:length])
        assert outcome(path)
