"""Tensors and ops of a model graph while it is made of a TFLite file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..graph import Op
from ..number_formats import FLOAT
from ..tensor import Role, Tensor
from .tflite_objects import FileModel, FileTensor

Perm: TypeAlias = tuple[int, ...]
Shape: TypeAlias = tuple[int, ...]
Attributes: TypeAlias = Mapping[str, Any]

CHANNELS_FIRST: Perm = (0, 3, 1, 2)
MAX_CONSTANT_BYTES = 2**29
LEAST_SCALE, MOST_SCALE = 2.0**-40, 2.0**40  # products and ratios of them are float32 numbers
FORMATS = {"INT8": "int8", "FLOAT32": FLOAT}


class RefusalError(Exception):
    """What an op has that cannot be imported, and what to do."""

    def __init__(self, rule: str, help: str | None = None) -> None:
        super().__init__(rule)
        self.rule, self.help = rule, help


def file_order(rank: int) -> Perm:
    return tuple(range(rank))


def permuted(values: Sequence[int], perm: Perm) -> tuple[int, ...]:
    """One number for each axis of the file, in the order of the form `perm`."""
    return tuple(values[axis] for axis in perm)


def layout_of(perm: Perm) -> str:
    """Names of four axes in the order of a form; nothing for other ranks."""
    return "".join("BYXC"[axis] for axis in perm) if len(perm) == 4 else ""


class _Names:
    """Gives every name once; one that is taken gets a number behind it."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}

    def distinct(self, name: str) -> str:
        wanted = name
        while name in self._taken:
            self._taken[wanted] += 1
            name = f"{wanted}_{self._taken[wanted]}"
        self._taken[name] = 1
        return name


_ACCUMULATING = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")
_OPERANDS = {1: "weights", 2: "bias"}


def _short_names(file: FileModel) -> dict[int, str]:
    """Names in the graph: the file's for inputs, else after the op that makes or takes the tensor
    (the file's are long after fusing; `origin` keeps them)."""
    names = {index: file.tensors[index].name for index in file.inputs}
    for op in file.ops:
        own = f"{op.kind.lower()}_{op.index}"
        for position, index in enumerate(op.outputs):
            names.setdefault(index, own if position == 0 else f"{own}_part{position}")
        for position, index in enumerate(op.inputs):
            is_known = op.kind in _ACCUMULATING and position in _OPERANDS
            role = _OPERANDS[position] if is_known else f"operand{position}"
            names.setdefault(index, f"{own}_{role}")
    for index in file.outputs:
        names.setdefault(index, file.tensors[index].name)
    return names


