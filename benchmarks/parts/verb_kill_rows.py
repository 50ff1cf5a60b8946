"""Kill `tilewright sweep` at random moments: the verb itself with its workers, which have their
usual number of attempts, on a small spec whose designs are compiled. At the end: files that differ
from those of an undisturbed sweep by a byte.
"""

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from parts.kill_rows import WORKERS, Tally, finish, kill_one_sweep, started

ROOT = Path(__file__).resolve().parents[2]
FILES = ("sweep.json", "designs.csv", "report.html")
SPEC = """\
tilewright: 1
name: killed
model: digits_mlp.qdq.onnx
accelerator:
  scratchpad: {capacity: 64KiB, banks: 8}
  engines:
    array: {template: systolic, rows: 8, cols: 8}
sweep:
  parameters:
    accelerator.engines.array.rows: {start: 2, stop: 16, powers_of_two: true}
    accelerator.engines.array.cols: {start: 2, stop: 16, powers_of_two: true}
    accelerator.memory.bytes_per_cycle: [4, 8, 16]
    accelerator.scratchpad.banks: [8, 7]    # seven do not divide the capacity: failures, too
  objectives: [latency_us, lut]
"""


def kill_verbs(kills: int, *, seed: int) -> Tally:
    """Sweeps by the verb, one after the other, until `kills` processes were killed."""
    rng, tally = random.Random(seed), Tally()
    with tempfile.TemporaryDirectory(prefix="verbs-") as name:
        folder = Path(name)
        model = ROOT / "examples" / "digits_mlp.qdq.onnx"
        (folder / model.name).write_bytes(model.read_bytes())
        (folder / "killed.yaml").write_text(SPEC)
        quiet = folder / "quiet"
        finish(_start(quiet), quiet)
        while tally.kills < kills:
            out = folder / f"round{tally.rounds}"
            kill_one_sweep(_start, out, kills, tally, rng)
            for file in FILES:
                tally.differing += (out / file).read_bytes() != (quiet / file).read_bytes()
            tally.rounds += 1
    return tally


def _start(out: Path) -> subprocess.Popen[bytes]:
    spec = out.parent / "killed.yaml"
    options = ["--out", str(out), "--workers", str(WORKERS), "--quiet"]
    return started([sys.executable, "-m", "tilewright", "sweep", str(spec), *options], out)


def verb_kill_rows(kills: int = 20, *, seed: int = 2) -> list[dict[str, Any]]:
    """A row of the benchmark: its goal is 0."""
    began = time.monotonic()
    tally = kill_verbs(kills, seed=seed)
    return [
        {
            "case": f"kill_{tally.kills}_of_the_verb_files_that_differ",
            "value": tally.differing,
            "goal": 0,
            "kills": tally.kills,
            "driver_kills": tally.driver_kills,
            "sweeps": tally.rounds,
            "seconds": round(time.monotonic() - began, 1),
        }
    ]
