"""Golden models of the ops that work number by number.

Sums and products of 8-bit numbers are onnxruntime's `QLinearAdd` and `QLinearMul`; other formats,
and differences, are its float32 ops between `DequantizeLinear` and `QuantizeLinear`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from tilewright.dataflow.graph import Op, Tensor
from tilewright.dataflow.number_formats import range_of

from .float32_steps import GREATEST_SCALE, dequantized, fused_multiply_add, quantized
from .operand import Array, Floats, Operand, saturate, scale_of, zero_point_of

Shape = tuple[int, ...]


def add(op: Op, operands: Sequence[Operand], result: Tensor) -> Array:
    """Sums: with 8 bits by fused multiply-adds onto all zero points in units of the result.

    `fixed = z - fma(ra, za, rb zb)` with `ra = sa / s`, `rb = sb / s`; then
    `rne(fma(a, ra, fma(b, rb, fixed)))`, saturated. The operands change places where the first is
    one number against a row of the second.
    """
    a, b = operands
    if not has_8_bit_kernel(operands, result):
        return quantized(op, dequantized(a) + dequantized(b), result)
    if _is_scalar_against_row(a.tensor.shape, b.tensor.shape):
        a, b = b, a
    ratio_a, ratio_b = _ratio(result, a.scale), _ratio(result, b.scale)
    zeros = fused_multiply_add(
        np.array(ratio_a), np.float32(a.zero_point), ratio_b * np.float32(b.zero_point)
    )
    fixed = np.float32(zero_point_of(result)) - np.float32(zeros)
    shape = np.broadcast_shapes(a.values.shape, b.values.shape)
    inner = fused_multiply_add(b.values.astype(np.float32), ratio_b, fixed)
    outer = np.broadcast_to(a.values.astype(np.float32), shape)
    return saturate(op, np.rint(fused_multiply_add(outer, ratio_a, inner)), result)


def sub(op: Op, operands: Sequence[Operand], result: Tensor) -> Array:
    """Differences of the float32 values."""
    a, b = operands
    return quantized(op, dequantized(a) - dequantized(b), result)


def mul(op: Op, operands: Sequence[Operand], result: Tensor) -> Array:
    """Products: with 8 bits `rne(float32((a - za) (b - zb)) * (sa sb / s) + z)`, saturated.

    The zero point is added before rounding, in float32.
    """
    a, b = operands
    if not has_8_bit_kernel(operands, result):
        with np.errstate(over="ignore"):  # infinity saturates as every great number does
            product = dequantized(a) * dequantized(b)
        return quantized(op, product, result)
    ratio = _ratio(result, a.scale, b.scale)
    products: Floats = (a.centred() * b.centred()).astype(np.float32) * ratio
    return saturate(op, np.rint(products + np.float32(zero_point_of(result))), result)


def requantize(op: Op, operands: Sequence[Operand], result: Tensor) -> Array:
    """The same values in another scale, zero point or format."""
    return quantized(op, dequantized(operands[0]), result)


def table(op: Op, operands: Sequence[Operand], result: Tensor) -> Array:
    """An entry for each number of the operand's format, from the least."""
    del op, result
    activation, entries = operands
    least, greatest = range_of(activation.tensor.number_format)
    if len(entries.values) != greatest - least + 1:
        raise ValueError(f"table has {len(entries.values)} entries for {least}..{greatest}")
    return entries.values.take(activation.values.astype(np.int64) - least)


def threshold(op: Op, operands: Sequence[Operand], result: Tensor) -> Array:
    """`minimum` plus the number of the channel's thresholds that are not above the operand."""
    activation, thresholds = operands
    channels = np.moveaxis(activation.values, op.integer("axis"), 0)
    steps = np.broadcast_to(thresholds.values, (len(channels), thresholds.values.shape[-1]))
    counts = np.stack(
        [
            np.searchsorted(rising, numbers, side="right")
            for rising, numbers in zip(steps, channels, strict=True)
        ]
    )
    levels = np.moveaxis(counts, 0, op.integer("axis")) + op.integer("minimum")
    return saturate(op, levels, result)


def _ratio(result: Tensor, *scales: np.float32) -> np.float32:
    """The product of scales in units of the result's; ValueError if so great that sums overflow."""
    with np.errstate(over="ignore"):
        ratio = np.prod(np.array(scales, np.float32), dtype=np.float32) / scale_of(result)
    if not ratio < GREATEST_SCALE:
        listed = " x ".join(f"{scale:g}" for scale in scales)
        raise ValueError(f"scale {listed} is too great for the result's {scale_of(result):g}")
    return ratio


def has_8_bit_kernel(operands: Sequence[Operand], result: Tensor) -> bool:
    """Whether onnxruntime has one kernel for the op between its quantisations."""
    formats = {result.number_format, *(operand.tensor.number_format for operand in operands)}
    return formats in ({"int8"}, {"uint8"})


def _is_scalar_against_row(a: Shape, b: Shape) -> bool:
    """Whether onnxruntime takes `a` for one number against a row of `b`.

    It looks at the innermost axis on which either has more than one index, among the axes that both
    have; at the outermost of those if there is none. A shape without axes counts as one axis.
    """
    common = max(1, min(len(a), len(b)))
    inner_a, inner_b = (((1,) * common + shape)[: -common - 1 : -1] for shape in (a, b))
    pairs = list(zip(inner_a, inner_b, strict=True))
    extent_of_a, _ = next((pair for pair in pairs if max(pair) > 1), pairs[-1])
    return extent_of_a == 1
