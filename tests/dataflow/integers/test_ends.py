"""Floats in front of the first quantisation and behind the last stay with the host."""

import numpy as np

RNG = np.random.default_rng(41)
X = (RNG.integers(-140, 141, (5, 6)) * np.float32(0.05)).astype(np.float32)


def product(model, value, zero=10, scale=0.6):
    rng = np.random.default_rng(42)
    w = model.dq(rng.integers(-128, 128, (6, 6)).astype(np.int8), 0.02)
    return model.qdq(model.node("MatMul", [value, w]), scale, zero)


def test_plain_ends(new_model):
    """The host quantises and dequantises; names of the file stand in `origin`."""
    model = new_model()
    model.output(product(model, model.qdq(model.input("x", ("N", 6)), 0.05, 3)))
    imported = model.imported()
    assert imported.before is imported.after is None
    (entry,), (result,) = imported.graph.inputs, imported.graph.outputs
    assert entry.origin == "x"
    assert result.origin == model.outputs[0].name
    assert imported.model.inputs[0].name == "x"
    model.check({"x": X})


def test_floats_in_front(new_model):
    """Scaling on the host; the Reshape behind it is done on integers."""
    model = new_model()
    x = model.node("Sub", [model.input("x", ("N", 2, 3)), model.constant("mean", np.float32(0.2))])
    shape = model.constant("shape", np.array([0, -1]))
    x = model.node("Reshape", [model.node("Mul", [x, x]), shape])
    model.output(product(model, model.qdq(x, 0.05, 3)))
    imported = model.imported()
    assert [op.kind for op in imported.before.ops] == ["sub", "mul", "quantize"]
    assert [op.kind for op in imported.graph.ops] == ["reshape", "matmul"]
    assert [t.name for t in imported.before.outputs] == [t.name for t in imported.graph.inputs]
    assert imported.graph.inputs[0].shape == (1, 2, 3)
    model.check({"x": X.reshape(5, 2, 3)})


def test_floats_behind(new_model):
    """Softmax on the host; the Transpose in front of it is done on integers."""
    model = new_model()
    value = product(model, model.qdq(model.input("x", ("N", 2, 6)), 0.05, 3))
    value = model.node("Transpose", [value], perm=[0, 2, 1])
    value = model.node("Mul", [value, model.constant("half", np.float32(0.5))])
    model.output(model.node("Relu", [value]))
    imported = model.imported()
    assert [op.kind for op in imported.graph.ops] == ["matmul", "transpose"]
    assert [op.kind for op in imported.after.ops] == ["dequantize", "mul", "relu"]
    assert [t.name for t in imported.after.inputs] == [t.name for t in imported.graph.outputs]
    assert imported.after.outputs[0].origin == model.outputs[0].name
    model.check({"x": X[:4].reshape(2, 2, 6)})


def test_sums_at_the_end(new_model):
    """A product that nothing quantises leaves its sums: exact, in units of both scales."""
    model = new_model()
    x = model.qdq(model.input("x", ("N", 6)), 0.5, 3)
    w = model.dq(np.arange(18, dtype=np.int8).reshape(6, 3), [0.25, 0.5, 1.0], axis=1)
    bias = model.constant("bias", np.float32([1, 2, 3]))
    model.output(
        model.node("Gemm", [x, w, model.dq(np.int32([8, -4, 2]), [0.125, 0.25, 0.5], axis=0)])
    )
    model.output(model.node("Add", [model.node("MatMul", [x, w]), bias]))
    imported = model.imported()
    graph, after = imported.graph, imported.after
    assert [op.kind for op in graph.ops] == ["matmul", "matmul"]
    assert sorted(len(op.inputs) for op in graph.ops) == [2, 3]
    assert {t.number_format for t in graph.outputs} == {"int32"}
    assert all(not t.scale for t in graph.outputs)
    assert [t.scale for t in after.inputs] == [(0.125, 0.25, 0.5)] * 2
    assert [t.axis for t in after.inputs] == [1, 1]
    model.check({"x": X}, is_optimised=False)


def test_one_result_is_two_outputs(new_model):
    model = new_model()
    q = model.quantize(product(model, model.qdq(model.input("x", ("N", 6)), 0.05, 3)), 0.3, 1)
    model.output(model.dequantize(q, 0.3, 1)).output(model.dequantize(q, 0.3, 1))
    imported = model.imported()
    assert len(imported.graph.outputs) == 1
    assert len(imported.after.outputs) == 2
    model.check({"x": X}, is_optimised=False)


def test_integers_at_both_ends(new_model):
    """Inputs and outputs that are integers in the file are taken as they are."""
    model = new_model()
    x = model.dequantize(model.input("x", ("N", 6), np.int8), 0.05, 3)
    value = product(model, x)
    model.output(model.quantize(model.node("Sigmoid", [value]), 0.004, -128), np.int8)
    model.output(model.node("Softmax", [value]))
    imported = model.imported()
    assert imported.before is None
    values = np.random.default_rng(43).integers(-128, 128, (5, 6)).astype(np.int8)
    ours, theirs = model.golden({"x": values}), model.onnxruntime({"x": values})
    first, second = (item.name for item in model.outputs)
    np.testing.assert_array_equal(ours[first], theirs[first])
    np.testing.assert_allclose(ours[second], theirs[second], rtol=1e-6)


def test_one_input_quantised_in_two_ways(new_model):
    """Equal quantisations are one input of the integer graph, others have their own."""
    model = new_model()
    x = model.input("x", ("N", 6))
    parts = [model.qdq(x, scale, zero) for scale, zero in ((0.05, 3), (0.05, 3), (0.04, 3))]
    total = model.qdq(model.node("Add", parts[:2]), 0.1, 0)
    model.output(model.qdq(model.node("Add", [total, parts[2]]), 0.15, 0))
    graph = model.graph
    assert [tensor.origin for tensor in graph.inputs] == ["x", "x"]
    assert [tensor.scale[0] for tensor in graph.inputs] == [
        float(np.float32(0.05)), float(np.float32(0.04)),
    ]  # fmt: skip
    model.check({"x": X})


def test_mixed_inputs(new_model):
    """Where one input is scaled on the host, the host quantises the others too."""
    model = new_model()
    a = model.node("Mul", [model.input("a", ("N", 6)), model.constant("two", np.float32(2))])
    b = model.input("b", ("N", 6))
    parts = [model.qdq(a, 0.1, 3), model.qdq(b, 0.05, -3)]
    model.output(model.qdq(model.node("Add", parts), 0.1, 0))
    imported = model.imported()
    assert [op.kind for op in imported.before.ops] == ["mul", "quantize", "quantize"]
    model.check({"a": X, "b": X[::-1].copy()})
