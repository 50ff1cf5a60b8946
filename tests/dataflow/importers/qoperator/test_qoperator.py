"""QOperator models: onnxruntime's own quantiser writes them, its kernels judge every tensor."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)

IMAGE = (1, 3, 8, 8)
KINDS = {
    "Conv": ("QLinearConv", "conv"),
    "Gemm": ("QGemm", "matmul"),
    "MatMul": ("QLinearMatMul", "matmul"),
    "Add": ("QLinearAdd", "add"),
    "Mul": ("QLinearMul", "mul"),
    "Concat": ("QLinearConcat", "concat"),
    "LeakyRelu": ("QLinearLeakyRelu", "table"),
    "Sigmoid": ("QLinearSigmoid", "table"),
    "AveragePool": ("QLinearAveragePool", "average_pool"),
    "GlobalAveragePool": ("QLinearGlobalAveragePool", "global_average_pool"),
    "MaxPool": ("MaxPool", "max_pool"),
}


class Batches(CalibrationDataReader):  # type: ignore[misc]  # no annotations
    """Random images for the quantiser."""

    def __init__(self, rng: np.random.Generator) -> None:
        images = [rng.normal(size=IMAGE).astype(np.float32) for _ in range(6)]
        self._left = iter([{"x": image} for image in images])

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        return next(self._left, None)


def float_net(qoperator: Any, rng: np.random.Generator) -> onnx.ModelProto:
    """Every operator of KINDS, once or more."""
    constants: dict[str, Any] = {}
    nodes: list[onnx.NodeProto] = []

    def weights(*shape: int) -> str:
        name = f"w{len(constants)}"
        spread = 1.5 / np.sqrt(np.prod(shape[1:]))
        constants[name] = (rng.normal(size=shape) * spread).astype(np.float32)
        return name

    def add(operator: str, inputs: list[str], output: str, **attributes: Any) -> None:
        nodes.append(helper.make_node(operator, inputs, [output], f"n_{output}", **attributes))

    add("Conv", ["x", weights(4, 3, 3, 3), weights(4)], "c1", pads=[1, 1, 1, 1])
    add("Relu", ["c1"], "r1")
    add("Conv", ["r1", weights(4, 1, 3, 3), weights(4)], "d1", pads=[1] * 4, group=4)
    add("LeakyRelu", ["d1"], "l1", alpha=0.1)
    add("Add", ["r1", "l1"], "a1")
    add("Sigmoid", ["l1"], "s1")
    add("Mul", ["a1", "s1"], "m1")
    add("Concat", ["m1", "l1", "r1"], "k1", axis=1)
    add("MaxPool", ["k1"], "p1", kernel_shape=[2, 2], strides=[2, 2])
    add("AveragePool", ["p1"], "p2", kernel_shape=[2, 2], pads=[0, 0, 1, 1])
    add("Conv", ["p2", weights(6, 12, 1, 1)], "c3", strides=[1, 2])
    add("GlobalAveragePool", ["c3"], "g1")
    add("Flatten", ["g1"], "f1")
    add("Gemm", ["f1", weights(5, 6), weights(5)], "e1", transB=1)
    add("MatMul", ["e1", weights(5, 7)], "y")
    return qoperator.model_of(
        nodes, constants, {"x": (TensorProto.FLOAT, IMAGE)}, {"y": TensorProto.FLOAT}
    )


@pytest.mark.parametrize(
    ("activation", "weight", "per_channel"),
    [("QUInt8", "QInt8", True), ("QInt8", "QInt8", True), ("QUInt8", "QUInt8", False)],
)
def test_onnxruntimes_qoperator_models_give_its_integers(
    qoperator: Any, activation: str, weight: str, per_channel: bool, tmp_path: Path
) -> None:
    seed = 11
    rng = np.random.default_rng(seed)
    logging.getLogger().addFilter(_quiet)
    try:
        quantize_static(
            float_net(qoperator, rng),
            tmp_path / "q.onnx",
            Batches(rng),
            quant_format=QuantFormat.QOperator,
            activation_type=QuantType[activation],
            weight_type=QuantType[weight],
            per_channel=per_channel,
        )
    finally:
        logging.getLogger().removeFilter(_quiet)
    model = onnx.load(tmp_path / "q.onnx")
    found = {node.op_type for node in model.graph.node}
    assert {name for name, _ in KINDS.values()} <= found
    kinds = {op.kind for op in qoperator.imported(model).graph.ops}
    assert {kind for _, kind in KINDS.values()} <= kinds
    for number in range(8):
        image = (rng.normal(size=IMAGE) * (0.3, 1, 3)[number % 3]).astype(np.float32)
        qoperator.compare(model, {"x": image}, f"seed {seed}, image {number}", least=15)


def _quiet(record: logging.LogRecord) -> bool:
    """The quantiser advises to pre-process; the test's nets need none."""
    return "pre-process" not in record.getMessage()
