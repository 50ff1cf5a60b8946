"""cocotb tests of an accelerator's control: what a host may do at any time, in any order.

The job has one case, a program that takes some time; every test runs it once more and dumps the
memory to `resultN.hex`, N = number of the test, which the caller compares.
"""

from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge, with_timeout
from tilewright.sim.benches import accelerator as host

JOB = host.JOB
CASE = JOB["cases"][0]
AT = JOB["registers"]
CYCLES = JOB["expected_cycles"]
BASE_HIGH_BEYOND = 1
START, SOFT_RESET = 1, 2
BUSY, DONE, ERROR = 1, 2, 4
READ_RESPONSE, WRITE_RESPONSE, PROGRAM = 1, 2, 4


async def prepare(dut: Any) -> None:
    """After reset: image 0 in memory, the program in the accelerator, no interrupt enabled."""
    if not int(dut.aresetn.value):
        await RisingEdge(dut.aresetn)
    dut.case_number.value = 0
    await host._toggle(dut, dut.load, dut.load_done)
    for address, value in CASE["writes"]:
        await host.write(dut, address, value)
    await host.write(dut, AT["irq_enable"], 0)
    await host.write(dut, AT["irq_status"], 3)


async def set(dut: Any, name: str, value: int) -> None:
    await host.write(dut, AT[name], value)


async def get(dut: Any, name: str) -> int:
    return await host.read(dut, AT[name])


async def until_idle(dut: Any, extra: Any = None) -> int:
    """Poll `status` until it is not busy; the status then."""
    for _ in range(CYCLES):
        status = await get(dut, "status")
        if not status & BUSY:
            return status
        if extra is not None:
            await extra()
    raise AssertionError(f"still busy after {CYCLES} polls")


async def dump(dut: Any, number: int) -> None:
    dut.case_number.value = number
    await host._toggle(dut, dut.dump, dut.dump_done)


async def check_finished(dut: Any, number: int) -> None:
    """Done, no error, the estimated cycles, no breach of the AXI rules; memory is dumped."""
    assert await get(dut, "status") == DONE
    assert await get(dut, "errors") == 0
    got = await get(dut, "cycles_low") | await get(dut, "cycles_high") << 32
    assert got == CYCLES, f"cycles: expected {CYCLES}, got {got}"
    assert int(dut.num_errors.value) == 0
    await dump(dut, number)


@cocotb.test
async def t0_polling_without_interrupt(dut: Any) -> None:
    await prepare(dut)
    assert await get(dut, "status") == 0
    await set(dut, "control", START)
    assert await get(dut, "status") == BUSY
    assert await until_idle(dut) == DONE
    assert not int(dut.irq.value), "an interrupt that was not enabled"
    assert await get(dut, "irq_status") == 1
    await set(dut, "irq_enable", 1)  # enabled late: it comes now
    await ClockCycles(dut.aclk, 2)
    assert int(dut.irq.value)
    await set(dut, "irq_status", 1)
    await ClockCycles(dut.aclk, 2)
    assert not int(dut.irq.value)
    assert await get(dut, "irq_status") == 0
    await check_finished(dut, 0)


@cocotb.test
async def t1_starts_while_busy_are_ignored(dut: Any) -> None:
    await prepare(dut)
    before = int(dut.bytes_read.value), int(dut.bytes_written.value)
    await set(dut, "control", START)
    for _ in range(5):
        await set(dut, "control", START)
        await set(dut, "control", SOFT_RESET)
        await set(dut, "control", START | SOFT_RESET)
    assert await get(dut, "status") == BUSY
    await until_idle(dut)
    await ClockCycles(dut.aclk, 3 * CYCLES)
    assert await get(dut, "status") == DONE, "an ignored start ran later"
    moved = int(dut.bytes_read.value) - before[0], int(dut.bytes_written.value) - before[1]
    assert list(moved) == JOB["expected_bytes"], f"bytes read, written: {moved}"
    await check_finished(dut, 1)


