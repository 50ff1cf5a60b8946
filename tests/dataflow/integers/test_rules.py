"""What stands between dequantisation and quantisation becomes one integer op, as onnxruntime
computes it."""

import numpy as np
import pytest
from tilewright.sim.golden.oracle import processor_flags

RNG_SEED = 21


def floats(shape, scale=0.05, seed=RNG_SEED):
    """Values of steps of int8, and beyond its range."""
    rng = np.random.default_rng(seed)
    return (rng.integers(-140, 141, shape) * np.float32(scale)).astype(np.float32)


def weights(shape, element=np.int8, seed=RNG_SEED):
    info = np.iinfo(element)
    rng = np.random.default_rng(seed)
    return rng.integers(info.min + 1, info.max + 1, shape).astype(element)


def conv_model(new_model, *, y_zero=-128, tail=(), bias=None, bias_axis=None, zero=3, **changes):
    """Conv of 3 to 4 channels on 6 x 6; `tail` of ops behind it; then quantised."""
    model = new_model()
    x = model.qdq(model.input("x", ("N", 3, 6, 6)), 0.05, zero)
    w = model.dq(weights((4, 3, 3, 3)), changes.get("w_scale", [0.01, 0.02, 0.03, 0.04]), axis=0)
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


X4 = {"x": floats((5, 3, 6, 6))}


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
    model.check(X4)


def test_relu_and_clip_narrow_the_result(new_model):
    """A Relu at the least zero point vanishes; 6.0 is 9 steps of 0.7 above it (8.57, rounded)."""
    relu = conv_model(new_model, tail=[("Relu",)])
    (op,) = relu.graph.ops
    assert (op.attributes["minimum"], op.attributes["maximum"]) == (-128, 127)
    relu.check(X4)

    ends = [("Clip", np.float32(0), np.float32(6)), ("Relu",)]
    both = conv_model(new_model, y_zero=10, tail=ends)
    (op,) = both.graph.ops
    assert (op.attributes["minimum"], op.attributes["maximum"]) == (10, 19)
    assert op.origin.startswith("conv, Clip_")
    got = both.golden(X4)
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


@pytest.mark.parametrize("element", [np.int8, np.uint8])
@pytest.mark.parametrize("is_batched", [False, True])
def test_matmul_with_zero_points_of_weights(new_model, element, is_batched):
    model = new_model()
    shape = ("N", 5, 6) if is_batched else ("N", 6)
    x = model.qdq(model.input("x", shape), 0.05, 130, np.uint8)
    values = weights((6, 4), element)
    if element is np.int8 and not processor_flags(("avx_vnni", "avx512_vnni")):
        values //= 2  # onnxruntime's sums of uint8 by int8 would saturate on this processor
    w = model.dq(values, 0.02, 5)
    model.output(model.qdq(model.node("MatMul", [x, w], "product"), 0.6, 100, np.uint8))
    (op,) = model.graph.ops
    weight = model.graph.tensor(op.inputs[1])
    assert (weight.name, weight.zero_point) == ("weight_0", (5,))
    model.check({"x": floats((3, *shape[1:]))})


def test_four_bit_weights(new_model):
    import ml_dtypes

    model = new_model()
    x = model.qdq(model.input("x", ("N", 6)), 0.05, 3)
    w = model.dq(
        np.arange(-8, 16, dtype=np.int8).clip(-8, 7).reshape(6, 4).astype(ml_dtypes.int4), 0.2
    )
    model.output(model.qdq(model.node("MatMul", [x, w]), 0.6, 10))
    (op,) = model.graph.ops
    assert model.graph.tensor(op.inputs[1]).number_format == "int4"
    inputs = {"x": floats((9, 6))}
    (ours,) = model.golden(inputs).values()
    (theirs,) = model.onnxruntime(inputs, is_optimised=False).values()
    assert np.abs(ours - theirs).max() <= 0.6001, "more than a step apart"
    assert (ours != theirs).mean() < 0.01


def test_a_product_of_two_activations(new_model):
    model = new_model()
    a = model.qdq(model.input("a", ("N", 5, 6)), 0.05, 3)
    b = model.qdq(model.input("b", ("N", 6, 4)), 0.04, -7)
    model.output(model.qdq(model.node("MatMul", [a, b]), 0.5, 4))
    (op,) = model.graph.ops
    assert op.kind == "matmul"
    assert not model.graph.tensor(op.inputs[2]).data.any()
    model.check({"a": floats((2, 5, 6)), "b": floats((2, 6, 4), seed=5)})


