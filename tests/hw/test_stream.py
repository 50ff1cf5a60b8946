"""Stream parts: every word once, in order, with the stated latency, under any stall."""

import itertools

import numpy as np
import pytest
from tilewright.hw.lib import cost
from tilewright.hw.lib.stream import Fork, Join, SkidBuffer, StreamBuffer, StreamFIFO
from tilewright.hw.lib.stream_params import BranchParams, FIFOParams, StreamParams, WidthParams
from tilewright.hw.lib.width import Downsizer, Upsizer
from tilewright.sim.pysim import STALLS, Timeout, get, put, simulate, stalls

SEED = 7
PAIRS = list(itertools.product(STALLS, STALLS))


def fifo(depth, block, has_bypass=False):
    return StreamFIFO(FIFOParams(payload=8, depth=depth, block=block, has_bypass=has_bypass))


BUFFERS = {
    "buffer": lambda: StreamBuffer(StreamParams(payload=8)),
    "skid": lambda: SkidBuffer(StreamParams(payload=8)),
    **{
        f"fifo_{depth}_{'block' if block else 'registers'}": (
            lambda depth=depth, block=block: fifo(depth, block)
        )
        for depth in (1, 2, 3, 7)
        for block in (False, True)
    },
    **{
        f"fifo_{depth}_bypass": lambda depth=depth: fifo(depth, block=False, has_bypass=True)
        for depth in (1, 2, 5)
    },
}


def run(dut, words, i_stall="none", o_stall="none", num_out=None, watch=None):
    async def feed(ctx):
        await put(ctx, dut.i, words, stalls(i_stall, SEED))

    async def take(ctx):
        await get(ctx, dut.o, num_out or len(words), stalls(o_stall, SEED + 1))

    return simulate(dut, [feed, take], watch or {}, streams={"i": dut.i, "o": dut.o})


@pytest.mark.parametrize("name", BUFFERS)
@pytest.mark.parametrize(("i_stall", "o_stall"), PAIRS)
def test_every_word_once_in_order(name, i_stall, o_stall):
    words = np.random.default_rng(SEED).integers(256, size=30).tolist()
    trace = run(BUFFERS[name](), words, i_stall, o_stall)
    assert trace.payloads("o") == words, f"seed {SEED}"
    assert not trace["o.valid"][-1]


@pytest.mark.parametrize("name", BUFFERS)
def test_latency_and_throughput(name):
    dut = BUFFERS[name]()
    latency = {"buffer": cost.STREAM_BUFFER, "skid": cost.SKID_BUFFER}.get(name)
    if latency is None:
        latency = cost.fifo_latency(dut.params)
    trace = run(dut, list(range(20)))
    start = trace.times("i")[0]
    one_entry = name.startswith("fifo_1")
    # A word leaves a FIFO of two only after fifo_latency; the block memory needs one more entry.
    if one_entry:
        interval = latency + cost.FIFO_TAKE_TO_SPACE
    elif name == "fifo_2_block":
        assert trace.times("o")[0] == start + latency
        return
    else:
        interval = 1
    assert trace.times("o") == [start + latency + interval * n for n in range(20)]


@pytest.mark.parametrize("block", [False, True])
@pytest.mark.parametrize("depth", [1, 2, 5])
def test_fifo_holds_exactly_its_depth(depth, block):
    dut = fifo(depth, block)

    async def feed(ctx):
        for cycle in range(depth + 4):
            ctx.set(dut.i.valid, 1)
            ctx.set(dut.i.payload, cycle)
            await ctx.tick()
        ctx.set(dut.i.valid, 0)
        await get(ctx, dut.o, depth)

    trace = simulate(dut, [feed], {"level": dut.level}, streams={"o": dut.o})
    assert max(trace["level"]) == depth and trace["level"][-1] == 0
    assert trace.payloads("o") == list(range(depth))


def test_fifo_of_the_default_size_is_a_block_only_when_large():
    assert not FIFOParams(payload=8, depth=64).uses_block
    assert FIFOParams(payload=8, depth=65).uses_block
    with pytest.raises(ValueError, match="depth: at least 1, got 0"):
        FIFOParams(payload=8, depth=0)


