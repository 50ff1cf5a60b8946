"""Reads a TFLite file that nobody vouches for: size, structure and references are checked first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tflite.Model import Model

from tilewright.spec.diagnostics import Diagnostic, SpecError

from .tflite_objects import NO_TENSOR, FileModel, FileOp, FileTensor, OptionValue
from .tflite_schema import (
    MAX_AXES,
    MODEL,
    OPERATOR_NAMES,
    OPTIONS,
    OPTIONS_NAMES,
    TYPE_NAMES,
    VECTOR,
)
from .tflite_structure import DamagedError, check_structure

MAX_FILE_BYTES = 256 * 2**20
MAX_OPERATORS, MAX_TENSORS = 20_000, 100_000
MAX_ELEMENTS = 2**28
MAX_CONSTANT_BYTES = 2 * MAX_FILE_BYTES
SHOWN_PROBLEMS = 20
_DTYPES = {"INT8": np.int8, "INT32": np.int32, "INT64": np.int64, "FLOAT32": np.float32}
_EXPORT_AGAIN = "the file is truncated or of another kind: convert it again"


def read_tflite(path: Path, max_bytes: int = MAX_FILE_BYTES) -> FileModel:
    """The model in the file `path`, which may be anything.

    Raises:
        SpecError: if it cannot be read, is too large, or is not a sound TFLite model.
    """
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise _wrong(path, "", f"the model cannot be read: {error.strerror or error}") from None
    if len(data) > max_bytes:
        raise _wrong(path, "", f"a model has at most {max_bytes} bytes, this file has more")
    if not data:
        raise _wrong(path, "", "the model file is empty")
    return parse_tflite(data, path)


def parse_tflite(data: bytes, path: Path) -> FileModel:
    """The model in `data`; `path` is for the messages.

    Raises:
        SpecError: as `read_tflite`.
    """
    try:
        check_structure(data, MODEL)
    except DamagedError as error:
        raise _wrong(path, error.place, f"the file is damaged: {error}", _EXPORT_AGAIN) from None
    return _Reader(data, path).model()


def _wrong(path: Path, place: str, rule: str, help: str | None = None) -> SpecError:
    return SpecError([Diagnostic.plain(str(path), place, rule, help=help)])


class _Reader:
    """Builds a FileModel of checked bytes; collects all that is wrong."""

    def __init__(self, data: bytes, path: Path) -> None:
        self.path = path
        self.raw = Model.GetRootAs(data, 0)
        self.problems: list[Diagnostic] = []
        self.constant_bytes = 0

    def model(self) -> FileModel:
        if self.raw.SubgraphsLength() != 1:
            number = self.raw.SubgraphsLength()
            help_text = "control flow (IF, WHILE) and several signatures are not imported"
            raise _wrong(self.path, "", f"a model has one graph, this has {number}", help_text)
        graph = self.raw.Subgraphs(0)
        if graph.OperatorsLength() > MAX_OPERATORS:
            rule = f"a model has at most {MAX_OPERATORS} operators"
            raise _wrong(self.path, "", rule)
        if graph.TensorsLength() > MAX_TENSORS:
            raise _wrong(self.path, "", f"a model has at most {MAX_TENSORS} tensors")
        tensors = tuple(map(self._tensor, range(graph.TensorsLength())))
        ops = tuple(self._op(index, len(tensors)) for index in range(graph.OperatorsLength()))
        inputs = self._references("inputs of the model", _vector(graph.Inputs), len(tensors))
        outputs = self._references("outputs of the model", _vector(graph.Outputs), len(tensors))
        if not ops or not outputs:
            self._problem("", "the model has no operator or no output")
        if not self.problems:
            self._check_order(tensors, ops, inputs, outputs)
        if self.problems:
            raise SpecError(self.problems)
        return FileModel(path=self.path, tensors=tensors, ops=ops, inputs=inputs, outputs=outputs)

    def _problem(self, place: str, rule: str, help: str | None = None) -> None:
        if len(self.problems) < SHOWN_PROBLEMS:
            self.problems.append(Diagnostic.plain(str(self.path), place, rule, help=help))

    def _tensor(self, index: int) -> FileTensor:
        raw = self.raw.Subgraphs(0).Tensors(index)
        place = f"tensor {index}"
        try:
            name = (raw.Name() or b"").decode("utf-8")
        except UnicodeDecodeError:
            name = ""
            self._problem(place, "the name must be text in UTF-8", _EXPORT_AGAIN)
        kind = TYPE_NAMES.get(raw.Type(), f"type {raw.Type()}")
        shape = _vector(raw.Shape)
        is_sane = len(shape) <= MAX_AXES and all(extent >= 0 for extent in shape)
        if not is_sane or math.prod(shape) > MAX_ELEMENTS:
            rule = f"shape {shape[:MAX_AXES]} must have at most {MAX_AXES} axes and "
            self._problem(place, rule + f"{MAX_ELEMENTS} elements")
            shape = ()
        if raw.Sparsity() is not None:
            self._problem(place, "sparse weights are not read", "convert without sparsity")
        scale, zero_point, axis = self._quantisation(raw, place, shape)
        return FileTensor(
            index=index,
            name=name or f"tensor_{index}",
            shape=shape,
            type=kind,
            scale=scale,
            zero_point=zero_point,
            axis=axis,
            data=self._data(raw, place, kind, shape),
        )

    def _quantisation(
        self, raw: Any, place: str, shape: tuple[int, ...]
    ) -> tuple[tuple[float, ...], tuple[int, ...], int]:
        quantisation = raw.Quantization()
        if quantisation is None or not quantisation.ScaleLength():
            return (), (), 0
        scale = tuple(float(value) for value in quantisation.ScaleAsNumpy())
        length = quantisation.ZeroPointLength()
        zeros = tuple(int(v) for v in quantisation.ZeroPointAsNumpy()) if length else ()
        zeros = zeros or (0,) * len(scale)
        zeros = zeros * len(scale) if len(zeros) == 1 else zeros
        axis = int(quantisation.QuantizedDimension())
        if quantisation.DetailsType():
            self._problem(place, "only affine quantisation is read", _EXPORT_AGAIN)
        if not all(math.isfinite(value) and value > 0 for value in scale):
            self._problem(place, "scales must be positive and finite", _EXPORT_AGAIN)
        elif len(scale) > 1 and not (0 <= axis < len(shape) and shape[axis] == len(scale)):
            self._problem(place, f"{len(scale)} scales do not fit axis {axis} of shape {shape}")
        elif len(zeros) != len(scale):
            self._problem(place, f"{len(zeros)} zero points do not fit {len(scale)} scales")
        else:
            return scale, zeros, axis
        return (), (), 0

    def _data(self, raw: Any, place: str, kind: str, shape: tuple[int, ...]) -> NDArray[Any] | None:
        if not 0 <= raw.Buffer() < max(1, self.raw.BuffersLength()):
            self._problem(place, f"buffer {raw.Buffer()} is not in the file", _EXPORT_AGAIN)
            return None
        buffer = self.raw.Buffers(raw.Buffer()) if self.raw.BuffersLength() else None
        if buffer is not None and (buffer.Offset() > 1 or buffer.Size() > 1):
            self._problem(place, "data behind the end of the flatbuffer is not read")
            return None
        if buffer is None or not buffer.DataLength():
            return None
        dtype = _DTYPES.get(kind)
        if dtype is None:
            return None  # whoever uses the tensor says that its type is not supported
        content = buffer.DataAsNumpy()
        if content.size != math.prod(shape) * np.dtype(dtype).itemsize:
            self._problem(place, f"{content.size} bytes do not fill {kind} of shape {shape}")
            return None
        self.constant_bytes += content.size
        if self.constant_bytes > MAX_CONSTANT_BYTES:
            rule = f"constants have more than {MAX_CONSTANT_BYTES} bytes in all"
            raise _wrong(self.path, place, rule)
        values: NDArray[Any] = content.view(np.dtype(dtype).newbyteorder("<")).reshape(shape)
        if kind == "FLOAT32" and not np.isfinite(values).all():
            self._problem(place, "a constant must not hold NaN or infinity")
        return values.astype(dtype, copy=False)

    def _op(self, index: int, num_tensors: int) -> FileOp:
        raw = self.raw.Subgraphs(0).Operators(index)
        kind = self._kind(raw.OpcodeIndex(), f"operator {index}")
        place = f"operator {index} ({kind})"
        return FileOp(
            index=index,
            kind=kind,
            inputs=self._references(place, _vector(raw.Inputs), num_tensors, may_lack=True),
            outputs=self._references(place, _vector(raw.Outputs), num_tensors),
            options=_options(raw),
        )

    def _kind(self, index: int, place: str) -> str:
        if not 0 <= index < self.raw.OperatorCodesLength():
            self._problem(place, f"operator code {index} is not in the file", _EXPORT_AGAIN)
            return "?"
        code = self.raw.OperatorCodes(index)
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        if OPERATOR_NAMES.get(number) == "CUSTOM":
            name = (code.CustomCode() or b"").decode("utf-8", "replace")
            return f"CUSTOM {name}".strip()
        return OPERATOR_NAMES.get(number, f"number {number}")

    def _references(
        self, place: str, numbers: tuple[int, ...], num_tensors: int, may_lack: bool = False
    ) -> tuple[int, ...]:
        least = NO_TENSOR if may_lack else 0
        wrong = [number for number in numbers if not least <= number < num_tensors]
        if wrong:
            self._problem(place, f"tensors {wrong[:5]} are not in the file", _EXPORT_AGAIN)
        return numbers

    def _check_order(
        self,
        tensors: tuple[FileTensor, ...],
        ops: tuple[FileOp, ...],
        inputs: tuple[int, ...],
        outputs: tuple[int, ...],
    ) -> None:
        """Every value is made once, before it is used."""
        ready = {tensor.index for tensor in tensors if tensor.data is not None}
        for index in inputs:
            if index in ready:
                self._problem(tensors[index].place, "is an input twice, or a constant too")
            ready.add(index)
        for op in ops:
            for index in op.inputs:
                if index != NO_TENSOR and index not in ready:
                    self._late(op.place, tensors[index])
            for index in op.outputs:
                if index in ready:
                    self._problem(tensors[index].place, f"is made again by {op.place}")
                ready.add(index)
        for index in outputs:
            if index not in ready:
                self._late("outputs of the model", tensors[index])

    def _late(self, place: str, tensor: FileTensor) -> None:
        if math.prod(tensor.shape) == 0:
            self._problem(tensor.place, "has no elements")
            return
        rule = f"{tensor.place} is made by no earlier operator"
        self._problem(place, rule, f"a constant of type {tensor.type} is not read")


def _vector(entry: Callable[[int], int]) -> tuple[int, ...]:
    """A vector of integers, read through the accessor `entry` of a table."""
    table = entry.__self__  # type: ignore[attr-defined]  # a bound method
    length = getattr(table, f"{entry.__name__}Length")()
    if not length:
        return ()
    values: Iterable[Any] = getattr(table, f"{entry.__name__}AsNumpy")()
    return tuple(int(value) for value in values)


def _options(raw: Any) -> dict[str, OptionValue]:
    """The options of an operator by their names in the schema."""
    name, union = OPTIONS_NAMES.get(raw.BuiltinOptionsType(), ""), raw.BuiltinOptions()
    if name not in OPTIONS or union is None:
        return {}
    table = getattr(import_module(f"tflite.{name}"), name)()
    table.Init(union.Bytes, union.Pos)
    return dict(_fields(table, OPTIONS[name]))


def _fields(table: Any, fields: tuple[tuple[str, int], ...]) -> Iterator[tuple[str, OptionValue]]:
    for name, num_bytes in fields:
        if num_bytes == VECTOR:
            yield name, _vector(getattr(table, name))
        else:
            value = getattr(table, name)()
            yield name, value if isinstance(value, float) else int(value)