def test_a_sum_that_two_quantise(new_model):
    """Both ops share the weights."""
    model = new_model()
    x = model.qdq(model.input("x", ("N", 6)), 0.05, 3)
    product = model.node("MatMul", [x, model.dq(weights((6, 4)), 0.02)])
    model.output(model.qdq(product, 0.6, 10))
    model.output(model.qdq(model.node("Relu", [product]), 0.3, -128))
    graph = model.graph
    assert [op.kind for op in graph.ops] == ["matmul", "matmul"]
    assert {op.inputs[1] for op in graph.ops} == {"weight_0"}
    assert [op.attributes["minimum"] for op in graph.ops] == [-128, -128]


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
    model.check({"a": floats((7, 3, 4)), "b": floats((7, 3, 4), 0.02, 5)})


def test_constants_of_two_operands_are_integers(new_model):
    model = new_model()
    x = model.qdq(model.input("x", ("N", 4)), 0.05, 3)
    constant = model.dq(np.int8([1, -2, 30, 4]), 0.1, 2, name="kept")
    model.output(model.qdq(model.node("Mul", [x, constant]), 0.3, 5))
    (op,) = model.graph.ops
    assert op.inputs[1] == "kept"
    model.check({"x": floats((7, 4))})

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
    model.check({"a": floats((7, 6), 0.001), "b": floats((7, 6), 0.02, 5)}, is_optimised=False)


def test_requantize_chain(new_model):
    model = new_model()
    x = model.qdq(model.input("x", ("N", 6)), 0.05, 3)
    model.output(model.qdq(model.qdq(x, 0.05, 3), 0.07, -4))
    assert model.kinds == ["requantize"]
    model.check({"x": floats((7, 6))}, is_optimised=False)  # or the second pair is merged


def test_shared_and_doubled_dequantisation(new_model):
    model = new_model()
    q = model.quantize(model.input("x", ("N", 6)), 0.05, 3)
    one, two = model.dequantize(q, 0.05, 3), model.dequantize(q, 0.05, 3)
    w = model.dq(weights((6, 6)), 0.02)
    first = model.qdq(model.node("MatMul", [one, w]), 0.6, 10)
    model.output(model.qdq(model.node("Add", [model.node("Relu", [two]), first]), 0.6, 1))
    graph = model.graph
    assert [op.kind for op in graph.ops] == ["matmul", "table", "add"]
    assert len(graph.inputs) == 1


def test_what_no_output_needs_is_left_out(new_model):
    model = new_model()
    x = model.qdq(model.input("x", ("N", 6)), 0.05, 3)
    w = model.dq(weights((6, 6)), 0.02)
    model.node("Tanh", [model.node("MatMul", [x, w])])
    model.constant("unused", np.zeros(9, np.float32))
    model.output(model.qdq(model.node("Relu", [x]), 0.6, 1))
    graph = model.graph
    assert [op.kind for op in graph.ops] == ["table"]
    assert sorted(t.role for t in graph.tensors) == ["constant", "input", "output"]


def test_weights_quantised_in_the_file(new_model):
    """Float weights behind QuantizeLinear, as training with quantisation leaves them."""
    model = new_model()
    x = model.qdq(model.input("x", ("N", 2)), 0.05, 3)
    w = model.qdq(model.constant("w", np.float32([[0.11, -9], [0.2, 0.3]])), 0.05, 0)
    model.output(model.qdq(model.node("MatMul", [x, w]), 0.6, 10))
    (op,) = model.graph.ops
    assert model.graph.tensor(op.inputs[1]).data.tolist() == [[2, -128], [4, 6]]
    model.check({"x": floats((7, 2))})


def test_conv_transpose_groups(new_model):
    """Scales repeat for each group; onnxruntime keeps the op in float."""
    model = new_model()
    x = model.qdq(model.input("x", ("N", 4, 3, 3)), 0.05, 3)
    w = model.dq(weights((4, 3, 2, 2)), [0.01, 0.02, 0.03], axis=1)
    model.output(model.qdq(model.node("ConvTranspose", [x, w], group=2), 0.5, 7))
    (op,) = model.graph.ops
    scale = model.graph.tensor(op.inputs[3]).data
    assert scale.tolist() == np.tile(scale[:3], 2).tolist()
    inputs = {"x": floats((5, 4, 3, 3))}
    (ours,) = model.golden(inputs).values()
    (theirs,) = model.onnxruntime(inputs).values()
    assert np.abs(ours - theirs).max() <= 0.5001
    assert (ours != theirs).mean() < 0.01


