"""The resource model against its table of runs; a few designs again, by synthesis."""

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tilewright.hw.lib.resources import coefficients
from tilewright.hw.lib.structure import Structure

SEED = 5
NUM_AGAIN = 3
MOST_LUT = 1500
NAMES = ("designs", "table", "fit", "goals")


@pytest.fixture(scope="module")
def parts(benchmark_modules: Callable[..., Any]) -> Any:
    """The modules `benchmarks/parts/resource_*` by their last name."""
    return benchmark_modules("parts.resource_", *NAMES)


@pytest.fixture(scope="module")
def samples(parts: Any) -> Any:
    """Every row of the table beside what its design is made of."""
    return parts.goals.samples_of(parts.table.read_rows())


def test_the_split_is_made_before_any_fit(parts: Any) -> None:
    designs = list(parts.designs.designs())
    assert len({design.key for design in designs}) == len(designs)
    held = [design for design in designs if design.is_held_out]
    assert len(held) >= 60
    assert {design.group for design in held} == {design.group for design in designs}
    again = {design.key: design.data for design in parts.designs.designs()}
    assert again == {design.key: design.data for design in designs}


def test_rows_belong_to_designs_as_they_are(parts: Any, samples: Any) -> None:
    rows = parts.table.read_rows()
    assert len(samples) == len(rows), "a row of a design that is drawn otherwise now"
    for row in rows:
        assert row.yosys and row.verilog and row.date
        assert bool(row.nextpnr) == bool(row.fmax_mhz)


def test_multipliers_and_blocks_are_exact_and_errors_those_told(parts: Any, samples: Any) -> None:
    for family, found in coefficients()["families"].items():
        own = [sample for sample in samples if sample.row.family == family]
        errors = parts.fit.errors_of(own, found)
        for name in ("dsp", "ram_blocks"):
            wrong = {key: off for key, off in errors[name].by_key.items() if off}
            assert not wrong, f"{family} {name}: {wrong}"
        for name, told in found["accuracy"].items():
            assert round(errors[name].mean, 4) == pytest.approx(told["mean"], abs=2e-4)
            assert round(errors[name].worst, 4) == pytest.approx(told["worst"], abs=2e-4)


def test_the_fit_finds_the_coefficients_that_made_the_amounts(parts: Any) -> None:
    """Two parts, their amounts with known coefficients; held-out designs are not looked at."""
    rng = np.random.default_rng(SEED)
    samples = []
    for number in range(30):
        structure = Structure("ecp5", "test")
        structure.add("wide", int(rng.integers(100, 1000)))
        structure.gates("plain", int(rng.integers(100, 1000)))
        structure.registers("held", int(rng.integers(100, 1000)))
        held_out = number % 3 == 0
        lut = 1.5 * structure.lut["wide"] + 0.5 * structure.lut["plain"]
        row = SimpleNamespace(held_out=held_out, family="ecp5", fmax_mhz="", key=f"{number}")
        row.lut, row.ff = lut * (9 if held_out else 1), structure.ff["held"]
        samples.append(parts.fit.Sample(row, structure))
    table = parts.fit.fit_family(samples, {})
    assert table["lut"]["test"]["wide"] == pytest.approx(1.5, abs=0.02)
    assert table["lut"]["test"]["plain"] == pytest.approx(0.5, abs=0.02)
    assert table["ff"]["test"]["held"] == pytest.approx(1, abs=0.01)


def test_shortfalls_are_said(parts: Any) -> None:
    errors = parts.fit.Errors("lut", {"a": 0.01, "b": -0.2})
    texts = list(parts.goals._shortfalls("ecp5", errors))
    assert texts == ["ecp5 lut: mean error 10.5%, goal 5%", "ecp5 lut: worst error 20.0%, goal 15%"]
    exact = parts.fit.Errors("dsp", {"a": 0, "b": 1})
    assert list(parts.goals._shortfalls("xc7", exact)) == [
        "xc7 b: dsp off by +1, the rule is exact"
    ]


@pytest.mark.slow
def test_some_held_out_designs_again(parts: Any) -> None:
    """Synthesis gives what the table says, for ECP5: those rows are of the present circuits."""
    rng = np.random.default_rng(SEED)
    designs = {design.key: design for design in parts.designs.designs()}
    rows = [r for r in parts.table.read_rows() if r.held_out and r.lut <= MOST_LUT]
    rows = [r for r in rows if r.family == "ecp5"]
    for row in rng.permutation(np.array(rows, dtype=object))[:NUM_AGAIN]:
        verilog = parts.table.verilog_of_design(designs[row.key])
        assert parts.table.digest_of(verilog) == row.verilog, f"{row.key}: make its row again"
        again = parts.table.measure(designs[row.key], verilog, row.family, is_placed=False)
        names = ("lut", "ff", "carry", "muxf", "dsp", "ram_blocks", "lut_ram")
        found, told = ({n: getattr(x, n) for n in names} for x in (again, row))
        assert found == told, json.dumps({"seed": SEED, "design": row.key})
