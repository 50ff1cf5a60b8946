"""The gates of a kernel under Verilator: the same words in the same cycles as the text they are of.

Flip-flops begin with whatever
Verilator gives them: after the reset nothing may depend on it.
"""

from pathlib import Path

import pytest

from tilewright.build.kernel_run import simulate_kernels
from tilewright.build.synth.asic import synthesise_asic
from tilewright.catalog import find_template
from tilewright.flow.synth import design_verilog
from tilewright.spec import KernelSpec, parse_spec

SEED = 29
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
def test_gates_do_what_the_text_says(little_file: Path, models: str, tmp_path: Path) -> None:
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
    (run,) = simulate_kernels([(gates + models, job)], tmp_path / "run", optimize="-O0")
    assert len(run.cases) == len(job.cases) > 5
    assert run.is_passed, run.explain()
