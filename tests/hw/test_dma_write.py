"""The write DMA against plain loops, under any memory and scratchpad timing, and its latencies."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np
import pytest
from amaranth.sim import Simulator
from tilewright.hw.lib import cost
from tilewright.hw.lib.dma_params import AxiParams, StoreParams
from tilewright.hw.lib.dma_write import StoreDMA
from tilewright.hw.lib.params import Activity, jumps
from tilewright.sim.axi_model import MemoryTiming, WriteModel, no_stall, random_stall
from tilewright.sim.golden.dma import runs

MEMORY_BYTES = 1 << 16
LOCAL_BITS = 12
WATCHDOG_CYCLES = 20_000
READ_LATENCY = 2
CHANNEL_INPUTS = ("awready", "wready", "bvalid", "bresp")
CHANNEL_OUTPUTS = (
    *("awvalid", "awaddr", "awlen", "awsize", "awburst"),
    *("wvalid", "wdata", "wstrb", "wlast", "bready"),
)


def params(word_bytes=16, port_bytes=16, num_loops=3, outstanding=8, credit=8, **more):
    """Small widths; one signal of each kind."""
    return StoreParams(
        num_loops=num_loops,
        bound_bits=8,
        run_bits=10,
        local_address_bits=LOCAL_BITS,
        memory_address_bits=20,
        word_bits=8 * word_bytes,
        word_bytes=word_bytes,
        axi=AxiParams(address_bits=32, data_bytes=port_bytes),
        outstanding=outstanding,
        num_waits=1,
        token_bits=4,
        signal_kinds=("read", "response"),
        credits=credit,
        **more,
    )


def command(p, *, bounds, memory_strides, local_strides, memory=0, local=0, words=1, **tokens):
    """Fields of a command from bounds and strides, innermost loop first."""
    loops, never = range(p.num_loops), p.num_loops + 1
    fields = {f"last_{d}": bounds[d] - 1 for d in loops}
    fields |= {f"memory_jump_{d}": j for d, j in enumerate(jumps(bounds, memory_strides))}
    fields |= {f"local_jump_{d}": j for d, j in enumerate(jumps(bounds, local_strides))}
    fields |= {"memory_base": memory, "local_base": local, "run_last": words - 1}
    for name in ("wait0", "signal0", "signal1"):
        fields |= {f"{name}_level": never, f"{name}_count": 0}
    return fields | tokens


@dataclass
class Trace:
    """What happened, with cycles."""

    requests: list = field(default_factory=list)  # (cycle, address)
    gives: list = field(default_factory=list)  # (cycle, port, count)
    takes: list = field(default_factory=list)  # (cycle, count)
    addresses: list = field(default_factory=list)  # (cycle, byte address)
    beats: list = field(default_factory=list)
    responses: list = field(default_factory=list)
    commands: list = field(default_factory=list)
    activity: list = field(default_factory=list)
    first_address: int = 0
    first_beat: int = 0
    busy_until: int = 0
    error: int = 0


class Bench:
    """Scratchpad, memory and tokens around the DMA."""

    def __init__(self, p, commands, *, scratchpad, memory, timing, stall, ready, tokens, base, bad):
        self.p, self.dut, self.queue = p, StoreDMA(p), deque(commands)
        self.model = WriteModel(memory, p.axi.data_bytes, timing, stall)
        self.model.bad_addresses = set(bad)
        self.scratchpad, self.ready, self.tokens, self.base = scratchpad, ready, tokens, base
        self.reads = deque([None] * READ_LATENCY)
        self.available, self.trace = 0, Trace()
        self.quiet_cycles = timing.latency + 8

    def run(self):
        simulator = Simulator(self.dut)
        simulator.add_clock(1e-6)
        simulator.add_testbench(self.bench)
        simulator.run()
        return self.trace

    async def bench(self, ctx):
        quiet, cycle = 0, 0
        ctx.set(self.dut.base, self.base)
        while quiet < self.quiet_cycles:
            self.drive(ctx, cycle)
            sent = {name: ctx.get(getattr(self.dut.m_axi, name)) for name in CHANNEL_OUTPUTS}
            self.observe(ctx, cycle, sent)
            assert cycle < WATCHDOG_CYCLES, f"no end after {cycle} cycles"
            self.model.clock(**sent)
            quiet = 0 if self.queue or ctx.get(self.dut.busy) else quiet + 1
            if not quiet:
                self.trace.busy_until = cycle + 1
            await ctx.tick()
            cycle += 1
        self.trace.error = ctx.get(self.dut.error)

    def drive(self, ctx, cycle):
        dut = self.dut
        self.available += sum(count for when, count in self.tokens if when == cycle)
        ctx.set(dut.waits[0].available, self.available)
        if self.queue:
            ctx.set(dut.command.payload, self.queue[0])
        ctx.set(dut.command.valid, bool(self.queue))
        ctx.set(dut.read.ready, self.ready(cycle))
        address = self.reads[0]
        ctx.set(dut.read.response_valid, address is not None)
        ctx.set(dut.read.response_data, 0 if address is None else self.scratchpad[address])
        for name in CHANNEL_INPUTS:
            ctx.set(getattr(dut.m_axi, name), getattr(self.model, name))

    def observe(self, ctx, cycle, sent):
        dut, trace = self.dut, self.trace
        if self.queue and ctx.get(dut.command.ready):
            self.queue.popleft()
            trace.commands.append(cycle)
        if sent["awvalid"]:
            trace.first_address = trace.first_address or cycle
            if self.model.awready:
                trace.addresses.append((cycle, sent["awaddr"]))
        if sent["wvalid"]:
            trace.first_beat = trace.first_beat or cycle
            if self.model.wready:
                trace.beats.append(cycle)
        if self.model.bvalid and sent["bready"]:
            trace.responses.append(cycle)
        self.reads.popleft()
        granted = ctx.get(dut.read.valid) and ctx.get(dut.read.ready)
        self.reads.append(ctx.get(dut.read.address) if granted else None)
        if granted:
            trace.requests.append((cycle, ctx.get(dut.read.address)))
        if count := ctx.get(dut.waits[0].take):
            self.available -= count
            assert self.available >= 0, f"cycle {cycle}: took {count} tokens that were not there"
            trace.takes.append((cycle, count))
        for i in range(2):
            if count := ctx.get(dut.signals[i].give):
                trace.gives.append((cycle, i, count))
        trace.activity.append(Activity(ctx.get(dut.activity)))


def simulate(p, commands, *, scratchpad, memory, timing, stall=no_stall, ready=None, **more):
    """Run the commands; `ready(cycle)` of the read port; `tokens`: (cycle, count)."""
    options = {"tokens": (), "base": 0, "bad": ()} | more
    ready = ready or (lambda cycle: True)
    bench = Bench(
        p,
        commands,
        scratchpad=scratchpad,
        memory=memory,
        timing=timing,
        stall=stall,
        ready=ready,
        **options,
    )
    return bench.run()


def check(p, commands, *, scratchpad, before, memory, trace, base=0, label=""):
    """Memory, read order, tokens taken and given: as the plain loops say."""
    expected, addresses, takes, gives, num_bursts = bytearray(before), [], [], [[], []], 0
    page_words = 4096 // p.word_bytes
    burst_words = max(1, p.max_burst_beats // p.beats_per_word)
    for fields in commands:
        for run in runs(fields, p.num_loops):
            if run.waits(fields["wait0_level"]) and fields["wait0_count"]:
                takes.append(fields["wait0_count"])
            left, word = run.num_words, base // p.word_bytes + run.memory
            while left:
                size = min(left, burst_words, page_words - word % page_words)
                left, word, num_bursts = left - size, word + size, num_bursts + 1
            for word in range(run.num_words):
                address = (run.local + word) % (1 << LOCAL_BITS)
                addresses.append(address)
                start = base + (run.memory + word) * p.word_bytes
                data = scratchpad[address].to_bytes(p.word_bytes, "little")
                expected[start : start + p.word_bytes] = data
            for i, place in enumerate((len(addresses), num_bursts)):
                if run.signals(fields[f"signal{i}_level"]) and fields[f"signal{i}_count"]:
                    gives[i].append((place, fields[f"signal{i}_count"]))
    assert [request[1] for request in trace.requests] == addresses, label
    assert len(trace.addresses) == len(trace.responses) == num_bursts, label
    different = [i for i in range(len(memory)) if memory[i] != expected[i]]
    assert not different, f"{label}: {len(different)} bytes differ, first at {different[0]:#x}"
    causes = ([request[0] for request in trace.requests], trace.responses)
    delays = (cost.STORE_GRANT_TO_GIVE, cost.STORE_RESPONSE_TO_GIVE)
    for i in range(2):
        expected_gives = [(causes[i][n - 1] + delays[i], i, count) for n, count in gives[i]]
        assert [give for give in trace.gives if give[1] == i] == expected_gives, label
    assert [count for _, count in trace.takes] == takes, label
    assert not trace.error, label


def some_commands(p, generator, num_commands):
    """Random nests of strided runs; no two commands write the same words."""
    words_in_memory = MEMORY_BYTES // p.word_bytes
    span = words_in_memory // num_commands
    result = []
    for number in range(num_commands):
        bounds = [int(generator.integers(1, 4)) for _ in range(p.num_loops)]
        words = int(generator.choice([1, 1, 2, 3, 17, 40]))
        room = span - words
        strides = []
        for bound in bounds:
            step = int(generator.integers(0, room // 2 // max(1, bound - 1) + 1))
            strides.append(step)
            room -= step * (bound - 1)
        offset = int(generator.integers(0, room + 1))
        levels = [int(generator.integers(0, p.num_loops + 2)) for _ in range(2)]
        result.append(
            command(
                p,
                bounds=bounds,
                memory_strides=strides,
                local_strides=[int(generator.integers(-64, 64)) for _ in bounds],
                memory=number * span + offset,
                local=int(generator.integers(0, 1 << LOCAL_BITS)),
                words=words,
                signal0_level=levels[0],
                signal0_count=int(generator.integers(1, 4)),
                signal1_level=levels[1],
                signal1_count=int(generator.integers(1, 4)),
            )
        )
    return result


def random_words(seed, word_bytes):
    generator = np.random.default_rng(seed)
    return [int.from_bytes(generator.bytes(word_bytes), "little") for _ in range(1 << LOCAL_BITS)]


@pytest.mark.parametrize("stalls", ["none", "random", "one in four"])
@pytest.mark.parametrize(
    ("word_bytes", "port_bytes", "latency"), [(16, 16, 40), (16, 16, 0), (16, 4, 1)]
)
def test_random_commands(latency, stalls, word_bytes, port_bytes):
    seed = 1000 + latency * 7 + port_bytes
    generator = np.random.default_rng(seed)
    p = params(
        word_bytes,
        port_bytes,
        outstanding=int(generator.integers(1, 9)),
        credit=int(generator.integers(1, 9)),
    )
    commands = some_commands(p, generator, 4)
    scratchpad = random_words(seed, word_bytes)
    memory = bytearray(generator.bytes(MEMORY_BYTES))
    before = bytes(memory)
    probability = {"none": 0.0, "random": 0.5, "one in four": 0.25}[stalls]
    trace = simulate(
        p,
        commands,
        scratchpad=scratchpad,
        memory=memory,
        timing=MemoryTiming(latency=latency, outstanding=int(generator.integers(1, 9))),
        stall=random_stall(seed, probability),
        ready=lambda cycle: bool(generator.random() >= probability),
    )
    check(
        p,
        commands,
        scratchpad=scratchpad,
        before=before,
        memory=memory,
        trace=trace,
        label=f"seed {seed}",
    )


def run_timed(p, commands, *, latency=40, outstanding=8, **more):
    scratchpad, memory = random_words(3, p.word_bytes), bytearray(MEMORY_BYTES)
    trace = simulate(
        p,
        commands,
        scratchpad=scratchpad,
        memory=memory,
        timing=MemoryTiming(latency=latency, outstanding=outstanding),
        **more,
    )
    check(
        p,
        commands,
        scratchpad=scratchpad,
        before=bytes(MEMORY_BYTES),
        memory=memory,
        trace=trace,
        base=more.get("base", 0),
    )
    return trace


def rows(p, count, words, stride=64, **more):
    """`count` runs."""
    return command(
        p,
        bounds=[count, 1, 1],
        memory_strides=[stride, 0, 0],
        local_strides=[words, 0, 0],
        words=words,
        **more,
    )


def test_latencies_are_the_laws():
    p = params()
    fields = rows(p, 1, 3, wait0_level=3, wait0_count=2, signal0_level=3, signal0_count=1)
    trace = run_timed(p, [fields | {"signal1_level": 3, "signal1_count": 1}], tokens=[(0, 2)])
    start = trace.commands[0]
    assert trace.takes == [(start + cost.LOOP_COMMAND_TO_ELEMENT, 2)]
    assert trace.first_address == start + cost.DMA_COMMAND_TO_ADDRESS
    handshake = trace.addresses[0][0]
    assert trace.requests[0][0] == handshake + cost.STORE_ADDRESS_TO_REQUEST
    assert trace.first_beat == trace.requests[0][0] + cost.store_grant_to_beat(READ_LATENCY)
    assert trace.responses == [trace.beats[-1] + 40]
    assert trace.busy_until == trace.responses[0] + cost.STORE_RESPONSE_TO_GIVE


def test_tokens_hold_back_the_address():
    p = params()
    fields = rows(p, 2, 2, wait0_level=0, wait0_count=3)
    trace = run_timed(p, [fields], tokens=[(10, 2), (20, 1), (60, 3)])
    available = cost.DMA_GIVE_TO_ADDRESS - cost.TOKEN_GIVE_TO_AVAILABLE
    assert trace.takes == [(20, 3), (60, 3)]
    assert [cycle for cycle, _ in trace.addresses] == [20 + available, 60 + available]
    assert trace.activity[15] is Activity.WAIT_TOKEN


@pytest.mark.parametrize(("words", "count"), [(1, 60), (16, 8), (40, 5)])
def test_beats_follow_one_another(words, count):
    """Memory takes everything: no cycle between beats, over bursts, runs and commands."""
    p = params(outstanding=64, credit=cost.store_full_rate_credits(READ_LATENCY))
    commands = [rows(p, count, words, words + 1, memory=memory) for memory in (0, 2048)]
    trace = run_timed(p, commands, outstanding=64)
    assert trace.beats == list(range(trace.beats[0], trace.beats[0] + 2 * words * count))
    assert set(trace.activity[trace.beats[0] : trace.beats[-1] + 1]) == {Activity.BUSY}


def test_a_credit_less_is_slower():
    p = params(credit=cost.store_full_rate_credits(READ_LATENCY) - 1)
    trace = run_timed(p, [rows(p, 1, 16)])
    assert trace.beats[-1] - trace.beats[0] > 15


def test_outstanding_is_a_limit_and_is_reached():
    p = params(outstanding=3)
    trace = run_timed(p, [rows(p, 12, 1)], latency=50)
    events = [(cycle, 1) for cycle, _ in trace.addresses] + [(c, -1) for c in trace.responses]
    level = highest = 0
    for _, step in sorted(events):
        level += step
        highest = max(highest, level)
    assert highest == 3
    assert trace.addresses[3][0] == trace.responses[0] + cost.STORE_RESPONSE_TO_ADDRESS


def test_base_and_pages():
    """A base in the middle of a page moves the 4 KiB boundaries within a run."""
    p = params(outstanding=8)
    base = 4096 * 3 - 5 * 16
    trace = run_timed(p, [rows(p, 1, 40)], base=base)
    starts = [(address - base) // 16 for _, address in trace.addresses]
    assert starts == [0, 5, 21, 37]


def test_error_response_sticks():
    p = params()
    memory, scratchpad = bytearray(MEMORY_BYTES), random_words(3, 16)
    timing = MemoryTiming(latency=4)
    options = {"scratchpad": scratchpad, "memory": memory, "timing": timing}
    assert simulate(p, [rows(p, 5, 1)], bad=[2 * 64 * 16], **options).error == 1
    assert simulate(p, [rows(p, 5, 1)], **options).error == 0
