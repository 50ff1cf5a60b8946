"""Run inside the simulator by test_python_bench.py: half of these tests must fail, by name."""

import cocotb
from tilewright.sim.benches.common import (
    StreamDriver,
    StreamMonitor,
    StreamSink,
    check_words,
    reset,
    run_with_limit,
    start_clock,
)
from tilewright.sim.vectors import STANDARD_STALLS, StallPattern, random_words

NO_STALLS = StallPattern()
NAMES = [stalls.kind for stalls in STANDARD_STALLS]


async def echo(dut, words, i_stalls=NO_STALLS, o_stalls=NO_STALLS):
    dut.s_axis_i_tvalid.value = 0
    dut.m_axis_o_tready.value = 0
    start_clock(dut)
    await reset(dut)
    driver = StreamDriver(dut=dut, prefix="s_axis_i", stalls=i_stalls.cycles())
    sink = StreamSink(dut=dut, prefix="m_axis_o", stalls=o_stalls.cycles())
    for prefix in ("s_axis_i", "m_axis_o"):
        StreamMonitor(dut=dut, prefix=prefix).start()
    cocotb.start_soon(driver.send(words))
    got = await run_with_limit(sink.receive(len(words)), 2000, "echo")
    await sink.prove_empty()
    check_words("o", words, got, seed=1)
    return driver, sink


@cocotb.test
@cocotb.parametrize(i_kind=NAMES, o_kind=NAMES)
async def good(dut, i_kind, o_kind):
    patterns = dict(zip(NAMES, STANDARD_STALLS, strict=True))
    words = [word | 0x80 for word in random_words(1, 8, 40)]
    driver, sink = await echo(dut, words, patterns[i_kind], patterns[o_kind])
    assert driver.times.count == sink.times.count == 40
    if i_kind == o_kind == "none":
        assert sink.times.first_cycle == driver.times.first_cycle + 1
        assert sink.times.last_cycle - driver.times.first_cycle + 1 == 41


@cocotb.test
async def bad_hang(dut):
    await echo(dut, [10, 2, 11])


@cocotb.test
async def bad_valid_fell(dut):
    await echo(dut, [10, 3, 11], o_stalls=StallPattern(kind="one_in_four"))


@cocotb.test
async def bad_payload_changed(dut):
    await echo(dut, [10, 4, 11], o_stalls=StallPattern(kind="one_in_four"))


@cocotb.test
async def bad_surplus(dut):
    await echo(dut, [10, 5])


@cocotb.test
async def bad_word(dut):
    dut.s_axis_i_tvalid.value = 0
    await echo(dut, [10, 11])
    check_words("o", [10, 12], [10, 11], seed=5)
