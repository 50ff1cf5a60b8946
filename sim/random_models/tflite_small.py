"""Small TFLite files for tests to bend: one operator, tensors and options as given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .tflite_models import byte, word
from .tflite_writer import Scalar, ToyOp, ToyTensor, write_tflite


def toy_tensor(name: str = "x", shape: Sequence[int] = (1, 6, 5, 3), **more: Any) -> ToyTensor:
    """An int8 tensor: an image of 6 x 5 x 3, if nothing else is said."""
    given = {"scale": (0.5,), "zero_point": (3,)} | more
    return ToyTensor(name=name, shape=tuple(shape), **given)


def toy_integers(name: str, *values: int) -> ToyTensor:
    """A constant list of int32."""
    data = np.array(values, np.int32)
    return toy_tensor(name, data.shape, scale=(), zero_point=(), data=data)


def one_op_file(kind: str, *tensors: ToyTensor, options_type: str = "", **options: Scalar) -> bytes:
    """An operator on all tensors but the last, its result; options as `_N`, N the field."""
    op = ToyOp(
        kind=kind,
        inputs=tuple(range(len(tensors) - 1)),
        outputs=(len(tensors) - 1,),
        options_type=options_type,
        options={int(name[1:]): value for name, value in options.items()},
    )
    inputs = [n for n, tensor in enumerate(tensors[:-1]) if tensor.data is None]
    return write_tflite(tensors, [op], inputs, [len(tensors) - 1])


def relu_file(**changes: Any) -> bytes:
    """A RELU whose operator, inputs or outputs of the model are replaced."""
    given: dict[str, Any] = {"inputs": (0,), "outputs": (1,), "ends": ([0], [1]), "tensors": None}
    given |= changes
    tensors = given["tensors"] or [toy_tensor(), toy_tensor("y")]
    op = ToyOp(kind="RELU", inputs=given["inputs"], outputs=given["outputs"])
    return write_tflite(tensors, [op], *given["ends"])


def conv_file(
    *, stride: int = 1, padding: int = 0, activation: int = 0, size: Sequence[int] = (6, 5)
) -> bytes:
    """A 3x3 convolution of 3 channels to 4, scales per channel, and a bias."""
    rng = np.random.default_rng(7)
    data = rng.integers(-127, 128, (4, 3, 3, 3)).astype(np.int8)
    scales = (0.25, 0.5, 1.0, 2.0)
    tensors = [
        toy_tensor(shape=(1, *size, 3)),
        toy_tensor("w", data.shape, scale=scales, zero_point=(), data=data),
        toy_tensor(
            "b",
            (4,),
            scale=tuple(s / 2 for s in scales),
            zero_point=(),
            data=np.arange(4, dtype=np.int32),
        ),
    ]
    reach = [1 if padding == 0 else 3] * 2
    extents = [(e - r) // stride + 1 for e, r in zip(size, reach, strict=True)]
    tensors.append(toy_tensor("y", (1, *extents, 4), scale=(4.0,), zero_point=(-128,)))
    options = {0: byte(padding), 1: word(stride), 2: word(stride), 3: byte(activation)}
    op = ToyOp(
        kind="CONV_2D",
        inputs=(0, 1, 2),
        outputs=(3,),
        options_type="Conv2DOptions",
        options=options | {4: word(1), 5: word(1)},
    )
    return write_tflite(tensors, [op], [0], [3])


def same_conv_file(size: Sequence[int], extents: Sequence[int], stride: int) -> bytes:
    """A 3x3 convolution of one channel, padding SAME."""
    weights = np.ones((1, 3, 3, 1), np.int8)
    tensors = [
        toy_tensor(shape=(1, *size, 1)),
        toy_tensor("w", weights.shape, zero_point=(0,), data=weights),
        toy_tensor("y", (1, *extents, 1)),
    ]
    options = {0: byte(0), 1: word(stride), 2: word(stride), 4: word(1), 5: word(1)}
    op = ToyOp(
        kind="CONV_2D",
        inputs=(0, 1),
        outputs=(2,),
        options_type="Conv2DOptions",
        options=options,
    )
    return write_tflite(tensors, [op], [0], [2])


def dense_file(kind: str = "FULLY_CONNECTED", bias_scale: float = 0.25, **weight: Any) -> bytes:
    """FULLY_CONNECTED of 8 numbers to 4, with a bias."""
    data = weight.pop("values", np.ones((4, 8), np.int8))
    given = {"scale": (0.5,), "zero_point": (0,)} | weight
    tensors = (
        toy_tensor(shape=(1, 8)),
        toy_tensor("w", data.shape, data=data, **given),
        toy_tensor("b", (4,), scale=(bias_scale,), zero_point=(0,), data=np.zeros(4, np.int32)),
        toy_tensor("y", (1, 4)),
    )
    return one_op_file(kind, *tensors, options_type="FullyConnectedOptions")
