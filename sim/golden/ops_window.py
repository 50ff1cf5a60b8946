"""Golden models of the ops over windows and axes: pools and means.

Averages of 8-bit numbers are onnxruntime's `QLinearAveragePool` and `QLinearGlobalAveragePool`;
other formats, and `reduce_mean`, are its float32 ops between `DequantizeLinear` and
`QuantizeLinear`, in the order in which its kernels sum.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby, product

import numpy as np
from tilewright.dataflow.graph import Op, Tensor
from tilewright.dataflow.number_formats import range_of

from .float32_steps import (
    dequantized,
    quantized,
    shifted,
    sum_in_fours,
    sum_in_lanes,
    sum_in_sequence,
)
from .operand import Array, Floats, Operand, saturate, scale_of, zero_point_of
from .ops_elementwise import has_8_bit_kernel

LANES = 4


def max_pool(op: Op, operands: Sequence[Operand], result: Tensor) -> Array:
    """The greatest number of each window; padding never wins."""
    del result
    (activation,) = operands
    least, _ = range_of(activation.tensor.number_format)
    taps = window_taps(op, activation.values, least)
    greatest = next(taps)
    for tap in taps:
        greatest = np.maximum(greatest, tap)
    return greatest


def average_pool(op: Op, operands: Sequence[Operand], result: Tensor) -> Array:
    """Means of windows: float32 sums tap by tap, row-major, divided by the number of taps inside.

    `counts_padding`: taps in the padding count, as zeros. 8-bit results: `rne(mean / s + z)`, the
    zero point added in float32 before rounding. A window that is the whole image is
    `global_average_pool`.
    """
    (activation,) = operands
    if not has_8_bit_kernel(operands, result):
        return quantized(op, _window_means(op, activation), result)
    is_whole = op.integers("kernel") == activation.tensor.shape[2:]
    if is_whole and not any(op.integers("pads")):
        return global_average_pool(op, operands, result)
    with np.errstate(over="ignore"):
        ratio = _window_means(op, activation) / scale_of(result)
    return saturate(op, np.rint(ratio + np.float32(zero_point_of(result))), result)


def global_average_pool(op: Op, operands: Sequence[Operand], result: Tensor) -> Array:
    """Means of whole images: `rne(float32(sum (x - zx)) * scale) + z`, `scale = sx / (s n)`.

    Other than 8-bit numbers: float32 sums in four lanes.
    """
    (activation,) = operands
    batch, channels, *spatial = activation.values.shape
    flat = Operand(tensor=activation.tensor, values=activation.values.reshape(batch, channels, -1))
    extents = (batch, channels, *(1 for _ in spatial))
    count = np.float32(math.prod(spatial))
    if not has_8_bit_kernel(operands, result):
        means = sum_in_lanes(dequantized(flat)) / count
        return quantized(op, means.reshape(extents), result)
    sums = flat.centred().sum(axis=-1, dtype=np.int32)
    with np.errstate(over="ignore"):
        scaled: Floats = sums.astype(np.float32) * (activation.scale / (scale_of(result) * count))
    whole = np.rint(scaled).reshape(extents)
    return shifted(op, whole, zero_point_of(result), result)


def reduce_mean(op: Op, operands: Sequence[Operand], result: Tensor) -> Array:
    """Means over `axes`: float32 sums in the order of onnxruntime's `ReduceMean`, and a division.

    The order depends on how the axes lie (docs/numbers.md). With `keeps_axes` the reduced axes stay
    with extent 1.
    """
    (activation,) = operands
    axes, shape = op.integers("axes"), activation.values.shape
    kept = tuple(axis for axis in range(len(shape)) if axis not in axes)
    count = math.prod(shape[axis] for axis in axes)
    rows = dequantized(activation).transpose(*kept, *axes).reshape(-1, count)
    sums = _sums_by_layout(rows, activation.tensor.shape, axes)
    means = quantized(op, sums / np.float32(count), result)
    if op.integer("keeps_axes"):
        return means.reshape([1 if axis in axes else extent for axis, extent in enumerate(shape)])
    return means.reshape([shape[axis] for axis in kept])


def _sums_by_layout(rows: Floats, shape: tuple[int, ...], axes: tuple[int, ...]) -> Floats:
    """Row sums in the order that suits how reduced (R) and kept (K) axes follow each other.

    Axes of one index count unless they are the first.
    """
    first = next((axis for axis, extent in enumerate(shape) if extent > 1), 0)
    letters = ["R" if axis in axes else "K" for axis in range(first, len(shape))]
    pattern = "".join(letter for letter, _ in groupby(letters))
    if pattern == "R":
        return sum_in_lanes(rows, num_totals=2)
    if pattern == "KR":
        return _sums_of_aligned_rows(rows, math.prod(shape) // rows.shape[-1])
    if pattern == "KRK":
        return sum_in_fours(rows)
    return sum_in_sequence(rows)


def _sums_of_aligned_rows(rows: Floats, num_rows: int) -> Floats:
    """Packets of four begin where the address is a multiple of four numbers.

    `num_rows`: rows of one run of the graph; they lie one after the other from address 0.
    """
    extent = rows.shape[-1]
    addresses = np.arange(len(rows)) % num_rows * extent
    sums = np.empty(len(rows), np.float32)
    for offset in range(LANES):
        chosen = addresses % LANES == offset
        start = min(-offset % LANES, extent)
        sums[chosen] = sum_in_lanes(rows[chosen], start, num_totals=2)
    return sums


def _window_means(op: Op, activation: Operand) -> Floats:
    values = dequantized(activation)
    total = _window_sums(op, values)
    if op.integer("counts_padding"):
        return total / np.float32(math.prod(op.integers("kernel")))
    return total / _window_sums(op, np.ones((1, 1, *values.shape[2:]), np.float32))


def _window_sums(op: Op, values: Floats) -> Floats:
    taps = window_taps(op, values, 0)
    total: Floats = next(taps)
    for tap in taps:
        total = total + tap
    return total


def window_taps(op: Op, values: Array, padding: int) -> Iterator[Array]:
    """For each tap of the window, row-major, what lies under it at every position."""
    kernel, pads = op.integers("kernel"), op.integers("pads")
    strides, dilations = op.integers("strides"), op.integers("dilations")
    rank = len(kernel)
    around = [(0, 0), (0, 0), *zip(pads[:rank], pads[rank:], strict=True)]
    padded = np.pad(values, around, constant_values=padding) if any(pads) else values
    extents = [
        (padded.shape[2 + axis] - dilations[axis] * (kernel[axis] - 1) - 1) // strides[axis] + 1
        for axis in range(rank)
    ]
    for tap in product(*map(range, kernel)):
        firsts = [index * dilation for index, dilation in zip(tap, dilations, strict=True)]
        yield padded[
            :,
            :,
            *(
                slice(first, first + stride * (extent - 1) + 1, stride)
                for first, stride, extent in zip(firsts, strides, extents, strict=True)
            ),
        ]
