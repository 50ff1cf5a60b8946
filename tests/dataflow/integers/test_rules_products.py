"""Matrix products between dequantisation and quantisation become one integer op."""

import numpy as np
import pytest
from tilewright.sim.golden.oracle import processor_flags


@pytest.mark.parametrize("element", [np.int8, np.uint8])
@pytest.mark.parametrize("is_batched", [False, True])
def test_matmul_with_zero_points_of_weights(new_model, element, is_batched):
    model = new_model()
    shape = ("N", 5, 6) if is_batched else ("N", 6)
    x = model.qdq(model.input("x", shape), 0.05, 130, np.uint8)
    values = model.weights((6, 4), element)
    if element is np.int8 and not processor_flags(("avx_vnni", "avx512_vnni")):
        values //= 2  # onnxruntime's sums of uint8 by int8 would saturate on this processor
    w = model.dq(values, 0.02, 5)
    model.output(model.qdq(model.node("MatMul", [x, w], "product"), 0.6, 100, np.uint8))
    (op,) = model.graph.ops
    weight = model.graph.tensor(op.inputs[1])
    assert (weight.name, weight.zero_point) == ("weight_0", (5,))
    model.check({"x": model.floats((3, *shape[1:]))})


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
    inputs = {"x": model.floats((9, 6))}
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
    model.check({"a": model.floats((2, 5, 6)), "b": model.floats((2, 6, 4), seed=5)})


def test_a_sum_that_two_quantise(new_model):
    """Both ops share the weights."""
    model = new_model()
    x = model.qdq(model.input("x", ("N", 6)), 0.05, 3)
    product = model.node("MatMul", [x, model.dq(model.weights((6, 4)), 0.02)])
    model.output(model.qdq(product, 0.6, 10))
    model.output(model.qdq(model.node("Relu", [product]), 0.3, -128))
    graph = model.graph
    assert [op.kind for op in graph.ops] == ["matmul", "matmul"]
    assert {op.inputs[1] for op in graph.ops} == {"weight_0"}
    assert [op.attributes["minimum"] for op in graph.ops] == [-128, -128]


def test_weights_quantised_in_the_file(new_model):
    """Float weights behind QuantizeLinear, as training with quantisation leaves them."""
    model = new_model()
    x = model.qdq(model.input("x", ("N", 2)), 0.05, 3)
    w = model.qdq(model.constant("w", np.float32([[0.11, -9], [0.2, 0.3]])), 0.05, 0)
    model.output(model.qdq(model.node("MatMul", [x, w]), 0.6, 10))
    (op,) = model.graph.ops
    assert model.graph.tensor(op.inputs[1]).data.tolist() == [[2, -128], [4, 6]]
    model.check({"x": model.floats((7, 2))})


@pytest.mark.parametrize("op", ["MatMul", "Gemm"])
def test_float_biases_of_products(new_model, op):
    """Rounded to int32 in units of the sums: onnxruntime's integer kernels give the same."""
    model = new_model()
    x = model.qdq(model.input("x", ("N", 6)), 0.05, 3)
    w = model.dq(model.weights((6, 4)), [0.01, 0.02, 0.03, 0.04], axis=1)
    bias = model.constant("bias", np.float32([0.5, -1.234567, 33.3, 0.00026]))
    if op == "Gemm":
        value = model.node("Gemm", [x, w, bias])
    else:
        value = model.node("Add", [bias, model.node("MatMul", [x, w])])
    model.output(model.qdq(value, 0.3, 7))
    (matmul,) = model.graph.ops
    # 0.00026 is 0.13 of 0.05 x 0.04; the first is 1000 of 0.05 x 0.01.
    assert model.graph.tensor(matmul.inputs[2]).data[[0, 3]].tolist() == [1000, 0]
    model.check({"x": model.floats((50, 6))})


def test_a_bias_of_int8(new_model):
    """4 steps of 0.25 are 1.0: 1,000 units of 0.05 x 0.02."""
    model = new_model()
    x = model.qdq(model.input("x", ("N", 6)), 0.05, 3)
    product = model.node("MatMul", [x, model.dq(model.weights((6, 2)), 0.02)])
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
    product = model.node("MatMul", [x, model.dq(model.weights((6, 3)), 0.02)])
    factors = model.constant("factors", np.float32([1.5, -0.25, 0.001]))
    model.output(model.qdq(model.node("Mul", [product, factors]), 0.3, 7))
    assert model.kinds == ["matmul", "threshold"]
    inputs = {"x": model.floats((200, 6))}
    (ours,) = model.golden(inputs).values()
    (theirs,) = model.onnxruntime(inputs).values()
    assert np.abs(ours - theirs).max() <= 0.3001
    assert (ours != theirs).mean() < 0.01
