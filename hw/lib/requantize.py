"""Requantizer: accumulator to narrow integer, one value per cycle."""

from amaranth.hdl import C, Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .cost import requantize_latency, requantize_settings_latency
from .requantize_params import (
    BIAS_BITS,
    FLOAT32_MANTISSA_BITS,
    MULTIPLIER_FIELD_BITS,
    SCALE_WORD_BITS,
    RequantizeParams,
    chunk_bits,
    shift_levels,
)

EXPONENT_BITS = 8
EXPONENT_BIAS = 127


class Pipeline:
    """Registers of a free running pipeline; counts its stages and aligns what travels along."""

    def __init__(self, m: Module) -> None:
        self.m = m
        self.depth = 0  # stages so far

    def stage(self) -> None:
        """Begins the next stage; what is registered now belongs to it."""
        self.depth += 1

    def register(self, name: str, value: Value) -> Signal:
        """Register of the current stage."""
        result = Signal(value.shape(), name=f"s{self.depth}_{name}", reset_less=True)
        self.m.d.sync += result.eq(value)
        return result

    def delay(self, name: str, value: Value, since: int) -> Value:
        """``value``, which was made in stage ``since``, as the current stage shows it."""
        for depth in range(since + 1, self.depth + 1):
            delayed = Signal(value.shape(), name=f"s{depth}_{name}", reset_less=True)
            self.m.d.sync += delayed.eq(value)
            value = delayed
        return value


