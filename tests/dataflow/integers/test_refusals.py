"""What stays float between integers is refused with its place and what to do, all at once."""

import re
import time

import numpy as np
import pytest
from onnx import helper


def product(model, value, name="product", w=None):
    w = model.dq(np.ones((6, 6), np.int8), 0.02) if w is None else w
    return model.node("MatMul", [value, w], name)


def entry(model):
    return model.qdq(model.input("x", ("N", 6)), 0.05, 3)


def test_all_at_once(new_model):
    model = new_model()
    x = entry(model)
    value = model.node("Softmax", [product(model, x, "first")], "squash")
    value = model.qdq(value, 0.01, 0)
    value = model.node("Add", [product(model, value, "second"), value], "residual")
    value = model.qdq(value, 0.2, 0)
    floats = model.constant("float_weights", np.ones((6, 6), np.float32))
    model.output(model.qdq(product(model, value, "third", floats), 0.1, 0))
    found = model.refused()
    assert [item.path for item in found] == [
        "node squash (softmax)", "node residual (add)", "node third (matmul)",
    ]  # fmt: skip
    by_path = {item.path: item for item in found}
    assert by_path["node residual (add)"].rule == (
        "no QuantizeLinear between node second (matmul) and node residual (add): "
        "`second_value` is float"
    )
    assert "constant `float_weights` is float" in by_path["node third (matmul)"].rule
    assert all("tilewright quantize" in item.help for item in found)


def test_normalisation_without_quantisation(new_model):
    model = new_model()
    ones = model.constant("ones", np.ones(6, np.float32))
    value = model.node("LayerNormalization", [product(model, entry(model)), ones], "norm")
    model.output(model.qdq(value, 0.2, 0))
    (only,) = model.refused()
    assert only.rule.startswith("no QuantizeLinear between node product (matmul) and node norm")


def test_a_float_model(new_model):
    """The exact command is shown."""
    model = new_model()
    w = model.constant("w", np.ones((6, 6), np.float32))
    model.output(product(model, model.input("x", ("N", 6)), w=w))
    (only,) = model.refused()
    assert only.rule == "the model is float: nothing in it is quantised"
    assert only.help == "quantise it: `tilewright quantize model.onnx --data x.npz`"


def test_a_model_whose_weights_alone_are_integers(new_model):
    model = new_model()
    model.output(product(model, model.input("x", ("N", 6))))
    (only,) = model.refused()
    assert only.rule == "the model is float: none of its activations is quantised"
    assert "tilewright quantize model.onnx" in only.help


def test_quantisation_with_nothing_between(new_model):
    model = new_model()
    model.output(entry(model))
    (only,) = model.refused()
    assert "output" in only.rule or "no op stands between" in only.rule


def test_a_float_input_inside(new_model):
    """A skip connection that passes by the quantisation."""
    model = new_model()
    x = entry(model)
    value = model.qdq(product(model, x), 0.3, 0)
    model.output(model.qdq(model.node("Add", [value, "x"], "skip"), 0.2, 0))
    (only,) = model.refused()
    assert only.path == "node skip (add)"
    assert "its input `x` is float" in only.rule


def test_a_float_output_from_inputs(new_model):
    model = new_model()
    model.output(model.qdq(product(model, entry(model)), 0.3, 0))
    model.output(model.node("Tanh", ["x"], "beside"))
    (only,) = model.refused()
    assert only.path == "node beside (tanh)"


def test_float_products_at_the_ends(new_model):
    model = new_model()
    w = model.constant("w", np.ones((6, 6), np.float32))
    x = product(model, product(model, model.input("x", ("N", 6)), "one", w), "two", w)
    value = model.qdq(product(model, model.qdq(x, 0.05, 3)), 0.3, 0)
    value = model.node("Softmax", [product(model, model.node("Tanh", [value]), "three")])
    model.output(value)
    assert [item.path for item in model.refused()] == [
        "node one (matmul)", "node two (matmul)", "node three (matmul)",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["activation", "bias", "summed axis", "int32 bias", "too large"])
def test_scales(new_model, kind):
    model = new_model()
    x = entry(model)
    w_scale, axis = (0.02, None) if kind != "summed axis" else ([0.02] * 6, 0)
    w = model.dq(np.ones((6, 6), np.int8), w_scale, axis=axis)
    operands = [x, w]
    words = {
        "activation": "activations must have one scale, got 6",
        "bias": "input scale x weight scale / output scale is no normal number",
        "summed axis": "weight scales must be per output channel, not along the summed axis",
        "int32 bias": "the bias's scale must be input scale x weight scale",
        "too large": "the bias in units of input scale x weight scale exceeds 32 bits",
    }[kind]
    if kind == "int32 bias":
        operands.append(model.dq(np.full(6, 100, np.int32), 0.02))
    if kind == "too large":
        operands.append(model.constant("bias", np.full(6, 1e9, np.float32)))
    value = model.node("Gemm", operands, "gemm")
    if kind == "activation":
        scales = model.constant("scales", np.full(6, 0.1, np.float32))
        zeros = model.constant("zeros", np.zeros(6, np.int8))
        q = helper.make_node("QuantizeLinear", [value, scales, zeros], ["q"], axis=1)
        d = helper.make_node("DequantizeLinear", ["q", scales, zeros], ["y"], axis=1)
        model.nodes += [q, d]
        model.output("y")
    else:
        model.output(model.qdq(value, 3e38 if kind == "bias" else 0.5, 0))
    (only,) = model.refused()
    assert words in only.rule


OPS_IN_A_ROW = 600


@pytest.mark.parametrize("op", ["Relu", "Tanh", "Concat", "Transpose", "Add"])
@pytest.mark.parametrize("every", [True, False])
def test_long_chains_neither_hang_nor_overflow_the_stack(new_model, op, every):
    """Ops without quantisation between them, or each quantised beside the chain."""
    model = new_model()
    value = model.node("Softmax", [product(model, entry(model))])
    one = model.constant("one", np.ones((1, 6), np.float32))
    for _ in range(OPS_IN_A_ROW):
        operands = [value, one] if op in ("Concat", "Add") else [value]
        attributes = {"Concat": {"axis": 0}, "Transpose": {"perm": [1, 0]}}.get(op, {})
        value = model.node(op, operands, **attributes)
        if every:
            model.output(model.qdq(value, 0.3, 0))
    model.output(model.qdq(value, 0.3, 0))
    start = time.process_time()
    found = model.refused()
    assert 1 <= len(found) <= 201
    assert time.process_time() - start < 10


def test_messages_name_no_place_of_ours(new_model):
    """What is shown are names of the file."""
    model = new_model()
    value = model.node("Tanh", [product(model, entry(model))])
    model.output(model.qdq(model.node("Add", [value, value], "sum"), 0.2, 0))
    (only,) = model.refused()
    assert re.search(r"node Tanh_\d+ \(tanh\)", only.rule)
