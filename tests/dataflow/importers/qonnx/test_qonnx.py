"""QONNX models: random nets of Quant and BipolarQuant nodes against qonnx's own executor."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from tilewright.spec.diagnostics import SpecError


def perceptron(qonnx: Any, seed: int) -> onnx.ModelProto:
    net = qonnx.net(seed, (1, 12))
    value, features = net.any_quant("x"), 12
    for channels in (9, 7):
        weights = net.weights(channels, features)
        if net.rng.random() < 0.5:
            value = net.add("MatMul", [value, net.add("Transpose", [weights], perm=[1, 0])])
        else:
            bias = net.constant(net.rng.normal(size=channels))
            value = net.add("Gemm", [value, weights, bias], transB=1)
        value = net.any_quant(net.activated(net.normalised(value, channels, 2)))
        features = channels
    last = net.add("Transpose", [net.weights(4, features)], perm=[1, 0])
    return net.model(net.normalised(net.add("MatMul", [value, last]), 4, 2))


def convolutional(qonnx: Any, seed: int) -> onnx.ModelProto:
    net = qonnx.net(seed, (1, 3, 8, 8))
    value = net.any_quant("x")
    inputs = [value, net.weights(6, 3, 3, 3)]
    if net.rng.random() < 0.5:
        inputs.append(net.constant(net.rng.normal(size=6)))
    value = net.add("Conv", inputs, pads=[1, 0, 1, 2], strides=[1, 2])
    value = net.any_quant(net.activated(net.normalised(value, 6, 4)))
    if net.rng.random() < 0.5:
        value = net.add("MaxPool", [value], kernel_shape=[2, 2], strides=[2, 1])
    value = net.add("Conv", [value, net.weights(6, 1, 3, 3)], pads=[1, 1, 1, 1], group=6)
    value = net.activated(net.normalised(value, 6, 4))
    if net.rng.random() < 0.5:  # the pool between the function and its Quant
        value = net.add("MaxPool", [value], kernel_shape=[2, 2], strides=[1, 1])
    value = net.add("Flatten", [net.any_quant(value)])
    shapes = onnx.shape_inference.infer_shapes(as_standard(net, value))
    features = shapes.graph.output[0].type.tensor_type.shape.dim[1].dim_value
    weights = net.add("Transpose", [net.weights(5, features)], perm=[1, 0])
    return net.model(net.any_quant(net.add("MatMul", [value, weights])))


def as_standard(net: Any, output: str) -> onnx.ModelProto:
    """The net with Identity for the nodes that onnx does not know, for extents alone."""
    model = net.model(output)
    for node in model.graph.node:
        if node.domain:
            node.CopyFrom(helper.make_node("Identity", node.input[:1], node.output))
    return model


@pytest.mark.parametrize("seed", range(12))
def test_random_perceptrons_give_qonnxs_integers(qonnx: Any, seed: int) -> None:
    pytest.importorskip("qonnx")
    qonnx.compare(perceptron(qonnx, seed), f"seed {seed}", is_exact=seed % 2 == 1)


@pytest.mark.parametrize("seed", range(12))
def test_random_convolutional_nets_give_qonnxs_integers(qonnx: Any, seed: int) -> None:
    pytest.importorskip("qonnx")
    qonnx.compare(convolutional(qonnx, seed), f"seed {seed}", is_exact=seed % 2 == 1)


def prepared(net: Any, value: str, *, mode: str = "ROUND", signed: int = 1) -> str:
    return net.quant(value, 4, 0.5, mode=mode, signed=signed)


def product(net: Any, value: str, inputs: int, outputs: int) -> str:
    weights = net.rng.normal(size=(inputs, outputs))
    return net.add("MatMul", [value, net.quant(net.constant(weights), 3, 0.25, narrow=1)])


def residual(net: Any) -> str:
    """A sum of two activations of different scales, with a Relu behind it."""
    first = prepared(net, "x")
    second = net.quant(product(net, first, 6, 6), 3, 0.125, signed=0)
    return prepared(net, net.add("Relu", [net.add("Add", [first, second])]))


def joined(net: Any) -> str:
    first = prepared(net, "x")
    second = prepared(net, product(net, first, 6, 6))
    return prepared(net, product(net, net.add("Concat", [first, second], axis=1), 12, 4))


def biased_end(net: Any) -> str:
    """The last bias is a float that no sum can hold: the host adds it."""
    value = prepared(net, product(net, prepared(net, "x"), 6, 5))
    weights = net.quant(net.constant(net.rng.normal(size=(4, 5))), 3, 0.25)
    bias = net.constant(net.rng.normal(size=4))
    return net.add("Gemm", [value, weights, bias], transB=1)


def wide(net: Any) -> str:
    """16 bits by the scale, then 12 bits that are cut off."""
    value = net.quant(product(net, prepared(net, "x"), 6, 6), 16, 2.0**-9)
    return net.quant(product(net, value, 6, 4), 12, 2.0**-5, mode="FLOOR", narrow=1)


def two_activations(net: Any) -> str:
    """A product of two tensors that are not constant."""
    column = net.add("Reshape", ["x", net.integers([6, 1])])
    value = net.add("MatMul", [prepared(net, column), prepared(net, "x", mode="CEIL")])
    return prepared(net, net.add("Add", [net.add("Mul", [value, net.constant(0.3)]), "one"]))


def rescaled(net: Any) -> str:
    """Quant behind Quant: other scales, other roundings."""
    value = net.quant(prepared(net, "x", signed=0), 3, 1.0, mode="HALF_UP")
    return prepared(net, product(net, net.quant(value, 5, 0.25, mode="UP"), 6, 3))


def shifted(net: Any) -> str:
    """Thresholds of an activation that has a zero point."""
    value = net.quant("x", 4, 0.5, signed=0, zero=6)
    each = net.constant(np.linspace(0.5, 2, 6))
    return prepared(net, product(net, prepared(net, net.add("Mul", [value, each])), 6, 3))


def image(net: Any) -> str:
    return net.add("Reshape", [prepared(net, "x"), net.integers([1, 1, 2, 3])])


def padded(net: Any) -> str:
    """Integers of 1 to 3 alone, and padding of 0 beside them."""
    value = net.add("Conv", [image(net), net.weights(2, 1, 1, 1)])
    value = net.add("Clip", [value, net.constant(0.5), net.constant(1.5)])
    value = net.quant(value, 3, 0.5)
    weights = np.full((1, 2, 3, 3), 1.0)
    inputs = [value, net.quant(net.constant(weights), 3, 1.0)]
    return net.quant(net.add("Conv", inputs, pads=[2, 2, 2, 2]), 7, 0.5)


def biased_image(net: Any) -> str:
    """As `biased_end`, with as many columns as channels."""
    bias = net.constant([0.1, 10.1, 100.1])
    value = net.add("Conv", [image(net), net.weights(1, 1, 1, 1)])
    return net.add("Conv", [prepared(net, value), net.weights(3, 1, 1, 1), bias])


FORMS = [
    residual,
    joined,
    biased_end,
    biased_image,
    wide,
    two_activations,
    rescaled,
    shifted,
    padded,
]
ON_THE_HOST = (biased_end, biased_image)


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_nets_give_qonnxs_integers(qonnx: Any, form: Callable[[Any], str]) -> None:
    pytest.importorskip("qonnx")
    net = qonnx.net(3, (1, 6))
    net.constants["one"] = np.ones(1, np.float32)
    ours = qonnx.compare(net.model(form(net)), form.__name__, is_exact=True, images=8)
    assert (ours.after is not None) == (form in ON_THE_HOST)


@pytest.mark.parametrize("factor", [np.reshape([1.0, -1.0, 1.0], (3, 1, 1)), -1.0])
def test_a_falling_function_behind_a_max_pool_is_refused(qonnx: Any, factor: Any) -> None:
    net = qonnx.net(1, (1, 2, 6, 6))
    value = net.add("Conv", [prepared(net, "x"), net.weights(3, 2, 3, 3)])
    value = net.add("MaxPool", [value], kernel_shape=[2, 2])
    value = net.add("Mul", [value, net.constant(factor)])
    with pytest.raises(SpecError, match=r"node n3_MaxPool .*falls in some channels"):
        qonnx.imported(net.model(prepared(net, value)))


def test_functions_of_channels_that_changed_places_are_refused(qonnx: Any) -> None:
    net = qonnx.net(1, (1, 6))
    bounds = [net.integers([value]) for value in (3, -5, 1, -1)]
    value = net.add("Slice", [product(net, prepared(net, "x"), 6, 4), *bounds])
    value = net.add("Mul", [value, net.constant([1.0, 2.0, 3.0, 4.0])])
    with pytest.raises(SpecError, match=r"Slice .*must keep the channels"):
        qonnx.imported(net.model(prepared(net, value)))


CHANGED = [0.0, -1.0, 1e-45, 1e-38, 3e38, -3e38, np.nan, np.inf, 0.3, 7.0]


def changed(model: onnx.ModelProto, rng: np.random.Generator) -> onnx.ModelProto:
    """The model with a constant's value or extents, an attribute or an operand replaced."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    item = copy.graph.initializer[rng.integers(len(copy.graph.initializer))]
    values = numpy_helper.to_array(item).copy()
    node = copy.graph.node[rng.integers(len(copy.graph.node))]
    kind = rng.integers(4)
    if kind == 0 and values.size:
        values.reshape(-1)[rng.integers(values.size)] = rng.choice(CHANGED)
        item.CopyFrom(numpy_helper.from_array(values, item.name))
    elif kind == 1:
        flat = values.reshape(-1)
        forms = [values[None], flat, flat.repeat(2), flat[:0], values.astype(np.float64)]
        item.CopyFrom(numpy_helper.from_array(forms[rng.integers(len(forms))], item.name))
    elif kind == 2 and node.attribute:
        attribute = node.attribute[rng.integers(len(node.attribute))]
        attribute.i = int(rng.choice([-1, 0, 2, 2**40]))
        for index in range(len(attribute.ints)):
            attribute.ints[index] = int(rng.choice([-1, 0, 1, 2, 2**40]))
    else:
        names = [name for each in copy.graph.node for name in each.input]
        node.input[rng.integers(len(node.input))] = str(rng.choice([*names, ""]))
    return copy


def test_changed_models_are_imported_or_refused_with_a_place(qonnx: Any) -> None:
    seed = 5
    rng = np.random.default_rng(seed)
    models = [make(qonnx, number) for make in (perceptron, convolutional) for number in range(3)]
    answers = []
    for number in range(500):
        model = changed(models[number % len(models)], rng)
        try:
            qonnx.imported(model)
        except SpecError as error:
            answers += [(number, item) for item in error.diagnostics]
    whole = ("the model is float", "no op stands between")
    for number, item in answers:
        assert item.path or item.rule.startswith(whole), f"seed {seed}, {number}: {item}"
    assert 100 < len({number for number, _ in answers}) < 490
