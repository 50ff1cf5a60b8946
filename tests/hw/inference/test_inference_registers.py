"""Registers that move into multipliers: when they do, when not, and that nothing can tell."""

import copy

import pytest
from tilewright.hw.systolic.kernel import SystolicKernel
from tilewright.hw.systolic.params import SystolicParams

from tilewright.build.synth.carry_pack import pack_carry_luts
from tilewright.build.synth.dsp_pack import pack_dsp_registers
from tilewright.build.verilog import emit

CLOCK, ENABLE, RESET, OTHER_CLOCK = 2, 3, 4, 5
FORMS = ("INPUTA", "INPUTB", "OUTPUT")


def flip_flop(d, q, **changes):
    """A flip-flop that can move, but for `changes` of its parameters and connections."""
    parameters = {"CEMUX": "1 ", "CLKMUX": "CLK", "REGSET": "RESET", "LSRMUX": "LSR"}
    connections = {"CLK": [CLOCK], "CE": ["1"], "LSR": ["0"], "DI": [d], "Q": [q]}
    for name, value in changes.items():
        (parameters if name in parameters else connections)[name] = value
    directions = {name: "output" if name == "Q" else "input" for name in connections}
    return {
        "type": "TRELLIS_FF",
        "parameters": parameters,
        "attributes": {},
        "port_directions": directions,
        "connections": connections,
    }


def circuit():
    """A product of 2 by 2 bits with all its registers: a 10, 11, b 20, 21, product 50..53."""
    connections = {f"{port}{i}": ["0"] for port in "AB" for i in range(18)}
    connections |= {f"P{i}": [100 + i] for i in range(36)}
    connections |= {"A0": [30], "A1": [31], "B0": [40], "B1": [41], "SIGNEDA": ["0"]}
    cells = {
        "mult": {
            "type": "MULT18X18D",
            "parameters": {},
            "attributes": {},
            "port_directions": {n: "output" if n[0] == "P" else "input" for n in connections},
            "connections": connections,
        }
    }
    for port, d, q in (("a", 10, 30), ("b", 20, 40), ("p", 100, 50)):
        for i in range(4 if port == "p" else 2):
            cells[f"{port}{i}"] = flip_flop(d + i, q + i)
    ports = {
        name: {"direction": direction, "bits": bits}
        for name, direction, bits in (
            ("clk", "input", [CLOCK]),
            ("a", "input", [10, 11]),
            ("b", "input", [20, 21]),
            ("p", "output", [50, 51, 52, 53]),
        )
    }
    module = {"attributes": {}, "ports": ports, "cells": cells, "netnames": {}}
    return {"creator": "test", "modules": {"top": module}}


def packed(netlist):
    """Which registers of the multiplier are on, and the cells that are left."""
    before = copy.deepcopy(netlist)
    cells = pack_dsp_registers(netlist)["modules"]["top"]["cells"]
    assert netlist == before, "the given netlist was changed"
    parameters = cells["mult"]["parameters"]
    return {form for form in FORMS if parameters.get(f"REG_{form}_CLK") == "CLK0"}, cells


def test_everything_moves():
    forms, cells = packed(circuit())
    assert forms == set(FORMS)
    assert set(cells) == {"mult"}
    connections = cells["mult"]["connections"]
    assert [connections[pin] for pin in ("A0", "A1", "B0", "B1")] == [[10], [11], [20], [21]]
    assert [connections[f"P{i}"] for i in range(4)] == [[50], [51], [52], [53]]
    assert [connections[pin] for pin in ("CLK0", "CE0", "RST0")] == [[CLOCK], ["1"], ["0"]]


def test_an_operand_with_other_readers_is_there_twice():
    netlist = circuit()
    netlist["modules"]["top"]["ports"]["q"] = {"direction": "output", "bits": [30, 31]}
    forms, cells = packed(netlist)
    assert forms == set(FORMS)
    assert set(cells) == {"mult", "a0", "a1"}


def change(cell, **changes):
    """Another form of a flip-flop of the circuit."""

    def apply(module):
        old = module["cells"][cell]["connections"]
        module["cells"][cell] = flip_flop(old["DI"][0], old["Q"][0], **changes)

    return apply


