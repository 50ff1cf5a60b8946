"""Builds the model graph of a TFLite file: every op between `dequantize` and `quantize`.

TFLite keeps images as NHWC, the graph as NCHW. So each tensor of the file may exist in several
*forms*, each an order of its axes: form `perm` of a tensor is `transpose(file's tensor, perm)`. Ops
ask for the form they need; a transpose is made only where no earlier op left that form, and a
transpose of the file costs nothing but another name for the order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..graph import Graph
from ..number_formats import FLOAT
from ..operators import KINDS
from .tflite_objects import NO_TENSOR, FileModel, FileOp, FileTensor
from .tflite_values import (
    Attributes,
    Perm,
    RefusalError,
    Shape,
    Values,
    file_order,
    layout_of,
)

LITERT = "litert"


class Builder(Values):
    """The graph so far, and where each tensor of the file is in it."""

    def __init__(self, file: FileModel, batch: int) -> None:
        super().__init__(file)
        self.file, self.batch = file, batch
        self.forms: dict[int, dict[Perm, str]] = {}
        self.shapes: dict[int, Shape] = {}

    # The file's side.

    def tensor(self, op: FileOp, position: int) -> FileTensor:
        """An operand that must be there."""
        if position >= len(op.inputs) or op.inputs[position] == NO_TENSOR:
            raise RefusalError(f"input {position} is missing")
        return self.file.tensors[op.inputs[position]]

    def maybe(self, op: FileOp, position: int) -> FileTensor | None:
        """An operand that may be left out."""
        lacks = position >= len(op.inputs) or op.inputs[position] == NO_TENSOR
        return None if lacks else self.file.tensors[op.inputs[position]]

    def result(self, op: FileOp, position: int = 0) -> FileTensor:
        if position >= len(op.outputs):
            raise RefusalError(f"output {position} is missing")
        return self.file.tensors[op.outputs[position]]

    def shape(self, tensor: FileTensor) -> Shape:
        """Extents in the file's order, with the batch asked for."""
        return self.shapes.get(tensor.index, tensor.shape)

    def constant(self, tensor: FileTensor, what: str) -> NDArray[Any]:
        """Values of an operand that must be a constant."""
        if tensor.data is None:
            raise RefusalError(f"{what} must be a constant", "fold it when converting")
        return tensor.data

    def integers(self, tensor: FileTensor, what: str) -> tuple[int, ...]:
        """A constant list of integers."""
        values = self.constant(tensor, what)
        if values.dtype.kind != "i" or values.dtype == np.int8:
            raise RefusalError(f"{what} must be int32 or int64, got {tensor.type}")
        return tuple(int(value) for value in values.reshape(-1))

    def order(self, tensor: FileTensor) -> Perm:
        """The form that the tensor was first made in."""
        known = self.forms.get(tensor.index)
        return next(iter(known)) if known else file_order(len(self.shape(tensor)))

    # The graph's side.

    def value(self, tensor: FileTensor, perm: Perm) -> str:
        """The float32 tensor of the graph that holds `tensor` in the form `perm`."""
        return self.dequantized(self.form(tensor, perm))

    def form(self, tensor: FileTensor, perm: Perm) -> str:
        """The tensor of the graph that is `tensor` in the form `perm`; made if there is none."""
        is_output = tensor.index in self.file.outputs and perm == file_order(len(perm))
        known = self.forms.setdefault(tensor.index, {})
        if perm not in known and tensor.data is not None:
            known[perm] = self._constant_form(tensor, perm)
        elif perm not in known:
            source_perm, source = next(iter(known.items()))
            moves = tuple(source_perm.index(axis) for axis in perm)
            name = tensor.name if is_output else f"{source}_moved"
            known[perm] = self.moved(source, moves, name, tensor.name)
            made = self.tensors[known[perm]]
            self.tensors[made.name] = replace(made, layout=layout_of(perm))
        return known[perm]

    def emit(
        self,
        op: FileOp,
        kind: str,
        inputs: Sequence[str],
        attributes: Attributes | None = None,
        shape: Shape | None = None,
    ) -> str:
        """A float32 op; the name of its result. `shape` if the kind does not say it."""
        given = attributes or {}
        extents = KINDS[kind].shape([self.tensors[name].shape for name in inputs], given)
        extents = shape if extents is None else extents
        if extents is None:
            raise RefusalError(f"the extents of {kind} are not known")
        origin = self.result(op).name
        name = f"{op.kind.lower()}_{op.index}"
        result = self.add_tensor(f"{name}_{kind}", extents)
        self.add_op(name, kind, tuple(inputs), result.name, given, origin)
        return result.name

    def finish(
        self, op: FileOp, value: str, perm: Perm, position: int = 0, arithmetic: str = ""
    ) -> None:
        """`value` is the op's result, in the form `perm`; it is quantised as the file says."""
        target = self.result(op, position)
        stored = self.tensors[value].shape
        shape = tuple(stored[perm.index(axis)] for axis in range(len(perm)))
        self._take_shape(target, shape)
        self.forms[target.index] = {perm: self.quantized(value, target, perm, arithmetic)}

    def alias(self, op: FileOp, forms: Mapping[Perm, str]) -> None:
        """The op's result is in the graph already, as these forms."""
        target = self.result(op)
        perm, name = next(iter(forms.items()))
        stored = self.tensors[name].shape
        self._take_shape(target, tuple(stored[perm.index(a)] for a in range(len(perm))))
        self.forms[target.index] = dict(forms)

    def _take_shape(self, target: FileTensor, shape: Shape) -> None:
        if shape != self.expected(target):
            rule = f"{target.place} has shape {target.shape}, the operator makes {shape}"
            raise RefusalError(rule, "the file contradicts itself: convert it again")
        self.shapes[target.index] = shape

    def expected(self, target: FileTensor) -> Shape:
        """The file's extents, with the batch asked for in place of a first extent of 1."""
        shape = target.shape
        return (self.batch, *shape[1:]) if shape and shape[0] == 1 else shape

    def quantized(self, value: str, like: FileTensor, perm: Perm, arithmetic: str = "") -> str:
        """The float32 tensor `value` with the number format and quantisation of `like`."""
        if self.format_of(like) == FLOAT:
            self.tensors[value] = replace(self.tensors[value], origin=like.name)
            return value
        layout = layout_of(perm)
        is_output = like.index in self.file.outputs and perm == file_order(len(perm))
        name = like.name if is_output else self.short[like.index]
        result = self.add_tensor(name, self.tensors[value].shape, like, layout)
        attributes = {"arithmetic": arithmetic} if arithmetic else {}
        self.add_op(f"{result.name}_quantize", "quantize", (value,), result.name, attributes)
        return result.name

    def add_input(self, tensor: FileTensor) -> None:
        """An input of the model, in the file's order."""
        if not tensor.shape:
            raise RefusalError("an input must have an axis for the batch")
        shape = self.expected(tensor)
        perm = file_order(len(shape))
        made = self.add_tensor(
            self.short[tensor.index], shape, tensor, layout_of(perm), role="input"
        )
        self.shapes[tensor.index] = shape
        self.forms[tensor.index] = {perm: made.name}

    def add_output(self, tensor: FileTensor) -> None:
        """An output of the model, in the file's order, under a name of its own."""
        perm = file_order(len(self.shape(tensor)))
        name = self.form(tensor, perm)
        if self.tensors[name].role != "intermediate" or self.tensors[name].origin != tensor.name:
            name = self._copied(name, tensor)
        self.tensors[name] = replace(self.tensors[name], role="output")

    def graph(self) -> Graph:
        """All that was made and is used; inputs and outputs in the file's order."""
        used = {name for op in self.ops for name in (*op.inputs, *op.outputs)}
        tensors = [t for t in self.tensors.values() if t.name in used or t.role == "input"]
        order = {self.file.tensors[index].name: n for n, index in enumerate(self.file.outputs)}
        outputs = [tensor for tensor in tensors if tensor.role == "output"]
        outputs.sort(key=lambda tensor: order.get(tensor.origin, 0))
        inner = [tensor for tensor in tensors if tensor.role != "output"]
        return Graph(name=self.file.path.stem, ops=tuple(self.ops), tensors=(*inner, *outputs))

    def _constant_form(self, tensor: FileTensor, perm: Perm) -> str:
        data = self.constant(tensor, "an operand")
        lead = (1,) * (len(perm) - data.ndim)
        data = np.ascontiguousarray(data.reshape(lead + data.shape).transpose(perm))
        made = self.add_tensor(
            self.short[tensor.index],
            data.shape,
            tensor,
            layout_of(perm),
            role="constant",
            data=data,
        )
        return made.name

    def _copied(self, name: str, tensor: FileTensor) -> str:
        shape = self.tensors[name].shape
        return self.requantized(name, "reshape", {}, shape, tensor.name, tensor.name)
