"""Parameters of the requantizer and the encoding of its scales. Pure."""

import math
import struct
from dataclasses import dataclass
from typing import Literal

RequantizeMode = Literal["exact", "fixed"]

FLOAT32_MANTISSA_BITS = 24  # with the hidden one
SCALE_WORD_BITS = 32
BIAS_BITS = 32
MULTIPLIER_FIELD_BITS = 24  # fixed mode: multiplier in bits 0..23, shift in bits 24..31
MAX_SHIFT = 255


@dataclass(frozen=True, kw_only=True)
class RequantizeParams:
    """What a requantizer is built for.

    ``accumulator_bits``: width of the two's complement accumulator (8..48). ``output_bits`` and
    ``output_is_signed``: format of the result (2..16 bits). ``mode``: ``exact`` computes in float32
    as onnxruntime does, ``fixed`` multiplies by ``multiplier_bits`` bits (4..24) and shifts once.
    ``settings_are_static``: zero point, minimum and maximum hold still while values are under way,
    so that the registers which carry them along with the values are left out.
    """

    accumulator_bits: int = 32
    output_bits: int = 8
    output_is_signed: bool = True
    mode: RequantizeMode = "exact"
    multiplier_bits: int = MULTIPLIER_FIELD_BITS
    settings_are_static: bool = False

    def __post_init__(self) -> None:
        _check_range("accumulator_bits", self.accumulator_bits, 8, 48)
        _check_range("output_bits", self.output_bits, 2, 16)
        _check_range("multiplier_bits", self.multiplier_bits, 4, MULTIPLIER_FIELD_BITS)
        if self.mode not in ("exact", "fixed"):
            raise ValueError(f"mode: must be 'exact' or 'fixed', got {self.mode!r}")

    @property
    def setting_bits(self) -> int:
        """Width (signed) of zero point, minimum and maximum: holds either output format."""
        return self.output_bits + 1

    @property
    def output_range(self) -> tuple[int, int]:
        """Smallest and largest value of the output format."""
        if self.output_is_signed:
            return -(1 << (self.output_bits - 1)), (1 << (self.output_bits - 1)) - 1
        return 0, (1 << self.output_bits) - 1

    @property
    def magnitude_bits(self) -> int:
        """Integer bits that are kept: a larger magnitude saturates whatever the zero point is."""
        return self.output_bits + 2


def encode_scale(scale: float, mode: RequantizeMode, bits: int = MULTIPLIER_FIELD_BITS) -> int:
    """Scale as the 32-bit word that the hardware takes.

    ``exact``: the bits of the nearest float32. ``fixed``: ``bits`` bits of multiplier and a shift
    with ``scale ~ multiplier * 2**-shift`` and the multiplier's top bit set.
    """
    if not (math.isfinite(scale) and scale > 0):
        raise ValueError(f"scale: must be positive and finite, got {scale!r}")
    if mode == "exact":
        return _encode_float32(scale)
    _check_range("bits", bits, 4, MULTIPLIER_FIELD_BITS)
    fraction, exponent = math.frexp(scale)
    multiplier = round(math.ldexp(fraction, bits))  # exact product; half to even
    if multiplier == 1 << bits:
        multiplier, exponent = multiplier >> 1, exponent + 1
    shift = bits - exponent
    _check_range(f"shift of scale {scale!r}", shift, 0, MAX_SHIFT)
    return multiplier | (shift << MULTIPLIER_FIELD_BITS)


def decode_scale(word: int, mode: RequantizeMode) -> float:
    """Value of an encoded scale; the inverse of ``encode_scale`` up to its rounding."""
    if mode == "exact":
        value: float = struct.unpack("<f", struct.pack("<I", word))[0]
        return value
    multiplier = word & ((1 << MULTIPLIER_FIELD_BITS) - 1)
    return math.ldexp(multiplier, -(word >> MULTIPLIER_FIELD_BITS))


def _encode_float32(scale: float) -> int:
    try:
        word: int = struct.unpack("<I", struct.pack("<f", scale))[0]
    except OverflowError:
        raise ValueError(f"scale: too large for float32, got {scale!r}") from None
    if (word >> 23) & 0xFF == 0:
        raise ValueError(f"scale: below the smallest normal float32, got {scale!r}")
    if (word >> 23) & 0xFF == 0xFF:
        raise ValueError(f"scale: too large for float32, got {scale!r}")
    return word


def _check_range(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ValueError(f"{name}: must be {low}..{high}, got {value}")


def chunk_bits(bits: int) -> int:
    """Bits per chunk when a factor is cut so that products fit an 18 x 18 bit DSP block."""
    chunks = -(-bits // 17)
    return -(-bits // chunks)


def shift_levels(params: RequantizeParams) -> int:
    """Powers of two of the last shifter: it must be able to shift everything out.

    The value has ``magnitude_bits`` integer bits (exact), or the whole product (fixed).
    """
    if params.mode == "exact":
        return (params.magnitude_bits + 1).bit_length()
    return min((params.accumulator_bits + params.multiplier_bits + 1).bit_length(), 8)
