"""What a requantizer is made of, stage by stage as `requantize.Requantizer` builds it. Pure."""

from .requantize_params import (
    FLOAT32_MANTISSA_BITS,
    MULTIPLIER_FIELD_BITS,
    RequantizeParams,
    chunk_bits,
    shift_levels,
)
from .structure import Structure

EXPONENT_AND_MANTISSA_BITS = 31
AMOUNT_BITS = 10


def requantizer(s: Structure, p: RequantizeParams, num: int) -> None:
    """`num` requantizers whose settings stand still."""
    width = p.accumulator_bits
    s.registers("total", 2 * width * num)
    s.add("total", 2 * width, num)
    scale = _exact if p.mode == "exact" else _fixed
    value, levels, stages = scale(s, p, num)
    shifts = -(-levels // 2)
    s.registers("shift", num * shifts * (value + 1))
    s.registers("shift", num * sum(range(levels - 2, 0, -2)))
    s.choose("shift", 4, value, num * shifts)
    s.reduce("sticky", 1 << levels, num)
    s.registers("finish", num * (p.magnitude_bits + 2))
    s.add("finish", p.magnitude_bits + 1, num)
    s.reduce("huge", max(1, value - p.magnitude_bits - 2), num)
    s.delay("sign", num, stages + shifts + 1)
    total = p.magnitude_bits + 3
    s.registers("finish", num * (total + 2 + p.output_bits))
    s.add("finish", total, num)
    s.less("finish", total, 2 * num)
    s.choose("bound", 3, p.output_bits, num)


def _exact(s: Structure, p: RequantizeParams, num: int) -> tuple[int, int, int]:
    """Three float32 roundings; bits and levels of the last shifter, stages up to it."""
    kept, width = FLOAT32_MANTISSA_BITS, p.accumulator_bits
    value = max(kept, width)
    powers = (width - 1).bit_length()
    stages = -(-powers // 2)
    excess = value - kept
    # Bits that only round are one bit after the last stage.
    s.registers("normalize", num * (stages * value - max(0, excess - 1)))
    s.registers("zeros", num * sum(range(powers, 0, -2)))
    s.choose("normalize", 4, value, num * stages)
    s.reduce("zeros", width, 2 * num)
    s.delay("scale", num * EXPONENT_AND_MANTISSA_BITS, stages + 2)
    s.registers("mantissa", num * (2 * kept + AMOUNT_BITS))
    s.add("mantissa", (kept if excess else 0) + 2 * AMOUNT_BITS, num)
    s.reduce("mantissa", excess + 1, num * (4 if powers > 1 else 2))
    partial = _product(s, kept, kept, num)
    s.delay("amount", num * (AMOUNT_BITS + (1 if excess else 0)), partial)
    s.registers("product", num * (kept + 2 + AMOUNT_BITS))
    s.gates("product", kept + 1, num)
    s.reduce("product", kept, num)
    s.add("product", AMOUNT_BITS, num)
    s.registers("quotient", num * (kept + 1 + AMOUNT_BITS))
    s.add("quotient", kept + AMOUNT_BITS, num)
    levels = shift_levels(p)
    s.registers("quotient", num * (1 + levels + p.magnitude_bits + 2))
    s.gates("quotient", levels + 2, num)
    s.reduce("quotient", kept - p.magnitude_bits, num)
    return p.magnitude_bits + 2, levels, stages + 1 + partial + 3


def _fixed(s: Structure, p: RequantizeParams, num: int) -> tuple[int, int, int]:
    """One product, one shift; the same."""
    levels = shift_levels(p)
    s.delay("scale", num * (p.multiplier_bits + min(8, levels)), 2)
    stages = _product(s, p.accumulator_bits, p.multiplier_bits, num)
    s.delay("amount", num * min(MULTIPLIER_FIELD_BITS, levels), stages)
    s.gates("amount", levels, num)
    return p.accumulator_bits + p.multiplier_bits, levels, stages


def _product(s: Structure, a_bits: int, b_bits: int, num: int) -> int:
    """Partial products and the tree that adds them; cycles."""
    a_chunk, b_chunk = chunk_bits(a_bits), chunk_bits(b_bits)
    terms = []
    for i in range(0, a_bits, a_chunk):
        for j in range(0, b_bits, b_chunk):
            a, b = min(a_chunk, a_bits - i), min(b_chunk, b_bits - j)
            s.multiply("products", a, b, num, is_unsigned=True)
            terms.append((i + j, a + b))
    terms.sort()
    stages = 1
    while len(terms) > 1:
        terms = [_pair(s, terms[i : i + 2], a_bits + b_bits, num) for i in range(0, len(terms), 2)]
        stages += 1
    return stages


def _pair(s: Structure, pair: list[tuple[int, int]], width: int, num: int) -> tuple[int, int]:
    """One or two weighted terms added in a cycle: weight and bits of the sum."""
    weight, bits = pair[0]
    if len(pair) == 2:
        distance = pair[1][0] - weight
        upper = max(bits - distance, pair[1][1])
        s.add("tree", upper, num)
        bits = min(distance + upper + 1, width - weight)
    s.registers("tree", num * bits)
    return weight, bits