def test_watchdog_ends_a_bench_that_waits_for_ever():
    dut = BUFFERS["buffer"]()
    with pytest.raises(Timeout):
        simulate(dut, [lambda ctx: get(ctx, dut.o, 1)], {"valid": dut.o.valid}, limit_cycles=50)


@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize(("i_stall", "o_stall"), PAIRS)
def test_upsizer_collects_packets(factor, i_stall, o_stall):
    packets = [list(range(n, n + size)) for n, size in enumerate([1, factor, factor + 1, 7, 2])]
    words = [
        {"data": word, "last": n == len(packet) - 1}
        for packet in packets
        for n, word in enumerate(packet)
    ]
    expected = []
    for packet in packets:
        for start in range(0, len(packet), factor):
            part = packet[start : start + factor]
            is_last = start + factor >= len(packet)
            value = sum(word << 8 * n for n, word in enumerate(part))
            expected.append(value | is_last << 8 * factor | (len(part) - 1) << 8 * factor + 1)
    dut = Upsizer(WidthParams(narrow_bits=8, factor=factor))
    trace = run(dut, words, i_stall, o_stall, num_out=len(expected))
    assert trace.payloads("o") == expected, f"seed {SEED}"
    if (i_stall, o_stall) == ("none", "none"):
        times = trace.times("i")
        assert times == list(range(times[0], times[0] + len(words)))
        assert trace.times("o")[0] == times[0] + cost.UPSIZER


@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize(("i_stall", "o_stall"), PAIRS)
def test_downsizer_sends_the_parts_in_use(factor, i_stall, o_stall):
    rng = np.random.default_rng(SEED)
    words, expected = [], []
    for n in range(12):
        parts = rng.integers(256, size=1 + n % factor).tolist()
        is_last = n % 3 == 0
        value = sum(part << 8 * k for k, part in enumerate(parts))
        words.append({"data": value, "last": is_last, "extra": len(parts) - 1})
        expected += [part | (is_last and k == len(parts) - 1) << 8 for k, part in enumerate(parts)]
    dut = Downsizer(WidthParams(narrow_bits=8, factor=factor))
    trace = run(dut, words, i_stall, o_stall, num_out=len(expected))
    assert trace.payloads("o") == expected, f"seed {SEED}"
    if (i_stall, o_stall) == ("none", "none"):
        first = trace.times("i")[0] + cost.DOWNSIZER
        assert trace.times("o") == list(range(first, first + len(expected)))


@pytest.mark.parametrize(("i_stall", "o_stall"), PAIRS)
def test_fork_gives_each_word_to_each(i_stall, o_stall):
    dut = Fork(BranchParams(payload=8, num=3))
    words = list(range(20))
    benches = [lambda ctx: put(ctx, dut.i, words, stalls(i_stall, SEED))]
    for n in range(3):
        benches.append(lambda ctx, n=n: get(ctx, dut.o[n], 20, stalls(o_stall, SEED + n)))
    ports = {f"o{n}": dut.o[n] for n in range(3)}
    trace = simulate(dut, benches, {}, streams={"i": dut.i, **ports})
    assert [trace.payloads(name) for name in ports] == [words] * 3
    if (i_stall, o_stall) == ("none", "none"):
        assert trace.times("o0") == [t + cost.FORK for t in trace.times("i")] == list(range(20))


@pytest.mark.parametrize(("i_stall", "o_stall"), PAIRS)
def test_join_pairs_the_words(i_stall, o_stall):
    dut = Join(BranchParams(payload=8, num=2))
    words = [list(range(20)), list(range(100, 120))]
    benches = [
        lambda ctx, n=n: put(ctx, dut.i[n], words[n], stalls(i_stall, SEED + n)) for n in range(2)
    ]
    benches.append(lambda ctx: get(ctx, dut.o, 20, stalls(o_stall, SEED + 2)))
    streams = {"i0": dut.i[0], "i1": dut.i[1], "o": dut.o}
    trace = simulate(dut, benches, {}, streams=streams)
    assert trace.payloads("o") == [a | b << 8 for a, b in zip(*words, strict=True)]
    assert trace.times("o") == [t + cost.JOIN for t in trace.times("i0")] == trace.times("i1")
