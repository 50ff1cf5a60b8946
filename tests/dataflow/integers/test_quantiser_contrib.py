"""onnxruntime's own QuantizeLinear and DequantizeLinear: they have 16 and 4 bits in every opset,
ONNX's only from 21 on, and its quantiser writes them on demand."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
from tilewright.dataflow.importers.model import import_bytes
from tilewright.sim.golden.comparison import Comparison

SHAPE = (4, 3, 8, 8)
Arrays = dict[str, NDArray[Any]]


class Rows(CalibrationDataReader):  # type: ignore[misc]  # no annotations
    """One row of samples for the quantiser."""

    def __init__(self, rows: list[Arrays]) -> None:
        self._rows = iter(rows)

    def get_next(self) -> Arrays | None:
        return next(self._rows, None)


def written(folder: Path, x: NDArray[Any], activation: str, weight: str) -> bytes:
    """Conv, Relu, Flatten and Gemm, quantised from opset 17."""
    rng = np.random.default_rng(5)
    shapes = {"w": (8, 3, 3, 3), "b": (8,), "v": (5, 32), "c": (5,)}
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["a"], strides=[4, 4], pads=[1, 1, 0, 0]),
        helper.make_node("Relu", ["a"], ["r"]),
        helper.make_node("Flatten", ["r"], ["f"]),
        helper.make_node("Gemm", ["f", "v", "c"], ["y"], transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, SHAPE)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [SHAPE[0], 5])],
        [
            numpy_helper.from_array(rng.normal(size=shape, scale=0.1).astype(np.float32), name)
            for name, shape in shapes.items()
        ],
    )
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), folder / "float.onnx")
    quantize_static(
        folder / "float.onnx",
        folder / "quantised.onnx",
        Rows([{"x": x}]),
        activation_type=QuantType[activation],
        weight_type=QuantType[weight],
        per_channel=True,
        extra_options={"UseQDQContribOps": True},
    )
    return (folder / "quantised.onnx").read_bytes()


@pytest.mark.parametrize(
    ("activation", "weight", "share"),
    [("QInt8", "QInt4", 0.0), ("QInt16", "QInt8", 0.2), ("QUInt16", "QInt4", 0.2)],
)
def test_narrow_weights_and_wide_activations_of_old_opsets(
    activation: str, weight: str, share: float, tmp_path: Path
) -> None:
    """4-bit weights: onnxruntime's integers. 16 bits it computes in floats: a few differ by one."""
    x = np.random.default_rng(6).normal(size=SHAPE).astype(np.float32)
    logging.disable(logging.WARNING)
    try:
        data = written(tmp_path, x, activation, weight)
    finally:
        logging.disable(logging.NOTSET)
    domains = {n.op_type: n.domain for n in onnx.load_from_string(data).graph.node}
    assert domains["QuantizeLinear"] == domains["DequantizeLinear"] == "com.microsoft"
    imported = import_bytes(data, Path("quantised.onnx"), SHAPE[0])
    formats = {t.number_format for t in imported.graph.tensors}
    assert {activation[1:].lower(), weight[1:].lower()} <= formats
    comparison = Comparison(data, imported)
    comparison.run({"x": x})
    for tally in (comparison.outputs, comparison.inner):
        assert tally.mismatches <= share * tally.checked, tally.examples
        assert tally.largest < 1.01, tally.examples  # outputs are floats: steps times the scale
    assert comparison.outputs.checked == SHAPE[0] * 5 and comparison.inner.checked > 0