def test_names_of_the_file_are_kept(new_model):
    """Constants of ours give way to the file's names."""
    model = new_model()
    x = model.qdq(model.input("weight_0", ("N", 2)), 0.05, 3)
    w = model.dq(weights((2, 3)), 0.02)
    model.output(model.qdq(model.node("MatMul", [x, w]), 0.6, 10, name="bias_0"))
    (op,) = model.graph.ops
    assert op.inputs[1:] == ("weight_0_", "bias_0", "scale_0")
    assert op.outputs == ("bias_0_q",)


def test_the_same_file_gives_the_same_graph(new_model):
    model = conv_model(new_model, bias=in_floats, tail=[("Relu",)])
    assert model.graph == model.graph


@pytest.mark.parametrize("op", ["MatMul", "Gemm"])
def test_float_biases_of_products(new_model, op):
    """Rounded to int32 in units of the sums: onnxruntime's integer kernels give the same."""
    model = new_model()
    x = model.qdq(model.input("x", ("N", 6)), 0.05, 3)
    w = model.dq(weights((6, 4)), [0.01, 0.02, 0.03, 0.04], axis=1)
    bias = model.constant("bias", np.float32([0.5, -1.234567, 33.3, 0.00026]))
    if op == "Gemm":
        value = model.node("Gemm", [x, w, bias])
    else:
        value = model.node("Add", [bias, model.node("MatMul", [x, w])])
    model.output(model.qdq(value, 0.3, 7))
    (matmul,) = model.graph.ops
    # 0.00026 is 0.13 of 0.05 x 0.04; the first is 1000 of 0.05 x 0.01.
    assert model.graph.tensor(matmul.inputs[2]).data[[0, 3]].tolist() == [1000, 0]
    model.check({"x": floats((50, 6))})


def test_a_bias_of_int8(new_model):
    """4 steps of 0.25 are 1.0: 1,000 units of 0.05 x 0.02."""
    model = new_model()
    x = model.qdq(model.input("x", ("N", 6)), 0.05, 3)
    product = model.node("MatMul", [x, model.dq(weights((6, 2)), 0.02)])
    value = model.node("Add", [product, model.dq(np.int8([4, -4]), 0.25, 2)])
    model.output(model.qdq(value, 0.3, 7))
    (op,) = model.graph.ops
    assert model.graph.tensor(op.inputs[2]).data.tolist() == [500, -1500]


@pytest.mark.parametrize(("depth", "fits"), [(500, True), (600, False)])
def test_sums_of_sixteen_bits_must_fit(new_model, depth, fits):
    """int16 times weights of up to 127: 516 products stay within 32 bits."""
    model = new_model()
    x = model.qdq(model.input("x", (1, depth)), 0.0005, 0, np.int16)
    w = model.dq(np.full((depth, 1), 127, np.int8), 0.02)
    model.output(model.qdq(model.node("MatMul", [x, w], "wide"), 0.3, 7))
    if fits:
        assert model.kinds == ["matmul"]
        return
    (only,) = model.refused()
    assert only.path == "node wide (matmul)"
    assert only.rule == "sums of 600 products of int16 and int8 can leave 32 bits"


def test_thresholds_behind_sums(new_model):
    """A float factor for each channel behind a product becomes thresholds of its sums."""
    model = new_model()
    x = model.qdq(model.input("x", ("N", 6)), 0.05, 3)
    product = model.node("MatMul", [x, model.dq(weights((6, 3)), 0.02)])
    factors = model.constant("factors", np.float32([1.5, -0.25, 0.001]))
    model.output(model.qdq(model.node("Mul", [product, factors]), 0.3, 7))
    assert model.kinds == ["matmul", "threshold"]
    inputs = {"x": floats((200, 6))}
    (ours,) = model.golden(inputs).values()
    (theirs,) = model.onnxruntime(inputs).values()
    assert np.abs(ours - theirs).max() <= 0.3001
    assert (ours != theirs).mean() < 0.01
