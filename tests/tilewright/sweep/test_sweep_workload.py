"""Sweeps of a list of layers: all designs at once, resumed, searched, with their mistakes."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from sweep_crews import threads
from tilewright.dse import detail_choice
from tilewright.dse.block_sources import SOURCES
from tilewright.dse.detail_choice import detailed_designs
from tilewright.dse.energy.tables import TABLES
from tilewright.dse.sweep_file import parse_sweep_file
from tilewright.dse.sweep_tasks import measure_one

from tilewright import cli
from tilewright.catalog import load_spec
from tilewright.errors import UsageError
from tilewright.flow.sweep.confirm import Wanted
from tilewright.flow.sweep.points import read_points
from tilewright.flow.sweep.run import SweepOptions, run_sweep
from tilewright.flow.sweep.set_up import set_up
from tilewright.spec import SpecError

SPEC = """\
tilewright: 1
name: layers
accelerator:
  scratchpad: {{capacity: 64KiB}}
  engines:
    array: {{template: systolic, rows: 8, cols: 8}}
{head}
sweep:
  workload: {workload}
  parameters:
    accelerator.engines.array.rows: {{start: 4, stop: 16, powers_of_two: true}}
    accelerator.engines.array.cols: {{start: 4, stop: 16, powers_of_two: true}}
    accelerator.scratchpad.capacity: [8KiB, 64KiB]
    accelerator.memory.latency_cycles: {{start: 10, stop: 100, step: 10}}
    {parameters}
  objectives: {objectives}
  {more}
"""


def spec_in(folder: Path, **changes: str) -> Path:
    defaults = {"workload": "mlperf_tiny_ad", "parameters": "", "head": "", "more": ""}
    path = folder / "layers.yaml"
    path.write_text(SPEC.format(**{"objectives": "[cycles, lut]", **defaults, **changes}))
    return path


def swept(path: Path, out: Path, **options):
    return run_sweep(load_spec(path), out, options=SweepOptions(**options), crew_maker=threads)


def test_all_designs_at_once_and_again(tmp_path: Path) -> None:
    path, out = spec_in(tmp_path), tmp_path / "out"
    outcome = swept(path, out)
    file = parse_sweep_file((out / "sweep.json").read_text())
    assert outcome.ok
    assert file.space.size == 180
    assert file.coverage.kind == "exact"
    assert file.coverage.num_evaluated + sum(f.stop - f.start for f in file.failures) == 180
    assert file.metrics["cycles"].error == SOURCES["cycles"][1]
    details = read_points(out, file)
    assert set(details) == set(detailed_designs(file))
    for index, detail in details.items():
        row = file.row_of(index)
        assert detail.cycles == file.columns["cycles"][row]
        moved = sum(layer.bytes_read + layer.bytes_written for layer in detail.layers)
        assert moved == file.columns["bytes_off_chip"][row]
    before = (out / "sweep.json").read_bytes()
    records = (out / "ledger.jsonl").read_bytes()
    swept(path, out)
    assert (out / "sweep.json").read_bytes() == before
    assert (out / "ledger.jsonl").read_bytes() == records
    setup = set_up(load_spec(path))
    row = len(file.columns["index"]) // 2
    design = setup.sweep.space.design(file.columns["index"][row])
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as worker:
        alone = worker.submit(measure_one, setup.sweep.evaluation, design).result()
    assert alone == {name: file.columns[name][row] for name in file.metrics}


def test_of_a_long_front_both_ends_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detail_choice, "MOST_PRINTED", 2)
    outcome = swept(spec_in(tmp_path), tmp_path / "out")
    file = outcome.file
    by_cycles = sorted(file.front, key=lambda n: file.columns["cycles"][file.row_of(n)])
    assert len(by_cycles) > 2
    lines = outcome.table().partition("front: ")[2].splitlines()
    assert lines[0] == f"{len(by_cycles)} designs, 2 of them along cycles"
    assert [int(line.split()[0]) for line in lines[2:4]] == [by_cycles[0], by_cycles[-1]]


def test_energy_by_several_tables(tmp_path: Path) -> None:
    tables = "[horowitz_45nm, accelergy_45nm, eyeriss_65nm]"
    path = spec_in(tmp_path, more=f"energy: {tables}", objectives="[energy_uj, lut]")
    file = swept(path, tmp_path / "out").file
    assert file.metrics["energy_by_accelergy_45nm"].unit == "uJ"
    assert file.metrics["energy_by_eyeriss_65nm"].unit == f"million {TABLES['eyeriss_65nm'].unit}"
    assert file.context["energy"] == "horowitz_45nm, accelergy_45nm, eyeriss_65nm"
    assert len(set(file.columns["energy_by_accelergy_45nm"])) > 5


def test_a_search_of_layers(tmp_path: Path) -> None:
    path = spec_in(tmp_path, more="search: {sampler: random, budget: 20}")
    file = swept(path, tmp_path / "out").file
    assert file.coverage.kind == "search"
    assert file.coverage.num_evaluated + len(file.failures) <= 20


def test_a_file_of_layers(tmp_path: Path) -> None:
    layers = "Layer, M, N, K,\nfirst, 64, 32, 128,\nsecond, 64, 10, 32,\n"
    (tmp_path / "mine.csv").write_text(layers)
    file = swept(spec_in(tmp_path, workload="mine.csv"), tmp_path / "out").file
    assert file.coverage.num_evaluated == 180


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"workload": "mlperf_tiny_a"}, "workload: must be a network of the library, or a file"),
        ({"workload": "nowhere.csv"}, "workload: must be a network of the library, or a file"),
        (
            {"parameters": "accelerator.program: [rom, ram]"},
            "accelerator.program: has no effect on the estimate of a workload",
        ),
        ({"head": "schedule: {objective: bytes}"}, "layers of a workload are streamed"),
        ({"more": "energy: [horowitz_45nm, aladin]"}, "sweep.energy: must be a table, got aladin"),
        ({"more": "energy: [aladdin_40nm, aladdin_40nm]"}, "sweep.energy: is there twice"),
        ({"more": "energy: [eyeriss_65nm]"}, "sweep.energy: must be a table in pJ"),
    ],
)
@pytest.mark.usefixtures("functions")
def test_mistakes(tmp_path: Path, changes: dict[str, str], message: str) -> None:
    with pytest.raises(SpecError) as caught:
        load_spec(spec_in(tmp_path, **changes))
    assert message in str(caught.value)
    assert all(diagnostic.line for diagnostic in caught.value.diagnostics)


def test_layers_have_no_values_to_confirm(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a workload has no values to confirm"):
        swept(spec_in(tmp_path), tmp_path / "out", wanted=Wanted(best=1))


@pytest.mark.parametrize("verb", ["estimate", "generate"])
def test_other_verbs_need_a_model(tmp_path: Path, verb: str, capsys) -> None:
    assert cli.main([verb, str(spec_in(tmp_path)), "--out", str(tmp_path / "out")]) == 2
    assert "model: is missing: only a sweep of a workload has no use for it" in (
        capsys.readouterr().err
    )
