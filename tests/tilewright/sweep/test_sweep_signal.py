"""A real Ctrl-C: the terminal's signal to a real sweep and its workers, in the middle of it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sweep_crews import threads
from tilewright.dse.sweep_file import parse_sweep_file

from tilewright.catalog import load_spec
from tilewright.errors import EXIT_INTERRUPTED
from tilewright.flow.sweep.report import DATA, PAGE, TABLE, report_sweep
from tilewright.flow.sweep.run import run_sweep

DESIGNS = 12 * 6
RECORDS = 10
"""In the ledger when Ctrl-C comes."""
LIMIT_SECONDS = 120.0


@pytest.mark.slow
def test_ctrl_c_leaves_a_report_and_the_same_command_goes_on(sweep_spec, tmp_path: Path) -> None:
    path = sweep_spec(parameters="accelerator.memory.outstanding: {start: 1, stop: 6, step: 1}")
    out = tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-m", "tilewright", "sweep", str(path), "--workers", "1", "--out", out],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        _wait_for_records(process, out / "ledger.jsonl")
        os.killpg(process.pid, signal.SIGINT)
        told, complaints = process.communicate(timeout=LIMIT_SECONDS)
    finally:
        process.kill()
    assert process.returncode == EXIT_INTERRUPTED == 130, complaints
    assert "interrupted: the same command goes on from here" in told
    assert "Traceback" not in complaints
    file = parse_sweep_file((out / "sweep.json").read_text())
    assert file.was_interrupted
    assert RECORDS - 1 <= file.coverage.num_evaluated < DESIGNS  # one may be on its way
    assert file.front
    for name in (PAGE, DATA, TABLE):
        assert (out / name).stat().st_size
    assert "Interrupted: what was evaluated until then." in (out / PAGE).read_text()
    assert report_sweep(out).ok

    again = run_sweep(load_spec(path), out, crew_maker=threads)
    assert not again.was_interrupted
    run_sweep(load_spec(path), tmp_path / "whole", crew_maker=threads)
    for name in ("sweep.json", DATA, TABLE, PAGE):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


def _wait_for_records(process: subprocess.Popen[str], ledger: Path) -> None:
    """Until the ledger has `RECORDS` behind its header."""
    end = time.monotonic() + LIMIT_SECONDS
    while not ledger.exists() or ledger.read_bytes().count(b"\n") <= RECORDS:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "the sweep records nothing"
        time.sleep(0.01)
