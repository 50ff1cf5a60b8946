"""Sweeps of a tiny model: what `sweep.json` says, also after failures, Ctrl-C and a full disk."""

import errno
import json
import os
from pathlib import Path

import pytest
from sweep_crews import threads
from tilewright.dse.sweep_file import SweepFile, parse_sweep_file

from tilewright import cli
from tilewright.build.ledger import LedgerBusyError, open_ledger
from tilewright.catalog import load_spec
from tilewright.errors import OutputError
from tilewright.flow import estimate
from tilewright.flow.sweep import run
from tilewright.flow.sweep.evaluate import ModelEvaluation
from tilewright.flow.sweep.run import SweepOptions, run_sweep

ROWS, COLS = "accelerator.engines.array.rows", "accelerator.engines.array.cols"
LATENCY = "accelerator.memory.latency_cycles"


def swept(path: Path, out: Path, **options):
    return run_sweep(load_spec(path), out, options=SweepOptions(**options), crew_maker=threads)


def file_of(out: Path) -> SweepFile:
    return parse_sweep_file((out / "sweep.json").read_text())


def test_every_design_is_what_estimate_says(sweep_spec, tiny_spec, tmp_path: Path) -> None:
    path = sweep_spec(more="constraints: {fast: {metric: latency_us, maximum: 100ms}}")
    outcome = swept(path, tmp_path / "out")
    file = file_of(tmp_path / "out")
    assert file == outcome.file
    assert outcome.ok
    assert file.space.size == 12
    assert file.columns["index"] == tuple(range(12))
    assert (file.coverage.kind, file.coverage.num_evaluated) == ("exact", 12)
    assert file.coverage.text.startswith("exact: all 12 designs of the space were enumerated")
    assert file.constraints[0].maximum == 100_000
    assert not file.notes
    for row in (0, 7, 11):
        changes = {"rows": file.columns[ROWS][row], "cols": file.columns[COLS][row]}
        changes["latency"] = file.columns[LATENCY][row]
        alone = estimate(load_spec(tiny_spec(tmp_path / f"{row}", **changes))).to_json()
        assert file.columns["cycles"][row] == alone["estimated_cycles"]
        assert file.columns["utilisation"][row] == alone["utilisation"]
        assert file.columns["lut"][row] == alone["resources"]["ecp5"]["lut"]
        assert file.columns["clock_mhz"][row] == alone["resources"]["ecp5"]["fmax_hz"] * 1e-6
        cycles, clock = file.columns["cycles"][row], file.columns["clock_mhz"][row]
        assert file.columns["latency_us"][row] == pytest.approx(cycles / clock)


def test_numbers_have_a_unit_a_source_and_an_error(sweep_spec, tmp_path: Path) -> None:
    swept(sweep_spec(), tmp_path / "out")
    file = file_of(tmp_path / "out")
    assert set(file.metrics) == {
        "cycles", "latency_us", "bytes_off_chip", "energy_uj", "lut", "ff", "dsp", "ram_blocks",
        "clock_mhz", "utilisation",
    }  # fmt: skip
    assert all(source.unit and source.provenance for source in file.metrics.values())
    assert file.metrics["cycles"].error == "exact"
    assert "designs that no fit has seen" in (file.metrics["lut"].error or "")
    assert "Horowitz" in file.metrics["energy_uj"].provenance


def test_what_the_rules_refuse_is_counted_by_kind(sweep_spec, tmp_path: Path) -> None:
    path = sweep_spec(parameters="accelerator.scratchpad.banks: [8, 6, 3]")
    swept(path, tmp_path / "out")
    file = file_of(tmp_path / "out")
    assert file.coverage.num_evaluated == 12
    assert sum(f.stop - f.start for f in file.failures) == 24
    assert [note.partition(":")[0] for note in file.notes] == ["24 designs failed; the first, 1"]
    assert "accelerator.scratchpad.capacity: must be banks 6 x word of 4 bytes" in file.notes[0]
    assert file.coverage.kind == "exact"


