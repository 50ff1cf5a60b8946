"""QDQ models become integer graphs; everything else is refused with the node's name."""

import contextlib
import re
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from tilewright.dataflow.importers.onnx_file import read_model
from tilewright.dataflow.importers.onnx_qdq import import_onnx, import_onnx_bytes

from tilewright.spec.diagnostics import SpecError

EXAMPLE = Path(__file__).parents[3] / "examples" / "digits_mlp.qdq.onnx"
PLACE = Path("model.onnx")


def quantised(name, source, scale, zero_point):
    """Nodes and constants of QuantizeLinear, DequantizeLinear on `source`; makes `name`_f."""
    constants = {f"{name}_s": np.float32(scale), f"{name}_z": np.int8(zero_point)}
    nodes = [
        helper.make_node("QuantizeLinear", [source, *constants], [f"{name}_q"], name=f"{name}_Q"),
        helper.make_node("DequantizeLinear", [f"{name}_q", *constants], [f"{name}_f"], f"{name}_D"),
    ]
    return nodes, constants


def make_model(
    *,
    op="Gemm",
    relu=True,
    weight=None,
    weight_scale=(0.01, 0.02, 0.03),
    weight_axis=1,
    weight_zero_point=None,
    bias_scale=None,
    x_scale=0.5,
    y_scale=0.25,
    y_zero_point=-5,
    extra_nodes=(),
    extra_constants=None,
    batch="N",
    **attributes,
):
    """One matmul of 4 x 3 weights with a bias (Gemm), as bytes."""
    weight = np.arange(-6, 6, dtype=np.int8).reshape(4, 3) if weight is None else weight
    weight_scale = np.asarray(weight_scale, np.float32)
    zeros = np.zeros(weight_scale.shape, np.int8)
    nodes, constants = quantised("x", "x", x_scale, 7)
    constants |= {
        "w": weight,
        "w_s": weight_scale,
        "w_z": zeros if weight_zero_point is None else weight_zero_point,
    }
    nodes.append(
        helper.make_node("DequantizeLinear", ["w", "w_s", "w_z"], ["w_f"], "w_D", axis=weight_axis)
    )
    operands = ["x_f", "w_f"]
    if op == "Gemm":
        scale = np.float32(x_scale) * weight_scale if bias_scale is None else bias_scale
        constants |= {
            "b": np.array([100, -200, 300], np.int32),
            "b_s": np.asarray(scale, np.float32),
            "b_z": np.zeros(weight_scale.shape, np.int32),
        }
        nodes.append(
            helper.make_node("DequantizeLinear", ["b", "b_s", "b_z"], ["b_f"], "b_D", axis=0)
        )
        operands.append("b_f")
    nodes.append(helper.make_node(op, operands, ["m"], name="product", **attributes))
    if relu:
        nodes.append(helper.make_node("Relu", ["m"], ["r"], name="relu"))
    more, more_constants = quantised("y", "r" if relu else "m", y_scale, y_zero_point)
    nodes += [*more, *extra_nodes]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 4])],
        [helper.make_tensor_value_info("y_f", TensorProto.FLOAT, [batch, 3])],
        [
            numpy_helper.from_array(np.asarray(value), name)
            for name, value in (constants | more_constants | (extra_constants or {})).items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 10
    return model


def refused(model, *words, batch=1):
    """The diagnostics; each of `words` must be in one."""
    data = model if isinstance(model, bytes) else model.SerializeToString()
    with pytest.raises(SpecError) as caught:
        import_onnx_bytes(data, PLACE, batch)
    text = str(caught.value)
    for word in words:
        assert re.search(word, text), f"{word!r} is not in {text!r}"
    assert text.startswith("model.onnx: error:")
    return caught.value.diagnostics


def imported(model, batch=1):
    return import_onnx_bytes(model.SerializeToString(), PLACE, batch)


def test_the_example():
    graph = import_onnx(EXAMPLE, batch=9)
    assert [op.kind for op in graph.ops] == ["matmul"] * 3
    assert [t.shape for t in graph.tensors if t.role != "constant"] == [
        (9, 64), (9, 64), (9, 32), (9, 10),
    ]  # fmt: skip
    assert graph.inputs[0].origin == "x"
    assert graph.outputs[0].origin == "y"
    assert graph.inputs[0].zero_point == (-128,)
    assert graph.ops[0].origin == "node_linear, relu_QuantizeLinear"
    assert graph.ops[2].attributes == {"zero_point": 41, "minimum": -128, "maximum": 127}


@pytest.mark.parametrize("op", ["Gemm", "MatMul"])
@pytest.mark.parametrize("relu", [False, True])
def test_small_models(op, relu):
    graph = imported(make_model(op=op, relu=relu), batch=2)
    (only,) = graph.ops
    assert only.attributes == {
        "zero_point": -5, "minimum": -5 if relu else -128, "maximum": 127,
    }  # fmt: skip
    weight, bias, scale = (graph.tensor(name).data for name in only.inputs[1:])
    assert weight.tolist() == np.arange(-6, 6).reshape(4, 3).tolist()
    assert bias.tolist() == ([100, -200, 300] if op == "Gemm" else [0, 0, 0])
    products = np.float32(0.5) * np.array([0.01, 0.02, 0.03], np.float32)
    assert scale.tolist() == (products / np.float32(0.25)).tolist()


def test_transposed_weights_and_one_scale():
    weight = np.arange(12, dtype=np.int8).reshape(3, 4)
    graph = imported(make_model(weight=weight, weight_axis=0, transB=1))
    assert graph.tensor("weight_0").data.tolist() == weight.T.tolist()
    one = imported(make_model(weight_scale=(0.01,), bias_scale=(0.005,)))
    assert len(set(one.tensor("scale_0").data.tolist())) == 1


def test_unsupported_operators_are_all_named():
    nodes = [
        helper.make_node("Det", ["y_f"], ["s"], name="determinant"),
        helper.make_node("Multinomial", ["s"], ["t"], name=""),
    ]
    model = make_model(extra_nodes=nodes)
    found = refused(model, r"determinant \(Det\)", r"t \(Multinomial\)")
    assert len(found) == 2
    assert all("docs/models.md" in item.help for item in found)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"x_scale": 0.0}, r"x_Q .*scales must be positive normal numbers, got 0\.0"),
        ({"x_scale": -1.0}, "positive normal"),
        ({"x_scale": 1e-42}, "positive normal"),
        ({"x_scale": np.nan}, "x_s: a constant must not hold NaN"),
        ({"y_scale": np.inf}, "y_s: a constant must not hold NaN or infinity"),
        ({"weight_zero_point": np.zeros(2, np.int8)}, "zero points must be 3 of int8, got 2"),
        ({"weight_scale": (0.1, 0.2)}, r"2 scales do not fit axis 1 of \(4, 3\)"),
        ({"weight_axis": 5}, "do not fit axis 5|axis"),
        ({"weight": np.zeros((4, 3), np.uint8)}, "int8|uint8"),
        ({"weight": np.zeros((5, 3), np.int8)}, r"\(5, 3\) is no matrix product"),
        ({"weight_axis": 0, "weight_scale": (0.1,) * 4, "op": "MatMul"}, "per output channel"),
        ({"bias_scale": (0.1, 0.1, 0.1)}, "bias's scale must be input scale x weight scale"),
        ({"alpha": 2.0}, r"product \(Gemm\): alpha must be 1\.0, got 2\.0"),
        ({"transA": 1}, "is no matrix product"),
        ({"x_scale": 3e38, "y_scale": 1e-30, "bias_scale": (1, 1, 1)}, "scale"),
        ({"batch": 3}, "fixed batch of 3, 1 was asked"),
    ],
)
def test_mistakes(changes, words):
    with np.errstate(over="ignore", under="ignore"):
        refused(make_model(**changes), words)


