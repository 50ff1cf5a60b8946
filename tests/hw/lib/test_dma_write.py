"""The write DMA against plain loops, under any memory and scratchpad timing, and its latencies."""

from collections import deque

import numpy as np
import pytest
from tilewright.hw.lib import cost
from tilewright.hw.lib.dma_params import AxiParams, StoreParams
from tilewright.hw.lib.dma_write import StoreDMA
from tilewright.hw.lib.params import Activity
from tilewright.sim.axi_model import MemoryTiming, WriteModel, no_stall, random_stall
from tilewright.sim.golden.dma import runs

LOCAL_BITS = 12
READ_LATENCY = 2


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


class StoreSide:
    """The scratchpad's read port and memory around the write DMA."""

    inputs = ("awready", "wready", "bvalid", "bresp")
    outputs = (
        *("awvalid", "awaddr", "awlen", "awsize", "awburst"),
        *("wvalid", "wdata", "wstrb", "wlast", "bready"),
    )

    def __init__(self, p, model, scratchpad, ready):
        self.dut, self.model, self.scratchpad, self.ready = StoreDMA(p), model, scratchpad, ready
        self.reads = deque([None] * READ_LATENCY)
        self.requests = []  # (cycle, address)
        self.responses = []
        self.first_address = self.first_beat = 0

    def drive(self, ctx, cycle):
        dut, address = self.dut, self.reads[0]
        ctx.set(dut.read.ready, self.ready(cycle))
        ctx.set(dut.read.response_valid, address is not None)
        ctx.set(dut.read.response_data, 0 if address is None else self.scratchpad[address])

    def observe(self, ctx, cycle, sent, trace):
        dut = self.dut
        if sent["awvalid"]:
            self.first_address = self.first_address or cycle
            if self.model.awready:
                trace.addresses.append((cycle, sent["awaddr"]))
        if sent["wvalid"]:
            self.first_beat = self.first_beat or cycle
            if self.model.wready:
                trace.beats.append(cycle)
        if self.model.bvalid and sent["bready"]:
            self.responses.append(cycle)
        self.reads.popleft()
        is_granted = ctx.get(dut.read.valid) and ctx.get(dut.read.ready)
        self.reads.append(ctx.get(dut.read.address) if is_granted else None)
        if is_granted:
            self.requests.append((cycle, ctx.get(dut.read.address)))


class StoreBench:
    """`simulate` and `check` commands; `dma` is the bench that both engines have."""

    def __init__(self, dma):
        self.dma, self.rows = dma, dma.rows

    def simulate(
        self, p, commands, *, scratchpad, memory, timing, stall=no_stall, ready=None, **more
    ):
        """Trace; `ready(cycle)` of the read port."""
        model = WriteModel(memory, p.axi.data_bytes, timing, stall)
        side = StoreSide(p, model, scratchpad, ready or (lambda cycle: True))
        trace = self.dma(side, commands, **more).run()
        trace.requests, trace.responses = side.requests, side.responses
        trace.first_address, trace.first_beat = side.first_address, side.first_beat
        return trace

    def run_timed(self, p, commands, *, latency=40, outstanding=8, **more):
        """Trace of commands that were carried out rightly."""
        memory = bytearray(self.dma.memory_bytes)
        words = {"scratchpad": random_words(3, p.word_bytes), "memory": memory}
        timing = MemoryTiming(latency=latency, outstanding=outstanding)
        trace = self.simulate(p, commands, timing=timing, **words, **more)
        before, base = bytes(self.dma.memory_bytes), more.get("base", 0)
        check(p, commands, before=before, trace=trace, base=base, **words)
        return trace


@pytest.fixture
def bench(dma):
    return StoreBench(dma)


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
    assert [count for _, _, count in trace.takes] == takes, label
    assert not trace.error, label


def random_words(seed, word_bytes):
    generator = np.random.default_rng(seed)
    return [int.from_bytes(generator.bytes(word_bytes), "little") for _ in range(1 << LOCAL_BITS)]