def test_a_design_without_room_is_a_failure(sweep_spec, tmp_path: Path) -> None:
    path = sweep_spec(parameters="accelerator.memory.alignment: [256B, 4KiB]", address_bits=12)
    swept(path, tmp_path / "out")
    file = file_of(tmp_path / "out")
    assert file.coverage.num_evaluated == 12
    assert file.notes[0].startswith("12 designs failed; the first, 1: the memory image has ")
    assert file.notes[0].endswith("bytes, memory.address_bits 12 reach 4,096")
    assert set(file.columns["accelerator.memory.alignment"]) == {256}
    assert file.space.parameters[3].unit == "B"


@pytest.mark.usefixtures("functions")
def test_objectives_of_users(sweep_spec, tmp_path: Path) -> None:
    path = sweep_spec(objectives="[{function: cost, goal: max}, cycles]")
    swept(path, tmp_path / "out")
    file = file_of(tmp_path / "out")
    columns = file.columns
    assert file.objectives[0].direction == "max"
    for row, cost in enumerate(columns["cost"]):
        assert cost == columns["lut"][row] * columns["cycles"][row] + columns[ROWS][row]
    assert file.metrics["cost"].provenance == "function objective_functions:cost"
    assert file.context["objective cost"] == "objective_functions:cost"


@pytest.mark.usefixtures("functions")
def test_what_a_users_function_raises_is_the_designs_failure(sweep_spec, tmp_path: Path) -> None:
    swept(sweep_spec(objectives="[cycles, {function: raises}]"), tmp_path / "out")
    file = file_of(tmp_path / "out")
    assert set(file.columns[ROWS]) == {1}
    assert file.space.parameters[0].values == (1, 2)
    assert file.failures[0].error == (
        "ArithmeticError: nobody builds two rows (objective_functions.py:12)"
    )
    told = swept(sweep_spec(objectives="[cycles, {function: escapes}]"), tmp_path / "escapes")
    assert "\\x1b[2Jcleared" in told.table()
    assert "\x1b" not in told.table()
    assert "FAILED no design has numbers" in told.table()
    swept(sweep_spec(objectives="[cycles, {function: text}]"), tmp_path / "text")
    assert "text is not a number, got str" in file_of(tmp_path / "text").notes[1]


def test_constraints_that_nothing_meets(sweep_spec, tmp_path: Path, capsys) -> None:
    more = "constraints: {lut: {maximum: 10}, cycles: {maximum: 1ms}}"
    path = sweep_spec(more=more.replace("1ms", "20"))
    outcome = swept(path, tmp_path / "out")
    assert not outcome.ok
    assert "FAILED no design meets all constraints" in outcome.table()
    file = file_of(tmp_path / "out")
    assert file.front == ()
    assert file.notes[0] == "no design meets all constraints, of 12 evaluated"
    assert file.notes[1].startswith("lut (lut <= 10) fails for 12, alone for 0; design ")
    assert [one.num_ruled_out for one in file.constraints] == [12, 12]
    assert "nearest to all: design" in file.notes[3]


def test_resumed_is_undisturbed_byte_for_byte(sweep_spec, tmp_path: Path) -> None:
    path = sweep_spec()
    swept(path, tmp_path / "whole")
    told: list[str] = []

    def interrupted(line: str) -> None:
        told.append(line)
        if len(told) == 1:  # the first design is done
            raise KeyboardInterrupt

    spec, out = load_spec(path), tmp_path / "parts"
    outcome = run_sweep(spec, out, progress=interrupted, crew_maker=threads)
    assert outcome.was_interrupted
    assert "interrupted: the same command goes on from here" in outcome.table()
    partial = file_of(tmp_path / "parts")
    assert partial.was_interrupted
    assert 0 < partial.coverage.num_evaluated < 12
    assert partial.coverage.kind == "search"
    assert "until it was interrupted" in partial.coverage.text
    assert not swept(path, tmp_path / "parts").was_interrupted
    whole, parts = (tmp_path / name / "sweep.json" for name in ("whole", "parts"))
    assert parts.read_bytes() == whole.read_bytes()


