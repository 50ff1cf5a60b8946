"""The board's memory: contents under stalls and under the link, and its exact times."""

import random

import pytest
from tilewright.boards.top.cost import MEMORY_LATENCY
from tilewright.boards.top.memory import BoardMemory
from tilewright.boards.top.params import MemoryParams
from tilewright.sim import pysim

WORDS, DATA_BYTES = 48, 4
PARAMS = MemoryParams(words=WORDS, data_bytes=DATA_BYTES, address_bits=16, outstanding=3)
NAMES = (
    *("arvalid", "arready", "rvalid", "rready", "rlast", "rdata", "rresp"),
    *("awvalid", "awready", "wvalid", "wready", "wlast", "bvalid", "bready", "bresp"),
)


def watch(dut):
    return {name: getattr(dut.axi, name) for name in NAMES} | {"error": dut.error}


async def send_burst(ctx, axi, letter, address, beats):
    for name, value in (("addr", address), ("len", beats - 1), ("valid", 1)):
        ctx.set(getattr(axi, f"a{letter}{name}"), value)
    ready = False
    while not ready:
        _, _, ready = await ctx.tick().sample(getattr(axi, f"a{letter}ready"))
    ctx.set(getattr(axi, f"a{letter}valid"), 0)


async def send_data(ctx, axi, words, stall):
    for place, word in enumerate(words):
        while next(stall):
            await ctx.tick()
        ctx.set(axi.wdata, word)
        ctx.set(axi.wlast, place == len(words) - 1)
        ctx.set(axi.wvalid, 1)
        ready = False
        while not ready:
            _, _, ready = await ctx.tick().sample(axi.wready)
        ctx.set(axi.wvalid, 0)


async def access(ctx, link, word, value=None):
    """One access of the link; what it read."""
    ctx.set(link.address, DATA_BYTES * word)
    ctx.set(link.is_write, value is not None)
    ctx.set(link.write_data, value or 0)
    ctx.set(link.request, 1)
    done = False
    while not done:
        _, _, done, data = await ctx.tick().sample(link.acknowledge, link.read_data)
    ctx.set(link.request, 0)
    return data


def random_bursts(draw, num):
    for _ in range(num):
        beats = draw.randrange(1, 9)
        yield draw.randrange(WORDS - beats + 1), beats


@pytest.mark.parametrize("stall", pysim.STALLS)
@pytest.mark.parametrize("seed", [1, 2])
def test_reads_what_was_written(seed, stall):
    """Bursts both ways at once in two halves of the memory, the link in a third."""
    draw = random.Random(seed)
    dut = BoardMemory(PARAMS)
    axi = dut.axi
    memory = {word: draw.randrange(1 << 32) for word in range(WORDS)}
    reads = [(min(start, 16 - beats if beats < 16 else 0), beats)
             for start, beats in random_bursts(draw, 20)]  # fmt: skip
    writes = [(16 + start % 8, beats, [draw.randrange(1 << 32) for _ in range(beats)])
              for start, beats in random_bursts(draw, 20)]  # fmt: skip
    seen, found, prepared, written = [], [], [], []

    async def prepare(ctx):
        for word, value in memory.items():
            await access(ctx, dut.link, word, value)
        prepared.append(True)

    async def after(ctx):
        while not prepared:
            await ctx.tick()

    async def read(ctx):
        await after(ctx)
        for start, beats in reads:
            await send_burst(ctx, axi, "r", DATA_BYTES * start, beats)

    async def take(ctx):
        pauses = pysim.stalls(stall, seed)
        left = sum(beats for _, beats in reads)
        while left:
            ctx.set(axi.rready, not next(pauses))
            _, _, valid, ready, data = await ctx.tick().sample(axi.rvalid, axi.rready, axi.rdata)
            if valid and ready:
                seen.append(data)
                left -= 1
        ctx.set(axi.rready, 0)

    async def write(ctx):
        await after(ctx)
        ctx.set(axi.bready, 1)
        for start, beats, _ in writes:
            await send_burst(ctx, axi, "w", DATA_BYTES * start, beats)

    async def data(ctx):
        await after(ctx)
        for start, beats, words in writes:
            await send_data(ctx, axi, words, pysim.stalls(stall, seed + 1))
            memory.update(zip(range(start, start + beats), words, strict=True))
        written.append(True)

    async def link(ctx):
        await after(ctx)
        for _ in range(40):
            word = draw.randrange(32, WORDS)
            if draw.random() < 0.5:
                memory[word] = draw.randrange(1 << 32)
                await access(ctx, dut.link, word, memory[word])
            else:
                assert await access(ctx, dut.link, word) == memory[word]
            await ctx.tick().repeat(draw.randrange(1, 4))
        while len(seen) < sum(beats for _, beats in reads) or not written:
            await ctx.tick()
        await ctx.tick().repeat(4)
        for word in range(WORDS):
            found.append(await access(ctx, dut.link, word))

    benches = [prepare, read, take, write, data, link]
    trace = pysim.simulate(dut, benches, watch(dut), limit_cycles=20_000)
    expected = [memory[start + beat] for start, beats in reads for beat in range(beats)]
    assert seen == expected
    lasts = [trace["rlast"][t] for t in trace.when("rvalid") if trace["rready"][t]]
    assert lasts == [int(beat == beats - 1) for _, beats in reads for beat in range(beats)]
    assert not trace.when("error")
    assert found == [memory[word] for word in range(WORDS)]
    _assert_stable(trace)
    assert len(trace.when("bvalid")) == len(writes)


