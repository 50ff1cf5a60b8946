"""Steps in IEEE single precision of which ops are made: each rounds once, half to even."""

from __future__ import annotations

import numpy as np
from tilewright.dataflow.graph import Op, Tensor
from tilewright.dataflow.number_formats import bits_of

from .operand import Array, Floats, Operand, saturate, scale_of, zero_point_of

GREATEST_SCALE = np.float32(2.0**100)  # sums of numbers of any format stay far from infinity


def dequantized(operand: Operand) -> Floats:
    """`float32(x - zero_point) * scale`; ValueError if sums of such values could overflow."""
    if not operand.scale < GREATEST_SCALE:
        raise ValueError(f"tensor {operand.tensor.name}: scale {operand.scale:g} is too great")
    return operand.centred().astype(np.float32) * operand.scale


def quantized(op: Op, values: Floats, result: Tensor) -> Array:
    """`rne(value / scale) + zero_point`, saturated."""
    with np.errstate(over="ignore"):  # infinity saturates as every great number does
        ratio: Floats = values / scale_of(result)
    return shifted(op, np.rint(ratio, out=ratio), zero_point_of(result), result)


def shifted(op: Op, whole: Floats, zero_point: int, result: Tensor) -> Array:
    """Whole numbers plus a zero point, saturated.

    float32 holds the sum of every number that does not saturate in formats of up to 16 bits.
    """
    if bits_of(result.number_format) <= 16:
        return saturate(op, whole + np.float32(zero_point), result)
    return saturate(op, whole.astype(np.float64) + zero_point, result)


def fused_multiply_add(a: Floats, b: Floats | np.float32, c: Floats | np.float32) -> Floats:
    """`a * b + c` rounded once.

    The product has 48 bits and is exact in float64. The float64 sum is rounded to odd: where it is
    not exact, of its two neighbours the one with an odd last bit is taken. Rounding that to float32
    gives what rounding the exact sum would (Boldo and Melquiond, "When double rounding is odd",
    2005). What the sum lost comes from Knuth's exact two-sum.
    """
    product = np.asarray(a, np.float64) * np.float64(b)
    addend = np.broadcast_to(np.asarray(c, np.float64), product.shape)
    total = np.atleast_1d(product + addend)
    part = total - product
    lost = (product - (total - part)) + (addend - part)
    is_even = total.view(np.int64) % 2 == 0
    odd = np.nextafter(total, np.where(lost > 0, np.inf, -np.inf))
    exact = np.where((lost != 0) & is_even, odd, total)
    return exact.astype(np.float32).reshape(product.shape)


def sum_in_sequence(values: Floats) -> Floats:
    """Sums over the last axis, first number to last."""
    total: Floats = values[..., 0]
    for index in range(1, values.shape[-1]):
        total = total + values[..., index]
    return total


def sum_in_fours(values: Floats) -> Floats:
    """Sums over the last axis: four numbers, then two, then one are summed and added to a total."""
    extent = values.shape[-1]
    sizes = [4] * (extent // 4) + [2] * (extent % 4 // 2) + [1] * (extent % 2)
    total, first = np.zeros(values.shape[:-1], np.float32), 0
    for size in sizes:
        total = sum_in_sequence(values[..., first : first + size]) + total
        first += size
    return total


def sum_in_lanes(values: Floats, start: int = 0, num_totals: int = 1) -> Floats:
    """Sums over the last axis in four lanes, as vector units do.

    From index `start` on, packets of four numbers are added lane by lane to `num_totals` totals in
    turn (the last odd packet to the first); the second total is added to the first; then lanes 0
    and 2, lanes 1 and 3, and the two sums; then the numbers before `start`, and those left over.
    """
    num_packets = max(0, values.shape[-1] - start) // 4
    if not num_packets:
        return sum_in_sequence(values)
    end = start + 4 * num_packets
    packets = values[..., start:end].reshape(*values.shape[:-1], num_packets, 4)
    paired = num_packets // num_totals * num_totals
    lanes = _lane_totals(packets[..., :paired, :], num_totals) if paired else packets[..., 0, :]
    if 0 < paired < num_packets:
        lanes = lanes + packets[..., -1, :]
    total: Floats = (lanes[..., 0] + lanes[..., 2]) + (lanes[..., 1] + lanes[..., 3])
    for index in (*range(start), *range(end, values.shape[-1])):
        total = total + values[..., index]
    return total


def _lane_totals(packets: Floats, num_totals: int) -> Floats:
    """Lane sums of the packets taken in turn by `num_totals` totals, which are then added."""
    turns = [
        sum_in_sequence(packets[..., first::num_totals, :].swapaxes(-1, -2))
        for first in range(num_totals)
    ]
    return sum_in_sequence(np.stack(turns, axis=-1))
