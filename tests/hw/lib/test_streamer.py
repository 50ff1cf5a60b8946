"""Read streamers on a scratchpad: addresses, tokens, padding, and every latency."""

from dataclasses import replace

import numpy as np
import pytest
from tilewright.hw.lib import cost
from tilewright.hw.lib.params import Activity, jumps
from tilewright.sim.pysim import STALLS, get, put_encoded

SEED = 11


def random_commands(rig, rng, num):
    for _ in range(num):
        bounds = rng.integers(1, 4, size=3).tolist()
        yield rig.command(bounds, rng.integers(-40, 41, size=3).tolist(), int(rng.integers(128)))


@pytest.mark.parametrize("stall", STALLS)
def test_reads_the_words_of_random_loops(rig, stall):
    commands = list(random_commands(rig, np.random.default_rng(SEED), 20))
    expected = [address for values in commands for address in rig.addresses(values)]
    trace = rig().read(commands, len(expected), stall)
    assert trace.payloads("o") == expected, f"seed {SEED}"


def test_reads_one_word_per_cycle_across_loops_and_commands(rig):
    commands = [
        rig.command([3, 2], [1, 5]),
        rig.command([1], [0], 9),
        rig.command([1], [0], 8),
    ]
    commands += [rig.command([2, 2, 2], [1, 2, 4]), rig.command([1], [0], 7)]
    expected = [address for values in commands for address in rig.addresses(values)]
    trace = rig().read(commands, len(expected))
    start = trace.times("command")[0]
    first = start + cost.STREAMER_COMMAND_TO_REQUEST
    assert trace.when("request") == list(range(first, first + len(expected)))
    delay = cost.streamer_grant_to_output(cost.READ_LATENCY)
    assert trace.times("o") == [t + delay for t in trace.when("request")]
    busy = [t for t, activity in enumerate(trace["activity"]) if activity == Activity.BUSY]
    assert busy == [t - cost.STREAMER_ISSUE_TO_REQUEST for t in trace.when("request")]


@pytest.mark.parametrize("read_latency", [1, 2, 3])
def test_credits_for_full_rate_are_exact(rig, read_latency):
    full = cost.streamer_full_rate_credits(read_latency)
    memory = replace(rig.memory_params, read_latency=read_latency)
    spans = {}
    for credits in (full - 1, full):
        params = replace(rig.params, credits=credits, read_latency=read_latency)
        trace = rig(params, memory).read([rig.command([30], [1])], 30)
        times = trace.times("o")
        assert trace.payloads("o") == list(range(30))
        assert times[0] - trace.when("request")[0] == cost.streamer_grant_to_output(read_latency)
        spans[credits] = times[-1] - times[0]
    assert spans[full] == 29 and spans[full - 1] > 29


def test_the_initial_command_changes_nothing(rig):
    values = rig.command([3, 2], [1, 5])
    initial = rig.params.command_format.encode(
        rig.command([4, 3, 2], [-1, 7, 2], 9, (0, 1), (0, 1))
    )
    trace = rig(replace(rig.params, initial_command=initial)).read([values], 6)
    assert trace.payloads("o") == rig.addresses(values)
    assert not trace.when("read_give")


def test_a_full_streamer_waits_for_its_output_and_goes_on_when_a_word_is_taken(rig):
    bench = rig()
    given = rig.params.credits

    async def feed(ctx):
        await bench.fill(ctx)
        await put_encoded(ctx, bench.reader.command, bench.encode([rig.command([20], [1])]))

    async def take(ctx):
        await ctx.tick().repeat(160)
        await get(ctx, bench.reader.o, 20)

    trace = bench.run(feed, take)
    requests = trace.when("request")
    assert requests[given - 1] < 160 <= requests[given]
    assert requests[given] == trace.times("o")[0] + cost.STREAMER_TAKE_TO_REQUEST
    assert trace["activity"][150] == Activity.WAIT_OUTPUT


@pytest.mark.parametrize("level", range(5))
def test_waits_and_signals_at_every_level(rig, level):
    bounds = [2, 3, 2]
    bodies = [12, 6, 2, 1, 0][level]
    size = 12 // bodies if bodies else 0
    bench = rig()
    values = [rig.command(bounds, [1, 2, 6], wait=(level, 2), signal=(level, 3))] * 2
    gives = []

    async def give(ctx):
        await ctx.tick().repeat(150)
        for n in range(4 * bodies):
            ctx.set(bench.reader_tokens.signal.give, 1)
            gives.append(150 + 7 * n)
            await ctx.tick()
            ctx.set(bench.reader_tokens.signal.give, 0)
            await ctx.tick().repeat(6)

    trace = bench.read(values, 24, tokens=give)
    requests = trace.when("request")
    assert trace.payloads("o") == list(range(12)) * 2
    assert sum(trace["read_take"]) == 4 * bodies
    ends = requests[size - 1 :: size] if size else []
    assert trace.when("read_give") == [t + cost.STREAMER_GRANT_TO_GIVE for t in ends]
    assert all(trace["read_give"][t] == 3 for t in trace.when("read_give"))
    for body in range(2 * bodies):
        # Two tokens of a body come at 14 n and 14 n + 7: the second opens it.
        free = gives[2 * body + 1] + cost.STREAMER_GIVE_TO_REQUEST
        previous = requests[body * size - 1] + 1 if body else 0
        assert requests[body * size] == max(free, previous)
    if bodies:
        assert Activity.WAIT_TOKEN in trace["activity"]


