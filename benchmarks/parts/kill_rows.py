"""Kill a sweep at random moments, its driver or one of its processes, and count what is lost.

A driver (this file as a program) sweeps a small space with worker processes and notes each record
that the ledger acknowledged in a file of its own. Whoever is killed by `kill -9`, the sweep is
started again in the same folder, without any repair by hand. At the end: acknowledged records that
the ledger does not have (lost), keys that it has twice or designs without any record (doubled,
missing), and whether the result is that of an undisturbed sweep, byte for byte.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tilewright.dse.space import Space
from tilewright.dse.space_domains import Parameter, Powers, Range
from tilewright.dse.space_goals import Constraint, Goals, Objective
from tilewright.dse.sweep import Sweep, sweep_designs
from tilewright.dse.sweep_crew import Crew
from tilewright.dse.sweep_tasks import Evaluation

from tilewright.build.files import to_json_bytes, write_file
from tilewright.build.ledger import LEDGER, open_ledger
from tilewright.build.workers import LocalPool

CONTEXT = {"benchmark": "1"}
WORKERS = 2
LIMIT_SECONDS = 300.0


@dataclass(frozen=True)
class Measure:
    """Made-up cycles and area of a design after `seconds`."""

    seconds: float = 0.01

    def __call__(self, design: dict[str, Any]) -> dict[str, float]:
        time.sleep(self.seconds)
        rows, cols, ports = (int(design[name]) for name in ("rows", "cols", "ports"))
        return {"cycles": 1e6 / (rows * cols) + 1e5 / ports, "area": rows * cols + 9 * ports**2}


def sweep_of(ports: int) -> Sweep:
    """25 designs for each of `ports`."""
    sizes = [Parameter(path=path, domain=Powers(start=4, stop=64)) for path in ("rows", "cols")]
    space = Space(parameters=(*sizes, Parameter(path="ports", domain=Range(start=1, stop=ports))))
    goals = Goals(
        objectives=(Objective(metric="cycles"), Objective(metric="area")),
        constraints=(Constraint(name="fits", metric="area", maximum=4000),),
    )
    evaluation = Evaluation(name="made up", metrics=("cycles", "area"), one=Measure())
    return Sweep(space=space, goals=goals, evaluation=evaluation, context=CONTEXT)


class Noting:
    """A ledger that notes what was acknowledged."""

    def __init__(self, ledger: Any, notes: Path) -> None:
        self.get = ledger.get
        self._ledger = ledger
        self._notes = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def append(self, records: Any) -> None:
        """Append, then note: whatever is noted must never be lost."""
        self._ledger.append(records)
        os.write(self._notes, "".join(f"{record.key}\n" for record in records).encode())


def drive(folder: Path, ports: int) -> None:
    """Sweep to the end, from wherever the ledger is."""
    crew = Crew(start=lambda: LocalPool(WORKERS), in_flight=2 * WORKERS, attempts=20)
    sweep = sweep_of(ports)
    with open_ledger(folder, CONTEXT) as ledger:
        noting = Noting(ledger, folder / "acknowledged")
        result = sweep_designs(sweep, range(sweep.space.size), noting, crew)
        write_file(folder / "result.json", to_json_bytes(result.to_json()))
    crew.stop()


def descendants(pid: int) -> list[int]:
    """All processes below one, as far as they can be seen (Linux)."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if entry.name.isdigit() and fields[0] != "Z":
            parents[int(entry.name)] = int(fields[1])
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]


@dataclass(kw_only=True)
class Tally:
    """What came of the kills."""

    kills: int = 0
    driver_kills: int = 0
    rounds: int = 0
    lost: int = 0
    doubled: int = 0
    missing: int = 0
    differing: int = 0