class Requantizer(wiring.Component):
    """Adds the bias, scales, rounds half to even, adds the zero point and saturates.

    Parameters
    ----------
    params : RequantizeParams

    Members
    -------
    accumulator : In(signed(accumulator_bits))
    bias : In(signed(32)); the sum wraps at accumulator_bits
    scale : In(32), as ``encode_scale`` writes it
        exact: bits of the float32, whose sign is ignored; a subnormal counts as zero, which no
        result can tell from its value; infinity and NaN are not allowed.
        fixed: multiplier in bits 0..23 (the low ``multiplier_bits`` are used), shift in 24..31.
    zero_point, minimum, maximum : In(signed(output_bits + 1)); minimum <= maximum
    result : Out(output_bits, signed or not)

    Timing
    ------
    One value per cycle, never stalls, no reset needed. What is on the members in cycle t gives the
    result in cycle t + ``requantize_latency(params)``. With ``settings_are_static``, zero point,
    minimum and maximum are not carried along but taken in cycle
    t + ``requantize_settings_latency(params)``.

    Numbers
    -------
    exact: ``rne(float32(accumulator + bias) * scale)`` with three roundings, each half to even: the
    accumulator to 24 bits, the 24 x 24 bit product to 24 bits, and to an integer. fixed: one
    rounding, half to even, of ``(accumulator + bias) * multiplier / 2**shift``. Magnitudes of
    2**(output_bits + 2) or more saturate whatever the zero point. Tested against the golden model
    over the whole range of both modes.
    """

    def __init__(self, params: RequantizeParams) -> None:
        self.params = params
        setting = signed(params.setting_bits)
        output = signed(params.output_bits) if params.output_is_signed else params.output_bits
        super().__init__(
            {
                "accumulator": In(signed(params.accumulator_bits)),
                "bias": In(signed(BIAS_BITS)),
                "scale": In(SCALE_WORD_BITS),
                "zero_point": In(setting),
                "minimum": In(setting),
                "maximum": In(setting),
                "result": Out(output),
            }
        )

    def elaborate(self, platform):
        m = Module()
        p = Pipeline(m)
        p.stage()
        total = Signal(signed(self.params.accumulator_bits), name="s1_total", reset_less=True)
        m.d.sync += total.eq(self.accumulator + self.bias)
        p.stage()
        is_negative = p.register("is_negative", total[-1])
        # -x = ~x + 1: one addition with a LUT in front, instead of a subtraction and a multiplexer
        positive = (total ^ total[-1].replicate(len(total))) + total[-1]
        magnitude = p.register("magnitude", positive[: len(total)])
        sign_depth = p.depth
        if self.params.mode == "exact":
            product, is_huge, amount = self._scale_exact(p, magnitude)
        else:
            product, is_huge, amount = self._scale_fixed(p, magnitude)
        rounded, is_huge = self._shift(p, product, is_huge, amount)
        is_negative = p.delay("is_negative", is_negative, sign_depth)
        self._finish(p, rounded, is_huge, is_negative)
        assert p.depth == requantize_latency(self.params)
        return m

    def _scale_exact(self, p, magnitude):
        """Product of two float32: value with one fraction bit and sticky, huge, shift amount."""
        width, kept = self.params.accumulator_bits, FLOAT32_MANTISSA_BITS
        integer_bits = self.params.magnitude_bits
        normal, zeros, is_up = self._normalize(p, magnitude)
        scale = p.delay("scale", self.scale, 0)

        p.stage()  # first rounding: the accumulator to 24 bits
        excess = len(normal) - kept
        mantissa, carry = _round_mantissa(p, "mantissa", normal[excess:], is_up)
        factor = p.register("factor", Cat(scale[: kept - 1], C(1, 1)))
        base = EXPONENT_BIAS + integer_bits - width
        exponent = scale[kept - 1 : kept - 1 + EXPONENT_BITS]
        amount = p.register("amount", (C(base, signed(10)) + zeros - exponent)[:10].as_signed())
        depth = p.depth
        product = multiply(p, mantissa, factor)
        carry = p.delay("carry", carry, depth)
        amount = p.delay("amount", amount, depth)
        return self._round_product(p, product, amount, carry)

    def _round_product(self, p, product, amount, carry):
        """Second rounding, and what is left for the last shift."""
        kept, integer_bits = FLOAT32_MANTISSA_BITS, self.params.magnitude_bits
        p.stage()  # the product's top bit is 46 or 47
        is_wide = product[-1]
        window = Mux(is_wide, product[kept - 1 :], product[kept - 2 : -1])
        sticky = product[: kept - 2].any() | (is_wide & product[kept - 2])
        selected = p.register("selected", Cat(sticky, window))
        amount = p.register("amount", (amount - carry - is_wide)[:10].as_signed())
        p.stage()
        is_up = _rounds_up(selected, 2)
        quotient, carry = _round_mantissa(p, "quotient", selected[2:], is_up)
        amount = p.register("amount", amount)

        p.stage()  # amount < 0: too large; amount beyond the window: only the sticky bit is left
        amount = (amount - carry)[:10].as_signed()
        levels = shift_levels(self.params)
        limit = (1 << levels) - 1
        is_huge = p.register("is_huge", (amount < 0) & quotient[-1])
        clamped = p.register("amount", Mux(amount >= limit, limit, amount[:levels])[:levels])
        top = quotient[kept - integer_bits - 1 :]
        value = p.register("value", Cat(quotient[: kept - integer_bits - 1].any(), top))
        return value, is_huge, clamped

    def _normalize(self, p, magnitude):
        """Shifts leading zeros out, two powers of two per stage; also their number, and whether
        what is left rounds up to 24 bits: that is found for every shift, before the last is known.
        """
        width = self.params.accumulator_bits
        value = Cat(C(0, max(FLOAT32_MANTISSA_BITS - width, 0)), magnitude)
        zeros = Const(0, 0)
        powers = list(reversed(range((width - 1).bit_length())))
        while powers:
            group = 2 - len(powers) % 2
            p.stage()
            is_up = _rounds_up_shifted(value, powers[:group], len(value) - FLOAT32_MANTISSA_BITS)
            for power in powers[:group]:
                is_empty = ~value[-(1 << power) :].any()
                value = Mux(is_empty, (value << (1 << power))[: len(value)], value)
                zeros = Cat(is_empty, zeros)
            value = p.register("normal", value)
            zeros = p.register("zeros", zeros)
            powers = powers[group:]
        return value, zeros, p.register("is_up", is_up)

    def _scale_fixed(self, p, magnitude):
        """Product with the multiplier: value with empty fraction and sticky, huge, shift amount."""
        multiplier = self.scale[: self.params.multiplier_bits]
        multiplier = p.delay("multiplier", multiplier, 0)
        amount = self.scale[MULTIPLIER_FIELD_BITS:]
        levels = shift_levels(self.params)
        amount = p.delay("amount", amount, 0)
        depth = p.depth
        product = multiply(p, magnitude, multiplier)
        limit = (1 << levels) - 1
        if len(amount) > levels:
            amount = Mux(amount[levels:].any(), limit, amount[:levels])
        return Cat(C(0, 2), product), C(0, 1), p.delay("amount", amount, depth)

    def _shift(self, p, value, is_huge, amount):
        """Shifts right, two powers of two per stage, and rounds half to even.

        Bit 0 of ``value`` is the sticky bit, bit 1 weighs one half.
        """
        powers = list(reversed(range(len(amount))))
        while powers:
            group = 2 - len(powers) % 2
            p.stage()
            for power in powers[:group]:
                shifted = Cat(value[: (1 << power) + 1].any(), value[(1 << power) + 1 :])
                value = Mux(amount[power], shifted, value)[: len(value)]
            value = p.register("shifted", value)
            is_huge = p.register("is_huge", is_huge)
            powers = powers[group:]
            if powers:
                amount = p.register("amount", amount[: len(powers)])
        p.stage()  # last rounding
        integer = value[2 : 2 + self.params.magnitude_bits]
        is_up = value[1] & (value[0] | value[2])
        is_huge = p.register("is_huge", is_huge | value[2 + len(integer) :].any())
        return p.register("rounded", integer + is_up), is_huge

    def _finish(self, p, rounded, is_huge, is_negative):
        """Sign, zero point, saturation."""
        depth = p.depth
        assert depth == requantize_settings_latency(self.params)
        carried = 0 if not self.params.settings_are_static else depth
        zero_point = p.delay("zero_point", self.zero_point, carried)
        p.stage()
        minimum = p.delay("minimum", self.minimum, min(carried, depth))
        maximum = p.delay("maximum", self.maximum, min(carried, depth))
        # -x = ~x + 1, in one addition with the zero point
        width = len(rounded) + 2
        signed_value = (Cat(rounded, C(0, 1)) ^ is_negative.replicate(len(rounded) + 1)).as_signed()
        total = p.register("sum", (signed_value + zero_point + is_negative)[:width].as_signed())
        is_huge = p.register("is_huge", is_huge)
        is_negative = p.register("is_negative", is_negative)
        p.stage()
        is_above = Mux(is_huge, ~is_negative, total > maximum)
        is_below = Mux(is_huge, is_negative, total < minimum)
        bounded = Mux(is_below, minimum, Mux(is_above, maximum, total))
        result = p.register("result", bounded[: self.params.output_bits])
        p.m.d.comb += self.result.eq(result)


