"""The gates of a kernel under Verilator: the same words in the same cycles as the text they are of.

Cells are modelled here by hand, from the little library's functions. Flip-flops begin with whatever
Verilator gives them: after the reset nothing may depend on it.
"""

from pathlib import Path

import pytest

from tilewright.build.kernel_run import simulate_kernel
from tilewright.build.synth.asic import synthesise_asic
from tilewright.catalog import find_template
from tilewright.flow.synth import design_verilog
from tilewright.spec import KernelSpec, parse_spec

SEED = 29
MODELS = """
module INV(input A, output Y); assign Y = !A; endmodule
module BUF(input A, output Y); assign Y = A; endmodule
module NAND2(input A, input B, output Y); assign Y = !(A & B); endmodule
module NOR2(input A, input B, output Y); assign Y = !(A | B); endmodule
module XOR2(input A, input B, output Y); assign Y = A ^ B; endmodule
module ONE(output Y); assign Y = 1'b1; endmodule
module ZERO(output Y); assign Y = 1'b0; endmodule
module DFF(input CK, input D, output reg Q); always @(posedge CK) Q <= D; endmodule
"""
SPEC = """\
tilewright: 1
name: gates
kernel:
  template: systolic
  rows: 1
  cols: 2
  dataflow: output_stationary
  a: int4
  b: int4
  accumulator_bits: 12
  output: raw
"""


@pytest.mark.simulator
@pytest.mark.usefixtures("yosys")
def test_gates_do_what_the_text_says(little_file: Path, tmp_path: Path) -> None:
    spec = parse_spec(SPEC, "gates.yaml")
    assert isinstance(spec, KernelSpec)
    source = tmp_path / "gates.v"
    source.write_text(design_verilog(spec))
    result = synthesise_asic(source, "gates", tmp_path / "asic", liberty=little_file)
    assert result.memories == ()
    gates = (tmp_path / "asic" / result.files["netlist"]).read_text()
    assert "always" not in gates  # cells and wires, nothing else
    cases = find_template("systolic").load("cases")
    job = cases.job(cases.params_of(spec.kernel), "gates", samples=3, seed=SEED)
    run = simulate_kernel(gates + MODELS, job, tmp_path / "run")
    assert len(run.cases) == len(job.cases) > 5
    assert run.is_passed, run.explain()
