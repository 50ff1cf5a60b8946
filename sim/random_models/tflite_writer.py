"""Writes small TFLite files: what tests and benchmarks need, with the flatbuffers library.

Tables follow `tensorflow/lite/schema/schema.fbs`, version 3; a field is given by its number there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import flatbuffers  # type: ignore[import-untyped]  # no annotations
import numpy as np
from numpy.typing import NDArray
from tflite.BuiltinOperator import BuiltinOperator
from tflite.BuiltinOptions import BuiltinOptions
from tflite.TensorType import TensorType

SCHEMA_VERSION = 3
IDENTIFIER = b"TFL3"
_TYPES = {"int8": "INT8", "int32": "INT32", "int64": "INT64", "float32": "FLOAT32"}


@dataclass(frozen=True)
class Scalar:
    """A number in a table: `type` is flatbuffers' name (`Int8`, `Uint8`, `Int32`, `Float32`)."""

    type: str
    value: float


Value: TypeAlias = "Scalar | bytes | NDArray[Any] | Table | Sequence[Table]"


@dataclass(frozen=True)
class Table:
    """Fields by their numbers; bytes are strings, arrays vectors of their type."""

    fields: Mapping[int, Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class ToyTensor:
    """A tensor to write; a constant if it has `data`, else of `type` (`int8`, `float32`)."""

    name: str
    shape: tuple[int, ...]
    type: str = "int8"
    scale: tuple[float, ...] = ()
    zero_point: tuple[int, ...] = ()
    axis: int = 0
    data: NDArray[Any] | None = None


@dataclass(frozen=True, kw_only=True)
class ToyOp:
    """An operator by its name in the schema. Tensors by number; options by field number."""

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options_type: str = ""
    options: Mapping[int, Any] = field(default_factory=dict)


def write_tflite(
    tensors: Sequence[ToyTensor],
    ops: Sequence[ToyOp],
    inputs: Sequence[int],
    outputs: Sequence[int],
) -> bytes:
    """The bytes of a file with one graph."""
    kinds = list(dict.fromkeys(op.kind for op in ops))
    constants = [tensor for tensor in tensors if tensor.data is not None]
    buffers = [Table({})] + [Table({0: _bytes(tensor.data)}) for tensor in constants]
    numbers = {id(tensor): index for index, tensor in enumerate(constants, start=1)}
    graph = Table(
        {
            0: [_tensor(tensor, numbers.get(id(tensor), 0)) for tensor in tensors],
            1: np.array(inputs, np.int32),
            2: np.array(outputs, np.int32),
            3: [_op(op, kinds.index(op.kind)) for op in ops],
            4: b"main",
        }
    )
    codes = [_code(getattr(BuiltinOperator, kind)) for kind in kinds]
    model = Table({0: Scalar("Uint32", SCHEMA_VERSION), 1: codes, 2: [graph], 4: buffers})
    builder = flatbuffers.Builder(1024)
    builder.Finish(_write(builder, model), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def _bytes(data: NDArray[Any] | None) -> NDArray[np.uint8]:
    assert data is not None
    return np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)


def _code(number: int) -> Table:
    old = min(number, 127)  # field 0 has a byte; greater numbers stand in field 3
    return Table({0: Scalar("Int8", old), 2: Scalar("Int32", 1), 3: Scalar("Int32", number)})


def _tensor(tensor: ToyTensor, buffer: int) -> Table:
    kind = tensor.type if tensor.data is None else tensor.data.dtype.name
    fields: dict[int, Any] = {
        0: np.array(tensor.shape, np.int32),
        1: Scalar("Int8", getattr(TensorType, _TYPES.get(kind, kind))),
        2: Scalar("Uint32", buffer),
        3: tensor.name.encode(),
    }
    if tensor.scale:
        fields[4] = Table(
            {
                2: np.array(tensor.scale, np.float32),
                3: np.array(tensor.zero_point or (0,) * len(tensor.scale), np.int64),
                6: Scalar("Int32", tensor.axis),
            }
        )
    return Table(fields)


def _op(op: ToyOp, code: int) -> Table:
    fields: dict[int, Any] = {
        0: Scalar("Uint32", code),
        1: np.array(op.inputs, np.int32),
        2: np.array(op.outputs, np.int32),
    }
    if op.options_type:
        fields[3] = Scalar("Uint8", getattr(BuiltinOptions, op.options_type))
        fields[4] = Table(op.options)
    return Table(fields)


def _write(builder: Any, table: Table) -> int:
    """Children first, as flatbuffers wants it; the table's offset."""
    offsets = {
        index: _write_value(builder, value)
        for index, value in table.fields.items()
        if not isinstance(value, Scalar)
    }
    builder.StartObject(max(table.fields, default=-1) + 1)
    for index, value in table.fields.items():
        if isinstance(value, Scalar):
            number = float(value.value) if value.type == "Float32" else int(value.value)
            builder.__getattribute__(f"Prepend{value.type}")(number)
            builder.Slot(index)
        else:
            builder.PrependUOffsetTRelativeSlot(index, offsets[index], 0)
    return int(builder.EndObject())


def _write_value(builder: Any, value: Any) -> int:
    if isinstance(value, Table):
        return _write(builder, value)
    if isinstance(value, bytes):
        return int(builder.CreateString(value))
    if isinstance(value, np.ndarray):
        return int(builder.CreateNumpyVector(value))
    offsets = [_write(builder, item) for item in value]
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())