def test_zero_points_of_weights_are_kept():
    graph = imported(make_model(weight_zero_point=np.array([0, 1, -3], np.int8)))
    weight = graph.tensor("weight_0")
    assert (weight.zero_point, weight.axis) == ((0, 1, -3), 1)


def test_uint8_activations():
    model = make_model()
    for item in model.graph.initializer:
        if item.name in ("x_z", "y_z"):
            item.CopyFrom(numpy_helper.from_array(np.uint8(3), item.name))
    graph = imported(model)
    assert graph.inputs[0].number_format == graph.outputs[0].number_format == "uint8"
    assert graph.ops[0].attributes == {"zero_point": 3, "minimum": 3, "maximum": 255}


def test_structure_is_checked():
    model = make_model()
    model.graph.node[-1].output[0] = "m"
    refused(model, "tensor m: is made 2 times")

    model = make_model()
    model.graph.node[1].name = "x_Q"
    refused(model, "2 nodes have this name")

    model = make_model()
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(reversed(nodes))
    refused(model, "is made by no earlier node", "a cycle")

    model = make_model()
    model.graph.initializer.add().CopyFrom(model.graph.initializer[0])
    refused(model, "is made 2 times")

    model = make_model()
    del model.graph.node[:]
    refused(model, "the model has no node")

    model = make_model()
    model.graph.output[0].name = "elsewhere"
    refused(model, "output elsewhere: no node makes it")


