"""Bench of any kernel: plays the cases of a job through its harness and judges every word.

`TILEWRIGHT_JOB` names the job's folder (`tilewright.sim.regress.job_files`), or that of a batch,
whose file `jobs.json` lists the folders of its jobs. The harness moves the words; this bench only
starts a case, sleeps until it is over and compares. One cocotb test per case, all in one simulator
process; what was measured goes to `results.json` in the job's folder.
"""

import json
import os
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge

JOB_VARIABLE = "TILEWRIGHT_JOB"
BATCH_FILE = "jobs.json"
SHOWN_MISMATCHES = 5


class Bench:
    """One job: what is left of its earlier cases in the kernel, and its results so far.

    `scope` is the harness below the simulation's top, "" if it is the top itself.
    """

    def __init__(self, folder: Path, scope: str) -> None:
        self.folder, self.scope = folder, scope
        self.job: dict[str, Any] = json.loads((folder / "job.json").read_text())
        self._results: list[dict[str, Any]] = []
        self._is_clean = False
        self._violations: dict[str, int] = {}

    async def run_case(self, top: Any, index: int) -> None:
        """Case `index` of the job."""
        dut = getattr(top, self.scope) if self.scope else top
        dut.is_clocked.value = 1
        case = self.job["cases"][index]
        if self.job["has_reset_between_cases"] or not self._is_clean:
            await _reset(dut)
        await self._play(dut, index, case)
        problems = self._timing_problems(dut, case)
        for port in self.job["ports"]:
            if port["direction"] != "in":
                problems += self._mismatches(index, port)
        cycles = self._cycles(dut)
        if not problems and case["expected_cycles"] not in (None, cycles):
            problems.append(f"took {cycles} cycles, the cost law says {case['expected_cycles']}")
        self._is_clean = not problems
        self._record(dut, case, cycles, problems)
        dut.is_clocked.value = 0
        where = f"{self.job['module']}: " if self.scope else ""
        what = f"{where}case {case['name']} (seed {self.job['seed']})"
        assert not problems, f"{what}: " + "; ".join(problems)

    async def _play(self, dut: Any, index: int, case: dict[str, Any]) -> None:
        await FallingEdge(dut.aclk)
        dut.case_index.value = index
        dut.limit_cycles.value = case["limit_cycles"]
        dut.drain_cycles.value = self.job["drain_cycles"]
        for name, count in case["expected"].items():
            getattr(dut, f"expected_{name}").value = count
        dut.start.value = 1
        await FallingEdge(dut.aclk)
        dut.start.value = 0
        await RisingEdge(dut.finished)
        await FallingEdge(dut.aclk)

    def _timing_problems(self, dut: Any, case: dict[str, Any]) -> list[str]:
        problems = []
        if int(dut.has_timed_out.value):
            counts = {p["name"]: _read(dut, "count", p["name"]) for p in self.job["ports"]}
            problems.append(f"not done after {case['limit_cycles']} cycles; transfers: {counts}")
        for port in self.job["ports"]:
            name = port["name"]
            total = _read(dut, "violations", name)
            if violations := total - self._violations.get(name, 0):
                problems.append(f"{name}: {violations} breaches of the stream rules")
            self._violations[name] = total
        return problems

    def _mismatches(self, index: int, port: dict[str, Any]) -> list[str]:
        name, width = port["name"], (port["word_bits"] + 3) // 4
        expected = (self.folder / f"case{index}_{name}.expected").read_text().split()
        got = (self.folder / f"case{index}_{name}.out").read_text().split()[::2]
        if got == expected:
            return []
        wrong = [i for i, (e, g) in enumerate(zip(expected, got, strict=False)) if e != g]
        problems = [
            f"{name}[{i}]: expected {expected[i]:0>{width}}, got {got[i]:0>{width}}"
            for i in wrong[:SHOWN_MISMATCHES]
        ]
        if len(wrong) > SHOWN_MISMATCHES:
            problems.append(f"{name}: {len(wrong)} of {len(expected)} words differ")
        if len(got) != len(expected):
            problems.append(f"{name}: expected {len(expected)} words, got {len(got)}")
        return problems

    def _cycles(self, dut: Any) -> int | None:
        moved = [p for p in self.job["ports"] if _read(dut, "count", p["name"])]
        starts = [_read(dut, "first", p["name"]) for p in moved if p["direction"] == "in"]
        ends = [_read(dut, "last", p["name"]) for p in moved if p["direction"] == "out"]
        return max(ends) - min(starts) + 1 if starts and ends else None

    def _record(
        self, dut: Any, case: dict[str, Any], cycles: int | None, problems: list[str]
    ) -> None:
        ports = {}
        for port in self.job["ports"]:
            name, count = port["name"], _read(dut, "count", port["name"])
            first, last = (_read(dut, kind, name) if count else None for kind in ("first", "last"))
            ports[name] = {"count": count, "first_cycle": first, "last_cycle": last}
        entry = {"name": case["name"], "is_passed": not problems, "message": "; ".join(problems)}
        self._results.append({**entry, "cycles": cycles, "ports": ports})
        partial = self.folder / "results.json.partial"
        partial.write_text(json.dumps(self._results, indent=1) + "\n")
        partial.replace(self.folder / "results.json")


def _benches(folder: Path) -> list[Bench]:
    if not (folder / BATCH_FILE).is_file():
        return [Bench(folder, "")]
    scopes = json.loads((folder / BATCH_FILE).read_text())
    return [Bench(folder / scope, scope) for scope in scopes]


async def _reset(dut: Any) -> None:
    await FallingEdge(dut.aclk)
    dut.aresetn.value = 0
    for _ in range(4):
        await FallingEdge(dut.aclk)
    dut.aresetn.value = 1


def _read(dut: Any, kind: str, name: str) -> int:
    return int(getattr(dut, f"{kind}_{name}").value)


BENCHES = _benches(Path(os.environ.get(JOB_VARIABLE, ".")))
STATE = {"is_started": False}


@cocotb.test
@cocotb.parametrize(
    (
        ("kernel", "index"),
        [(k, i) for k, b in enumerate(BENCHES) for i in range(len(b.job["cases"]))],
    )
)
async def run_case(dut: Any, kernel: int, index: int) -> None:
    """Case `index` of job `kernel`; only that kernel's clock runs."""
    if not STATE["is_started"]:
        STATE["is_started"] = True
        for bench in BENCHES:
            if bench.scope:
                getattr(dut, bench.scope).is_clocked.value = 0
    await BENCHES[kernel].run_case(dut, index)
