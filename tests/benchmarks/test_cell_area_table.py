"""The model of silicon area against its table of runs."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tilewright.hw.lib.cell_area import CELLS, cell_table
from tilewright.hw.lib.structure import Structure

SEED = 5


@pytest.fixture(scope="module")
def parts(benchmark_modules: Callable[..., Any]) -> Any:
    """The modules `benchmarks/parts/cell_area_*` by their last name."""
    return benchmark_modules("parts.cell_area_", "fit", "table")


@pytest.fixture(scope="module")
def samples(parts: Any) -> Any:
    """Every row of the table beside what its design is made of."""
    return parts.fit.samples_of(parts.table.read_rows())


def test_rows_belong_to_designs_as_they_are(parts: Any, samples: Any) -> None:
    rows = parts.table.read_rows()
    assert len(samples) == len(rows), "a row of a design that is drawn otherwise now"
    for row in rows:
        assert row.yosys and row.verilog and row.liberty and row.date
        assert 0 < row.register_area < row.cell_area


def test_macros_are_exact_and_errors_those_told(parts: Any, samples: Any) -> None:
    assert not parts.fit.macro_errors(samples)
    for library, fit in cell_table()["libraries"].items():
        own = [sample for sample in samples if sample.row.library == library]
        errors, told = parts.fit.errors_of(own, fit), fit["accuracy"]
        assert len(errors.by_key) == told["held_out"]
        assert errors.mean == pytest.approx(told["mean"], abs=2e-4)
        assert errors.worst == pytest.approx(told["worst"], abs=2e-4)


def test_the_committed_coefficients_are_those_of_the_table(parts: Any, samples: Any) -> None:
    """And held-out rows do not change them."""
    for library, fit in cell_table()["libraries"].items():
        own = [s for s in samples if s.row.library == library and not s.row.held_out]
        again = parts.fit.fit_library(own)
        assert {name: fit[name] for name in again} == again


def test_the_fit_finds_the_areas_that_made_the_designs(parts: Any) -> None:
    rng = np.random.default_rng(SEED)
    samples = []
    for number in range(20):
        s = Structure(CELLS, "test")
        s.add("sum", int(rng.integers(500, 1000)))
        s.gates("plain", int(rng.integers(500, 1000)))
        s.registers("held", int(rng.integers(500, 1000)))
        logic = 20 * s.lut["sum"] + 40 * s.lut["plain"] + 5 * s.ff["held"]
        stored = 47 * s.ff["held"]
        row = SimpleNamespace(held_out=number % 4 == 0, key=f"{number}", library="any")
        row.registers, row.register_area, row.cell_area = s.ff["held"], stored, logic + stored
        samples.append(parts.fit.Sample(row, s))
    table = parts.fit.fit_library(samples)
    assert table["logic"]["test"]["sum"] == pytest.approx(20, rel=0.1)
    assert table["logic"]["test"]["plain"] == pytest.approx(40, rel=0.1)
    assert parts.fit.errors_of(samples, table).worst < 0.01
