"""The serial line: bits, their times, noise and breaks."""

import random

import pytest
from tilewright.boards.top.params import (
    DEFAULT_MAX_BAUD,
    MAX_RATE_ERROR,
    UartParams,
    choose_divisor,
)
from tilewright.boards.top.uart import UartReceiver, UartSender
from tilewright.sim import pysim

IDLE_CYCLES = 30


def levels(data, divisor):
    """The line, cycle by cycle."""
    for byte in data:
        for bit in (0, *(byte >> n & 1 for n in range(8)), 1):
            yield from [bit] * divisor


def receive(line, divisor):
    """What a receiver makes of a line: bytes, and the number of errors."""
    dut = UartReceiver(UartParams(divisor=divisor))

    async def drive(ctx):
        for level in [1] * IDLE_CYCLES + list(line) + [1] * (12 * divisor + IDLE_CYCLES):
            ctx.set(dut.rx, level)
            await ctx.tick()

    watch = {"data": dut.data, "valid": dut.valid, "error": dut.error}
    trace = pysim.simulate(dut, [drive], watch, limit_cycles=100_000)
    return bytes(trace["data"][t] for t in trace.when("valid")), len(trace.when("error"))


@pytest.mark.parametrize("divisor", [4, 5, 8, 25])
def test_sends_each_bit_for_its_time(divisor):
    data = bytes([0x00, 0xFF, 0x55, 0xA3])
    dut = UartSender(UartParams(divisor=divisor))

    async def drive(ctx):
        await pysim.put(ctx, dut.i, data)
        await ctx.tick().repeat(11 * divisor)

    trace = pysim.simulate(dut, [drive], {"tx": dut.tx}, streams={"i": dut.i})
    start = trace["tx"].index(0)
    expected = list(levels(data, divisor))
    assert trace["tx"][start : start + len(expected)] == expected  # without a gap between bytes
    assert set(trace["tx"][:start] + trace["tx"][start + len(expected) :]) == {1}


@pytest.mark.parametrize("divisor", [4, 5, 8, 25])
def test_receives_what_is_sent(divisor):
    data = random.Random(divisor).randbytes(20) + bytes([0, 255, 0, 85, 170])
    assert receive(levels(data, divisor), divisor) == (data, 0)


@pytest.mark.parametrize("sent", [24, 26])
def test_receives_a_sender_whose_clock_is_wrong_by_four_percent(sent):
    data = random.Random(sent).randbytes(20)
    assert receive(levels(data, sent), 25) == (data, 0)


def test_a_spike_is_no_byte_and_changes_none():
    line = list(levels(b"\x5a\xc3", 25))
    for place in range(7, len(line), 31):
        line[place] ^= 1
    assert receive([1] * 20 + [0] * 8 + [1] * 40 + line, 25) == (b"\x5a\xc3", 0)


def test_a_break_is_one_error():
    data, errors = receive([0] * 3000 + [1] * 50 + list(levels(b"\x42", 25)), 25)
    assert (data, errors) == (b"\x42", 1)


def test_a_missing_stop_bit_loses_the_byte():
    line = [0] * 25 + [1] * 25 * 8 + [0] * 25 + [1] * 300
    assert receive([*line, *levels(b"\x42", 25)], 25) == (b"\x42", 1)


@pytest.mark.parametrize(
    ("clock_hz", "max_baud", "expected"),
    [
        (25_000_000, DEFAULT_MAX_BAUD, (25, 1_000_000)),
        (12_000_000, DEFAULT_MAX_BAUD, (12, 1_000_000)),
        (12_000_000, 3_000_000, (4, 3_000_000)),
        (27_000_000, 115_200, (234, 115_200)),
        (25_000_000, 3_000_000, (25, 1_000_000)),  # 3 and 2 Mbaud would be off by 4 %
    ],
)
def test_the_fastest_rate_that_the_clock_can_make(clock_hz, max_baud, expected):
    divisor, baud = choose_divisor(clock_hz, max_baud)
    assert (divisor, baud) == expected
    assert abs(clock_hz / divisor / baud - 1) <= MAX_RATE_ERROR


def test_no_rate_is_an_error():
    with pytest.raises(ValueError, match="no standard baud rate"):
        choose_divisor(300_000, 1_000_000)
    with pytest.raises(ValueError, match="at least 4"):
        UartParams(divisor=3)
