"""Activations, real and random, and one quantised operator on them in three arithmetics."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper
from tilewright.dataflow.importers.model import import_bytes, import_model
from tilewright.dataflow.number_formats import range_of
from tilewright.sim.golden.model_run import graph_inputs, run_model
from tilewright.sim.golden.oracle import Oracle
from tilewright.sim.golden.run import run

Array = NDArray[Any]
Floats = NDArray[np.float64]
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NETWORKS = {"digits_mlp": "digits_mlp", "digits_cnn": "digits_cnn", "digits_dsres": "digits_cnn"}
PUBLIC = ("ic_resnet8", "kws_dscnn")
IMAGES, PUBLIC_IMAGES = 540, 8
MOST_ROWS = 4096
ONNX_TYPES = {"int8": TensorProto.INT8, "uint8": TensorProto.UINT8, "int16": TensorProto.INT16}


@dataclass(frozen=True, kw_only=True, eq=False)
class Quantised:
    """Integers `[rows][values]` that stand for `scale * (q - zero_point)`."""

    name: str
    values: Array
    scale: np.float32
    zero_point: int

    @property
    def number_format(self) -> str:
        return self.values.dtype.name

    @property
    def reals(self) -> Floats:
        difference = self.values.astype(np.float64) - self.zero_point
        return difference * np.float64(self.scale)


@dataclass(frozen=True, kw_only=True, eq=False)
class Operator:
    """An operator on rows; `real(x, constants)` is what it means in float64.

    `constants` are int8 scales and int32 biases with their own scales, by name.
    """

    name: str
    op_type: str
    attributes: Mapping[str, Any]
    real: Callable[..., Floats]
    constants: Mapping[str, tuple[Array, np.float32]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Answers:
    """Results in steps of the result's scale: the exact ones, ours, onnxruntime's."""

    exact: Floats
    ours: NDArray[np.int64]
    theirs: NDArray[np.int64]


def network_activations(data: Path) -> Iterator[Quantised]:
    """Inner tensors of the networks that are here, channels last; a network's last are logits."""
    for name, images in NETWORKS.items():
        given = np.load(EXAMPLES / f"{images}_data.npz")["x_test"][:IMAGES]
        yield from _activations(name, EXAMPLES / f"{name}.qdq.onnx", given)
    for name in PUBLIC:
        path = data / f"models/mlperf_tiny/{name}.qdq.onnx"
        if path.is_file():
            yield from _activations(name, path, None)


