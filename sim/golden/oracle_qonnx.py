"""The judge of QONNX models: qonnx's own executor, which runs one node at a time.

qonnx is an optional dependency, for tests and benchmarks only. It makes a model of each node in the
newest form that the onnx package writes; onnxruntime reads older ones only, so they are capped.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import onnx
from numpy.typing import NDArray
from tilewright.dataflow.importers.imported import Imported

MAX_IR_VERSION = 11

Arrays = Mapping[str, NDArray[Any]]


class QonnxOracle:
    """A QONNX model in qonnx's executor."""

    def __init__(self, model: onnx.ModelProto) -> None:
        """Raises ImportError if qonnx is not installed."""
        self._execution: Any = importlib.import_module("qonnx.core.onnx_exec")
        wrapper = importlib.import_module("qonnx.core.modelwrapper")
        folding = importlib.import_module("qonnx.transformation.fold_constants")
        shapes = importlib.import_module("qonnx.transformation.infer_shapes")
        own = onnx.ModelProto()
        own.CopyFrom(model)
        own.ir_version = min(own.ir_version, MAX_IR_VERSION)
        with self._capped():
            self._model = wrapper.ModelWrapper(own)
            for step in (shapes.InferShapes, folding.FoldConstants, shapes.InferShapes):
                self._model = self._model.transform(step())

    def run(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """All values of the model by their names, float32 where they are floats."""
        with self._capped():
            return dict(self._execution.execute_onnx(self._model, dict(inputs), True))

    @contextmanager
    def _capped(self) -> Iterator[None]:
        """qonnx's models of single nodes in a form that onnxruntime reads."""
        make = self._execution.qonnx_make_model

        def make_capped(*arguments: Any, **options: Any) -> onnx.ModelProto:
            model: onnx.ModelProto = make(*arguments, **options)
            model.ir_version = min(model.ir_version, MAX_IR_VERSION)
            return model

        self._execution.qonnx_make_model = make_capped
        try:
            yield
        finally:
            self._execution.qonnx_make_model = make


def quantised_pairs(
    imported: Imported, integers: Arrays, theirs: Arrays
) -> dict[str, tuple[NDArray[Any], NDArray[Any]]]:
    """Our floats and qonnx's, by the names of all values that a Quant node makes of floats."""
    pairs = {}
    for op in imported.model.ops:
        if op.kind == "dequantize" and op.inputs[0] in integers:
            tensor = imported.graph.tensor(op.inputs[0])
            name = op.outputs[0]
            pairs[name] = (tensor.dequantize(integers[tensor.name]), theirs[name])
    return pairs
