"""Silicon area as a metric of sweeps: of a model, of a workload, and what is missing for it."""

from pathlib import Path

import numpy as np
import pytest
from test_sweep_workload import spec_in
from tilewright.dataflow.systolic_machine import machine_of_section
from tilewright.dse.block_machines import reader_of
from tilewright.dse.block_resources import ANY_PROGRAM
from tilewright.hw.accelerator_resources import accelerator_structure
from tilewright.hw.configure import configure
from tilewright.hw.lib.cell_area import CELLS, cell_area_of, libraries
from tilewright.hw.unit_params import PROGRAMMABLE_ROWS

from tilewright import cli
from tilewright.catalog import load_spec
from tilewright.flow.sweep.set_up import set_up
from tilewright.spec import SpecError

AREA = "area: {memory_um2_per_bit: 2.5, memory_source: data sheet of a RAM compiler}"
SEED = 4


def test_of_a_model_it_is_what_the_design_is_made_of(sweep_spec) -> None:
    setup = set_up(load_spec(sweep_spec(objectives="[cycles, area_um2]", more=AREA)))
    assert setup.evaluate is not None
    values = setup.sweep.space.design(3)
    design = setup.evaluate.design(values)
    found = cell_area_of(accelerator_structure(design.config, CELLS), libraries()[0])
    assert found is not None
    assert setup.evaluate(values)["area_um2"] == found.cells_um2 + 2.5 * found.macro_bits
    source = setup.sources["area_um2"]
    assert "data sheet of a RAM compiler" in source.provenance
    assert "that no fit has seen" in (source.error or "")
    assert "data sheet" in setup.sweep.context["area"]


def test_of_a_workload_all_designs_at_once(tmp_path: Path) -> None:
    """The sum of the parts that occur, on each design: memories by their bits."""
    found = []
    for um2_per_bit in (1.0, 3.0):
        more = AREA.replace("2.5", str(um2_per_bit))
        spec = load_spec(spec_in(tmp_path, objectives="[cycles, area_um2]", more=more))
        setup = set_up(spec)
        assert setup.sweep.evaluation.many is not None
        columns = setup.sweep.space.columns_at(setup.sweep.space.indices(range(180)))
        told = setup.sweep.evaluation.many(columns)
        fits = np.equal(told["refused"], None)
        found.append(told["area_um2"][fits])
    bits = (found[1] - found[0]) / 2
    capacity = 8 * columns["accelerator.scratchpad.capacity"][fits]
    assert (bits > capacity / 2).all()
    assert np.allclose(bits, np.rint(bits))
    sides = ("accelerator.engines.array.rows", "accelerator.engines.array.cols")
    pes = columns[sides[0]][fits] * columns[sides[1]][fits]
    cells = found[0] - bits
    assert cells[pes == pes.max()].min() > cells[pes == pes.min()].max()


def test_a_block_has_the_area_of_each_design(tmp_path: Path) -> None:
    """Of the programmable accelerator, of both dataflows."""
    dataflow = "accelerator.engines.array.dataflow"
    changes = {"more": AREA, "parameters": f"{dataflow}: [output_stationary, weight_stationary]"}
    spec = load_spec(spec_in(tmp_path, objectives="[cycles, area_um2]", **changes))
    setup = set_up(spec)
    estimate = setup.sweep.evaluation.many
    assert estimate is not None
    indices = setup.sweep.space.indices(range(0, setup.sweep.space.size, 37))
    columns = setup.sweep.space.columns_at(indices)
    told = estimate(columns)
    machines = reader_of(spec).machines(columns, len(indices))
    for row in np.flatnonzero(np.equal(told["refused"], None)):
        machine = machine_of_section(machines.section(int(row)))
        config = configure(machine, ANY_PROGRAM, name="one", programmable_rows=PROGRAMMABLE_ROWS)
        found = cell_area_of(accelerator_structure(config, CELLS), libraries()[0])
        assert found is not None
        assert told["area_um2"][row] == pytest.approx(found.with_memories(2.5), rel=1e-12)


MISTAKES = {
    "no section": ("", "objectives[1]: names a metric that is not measured", "memory_um2_per_bit"),
    "no source": ("area: {memory_um2_per_bit: 1}", "area.memory_source: is missing", ""),
    "nothing": (AREA.replace("2.5", "0"), "must be above 0 and at most 1e+06, got 0", ""),
    "library": (
        AREA.replace("{", "{library: sg13g, "),
        "area.library: must be a cell library that runs were fitted to, got sg13g",
        "sg13g2_stdcell",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("more", "text", "help"), MISTAKES.values(), ids=MISTAKES)
def test_what_is_missing_is_told_at_its_place(sweep_spec, more: str, text: str, help: str) -> None:
    with pytest.raises(SpecError) as caught:
        set_up(load_spec(sweep_spec(objectives="[cycles, area_um2]", more=more)))
    told = str(caught.value)
    assert text in told
    assert help in told
    if "library" in more:
        assert "not measured" not in told


def test_estimate_tells_it(capsys, sweep_spec) -> None:
    assert cli.main(["estimate", str(sweep_spec(more=AREA))]) == 0
    whole = capsys.readouterr().out
    assert "at 2.5 um2 per bit" in whole
    assert "area not given" not in whole
    assert cli.main(["estimate", str(sweep_spec())]) == 0
    assert "area not given" in capsys.readouterr().out
