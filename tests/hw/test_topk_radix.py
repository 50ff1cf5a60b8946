"""Radix_select in Amaranth's simulator: answers by hand, resets, tags that come round; its law."""

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from amaranth.hdl import Module, ResetInserter, Signal
from tilewright.hw.topk import radix_cost
from tilewright.hw.topk.mapping import Packet, input_words, output_words, packet_of, unpack_pairs
from tilewright.hw.topk.params import TopKParams
from tilewright.hw.topk.radix_params import BINS_PER_ROW, DECISIONS, digit_params, digit_widths
from tilewright.hw.topk.radix_select import RadixSelect
from tilewright.sim.pysim import put_encoded, simulate, stalls

from tilewright.flow.topk_cases import selected
from tilewright.spec.numbers import NumberFormat

SEED = 23


def params_of(bits=8, lanes=4, words=8, signed=True, **changes) -> TopKParams:
    values = {"k_max": lanes * words, "order": "index", "digit_bits": 8} | changes
    key = NumberFormat(bits, signed=signed)
    return TopKParams(engine="radix_select", lanes=lanes, key=key, max_words=words, **values)


def simulated(params, packets, *, kinds=("none", "none", "none"), reset_after=None):
    """Output words, and cycles from the first transfer in to the last out.

    With `reset_after`, a word without `last` is played and then reset away before anything else.
    """
    core, reset = RadixSelect(params), Signal()
    module = Module()
    module.submodules.dut = ResetInserter(reset)(core)
    words = [word for packet in packets for word in input_words(params, packet)]
    lost = [] if reset_after is None else input_words(params, reset_after)[:-1]

    async def play(ctx):
        if lost:
            ctx.set(core.k.valid, 1)
            ctx.set(core.k.payload, reset_after.k)
            await put_encoded(ctx, core.i, lost)
            ctx.set(core.k.valid, 0)
            await ctx.tick().repeat(2)  # the words reach the counters
            ctx.set(reset, 1)
            await ctx.tick()
            ctx.set(reset, 0)
        stall = stalls(kinds[0], SEED)
        for word in words:
            while next(stall):
                await ctx.tick()
            await put_encoded(ctx, core.i, [word])

    async def choose(ctx):
        if lost:
            seen = 0
            while not seen:
                _, _, seen = await ctx.tick().sample(reset)
        stall = stalls(kinds[1], SEED + 1)
        for packet in packets:
            while next(stall):
                await ctx.tick()
            ctx.set(core.k.valid, 1)
            ctx.set(core.k.payload, packet.k)
            ready = 0
            while not ready:
                _, _, ready = await ctx.tick().sample(core.k.ready)
            ctx.set(core.k.valid, 0)

    async def take(ctx):
        stall, left = stalls(kinds[2], SEED + 2), len(words)
        while left:
            ctx.set(core.o.ready, not next(stall))
            _, _, valid, ready = await ctx.tick().sample(core.o.valid, core.o.ready)
            left -= valid and ready
        ctx.set(core.o.ready, 1)  # nothing more may come

    streams = {"o": core.o} if lost else {"i": core.i, "k": core.k, "o": core.o}
    watch = {"valid": core.i.valid, "ready": core.i.ready}
    trace = simulate(module, [play, choose, take], watch, streams=streams, limit_cycles=60_000)
    starts = [t for t in range(trace.cycles) if trace["valid"][t] and trace["ready"][t]]
    return trace.payloads("o"), trace.times("o")[-1] - starts[0] + 1


def expected_words(params, packets):
    return [w for p in packets for w in output_words(params, p, selected(params, p))]


def test_answers_by_hand():
    """Two packets written out, with ties, a hole, the least key and k beyond n."""
    params = params_of(bits=4, lanes=2, words=3)
    packets = [
        packet_of(params, [3, -8, 3, 7, 3, -1], k=3),
        packet_of(params, [-8, 5, -8], k=6, is_valid=[True, False, True]),
    ]
    words, _ = simulated(params, packets)
    pairs = unpack_pairs(params, words)
    assert pairs == [(3, 0), (3, 2), (7, 3), (-8, 0), (-8, 2)]
    assert [word >> params.output_bits for word in words] == [0, 0, 1, 0, 1]


