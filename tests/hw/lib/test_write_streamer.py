"""Write streamers on a scratchpad: lane groups and latencies; and bank conflicts."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from tilewright.hw.lib import cost
from tilewright.hw.lib.params import Activity
from tilewright.sim.pysim import STALLS, get, put, put_encoded, stalls

SEED = 11


@pytest.mark.parametrize("stall", STALLS)
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_writes_lane_groups(rig, stall, groups):
    params = replace(rig.params, num_groups=groups, group_loop=1)
    bench = rig(params)
    rng = np.random.default_rng(SEED)
    expected = list(range(128))
    values, words = [], []
    for base in (3, 70):
        values.append(rig.command([4, groups, 2], [1, 0, 8], base, signal=(2, 1)))
        for m, g, row in itertools.product(range(2), range(groups), range(4)):
            word = int(rng.integers(1 << params.group_bits))
            words.append(word)
            shift = g * params.group_bits
            mask = (1 << params.group_bits) - 1 << shift
            address = base + 8 * m + row
            expected[address] = expected[address] & ~mask | word << shift
    found = []

    async def feed(ctx):
        await bench.fill(ctx)
        await put_encoded(ctx, bench.writer.command, bench.encode(values))

    async def send(ctx):
        await put(ctx, bench.writer.i, words, stalls(stall, SEED))
        await ctx.tick().repeat(4)
        await bench.dump(ctx, found)

    trace = bench.run(feed, send)
    assert found == expected, f"seed {SEED}"
    size = 4 * groups
    writes = trace.when("write")
    assert writes == [t + cost.STREAMER_TAKE_TO_WRITE for t in trace.times("i")]
    ends = [t + cost.STREAMER_GRANT_TO_GIVE for t in writes[size - 1 :: size]]
    assert trace.when("write_give") == ends
    if stall == "none":
        start = trace.times("write_command")[0] + cost.COMMAND_TO_ELEMENT
        assert trace.times("i") == list(range(start, start + len(words)))
    else:
        assert Activity.WAIT_INPUT in trace["write_activity"]


def test_a_bank_conflict_costs_cycles_and_never_data(rig):
    bench = rig(reader_port=1)
    port = bench.memory.read[0]

    async def disturb(ctx):
        for stall in itertools.islice(stalls("random", SEED), 200):
            ctx.set(port.valid, stall)
            await ctx.tick()

    async def feed(ctx):
        await bench.fill(ctx)
        await put_encoded(ctx, bench.reader.command, bench.encode([rig.command([20], [1])]))

    trace = bench.run(feed, disturb, lambda ctx: get(ctx, bench.reader.o, 20))
    assert trace.payloads("o") == list(range(20)), f"seed {SEED}"
    blocked = [t for t, a in enumerate(trace["activity"]) if a == Activity.BANK_CONFLICT]
    assert blocked == trace.when("conflict") and len(blocked) > 3
