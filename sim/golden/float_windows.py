"""Convolutions and pools of a model graph in NumPy float32, over any number of axes."""

from __future__ import annotations

from itertools import product
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from tilewright.dataflow.graph import Op

Array: TypeAlias = NDArray[Any]


def conv(op: Op, operands: list[Array]) -> Array:
    """[B][C][Y][X] with weights [K][C/groups][FY][FX]; the result [B][K][OY][OX]."""
    activation, weight, *bias = operands
    rank, groups = activation.ndim - 2, op.integer("groups")
    windows = _windows(op, activation, weight.shape[2:], 0)
    parts = []
    for own, filters in zip(
        np.split(windows, groups, axis=1), np.split(weight, groups), strict=True
    ):
        # summed over channels and the window; channels of the result come last
        summed = [1, *range(2 + rank, 2 + 2 * rank)]
        parts.append(np.tensordot(own, filters, (summed, list(range(1, rank + 2)))))
    result = np.moveaxis(np.concatenate(parts, axis=-1), -1, 1)
    return result + _per_channel(bias[0], rank) if bias else result


def conv_transpose(op: Op, operands: list[Array]) -> Array:
    """[B][C][Y][X] with weights [C][K/groups][FY][FX]: every value adds its window to the result.

    The result before `pads` are cut off has `stride (extent - 1) + dilation (kernel - 1) + 1`
    positions, and `output_padding` more at the end.
    """
    activation, weight, *bias = operands
    rank, groups, kernel = activation.ndim - 2, op.integer("groups"), weight.shape[2:]
    strides, dilations, pads = (op.integers(name) for name in ("strides", "dilations", "pads"))
    extents = [
        stride * (extent - 1) + dilation * (size - 1) + 1 + more
        for extent, stride, dilation, size, more in zip(
            activation.shape[2:],
            strides,
            dilations,
            kernel,
            op.integers("output_padding"),
            strict=True,
        )
    ]
    full = np.zeros((len(activation), weight.shape[1] * groups, *extents), activation.dtype)
    inputs, filters = np.split(activation, groups, axis=1), np.split(weight, groups)
    for place in product(*map(range, kernel)):
        at: tuple[Any, ...] = (slice(None), slice(None), *place)
        parts = [
            np.moveaxis(np.tensordot(own, part[at], ([1], [0])), -1, 1)
            for own, part in zip(inputs, filters, strict=True)
        ]
        starts = [dilation * step for dilation, step in zip(dilations, place, strict=True)]
        covered = _every(starts, activation.shape[2:], strides)
        full[(slice(None), slice(None), *covered)] += np.concatenate(parts, axis=1)
    ends = [extent - after for extent, after in zip(extents, pads[rank:], strict=True)]
    kept = [slice(start, end) for start, end in zip(pads[:rank], ends, strict=True)]
    result = full[(slice(None), slice(None), *kept)]
    return result + _per_channel(bias[0], rank) if bias else result


def max_pool(op: Op, operands: list[Array]) -> Array:
    """Padding never wins: it is minus infinity, or the least integer of the storage type."""
    values = operands[0]
    is_float = np.issubdtype(values.dtype, np.floating)
    least = -np.inf if is_float else np.iinfo(values.dtype).min
    windows = _windows(op, values, op.integers("kernel"), least)
    maxima: Array = windows.max(axis=tuple(range(values.ndim, windows.ndim)))
    return maxima


def average_pool(op: Op, operands: list[Array]) -> Array:
    """The sum over the window divided by its positions: all, or those that are not padding."""
    values, kernel = operands[0], op.integers("kernel")
    windows = _windows(op, values, kernel, 0)
    axes = tuple(range(values.ndim, windows.ndim))
    counted = np.ones((1, 1, *values.shape[2:]), np.float32)
    count = _windows(op, counted, kernel, op.integer("counts_padding")).sum(axis=axes)
    total: Array = windows.sum(axis=axes, dtype=np.float32)
    mean: Array = total / count
    return mean


def _windows(op: Op, values: Array, kernel: tuple[int, ...], padding: float) -> Array:
    """[B][C][OY][OX][FY][FX]: a view of what each position's window covers."""
    rank = len(kernel)
    strides, dilations, pads = (op.integers(name) for name in ("strides", "dilations", "pads"))
    widths = [(0, 0), (0, 0), *zip(pads[:rank], pads[rank:], strict=True)]
    padded = np.pad(values, widths, constant_values=values.dtype.type(padding))
    reach = [d * (size - 1) + 1 for d, size in zip(dilations, kernel, strict=True)]
    axes = tuple(range(2, 2 + rank))
    view: Array = np.lib.stride_tricks.sliding_window_view(padded, reach, axis=axes)
    steps = [slice(None, None, step) for step in (*strides, *dilations)]
    return view[(slice(None), slice(None), *steps)]


def _every(starts: list[int], extents: tuple[int, ...], steps: tuple[int, ...]) -> list[slice]:
    """Slices of `extents` places from `starts` on, `steps` apart."""
    return [
        slice(start, start + step * (extent - 1) + 1, step)
        for start, extent, step in zip(starts, extents, steps, strict=True)
    ]


def _per_channel(parameter: Array, rank: int) -> Array:
    return parameter.reshape(-1, *(1 for _ in range(rank)))