class Values:
    """Everything made so far, each under a name of its own."""

    def __init__(self, file: FileModel) -> None:
        self.ops: list[Op] = []
        self.tensors: dict[str, Tensor] = {}
        self.short = _short_names(file)
        self._floats: dict[str, str] = {}
        self._constant_bytes = 0
        self._op_names, self._tensor_names = _Names(), _Names()

    def dequantized(self, name: str) -> str:
        """The float32 tensor that the tensor `name` stands for; itself, if it is one."""
        tensor = self.tensors[name]
        if tensor.number_format == FLOAT:
            return name
        if name not in self._floats:
            result = self.add_tensor(f"{name}_float", tensor.shape, layout=tensor.layout)
            self.add_op(f"{name}_dequantize", "dequantize", (name,), result.name, {}, tensor.origin)
            self._floats[name] = result.name
        return self._floats[name]

    def add_constant(
        self, tensor: FileTensor, data: NDArray[Any], scale: Sequence[float], axis: int | None
    ) -> str:
        """A quantised constant with zero points 0, rearranged for the graph; its float tensor."""
        self._count(data)
        made = Tensor(
            name=self._unique(self.short[tensor.index]),
            shape=data.shape,
            number_format=data.dtype.name,
            scale=tuple(scale),
            zero_point=(0,) * len(scale),
            axis=axis if len(scale) > 1 else None,
            role="constant",
            data=data,
            origin=tensor.name,
        )
        self.tensors[made.name] = made
        return self.dequantized(made.name)

    def _count(self, data: NDArray[Any] | None) -> None:
        """Constants that many ops share are many constants in the graph: not without end."""
        self._constant_bytes += 0 if data is None else data.nbytes
        if self._constant_bytes > MAX_CONSTANT_BYTES:
            raise RefusalError(f"constants have more than {MAX_CONSTANT_BYTES} bytes in all")

    def add_vector(self, name: str, values: NDArray[np.int64]) -> str:
        """A constant of plain integers, such as indices."""
        made = self.add_tensor(name, values.shape, role="constant", data=values)
        return made.name

    def format_of(self, tensor: FileTensor) -> str:
        """int8 with one scale, or float32; all else is refused."""
        number_format = FORMATS.get(tensor.type)
        if number_format is None:
            help_text = "convert to full integers: int8 activations and weights, int32 biases"
            raise RefusalError(f"{tensor.place} is {tensor.type}", help_text)
        if number_format != FLOAT and len(tensor.scale) != 1:
            rule = f"{tensor.place} must have one scale, has {len(tensor.scale)}"
            raise RefusalError(rule, "convert with a representative dataset")
        if number_format != FLOAT and not LEAST_SCALE <= tensor.scale[0] <= MOST_SCALE:
            rule = f"{tensor.place} has scale {tensor.scale[0]:.6g}, it must be "
            rule += f"{LEAST_SCALE:.6g} to {MOST_SCALE:.6g}"
            raise RefusalError(rule, "calibrate the model with typical data")
        return number_format

    def moved(self, source: str, moves: Perm, name: str = "", origin: str = "") -> str:
        """`transpose(source, moves)`, quantised as `source` is; a reshape if it moves only ones."""
        if moves == file_order(len(moves)):
            return source
        tensor = self.tensors[source]
        shape = permuted(tensor.shape, moves)
        name, origin = name or f"{source}_moved", origin or tensor.origin
        wide = [axis for axis in moves if tensor.shape[axis] > 1]
        if wide == sorted(wide):
            return self.requantized(source, "reshape", {}, shape, name, origin)
        return self.requantized(source, "transpose", {"perm": moves}, shape, name, origin)

    def reshaped(self, source: str, shape: Shape) -> str:
        """The tensor `source` in other extents, quantised as before."""
        tensor = self.tensors[source]
        if tensor.shape == shape:
            return source
        name = f"{source}_reshaped"
        return self.requantized(source, "reshape", {}, shape, name, tensor.origin)

    def requantized(
        self, source: str, kind: str, attributes: Attributes, shape: Shape, name: str, origin: str
    ) -> str:
        """The result of a move, as tensor `name` quantised as `source` is."""
        tensor = self.tensors[source]
        value = self.dequantized(source)
        is_float = tensor.number_format == FLOAT
        moved = self.add_tensor(name if is_float else f"{name}_{kind}", shape)
        self.add_op(f"{name}_{kind}", kind, (value,), moved.name, attributes, origin)
        if is_float:
            self.tensors[moved.name] = replace(moved, origin=origin)
            return moved.name
        result = replace(
            tensor,
            name=self._unique(name),
            shape=shape,
            layout="",
            role="intermediate",
            data=None,
            origin=origin,
        )
        self.tensors[result.name] = result
        self.add_op(f"{result.name}_quantize", "quantize", (moved.name,), result.name, {})
        return result.name

    def add_tensor(
        self,
        name: str,
        shape: Shape,
        like: FileTensor | None = None,
        layout: str = "",
        role: Role = "intermediate",
        data: NDArray[Any] | None = None,
    ) -> Tensor:
        """A new tensor: float32, or integers as `data` has them, or quantised as `like` is."""
        self._count(data)
        number_format = FLOAT if data is None else data.dtype.name
        is_quantised = like is not None and self.format_of(like) != FLOAT
        made = Tensor(
            name=self._unique(name),
            shape=shape,
            number_format="int8" if is_quantised else number_format,
            scale=like.scale if like is not None and is_quantised else (),
            zero_point=like.zero_point if like is not None and is_quantised else (),
            layout=layout,
            role=role,
            data=data,
            origin=like.name if like is not None else "",
        )
        self.tensors[made.name] = made
        return made

    def add_op(
        self,
        name: str,
        kind: str,
        inputs: tuple[str, ...],
        result: str,
        attributes: Attributes,
        origin: str = "",
    ) -> None:
        unique = self._op_names.distinct(name)
        origin = origin or self.tensors[result].origin
        made = Op(
            name=unique,
            kind=kind,
            inputs=inputs,
            outputs=(result,),
            attributes=attributes,
            origin=origin,
        )
        self.ops.append(made)

    def _unique(self, name: str) -> str:
        return self._tensor_names.distinct(name)
