"""`Values`: the values of an ONNX model while it is read, by name."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..graph import Tensor
from ..number_formats import FLOAT, is_number_format, storage_type
from ..shapes import Shape
from .onnx_nodes.arrays import MAX_AXES
from .onnx_nodes.node import Refused

MAX_ELEMENTS = 1 << 31  # of one tensor
MAX_COMPUTED_BYTES = 1 << 28  # of all constants that the file does not hold as they are
MAX_WORK_BYTES = 1 << 32  # read or written to compute constants
MAX_LISTED = 4096  # integers in a constant that lists axes, extents or pads


class Values:
    """Constants, tensors of the graph, and further names of those.

    Names are those of the values in the file; what a converter makes in between gets a name from
    `fresh`. A constant is an array until an op takes it: then it becomes a tensor as well. Every
    method takes names of values and looks through further names.
    """

    def __init__(self, names: Iterable[str]) -> None:
        """`names`: all names of the file, which `fresh` keeps clear of."""
        self.tensors: dict[str, Tensor] = {}
        self.constants: dict[str, NDArray[Any]] = {}
        self.aliases: dict[str, str] = {}
        self._taken = set(names)
        self._numbers: dict[str, int] = {}
        self._computed_bytes = self._work_bytes = 0

    def real(self, name: str) -> str:
        """The name behind another name."""
        while name in self.aliases:
            name = self.aliases[name]
        return name

    def constant(self, name: str) -> NDArray[Any] | None:
        """The values if this is a constant of the file or computed of such, else None. The name of
        the dtype is the number format, `int4` and `uint4` too."""
        return self.constants.get(self.real(name))

    def needed_constant(self, name: str, what: str) -> NDArray[Any]:
        """The same, of what must be a constant.

        Raises:
            Refused: if it is none; `what` names it.
        """
        array = self.constant(name)
        if array is None:
            raise Refused(f"{what} (`{name}`) must be a constant, not computed by the model")
        return array

    def integers(self, name: str, what: str) -> tuple[int, ...]:
        """A constant list of integers (or one)."""
        array = self.needed_constant(name, what)
        if array.dtype.kind not in "iu" or array.ndim > 1:
            raise Refused(f"{what} must be a list of integers, got {array.dtype} {array.shape}")
        if array.size > MAX_LISTED:
            raise Refused(f"{what} must be at most {MAX_LISTED} integers, got {array.size}")
        return tuple(int(value) for value in array.reshape(-1))

    def number(self, name: str, what: str) -> float:
        """A constant of one number."""
        array = self.needed_constant(name, what)
        if array.size != 1 or array.dtype.kind not in "fiu" or not np.isfinite(array).all():
            raise Refused(f"{what} must be one finite number, got {array.dtype} {array.shape}")
        return float(array.reshape(-1)[0])

    def tensor(self, name: str) -> Tensor:
        """The tensor of a value; a constant becomes one now.

        Raises:
            Refused: if it cannot be in a graph (float64, an extent of 0 ...).
        """
        real = self.real(name)
        if real not in self.tensors:
            if real not in self.constants:
                raise Refused(f"`{name}` is a result that is not supported")
            self._enter(real, self.constants[real], origin=real)
        return self.tensors[real]

    def shape(self, name: str) -> Shape:
        """Extents, without making a tensor of a constant."""
        array = self.constant(name)
        return self.tensor(name).shape if array is None else tuple(array.shape)

    def floats(self, name: str) -> str:
        """The tensor of a value that must be float32; returns the tensor's name."""
        tensor = self.tensor(name)
        if tensor.number_format != FLOAT:
            raise Refused(
                f"`{name}` is {tensor.number_format}; this operator takes float32",
                help="put a DequantizeLinear before it and a QuantizeLinear after it",
            )
        return tensor.name

    def fresh(self, base: str, hint: str) -> str:
        """A name that nothing has."""
        stem = name = f"{base}_{hint}"
        while name in self._taken:
            number = self._numbers.get(stem, 1) + 1
            self._numbers[stem] = number
            name = f"{stem}_{number}"
        self._taken.add(name)
        return name

    def spend(self, computed_bytes: int, work_bytes: int = 0) -> None:
        """Counts what is computed of constants, so that a small file cannot make it endless.

        Raises:
            Refused: if it becomes too much.
        """
        self._computed_bytes += computed_bytes
        self._work_bytes += computed_bytes + work_bytes
        if self._computed_bytes > MAX_COMPUTED_BYTES or self._work_bytes > MAX_WORK_BYTES:
            raise Refused(
                "computing the model's constants takes too much memory or time",
                help="fold constants when the model is exported",
            )

    def fold(self, output: str, array: NDArray[Any]) -> str:
        """A value (a node's output, or a name from `fresh`) is this constant. It becomes a tensor
        when an op takes it."""
        self.spend(array.nbytes)
        self.constants[output] = array
        return output

    def numbers(self, base: str, hint: str, values: ArrayLike) -> str:
        """A float32 constant of our own making; returns its name."""
        return self.fold(self.fresh(base, hint), np.asarray(values, np.float32))

    def alias(self, output: str, source: str) -> None:
        """A node's output is its input."""
        self.aliases[output] = self.real(source)

    def _enter(self, name: str, array: NDArray[Any], origin: str) -> None:
        number_format = array.dtype.name
        if not is_number_format(number_format):
            raise Refused(
                f"constant `{origin}` is {number_format}",
                help="export the model in float32",
            )
        self.check_size(array.shape)
        try:
            self.tensors[name] = Tensor(
                name=name,
                shape=tuple(array.shape),
                number_format=number_format,
                role="constant",
                data=np.ascontiguousarray(array, storage_type(number_format)).reshape(array.shape),
                origin=origin,
            )
        except ValueError as error:
            raise Refused(str(error)) from None

    def check_size(self, shape: Shape) -> None:
        if any(extent < 1 for extent in shape):
            raise Refused(f"a result of shape {shape} has no elements")
        if math.prod(shape) > MAX_ELEMENTS or len(shape) > MAX_AXES:
            raise Refused(
                f"a result of shape {shape} has more than {MAX_ELEMENTS} elements "
                f"or {MAX_AXES} axes"
            )
