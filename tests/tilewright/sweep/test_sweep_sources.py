"""Where the numbers of a sweep are from, how far off they may be, and who is told so."""

from pathlib import Path

import numpy as np
import pytest
from sweep_crews import threads
from test_sweep_workload import spec_in
from tilewright.dse.energy.ranking import kendall_tau
from tilewright.dse.energy.tables import TABLES

from tilewright.catalog import load_spec
from tilewright.flow.sweep.run import run_sweep
from tilewright.flow.sweep.set_up import set_up

CLOCK = "% worst of "
TOPOLOGY = "Layer, M, N, K, Eh,\nfirst, 64, 32, 128, 1,\nsecond, 64, 10, 32, 1,\n"


def swept(path: Path, out: Path):
    return run_sweep(load_spec(path), out, crew_maker=threads)


@pytest.mark.parametrize(
    ("changes", "provenance", "has_clock_error"),
    [
        ({}, "cycles over clock_mhz", True),
        ({"head": "clock: 50MHz"}, "cycles over the clock that is given", False),
        ({"parameters": "clock: [10MHz, 50MHz]"}, "cycles over the clock that is given", False),
        ({"head": "board: ulx3s-85f"}, "cycles over the clock that is given", False),
    ],
)
def test_time_is_as_far_off_as_what_it_is_made_of(
    tmp_path: Path, changes: dict[str, str], provenance: str, has_clock_error: bool
) -> None:
    sources = set_up(load_spec(spec_in(tmp_path, **changes))).sources
    time, cycles = sources["latency_us"], sources["cycles"].error or ""
    assert time.provenance == provenance
    if has_clock_error:
        assert time.error == f"cycles: {cycles}; clock: {sources['clock_mhz'].error}"
    else:
        assert time.error == cycles


def test_the_time_of_a_model_has_an_error(sweep_spec) -> None:
    sources = set_up(load_spec(sweep_spec())).sources
    assert sources["latency_us"].error == f"cycles: exact; clock: {sources['clock_mhz'].error}"
    given = set_up(load_spec(sweep_spec(parameters="clock: [10MHz]"))).sources
    assert given["latency_us"].error == "exact"


def test_layers_on_a_board_run_at_its_clock_with_its_memory(tmp_path: Path) -> None:
    columns = swept(spec_in(tmp_path, head="board: ulx3s-85f"), tmp_path / "one").file.columns
    assert columns["latency_us"] == pytest.approx(np.array(columns["cycles"]) / 25)
    spec = load_spec(spec_in(tmp_path, head="board: ulx3s-85f"))
    written = set_up(spec).sweep.evaluation.many.reader.written
    for key in ("bytes_per_cycle", "latency_cycles"):
        assert written[f"accelerator.memory.{key}"] == getattr(spec.accelerator.memory, key)


def test_energy_has_an_error_and_its_order_is_compared(tmp_path: Path) -> None:
    """With every table there is, also where the spec names one."""
    more = "constraints: {lut: {maximum: 20000}}"
    path = spec_in(tmp_path, objectives="[energy_uj, lut]", more=more)
    outcome = swept(path, tmp_path / "out")
    file = outcome.file
    assert [one.table for one in file.rankings] == [n for n in TABLES if n != "horowitz_45nm"]
    assert {one.num_designs for one in file.rankings} == {file.coverage.num_feasible}
    assert 0 < file.coverage.num_feasible < file.coverage.num_evaluated
    error = file.metrics["energy_uj"].error or ""
    assert error.startswith("-33 % to +33 % of its part off chip, as published; ")
    assert "other tables give " in error
    both = "energy: [horowitz_45nm, aladdin_40nm]\n  " + more
    second = swept(spec_in(tmp_path, more=both), tmp_path / "both").file
    columns = second.columns
    assert " times as much" in (second.metrics["energy_by_aladdin_40nm"].error or "")
    good = np.array(columns["lut"]) <= 20000
    pair = [np.array(columns[n])[good] for n in ("energy_uj", "energy_by_aladdin_40nm")]
    ranking = next(one for one in file.rankings if one.table == "aladdin_40nm")
    assert ranking.tau == pytest.approx(kendall_tau(*pair))
    assert ranking.loss == pytest.approx(pair[1][pair[0].argmin()] / pair[1].min() - 1)
    numbers = np.array(columns["index"])[good]
    assert ranking.best_of_first == numbers[pair[0].argmin()]
    assert ranking.best == numbers[pair[1].argmin()]


@pytest.mark.parametrize("columns", [80, 100])
def test_orders_are_told_on_the_page_and_in_the_terminal(
    columns: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    outcome = swept(spec_in(tmp_path, objectives="[energy_uj, lut]"), tmp_path / "out")
    page, said = (tmp_path / "out/report.html").read_text(), outcome.table()
    assert "How far the order depends on the table of energies" in page
    for one in outcome.file.rankings:
        assert one.table in page
        assert f"order by {one.table}" in said
    flat = " ".join(said.split())
    assert "..." not in flat.partition(" results ")[0]  # paths may lose their middle
    assert "M. Horowitz, Computing's Energy Problem" in flat
    assert f"tau {outcome.file.rankings[0].tau:.2f}" in flat


def test_a_model_compares_the_tables_that_it_names(sweep_spec, tmp_path: Path) -> None:
    alone = swept(sweep_spec(), tmp_path / "alone").file
    assert alone.rankings == ()
    more = "energy: [horowitz_45nm, accelergy_45nm, eyeriss_65nm]"
    file = swept(sweep_spec(more=more), tmp_path / "out").file
    assert [one.table for one in file.rankings] == ["accelergy_45nm", "eyeriss_65nm"]
    assert file.rankings[0].least_ratio is not None
    assert file.rankings[1].least_ratio is None  # another unit


def test_a_workload_says_where_it_is_from(tmp_path: Path) -> None:
    outcome = swept(spec_in(tmp_path), tmp_path / "out")
    context = outcome.file.context["workload"]
    assert context.startswith("mlperf_tiny_ad: MLPerf Tiny anomaly detection")
    assert "SHA-256 " in context
    assert "MLPerf Tiny" in " ".join(outcome.table().split())


def test_what_the_reader_of_a_workload_left_out_is_told(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text(TOPOLOGY)
    outcome = swept(spec_in(tmp_path, workload="mine.csv"), tmp_path / "out")
    file, page = outcome.file, (tmp_path / "out/report.html").read_text()
    note = next(note for note in file.notes if note.startswith("workload mine: "))
    assert "Eh" in note
    assert note in outcome.table()
    assert note in page
    assert str(tmp_path) not in (tmp_path / "out/sweep.json").read_text()
    assert file.context["workload"].startswith("mine.csv: mine, SHA-256 ")