def test_external_data_is_refused(tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"\0" * 64)
    model = make_model()
    item = model.graph.initializer[2]
    item.ClearField("raw_data")
    item.data_location = TensorProto.EXTERNAL
    for place in ("../secret", str(secret)):
        del item.external_data[:]
        entry = item.external_data.add()
        entry.key, entry.value = "location", place
        refused(model, "values in other files are not read")


def test_data_that_do_not_fill_their_shape():
    model = make_model()
    model.graph.initializer[2].dims[0] = 1 << 40
    refused(model, r"tensor w: extents 1099511627776x3 need \d+ bytes, the file holds 12")
    model = make_model()
    model.graph.initializer[2].dims[0] = -4
    refused(model, "tensor w: has a negative extent")


def test_every_truncation_is_refused():
    data = make_model().SerializeToString()
    for length in range(0, len(data), 7):
        try:
            import_onnx_bytes(data[:length], PLACE)
        except SpecError:
            continue
        pytest.fail(f"{length} of {len(data)} bytes were accepted")


def test_changed_bytes_are_refused_or_imported():
    """Nothing but a SpecError, whatever a byte becomes."""
    data = make_model().SerializeToString()
    rng = np.random.default_rng(5)
    for _ in range(400):
        changed = bytearray(data)
        for _ in range(int(rng.integers(1, 4))):
            changed[int(rng.integers(len(data)))] = int(rng.integers(256))
        with contextlib.suppress(SpecError):
            import_onnx_bytes(bytes(changed), PLACE)


def test_files_that_are_no_models(tmp_path):
    path = tmp_path / "m.onnx"
    for call in (lambda: import_onnx(path), lambda: import_onnx(tmp_path)):
        with pytest.raises(SpecError, match="the model cannot be read"):
            call()
    for data, words in [(b"", "is empty"), (b"\xff" * 99, "not an ONNX model"), (b"text", "ONNX")]:
        path.write_bytes(data)
        with pytest.raises(SpecError, match=words):
            import_onnx(path)
    path.write_bytes(b"\0" * 101)
    with pytest.raises(SpecError, match="at most 100 bytes"):
        read_model(path, max_bytes=100)


def test_names_cannot_act_on_a_terminal():
    node = helper.make_node("Det", ["y_f"], ["t"], name="evil\x1b[2J\nname")
    found = refused(make_model(extra_nodes=[node]), "Det")
    assert "\x1b" not in found[0].render()


def test_float_models_are_refused():
    model = make_model()
    del model.graph.node[:]
    model.graph.node.append(helper.make_node("MatMul", ["x", "w"], ["y_f"], name="float"))
    for item in list(model.graph.initializer):
        if item.name == "w":
            item.CopyFrom(numpy_helper.from_array(np.zeros((4, 3), np.float32), "w"))
        else:
            model.graph.initializer.remove(item)
    (only,) = refused(model, "the model is float: nothing in it is quantised")
    assert only.help == "quantise it: `tilewright quantize model.onnx --data x.npz`"