def _activations(name: str, path: Path, images: Array | None) -> Iterator[Quantised]:
    imported = import_model(path)
    (first,) = imported.model.inputs
    if images is None:
        (tensor,) = imported.graph.inputs
        rng = np.random.default_rng(1)
        shape = (PUBLIC_IMAGES, *first.shape[1:])
        integers = rng.integers(*range_of(tensor.number_format), size=shape, endpoint=True)
        images = tensor.dequantize(integers)
    given = graph_inputs(imported, {first.origin or first.name: images})
    values = run(imported.graph, given)
    for op in imported.graph.ops:
        if op.kind not in ("matmul", "conv", "add"):
            continue
        tensor = imported.graph.tensor(op.outputs[0])
        channels_last = np.moveaxis(values[tensor.name], 1, -1)
        rows = channels_last.reshape(-1, channels_last.shape[-1])
        picked = rows[:: max(1, len(rows) // MOST_ROWS)]
        scale, zero_point = np.float32(tensor.scale[0]), tensor.zero_point[0]
        short = tensor.name.removesuffix("_QuantizeLinear_Output")
        what = "logits" if op is imported.graph.ops[-1] else short
        yield Quantised(name=f"{name} {what}", values=picked, scale=scale, zero_point=zero_point)


def random_rows(length: int, number_format: str, seed: int) -> Quantised:
    """Normal rows that fill a fifth of the format's range on average, cut at its ends."""
    rng = np.random.default_rng(seed)
    low, high = range_of(number_format)
    rows = max(4, 65536 // length)
    spread = rng.normal(0, (high - low) * rng.uniform(0.02, 0.3, (rows, 1)), (rows, length))
    middle = rng.uniform(low, high, (rows, 1)) / 2
    values = np.clip(np.rint(spread + middle), low, high).astype(number_format)
    scale = np.float32(20 / (high - low))
    name = f"random, {length} values"
    return Quantised(name=name, values=values, scale=scale, zero_point=int(middle[0, 0]))


def softmax_of() -> Operator:
    def real(x: Floats) -> Floats:
        powers = np.exp(x - x.max(axis=1, keepdims=True))
        shares: Floats = powers / powers.sum(axis=1, keepdims=True)
        return shares

    return Operator(
        name="softmax", op_type="Softmax", attributes={"axis": -1}, real=real, constants={}
    )


def layer_normalization_of(length: int, epsilon: float = 1e-5) -> Operator:
    """With int8 scales around 1 and int32 biases around 0."""
    rng = np.random.default_rng(length)
    gamma = np.clip(np.rint(rng.normal(80, 20, length)), 1, 127).astype(np.int8)
    beta = np.rint(rng.normal(0, 5000, length)).astype(np.int32)

    def real(x: Floats, gamma: Floats, beta: Floats) -> Floats:
        centred = x - x.mean(axis=1, keepdims=True)
        variance = np.square(centred).mean(axis=1, keepdims=True)
        normal: Floats = centred / np.sqrt(variance + epsilon) * gamma + beta
        return normal

    constants = {"gamma": (gamma, np.float32(1 / 80)), "beta": (beta, np.float32(1e-4))}
    attributes = {"axis": -1, "epsilon": epsilon}
    return Operator(
        name="layer_normalization",
        op_type="LayerNormalization",
        attributes=attributes,
        real=real,
        constants=constants,
    )


def functions() -> Iterator[Operator]:
    """Functions of one value."""
    erf = np.vectorize(math.erf, otypes=[np.float64])

    def gelu_tanh(x: Floats) -> Floats:
        inner = np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))
        return 0.5 * x * (1 + inner)

    table: tuple[tuple[str, str, dict[str, Any], Callable[[Floats], Floats]], ...] = (
        ("gelu", "Gelu", {}, lambda x: 0.5 * x * (1 + erf(x / math.sqrt(2)))),
        ("gelu, tanh form", "Gelu", {"approximate": "tanh"}, gelu_tanh),
        ("sigmoid", "Sigmoid", {}, lambda x: 1 / (1 + np.exp(-x))),
        ("tanh", "Tanh", {}, np.tanh),
        ("hard_swish", "HardSwish", {}, lambda x: x * np.clip(x / 6 + 0.5, 0, 1)),
    )
    for name, op_type, attributes, real in table:
        yield Operator(name=name, op_type=op_type, attributes=attributes, real=real, constants={})


def answers(x: Quantised, operator: Operator, scale: float | None = None) -> Answers:
    """All three answers; without a scale the result's range gives it, as in static quantisation."""
    low, high = range_of(x.number_format)
    constants = [
        data.astype(np.float64) * np.float64(step) for data, step in operator.constants.values()
    ]
    exact = operator.real(x.reals, *constants)
    zero_point = low
    if scale is None:
        least, most = min(float(exact.min()), 0.0), max(float(exact.max()), 1e-6)
        scale = (most - least) / (high - low)
        zero_point = round(low - least / scale)
    step = np.float32(scale)
    data = _model(x, operator, step, zero_point).SerializeToString()
    ours = run_model(import_bytes(data, Path("one.onnx")), {"x": x.values}).outputs["y"]
    theirs = Oracle(data).run({"x": x.values})["y"]
    steps = np.clip(exact / np.float64(step) + zero_point, low, high)
    return Answers(exact=steps, ours=ours.astype(np.int64), theirs=theirs.astype(np.int64))


def _model(x: Quantised, operator: Operator, scale: np.float32, zero_point: int) -> ModelProto:
    """DequantizeLinear, the operator, QuantizeLinear; constants are dequantised too."""
    kind = x.values.dtype.type
    constants: dict[str, Array] = {
        "sx": np.asarray(x.scale), "zx": np.asarray(kind(x.zero_point)),
        "sy": np.asarray(scale), "zy": np.asarray(kind(zero_point)),
    }  # fmt: skip
    nodes = [helper.make_node("DequantizeLinear", ["x", "sx", "zx"], ["xf"])]
    for name, (data, step) in operator.constants.items():
        constants |= {f"{name}_q": data, f"{name}_s": np.asarray(step)}
        nodes.append(helper.make_node("DequantizeLinear", [f"{name}_q", f"{name}_s"], [name]))
    names = ["xf", *operator.constants]
    nodes.append(helper.make_node(operator.op_type, names, ["yf"], **operator.attributes))
    nodes.append(helper.make_node("QuantizeLinear", ["yf", "sy", "zy"], ["y"]))
    kinds = ONNX_TYPES[x.number_format]
    shape = ["rows", x.values.shape[1]]
    ends = [helper.make_tensor_value_info(name, kinds, shape) for name in "xy"]
    stored = [numpy_helper.from_array(values, name) for name, values in constants.items()]
    graph = helper.make_graph(nodes, "one", ends[:1], ends[1:], stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
