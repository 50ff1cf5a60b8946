"""Random TFLite int8 models: one operator, or a chain of them, from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .tflite_writer import Scalar, ToyOp, ToyTensor, write_tflite

Shape = tuple[int, ...]
SCALES = (0.003, 0.3)
MAX_ELEMENTS = 4096


@dataclass(frozen=True, kw_only=True, eq=False)
class RandomModel:
    """A file, the kinds of its operators, and the shapes of its int8 inputs."""

    data: bytes
    kinds: tuple[str, ...]
    shapes: tuple[Shape, ...]


class Toy:
    """A model while it grows; operators are added to the tensor `current`."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.tensors: list[ToyTensor] = []
        self.ops: list[ToyOp] = []
        self.inputs: list[int] = []
        self.current = -1

    @property
    def tensor(self) -> ToyTensor:
        return self.tensors[self.current]

    @property
    def shape(self) -> Shape:
        return self.tensor.shape

    def integer(self, low: int, high: int) -> int:
        """An integer in `[low, high]`."""
        return int(self.rng.integers(low, high + 1))

    def scale(self) -> float:
        return float(np.float32(np.exp(self.rng.uniform(*np.log(SCALES)))))

    def add(
        self, shape: Sequence[int], scale: float | None = None, zero_point: int | None = None
    ) -> int:
        """A new int8 tensor; its number."""
        made = ToyTensor(
            name=f"t{len(self.tensors)}",
            shape=tuple(int(extent) for extent in shape),
            scale=(float(np.float32(self.scale() if scale is None else scale)),),
            zero_point=(self.integer(-128, 127) if zero_point is None else zero_point,),
        )
        self.tensors.append(made)
        return len(self.tensors) - 1

    def add_like(self, shape: Sequence[int]) -> int:
        """A new tensor quantised as the current one."""
        return self.add(shape, self.tensor.scale[0], self.tensor.zero_point[0])

    def add_input(self, shape: Sequence[int], zero_point: int | None = None) -> int:
        self.inputs.append(self.add(shape, zero_point=zero_point))
        return self.inputs[-1]

    def constant(
        self,
        data: NDArray[Any],
        scale: Sequence[float] = (),
        axis: int = 0,
        zero_point: tuple[int, ...] = (),
    ) -> int:
        made = ToyTensor(
            name=f"t{len(self.tensors)}",
            shape=data.shape,
            scale=tuple(float(np.float32(value)) for value in scale),
            zero_point=zero_point,
            axis=axis,
            data=data,
        )
        self.tensors.append(made)
        return len(self.tensors) - 1

    def integers(self, *values: int) -> int:
        """A constant vector of int32."""
        return self.constant(np.array(values, np.int32))

    def op(
        self, kind: str, inputs: Sequence[int], outputs: Sequence[int], options_type: str = ""
    ) -> dict[int, Any]:
        """Add an operator, whose first result becomes the current tensor; its options to fill."""
        options: dict[int, Any] = {}
        made = ToyOp(
            kind=kind,
            inputs=tuple(inputs),
            outputs=tuple(outputs),
            options_type=options_type,
            options=options,
        )
        self.ops.append(made)
        self.current = outputs[0]
        return options

    def model(self, outputs: Sequence[int]) -> RandomModel:
        return RandomModel(
            data=write_tflite(self.tensors, self.ops, self.inputs, outputs),
            kinds=tuple(op.kind for op in self.ops),
            shapes=tuple(self.tensors[index].shape for index in self.inputs),
        )


def byte(value: int) -> Scalar:
    return Scalar("Int8", value)


def word(value: int) -> Scalar:
    return Scalar("Int32", value)


def random_inputs(
    rng: np.random.Generator, shapes: Sequence[Shape]
) -> tuple[NDArray[np.int8], ...]:
    """Numbers that fill the range, lie near zero, or are extreme."""
    return tuple(_numbers(rng, shape) for shape in shapes)


def _numbers(rng: np.random.Generator, shape: Shape) -> NDArray[np.int8]:
    form = rng.integers(4)
    if form == 0:
        return np.clip(rng.normal(0, 30, shape), -128, 127).astype(np.int8)
    if form == 1:
        return rng.choice(np.array([-128, -127, -1, 0, 1, 127], np.int8), shape)
    return rng.integers(-128, 128, shape, dtype=np.int8)


def every_integer() -> NDArray[np.int8]:
    """All numbers of int8 as one row: [1][256]."""
    return np.arange(-128, 128).astype(np.int8).reshape(1, 256)
