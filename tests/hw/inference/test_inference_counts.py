"""What becomes of multiply-accumulate and of memories in each family: block for block.

These fail when a product, its registers or a memory ends up in general logic.
"""

import pytest
from tilewright.hw.lib.memory_params import ScratchpadParams
from tilewright.hw.lib.scratchpad import ScratchpadBank
from tilewright.hw.systolic.params import SystolicParams
from tilewright.hw.systolic.pe import PE

from tilewright.build.synth.carry_pack import pack_carry_luts
from tilewright.build.synth.dsp_pack import pack_dsp_registers
from tilewright.build.verilog import emit

PARAMS = SystolicParams(rows=2, cols=2, lanes=2, output="raw")
BLOCKS = {
    "ecp5": "MULT18X18D",
    "ice40": "SB_MAC16",
    "gowin": "MULT9X9",
    "xc7": "DSP48E1",
    "xcup": "DSP48E2",
}
BANK = ScratchpadParams(
    banks=2, words_per_bank=512, word_bits=32, num_read_ports=1, num_write_ports=1
)
MEMORIES = {"ecp5": "DP16KD", "ice40": "SB_RAM40_4K", "gowin": "SDPX9B", "xc7": "RAMB18E1",
            "xcup": "RAMB18E2"}  # fmt: skip
FLIP_FLOPS = ("FD", "DFF", "SB_DFF", "TRELLIS_FF")
LUTS = ("LUT", "SB_LUT", "MUX", "PFUMX", "CCU2C", "CARRY", "SB_CARRY", "ALU")


def assert_is_bare(cells):
    """A memory without logic around it: no flip-flop, and a LUT or two for its enables."""
    assert not [kind for kind in cells if kind.startswith(FLIP_FLOPS)], cells
    assert sum(n for kind, n in cells.items() if kind.startswith(LUTS)) <= 4, cells


@pytest.mark.parametrize("family", BLOCKS)
def test_a_processing_element_has_one_multiplier(netlists, family):
    cells = netlists.cells(emit(PE(PARAMS), "pe"), "pe", family)
    assert cells[BLOCKS[family]] == 1, cells


def test_xc7_takes_the_whole_element_into_the_block(netlists):
    """Operands, product and sum are registers of the DSP48E1, and the sum is its adder's."""
    netlist = netlists.netlist(emit(PE(PARAMS), "pe"), "pe", "xc7")
    cells = netlist["modules"]["pe"]["cells"].values()
    (block,) = (cell for cell in cells if cell["type"] == "DSP48E1")
    registers = {name: int(block["parameters"][name], 2) for name in ("AREG", "BREG", "MREG")}
    assert registers | {"PREG": int(block["parameters"]["PREG"], 2)} == dict.fromkeys(
        ("AREG", "BREG", "MREG", "PREG"), 1
    )
    counts = netlists.cells(emit(PE(PARAMS), "pe"), "pe", "xc7")
    # Operands are passed on to the neighbours from registers of their own.
    assert counts["FDRE"] <= 8 + 8 + 1 and not counts["CARRY4"], counts
    assert not [kind for kind in counts if kind.startswith("LUT")], counts


def test_ice40_takes_the_whole_element_into_the_block(netlists):
    cells = netlists.netlist(emit(PE(PARAMS), "pe"), "pe", "ice40")["modules"]["pe"]["cells"]
    (block,) = (cell for cell in cells.values() if cell["type"] == "SB_MAC16")
    for name in ("A_REG", "B_REG", "PIPELINE_16x16_MULT_REG1"):
        assert int(block["parameters"][name], 2) == 1, name
    for name in ("TOPOUTPUT_SELECT", "BOTOUTPUT_SELECT"):  # 1: the accumulator's register
        assert int(block["parameters"][name], 2) == 1, name


def test_ecp5_takes_operands_and_product_into_the_block(netlists):
    netlist = netlists.netlist(emit(PE(PARAMS), "pe"), "pe", "ecp5")
    packed = pack_carry_luts(pack_dsp_registers(netlist))["modules"]["pe"]["cells"].values()
    (block,) = (cell for cell in packed if cell["type"] == "MULT18X18D")
    for register in ("INPUTA", "INPUTB", "OUTPUT"):
        assert block["parameters"][f"REG_{register}_CLK"] == "CLK0", register
    kinds = [cell["type"] for cell in packed]
    # The sum, operands and `first` on their way to the neighbours; no LUT but those of the adder.
    assert kinds.count("TRELLIS_FF") == 32 + 8 + 8 + 1
    assert kinds.count("CCU2C") == 16 and kinds.count("LUT4") == 0, kinds


@pytest.mark.parametrize("family", MEMORIES)
def test_a_bank_is_memory_and_nothing_else(netlists, family):
    """No logic for a row that is read while it is written: that does not happen."""
    cells = netlists.cells(emit(ScratchpadBank(BANK), "bank"), "bank", family)
    num = {"ice40": 4}.get(family, 1)
    assert cells[MEMORIES[family]] == num, cells
    assert_is_bare(cells)


@pytest.mark.slow
def test_a_large_bank_is_ultra_ram(netlists):
    params = ScratchpadParams(
        banks=1, words_per_bank=4096, word_bits=64, num_read_ports=1, num_write_ports=1
    )
    cells = netlists.cells(emit(ScratchpadBank(params), "bank"), "bank", "xcup")
    assert cells["URAM288"] == 1, cells
    assert_is_bare(cells)
