"""Streamers on a scratchpad: addresses, tokens, padding, lane groups, and every latency."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from tilewright.hw.lib import cost
from tilewright.hw.lib.memory_params import ScratchpadParams
from tilewright.hw.lib.params import Activity, StreamerParams, TokenParams, jumps
from tilewright.hw.lib.scratchpad import Scratchpad
from tilewright.hw.lib.streamer import ReadStreamer, WriteStreamer
from tilewright.hw.lib.tokens import TokenCounter
from tilewright.sim.pysim import STALLS, get, put, simulate, stalls

SEED = 11
PARAMS = StreamerParams(
    num_loops=3,
    address_bits=7,
    bound_bits=5,
    word_bits=32,
    num_waits=1,
    num_signals=1,
    token_bits=6,
    credits=cost.streamer_full_rate_credits(cost.READ_LATENCY),
)
MEMORY = ScratchpadParams(
    banks=4, words_per_bank=32, word_bits=32, num_read_ports=2, num_write_ports=2
)
NEVER = PARAMS.num_loops + 1


def command(bounds, strides, base=0, wait=(NEVER, 0), signal=(NEVER, 0), **more):
    """A command of a streamer; loops that are not given have one step."""
    missing = PARAMS.num_loops - len(bounds)
    bounds, strides = [*bounds, *[1] * missing], [*strides, *[0] * missing]
    values = {f"last_{d}": bound - 1 for d, bound in enumerate(bounds)}
    values |= {f"jump_{d}": jump for d, jump in enumerate(jumps(bounds, strides))}
    values |= {"base": base, "wait0_level": wait[0], "wait0_count": wait[1]}
    return values | {"signal0_level": signal[0], "signal0_count": signal[1]} | more


def addresses(values, params=PARAMS):
    """The addresses of a command, from the definition: base + sum of index * stride."""
    bounds = [values[f"last_{d}"] + 1 for d in range(params.num_loops)]
    jump = [values[f"jump_{d}"] for d in range(params.num_loops)]
    strides = []
    for d in range(params.num_loops):
        strides.append(jump[d] + sum(strides[i] * (bounds[i] - 1) for i in range(d)))
    nest = itertools.product(*(range(bound) for bound in reversed(bounds)))
    return [
        (values["base"] + sum(i * s for i, s in zip(reversed(index), strides))) % (1 << 7)
        for index in nest
    ]


class Bench:
    """A streamer of each kind on a scratchpad, with a token counter at each port."""

    def __init__(self, params=PARAMS, memory=MEMORY, reader_port=0):
        self.module = m = Module()
        self.params = params
        m.submodules.memory = self.memory = Scratchpad(memory)
        m.submodules.reader = self.reader = ReadStreamer(params)
        m.submodules.writer = self.writer = WriteStreamer(params)
        wiring.connect(m, self.reader.read, self.memory.read[reader_port])
        wiring.connect(m, self.writer.write, self.memory.write[0])
        for name, unit in (("reader", self.reader), ("writer", self.writer)):
            tokens = TokenCounter(TokenParams(initial=0, bits=params.token_bits))
            m.submodules[f"{name}_tokens"] = tokens
            setattr(self, f"{name}_tokens", tokens)
            wiring.connect(m, unit.waits[0], tokens.wait)

    async def fill(self, ctx):
        """Word n = n in the whole scratchpad, through the second write port."""
        port = self.memory.write[1]
        ctx.set(port.valid, 1)
        ctx.set(port.mask, (1 << MEMORY.lanes) - 1)
        for address in range(MEMORY.banks * MEMORY.words_per_bank):
            ctx.set(port.address, address)
            ctx.set(port.data, address)
            await ctx.tick()
        ctx.set(port.valid, 0)

    async def dump(self, ctx, into):
        """Read the whole scratchpad through the second read port."""
        port = self.memory.read[1]
        total = MEMORY.banks * MEMORY.words_per_bank
        ctx.set(port.valid, 1)
        for n in range(total + MEMORY.read_latency):
            ctx.set(port.address, min(n, total - 1))
            _, _, valid, word = await ctx.tick().sample(port.response_valid, port.response_data)
            if n >= MEMORY.read_latency:
                assert valid
                into.append(word)
        ctx.set(port.valid, 0)

    def encode(self, commands):
        return [self.params.command_format.encode(values) for values in commands]

    def watch(self):
        return {
            "request": self.reader.read.valid & self.reader.read.ready,
            "address": self.reader.read.address,
            "write": self.writer.write.valid & self.writer.write.ready,
            "read_give": self.reader.signals[0].give,
            "write_give": self.writer.signals[0].give,
            "read_take": self.reader.waits[0].take,
            "given": self.reader_tokens.signal.give,
            "activity": self.reader.activity,
            "write_activity": self.writer.activity,
            "conflict": self.memory.read_conflict,
            "busy": self.reader.busy | self.writer.busy,
            "error": self.memory.error | self.reader_tokens.error | self.writer_tokens.error,
        }

    def run(self, *benches, limit_cycles=5000):
        streams = {
            "command": self.reader.command,
            "o": self.reader.o,
            "write_command": self.writer.command,
            "i": self.writer.i,
        }
        trace = simulate(
            self.module, benches, self.watch(), streams=streams, limit_cycles=limit_cycles
        )
        assert not trace["error"][-1] and not trace["busy"][-1]
        return trace

    def read(self, commands, count, stall="none", tokens=None):
        """Fill, then run commands through the reader. `tokens(ctx)` gives tokens meanwhile."""

        async def feed(ctx):
            await self.fill(ctx)
            await put_encoded(ctx, self.reader.command, self.encode(commands))

        async def take(ctx):
            await get(ctx, self.reader.o, count, stalls(stall, SEED))

        benches = [feed, take]
        if tokens is not None:
            benches.append(tokens)
        return self.run(*benches)


async def put_encoded(ctx, port, words):
    """Drive a command stream with encoded commands."""
    for word in words:
        ctx.set(port.valid, 1)
        ctx.set(port.payload.as_value(), word)
        ready = False
        while not ready:
            _, _, ready = await ctx.tick().sample(port.ready)
    ctx.set(port.valid, 0)


def random_commands(rng, num):
    for _ in range(num):
        bounds = rng.integers(1, 4, size=3).tolist()
        yield command(bounds, rng.integers(-40, 41, size=3).tolist(), int(rng.integers(128)))


@pytest.mark.parametrize("stall", STALLS)
def test_reads_the_words_of_random_loops(stall):
    commands = list(random_commands(np.random.default_rng(SEED), 20))
    expected = [address for values in commands for address in addresses(values)]
    trace = Bench().read(commands, len(expected), stall)
    assert trace.payloads("o") == expected, f"seed {SEED}"


def test_reads_one_word_per_cycle_across_loops_and_commands():
    commands = [command([3, 2], [1, 5]), command([1], [0], 9), command([1], [0], 8)]
    commands += [command([2, 2, 2], [1, 2, 4]), command([1], [0], 7)]
    expected = [address for values in commands for address in addresses(values)]
    trace = Bench().read(commands, len(expected))
    start = trace.times("command")[0]
    first = start + cost.STREAMER_COMMAND_TO_REQUEST
    assert trace.when("request") == list(range(first, first + len(expected)))
    delay = cost.streamer_grant_to_output(cost.READ_LATENCY)
    assert trace.times("o") == [t + delay for t in trace.when("request")]
    busy = [t for t, activity in enumerate(trace["activity"]) if activity == Activity.BUSY]
    assert busy == [t - cost.STREAMER_ISSUE_TO_REQUEST for t in trace.when("request")]


@pytest.mark.parametrize("read_latency", [1, 2, 3])
def test_credits_for_full_rate_are_exact(read_latency):
    full = cost.streamer_full_rate_credits(read_latency)
    memory = replace(MEMORY, read_latency=read_latency)
    spans = {}
    for credits in (full - 1, full):
        params = replace(PARAMS, credits=credits, read_latency=read_latency)
        trace = Bench(params, memory).read([command([30], [1])], 30)
        times = trace.times("o")
        assert trace.payloads("o") == list(range(30))
        assert times[0] - trace.when("request")[0] == cost.streamer_grant_to_output(read_latency)
        spans[credits] = times[-1] - times[0]
    assert spans[full] == 29 and spans[full - 1] > 29


def test_a_full_streamer_waits_for_its_output_and_goes_on_when_a_word_is_taken():
    bench = Bench()
    given = PARAMS.credits

    async def feed(ctx):
        await bench.fill(ctx)
        await put_encoded(ctx, bench.reader.command, bench.encode([command([20], [1])]))

    async def take(ctx):
        await ctx.tick().repeat(160)
        await get(ctx, bench.reader.o, 20)

    trace = bench.run(feed, take)
    requests = trace.when("request")
    assert requests[given - 1] < 160 <= requests[given]
    assert requests[given] == trace.times("o")[0] + cost.STREAMER_TAKE_TO_REQUEST
    assert trace["activity"][150] == Activity.WAIT_OUTPUT


@pytest.mark.parametrize("level", range(PARAMS.num_loops + 2))
def test_waits_and_signals_at_every_level(level):
    bounds = [2, 3, 2]
    bodies = [12, 6, 2, 1, 0][level]
    size = 12 // bodies if bodies else 0
    bench = Bench()
    values = [command(bounds, [1, 2, 6], wait=(level, 2), signal=(level, 3))] * 2
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


def test_padding_elements_are_zero_words_without_a_request():
    params = replace(PARAMS, num_padding=2, padding_bits=8)
    bench = Bench(params)
    bounds, strides = [5, 4], [1, 10]
    pads = {}
    for i, (base, steps, limit) in enumerate([(-1, [1, 0], 3), (-2, [0, 2], 3)]):
        steps = [*steps, 0]
        pads |= {f"pad{i}_base": base % 256, f"pad{i}_limit": limit}
        pads |= {f"pad{i}_jump_{d}": j for d, j in enumerate(jumps([*bounds, 1], steps))}
    values = command(bounds, strides, 1, signal=(0, 1), **pads)
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


@pytest.mark.parametrize("stall", STALLS)
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_writes_lane_groups(stall, groups):
    params = replace(PARAMS, num_groups=groups, group_loop=1)
    bench = Bench(params)
    rng = np.random.default_rng(SEED)
    expected = list(range(128))
    values, words = [], []
    for base in (3, 70):
        values.append(command([4, groups, 2], [1, 0, 8], base, signal=(2, 1)))
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
        start = trace.times("write_command")[0] + cost.LOOP_COMMAND_TO_ELEMENT
        assert trace.times("i") == list(range(start, start + len(words)))
    else:
        assert Activity.WAIT_INPUT in trace["write_activity"]


def test_a_bank_conflict_costs_cycles_and_never_data():
    bench = Bench(reader_port=1)
    port = bench.memory.read[0]

    async def disturb(ctx):
        for stall in itertools.islice(stalls("random", SEED), 200):
            ctx.set(port.valid, stall)
            await ctx.tick()

    async def feed(ctx):
        await bench.fill(ctx)
        await put_encoded(ctx, bench.reader.command, bench.encode([command([20], [1])]))

    trace = bench.run(feed, disturb, lambda ctx: get(ctx, bench.reader.o, 20))
    assert trace.payloads("o") == list(range(20)), f"seed {SEED}"
    blocked = [t for t, a in enumerate(trace["activity"]) if a == Activity.BANK_CONFLICT]
    assert blocked == trace.when("conflict") and len(blocked) > 3
