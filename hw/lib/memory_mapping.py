"""Which primitives a memory becomes: blocks, LUTs or registers. Pure: no Amaranth here.

Synthesis by yosys gives each memory to the kind of primitive with the least cost, as its pass
`memory_libmap` defines it. For a primitive of 2**A bits with words of one of some widths, `repl` of
them hold the memory side by side and `high` of them behind each other:

    cost = base * repl + mux / 2 + demux / 2 + 2 * extra
    mux = (high - 1) * width          bits that choose between what is behind each other
    demux = high * lanes if high > 1  write enables that are told apart

A primitive whose cost scales with the width that is used pays by width / unit instead of `repl`.
`extra` counts logic for what the primitive does not do itself. Registers cost 1 for each bit (of a
ROM: 1/16). Costs and sizes of the primitives are those of yosys 0.70's libraries `lattice/*.txt`,
`ice40/*.txt`, `gowin/*.txt` and `xilinx/*.txt` (its passes take no large block of iCE40 unasked); a
test maps memories with yosys itself and compares.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

from .params import require

Read = Literal["registered", "combinational"]

CELLS: Final = "asic"
"""Cells of a library in place of a family of devices: no memory is there but registers, and macros
of whose areas nobody here knows."""

LEAST_MACRO_BITS: Final = 4096
"""Smaller memories become registers in cells (docs/asic.md)."""

ROM_BIT_COST: Final = 1 / 16
SCORE_FACTOR: Final = 2
WIDTHS_18: Final = (1, 2, 4, 9, 18)
WIDTHS_36: Final = (*WIDTHS_18, 36)
WIDTHS_72: Final = (*WIDTHS_36, 72)


@dataclass(frozen=True, kw_only=True)
class Memory:
    """`num` equal memories of `depth` words of `width` bits, one write and one read port each.

    The word is written in `lanes` parts, each with its enable. `has_old_words`: a word that is read
    while it is written must be the old one, else it may be anything. A ROM is never written.
    `used_bits` of a word are read by somebody (0: all).
    """

    width: int
    depth: int
    num: int = 1
    read: Read = "registered"
    lanes: int = 1
    has_old_words: bool = False
    is_rom: bool = False
    used_bits: int = 0

    def __post_init__(self) -> None:
        for name in ("width", "depth", "lanes"):
            require(name, getattr(self, name), 1)
        require("num", self.num, 0)

    @property
    def bits(self) -> int:
        """Bits of all of them."""
        return self.num * self.width * self.depth


@dataclass(frozen=True, kw_only=True)
class Mapped:
    """What memories take: RAM blocks, UltraRAM (`large_ram_blocks`) and the bits asked of both, LUT
    sites that are memory, registers, and bits of multiplexers (`mux_bits`, by ways minus one) and
    of enables; in cells the bits of macros."""

    ram_blocks: int = 0
    large_ram_blocks: int = 0
    ram_bits: int = 0
    lut_ram: int = 0
    ff: int = 0
    mux_bits: int = 0
    enables: int = 0
    macro_bits: int = 0


@dataclass(frozen=True, kw_only=True)
class Primitive:
    """A RAM primitive: 2**`address_bits` bits, words of one of `widths` (each the double of the one
    before, or with parity bits). `byte`: bits with an enable of their own; 0: the whole word.
    `blocks`, `large` and `sites`: what one counts as. `least`: the smallest width its write port
    has. `holds_rom`: its words can be given at the start."""

    cost: int
    scaled_cost: int
    address_bits: int
    widths: tuple[int, ...]
    byte: int
    blocks: int = 0
    large: int = 0
    sites: int = 0
    least: int = 1
    reads_old: bool = True
    holds_rom: bool = True

    @property
    def is_block(self) -> bool:
        """A memory outside the LUTs, whose output has a register."""
        return self.blocks > 0 or self.large > 0


def _xilinx_blocks(cost: int, bits: int, blocks: int) -> tuple[Primitive, ...]:
    """A block with two ports of every width, and one whose two ports are twice as wide."""
    dual = WIDTHS_18 if blocks == 1 else WIDTHS_36
    wide = WIDTHS_36 if blocks == 1 else WIDTHS_72
    return tuple(
        Primitive(cost=cost, scaled_cost=0, address_bits=bits, widths=widths, byte=9, blocks=blocks)
        for widths in (dual, wide)
    )


def _luts(cost: int, scaled: int, *shapes: tuple[int, int, int]) -> tuple[Primitive, ...]:
    """Memories of LUTs: address bits, width and sites of each shape."""
    return tuple(
        Primitive(cost=cost, scaled_cost=scaled, address_bits=bits, widths=(width,), byte=0,
                  sites=sites)
        for bits, width, sites in shapes
    )  # fmt: skip


_ULTRA_RAM = tuple(
    Primitive(cost=1024, scaled_cost=0, address_bits=12, widths=(72,), byte=byte, large=1,
              holds_rom=False)
    for byte in (8, 9)
)  # fmt: skip
_ICE40_BLOCKS = (
    Primitive(cost=64, scaled_cost=0, address_bits=11, widths=(2, 4, 8, 16), byte=1, blocks=1,
              reads_old=False),
)  # fmt: skip
_XILINX_BLOCKS = (*_xilinx_blocks(129, 14, 1), *_xilinx_blocks(257, 15, 2))
BLOCKS: Final[dict[str, tuple[Primitive, ...]]] = {
    "ecp5": (
        Primitive(cost=128, scaled_cost=0, address_bits=14, widths=WIDTHS_18, byte=9, blocks=1,
                  reads_old=False),
        Primitive(cost=128, scaled_cost=0, address_bits=14, widths=WIDTHS_36, byte=9, blocks=1,
                  least=36, reads_old=False),
    ),
    "ice40": _ICE40_BLOCKS,
    "ice40up": _ICE40_BLOCKS,
    "gowin": (
        Primitive(cost=128, scaled_cost=0, address_bits=14, widths=WIDTHS_36, byte=9, blocks=1,
                  reads_old=False),
    ),
    "xc7": _XILINX_BLOCKS,
    "xcup": (*_XILINX_BLOCKS, *_ULTRA_RAM),
}  # fmt: skip
LUT_MEMORIES: Final[dict[str, tuple[Primitive, ...]]] = {
    "ecp5": _luts(4, 0, (4, 4, 6)),
    "ice40": (),
    "ice40up": (),
    "gowin": _luts(4, 4, (4, 4, 4)),
    "xc7": (
        *_luts(8, 8, (5, 4, 4), (6, 2, 4), (7, 1, 4)),
        *_luts(8, 7, (5, 6, 4), (6, 3, 4)),
    ),
    "xcup": (
        *_luts(16, 16, (5, 8, 8), (6, 4, 8), (7, 2, 8), (8, 1, 8)),
        *_luts(16, 16, (5, 14, 8), (6, 7, 8)),
    ),
}


def map_memory(memory: Memory, family: str) -> Mapped:
    """What `memory.num` of this memory become in a family."""
    bits = memory.width * memory.depth
    if family == CELLS:
        return _in_cells(memory)
    kinds = (*_options(memory, LUT_MEMORIES[family]), *_options(memory, BLOCKS[family]))
    best_cost = int(bits * ROM_BIT_COST) if memory.is_rom else bits
    best: tuple[Primitive, int, int] | None = None
    for cost, primitive, repl, high in kinds:
        if cost < best_cost:
            best, best_cost = (primitive, repl, high), int(cost)
    num = memory.num
    is_registered = memory.read == "registered"
    if best is None:
        return _in_registers(memory)
    primitive, repl, high = best
    is_block = primitive.is_block
    used = memory.used_bits or memory.width
    select = (high - 1).bit_length() if is_registered and is_block else 0
    around = _collisions(memory) if is_block and not primitive.reads_old else (0, 0)
    return Mapped(
        ram_blocks=num * repl * primitive.blocks,
        large_ram_blocks=num * repl * primitive.large,
        ram_bits=num * bits if is_block else 0,
        lut_ram=num * -(-repl * used // memory.width) * primitive.sites,
        ff=num * (select if is_block or not is_registered else used) + around[0],
        mux_bits=num * (high - 1) * used + around[1],
        enables=num * (high * memory.lanes if high > 1 else 0),
    )


def _in_registers(memory: Memory) -> Mapped:
    """Memories of registers, ROMs of logic."""
    bits, num = memory.width * memory.depth, memory.num
    register = bits if not memory.is_rom else 0
    ff = register + (memory.width if memory.read == "registered" else 0)
    mux_bits = 0 if memory.is_rom else (memory.depth - 1) * memory.width
    enables = 0 if memory.is_rom else memory.depth * memory.lanes
    return Mapped(ff=num * ff, mux_bits=num * mux_bits, enables=num * enables)


def _in_cells(memory: Memory) -> Mapped:
    """What is written, read with a clock and large stays a memory: a macro. Of registers those
    that nobody reads are gone.
    """
    bits = memory.width * memory.depth
    if memory.read == "registered" and not memory.is_rom and bits >= LEAST_MACRO_BITS:
        return Mapped(macro_bits=memory.num * bits)
    return _in_registers(replace(memory, width=memory.used_bits or memory.width))


def _collisions(memory: Memory) -> tuple[int, int]:
    """Registers and choices around a block that cannot read the old word while it is written.

    Writes are held back a cycle, and a read of what is held back takes it from there.
    """
    if not memory.has_old_words or memory.is_rom:
        return 0, 0
    address = (memory.depth - 1).bit_length()
    registers = 2 * memory.width + address + 2 * memory.lanes
    return memory.num * registers, memory.num * (memory.width + address)


def _options(
    memory: Memory, primitives: tuple[Primitive, ...]
) -> Iterator[tuple[float, Primitive, int, int]]:
    """Cost, primitive, number side by side and behind each other of every way to build it."""
    for primitive in primitives:
        is_block = primitive.is_block
        if is_block and memory.read == "combinational":
            continue
        if memory.is_rom and not (is_block and primitive.holds_rom):
            continue
        extra = 1 + (6 if is_block and memory.has_old_words and not primitive.reads_old else 0)
        for log2, width in enumerate(primitive.widths):
            if width < primitive.least:
                continue
            yield _option(memory, primitive, log2, width, extra)


def _option(
    memory: Memory, primitive: Primitive, width_log2: int, unit: int, extra: int
) -> tuple[float, Primitive, int, int]:
    byte = min(primitive.byte or unit, unit)
    lane = memory.width // memory.lanes
    stored = memory.lanes * -(-lane // byte) * byte if not memory.is_rom else memory.width
    high = -(-memory.depth // (1 << (primitive.address_bits - width_log2)))
    repl = -(-high * stored // unit)
    mux = (high - 1) * memory.width
    demux = high * memory.lanes if high > 1 and not memory.is_rom else 0
    cost: float = (primitive.cost - primitive.scaled_cost) * repl
    if primitive.scaled_cost:
        cost += primitive.scaled_cost * high * memory.width // unit
    return cost + (mux + demux) / 2 + SCORE_FACTOR * extra, primitive, repl, high