def test_cycles_by_hand():
    """64 words: in, 10 cycles to the decision, 2 to the output, 63 words more; 139 in all. Of two
    digits the second takes as long again; four-bit digits are decided in 4 cycles.
    """
    wide = {"lanes": 16, "words": 64}
    cases = [
        (params_of(8, **wide), 64 + 10 + 2 + 63),
        (params_of(16, **wide), 64 + 10 + 63 + 10 + 2 + 63),
        (params_of(8, digit_bits=4, **wide), 64 + 4 + 63 + 4 + 2 + 63),
    ]
    for params, cycles in cases:
        assert radix_cost.worst_packet_cycles(params, 64) == cycles


def test_the_page_says_what_the_law_says():
    """Cycles of docs/topk.md's table: of 1,024 keys, none decided early."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "topk.md").read_text()
    rows = re.findall(r"^\| (\d+)-bit keys, (\d+)-bit digits \| (\d+)", page, re.MULTILINE)
    assert len(rows) == 4
    for bits, digit_bits, cycles in rows:
        params = params_of(int(bits), lanes=16, words=64, digit_bits=int(digit_bits))
        assert radix_cost.worst_packet_cycles(params, 64) == int(cycles)


@pytest.mark.parametrize("bits", range(2, 33))
def test_digits_cover_the_key(bits):
    for digit_bits in range(1, 9):
        params = params_of(bits, digit_bits=digit_bits)
        widths = digit_widths(params)
        assert sum(widths) == bits and max(widths) <= digit_bits
        assert len(widths) == -(-bits // digit_bits) and max(widths) - min(widths) <= 1
        parts = digit_params(params)
        assert [p.digit_start + p.digit_bits for p in parts] == [bits, *(p.digit_start for p in
                                                                         parts[:-1])]  # fmt: skip
        for part in parts:
            assert part.num_groups * part.bins_per_row == (1 << part.fine_bits if part.fine_bits
                                                           else 0)  # fmt: skip
            assert part.bins_per_row <= BINS_PER_ROW
            assert part.buffer_depth > part.max_words  # the law looks at earlier packets only


def passes_by_definition(params: TopKParams, packet: Packet) -> int:
    """Digit by digit, as a reader of the definition would: when is no key undecided?"""
    wanted = min(packet.k, params.k_max)
    mask = (1 << params.key.bits) - 1
    left = [(key & mask) ^ params.rank_flip
            for key, is_valid in zip(packet.keys, packet.is_valid, strict=True)
            if is_valid]  # fmt: skip
    if wanted == 0:
        return 0
    for number, part in enumerate(digit_params(params), 1):
        digits = [key >> part.digit_start & ((1 << part.digit_bits) - 1) for key in left]
        for threshold in sorted({0, *digits}, reverse=True):
            if sum(digit >= threshold for digit in digits) >= wanted or threshold == 0:
                break
        wanted -= sum(digit > threshold for digit in digits)
        left = [key for key, digit in zip(left, digits, strict=True) if digit == threshold]
        if wanted >= len(left):
            return number
    return number + 1


def test_settled_passes_are_those_of_the_definition():
    for seed in range(300):
        rng = np.random.default_rng([SEED, seed])
        params = params_of(
            int(rng.integers(2, 17)),
            lanes=int(rng.integers(1, 4)),
            signed=bool(rng.integers(2)),
            largest=bool(rng.integers(2)),
            digit_bits=int(rng.integers(1, 9)),
        )
        count = int(rng.integers(0, params.max_keys + 1))
        span = int(rng.choice([1, 3, 1 << params.key.bits]))
        top = min(params.key.minimum + span - 1, params.key.maximum)
        keys = rng.integers(params.key.minimum, top + 1, count).tolist()
        packet = packet_of(params, keys, int(rng.integers(0, params.k_max + 1)))
        got = radix_cost.settled_passes(params, packet)
        assert got == passes_by_definition(params, packet), f"seed {seed}: {params} {packet}"


def test_no_input_is_slower_than_the_bound():
    """A packet alone: early exits only save cycles; packets in a row leave in order."""
    params = params_of(12, lanes=4, words=8, digit_bits=4)
    bound = radix_cost.worst_packet_cycles(params, 8)
    for settled in range(5):
        ((_, _, last),) = radix_cost.packet_times(params, [(8, settled)])
        assert last <= bound
    rng = np.random.default_rng(SEED)
    work = [(int(rng.integers(1, 9)), int(rng.integers(0, 5))) for _ in range(200)]
    times = list(radix_cost.packet_times(params, work))
    for (words, _), (_, first, last), (_, after, _) in zip(work, times, times[1:], strict=False):
        assert last - first >= words - 1 and after > last


def test_trace_proportions_keep_up():
    """Packets of 7 to 63 words, as in the published trace: hardly more than a cycle per word."""
    params = params_of(8, lanes=16, words=64, k_max=512)
    words = [63] * 36 + [58] * 93 + [45] * 93 + [13] * 372 + [7] * 558
    np.random.default_rng(SEED).shuffle(words)
    *_, (_, _, end) = radix_cost.packet_times(params, [(n, 2) for n in words])
    assert end <= sum(words) * 1.02


def small_packets(params, count, rng):
    """Packets of few words, each with a handful of different keys."""
    low, high = params.key.minimum, params.key.maximum
    packets = []
    for _ in range(count):
        keys = rng.integers(low, high + 1, int(rng.integers(0, 2 * params.lanes + 1))).tolist()
        packets.append(packet_of(params, keys, int(rng.integers(0, params.k_max + 1))))
    return packets


@pytest.mark.parametrize("bits", [5, 7])
def test_tags_come_round(bits):
    """A row counts keys, is left alone while its set's tag goes round, and is read under that tag
    again, for keys of the same upper bits: both sets must have forgotten it.
    """
    params = params_of(bits, lanes=2, words=2, signed=False)
    (part,) = digit_params(params)
    top = params.key.maximum
    old, other = packet_of(params, [top] * 3, k=1), packet_of(params, [0, 1], k=1)
    below = [top - 1, top & ~((1 << part.fine_bits) - 1)]
    new = [packet_of(params, below, k=k) for k in (1, 2)]
    packets = [old, old, *[other] * (2 * (1 << part.tag_bits) - 2), *new]
    words, cycles = simulated(params, packets)
    assert words == expected_words(params, packets)
    assert cycles == radix_cost.kernel_cycles(params, packets)


def test_a_reset_forgets_counted_words():
    """Keys counted before a reset, with the tag that is used again after it, count no more."""
    params = params_of(8, lanes=2, words=4, signed=False)
    lost = packet_of(params, [200, 200, 199, 200, 200, 201, 3, 4], k=3)
    kept = [packet_of(params, [200, 10, 199, 5], k=2), packet_of(params, [200, 201, 202], k=1)]
    words, cycles = simulated(params, kept, reset_after=lost)
    assert words == expected_words(params, kept)
    assert cycles > 0


@pytest.mark.parametrize("kind", ["random", "one_in_four", "long"])
@pytest.mark.parametrize("port", range(3))
def test_one_port_stalls(kind, port):
    """k late, words late, output slow: one at a time."""
    params = params_of(9, lanes=3, words=4, k_max=7, digit_bits=8)
    packets = small_packets(params, 25, np.random.default_rng([SEED, port]))
    kinds = [kind if index == port else "none" for index in (0, 1, 2)]
    words, _ = simulated(params, packets, kinds=tuple(kinds))
    assert words == expected_words(params, packets), f"seed {SEED}"


def test_short_packets_wait_for_no_more_than_the_decisions():
    """One-word packets: with memories one in num_groups + 3 cycles, without, one per cycle."""
    wide, narrow = params_of(8), params_of(8, digit_bits=4)
    interval = digit_params(wide)[0].num_groups + 3
    for params, cycles in ((wide, interval), (narrow, 1)):
        times = list(radix_cost.packet_times(params, [(1, 9)] * (3 * DECISIONS)))
        steps = {after - before for (_, _, before), (_, _, after) in pairwise(times)}
        assert steps == {cycles}
        packets = [packet_of(params, [n % 128] * params.lanes, 2) for n in range(3 * DECISIONS)]
        words, measured = simulated(params, packets)
        assert words == expected_words(params, packets)
        assert measured == times[-1][-1]
