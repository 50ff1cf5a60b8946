"""A disk that is full when results are written, and messages where nobody watches."""

import errno
import os
import tempfile
from pathlib import Path

import pytest
from sweep_crews import threads

from tilewright.catalog import load_spec
from tilewright.errors import OutputError
from tilewright.flow.sweep import explore
from tilewright.flow.sweep.explore import a_line_a_minute
from tilewright.flow.sweep.run import run_sweep


@pytest.mark.parametrize("name", ["sweep.json", "report.html", "points"])
def test_a_disk_that_is_full_when_results_are_written(
    sweep_spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """It is told with the file; nothing is half there, and nothing is evaluated again."""
    path, out = sweep_spec(), tmp_path / "out"
    original = tempfile.mkstemp

    def full(*arguments, **more):
        if more["prefix"].startswith(f".{name}.") or Path(more["dir"]).name == name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return original(*arguments, **more)

    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "mkstemp", full)
        with pytest.raises(OutputError, match=rf"{name}.*: cannot write: no space left"):
            run_sweep(load_spec(path), out, crew_maker=threads)
    assert not (out / "report.html").exists()
    assert not list(out.rglob("*.partial-*"))
    records = (out / "ledger.jsonl").read_bytes()
    outcome = run_sweep(load_spec(path), out, crew_maker=threads)
    assert outcome.ok
    assert (out / "ledger.jsonl").read_bytes() == records
    assert (out / "report.html").exists()


def test_where_nobody_watches_there_is_a_line_a_minute() -> None:
    told: list[str] = []
    times = iter([0.0, 1.0, 59.0, 60.0, 60.0, 61.0, 125.0, 125.0])
    tell = a_line_a_minute(told.append, clock=times.__next__)
    for line in ("1 s", "59 s", "60 s", "61 s", "125 s"):
        tell(line)
    assert told == ["60 s", "125 s"]


def test_progress_goes_to_the_announcements(sweep_spec, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(explore, "MOST_SECONDS", 0.0)
    told: list[str] = []
    run_sweep(load_spec(sweep_spec()), tmp_path / "out", announce=told.append, crew_maker=threads)
    assert told[0].startswith("12 designs; evaluating all of them")
    assert any("/12 designs (" in line and "(best cycles " in line for line in told[1:])
