"""Gates are proved equal to the text that they are of, for all inputs and times (yosys' equiv)."""

import sys
from pathlib import Path

import pytest

from tilewright.build.process import run
from tilewright.build.synth.asic import synthesise_asic

pytestmark = pytest.mark.usefixtures("yosys", "without_sta")

MAC = """\
module mac(input clk, input rst, input en, input signed [3:0] a, input signed [3:0] b,
           output reg signed [9:0] sum, output reg busy);
  reg signed [7:0] product;
  always @(posedge clk) begin
    product <= a * b;
    if (rst) begin sum <= 0; busy <= 0; end
    else if (en) begin sum <= sum + product; busy <= |a; end
  end
endmodule
"""
PROOF = """\
from pyosys import libyosys
design = libyosys.Design()
for one in ("read_verilog mac.v", "proc", "opt_clean", "rename mac gold", "read_verilog gates.v",
            "read_verilog models.v", "proc", "flatten mac", "opt_clean", "rename mac gate",
            "equiv_make gold gate equal", "hierarchy -top equal", "opt_clean", "techmap",
            "equiv_simple -undef", "equiv_induct -undef", "equiv_status -assert"):
    libyosys.run_pass(one, design)
print("proved")
"""


def is_proved(folder: Path, gates: str, models: str) -> bool:
    for name, text in (("mac.v", MAC), ("gates.v", gates), ("models.v", models)):
        (folder / name).write_text(text)
    return "proved" in run([sys.executable, "-c", PROOF], cwd=folder, check=False).tail


def test_a_multiply_accumulate_with_reset_and_enable(
    little_file: Path, models: str, tmp_path: Path
) -> None:
    """And with one gate of another kind it is not: the proof can fail."""
    source = tmp_path / "source.v"
    source.write_text(MAC)
    result = synthesise_asic(source, "mac", tmp_path / "out", liberty=little_file)
    assert result.num_flip_flops == 8 + 10 + 1
    gates = (tmp_path / "out" / result.files["netlist"]).read_text()
    assert is_proved(tmp_path, gates, models)
    assert not is_proved(tmp_path, gates.replace("  NOR2 ", "  NAND2 ", 1), models)
