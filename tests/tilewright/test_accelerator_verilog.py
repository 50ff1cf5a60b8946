"""The Verilog of whole accelerators as a customer's tools see it."""

from pathlib import Path

import pytest

from tilewright.build.accelerator_files import accelerator_verilog
from tilewright.build.lint import lint
from tilewright.catalog import load_spec
from tilewright.flow.design import make_design
from tilewright.flow.programmable import make_programmable
from tilewright.machines import systolic_machine

EXAMPLE = Path(__file__).parents[2] / "examples/digits_mlp.yaml"
MACHINES = {
    "subpanels": {"rows": 5, "cols": 3, "lanes": 6},
    "weight_stationary": {"rows": 3, "cols": 4, "lanes": 8, "dataflow": "weight_stationary"},
    "single": {"rows": 1, "cols": 1, "lanes": 1},
    "fixed": {"rows": 4, "cols": 4, "lanes": 4, "requantize": "fixed", "multiplier_bits": 8},
}


def test_the_example_passes_all_linters():
    design = make_design(load_spec(EXAMPLE), batch=100)
    result = lint(accelerator_verilog(design), design.name)
    assert result.is_clean, result.problems


@pytest.mark.parametrize(
    "name",
    ["subpanels", *(pytest.param(n, marks=pytest.mark.slow) for n in MACHINES if n != "subpanels")],
)
def test_programmable_accelerators_pass_all_linters(name):
    accelerator = make_programmable(systolic_machine(**MACHINES[name], scratchpad_bytes=4096))
    result = lint(accelerator.verilog, "accelerator")
    assert result.is_clean, result.problems
