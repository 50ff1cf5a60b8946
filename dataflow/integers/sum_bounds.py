"""What sums an accumulating op can have, and how some of its channels are negated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..number_formats import range_of, storage_type
from ..tensor import Tensor
from .accumulate import Accumulation
from .state import State
from .values import Refused

Sums = NDArray[np.int64]


def sum_bounds(state: State, parts: Accumulation) -> tuple[Sums, Sums]:
    """The least and greatest sum of each channel, without a bias.

    Some products may be left out (padding): 0 counts as one of the activation's values.
    """
    low, high = _centred_limits(state, parts.activation)
    if parts.weight.data is None:
        ends = np.outer((low, high), _centred_limits(state, parts.weight))
        count = parts.weight.shape[-2]  # only matmul has weights that are no constants
        least, greatest = count * int(ends.min()), count * int(ends.max())
        whole = np.ones(parts.channels, np.int64)
        return least * whole, greatest * whole
    weight = _centred(parts.weight)
    channels = _channel_axis(parts)
    if parts.op.kind == "matmul":
        weight, channels = weight.reshape(-1, *weight.shape[-2:]), 2
        others: tuple[int, ...] = (1,)
    else:
        others = tuple(axis for axis in range(weight.ndim) if axis != channels)
    least = np.minimum(weight * low, weight * high).sum(axis=others)
    greatest = np.maximum(weight * low, weight * high).sum(axis=others)
    if parts.op.kind == "matmul":  # a batch of weights
        least, greatest = least.min(axis=0), greatest.max(axis=0)
    repeat = parts.channels // len(least)  # the groups of a conv_transpose
    return np.tile(least, repeat), np.tile(greatest, repeat)


def negated(parts: Accumulation, is_negated: NDArray[np.bool_]) -> Accumulation:
    """The same op with the weights of some channels negated, and so their sums.

    Weights then have zero point 0, and one bit more if that is needed.

    Raises:
        Refused: if the weights are no constants, or groups share weights that differ in sign.
    """
    weight = parts.weight
    if not is_negated.any():
        return parts
    if weight.data is None:
        rule = "what follows falls with its sums, and its weights are no constants to be negated"
        raise Refused(parts.op, rule)
    sign = np.where(is_negated, -1, 1)
    if parts.op.kind == "conv_transpose":
        groups = parts.op.integer("groups")
        if (sign.reshape(groups, -1) != sign[: len(sign) // groups]).any():
            raise Refused(
                parts.op, "what follows rises in some groups of channels, falls in others"
            )
        sign = sign[: len(sign) // groups]
    shape = [1] * weight.data.ndim
    shape[_channel_axis(parts)] = -1
    centred = _centred(weight) * sign.reshape(shape)
    number_format = _format_of(int(centred.min()), int(centred.max()))
    changed = replace(
        weight,
        number_format=number_format,
        zero_point=(0,) * len(weight.scale),
        data=centred.astype(storage_type(number_format)),
    )
    return replace(parts, weight=changed)


def centred_limits(state: State, tensor: Tensor) -> tuple[int, int]:
    """The least and greatest `q - zero point` of a tensor with one zero point."""
    low, high = state.limits.get(tensor.name, range_of(tensor.number_format))
    zeros = tensor.zero_point or (0,)
    return low - max(zeros), high - min(zeros)


def _centred_limits(state: State, tensor: Tensor) -> tuple[int, int]:
    low, high = centred_limits(state, tensor)
    return min(low, 0), max(high, 0)


def _channel_axis(parts: Accumulation) -> int:
    """The axis of the weights that is the result's channels."""
    axes = {"conv": 0, "conv_transpose": 1, "matmul": len(parts.weight.shape) - 1}
    return axes[parts.op.kind]


def _centred(weight: Tensor) -> Sums:
    """Weights without their zero points."""
    assert weight.data is not None
    zero = np.array(weight.zero_point, np.int64)
    shape = [1] * len(weight.shape)
    if weight.axis is not None:
        shape[weight.axis] = -1
    return weight.data.astype(np.int64) - zero.reshape(shape)


def _format_of(low: int, high: int) -> str:
    """The narrowest signed format, of 2 bits or more, that holds these."""
    bits = next(
        bits for bits in range(2, 33) if -(1 << (bits - 1)) <= low and high < 1 << (bits - 1)
    )
    return f"int{bits}"