def test_a_full_disk_is_told_and_what_was_recorded_stays(
    sweep_spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, out = sweep_spec(), tmp_path / "out"
    written: list[int] = []
    original = os.fsync

    def full(descriptor: int) -> None:
        written.append(1)
        if len(written) > 6:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        original(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"ledger\.jsonl: cannot write: no space left"):
        swept(path, out)
    monkeypatch.setattr(os, "fsync", original)
    lines = (out / "ledger.jsonl").read_text().splitlines()
    assert 1 < len(lines) < 12
    assert swept(path, out).ok
    assert file_of(out).coverage.num_evaluated == 12


def test_other_versions_and_other_sweeps_keep_out(
    sweep_spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, out = sweep_spec(), tmp_path / "out"
    outcome = swept(path, out)
    with open_ledger(out, outcome.file.context), pytest.raises(LedgerBusyError):
        swept(path, out)
    other = sweep_spec(capacity="8KiB")
    with pytest.raises(OutputError, match="the ledger is of another version: spec: "):
        swept(other, out)
    assert swept(other, out, is_fresh=True).ok
    wider = sweep_spec(capacity="8KiB", parameters="accelerator.program: [rom, ram]")
    with pytest.raises(OutputError, match="another version"):  # the base has one key less
        swept(wider, out)


def test_more_values_and_other_goals_use_what_is_there(
    sweep_spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    swept(sweep_spec(objectives="[cycles]"), out)
    monkeypatch.setattr(ModelEvaluation, "__call__", None)
    outcome = swept(sweep_spec(objectives="[ff, energy_uj]"), out)
    assert outcome.file.coverage.num_evaluated == 12
    assert not outcome.file.failures


def test_a_search_with_a_budget_says_what_it_covers(sweep_spec, tmp_path: Path) -> None:
    path = sweep_spec(more="search: {sampler: random, budget: 5, seed: 3}")
    swept(path, tmp_path / "out")
    file = file_of(tmp_path / "out")
    assert (file.coverage.kind, file.coverage.num_evaluated) == ("search", 5)
    assert file.coverage.text.startswith("search by random, budget 5, seed 3: of 12 designs 5 have")
    assert "7 designs of the space were not evaluated" in file.notes[0]
    few = sweep_spec(more="search: {sampler: random, budget: 1, seed: 3}")
    told = swept(few, tmp_path / "few").table()
    assert "rows (2 values)" in told and "latency_cycles (3 values)" in told
    wide = sweep_spec(more="search: {sampler: random, budget: 12}")
    swept(wide, tmp_path / "wide")
    assert file_of(tmp_path / "wide").coverage.kind == "exact"


@pytest.mark.parametrize("sampler", ["model", "grid", "tpe"])
def test_every_sampler_runs(sweep_spec, tmp_path: Path, sampler: str) -> None:
    if sampler == "tpe":
        pytest.importorskip("optuna", reason="Optuna is not installed")
    path = sweep_spec(more=f"search: {{sampler: {sampler}, budget: 6}}")
    swept(path, tmp_path / "out")
    assert file_of(tmp_path / "out").coverage.num_evaluated == 6


def test_the_verb(sweep_spec, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(run, "local_crew", threads)
    monkeypatch.setitem(run.run_sweep.__kwdefaults__, "crew_maker", threads)
    out = tmp_path / "out"
    assert cli.main(["sweep", str(sweep_spec()), "--out", str(out), "--json"]) == 0
    said = capsys.readouterr()
    assert said.err.startswith("12 designs; evaluating all of them will take ")
    assert "; details of the front and the report come on top" in said.err
    data = json.loads(said.out)
    assert (data["ok"], data["designs"], data["is_exact"]) == (True, 12, True)
    assert cli.main(["sweep", str(sweep_spec()), "--out", str(out), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