def read_product(module):
    module["ports"]["q"] = {"direction": "output", "bits": [101]}


def bare_operand(module):
    module["cells"]["mult"]["connections"]["B1"] = [21]


def operand_of_one(module):
    module["cells"]["mult"]["connections"]["A2"] = ["1"]


def product_in_logic(module):
    lut = copy.deepcopy(module["cells"]["p2"])
    lut |= {"type": "LUT4", "connections": {"A": [102], "Z": [52]}}
    module["cells"]["p2"] = lut


OPERANDS, PRODUCT = {"INPUTA", "INPUTB"}, {"OUTPUT"}


@pytest.mark.parametrize(
    ("changed", "left"),
    [
        (change("a1", CEMUX="CE", CE=[ENABLE]), PRODUCT),
        (change("b0", LSR=[RESET]), PRODUCT),
        (change("b0", REGSET="SET"), PRODUCT),
        (change("a0", CLKMUX="INV"), PRODUCT),
        (change("a0", CLK=[OTHER_CLOCK]), PRODUCT),
        (bare_operand, PRODUCT),
        (operand_of_one, PRODUCT),
        (change("p1", CEMUX="CE", CE=[ENABLE]), OPERANDS),
        (change("p1", CEMUX="INV", CE=[ENABLE]), OPERANDS),
        (change("p1", LSR=[RESET]), OPERANDS),
        (change("p3", REGSET="SET"), OPERANDS),
        (change("p3", CLK=[OTHER_CLOCK]), OPERANDS),
        (product_in_logic, OPERANDS),
        (read_product, OPERANDS),
    ],
)
def test_what_must_stay(changed, left):
    netlist = circuit()
    changed(netlist["modules"]["top"])
    forms, cells = packed(netlist)
    assert forms == left
    stays = {"a0", "a1", "b0", "b1"} if left == PRODUCT else {"p0", "p1", "p2", "p3"}
    assert stays <= set(cells)


def test_registers_that_are_on_are_left_alone():
    netlist = circuit()
    netlist["modules"]["top"]["cells"]["mult"]["parameters"]["REG_PIPELINE_CLK"] = "CLK1"
    assert pack_dsp_registers(netlist) == netlist


@pytest.mark.simulator
def test_nothing_can_tell(netlists, compare):
    """Products of many shapes: the packed netlist and the one that yosys wrote, cycle by cycle."""
    text = (netlists.here / "multipliers.v").read_text()
    netlist = netlists.netlist(text, "multipliers", "ecp5")
    cells = pack_dsp_registers(netlist)["modules"]["multipliers"]["cells"].values()
    moved = [
        {form for form in FORMS if cell["parameters"].get(f"REG_{form}_CLK") == "CLK0"}
        for cell in cells
        if cell["type"] == "MULT18X18D"
    ]
    assert sorted(map(sorted, moved)) == sorted(
        map(sorted, [set(FORMS)] * 3 + [PRODUCT] * 3 + [OPERANDS] + [set()])
    )
    result = compare(netlist, "multipliers", "clk", pack_dsp_registers)
    assert result["errors"] == 0 and result["changes"] > 19000, result


def pack_both(netlist):
    return pack_carry_luts(pack_dsp_registers(netlist))


@pytest.mark.slow
@pytest.mark.simulator
def test_a_kernel_computes_the_same(netlists, compare):
    params = SystolicParams(rows=2, cols=2, lanes=2, requantize="fixed", bound_bits=4)
    text = emit(SystolicKernel(params), "kernel")
    netlist = netlists.netlist(text, "kernel", "ecp5")
    # Loops of at most two steps, so that many tiles are finished; the rest is random.
    loops = "{27'($urandom), 3'b0, 1'($urandom), 3'b0, 1'($urandom), 3'b0, 1'($urandom), 4'b0}"
    bits = params.command_format.width
    fixed = {"aresetn": "cycles > 3", "s_axis_command_tdata": f"{bits}'({loops})"}
    result = compare(netlist, "kernel", "aclk", pack_both, fixed)
    assert result["errors"] == 0 and result["changes"] > 500, result