@pytest.mark.parametrize("stalls", ["none", "random", "one in four"])
@pytest.mark.parametrize(
    ("word_bytes", "port_bytes", "latency"), [(16, 16, 40), (16, 16, 0), (16, 4, 1)]
)
def test_random_commands(bench, latency, stalls, word_bytes, port_bytes):
    seed = 1000 + latency * 7 + port_bytes
    generator = np.random.default_rng(seed)
    p = params(
        word_bytes,
        port_bytes,
        outstanding=int(generator.integers(1, 9)),
        credit=int(generator.integers(1, 9)),
    )
    commands = bench.dma.random_commands(p, generator, 4, overlap=False)
    scratchpad = random_words(seed, word_bytes)
    memory = bytearray(generator.bytes(bench.dma.memory_bytes))
    before = bytes(memory)
    probability = {"none": 0.0, "random": 0.5, "one in four": 0.25}[stalls]
    trace = bench.simulate(
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


def test_latencies_are_the_laws(bench):
    p = params()
    fields = bench.rows(p, 1, 3, wait0_level=3, wait0_count=2, signal0_level=3, signal0_count=1)
    trace = bench.run_timed(
        p, [fields | {"signal1_level": 3, "signal1_count": 1}], tokens=[(0, 0, 2)]
    )
    start = trace.commands[0]
    assert trace.takes == [(start + cost.COMMAND_TO_ELEMENT, 0, 2)]
    assert trace.first_address == start + cost.DMA_COMMAND_TO_ADDRESS
    handshake = trace.addresses[0][0]
    assert trace.requests[0][0] == handshake + cost.STORE_ADDRESS_TO_REQUEST
    assert trace.first_beat == trace.requests[0][0] + cost.store_grant_to_beat(READ_LATENCY)
    assert trace.responses == [trace.beats[-1] + 40]
    assert trace.idle_at == trace.responses[0] + cost.STORE_RESPONSE_TO_GIVE


def test_tokens_hold_back_the_address(bench):
    p = params()
    fields = bench.rows(p, 2, 2, wait0_level=0, wait0_count=3)
    trace = bench.run_timed(p, [fields], tokens=[(10, 0, 2), (20, 0, 1), (60, 0, 3)])
    available = cost.DMA_GIVE_TO_ADDRESS - cost.TOKEN_GIVE_TO_AVAILABLE
    assert trace.takes == [(20, 0, 3), (60, 0, 3)]
    assert [cycle for cycle, _ in trace.addresses] == [20 + available, 60 + available]
    assert trace.activity[15] is Activity.WAIT_TOKEN


@pytest.mark.parametrize(("words", "count"), [(1, 60), (16, 8), (40, 5)])
def test_beats_follow_one_another(bench, words, count):
    """Memory takes everything: no cycle between beats, over bursts, runs and commands."""
    p = params(outstanding=64, credit=cost.store_full_rate_credits(READ_LATENCY))
    commands = [bench.rows(p, count, words, words + 1, memory=memory) for memory in (0, 2048)]
    trace = bench.run_timed(p, commands, outstanding=64)
    assert trace.beats == list(range(trace.beats[0], trace.beats[0] + 2 * words * count))
    assert set(trace.activity[trace.beats[0] : trace.beats[-1] + 1]) == {Activity.BUSY}


def test_a_credit_less_is_slower(bench):
    p = params(credit=cost.store_full_rate_credits(READ_LATENCY) - 1)
    trace = bench.run_timed(p, [bench.rows(p, 1, 16)])
    assert trace.beats[-1] - trace.beats[0] > 15


def test_outstanding_is_a_limit_and_is_reached(bench):
    p = params(outstanding=3)
    trace = bench.run_timed(p, [bench.rows(p, 12, 1)], latency=50)
    events = [(cycle, 1) for cycle, _ in trace.addresses] + [(c, -1) for c in trace.responses]
    level = highest = 0
    for _, step in sorted(events):
        level += step
        highest = max(highest, level)
    assert highest == 3
    assert trace.addresses[3][0] == trace.responses[0] + cost.STORE_RESPONSE_TO_ADDRESS


def test_base_and_pages(bench):
    """A base in the middle of a page moves the 4 KiB boundaries within a run."""
    p = params(outstanding=8)
    base = 4096 * 3 - 5 * 16
    trace = bench.run_timed(p, [bench.rows(p, 1, 40)], base=base)
    starts = [(address - base) // 16 for _, address in trace.addresses]
    assert starts == [0, 5, 21, 37]


def test_error_response_sticks(bench):
    p = params()
    memory, scratchpad = bytearray(bench.dma.memory_bytes), random_words(3, 16)
    timing = MemoryTiming(latency=4)
    options = {"scratchpad": scratchpad, "memory": memory, "timing": timing}
    assert bench.simulate(p, [bench.rows(p, 5, 1)], bad=[2 * 64 * 16], **options).error == 1
    assert bench.simulate(p, [bench.rows(p, 5, 1)], **options).error == 0
