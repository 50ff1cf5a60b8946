"""What stands between dequantisation and quantisation becomes one integer op, as onnxruntime
computes it."""

import numpy as np
import pytest


def conv_model(new_model, *, y_zero=-128, tail=(), bias=None, bias_axis=None, zero=3, **changes):
    """Conv of 3 to 4 channels on 6 x 6; `tail` of ops behind it; then quantised."""
    model = new_model()
    x = model.qdq(model.input("x", ("N", 3, 6, 6)), 0.05, zero)
    w = model.dq(
        model.weights((4, 3, 3, 3)), changes.get("w_scale", [0.01, 0.02, 0.03, 0.04]), axis=0
    )
    operands = [x, w]
    if bias is not None:
        operands.append(bias(model))
    value = model.node("Conv", operands, "conv", **changes.get("attributes", {}))
    for op, *rest in tail:
        names = [model.constant(f"c{len(model.nodes)}_{i}", c) for i, c in enumerate(rest)]
        value = model.node(op, [value, *names])
    model.output(model.qdq(value, 0.7, y_zero, name="Y"))
    return model


def in_units(model):
    scale = np.float32(0.05) * np.float32([0.01, 0.02, 0.03, 0.04])
    return model.dq(np.int32([1000, -2000, 30, 0]), scale, axis=0)


def in_floats(model):
    return model.constant("b", np.float32([0.5, -1.234, 0.777, 3.3]))


@pytest.mark.parametrize("bias", [None, in_units, in_floats], ids=["no bias", "int32", "float"])
@pytest.mark.parametrize("zero", [-128, 3])
def test_conv(new_model, bias, zero):
    """A float bias is rounded to units of the sums, as onnxruntime does it."""
    model = conv_model(new_model, bias=bias, y_zero=7, zero=zero)
    (op,) = model.graph.ops
    assert op.kind == "conv"
    assert op.attributes["minimum"] == -128
    assert op.attributes["zero_point"] == 7
    assert op.origin == "conv, Y"
    model.check({"x": model.floats((5, 3, 6, 6))})


def test_relu_and_clip_narrow_the_result(new_model):
    """A Relu at the least zero point vanishes; 6.0 is 9 steps of 0.7 above it (8.57, rounded)."""
    relu = conv_model(new_model, tail=[("Relu",)])
    (op,) = relu.graph.ops
    assert (op.attributes["minimum"], op.attributes["maximum"]) == (-128, 127)
    relu.check({"x": relu.floats((5, 3, 6, 6))})

    ends = [("Clip", np.float32(0), np.float32(6)), ("Relu",)]
    both = conv_model(new_model, y_zero=10, tail=ends)
    (op,) = both.graph.ops
    assert (op.attributes["minimum"], op.attributes["maximum"]) == (10, 19)
    assert op.origin.startswith("conv, Clip_")
    got = both.golden({"x": both.floats((5, 3, 6, 6))})
    (name,) = got
    assert 0 < got[name].max() <= np.float32(0.7) * 9
    assert got[name].min() == 0


def test_clips_that_exclude_each_other(new_model):
    """The outer one wins, as it does in floats."""
    ends = [("Clip", np.float32(2), np.float32(6)), ("Clip", np.float32(-3), np.float32(-1))]
    model = conv_model(new_model, y_zero=0, tail=ends)
    (op,) = model.graph.ops
    assert (op.attributes["minimum"], op.attributes["maximum"]) == (-1, -1)


@pytest.mark.parametrize("shape", [(4, 1, 1), (1, 4, 1, 1), (1,), ()])
def test_an_added_constant_is_a_bias(new_model, shape):
    values = np.float32([0.5, -1.0, 0.25, 2.0])
    values = values.reshape(shape) if values.size == np.prod(shape) else np.full(shape, 0.5, "f4")
    model = conv_model(new_model, y_zero=7, tail=[("Add", values)])
    (op,) = model.graph.ops
    bias = model.graph.tensor(op.inputs[2])
    unit = np.float32(0.05) * np.float32([0.01, 0.02, 0.03, 0.04])
    wanted = np.rint(np.broadcast_to(values.reshape(-1), (4,)) / unit.astype(np.float64))
    assert bias.data.tolist() == wanted.tolist()


def test_an_added_constant_must_be_per_channel(new_model):
    model = conv_model(
        new_model,
        tail=[("Add", np.ones((4, 6, 1), np.float32))],
        y_zero=7,
        attributes={"pads": [1, 1, 1, 1]},
    )
    (only,) = model.refused()
    assert "one number for each of 4 output channels, got (4, 6, 1)" in only.rule


@pytest.mark.parametrize("op", ["Add", "Mul"])
@pytest.mark.parametrize("relu", [False, True])
def test_two_operands(new_model, op, relu):
    model = new_model()
    a = model.qdq(model.input("a", ("N", 3, 4)), 0.05, 3)
    b = model.qdq(model.input("b", ("N", 3, 4)), 0.02, -7)
    value = model.node(op, [a, b])
    value = model.node("Relu", [value]) if relu else value
    model.output(model.qdq(value, 0.04, -128 if relu else 5))
    assert model.kinds == [op.lower()]
    model.check({"a": model.floats((7, 3, 4)), "b": model.floats((7, 3, 4), 0.02, 5)})


