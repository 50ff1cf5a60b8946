"""Command queues: programs in ROM and RAM, order, prefetch, restart."""

import numpy as np
import pytest
from tilewright.hw.lib import cost
from tilewright.hw.lib.memory_params import QueueParams
from tilewright.hw.lib.params import CommandFormat, Field
from tilewright.hw.lib.sequencer import CommandQueue
from tilewright.sim.pysim import STALLS, get, simulate, stalls

SEED = 5
FORMAT = CommandFormat(
    fields=(
        Field(name="base", bits=13),
        Field(name="jump", bits=14, signed=True),
        Field(name="mode", bits=9),
    )
)


def program(num):
    """Random bases and jumps, the same mode in every command."""
    rng = np.random.default_rng(SEED)
    return tuple(
        FORMAT.encode(
            {"base": int(rng.integers(1 << 13)), "jump": int(rng.integers(-9, 9)), "mode": 0x15A}
        )
        for _ in range(num)
    )


def run(dut, bench, count, stall="none"):
    async def take(ctx):
        await get(ctx, dut.o, count, stalls(stall, SEED))

    return simulate(
        dut, [bench, take], {"done": dut.done, "start": dut.start}, streams={"o": dut.o}
    )


async def start(ctx, dut, cycles=1):
    ctx.set(dut.start, 1)
    await ctx.tick()
    ctx.set(dut.start, 0)


@pytest.mark.parametrize("num", [1, 2, 3, 9])
@pytest.mark.parametrize("stall", STALLS)
def test_rom_hands_out_its_program_in_order(num, stall):
    words = program(num)
    dut = CommandQueue(QueueParams(command_format=FORMAT, depth=num, initial=words))
    trace = run(dut, lambda ctx: start(ctx, dut), num, stall)
    assert trace.payloads("o") == list(words), f"seed {SEED}"
    times = trace.times("o")
    assert trace["done"][0] == 1 and not any(trace["done"][1 : times[-1] + 1])
    assert trace["done"][times[-1] + cost.QUEUE_LAST_TO_DONE] == 1
    assert trace["o.valid"].index(1) == cost.QUEUE_START_TO_COMMAND
    if stall == "none":
        first = cost.QUEUE_START_TO_COMMAND
        step = cost.QUEUE_COMMAND_INTERVAL
        assert times == list(range(first, first + num * step, step))


def test_an_empty_program_is_done_at_once():
    dut = CommandQueue(QueueParams(command_format=FORMAT, depth=1))
    trace = run(dut, lambda ctx: start(ctx, dut), 0)
    assert trace["done"][:4] == [1, 0, 1, 1] and not any(trace["o.valid"])


def test_a_program_runs_again_after_another_start():
    words = program(3)
    dut = CommandQueue(QueueParams(command_format=FORMAT, depth=3, initial=words))

    async def bench(ctx):
        for _ in range(3):
            await start(ctx, dut)
            await ctx.tick().repeat(10)

    trace = run(dut, bench, 9)
    assert trace.payloads("o") == list(words) * 3


@pytest.mark.parametrize("length", [0, 1, 4, 6])
def test_ram_is_written_in_chunks(length):
    words = program(6)
    params = QueueParams(command_format=FORMAT, depth=6, is_rom=False, initial=(1, 2))
    dut = CommandQueue(params)
    assert params.chunks == 2

    async def bench(ctx):
        ctx.set(dut.write.enable, 1)
        for row, word in enumerate(words):
            for chunk in range(params.chunks):
                ctx.set(dut.write.row, row)
                ctx.set(dut.write.chunk, chunk)
                ctx.set(dut.write.data, word >> 32 * chunk & 0xFFFFFFFF)
                await ctx.tick()
        ctx.set(dut.write.enable, 0)
        ctx.set(dut.length, length)
        await start(ctx, dut)

    trace = run(dut, bench, length)
    assert trace.payloads("o") == list(words[:length]), f"seed {SEED}"
    assert trace["done"][-1] and not trace["o.valid"][-1]


def test_programs_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="initial: at most 2 commands, got 3"):
        QueueParams(command_format=FORMAT, depth=2, initial=program(3))
    with pytest.raises(ValueError, match="a command of 36 bits"):
        QueueParams(command_format=FORMAT, depth=2, initial=(1 << 36,))
