"""TFLite int8 models: the file as a model graph."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tilewright.spec.diagnostics import Diagnostic, SpecError

from ..graph import Graph
from . import (
    tflite_ops_elementwise,
    tflite_ops_layout,
    tflite_ops_matrix,
    tflite_ops_window,
)
from .tflite_build import Builder
from .tflite_file import read_tflite
from .tflite_objects import FileModel, FileOp
from .tflite_ops_common import Converter
from .tflite_values import RefusalError

CONVERTERS: Mapping[str, Converter] = {
    **tflite_ops_window.CONVERTERS,
    **tflite_ops_matrix.CONVERTERS,
    **tflite_ops_elementwise.CONVERTERS,
    **tflite_ops_layout.CONVERTERS,
}
"""What can be imported, by the name in TFLite's schema."""

MAX_BATCH = 4096
_QUANTISE = (
    "convert it to full integers: TFLiteConverter with optimizations, a representative_dataset, "
    "supported_ops TFLITE_BUILTINS_INT8, inference_input_type and inference_output_type int8"
)
_NO_KIND = "replace it in the model, or let the host run it (docs/models.md lists the operators)"


def tflite_model_graph(path: Path, batch: int = 1) -> Graph:
    """The model graph of a TFLite file: NCHW, float ops between `dequantize` and `quantize`.

    Inputs and outputs keep the file's order of axes. `batch` takes the place of a first extent of
    1.

    Raises:
        SpecError: naming all operators that cannot be imported.
    """
    return model_graph(read_tflite(path), batch)


def model_graph(file: FileModel, batch: int = 1) -> Graph:
    """The same of a file that was read."""
    return _Conversion(file, batch).graph()


class _Conversion:
    """Converts op by op; what cannot be, is collected."""

    def __init__(self, file: FileModel, batch: int) -> None:
        self.file, self.batch = file, batch
        self.build = Builder(file, batch if self._fixed_batch() is None else 1)
        self.problems: list[Diagnostic] = []

    def _fixed_batch(self) -> int | None:
        """A first extent of an input that is not 1: it stays what it is."""
        shapes = [self.file.tensors[index].shape for index in self.file.inputs]
        return next((shape[0] for shape in shapes if shape and shape[0] != 1), None)

    def graph(self) -> Graph:
        self._check_batch()
        self._check_quantised()
        for index in self.file.inputs:
            self._try(self.file.tensors[index].place, lambda i=index: self._input(i))
        for op in self.file.ops:
            self._op(op)
        for index in self.file.outputs:
            self._output(index)
        if self.problems:
            raise SpecError(self.problems)
        try:
            return self.build.graph()
        except ValueError as error:
            raise SpecError([Diagnostic.plain(str(self.file.path), "", str(error))]) from None

    def _check_batch(self) -> None:
        fixed = self._fixed_batch()
        if not 1 <= self.batch <= MAX_BATCH:
            self._problem("", RefusalError(f"the batch must be 1..{MAX_BATCH}"))
        elif fixed is not None and self.batch not in (1, fixed):
            rule = f"the model's batch is {fixed}, {self.batch} was asked for"
            self._problem("", RefusalError(rule, "convert the model with a batch of 1"))
        if self.problems:
            raise SpecError(self.problems)

    def _check_quantised(self) -> None:
        """One answer for models whose activations are floats, instead of one for each operator."""
        made = [self.file.tensors[index] for op in self.file.ops for index in op.outputs]
        if not made or any(tensor.type != "FLOAT32" for tensor in made):
            return
        has_weights = any(tensor.type == "INT8" for tensor in self.file.tensors)
        rule = "only the weights are quantised" if has_weights else "nothing in it is quantised"
        self._problem("", RefusalError(f"the model is float: {rule}", _QUANTISE))
        raise SpecError(self.problems)

    def _input(self, index: int) -> None:
        self.build.add_input(self.file.tensors[index])

    def _op(self, op: FileOp) -> None:
        converter = CONVERTERS.get(op.kind)
        if converter is None:
            self._problem(op.place, RefusalError("the operator is not supported", _NO_KIND))
        elif all(map(self._is_known, op.inputs)):
            self._try(op.place, lambda: converter(self.build, op))

    def _output(self, index: int) -> None:
        if self._is_known(index):
            tensor = self.file.tensors[index]
            self._try(tensor.place, lambda: self.build.add_output(tensor))

    def _is_known(self, index: int) -> bool:
        """Whether a value is there; it is not, if its own operator was refused."""
        is_absent = index < 0
        return is_absent or index in self.build.forms or self.file.tensors[index].data is not None

    def _try(self, place: str, step: object) -> None:
        assert callable(step)
        try:
            step()
        except RefusalError as refusal:
            self._problem(place, refusal)
        except ValueError as error:  # a rule of Tensor, Op or a kind's shapes
            self._problem(place, RefusalError(str(error)))

    def _problem(self, place: str, refusal: RefusalError) -> None:
        file = str(self.file.path)
        self.problems.append(Diagnostic.plain(file, place, refusal.rule, help=refusal.help))
