"""Ctrl-C before the first design, and between designs and the report: there is a report."""

from pathlib import Path

import pytest
from sweep_crews import threads
from test_sweep_workload import spec_in
from tilewright.dse.detail_choice import best_of_each
from tilewright.dse.sweep_file import parse_sweep_file

from tilewright.catalog import load_spec
from tilewright.flow.sweep import explore, points, rankings, run
from tilewright.flow.sweep.run import run_sweep


def interrupted(*_arguments, **_more):
    raise KeyboardInterrupt


def swept(path: Path, out: Path):
    outcome = run_sweep(load_spec(path), out, crew_maker=threads)
    file = parse_sweep_file((out / "sweep.json").read_text())
    assert file == outcome.file
    assert (out / "report.html").exists()
    return outcome


def test_a_search_whose_sampler_is_interrupted(sweep_spec, tmp_path: Path, monkeypatch) -> None:
    path = sweep_spec(more="search: {sampler: model, budget: 10}")
    whole = swept(path, tmp_path / "whole")
    original, asked = explore.model_sampler, []

    def made(*arguments, **more):
        sampler = original(*arguments, **more)
        ask = sampler.ask

        def stops(count):
            asked.append(count)
            return interrupted() if len(asked) == 3 else ask(count)

        sampler.ask = stops
        return sampler

    monkeypatch.setattr(explore, "model_sampler", made)
    outcome = swept(path, tmp_path / "parts")
    assert outcome.was_interrupted
    assert outcome.file.coverage.num_evaluated == 8
    assert swept(path, tmp_path / "parts").file == whole.file


@pytest.mark.parametrize("where", ["forecast", "crew_for"])
def test_before_the_first_design(sweep_spec, tmp_path: Path, monkeypatch, where: str) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(run, where, interrupted)
        outcome = swept(sweep_spec(), tmp_path / "out")
    assert outcome.was_interrupted
    assert outcome.file.coverage.num_evaluated == 0
    assert "12 designs of the space were not evaluated" in outcome.file.notes[0]
    assert [len(parameter.values) for parameter in outcome.file.space.parameters] == [2, 2, 3]
    assert "interrupted: the same command goes on from here" in outcome.table()
    assert not swept(sweep_spec(), tmp_path / "out").was_interrupted


def test_while_tables_of_energies_are_compared(tmp_path: Path, monkeypatch) -> None:
    path = spec_in(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(rankings, "rankings_of", interrupted)
        outcome = swept(path, tmp_path / "out")
    assert outcome.was_interrupted
    assert outcome.file.rankings == ()
    whole = swept(path, tmp_path / "out")
    assert whole.file.rankings
    assert whole.file.front == outcome.file.front


def test_while_designs_of_a_workload_are_listed(tmp_path: Path, monkeypatch) -> None:
    """The front is there, the others are counted; the next start lists them."""
    path = spec_in(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(explore, "measured_rows", interrupted)
        outcome = swept(path, tmp_path / "out")
    assert outcome.was_interrupted
    assert outcome.file.columns["index"] == outcome.file.front
    assert outcome.file.num_left_out > 0
    whole = swept(path, tmp_path / "out")
    assert len(whole.file.columns["index"]) == whole.file.coverage.num_evaluated
    assert whole.file.front == outcome.file.front


@pytest.mark.parametrize("is_again", [False, True])
def test_the_best_designs_of_an_interrupted_sweep_have_details(
    tmp_path: Path, monkeypatch, is_again: bool
) -> None:
    """A second Ctrl-C leaves them out; the page says which there are."""
    monkeypatch.setattr(rankings, "rankings_of", interrupted)
    if is_again:
        monkeypatch.setattr(points, "layers_detail", interrupted)
    outcome = swept(spec_in(tmp_path), tmp_path / "out")
    assert outcome.was_interrupted
    best = [] if is_again else best_of_each(outcome.file)
    assert set(points.read_points(tmp_path / "out", outcome.file)) == set(best)
    page = (tmp_path / "out" / "report.html").read_text()
    kept = (
        f"{len(best)} of the {len(outcome.file.front)} designs of the front"
        if best
        else "no design"
    )
    assert f"memory map are kept for {kept}" in page
    assert "the sweep was interrupted." in page
