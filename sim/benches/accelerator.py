"""Bench of a generated accelerator: runs the cases of a job and records what was measured.

`TILEWRIGHT_JOB` names the job's folder. `job.json`: `cases`, each with its register writes (a
program, or none for a fixed accelerator) and its limit in cycles; `registers`, the offset of each
register. Memory images `imageN.hex` are read and `resultN.hex` written by the memory model; results
are judged outside, from these files. `results.json` gets, per case, cycles and counters.
"""

import json
import os
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge, SimTimeoutError, ValueChange, with_timeout

JOB_VARIABLE = "TILEWRIGHT_JOB"
FOLDER = Path(os.environ.get(JOB_VARIABLE, "."))
JOB: dict[str, Any] = json.loads((FOLDER / "job.json").read_text())
RESULTS: list[dict[str, Any]] = []
CLOCK_NS = 10
START, DONE, ERROR = 1, 2, 4


@cocotb.test
async def run_cases(dut: Any) -> None:
    """All cases of the job, in order, without a reset between them."""
    await RisingEdge(dut.aresetn)
    for index, case in enumerate(JOB["cases"]):
        entry = await run_case(dut, index, case)
        RESULTS.append(entry)
        _save()
        problems = entry["problems"]
        assert not problems, f"case {case['name']} (seed {JOB['seed']}): " + "; ".join(problems)


async def run_case(dut: Any, index: int, case: dict[str, Any]) -> dict[str, Any]:
    """Load image and program, start, sleep until the interrupt, read the counters, dump."""
    dut.case_number.value = index
    await _toggle(dut, dut.load, dut.load_done)
    for address, value in case["writes"]:
        await write(dut, address, value)
    offsets = JOB["registers"]
    await write(dut, offsets["irq_enable"], 1)
    read_before, written_before = int(dut.bytes_read.value), int(dut.bytes_written.value)
    problems = []
    await write(dut, offsets["control"], START)
    try:
        if not int(dut.irq.value):
            await with_timeout(RisingEdge(dut.irq), case["limit_cycles"] * CLOCK_NS, "ns")
    except SimTimeoutError:
        problems.append(f"no interrupt within {case['limit_cycles']} cycles")
    cycles = int(dut.measured_cycles.value)
    status = await read(dut, offsets["status"])
    if status != DONE:
        problems.append(f"status {status:#x}, errors {await read(dut, offsets['errors']):#x}")
    if int(dut.num_errors.value):
        breaches = int(dut.num_errors.value)
        problems.append(f"{breaches} breaches of the AXI rules, see simulation.log")
    counted = await read(dut, offsets["cycles_low"])
    if counted != cycles & 0xFFFF_FFFF and not problems:
        problems.append(f"the cycle register says {counted}, the bench counted {cycles}")
    counters = [await _counter(dut, i) for i in range(JOB["num_counters"])]
    await write(dut, offsets["irq_status"], 3)
    await _toggle(dut, dut.dump, dut.dump_done)
    return {
        "name": case["name"],
        "cycles": cycles,
        "bytes_read": int(dut.bytes_read.value) - read_before,
        "bytes_written": int(dut.bytes_written.value) - written_before,
        "counters": counters,
        "problems": problems,
    }


async def _counter(dut: Any, index: int) -> int:
    offsets = JOB["registers"]
    await write(dut, offsets["counter_index"], index)
    low = await read(dut, offsets["counter_low"])
    return low | await read(dut, offsets["counter_high"]) << 32


async def write(dut: Any, address: int, value: int) -> None:
    """One AXI4-Lite write by the host of the test bench."""
    dut.host_address.value = address
    dut.host_write_data.value = value
    dut.host_is_write.value = 1
    await _toggle(dut, dut.host_request, dut.host_acknowledge)
    response = int(dut.host_response.value)
    assert response == 0, f"write of {value:#x} to {address:#x} was answered with {response}"


async def read(dut: Any, address: int) -> int:
    """One AXI4-Lite read by the host of the test bench."""
    dut.host_address.value = address
    dut.host_is_write.value = 0
    await _toggle(dut, dut.host_request, dut.host_acknowledge)
    response = int(dut.host_response.value)
    assert response == 0, f"read of {address:#x} was answered with {response}"
    return int(dut.host_read_data.value)


async def _toggle(dut: Any, request: Any, answer: Any) -> None:
    request.value = 1 - int(request.value)
    await ValueChange(answer)
    await RisingEdge(dut.aclk)


def _save() -> None:
    partial = FOLDER / "results.json.partial"
    partial.write_text(json.dumps(RESULTS, indent=1) + "\n")
    partial.replace(FOLDER / "results.json")
