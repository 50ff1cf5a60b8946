"""Golden models of the ops that sum products: convolutions and matrix products.

`accumulator = sum (x - x_zero_point) (w - w_zero_point) + bias`, wrapped to 32 bits. Sums are
computed as floating-point matrix products where that is exact: all partial sums, in whatever order,
are integers below 2**24 (float32) or 2**53 (float64).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from tilewright.dataflow.graph import Op, Tensor
from tilewright.hw.lib.requantize_params import RequantizeParams

from .operand import Array, Floats, Operand, limits, saturate
from .requantize import requantize, wrap

ACCUMULATOR_BITS = 32
PATCH_BYTES = 1 << 24  # of the patches of a convolution made at a time

Accumulators = NDArray[np.int32]


def matmul(op: Op, operands: Sequence[Operand], result: Tensor) -> Array:
    """`[..., M, K]` times `[..., K, N]`; axes in front broadcast."""
    activation, weight, *parameters = operands
    left, right = activation.centred(), weight.centred()
    exact = exact_type(_largest(left) * _largest_sum(right, axis=-2))
    sums = wrapped(left.astype(exact) @ right.astype(exact))
    return _finish(op, sums, parameters, result, channel_axis=-1)


def conv(op: Op, operands: Sequence[Operand], result: Tensor) -> Array:
    """`[B][C][Y][X]` with `[K][C/groups][FY][FX]`; any number of spatial axes.

    Padding counts as the zero point.
    """
    activation, weight, *parameters = operands
    centred = _padded(activation.centred(), op.integers("pads"))
    sums = _correlate(
        centred,
        weight.centred(),
        op.integers("strides"),
        op.integers("dilations"),
        op.integer("groups"),
    )
    return _finish(op, sums, parameters, result, channel_axis=1)


def conv_transpose(op: Op, operands: Sequence[Operand], result: Tensor) -> Array:
    """`[B][C][Y][X]` with `[C][K/groups][FY][FX]`: every input adds its multiple of the filter.

    The same sums come from a convolution of the input, `stride - 1` zeros between its elements,
    with the filter turned round and input and output channels exchanged.
    """
    activation, weight, *parameters = operands
    groups, rank = op.integer("groups"), activation.values.ndim - 2
    strides, dilations = op.integers("strides"), op.integers("dilations")
    reaches = [d * (f - 1) for d, f in zip(dilations, weight.values.shape[2:], strict=True)]
    more = op.integers("output_padding")
    spread = _spread(activation.centred(), strides)
    spread = _padded(spread, (*reaches, *(r + m for r, m in zip(reaches, more, strict=True))))
    sums = _correlate(spread, _turned(weight.centred(), groups), (1,) * rank, dilations, groups)
    pads = op.integers("pads")
    inner = tuple(
        slice(before, extent - after)
        for before, after, extent in zip(pads[:rank], pads[rank:], sums.shape[2:], strict=True)
    )
    return _finish(op, sums[:, :, *inner], parameters, result, channel_axis=1)


def exact_type(bound: int) -> type[np.float32 | np.float64 | np.int64]:
    """The fastest type whose sums of integers are right if no partial sum is beyond `bound`.

    int64 is right for every bound: it wraps, and the low 32 bits of a wrapped sum are right.
    """
    if bound <= 1 << 24:
        return np.float32
    return np.float64 if bound <= 1 << 53 else np.int64


def wrapped(sums: Array) -> Accumulators:
    """Exact sums as 32 bits of two's complement."""
    if sums.dtype == np.float32:
        return sums.astype(np.int32)  # exact: at most 2**24
    return wrap(sums.astype(np.int64), ACCUMULATOR_BITS).astype(np.int32)


def _largest(values: NDArray[np.int32]) -> int:
    return max(int(values.max(initial=0)), -int(values.min(initial=0)))


def _largest_sum(values: NDArray[np.int32], axis: int | tuple[int, ...]) -> int:
    """The largest sum of magnitudes along `axis`."""
    return int(np.abs(values).sum(axis=axis, dtype=np.int64).max(initial=0))


def _padded(centred: NDArray[np.int32], pads: Sequence[int]) -> NDArray[np.int32]:
    """Zeros around the spatial axes: `pads` before each, then after each."""
    if not any(pads):
        return centred
    rank = len(pads) // 2
    return np.pad(centred, [(0, 0), (0, 0), *zip(pads[:rank], pads[rank:], strict=True)])


def _every(steps: Sequence[int]) -> tuple[slice, ...]:
    """For each axis every `step`-th index, from the first."""
    return tuple(slice(None, None, step) for step in steps)


