"""QONNX models: random nets of Quant and BipolarQuant nodes against qonnx's own executor."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from tilewright.dataflow.importers.imported import Imported
from tilewright.dataflow.importers.model import import_bytes
from tilewright.sim.golden.model_run import run_model
from tilewright.sim.golden.oracle_qonnx import QonnxOracle, quantised_pairs

from tilewright.spec.diagnostics import SpecError

DOMAIN = "qonnx.custom_op.general"
Floats = NDArray[np.float32]


class Net:
    """A QONNX model while it is made: every method adds nodes and gives the name of a value."""

    def __init__(self, seed: int, shape: tuple[int, ...]) -> None:
        self.seed, self.shape = seed, shape
        self.rng = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, NDArray[Any]] = {}

    def constant(self, values: Any) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(values, np.float32)
        return name

    def integers(self, values: list[int]) -> str:
        name = f"i{len(self.constants)}"
        self.constants[name] = np.array(values, np.int64)
        return name

    def add(self, operator: str, inputs: list[str], domain: str = "", **attributes: Any) -> str:
        number = len(self.nodes)
        node = helper.make_node(
            operator, inputs, [f"v{number}"], f"n{number}_{operator}", domain=domain, **attributes
        )
        self.nodes.append(node)
        return f"v{number}"

    def scale(self, *shape: int) -> Floats:
        """Scales; every second net has powers of two, where floats are exact."""
        if self.seed % 2:
            return np.exp2(self.rng.integers(-4, 1, shape)).astype(np.float32)
        return self.rng.uniform(0.05, 0.6, shape).astype(np.float32)

    def quant(
        self,
        value: str,
        bits: int,
        scale: Any,
        *,
        signed: int = 1,
        narrow: int = 0,
        mode: str = "ROUND",
        zero: float = 0.0,
    ) -> str:
        inputs = [value, *map(self.constant, (scale, zero, bits))]
        return self.add("Quant", inputs, DOMAIN, signed=signed, narrow=narrow, rounding_mode=mode)

    def bipolar(self, value: str, scale: Any) -> str:
        return self.add("BipolarQuant", [value, self.constant(scale)], DOMAIN)

    def any_quant(self, value: str) -> str:
        """An activation of 1 to 4 bits, in any way that is supported."""
        bits, scale = int(self.rng.integers(1, 5)), self.scale()
        if bits == 1 and self.rng.random() < 0.7:
            return self.bipolar(value, scale)
        signed = int(self.rng.integers(0, 2))
        mode = str(self.rng.choice(["ROUND", "ROUND", "FLOOR", "CEIL", "HALF_UP", "DOWN"]))
        narrow = int(bits > 1 and self.rng.integers(0, 2))
        return self.quant(value, bits, scale, signed=signed, narrow=narrow, mode=mode)

    def weights(self, *shape: int) -> str:
        """Quantised constants, with one scale or one for each output channel; a channel is zero."""
        values = self.rng.normal(size=shape).astype(np.float32)
        values[0] = 0
        each = (shape[0], *(1 for _ in shape[1:])) if self.rng.random() < 0.5 else ()
        bits = int(self.rng.integers(1, 5))
        if bits == 1:
            return self.bipolar(self.constant(values), self.scale(*each))
        return self.quant(self.constant(values), bits, self.scale(*each), narrow=1)

    def normalised(self, value: str, channels: int, rank: int) -> str:
        """A BatchNormalization with negative and zero factors, Mul and Add, or nothing."""
        factor = self.rng.normal(size=channels)
        factor[-1] = 0
        offset, mean = self.rng.normal(size=(2, channels))
        kind = self.rng.integers(0, 3)
        if kind == 0:
            variance = self.rng.uniform(0.2, 4, channels)
            inputs = [value, *map(self.constant, (factor, offset, mean, variance))]
            return self.add("BatchNormalization", inputs, epsilon=1e-5)
        if kind == 1:
            shape = (channels, *(1 for _ in range(rank - 2)))
            value = self.add("Mul", [value, self.constant(factor.reshape(shape))])
            return self.add("Add", [self.constant(offset.reshape(shape)), value])
        return value

    def activated(self, value: str) -> str:
        kind = self.rng.integers(0, 4)
        if kind == 0:
            return self.add("Relu", [value])
        if kind == 1:
            return self.add("Clip", [value, self.constant(-1.0), self.constant(1.25)])
        return self.add("LeakyRelu", [value], alpha=0.2) if kind == 2 else value

    def model(self, output: str) -> onnx.ModelProto:
        graph = helper.make_graph(
            self.nodes,
            f"net{self.seed}",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape)],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
            [numpy_helper.from_array(values, name) for name, values in self.constants.items()],
        )
        opsets = [helper.make_opsetid("", 13), helper.make_opsetid(DOMAIN, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def perceptron(seed: int) -> onnx.ModelProto:
    net = Net(seed, (1, 12))
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


def convolutional(seed: int) -> onnx.ModelProto:
    net = Net(seed, (1, 3, 8, 8))
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


def as_standard(net: Net, output: str) -> onnx.ModelProto:
    """The net with Identity for the nodes that onnx does not know, for extents alone."""
    model = net.model(output)
    for node in model.graph.node:
        if node.domain:
            node.CopyFrom(helper.make_node("Identity", node.input[:1], node.output))
    return model


def imported(model: onnx.ModelProto) -> Imported:
    return import_bytes(model.SerializeToString(), Path("net.onnx"))


def is_a_tie(model: onnx.ModelProto, name: str, theirs: Any, ours: Any) -> bool:
    """Whether qonnx's float before this Quant is so near a step that its own rounding decides.

    qonnx adds products of floats, where scales that are no powers of two have been rounded: its
    sum differs from the exact one in the last bits.
    """
    node = next(node for node in model.graph.node if name in node.output)
    execute = importlib.import_module("qonnx.custom_op.general.intquant").int_quant
    bipolar = importlib.import_module("qonnx.custom_op.general.bipolar_quant").binary_quant
    operands = [theirs[each] for each in node.input]
    sides = []
    for nudge in (-1e-5, 1e-5):
        value = (operands[0] + np.float32(nudge) * (1 + np.abs(operands[0]))).astype(np.float32)
        if node.op_type == "BipolarQuant":
            sides.append(bipolar(value, operands[1]))
        else:
            known = {each.name: helper.get_attribute_value(each) for each in node.attribute}
            mode = known["rounding_mode"].decode()
            made = execute(value, *operands[1:], known["signed"], known["narrow"], mode)
            sides.append(made.astype(np.float32))
    return bool(((ours == theirs[name]) | (ours == sides[0]) | (ours == sides[1])).all())


def compare(model: onnx.ModelProto, hint: str, *, is_exact: bool, images: int = 4) -> Imported:
    """All integers are those of qonnx; float outputs are close.

    Unless `is_exact` (scales are powers of two, so qonnx's floats are), integers may differ where
    qonnx's float is a tie up to its own rounding; what follows is not compared then.
    """
    oracle, ours = QonnxOracle(model), imported(model)
    (given,) = ours.model.inputs
    rng = np.random.default_rng(1)
    for number in range(images):
        image = (rng.normal(size=given.shape) * (0.5, 1, 2)[number % 3]).astype(np.float32)
        run, theirs = run_model(ours, {"x": image}), oracle.run({"x": image})
        pairs = quantised_pairs(ours, run.integers, theirs)
        assert len(pairs) > 1, hint
        for name, (got, wanted) in pairs.items():
            wrong = np.argwhere(got != wanted)
            if len(wrong) and not is_exact and is_a_tie(model, name, theirs, got):
                break
            at = tuple(wrong[0]) if len(wrong) else ()
            assert not len(wrong), (
                f"{hint}, input {number}, {name}{list(at)}: expected {wanted[at]}, got {got[at]}; "
                f"{len(wrong)} of {got.size}"
            )
        else:
            for name, value in run.outputs.items():
                assert value.shape == theirs[name].shape
                near = np.allclose(value, theirs[name], rtol=1e-5, atol=1e-5)
                assert near, f"{hint}, input {number}, output {name}"
    return ours


@pytest.mark.parametrize("seed", range(12))
def test_random_perceptrons_give_qonnxs_integers(seed: int) -> None:
    pytest.importorskip("qonnx")
    compare(perceptron(seed), f"seed {seed}", is_exact=seed % 2 == 1)


@pytest.mark.parametrize("seed", range(12))
def test_random_convolutional_nets_give_qonnxs_integers(seed: int) -> None:
    pytest.importorskip("qonnx")
    compare(convolutional(seed), f"seed {seed}", is_exact=seed % 2 == 1)


def prepared(net: Net, value: str, *, mode: str = "ROUND", signed: int = 1) -> str:
    return net.quant(value, 4, 0.5, mode=mode, signed=signed)


def product(net: Net, value: str, inputs: int, outputs: int) -> str:
    weights = net.rng.normal(size=(inputs, outputs))
    return net.add("MatMul", [value, net.quant(net.constant(weights), 3, 0.25, narrow=1)])


def residual(net: Net) -> str:
    """A sum of two activations of different scales, with a Relu behind it."""
    first = prepared(net, "x")
    second = net.quant(product(net, first, 6, 6), 3, 0.125, signed=0)
    return prepared(net, net.add("Relu", [net.add("Add", [first, second])]))


def joined(net: Net) -> str:
    first = prepared(net, "x")
    second = prepared(net, product(net, first, 6, 6))
    return prepared(net, product(net, net.add("Concat", [first, second], axis=1), 12, 4))


def biased_end(net: Net) -> str:
    """The last bias is a float that no sum can hold: the host adds it."""
    value = prepared(net, product(net, prepared(net, "x"), 6, 5))
    weights = net.quant(net.constant(net.rng.normal(size=(4, 5))), 3, 0.25)
    bias = net.constant(net.rng.normal(size=4))
    return net.add("Gemm", [value, weights, bias], transB=1)


def wide(net: Net) -> str:
    """16 bits by the scale, then 12 bits that are cut off."""
    value = net.quant(product(net, prepared(net, "x"), 6, 6), 16, 2.0**-9)
    return net.quant(product(net, value, 6, 4), 12, 2.0**-5, mode="FLOOR", narrow=1)


def two_activations(net: Net) -> str:
    """A product of two tensors that are not constant."""
    column = net.add("Reshape", ["x", net.integers([6, 1])])
    value = net.add("MatMul", [prepared(net, column), prepared(net, "x", mode="CEIL")])
    return prepared(net, net.add("Add", [net.add("Mul", [value, net.constant(0.3)]), "one"]))


def rescaled(net: Net) -> str:
    """Quant behind Quant: other scales, other roundings."""
    value = net.quant(prepared(net, "x", signed=0), 3, 1.0, mode="HALF_UP")
    return prepared(net, product(net, net.quant(value, 5, 0.25, mode="UP"), 6, 3))


def shifted(net: Net) -> str:
    """Thresholds of an activation that has a zero point."""
    value = net.quant("x", 4, 0.5, signed=0, zero=6)
    each = net.constant(np.linspace(0.5, 2, 6))
    return prepared(net, product(net, prepared(net, net.add("Mul", [value, each])), 6, 3))


def image(net: Net) -> str:
    return net.add("Reshape", [prepared(net, "x"), net.integers([1, 1, 2, 3])])


def padded(net: Net) -> str:
    """Integers of 1 to 3 alone, and padding of 0 beside them."""
    value = net.add("Conv", [image(net), net.weights(2, 1, 1, 1)])
    value = net.add("Clip", [value, net.constant(0.5), net.constant(1.5)])
    value = net.quant(value, 3, 0.5)
    weights = np.full((1, 2, 3, 3), 1.0)
    inputs = [value, net.quant(net.constant(weights), 3, 1.0)]
    return net.quant(net.add("Conv", inputs, pads=[2, 2, 2, 2]), 7, 0.5)


def biased_image(net: Net) -> str:
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
def test_forms_of_nets_give_qonnxs_integers(form: Callable[[Net], str]) -> None:
    pytest.importorskip("qonnx")
    net = Net(3, (1, 6))
    net.constants["one"] = np.ones(1, np.float32)
    ours = compare(net.model(form(net)), form.__name__, is_exact=True, images=8)
    assert (ours.after is not None) == (form in ON_THE_HOST)


@pytest.mark.parametrize("factor", [np.reshape([1.0, -1.0, 1.0], (3, 1, 1)), -1.0])
def test_a_falling_function_behind_a_max_pool_is_refused(factor: Any) -> None:
    net = Net(1, (1, 2, 6, 6))
    value = net.add("Conv", [prepared(net, "x"), net.weights(3, 2, 3, 3)])
    value = net.add("MaxPool", [value], kernel_shape=[2, 2])
    value = net.add("Mul", [value, net.constant(factor)])
    with pytest.raises(SpecError, match=r"node n3_MaxPool .*falls in some channels"):
        imported(net.model(prepared(net, value)))


def test_functions_of_channels_that_changed_places_are_refused() -> None:
    net = Net(1, (1, 6))
    bounds = [net.integers([value]) for value in (3, -5, 1, -1)]
    value = net.add("Slice", [product(net, prepared(net, "x"), 6, 4), *bounds])
    value = net.add("Mul", [value, net.constant([1.0, 2.0, 3.0, 4.0])])
    with pytest.raises(SpecError, match=r"Slice .*must keep the channels"):
        imported(net.model(prepared(net, value)))


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


def test_changed_models_are_imported_or_refused_with_a_place() -> None:
    seed = 5
    rng = np.random.default_rng(seed)
    models = [make(number) for make in (perceptron, convolutional) for number in range(3)]
    answers = []
    for number in range(500):
        model = changed(models[number % len(models)], rng)
        try:
            imported(model)
        except SpecError as error:
            answers += [(number, item) for item in error.diagnostics]
    whole = ("the model is float", "no op stands between")
    for number, item in answers:
        assert item.path or item.rule.startswith(whole), f"seed {seed}, {number}: {item}"
    assert 100 < len({number for number, _ in answers}) < 490
