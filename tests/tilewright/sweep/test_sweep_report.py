"""`tilewright report` on folders of sweeps: page, tables, differences, traces, mistakes."""

import dataclasses
import json
import sys
from pathlib import Path

import pytest
from tilewright.dse.point_detail import point_name, point_text
from tilewright.dse.sweep_file import parse_sweep_file, sweep_file_text

from tilewright import cli
from tilewright.errors import EXIT_FAILED, EXIT_GOOD, EXIT_WRONG_TEXT

sys.path.append(str(Path(__file__).parents[2] / "dse" / "report"))
from report_fixtures import made_details, made_sweep

SWEEP = made_sweep(150)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a sweep leaves, without a report."""
    place = tmp_path / "swept"
    (place / "points").mkdir(parents=True)
    (place / "sweep.json").write_text(sweep_file_text(SWEEP))
    for index, detail in made_details(SWEEP, 3).items():
        (place / "points" / f"{point_name(index)}.json").write_text(point_text(detail))
    return place


def test_report_writes_page_tables_and_data(folder: Path, capsys) -> None:
    assert cli.main(["report", str(folder)]) == EXIT_GOOD
    told = capsys.readouterr().out
    assert "digits_mlp: exploration" in told
    assert str(folder / "report.html") in told
    assert "lut hangs on" in told
    assert "The array does useful work" in told
    assert (folder / "report.html").read_text().startswith("<!DOCTYPE html>")
    data = json.loads((folder / "report.json").read_text())
    assert [point["index"] for point in data["front"]] == list(SWEEP.front)
    assert len((folder / "designs.csv").read_text().splitlines()) == 151


def test_report_elsewhere(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "elsewhere"
    assert cli.main(["report", str(folder), "--out", str(out), "--json"]) == EXIT_GOOD
    assert sorted(path.name for path in out.iterdir()) == [
        "designs.csv", "report.html", "report.json",
    ]  # fmt: skip
    assert not (folder / "report.html").exists()


def test_trace(folder: Path, capsys) -> None:
    index = SWEEP.front[0]
    assert cli.main(["report", str(folder), "--trace", str(index)]) == EXIT_GOOD
    path = folder / "points" / f"{point_name(index)}.trace.json"
    assert str(path) in capsys.readouterr().out
    assert json.loads(path.read_text())["traceEvents"]
    assert cli.main(["report", str(folder)]) == EXIT_GOOD  # the trace there is no design


def test_trace_of_a_design_without_detail(folder: Path, capsys) -> None:
    assert cli.main(["report", str(folder), "--trace", "149"]) == EXIT_WRONG_TEXT
    told = capsys.readouterr().err
    assert "no schedule is kept of it" in told and str(SWEEP.front[0]) in told
    assert f"kept for 3 of the {len(SWEEP.front)} designs of the front" in told


def test_difference(folder: Path, tmp_path: Path, capsys) -> None:
    other, out = tmp_path / "other", tmp_path / "diff"
    other.mkdir()
    columns = {name: list(column) for name, column in SWEEP.columns.items()}
    columns["lut"][3] //= 2
    changed = dataclasses.replace(
        SWEEP,
        columns={name: tuple(column) for name, column in columns.items()},
        context={**SWEEP.context, "tilewright": "0.2.0"},
    )
    (other / "sweep.json").write_text(sweep_file_text(changed))
    assert cli.main(["report", "--diff", str(folder), str(other), "--out", str(out)]) == EXIT_GOOD
    told = capsys.readouterr().out
    assert "hypervolume of both, by one reference point" in told
    assert "149" in told and "tilewright: 0.1.0 -> 0.2.0" in told
    data = json.loads((out / "diff.json").read_text())
    assert data["counts"] == {"better": 1, "worse": 0, "both": 0, "same": 149}
    assert "0.2.0" in (out / "diff.html").read_text()


def test_difference_stands_alone(folder: Path, capsys) -> None:
    words = ["report", str(folder), "--diff", str(folder), str(folder)]
    assert cli.main(words) == EXIT_WRONG_TEXT
    assert "stands alone" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[:100], "no sweep can be read here: is no JSON"),
        (lambda text: text.replace("tilewright-sweep-1", "tilewright-sweep-9"), "format"),
        (lambda text: text.replace('"name":', '"named":', 1), "sweep"),
        (lambda _: "", "no sweep can be read here"),
    ],
)
def test_a_damaged_sweep(folder: Path, capsys, damage, message: str) -> None:
    path = folder / "sweep.json"
    path.write_text(damage(path.read_text()))
    assert cli.main(["report", str(folder)]) == EXIT_FAILED
    assert message in capsys.readouterr().err
    assert not (folder / "report.html").exists()


def test_a_sweep_that_is_not_there_is_told_in_words(folder: Path, capsys) -> None:
    words = ["report", "--diff", str(folder), str(folder / "nowhere")]
    assert cli.main(words) == EXIT_FAILED
    said = capsys.readouterr().err
    assert "no sweep can be read here: no such file or directory" in said
    assert "Errno" not in said


def test_a_damaged_point(folder: Path, capsys) -> None:
    path = folder / "points" / f"{point_name(SWEEP.front[0])}.json"
    path.write_text(path.read_text().replace('"cycles": ', '"cycles": 1', 1))
    assert cli.main(["report", str(folder)]) == EXIT_FAILED
    assert "parts sum to" in capsys.readouterr().err


def test_a_folder_of_nothing(tmp_path: Path, capsys) -> None:
    assert cli.main(["report", str(tmp_path)]) == EXIT_FAILED
    assert "not a finished result" in capsys.readouterr().err


def test_a_sweep_leaves_a_report(sweep_spec, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert cli.main(["sweep", str(sweep_spec()), "--workers", "1", "--out", str(out)]) == EXIT_GOOD
    file = parse_sweep_file((out / "sweep.json").read_text())
    assert file.base["accelerator.memory.outstanding"] == 8
    assert file.base["accelerator.memory.alignment"] == "4KiB"  # a default
    assert not {parameter.path for parameter in file.space.parameters} & set(file.base)
    names = {path.name for path in (out / "points").iterdir()}
    assert names == {f"{point_name(index)}.json" for index in file.front}
    before = (out / "report.html").read_bytes()
    assert cli.main(["report", str(out)]) == EXIT_GOOD
    assert (out / "report.html").read_bytes() == before