def test_constants_of_two_operands_are_integers(new_model):
    model = new_model()
    x = model.qdq(model.input("x", ("N", 4)), 0.05, 3)
    constant = model.dq(np.int8([1, -2, 30, 4]), 0.1, 2, name="kept")
    model.output(model.qdq(model.node("Mul", [x, constant]), 0.3, 5))
    (op,) = model.graph.ops
    assert op.inputs[1] == "kept"
    model.check({"x": model.floats((7, 4))})

    model = new_model()
    x = model.qdq(model.input("x", ("N", 4)), 0.05, 3)
    value = model.node("Mul", [x, model.constant("floats", np.float32([1, 2, 3, 4]))], "times")
    model.output(model.qdq(value, 0.3, 5))
    (only,) = model.refused()
    assert only.path == "node times (mul)"
    assert "constant `floats` is float" in only.rule


def test_sixteen_bit_residuals(new_model):
    model = new_model()
    a = model.qdq(model.input("a", ("N", 6)), 0.0003, 3, np.int16)
    b = model.qdq(model.input("b", ("N", 6)), 0.02, -7)
    model.output(model.qdq(model.node("Add", [a, b]), 0.0004, 0, np.int16))
    (op,) = model.graph.ops
    graph = model.graph
    assert [graph.tensor(name).number_format for name in (*op.inputs, *op.outputs)] == [
        "int16", "int8", "int16",
    ]  # fmt: skip
    model.check(
        {"a": model.floats((7, 6), 0.001), "b": model.floats((7, 6), 0.02, 5)}, is_optimised=False
    )


def test_requantize_chain(new_model):
    model = new_model()
    x = model.qdq(model.input("x", ("N", 6)), 0.05, 3)
    model.output(model.qdq(model.qdq(x, 0.05, 3), 0.07, -4))
    assert model.kinds == ["requantize"]
    model.check({"x": model.floats((7, 6))}, is_optimised=False)  # or the second pair is merged


def test_shared_and_doubled_dequantisation(new_model):
    model = new_model()
    q = model.quantize(model.input("x", ("N", 6)), 0.05, 3)
    one, two = model.dequantize(q, 0.05, 3), model.dequantize(q, 0.05, 3)
    w = model.dq(model.weights((6, 6)), 0.02)
    first = model.qdq(model.node("MatMul", [one, w]), 0.6, 10)
    model.output(model.qdq(model.node("Add", [model.node("Relu", [two]), first]), 0.6, 1))
    graph = model.graph
    assert [op.kind for op in graph.ops] == ["matmul", "table", "add"]
    assert len(graph.inputs) == 1


def test_what_no_output_needs_is_left_out(new_model):
    model = new_model()
    x = model.qdq(model.input("x", ("N", 6)), 0.05, 3)
    w = model.dq(model.weights((6, 6)), 0.02)
    model.node("Tanh", [model.node("MatMul", [x, w])])
    model.constant("unused", np.zeros(9, np.float32))
    model.output(model.qdq(model.node("Relu", [x]), 0.6, 1))
    graph = model.graph
    assert [op.kind for op in graph.ops] == ["table"]
    assert sorted(t.role for t in graph.tensors) == ["constant", "input", "output"]


def test_conv_transpose_groups(new_model):
    """Scales repeat for each group; onnxruntime keeps the op in float."""
    model = new_model()
    x = model.qdq(model.input("x", ("N", 4, 3, 3)), 0.05, 3)
    w = model.dq(model.weights((4, 3, 2, 2)), [0.01, 0.02, 0.03], axis=1)
    model.output(model.qdq(model.node("ConvTranspose", [x, w], group=2), 0.5, 7))
    (op,) = model.graph.ops
    scale = model.graph.tensor(op.inputs[3]).data
    assert scale.tolist() == np.tile(scale[:3], 2).tolist()
    inputs = {"x": model.floats((5, 4, 3, 3))}
    (ours,) = model.golden(inputs).values()
    (theirs,) = model.onnxruntime(inputs).values()
    assert np.abs(ours - theirs).max() <= 0.5001
    assert (ours != theirs).mean() < 0.01


def test_names_of_the_file_are_kept(new_model):
    """Constants of ours give way to the file's names."""
    model = new_model()
    x = model.qdq(model.input("weight_0", ("N", 2)), 0.05, 3)
    w = model.dq(model.weights((2, 3)), 0.02)
    model.output(model.qdq(model.node("MatMul", [x, w]), 0.6, 10, name="bias_0"))
    (op,) = model.graph.ops
    assert op.inputs[1:] == ("weight_0_", "bias_0", "scale_0")
    assert op.outputs == ("bias_0_q",)


def test_the_same_file_gives_the_same_graph(new_model):
    model = conv_model(new_model, bias=in_floats, tail=[("Relu",)])
    assert model.graph == model.graph
