"""The read DMA against plain loops, under any memory timing, and its latencies."""

import numpy as np
import pytest
from tilewright.hw.lib import cost
from tilewright.hw.lib.dma_params import AxiParams, LoadParams
from tilewright.hw.lib.dma_read import LoadDMA
from tilewright.hw.lib.params import Activity
from tilewright.sim.axi_model import MemoryTiming, ReadModel, no_stall, random_stall
from tilewright.sim.golden.dma import runs


def params(word_bytes=16, port_bytes=16, num_loops=3, outstanding=8, max_burst_beats=16, **more):
    """Small widths, 3 loops."""
    ports = {"has_parameters": True, "num_waits": 1, "num_signals": 1}
    values = {"word_bits": 8 * word_bytes} | ports | more
    return LoadParams(
        num_loops=num_loops,
        bound_bits=8,
        run_bits=10,
        local_address_bits=12,
        memory_address_bits=20,
        word_bytes=word_bytes,
        axi=AxiParams(address_bits=32, data_bytes=port_bytes),
        outstanding=outstanding,
        max_burst_beats=max_burst_beats,
        token_bits=4,
        **values,
    )


class LoadSide:
    """The scratchpad's write port, the parameter stream and memory around the read DMA."""

    inputs = ("arready", "rvalid", "rlast", "rdata", "rresp")
    outputs = ("arvalid", "araddr", "arlen", "arsize", "arburst", "rready")

    def __init__(self, p, model, ready):
        self.p, self.dut, self.model, self.ready = p, LoadDMA(p), model, ready
        self.words = []  # (cycle, target, address, data)

    def drive(self, ctx, cycle):
        is_ready = self.ready(cycle)
        ctx.set(self.dut.write.ready, is_ready)
        if self.p.has_parameters:
            ctx.set(self.dut.p.ready, is_ready)

    def observe(self, ctx, cycle, sent, trace):
        dut, model = self.dut, self.model
        if sent["arvalid"] and model.arready:
            trace.addresses.append((cycle, sent["araddr"]))
        if model.rvalid and sent["rready"]:
            trace.beats.append(cycle)
        if ctx.get(dut.write.valid) and ctx.get(dut.write.ready):
            address, word = ctx.get(dut.write.address), ctx.get(dut.write.data)
            assert ctx.get(dut.write.mask) == (1 << len(dut.write.mask)) - 1
            self.words.append((cycle, 0, address, word))
        if self.p.has_parameters and ctx.get(dut.p.valid) and ctx.get(dut.p.ready):
            self.words.append((cycle, 1, None, ctx.get(dut.p.payload)))


class LoadBench:
    """`simulate` and `check` commands; `dma` is the bench that both engines have."""

    def __init__(self, dma):
        self.dma, self.rows = dma, dma.rows

    def memory(self, seed):
        return bytearray(np.random.default_rng(seed).bytes(self.dma.memory_bytes))

    def simulate(self, p, commands, *, memory, timing, stall=no_stall, ready=None, **more):
        """Trace; `ready(cycle)` of write port and stream."""
        model = ReadModel(memory, p.axi.data_bytes, timing, stall)
        side = LoadSide(p, model, ready or (lambda cycle: True))
        trace = self.dma(side, commands, **more).run()
        trace.words = side.words
        return trace

    def run_timed(self, p, commands, *, latency=40, outstanding=8, **more):
        """Trace of commands that were carried out rightly."""
        memory, timing = self.memory(4), MemoryTiming(latency=latency, outstanding=outstanding)
        trace = self.simulate(p, commands, memory=memory, timing=timing, **more)
        check(p, commands, memory, trace, base=more.get("base", 0))
        return trace


@pytest.fixture
def bench(dma):
    return LoadBench(dma)


