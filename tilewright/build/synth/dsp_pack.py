"""Registers around ECP5 multipliers move into them: a netlist pass, JSON in, JSON out. Pure.

yosys maps a product to `MULT18X18D` and leaves its operand and product registers in the fabric,
though the block has registers of its own. This pass takes the netlist of `synth_ecp5` (yosys's
`write_json`) and switches them on where nothing that can be observed changes:

* *product*: every bit of P that is read is read by one flip-flop only;
* *operands*: every bit of A and of B is the output of a flip-flop, or 0. Both or none: the timing
  model of nextpnr knows no multiplier with one registered operand. A flip-flop with other readers
  stays for them, so that the operand is registered twice.

A flip-flop moves only if it is one that the block's register can be: rising edge of one clock for
all of them, no enable, no reset, 0 at power-on. Enables and resets would work in silicon, but all
blocks of a DSP tile share four of each, and nextpnr 0.11 does not write the enable of the product
register; without them no block asks for anything but the clock, a constant 1 and a constant 0.

Names and meaning of the parameters: Lattice, "ECP5 and ECP5-5G sysDSP Usage Guide" (FPGA-TN-02205),
and Project Trellis.
"""

import copy
from dataclasses import dataclass

from tilewright.build.synth.netlist_edit import (
    Bit,
    Json,
    bit_of,
    drop_unused,
    inputs_of,
    readers_of,
)

__all__ = ["pack_dsp_registers"]

MULTIPLIER = "MULT18X18D"
FLIP_FLOP = "TRELLIS_FF"
OPERAND_BITS = 18
PRODUCT_BITS = 36
PLAIN = {"CEMUX": "1", "CLKMUX": "CLK", "REGSET": "RESET"}
"""Parameters of a flip-flop that a register of the block can replace; also their defaults."""


def pack_dsp_registers(netlist: Json) -> Json:
    """A netlist with registers moved into its multipliers; the given one is not changed.

    `netlist` is what yosys's `write_json` wrote after `synth_ecp5`. Modules without multipliers
    stay as they are. What was packed stands in each multiplier's parameters: `REG_INPUTA_CLK`,
    `REG_INPUTB_CLK` and `REG_OUTPUT_CLK` are `CLK0` or, as before, `NONE`.
    """
    packed = copy.deepcopy(netlist)
    for module in packed["modules"].values():
        if any(cell["type"] == MULTIPLIER for cell in module["cells"].values()):
            _Module(module).pack()
    return packed


@dataclass(frozen=True)
class _Register:
    """Flip-flops that can move into a multiplier: its clock, and for each pin of the multiplier the
    name of the flip-flop there."""

    clock: Bit
    flip_flops: dict[str, str]