def _assert_stable(trace):
    """A beat that waits stays, and stays the same."""
    for t in range(trace.cycles - 1):
        if trace["rvalid"][t] and not trace["rready"][t]:
            assert trace["rvalid"][t + 1]
            for name in ("rdata", "rlast", "rresp"):
                assert trace[name][t + 1] == trace[name][t], f"cycle {t + 1}: {name}"


def test_reads_at_the_latency_and_without_a_gap():
    """First beat MEMORY_LATENCY after its address, the others behind it, over bursts too."""
    dut = BoardMemory(PARAMS)
    sizes = (1, 5, 1, 1, 3)

    async def read(ctx):
        ctx.set(dut.axi.rready, 1)
        for beats in sizes:
            await send_burst(ctx, dut.axi, "r", 0, beats)
        await ctx.tick().repeat(15)
        await send_burst(ctx, dut.axi, "r", 8, 2)

    trace = pysim.simulate(dut, [read], watch(dut), drain_cycles=10)
    addresses = [t for t in trace.when("arvalid") if trace["arready"][t]]
    beats = trace.when("rvalid")
    due = []
    for address, size in zip(addresses, (*sizes, 2), strict=True):
        for beat in range(size):
            first = address + MEMORY_LATENCY + beat
            due.append(max(first, due[-1] + 1) if due else first)
    assert beats == due


def test_answers_writes_at_the_latency():
    dut = BoardMemory(PARAMS)

    async def address(ctx):
        ctx.set(dut.axi.bready, 1)
        for _ in range(3):
            await send_burst(ctx, dut.axi, "w", 0, 2)

    async def data(ctx):
        await ctx.tick().repeat(3)
        for _ in range(3):
            await send_data(ctx, dut.axi, [1, 2], pysim.stalls("none", 1))

    trace = pysim.simulate(dut, [address, data], watch(dut), drain_cycles=10)
    lasts = [t for t in trace.when("wlast") if trace["wvalid"][t] and trace["wready"][t]]
    assert lasts[1] - lasts[0] == 2  # a beat in every cycle, over the ends of bursts
    assert trace.when("bvalid") == [t + MEMORY_LATENCY for t in lasts]


@pytest.mark.parametrize("address", [DATA_BYTES * WORDS, 0x8000])
def test_beyond_the_memory_is_an_error_and_changes_nothing(address):
    dut = BoardMemory(PARAMS)
    found = []

    async def bench(ctx):
        for word in range(WORDS):
            await access(ctx, dut.link, word, word)
        ctx.set(dut.axi.rready, 1)
        ctx.set(dut.axi.bready, 1)
        await send_burst(ctx, dut.axi, "r", address, 2)
        await send_burst(ctx, dut.axi, "w", address, 2)
        await send_data(ctx, dut.axi, [99, 99], pysim.stalls("none", 1))
        await ctx.tick().repeat(6)
        for word in range(WORDS):
            found.append(await access(ctx, dut.link, word))

    trace = pysim.simulate(dut, [bench], watch(dut))
    assert found == list(range(WORDS))
    assert [trace["rresp"][t] for t in trace.when("rvalid")] == [2, 2]
    assert [trace["bresp"][t] for t in trace.when("bvalid")] == [2]
    assert len(trace.when("error")) == 2


def test_a_response_that_nobody_takes_is_not_lost():
    """Single beats without pause, more than there is room for answers."""
    dut = BoardMemory(PARAMS)
    answers = []

    async def address(ctx):
        for place in range(12):
            await send_burst(ctx, dut.axi, "w", DATA_BYTES * place, 1)

    async def data(ctx):
        for place in range(12):
            await send_data(ctx, dut.axi, [place], pysim.stalls("none", 1))

    async def take(ctx):
        await ctx.tick().repeat(30)
        ctx.set(dut.axi.bready, 1)
        while len(answers) < 12:
            _, _, valid = await ctx.tick().sample(dut.axi.bvalid)
            if valid:
                answers.append(valid)

    trace = pysim.simulate(dut, [address, data, take], watch(dut), drain_cycles=20)
    assert len(answers) == len([t for t in trace.when("bvalid") if trace["bready"][t]]) == 12