@cocotb.test
async def t2_registers_read_and_written_while_busy(dut: Any) -> None:
    await prepare(dut)
    await set(dut, "control", START)
    seen: list[int] = []

    async def disturb() -> None:
        for name, offset in AT.items():
            if name not in ("control", "irq_status"):
                await host.read(dut, offset)
        for index in range(JOB["num_counters"]):
            await set(dut, "counter_index", index)
        seen.append(await get(dut, "counter_low"))
        await set(dut, "irq_enable", 3)
        await set(dut, "irq_enable", 0)

    await until_idle(dut, disturb)
    assert seen, "the run ended before anything was read"
    assert await get(dut, "id") == 0x5449_4C45
    assert await get(dut, "num_counters") == JOB["num_counters"]
    await check_finished(dut, 2)


@cocotb.test
async def t3_soft_reset_clears_what_a_run_left(dut: Any) -> None:
    await prepare(dut)
    await set(dut, "control", START)
    await until_idle(dut)
    assert await host._counter(dut, 1) > 0
    await set(dut, "control", SOFT_RESET)
    assert await get(dut, "status") == 0
    assert await get(dut, "cycles_low") == 0
    for index in range(JOB["num_counters"]):
        assert await host._counter(dut, index) == 0, f"counter {index} after soft reset"
    await ClockCycles(dut.aclk, 100)
    assert await get(dut, "status") == 0, "soft reset started something"
    await set(dut, "control", START)  # the program is still there
    await until_idle(dut)
    await check_finished(dut, 3)


@cocotb.test
async def t4_an_error_of_the_memory_is_told_and_does_not_last(dut: Any) -> None:
    await prepare(dut)
    await set(dut, "memory_base_high", BASE_HIGH_BEYOND)
    await set(dut, "irq_enable", 2)  # errors only
    await set(dut, "control", START)
    await with_timeout(RisingEdge(dut.irq), 40 * CYCLES, "ns")
    assert await get(dut, "status") == DONE | ERROR
    assert await get(dut, "errors") == READ_RESPONSE | WRITE_RESPONSE
    assert await get(dut, "irq_status") == 3
    assert int(dut.num_errors.value) > 0, "the memory saw no wrong address"
    await set(dut, "irq_status", 3)
    await set(dut, "control", SOFT_RESET)
    assert await get(dut, "status") == 0
    assert await get(dut, "errors") == 0
    await set(dut, "memory_base_high", 0)
    await set(dut, "control", START)
    assert await until_idle(dut) == DONE
    assert await get(dut, "irq_status") == 1
    assert not int(dut.irq.value), "done is not enabled"
    await dump(dut, 4)


@cocotb.test
async def t5_reset_in_the_middle(dut: Any) -> None:
    for after in (3, CYCLES // 3, CYCLES // 2 + 1):
        await prepare(dut)
        await set(dut, "control", START)
        await ClockCycles(dut.aclk, after)
        dut.reset_request.value = 1
        await ClockCycles(dut.aclk, 3)
        dut.reset_request.value = 0
        await RisingEdge(dut.aresetn)
        assert await get(dut, "status") == 0
        assert not int(dut.irq.value)
    await prepare(dut)
    breaches = int(dut.num_errors.value)
    await set(dut, "irq_enable", 1)
    await set(dut, "control", START)
    await with_timeout(RisingEdge(dut.irq), 40 * CYCLES, "ns")
    assert await get(dut, "status") == DONE
    assert await get(dut, "cycles_low") == CYCLES
    assert int(dut.num_errors.value) == breaches
    await dump(dut, 5)


@cocotb.test
async def t6_a_wrong_program_is_told(dut: Any) -> None:
    """More tokens than a counter can hold: an error, and the next good program runs."""
    await prepare(dut)
    for address, value in JOB["wrong_program"]:
        await host.write(dut, address, value)
    await set(dut, "control", START)
    status = await until_idle(dut)
    assert status == DONE | ERROR, f"status {status}"
    assert await get(dut, "errors") == PROGRAM
    await prepare(dut)
    await set(dut, "control", START)
    assert await until_idle(dut) == DONE
    assert await get(dut, "errors") == 0
    await dump(dut, 6)