class _Module:
    """One module of a netlist while its multipliers are packed."""

    def __init__(self, module: Json) -> None:
        self.module = module
        self.cells: dict[str, Json] = module["cells"]
        self.readers = readers_of(module)
        self.flip_flop_of = {
            bit_of(cell, "Q"): name
            for name, cell in self.cells.items()
            if cell["type"] == FLIP_FLOP
        }

    def pack(self) -> None:
        """Every multiplier in the order of the netlist; then drops what nobody reads any more."""
        for name, cell in self.cells.items():
            if cell["type"] == MULTIPLIER and not _is_clocked(cell):
                self._pack_cell(name, cell)
        drop_unused(self.module)

    def _pack_cell(self, name: str, cell: Json) -> None:
        a, b, product = self._operand(cell, "A"), self._operand(cell, "B"), self._product(cell)
        if a is None or b is None or a.clock != b.clock:
            a = b = None
        if product is not None and a is not None and a.clock != product.clock:
            a = b = None
        moved = [register for register in (a, b, product) if register is not None]
        if not moved:
            return
        for port, bit in (("CLK0", moved[0].clock), ("CE0", "1"), ("RST0", "0")):
            cell["connections"][port] = [bit]
            cell["port_directions"][port] = "input"
        cell["parameters"] |= {"GSR": "DISABLED", "RESETMODE": "SYNC", "CLK0_DIV": "ENABLED"}
        if product is not None:
            self._move_product(cell, product)
        for port, operand in (("A", a), ("B", b)):
            if operand is not None:
                self._move_operand(name, port, operand)

    def _operand(self, cell: Json, port: str) -> _Register | None:
        """The register of an operand, if it can move."""
        flip_flops = {}
        for i in range(OPERAND_BITS):
            bit = bit_of(cell, f"{port}{i}")
            if bit in self.flip_flop_of:
                flip_flops[f"{port}{i}"] = self.flip_flop_of[bit]
            elif bit not in ("0", "x"):
                return None
        return self._register(flip_flops)

    def _product(self, cell: Json) -> _Register | None:
        """The register of those bits of the product that are read, if it can move."""
        flip_flops = {}
        for i in range(PRODUCT_BITS):
            readers = self.readers.get(bit_of(cell, f"P{i}"), set())
            if len(readers) > 1:
                return None
            for name, port in readers:
                if port != "DI" or self.cells[name]["type"] != FLIP_FLOP:
                    return None
                flip_flops[f"P{i}"] = name
        return self._register(flip_flops)

    def _register(self, flip_flops: dict[str, str]) -> _Register | None:
        cells = [self.cells[name] for name in flip_flops.values()]
        clocks = {bit_of(cell, "CLK") for cell in cells}
        if len(clocks) != 1 or not all(map(_is_plain, cells)):
            return None
        return _Register(clocks.pop(), flip_flops)

    def _move_operand(self, name: str, port: str, register: _Register) -> None:
        """The multiplier reads what its flip-flops read; those without other readers go."""
        cell = self.cells[name]
        for pin, flip_flop in register.flip_flops.items():
            old, new = bit_of(cell, pin), bit_of(self.cells[flip_flop], "DI")
            cell["connections"][pin] = [new]
            self.readers[old].discard((name, pin))
            self.readers.setdefault(new, set()).add((name, pin))
        _switch_on(cell, f"INPUT{port}")
        for flip_flop in sorted(set(register.flip_flops.values())):
            if not self.readers[bit_of(self.cells[flip_flop], "Q")]:
                self._remove(flip_flop)

    def _move_product(self, cell: Json, register: _Register) -> None:
        """The multiplier drives what its flip-flops drove."""
        for pin, flip_flop in register.flip_flops.items():
            cell["connections"][pin] = [bit_of(self.cells[flip_flop], "Q")]
            self._remove(flip_flop)
        _switch_on(cell, "OUTPUT")

    def _remove(self, name: str) -> None:
        """Takes a flip-flop out; whoever drove it has a reader less."""
        cell = self.cells[name]
        cell["type"] = ""  # `drop_unused` takes it out
        self.flip_flop_of.pop(bit_of(cell, "Q"), None)
        for port, bit in inputs_of(cell):
            self.readers[bit].discard((name, port))


def _switch_on(cell: Json, register: str) -> None:
    cell["parameters"] |= {
        f"REG_{register}_CLK": "CLK0",
        f"REG_{register}_CE": "CE0",
        f"REG_{register}_RST": "RST0",
    }


def _is_clocked(cell: Json) -> bool:
    """Whether somebody has switched registers on already."""
    return any(
        key.startswith("REG_") and key.endswith("_CLK") and value != "NONE"
        for key, value in cell["parameters"].items()
    )


def _is_plain(cell: Json) -> bool:
    """Whether a flip-flop has neither enable nor reset, and is 0 at power-on."""
    # yosys adds a space to texts that could be taken for a number.
    parameters = {key: str(value).strip() for key, value in cell["parameters"].items()}
    has_reset = bit_of(cell, "LSR") not in ("0", "x")
    return not has_reset and all(parameters.get(key, good) == good for key, good in PLAIN.items())