def kill_sweeps(kills: int, *, seed: int, ports: int) -> Tally:
    """Sweeps, one after the other, until `kills` processes were killed."""
    rng = random.Random(seed)
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="kills-") as name:
        quiet = Path(name) / "quiet"
        start = partial(_start, ports=ports)
        finish(start(quiet), quiet)
        expected = (quiet / "result.json").read_bytes()
        while tally.kills < kills:
            folder = Path(name) / f"round{tally.rounds}"
            kill_one_sweep(start, folder, kills, tally, rng)
            _count(folder, ports, expected, tally)
            tally.rounds += 1
    return tally


def _start(folder: Path, ports: int) -> subprocess.Popen[bytes]:
    return started([sys.executable, str(Path(__file__).resolve()), str(folder), str(ports)], folder)


def started(argv: list[str], folder: Path) -> subprocess.Popen[bytes]:
    """A sweep into `folder`, with its messages in a file beside it."""
    folder.mkdir(exist_ok=True)
    with _messages(folder).open("ab") as messages:
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=messages)


def _messages(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.messages")


def finish(driver: subprocess.Popen[bytes], folder: Path) -> None:
    """Wait for its end, which must be a good one."""
    if driver.wait(LIMIT_SECONDS) != 0:
        tail = _messages(folder).read_text(errors="replace")[-2000:]
        raise RuntimeError(f"a sweep ended with code {driver.returncode}: {tail}")


def kill_one_sweep(
    start: Callable[[Path], subprocess.Popen[bytes]],
    folder: Path,
    kills: int,
    tally: Tally,
    rng: random.Random,
) -> None:
    """One sweep to its end, started again whenever its driver was killed."""
    driver = start(folder)
    try:
        while tally.kills < kills:
            if tally.kills % 4 != 3:  # a start is a moment, too
                _wait_for_work(driver, folder)
            time.sleep(rng.uniform(0, 0.6))
            if driver.poll() is not None:
                break
            others = descendants(driver.pid)
            victim = driver.pid if tally.kills % 2 or not others else rng.choice(others)
            try:
                os.kill(victim, signal.SIGKILL)
            except ProcessLookupError:  # it ended by itself meanwhile
                continue
            tally.kills += 1
            if victim == driver.pid:
                driver.wait()
                tally.driver_kills += 1
                driver = start(folder)
        finish(driver, folder)
    finally:
        driver.kill()
        driver.wait()


def _wait_for_work(driver: subprocess.Popen[bytes], folder: Path) -> None:
    """Until the driver is up."""
    began = time.monotonic()
    size = _size(folder / LEDGER)
    while time.monotonic() - began < LIMIT_SECONDS and driver.poll() is None:
        if _size(folder / LEDGER) > size:
            return
        time.sleep(0.01)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _count(folder: Path, ports: int, expected: bytes, tally: Tally) -> None:
    lines = (folder / LEDGER).read_bytes().splitlines()[1:]
    keys = Counter(json.loads(line)["key"] for line in lines)
    noted = set((folder / "acknowledged").read_text().split())
    tally.lost += len(noted - keys.keys())
    tally.doubled += sum(count - 1 for count in keys.values())
    tally.missing += sweep_of(ports).space.size - len(keys)
    tally.differing += (folder / "result.json").read_bytes() != expected


def kill_rows(kills: int = 100, *, seed: int = 1) -> list[dict[str, Any]]:
    """Rows of the benchmark: all goals are 0."""
    began = time.monotonic()
    tally = kill_sweeps(kills, seed=seed, ports=40)
    seconds = round(time.monotonic() - began, 1)
    more = {"kills": tally.kills, "driver_kills": tally.driver_kills, "sweeps": tally.rounds,
            "seconds": seconds}  # fmt: skip
    counts = {"lost": tally.lost, "doubled": tally.doubled, "missing": tally.missing,
              "results_that_differ": tally.differing}  # fmt: skip
    return [
        {"case": f"kill_{tally.kills}_records_{name}", "value": value, "goal": 0, **more}
        for name, value in counts.items()
    ]


if __name__ == "__main__":
    drive(Path(sys.argv[1]), int(sys.argv[2]))