def multiply(p: Pipeline, a: Value, b: Value) -> Value:
    """Unsigned product of two registers, as registered partial products that fit DSP blocks.

    The operands must come from registers: they are the input registers of the DSP blocks.
    """
    p.stage()
    a_bits, b_bits = chunk_bits(len(a)), chunk_bits(len(b))
    terms = []  # (weight, value)
    for i in range(0, len(a), a_bits):
        for j in range(0, len(b), b_bits):
            product = a[i : i + a_bits] * b[j : j + b_bits]
            terms.append((i + j, p.register(f"product_{i}_{j}", product)))
    terms.sort(key=lambda term: term[0])
    while len(terms) > 1:
        p.stage()
        pairs = [terms[i : i + 2] for i in range(0, len(terms), 2)]
        terms = [_add_pair(p, pair, len(a) + len(b)) for pair in pairs]
    return terms[0][1][: len(a) + len(b)]


def _add_pair(p, pair, width):
    """Registered sum of one or two weighted terms; the lower term's low bits pass by the adder."""
    weight, low = pair[0]
    if len(pair) == 1:
        return weight, p.register(f"partial_{weight}", low)
    distance = pair[1][0] - weight
    total = Cat(low[:distance], low[distance:] + pair[1][1])
    return weight, p.register(f"partial_{weight}", total[: width - weight])


def _rounds_up(value, excess):
    """Whether a value without its lowest `excess` bits is rounded up, half to even."""
    if excess == 0:
        return C(0, 1)
    return value[excess - 1] & (value[: excess - 1].any() | value[excess])


def _rounds_up_shifted(value, powers, excess):
    """The same after leading zeros were shifted out by these powers of two."""
    if not powers:
        return _rounds_up(value, excess)
    shifted = (value << (1 << powers[0]))[: len(value)]
    ways = [_rounds_up_shifted(way, powers[1:], excess) for way in (value, shifted)]
    return Mux(value[-(1 << powers[0]) :].any(), *ways)


def _round_mantissa(p, name, kept, is_up):
    """The 24 bits of a normalised value, rounded up or not, and whether that carried.

    When it carries, all bits are zero but the top one, which stays.
    """
    total = kept + is_up
    mantissa = Cat(total[: len(kept) - 1], kept[-1])
    return p.register(name, mantissa), p.register(f"{name}_carry", total[len(kept)])