def test_padding_elements_are_zero_words_without_a_request(rig):
    params = replace(rig.params, num_padding=2, padding_bits=8)
    bench = rig(params)
    bounds, strides = [5, 4], [1, 10]
    pads = {}
    for i, (base, steps, limit) in enumerate([(-1, [1, 0], 3), (-2, [0, 2], 3)]):
        steps = [*steps, 0]
        pads |= {f"pad{i}_base": base % 256, f"pad{i}_limit": limit}
        pads |= {f"pad{i}_jump_{d}": j for d, j in enumerate(jumps([*bounds, 1], steps))}
    values = rig.command(bounds, strides, 1, signal=(0, 1), **pads)
    # x = -1..3 must be in [0, 3), y = -2, 0, 2, 4 in [0, 3).
    expected = [
        1 + x + 10 * y if 0 <= x - 1 < 3 and 0 <= 2 * y - 2 < 3 else 0
        for y in range(4)
        for x in range(5)
    ]
    trace = bench.read([values], 20)
    assert trace.payloads("o") == expected
    assert len(trace.when("request")) == sum(word != 0 for word in expected) == 6
    assert sum(trace["read_give"]) == 20
    times = trace.times("o")
    assert times == list(range(times[0], times[0] + 20))


def test_padding_does_not_wait_for_a_busy_bank(rig):
    params = replace(rig.params, num_padding=1, padding_bits=8)
    bench = rig(params, reader_port=1)
    port = bench.memory.read[0]
    pad = {f"pad0_jump_{d}": 0 for d in range(3)} | {"pad0_base": 5, "pad0_limit": 5}

    async def feed(ctx):
        ctx.set(port.valid, 1)  # bank 0 in every cycle
        await put_encoded(ctx, bench.reader.command, bench.encode([rig.command([4], [0], **pad)]))

    trace = bench.run(feed, lambda ctx: get(ctx, bench.reader.o, 4))
    start = trace.times("command")[0] + cost.STREAMER_COMMAND_TO_REQUEST
    first = start + cost.streamer_grant_to_output(cost.READ_LATENCY)
    assert trace.transfers("o") == [(first + n, 0) for n in range(4)]
    assert not trace.when("request")


def law(trace, rows, credits):
    """Request and output cycles by the recurrence that an estimate uses.

    `rows` has for each element the tokens it waits for; what the surroundings did (commands
    offered, tokens given, `o.ready`) is taken from the trace.
    """
    issues, requests, outputs = [], [], []
    supply = [t for t, given in enumerate(trace["given"]) for _ in range(given)]
    offered = trace["command.valid"].index(1)
    first = offered + cost.COMMAND_TO_ELEMENT  # further commands are there in time
    taken = 0
    for n, count in enumerate(rows):
        times = [first, issues[-1] + 1 if n else 0]
        if count:
            times.append(supply[taken + count - 1] + cost.TOKEN_GIVE_TO_AVAILABLE)
            taken += count
        if n >= credits:
            back = cost.STREAMER_TAKE_TO_REQUEST - cost.STREAMER_ISSUE_TO_REQUEST
            times.append(outputs[n - credits] + back)
        issues.append(max(times))
        requests.append(issues[-1] + cost.STREAMER_ISSUE_TO_REQUEST)
        output = requests[-1] + cost.streamer_grant_to_output(cost.READ_LATENCY)
        output = max(output, outputs[-1] + 1 if n else 0)
        while not trace["o.ready"][output]:
            output += 1
        outputs.append(output)
    return requests, outputs


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("stall", STALLS)
def test_every_cycle_follows_the_law(rig, seed, stall):
    rng = np.random.default_rng([SEED, seed])
    credits = int(rng.integers(1, 9))
    bench = rig(replace(rig.params, credits=credits))
    commands, rows = [], []
    for _ in range(8):
        bounds = rng.integers(1, 4, size=3).tolist()
        level, count = int(rng.integers(5)), int(rng.integers(4))
        commands.append(rig.command(bounds, [1, 3, 9], 5, wait=(level, count)))
        size = [1, *np.cumprod(bounds).tolist(), 10**9][level]
        for n in range(int(np.prod(bounds))):
            waits = level <= 3 and n % size == 0
            rows.append(count if waits else 0)
    total = sum(rows)

    async def give(ctx):
        left = total
        while left:
            amount = min(left, int(rng.integers(3)), 40)
            ctx.set(bench.reader_tokens.signal.give, amount)
            await ctx.tick()
            ctx.set(bench.reader_tokens.signal.give, 0)
            left -= amount
            while ctx.get(bench.reader_tokens.wait.available) > 50 or rng.random() < 0.3:
                await ctx.tick()

    trace = bench.read(commands, len(rows), stall, give)
    requests, outputs = law(trace, rows, credits)
    assert trace.when("request") == requests, f"seed {seed}"
    assert trace.times("o") == outputs, f"seed {seed}"
