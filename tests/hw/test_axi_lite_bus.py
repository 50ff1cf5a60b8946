"""The emitted register file under cocotbext-axi."""

import json

import pytest
from amaranth.hdl import ClockDomain, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In
from tilewright.hw.lib.accelerator_registers import accelerator_registers
from tilewright.hw.lib.axi import AxiLiteSignature, connect_flat, flat_members
from tilewright.hw.lib.axi_lite import RegisterFile, RegisterFileParams

from tilewright.build.simulate import build_model, run_bench
from tilewright.build.verilator import BuildOptions
from tilewright.build.verilog import emit

TABLE = accelerator_registers(units=("load", "store"), version=0x102, spec_hash=0xC0FFEE12)


class RegisterTop(wiring.Component):
    """The register file with the outside names of an accelerator."""

    def __init__(self):
        lite = AxiLiteSignature(TABLE.address_bits).flip()
        super().__init__({"aclk": In(1), "aresetn": In(1), **flat_members("s_axil", lite)})

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = domain = ClockDomain()
        m.d.comb += [domain.clk.eq(self.aclk), domain.rst.eq(~self.aresetn)]
        m.submodules.registers = registers = RegisterFile(RegisterFileParams(table=TABLE))
        connect_flat(m, self, "s_axil", registers.bus)
        return m


@pytest.mark.simulator
def test_random_accesses(tmp_path):
    offsets = {register.name: register.offset for register in TABLE.registers}
    registers = {
        "rw": [offsets["memory_base_low"], offsets["memory_base_high"]],
        "ro": {
            str(register.offset): field.constant
            for register in TABLE.registers
            for field in register.fields
            if field.constant is not None
        },
        "unmapped": [o for o in range(0, 0x200, 4) if o not in offsets.values()],
    }
    top = RegisterTop()
    options = BuildOptions(
        top="register_top", public=(("register_top", tuple(top.signature.members)),)
    )
    model = build_model({"register_top.v": emit(top, "register_top")}, options)
    result = run_bench(
        model,
        test_module="tilewright.sim.benches.axi_lite",
        folder=tmp_path,
        environment={"TILEWRIGHT_REGISTERS": json.dumps(registers)},
        seed=3,
        limit_seconds=120,
    )
    assert result.is_passed, result.explain()
    assert len(result.tests) == 3
