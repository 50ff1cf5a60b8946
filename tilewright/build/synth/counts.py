"""How many LUTs, registers and other primitives a set of cells takes, by family.

`lut` is every LUT site that is taken: LUTs of any size and inverters one each, shift registers and
distributed RAM by the sites that their primitives fill (`MEMORY_SITES`); ECP5's carry cells are two
LUT4 each, Gowin's ALUs one. `lut_ram` is the part of `lut` that is memory or shift register.
`carry` counts bits, `muxf` the wide multiplexers behind LUTs. `ram_blocks` counts the family's
ordinary blocks (`BLOCK_BITS`; Xilinx: halves of 18 kbit), `large_ram_blocks` UltraRAM and SPRAM.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Final

__all__ = ["BLOCK_BITS", "LARGE_BLOCK_BITS", "Area", "area_of_cells", "kind_of_cell"]

MEMORY_SITES: Final = {
    "RAM16X1D": 2, "RAM32X1S": 1, "RAM32X1D": 2, "RAM32X2S": 2, "RAM64X1S": 1, "RAM64X1D": 2,
    "RAM128X1S": 2, "RAM128X1D": 4, "RAM256X1S": 4, "RAM256X1D": 8, "RAM512X1S": 8,
    "RAM32M": 4, "RAM64M": 4, "RAM32M16": 8, "RAM64M8": 8, "RAM32X16DR8": 8, "RAM64X8SW": 8,
    "SRL16": 1, "SRL16E": 1, "SRLC16": 1, "SRLC16E": 1, "SRLC32E": 1,
    "TRELLIS_DPR16X4": 6,
    "RAM16S1": 1, "RAM16S2": 2, "RAM16S4": 4, "RAM16SDP1": 1, "RAM16SDP2": 2, "RAM16SDP4": 4,
}  # fmt: skip
"""LUT sites of memories and shift registers (an ECP5 memory fills the slice that writes, too)."""
CARRY_BITS: Final = {"CARRY8": 8, "CARRY4": 4, "MUXCY": 1, "CCU2C": 2, "SB_CARRY": 1, "ALU": 1}
CARRY_LUTS: Final = {"CCU2C": 2, "ALU": 1}
BLOCKS: Final = {"RAMB18E1": 1, "RAMB18E2": 1, "RAMB36E1": 2, "RAMB36E2": 2, "DP16KD": 1,
                 "PDPW16KD": 1, "SB_RAM40_4K": 1, "SB_RAM40_4KNR": 1, "SB_RAM40_4KNW": 1,
                 "SB_RAM40_4KNRNW": 1, "SP": 1, "SPX9": 1, "SDPB": 1, "SDPX9B": 1, "DPB": 1,
                 "DPX9B": 1, "pROM": 1, "pROMX9": 1}  # fmt: skip
LARGE_BLOCKS: Final = {"URAM288": 1, "SB_SPRAM256KA": 1}
BLOCK_BITS: Final = {"ecp5": 18432, "xc7": 18432, "xcup": 18432, "gowin": 18432, "ice40": 4096}
LARGE_BLOCK_BITS: Final = {"xcup": 294912, "ice40": 262144}

_FORMS: Final = (
    ("lut", r"LUT[1-6]|INV|SB_LUT4|LUT6_2"),
    ("ff", r"FD[RSCP]E(_1)?|LD[CP]E|TRELLIS_FF|SB_DFF[A-Z]*|DFF[A-Z]*|DL[A-Z]*"),
    ("muxf", r"MUXF[789]|PFUMX|L6MUX21|MUX2(_LUT[5-8])?"),
    ("dsp", r"DSP48E\d?|MULT\d+X\d+D?|ALU\d+[BD]?|SB_MAC16|MULTALU\d+X\d+|MULTADDALU\d+X\d+"),
    ("none", r"XORCY|GND|VCC|GSR|\$scopeinfo|IBUF|OBUF|OBUFT|IOBUF|TBUF|TRELLIS_IO|SB_IO|SB_GB"
             r"|SB_GB_IO|BUFG|BUFGCE|DCCA|EHXPLLL|SB_PLL40_\w+|rPLL|PADD\d+"),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Area:
    """Primitives of a module; the words of this file's docstring.

    `ram_bits_asked` are the bits of the memories that lie in RAM blocks, `ram_bits_used` those of
    the blocks.
    """

    lut: int = 0
    ff: int = 0
    carry: int = 0
    muxf: int = 0
    dsp: int = 0
    ram_blocks: int = 0
    large_ram_blocks: int = 0
    ram_bits_asked: int = 0
    ram_bits_used: int = 0
    lut_ram: int = 0

    def __add__(self, other: "Area") -> "Area":
        return Area(**{name: getattr(self, name) + getattr(other, name) for name in AREA_NAMES})


AREA_NAMES: Final = tuple(field.name for field in fields(Area))


@cache
def kind_of_cell(kind: str) -> tuple[tuple[str, int], ...]:
    """What one cell of this type adds to an `Area`; a type nobody has thought of is an error."""
    if sites := MEMORY_SITES.get(kind):
        return (("lut", sites), ("lut_ram", sites))
    if bits := CARRY_BITS.get(kind):
        return (("carry", bits), ("lut", CARRY_LUTS.get(kind, 0)))
    if blocks := BLOCKS.get(kind):
        return (("ram_blocks", blocks),)
    if blocks := LARGE_BLOCKS.get(kind):
        return (("large_ram_blocks", blocks),)
    for name, form in _FORMS:
        if re.fullmatch(form, kind):
            return () if name == "none" else ((name, 1),)
    raise ValueError(f"cells of type {kind} are not counted")


def area_of_cells(cells: Mapping[str, int], family: str = "") -> Area:
    """From the numbers of cells by type."""
    total: Counter[str] = Counter()
    for kind, count in cells.items():
        for name, amount in kind_of_cell(kind):
            total[name] += amount * count
    total["ram_bits_used"] = total["ram_blocks"] * BLOCK_BITS.get(family, 0)
    total["ram_bits_used"] += total["large_ram_blocks"] * LARGE_BLOCK_BITS.get(family, 0)
    return Area(**total)