def check(p, commands, memory, trace, base=0, label=""):
    """Words, their order, tokens taken and given: as the plain loops say."""
    expected, gives, takes, first_bytes = [], [], [], []
    for fields in commands:
        for run in runs(fields, p.num_loops):
            for i in range(p.num_waits):
                if run.waits(fields[f"wait{i}_level"]) and fields[f"wait{i}_count"]:
                    takes.append((len(first_bytes), i, fields[f"wait{i}_count"]))
            first_bytes.append(base + run.memory * p.word_bytes)
            for word in range(run.num_words):
                start = base + (run.memory + word) * p.word_bytes
                value = int.from_bytes(memory[start : start + p.word_bytes], "little")
                target = fields.get("target", 0)
                address = None if target else (run.local + word) % (1 << p.local_address_bits)
                # Parameters are whole memory words, the scratchpad's words may be narrower.
                bits = 8 * p.word_bytes if target else p.word_bits
                expected.append((target, address, value & ((1 << bits) - 1)))
            for i in range(p.num_signals):
                if run.signals(fields[f"signal{i}_level"]) and fields[f"signal{i}_count"]:
                    gives.append((len(expected), i, fields[f"signal{i}_count"]))
    got = [word[1:] for word in trace.words]
    assert len(got) == len(expected), f"{label}: {len(got)} words, expected {len(expected)}"
    for index, (a, b) in enumerate(zip(got, expected, strict=True)):
        assert a == b, f"{label}: word {index}: expected {b}, got {a}"
    by_cycle = [word[0] for word in trace.words]
    expected_gives = [
        (by_cycle[num_words - 1] + cost.LOAD_GRANT_TO_GIVE, i, count)
        for num_words, i, count in gives
    ]
    assert trace.gives == expected_gives, label
    assert [t[1:] for t in trace.takes] == [t[1:] for t in takes], label
    assert not trace.error, label


@pytest.mark.parametrize("stalls", ["none", "random", "one in four"])
@pytest.mark.parametrize(
    ("latency", "word_bytes", "port_bytes"),
    [(0, 16, 16), (1, 16, 4), (40, 16, 16), (200, 32, 16), (40, 1, 1)],
)
def test_random_commands(bench, latency, stalls, word_bytes, port_bytes):
    seed = latency * 7 + word_bytes + port_bytes
    generator = np.random.default_rng(seed)
    p = params(word_bytes, port_bytes, outstanding=int(generator.integers(1, 9)))
    commands = bench.dma.random_commands(p, generator, 2 if latency == 200 else 4, overlap=True)
    memory = bench.memory(seed)
    probability = {"none": 0.0, "random": 0.5, "one in four": 0.25}[stalls]
    stall = random_stall(seed, probability)
    trace = bench.simulate(
        p,
        commands,
        memory=memory,
        timing=MemoryTiming(latency=latency, outstanding=int(generator.integers(1, 9))),
        stall=stall,
        ready=lambda cycle: bool(generator.random() >= probability),
    )
    check(p, commands, memory, trace, label=f"seed {seed}")


@pytest.mark.parametrize(("word_bits", "word_bytes"), [(24, 4), (48, 8), (72, 16), (8, 2)])
def test_words_narrower_than_in_memory(bench, word_bits, word_bytes):
    """Lanes that are no power of two: the scratchpad's words are cut, parameters are whole."""
    seed = word_bits
    generator = np.random.default_rng(seed)
    p = params(word_bytes, 2, word_bits=word_bits)
    commands = [
        command | {"target": target}
        for target, command in enumerate(bench.dma.random_commands(p, generator, 2, overlap=True))
    ]
    memory = bench.memory(seed)
    trace = bench.simulate(
        p, commands, memory=memory, timing=MemoryTiming(latency=5, outstanding=4)
    )
    check(p, commands, memory, trace, label=f"seed {seed}")


def test_latencies_are_the_laws(bench):
    p = params()
    fields = bench.rows(p, 1, 3, wait0_level=3, wait0_count=2, signal0_level=3, signal0_count=5)
    trace = bench.run_timed(p, [fields], tokens=[(0, 0, 2)])
    start = trace.commands[0]
    assert trace.takes == [(start + cost.COMMAND_TO_ELEMENT, 0, 2)]
    assert trace.addresses[0][0] == start + cost.DMA_COMMAND_TO_ADDRESS
    assert trace.beats[0] == trace.addresses[0][0] + 40
    assert [word[0] for word in trace.words] == [
        beat + cost.LOAD_BEAT_TO_WORD for beat in trace.beats
    ]
    assert trace.gives == [(trace.words[-1][0] + cost.LOAD_GRANT_TO_GIVE, 0, 5)]
    assert trace.idle_at == trace.gives[0][0]


def test_tokens_hold_back_the_address(bench):
    p = params()
    fields = bench.rows(p, 2, 2, wait0_level=0, wait0_count=3)
    trace = bench.run_timed(p, [fields], tokens=[(10, 0, 2), (20, 0, 1), (100, 0, 3)])
    available = cost.DMA_GIVE_TO_ADDRESS - cost.TOKEN_GIVE_TO_AVAILABLE
    assert trace.takes == [(20, 0, 3), (100, 0, 3)]
    assert [cycle for cycle, _ in trace.addresses] == [20 + available, 100 + available]
    assert trace.activity[15] is Activity.WAIT_TOKEN


