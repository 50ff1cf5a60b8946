"""What onnxruntime's own quantiser writes: random float models through it, then value by value."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)
from tilewright.dataflow.importers.imported import Imported
from tilewright.dataflow.importers.model import import_bytes
from tilewright.sim.golden.comparison import Comparison
from tilewright.sim.golden.oracle import ORT_ERRORS
from tilewright.sim.random_models.draw import SeededDraw
from tilewright.sim.random_models.emit import FloatModel
from tilewright.sim.random_models.kinds import sketch

from tilewright.spec.diagnostics import SpecError

NOT_OURS = (
    "nothing in it is quantised",
    "nothing to compute",
    "which no integer stands for",
    "no QuantizeLinear",
    "needs its float input",
    "weight scales must be per output channel",
)
"""What the quantiser may leave in floats."""
TYPES = (("QInt8", "QInt8"), ("QUInt8", "QInt8"), ("QUInt8", "QUInt8"))


class Rows(CalibrationDataReader):
    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self._rows = iter(rows)

    def get_next(self) -> dict[str, Any] | None:
        return next(self._rows, None)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """The quantiser logs advice."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


def float_model(seed: int) -> tuple[onnx.ModelProto, dict[str, tuple[int, ...]], int]:
    """A random float model with its ends only, the shapes of its inputs, its batch."""
    s = sketch(SeededDraw(seed))
    model = FloatModel(s).proto
    read = {name for node in model.graph.node for name in node.input}
    ends = {name for name in s.values if not s.is_used(name)}
    for items, kept in ((model.graph.input, read), (model.graph.output, ends)):
        left = [item for item in items if item.name in kept]
        del items[:]
        items.extend(left)
    constants = [item for item in model.graph.initializer if item.name in read]
    del model.graph.initializer[:]
    model.graph.initializer.extend(constants)
    return model, {item.name: s.shapes[item.name] for item in model.graph.input}, s.batch


def quantised(
    folder: Path, seed: int, form: str
) -> tuple[bytes, dict[str, np.ndarray[Any, Any]], int]:
    """The file that the quantiser writes, inputs for it, its batch."""
    model, shapes, batch = float_model(seed)
    rng = np.random.default_rng(seed)
    rows = [
        {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
        for _ in range(3)
    ]
    activation, weight = TYPES[rng.integers(3)]
    extra = {
        "ActivationSymmetric": bool(rng.integers(2)),
        "WeightSymmetric": weight == "QInt8",
        "DedicatedQDQPair": bool(rng.integers(2)),
    }
    onnx.save(model, folder / "float.onnx")
    quantize_static(
        folder / "float.onnx",
        folder / "quantised.onnx",
        Rows(rows),
        quant_format=QuantFormat[form],
        activation_type=QuantType[activation],
        weight_type=QuantType[weight],
        per_channel=bool(rng.integers(2)) and weight == "QInt8",
        extra_options=extra,
    )
    return (folder / "quantised.onnx").read_bytes(), rows[0], batch


def imported_or_left_out(data: bytes, batch: int) -> Imported | None:
    """None where the quantiser left in floats what we must refuse."""
    try:
        return import_bytes(data, Path("quantised.onnx"), batch)
    except SpecError as error:
        if not any(text in str(error) for text in NOT_OURS):
            raise
        return None


@pytest.mark.parametrize("form", ["QDQ", "QOperator"])
def test_random_models_from_the_quantiser(form: str, tmp_path: Path) -> None:
    values = exact = 0
    for seed in range(60):
        data, row, batch = quantised(tmp_path, seed, form)
        imported = imported_or_left_out(data, batch)
        if imported is None:
            continue
        comparison = Comparison(data, imported)
        try:
            comparison.run(row)
        except ORT_ERRORS:
            continue
        found = comparison.outputs.examples + comparison.inner.examples
        assert not found or not comparison.is_exact, (seed, form, found)
        values += comparison.outputs.checked + comparison.inner.checked
        exact += comparison.is_exact
    assert exact >= 30 and values > 10_000, (exact, values)


def built(nodes: list[onnx.NodeProto], shape: list[int], **constants: Any) -> bytes:
    """A model from `x` to `y`."""
    graph = helper.make_graph(
        nodes,
        "built",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(v), name) for name, v in constants.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    return bytes(helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString())


def check(data: bytes, shape: list[int]) -> None:
    comparison = Comparison(data, import_bytes(data, Path("built.onnx"), shape[0]))
    x = np.random.default_rng(1).normal(size=shape).astype(np.float32) * 3
    comparison.run({"x": x})
    assert comparison.outputs.checked and not comparison.outputs.mismatches
    assert not comparison.inner.mismatches and not comparison.floats.mismatches


PAIR = {"s": np.float32(0.05), "z": np.int8(7)}
QUANTIZE, DEQUANTIZE = "QuantizeLinear", "DequantizeLinear"


def test_the_value_of_a_pad_may_be_quantised() -> None:
    nodes = [
        helper.make_node(QUANTIZE, ["x", "s", "z"], ["x_q"]),
        helper.make_node(DEQUANTIZE, ["x_q", "s", "z"], ["x_f"]),
        helper.make_node(DEQUANTIZE, ["v", "s", "z"], ["v_f"]),
        helper.make_node("Pad", ["x_f", "pads", "v_f"], ["p"]),
        helper.make_node(QUANTIZE, ["p", "s", "z"], ["p_q"]),
        helper.make_node(DEQUANTIZE, ["p_q", "s", "z"], ["y"]),
    ]
    check(built(nodes, [2, 3], v=np.int8(-20), pads=np.array([0, 1, 0, 2]), **PAIR), [2, 3])


def test_floats_in_front_of_a_moved_quantize_keep_their_names() -> None:
    """The Gather runs on integers, behind a Clip of floats: both ends know a value `c`."""
    nodes = [
        helper.make_node("Clip", ["x", "", "most"], ["c"]),
        helper.make_node("Gather", ["c", "indices"], ["g"], axis=1),
        helper.make_node(QUANTIZE, ["g", "s", "z"], ["g_q"]),
        helper.make_node(DEQUANTIZE, ["g_q", "s", "z"], ["y"]),
    ]
    more = {"most": np.float32(0.7), "indices": np.array([2, 0, 2])}
    check(built(nodes, [2, 3], **more, **PAIR), [2, 3])


def test_a_clip_open_at_one_end_behind_the_integers() -> None:
    """Its limit is no multiple of the scale, so that it stays with the host."""
    nodes = [
        helper.make_node(QUANTIZE, ["x", "s", "z"], ["x_q"]),
        helper.make_node(DEQUANTIZE, ["x_q", "s", "z"], ["x_f"]),
        helper.make_node("LeakyRelu", ["x_f"], ["l"], alpha=0.1),
        helper.make_node(QUANTIZE, ["l", "s", "z"], ["l_q"]),
        helper.make_node(DEQUANTIZE, ["l_q", "s", "z"], ["l_f"]),
        helper.make_node("Clip", ["l_f", "", "most"], ["y"]),
    ]
    check(built(nodes, [2, 3], most=np.float32(0.71), **PAIR), [2, 3])
