"""Bench of any kernel: plays the cases of a job through its harness and judges every word.

`TILEWRIGHT_JOB` names the job's folder (`tilewright.sim.regress.job_files`). The harness moves the
words; this bench only starts a case, sleeps until it is over and compares. One cocotb test per
case, all in one simulator process; what was measured goes to `results.json` in the job's folder.
"""

import json
import os
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge

JOB_VARIABLE = "TILEWRIGHT_JOB"
SHOWN_MISMATCHES = 5

FOLDER = Path(os.environ.get(JOB_VARIABLE, "."))
JOB: dict[str, Any] = json.loads((FOLDER / "job.json").read_text())
RESULTS: list[dict[str, Any]] = []
STATE: dict[str, Any] = {"is_clean": False, "violations": {}}


@cocotb.test
@cocotb.parametrize(index=range(len(JOB["cases"])))
async def run_case(dut: Any, index: int) -> None:
    """Case `index` of the job."""
    case = JOB["cases"][index]
    if JOB["has_reset_between_cases"] or not STATE["is_clean"]:
        await _reset(dut)
    await _play(dut, index, case)
    problems = _timing_problems(dut, case)
    for port in JOB["ports"]:
        if port["direction"] != "in":
            problems += _mismatches(index, port)
    cycles = _cycles(dut)
    if not problems and case["expected_cycles"] not in (None, cycles):
        problems.append(f"took {cycles} cycles, the cost law says {case['expected_cycles']}")
    STATE["is_clean"] = not problems
    _record(dut, case, cycles, problems)
    assert not problems, f"case {case['name']} (seed {JOB['seed']}): " + "; ".join(problems)


async def _reset(dut: Any) -> None:
    await FallingEdge(dut.aclk)
    dut.aresetn.value = 0
    for _ in range(4):
        await FallingEdge(dut.aclk)
    dut.aresetn.value = 1


async def _play(dut: Any, index: int, case: dict[str, Any]) -> None:
    await FallingEdge(dut.aclk)
    dut.case_index.value = index
    dut.limit_cycles.value = case["limit_cycles"]
    dut.drain_cycles.value = JOB["drain_cycles"]
    for name, count in case["expected"].items():
        getattr(dut, f"expected_{name}").value = count
    dut.start.value = 1
    await FallingEdge(dut.aclk)
    dut.start.value = 0
    await RisingEdge(dut.finished)
    await FallingEdge(dut.aclk)


def _timing_problems(dut: Any, case: dict[str, Any]) -> list[str]:
    problems = []
    if int(dut.has_timed_out.value):
        counts = {p["name"]: _read(dut, "count", p["name"]) for p in JOB["ports"]}
        problems.append(f"not done after {case['limit_cycles']} cycles; transfers: {counts}")
    for port in JOB["ports"]:
        total = _read(dut, "violations", port["name"])
        if violations := total - STATE["violations"].get(port["name"], 0):
            problems.append(f"{port['name']}: {violations} breaches of the stream rules")
        STATE["violations"][port["name"]] = total
    return problems


def _mismatches(index: int, port: dict[str, Any]) -> list[str]:
    name, width = port["name"], (port["word_bits"] + 3) // 4
    expected = (FOLDER / f"case{index}_{name}.expected").read_text().split()
    got = (FOLDER / f"case{index}_{name}.out").read_text().split()[::2]
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


def _cycles(dut: Any) -> int | None:
    moved = [p for p in JOB["ports"] if _read(dut, "count", p["name"])]
    starts = [_read(dut, "first", p["name"]) for p in moved if p["direction"] == "in"]
    ends = [_read(dut, "last", p["name"]) for p in moved if p["direction"] == "out"]
    return max(ends) - min(starts) + 1 if starts and ends else None


def _read(dut: Any, kind: str, name: str) -> int:
    return int(getattr(dut, f"{kind}_{name}").value)


def _record(dut: Any, case: dict[str, Any], cycles: int | None, problems: list[str]) -> None:
    ports = {}
    for port in JOB["ports"]:
        name, count = port["name"], _read(dut, "count", port["name"])
        first, last = (_read(dut, kind, name) if count else None for kind in ("first", "last"))
        ports[name] = {"count": count, "first_cycle": first, "last_cycle": last}
    entry = {"name": case["name"], "is_passed": not problems, "message": "; ".join(problems)}
    RESULTS.append({**entry, "cycles": cycles, "ports": ports})
    partial = FOLDER / "results.json.partial"
    partial.write_text(json.dumps(RESULTS, indent=1) + "\n")
    partial.replace(FOLDER / "results.json")