def _spread(centred: NDArray[np.int32], strides: Sequence[int]) -> NDArray[np.int32]:
    """`stride - 1` zeros between neighbours of each spatial axis."""
    extents = [s * (n - 1) + 1 for s, n in zip(strides, centred.shape[2:], strict=True)]
    spread = np.zeros((*centred.shape[:2], *extents), np.int32)
    spread[:, :, *_every(strides)] = centred
    return spread


def _turned(weight: NDArray[np.int32], groups: int) -> NDArray[np.int32]:
    """`[C][K/groups]...` to `[K][C/groups]...`, each filter from its end to its start."""
    channels, filters, *kernel = weight.shape
    grouped = weight.reshape(groups, channels // groups, filters, *kernel).swapaxes(1, 2)
    turned = np.flip(grouped, axis=tuple(range(3, grouped.ndim)))
    return turned.reshape(groups * filters, channels // groups, *kernel)


def _correlate(
    padded: NDArray[np.int32],
    weight: NDArray[np.int32],
    strides: Sequence[int],
    dilations: Sequence[int],
    groups: int,
) -> Accumulators:
    """Sums `[B][K][OY][OX]` of a convolution without padding, some images at a time."""
    exact = exact_type(_largest(padded) * _largest_sum(weight, tuple(range(1, weight.ndim))))
    reaches = [d * (f - 1) + 1 for d, f in zip(dilations, weight.shape[2:], strict=True)]
    spatial = tuple(range(2, padded.ndim))
    windows = sliding_window_view(padded.astype(exact), tuple(reaches), axis=spatial)
    windows = windows[:, :, *_every(strides), *_every(dilations)]  # [B][C][OY][OX][FY][FX]
    filters = weight.reshape(groups, len(weight) // groups, -1).astype(exact)
    images = max(1, PATCH_BYTES * len(windows) // max(1, windows.nbytes))
    parts = [
        wrapped(_patch_products(windows[first : first + images], filters))
        for first in range(0, len(windows), images)
    ]
    return np.concatenate(parts, axis=0) if len(parts) > 1 else parts[0]


def _patch_products(windows: Array, filters: Array) -> Array:
    """One matrix product a group: `[K/groups][C/groups FY FX] @ [C/groups FY FX][B OY OX]`."""
    rank = (windows.ndim - 2) // 2
    batch, channels, *extents = windows.shape[: 2 + rank]
    groups = len(filters)
    grouped = windows.reshape(batch, groups, channels // groups, *windows.shape[2:])
    # [groups][C/groups][FY][FX][B][OY][OX]
    order = (1, 2, *range(3 + rank, 3 + 2 * rank), 0, *range(3, 3 + rank))
    patches = grouped.transpose(order).reshape(groups, -1, batch * math.prod(extents))
    sums = filters @ patches
    return sums.reshape(-1, batch, *extents).swapaxes(0, 1)


def _finish(
    op: Op,
    sums: Accumulators,
    parameters: Sequence[Operand],
    result: Tensor,
    channel_axis: int,
) -> Array:
    """Bias, and with a scale requantisation; without, the accumulators are the result."""
    extents = [1] * sums.ndim
    extents[channel_axis] = -1
    if parameters:
        sums = sums + parameters[0].values.reshape(extents)  # int32 arrays wrap
    if len(parameters) < 2:
        return saturate(op, sums, result)
    scale = parameters[1].values
    if scale.dtype == np.float32:
        rounded = scaled(sums, scale.reshape(extents))
        return saturate(op, rounded + np.float32(op.integer("zero_point")), result)
    return _fixed(op, sums, scale.reshape(extents), result)


def scaled(accumulators: Accumulators, scale: Floats | np.float32) -> Floats:
    """`rne(float32(accumulator) * scale)`: `requantize` in mode `exact` by IEEE float32 steps."""
    with np.errstate(over="ignore"):  # infinity saturates as every great number does
        product: Floats = accumulators.astype(np.float32) * scale
    return np.rint(product, out=product)


def _fixed(op: Op, sums: Accumulators, scale: NDArray[Any], result: Tensor) -> Array:
    """Scales that are words of an integer multiplier and a shift (docs/numbers.md, `fixed`)."""
    words = np.ascontiguousarray(scale).view(np.uint32).astype(np.int64)
    params = RequantizeParams(
        accumulator_bits=ACCUMULATOR_BITS,
        mode="fixed",
        multiplier_bits=op.integer("multiplier_bits"),
    )
    low, high = limits(op, result)
    narrow = requantize(
        sums.astype(np.int64), 0, words, params, op.integer("zero_point"), low, high
    )
    return saturate(op, narrow, result)
