"""LUTs in front of ECP5 carry chains move into them: a netlist pass, JSON in, JSON out. Pure.

yosys maps an addition to `CCU2C` cells that use two of the four inputs of their LUTs: D is 1, C
says whether B is inverted. A function of two nets in front of an addend, as the mask of an
accumulator that starts again or the sign of a magnitude, takes a LUT of its own for every bit. This
pass puts it into the cell: for D = 1 the cell computes ``A ^ g(B, C)`` instead of ``A ^ B``.

With C = D = 0 the same table, its lowest four bits, says what a half generates when it does not
propagate. It is A before and after; that is right for any g, because no propagation means
``A = g(B, C)``.

What the parameters mean: yosys's `ecp5/ccu2c_sim.vh`, and Lattice, "ECP5 and ECP5-5G Family Data
Sheet" (FPGA-DS-02012).
"""

import copy
from collections.abc import Mapping

from tilewright.build.synth.netlist_edit import (
    Json,
    bit_of,
    drop_unused,
    inputs_of,
    readers_of,
)

__all__ = ["pack_carry_luts"]

CARRY, LUT = "CCU2C", "LUT4"
ADD = 0x96AA
"""A half of `CCU2C` as yosys makes it: A ^ B ^ C for D = 1, A is generated."""
GENERATES_A = 0xA


def pack_carry_luts(netlist: Json) -> Json:
    """A netlist with LUTs of two inputs moved into the carry cells that alone read them; the given
    one is not changed.
    """
    packed = copy.deepcopy(netlist)
    for module in packed["modules"].values():
        if any(cell["type"] == CARRY for cell in module["cells"].values()):
            _pack(module)
    return packed


def _pack(module: Json) -> None:
    cells = module["cells"]
    readers = readers_of(module)
    lut_of = {bit_of(cell, "Z"): cell for cell in cells.values() if cell["type"] == LUT}
    for cell in cells.values():
        if cell["type"] != CARRY:
            continue
        for half in "01":
            if not _is_plain(cell, half):
                continue
            for addend in "BA":
                bit = bit_of(cell, addend + half)
                lut = lut_of.get(bit)
                if (
                    lut is not None
                    and lut["type"]
                    and len(readers[bit]) == 1
                    and _move(cell, half, addend, lut)
                ):
                    break
    drop_unused(module)


def _is_plain(cell: Json, half: str) -> bool:
    """Whether a half adds its A and its B as they are."""
    return (
        int(cell["parameters"][f"INIT{half}"], 2) == ADD
        and cell["parameters"][f"INJECT1_{half}"].strip() == "NO"
        and bit_of(cell, f"C{half}") == "0"
        and bit_of(cell, f"D{half}") == "1"
    )


def _move(cell: Json, half: str, addend: str, lut: Json) -> bool:
    """Makes a half compute what a LUT of at most two nets gives it; whether that was possible."""
    nets = sorted({bit for port, bit in inputs_of(lut) if isinstance(bit, int)})
    if len(nets) > 2 or not nets:
        return False
    other = bit_of(cell, ("A" if addend == "B" else "B") + half)
    table = 0
    for number in range(4):
        values = dict(zip(nets, (number & 1, number >> 1), strict=False))
        table |= _value(lut, values) << number
    # For D = 1 the index into the table is A + 2 * B + 4 * C.
    init = GENERATES_A
    for index in range(8):
        a, b_and_c = index & 1, index >> 1
        init |= (a ^ (table >> b_and_c & 1)) << (8 + index)
    init |= GENERATES_A << 4  # C = 1, D = 0 never happens
    connections = cell["connections"]
    connections[f"A{half}"] = [other]
    connections[f"B{half}"] = [nets[0]]
    connections[f"C{half}"] = [nets[1]] if len(nets) == 2 else ["0"]
    cell["parameters"][f"INIT{half}"] = f"{init:016b}"
    lut["type"] = ""
    return True


def _value(lut: Json, values: Mapping[int, int]) -> int:
    """What a LUT gives for these values of its nets; an open input counts as 0."""
    index = 0
    for place, port in enumerate("ABCD"):
        bit = bit_of(lut, port)
        index |= (values[bit] if isinstance(bit, int) else int(bit == "1")) << place
    return int(lut["parameters"]["INIT"], 2) >> index & 1