def test_two_waits_are_taken_together(bench):
    p = params(num_waits=2)
    fields = bench.rows(p, 2, 1, wait0_level=0, wait0_count=1, wait1_level=3, wait1_count=2)
    trace = bench.run_timed(p, [fields], tokens=[(0, 0, 2), (30, 1, 2)])
    assert trace.takes == [(30, 0, 1), (30, 1, 2), (31, 0, 1)]


@pytest.mark.parametrize(("words", "count"), [(1, 60), (16, 8), (40, 5)])
def test_beats_follow_one_another(bench, words, count):
    """Enough bursts under way: no cycle between beats, over bursts, runs and commands."""
    p = params(outstanding=64)
    commands = [bench.rows(p, count, words), bench.rows(p, count, words, memory=7, target=1)]
    trace = bench.run_timed(p, commands, outstanding=64)
    assert trace.beats == list(range(trace.beats[0], trace.beats[0] + 2 * words * count))
    steady = trace.activity[trace.beats[0] : trace.beats[-1] + 1]
    assert set(steady) == {Activity.BUSY}


def test_one_address_per_cycle(bench):
    p = params(outstanding=64)
    trace = bench.run_timed(
        p, [bench.rows(p, 20, 1), bench.rows(p, 20, 1)], latency=80, outstanding=64
    )
    cycles = [cycle for cycle, _ in trace.addresses]
    assert cycles == list(range(cycles[0], cycles[0] + 40))


def test_outstanding_is_a_limit_and_is_reached(bench):
    p = params(outstanding=3)
    trace = bench.run_timed(p, [bench.rows(p, 12, 1)], latency=50)
    events = [(cycle, 1) for cycle, _ in trace.addresses] + [(c, -1) for c in trace.beats]
    level = highest = 0
    for _, step in sorted(events):
        level += step
        highest = max(highest, level)
    assert highest == 3
    assert trace.addresses[3][0] == trace.beats[0] + cost.LOAD_LAST_TO_ADDRESS


def test_base_and_pages(bench):
    """A base in the middle of a page moves the 4 KiB boundaries within a run."""
    base = 4096 * 3 - 5 * 16
    trace = bench.run_timed(params(), [bench.rows(params(), 1, 40)], base=base)
    assert [(address - base) // 16 for _, address in trace.addresses] == [0, 5, 21, 37]


def test_longest_bursts_fill_pages(bench):
    p = params(max_burst_beats=256)
    trace = bench.run_timed(p, [bench.rows(p, 1, 700, memory=256 - 3)])
    assert [address // 16 for _, address in trace.addresses] == [253, 256, 512, 768]


def test_a_word_of_many_beats_is_one_burst(bench):
    p = params(word_bytes=64, port_bytes=2, max_burst_beats=16)
    trace = bench.run_timed(p, [bench.rows(p, 2, 3, stride=9)], latency=1)
    assert len(trace.addresses) == 6
    assert trace.beats == list(range(trace.beats[0], trace.beats[0] + 192))


@pytest.mark.parametrize(
    ("target", "kind"), [(0, Activity.BANK_CONFLICT), (1, Activity.WAIT_OUTPUT)]
)
def test_activity_names_the_cause(bench, target, kind):
    p = params()
    ready = lambda cycle: not 60 <= cycle < 70  # noqa: E731
    trace = bench.run_timed(p, [bench.rows(p, 8, 16, target=target)], ready=ready)
    assert trace.activity[60:70] == [kind] * 10
    assert trace.activity[20] is Activity.WAIT_INPUT
    assert trace.activity[-1] is Activity.IDLE


def test_error_response_sticks(bench):
    p, memory, timing = params(), bench.memory(1), MemoryTiming(latency=4)
    assert (
        bench.simulate(p, [bench.rows(p, 5, 1)], memory=memory, timing=timing, bad=[2048]).error
        == 1
    )
    assert bench.simulate(p, [bench.rows(p, 5, 1)], memory=memory, timing=timing).error == 0


def test_no_ports_that_are_not_used(bench):
    p = params(num_waits=0, num_signals=0, has_parameters=False)
    bench.run_timed(p, [bench.rows(p, 3, 5)])


@pytest.mark.parametrize(
    ("name", "value"),
    [("word_bytes", 24), ("max_burst_beats", 257), ("outstanding", 0), ("word_bytes", 8)],
)
def test_wrong_parameters_are_named(name, value):
    with pytest.raises(ValueError, match=name):
        params(**{"word_bits": 8, name: value})
