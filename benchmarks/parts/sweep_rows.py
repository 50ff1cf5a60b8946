"""Rows of `exploration.py` on the verb `sweep`: the example's 200 designs, 5 of them confirmed.

The command as a user types it, in a new folder and with an empty cache of simulators: every design
is compiled and estimated, the three best and two at random are generated, their simulators built,
run and compared, and the report is written. Seconds are those of the clock on the wall; those of
the processors (all processes together) say what a machine that does nothing else needs at least.
"""

import contextlib
import ctypes
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tilewright.dse.sweep_file import SweepFile, parse_sweep_file

from parts.form import Row

SPEC = Path(__file__).resolve().parents[2] / "examples" / "sweeps" / "digits_mlp.yaml"
CACHE = "TILEWRIGHT_CACHE"
DESIGNS, BEST, RANDOM = 200, 3, 2
GOAL_SECONDS = 180
LIMIT_SECONDS = 1800.0
SET_CHILD_SUBREAPER = 36  # of prctl(2)


def sweep_rows() -> list[Row]:
    """One row for the time, one for what differed."""
    _adopt_orphans()
    with tempfile.TemporaryDirectory(prefix="tilewright-sweep-") as name:
        out = Path(name) / "out"
        words = [sys.executable, "-m", "tilewright", "sweep", str(SPEC), "--out", str(out)]
        words += ["--confirm", str(BEST), "--random-confirm", str(RANDOM)]
        before, began = _processor_seconds(), time.monotonic()
        done = subprocess.run(
            words, env={**os.environ, CACHE: str(Path(name) / "cache")}, capture_output=True,
            text=True, timeout=LIMIT_SECONDS, check=False,
        )  # fmt: skip
        seconds = time.monotonic() - began
        used = _processor_seconds() - before
        if done.returncode != 0:
            raise RuntimeError(done.stdout + done.stderr)
        file = parse_sweep_file((out / "sweep.json").read_text(encoding="utf-8"))
        page_bytes = (out / "report.html").stat().st_size
    confirmed = len(file.confirmations)
    _check(file)
    return [
        {"case": f"sweep_{DESIGNS}_designs_{confirmed}_confirmed_seconds",
         "value": round(seconds, 1), "goal": GOAL_SECONDS, "processor_seconds": round(used, 1),
         "processors": len(os.sched_getaffinity(0)), "report_bytes": page_bytes},
        {"case": "sweep_confirmations_that_differ", "goal": 0, "confirmed": confirmed,
         "value": sum(not one.is_equal for one in file.confirmations),
         "front": len(file.front), "feasible": file.coverage.num_feasible},
    ]  # fmt: skip


def _check(file: SweepFile) -> None:
    """The run was the one that its row speaks of."""
    assert file.space.size == file.coverage.num_evaluated == DESIGNS
    assert len(file.confirmations) == BEST + RANDOM
    assert file.coverage.kind == "exact"


def _adopt_orphans() -> None:
    """Workers outlive the command by a moment: as our children their seconds are counted, too."""
    ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _processor_seconds() -> float:
    """Of all programs that ended, and of what they started."""
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
