"""How many LUTs, registers and other primitives a Verilog module takes, by yosys (pyosys).

`synth_xilinx -flatten` for `xcup` (UltraScale+) and `xc7`, `synth_ecp5` for `ecp5`; without pads
and clock buffers. No placement: what a vendor's tool packs better or worse is not seen.

Counting. `lut` is every LUT site that is taken: LUT1 to LUT6 and inverters one each, shift
registers and distributed RAM by the sites that their primitives fill (`MEMORY_SITES`); ECP5's carry
cells are two LUT4 each. `memory_lut` is the part of `lut` that is memory or shift register. `carry`
counts bits, `bram` blocks of 18 kbit (a block of 36 kbit is two), `muxf` the wide multiplexers
behind LUTs.
"""

import json
import re
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tilewright.build.process import Limits, run

FAMILIES = {
    "xcup": "synth_xilinx -family xcup -flatten -noiopad -noclkbuf",
    "xc7": "synth_xilinx -family xc7 -flatten -noiopad -noclkbuf",
    "ecp5": "synth_ecp5 -noiopad",
}
MEMORY_SITES = {
    "RAM16X1D": 2, "RAM32X1S": 1, "RAM32X1D": 2, "RAM32X2S": 2, "RAM64X1S": 1, "RAM64X1D": 2,
    "RAM128X1S": 2, "RAM128X1D": 4, "RAM256X1S": 4, "RAM256X1D": 8, "RAM512X1S": 8,
    "RAM32M": 4, "RAM64M": 4, "RAM32M16": 8, "RAM64M8": 8, "RAM32X16DR8": 8, "RAM64X8SW": 8,
    "SRL16": 1, "SRL16E": 1, "SRLC16": 1, "SRLC16E": 1, "SRLC32E": 1,
    "TRELLIS_DPR16X4": 6,
}  # fmt: skip
"""LUT sites of memories and shift registers (an ECP5 memory fills the slice that writes, too)."""
CARRY_BITS = {"CARRY8": 8, "CARRY4": 4, "MUXCY": 1, "CCU2C": 2}
BLOCKS = {"RAMB18E1": 1, "RAMB18E2": 1, "RAMB36E1": 2, "RAMB36E2": 2, "URAM288": 16, "DP16KD": 1,
          "PDPW16KD": 1}  # fmt: skip
LIMIT_SECONDS = 1800.0


@dataclass(frozen=True, kw_only=True)
class Area:
    """Primitives of a module; the words of this file's docstring."""

    lut: int
    ff: int
    memory_lut: int
    carry: int
    muxf: int
    dsp: int
    bram: int


def area_of_cells(cells: dict[str, int]) -> Area:
    """From the numbers of cells by type; a type that nobody has thought of is an error."""
    total: Counter[str] = Counter()
    for kind, count in cells.items():
        known = False
        if re.fullmatch(r"LUT[1-6]|INV", kind):
            known, total["lut"] = True, total["lut"] + count
        if sites := MEMORY_SITES.get(kind):
            known, total["lut"] = True, total["lut"] + sites * count
            total["memory_lut"] += sites * count
        if bits := CARRY_BITS.get(kind):
            known, total["carry"] = True, total["carry"] + bits * count
            total["lut"] += 2 * count if kind == "CCU2C" else 0
        if blocks := BLOCKS.get(kind):
            known, total["bram"] = True, total["bram"] + blocks * count
        for name, form in (
            ("ff", r"FD[RSCP]E(_1)?|LD[CP]E|TRELLIS_FF"),
            ("muxf", r"MUXF[789]|PFUMX|L6MUX21"),
            ("dsp", r"DSP48E\d?|MULT\d+X\d+D|ALU\d+B"),
        ):
            if re.fullmatch(form, kind):
                known, total[name] = True, total[name] + count
        if not known and kind not in ("XORCY", "GND", "VCC", "$scopeinfo"):
            raise ValueError(f"cells of type {kind} are not counted")
    names = ("lut", "ff", "memory_lut", "carry", "muxf", "dsp", "bram")
    return Area(**{name: total[name] for name in names})


@cache
def area_of(verilog: str, top: str, family: str = "xcup") -> Area:
    """The area of module `top` of this text; within one process each text is synthesised once."""
    if family not in FAMILIES:
        raise ValueError(f"family: one of {', '.join(FAMILIES)}, got {family!r}")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", top):
        raise ValueError(f"not a plain Verilog name: {top!r}")
    with tempfile.TemporaryDirectory(prefix="tilewright-area-") as name:
        folder = Path(name)
        (folder / "design.v").write_text(verilog)
        command = [sys.executable, str(Path(__file__).resolve()), family, top]
        run(command, cwd=folder, limits=Limits(wall_seconds=LIMIT_SECONDS))
        report = json.loads((folder / "cells.json").read_text())
    return area_of_cells(report["design"]["num_cells_by_type"])


def main() -> None:
    """In a process of its own, in the folder of `design.v`: writes `cells.json`."""
    from pyosys import libyosys

    family, top = sys.argv[1:]
    design = libyosys.Design()
    for script in (
        "read_verilog design.v",
        f"hierarchy -check -top {top}",
        f"{FAMILIES[family]} -top {top}",
        "tee -q -o cells.json stat -json",
    ):
        libyosys.run_pass(script, design)


if __name__ == "__main__":
    main()
