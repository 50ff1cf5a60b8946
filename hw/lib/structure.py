"""What a design is made of: registers, additions, choices, memories, products. Pure.

A template says part by part what it instantiates, with plain arithmetic on its parameters; the
builder turns that into LUTs and registers by a first estimate that holds for any logic of a family
(`LogicCosts`). The fitted coefficients of `resources` then correct each part of each template.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from .memory_mapping import CELLS, Mapped, Memory, Read, map_memory

__all__ = ["FAMILIES", "IN_BLOCKS", "LogicCosts", "Structure", "bits_of", "dsp_blocks"]


def bits_of(count: int) -> int:
    """Bits of an index below `count`; one at least."""
    return max(1, (count - 1).bit_length())


@dataclass(frozen=True, kw_only=True)
class LogicCosts:
    """First estimates of a family.

    `inputs` of a LUT; `choice` LUTs per bit and way beyond the first of a choice by an index;
    `less` LUTs per bit of a comparison of sizes; `shift_sites`: length of a shift register that a
    LUT holds, 0 if none does; `dsp_sizes`: operand bits of a multiplier; `dsp_least`: bits of the
    smallest product that takes one, `dsp_narrow` of its smaller operand; `dsp_is_signed`: an
    unsigned operand needs one more bit;
    `dsp_adds`: synthesis puts additions behind products into multiplier blocks; `dsp_resets`:
    operand registers with a reset or an enable, too; `dsp_packs`: any registers at all.
    """

    inputs: int
    choice: float
    less: float
    shift_sites: int
    dsp_sizes: tuple[int, int]
    dsp_least: int
    dsp_is_signed: bool
    dsp_adds: bool
    dsp_resets: bool
    dsp_packs: bool = True
    dsp_narrow: int = 2


_XILINX_SHIFT: Final = 32
FAMILIES: Final[dict[str, LogicCosts]] = {
    "ecp5": LogicCosts(inputs=4, choice=5 / 6, less=1, shift_sites=0, dsp_sizes=(18, 18),
                       dsp_least=0, dsp_is_signed=False, dsp_adds=False, dsp_resets=False),
    "xc7": LogicCosts(inputs=6, choice=1 / 3, less=2 / 3, shift_sites=_XILINX_SHIFT,
                      dsp_sizes=(25, 18), dsp_least=9, dsp_is_signed=True, dsp_adds=True,
                      dsp_resets=True),
    "xcup": LogicCosts(inputs=6, choice=1 / 3, less=2 / 3, shift_sites=_XILINX_SHIFT,
                       dsp_sizes=(27, 18), dsp_least=9, dsp_is_signed=True, dsp_adds=False,
                       dsp_resets=False, dsp_packs=False),
    "ice40": LogicCosts(inputs=4, choice=5 / 6, less=1, shift_sites=0, dsp_sizes=(0, 0),
                        dsp_least=0, dsp_is_signed=False, dsp_adds=False, dsp_resets=False),
    "ice40up": LogicCosts(inputs=4, choice=5 / 6, less=1, shift_sites=0, dsp_sizes=(16, 16),
                          dsp_least=11, dsp_is_signed=False, dsp_adds=False, dsp_resets=False),
    "gowin": LogicCosts(inputs=4, choice=5 / 6, less=1, shift_sites=0, dsp_sizes=(18, 18),
                        dsp_least=8, dsp_is_signed=False, dsp_adds=False, dsp_resets=False,
                        dsp_packs=False, dsp_narrow=4),
}  # fmt: skip
"""`ice40up`: iCE40 with multipliers, of the same cells as `ice40`."""

COSTS: Final = {
    **FAMILIES,
    CELLS: LogicCosts(inputs=4, choice=1, less=1, shift_sites=0, dsp_sizes=(0, 0), dsp_least=0,
                      dsp_is_signed=False, dsp_adds=False, dsp_resets=False),
}  # fmt: skip
"""Of the families, and of cells of a library, where logic is counted as LUTs of four inputs would
be: what each part of it takes in um2 is up to the fit (`cell_area`)."""

IN_BLOCKS: Final = (".block_product", ".in_block")
"""Ends of the names of parts that synthesis packs into multiplier blocks."""

MOST_SUM_BITS: Final = 64
"""Sums of several counters are written as one; none is longer."""

SIX: Final = 6

LEAST_SHIFT: Final = 3
"""Cycles from which a delay becomes a shift register, where a LUT can be one."""


def dsp_blocks(a_bits: int, b_bits: int, family: str, *, is_unsigned: bool = False) -> int:
    """Multiplier blocks of a product of two numbers, 0 if it is made of LUTs."""
    costs = COSTS[family]
    is_small = min(a_bits, b_bits) < costs.dsp_narrow or a_bits + b_bits < costs.dsp_least
    if not any(costs.dsp_sizes) or is_small:
        return 0
    more = 1 if is_unsigned and costs.dsp_is_signed else 0
    wide, narrow = sorted((a_bits + more, b_bits + more), reverse=True)
    largest, other = costs.dsp_sizes
    if wide > largest or narrow > other:
        raise ValueError(f"a product of {a_bits} x {b_bits} bits does not fit one block")
    return 1


class Structure:
    """LUTs, registers, memories and products of a design, by part.

    Amounts are numbers of bits; `num` is how many there are. `part` names what they belong to: the
    parts of a template are corrected one by one; `space` names whose parts they are, since some
    templates share theirs. For the clock: `kind` names what else makes one, such as a mode, and
    `levels` counts what lies in the longest path besides;
    `widest_sum`, `widest_test` and `most_ways` are the bits of the longest addition and comparison
    and the ways of the largest choice.
    """

    def __init__(self, family: str, space: str) -> None:
        if family not in COSTS:
            raise ValueError(f"family: one of {', '.join(COSTS)}, got {family!r}")
        self.family = family
        self.space = space
        self.kind = space
        self.levels = 0
        self.costs = COSTS[family]
        self.lut: defaultdict[str, float] = defaultdict(float)
        self.ff: defaultdict[str, float] = defaultdict(float)
        self.lut_ram = 0
        self.ram_blocks = 0
        self.large_ram_blocks = 0
        self.ram_bits = 0
        self.macro_bits = 0
        self.dsp = 0
        self.widest_sum = 0.0
        self.widest_test = 0.0
        self.most_ways = 1

    def logic(self, part: str, luts: float) -> None:
        """LUTs that are known as such."""
        self.lut[part] += luts

    def registers(self, part: str, bits: float) -> None:
        """Registers with reset or enable, or whose value is used at once."""
        self.ff[part] += bits

    def delay(self, part: str, bits: float, cycles: int, *, behind: str = "") -> None:
        """A value some cycles later, free running: registers, or shift registers in LUTs. `behind`:
        the part whose registers it comes from, which a shift register takes, too.
        """
        taken = 1 if behind and cycles else 0
        if self.costs.shift_sites and cycles + taken >= LEAST_SHIFT:
            self.lut["shift"] += bits * -(-(cycles + taken) // self.costs.shift_sites)
            if taken:
                self.ff[behind] -= bits
        else:
            self.ff[part] += bits * cycles

    def add(self, part: str, bits: float, num: float = 1) -> None:
        """Additions, subtractions, counters."""
        self.lut[part] += num * bits
        self.widest_sum = max(self.widest_sum, min(bits, MOST_SUM_BITS) if num else 0)

    def sums(self, part: str, bits: float, terms: int, left: int) -> None:
        """`terms` numbers in one cycle, so that `left` are left: all but the last two of a sum meet
        in rows of full adders, of two LUTs a bit, before the one carry chain.
        """
        rows = max(0, terms - 2 * left)
        chains = terms - left - rows
        self.lut[part] += (2 * rows + chains) * bits
        self.widest_sum = max(self.widest_sum, bits if chains else 0)

    def ones(self, part: str, bits: int, num: float = 1) -> None:
        """How many of some bits are set, for a sum: two go into its carry chain as they are, each
        other one takes most of a full adder.
        """
        each = 5 / 4 if self.costs.inputs >= SIX else 2
        self.lut[part] += num * each * max(0, bits - 2)

    def count(self, part: str, bits: float) -> None:
        """Small additions and counters of control, several at once."""
        self.lut[part] += bits

    def less(self, part: str, bits: float, num: float = 1) -> None:
        """Comparisons of sizes."""
        self.lut[part] += num * self.costs.less * bits
        self.widest_test = max(self.widest_test, bits if num else 0)

    def reduce(self, part: str, bits: float, num: float = 1) -> None:
        """One bit of many: all, any, equality with a constant."""
        self.lut[part] += num * max(0.0, (bits - 1) / (self.costs.inputs - 1))

    def equal(self, part: str, bits: float, num: float = 1) -> None:
        """Comparisons for equality of two numbers."""
        pairs = 2 * bits / self.costs.inputs
        self.lut[part] += num * (pairs + max(0.0, (pairs - 1) / (self.costs.inputs - 1)))

    def choose(self, part: str, ways: int, bits: float, num: float = 1) -> None:
        """One of `ways` by an index: `bits` bits each."""
        per_bit = 0.0 if ways < 2 else max(1.0, (ways - 1) * self.costs.choice)
        self.lut[part] += num * bits * per_bit
        self.most_ways = max(self.most_ways, ways if num else 1)

    def exchange_pairs(self, part: str, bits: float, num: float = 1) -> None:
        """Two stages of crossed or straight wires, of each bit. LUTs of six inputs hold a choice of
        the second stage with one of the two that it chooses from: every other one of the first
        stage is left.
        """
        self.lut[part] += num * bits * (3 / 2 if self.costs.inputs >= SIX else 2)

    def gather(self, part: str, ways: int, bits: float, num: float = 1) -> None:
        """One of `ways` by a flag of each: ands and an or."""
        self.lut[part] += num * bits * (2 * ways - 1) / (self.costs.inputs - 1)
        self.most_ways = max(self.most_ways, ways if num else 1)

    def gates(self, part: str, bits: float, num: float = 1) -> None:
        """Any function of up to four inputs, of each bit."""
        self.lut[part] += num * bits

    def five(self, part: str, bits: float, num: float = 1) -> None:
        """A choice of three by two flags, of each bit: one LUT of five, or two of four."""
        self.lut[part] += num * bits * (1 if self.costs.inputs >= SIX else 2)

    def six(self, part: str, bits: float, num: float = 1) -> None:
        """Any function of six inputs, of each bit: one LUT of six, or four of four."""
        self.lut[part] += num * bits * (1 if self.costs.inputs >= SIX else 1 << (SIX - 4))

    def memory(self, part: str, memory: Memory, *, register: str = "") -> Mapped:
        """Memories, and what is around those that one primitive does not hold. `register`: the part
        that the output registers of those in LUTs are, if they are none of the memory's own.
        """
        mapped = map_memory(memory, self.family)
        self.ram_blocks += mapped.ram_blocks
        self.large_ram_blocks += mapped.large_ram_blocks
        self.ram_bits += mapped.ram_bits
        self.lut_ram += mapped.lut_ram
        self.macro_bits += mapped.macro_bits
        is_block = mapped.ram_blocks or mapped.large_ram_blocks
        self.ff[register if register and not is_block else f"{part}.memory"] += mapped.ff
        self.lut[f"{part}.memory"] += mapped.mux_bits * self.costs.choice + mapped.enables
        return mapped

    def fifo(self, part: str, bits: int, depth: int, *, block: bool | None = None) -> None:
        """A `StreamFIFO`: memory, two pointers, level."""
        is_block = depth > BLOCK_FIFO_DEPTH if block is None else block
        rows = max(2, depth)
        read: Read = "registered" if is_block else "combinational"
        self.memory(part, Memory(width=bits, depth=rows, read=read))
        level, pointer = depth.bit_length(), bits_of(rows) if depth > 1 else 0
        self.ff[part] += level + 2 * pointer + 2 + (level if is_block else 0)
        self.lut[part] += (2 if is_block else 1) * (2 * level) + 3 * pointer + 2

    def multiply(
        self, part: str, a_bits: int, b_bits: int, num: int = 1, *, is_unsigned: bool = False
    ) -> bool:
        """Registered products; whether they take multiplier blocks. The register is in the block
        where the family's synthesis packs it: that is up to the coefficients.
        """
        blocks = dsp_blocks(a_bits, b_bits, self.family, is_unsigned=is_unsigned)
        self.dsp += num * blocks
        if not blocks:
            self.lut[f"{part}.product"] += num * a_bits * b_bits
        kind = "block_product" if blocks else "product"
        self.ff[f"{part}.{kind}"] += num * (a_bits + b_bits)
        return blocks > 0

    def scale(self, part: str, bits: int, constant: int) -> None:
        """A number times a constant: wires for a power of two, else what any product takes."""
        if constant & (constant - 1) == 0:
            return
        blocks = dsp_blocks(bits, constant.bit_length(), self.family, is_unsigned=True)
        self.dsp += blocks
        if not blocks:
            self.lut[part] += bits * constant.bit_length()


BLOCK_FIFO_DEPTH: Final = 64
"""Entries from which on a `StreamFIFO` is a synchronous memory, unless it says otherwise."""
