"""The read DMA against plain loops, under any memory timing, and its latencies."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np
import pytest
from amaranth.sim import Simulator
from tilewright.hw.lib import cost
from tilewright.hw.lib.dma_params import AxiParams, LoadParams
from tilewright.hw.lib.dma_read import LoadDMA
from tilewright.hw.lib.params import Activity, jumps
from tilewright.sim.axi_model import MemoryTiming, ReadModel, no_stall, random_stall
from tilewright.sim.golden.dma import runs

MEMORY_BYTES = 1 << 16
WATCHDOG_CYCLES = 20_000


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


def command(p, *, bounds, memory_strides, local_strides, memory=0, local=0, words=1, target=0, **t):
    """Fields of a command from bounds and strides, innermost loop first."""
    loops = range(p.num_loops)
    never = p.num_loops + 1
    fields = {f"last_{d}": bounds[d] - 1 for d in loops}
    fields |= {f"memory_jump_{d}": j for d, j in enumerate(jumps(bounds, memory_strides))}
    fields |= {f"local_jump_{d}": j for d, j in enumerate(jumps(bounds, local_strides))}
    fields |= {"memory_base": memory, "local_base": local, "run_last": words - 1}
    for i in range(p.num_waits):
        fields |= {f"wait{i}_level": never, f"wait{i}_count": 0}
    for i in range(p.num_signals):
        fields |= {f"signal{i}_level": never, f"signal{i}_count": 0}
    if p.has_parameters:
        fields["target"] = target
    return fields | t


@dataclass
class Trace:
    """What happened, with cycles."""

    words: list = field(default_factory=list)  # (cycle, target, address, data)
    gives: list = field(default_factory=list)  # (cycle, port, count)
    takes: list = field(default_factory=list)
    addresses: list = field(default_factory=list)  # (cycle, byte address)
    beats: list = field(default_factory=list)
    commands: list = field(default_factory=list)
    activity: list = field(default_factory=list)
    idle_at: int = 0
    error: int = 0


def simulate(p, commands, *, memory, timing, stall=no_stall, ready=None, tokens=(), base=0, bad=()):
    """Run the commands; `ready(cycle)` of write port and stream; `tokens`: (cycle, port, count)."""
    dut = LoadDMA(p)
    model = ReadModel(memory, p.axi.data_bytes, timing, stall)
    model.bad_addresses = set(bad)
    trace = Trace()
    queue = deque(commands)
    available = [0] * p.num_waits
    ready = ready or (lambda cycle: True)
    quiet_cycles = 8 + timing.latency

    async def bench(ctx):
        axi, quiet, cycle = dut.m_axi, 0, 0
        ctx.set(dut.base, base)
        while quiet < quiet_cycles:
            for when, port, count in tokens:
                if when == cycle:
                    available[port] += count
            for i in range(p.num_waits):
                ctx.set(dut.waits[i].available, available[i])
            if queue:
                ctx.set(dut.command.payload, queue[0])
            ctx.set(dut.command.valid, bool(queue))
            is_ready = ready(cycle)
            ctx.set(dut.write.ready, is_ready)
            if p.has_parameters:
                ctx.set(dut.p.ready, is_ready)
            for name in ("arready", "rvalid", "rlast", "rdata", "rresp"):
                ctx.set(getattr(axi, name), getattr(model, name))
            names = ("arvalid", "araddr", "arlen", "arsize", "arburst", "rready")
            sent = {name: ctx.get(getattr(axi, name)) for name in names}
            observe(ctx, cycle, sent)
            assert cycle < WATCHDOG_CYCLES, f"no end after {cycle} cycles; {len(trace.words)} words"
            model.clock(**sent)
            quiet = 0 if queue or ctx.get(dut.busy) else quiet + 1
            if not quiet:
                trace.idle_at = cycle + 1
            await ctx.tick()
            cycle += 1
        trace.error = ctx.get(dut.error)

    def observe(ctx, cycle, sent):
        if queue and ctx.get(dut.command.ready):
            queue.popleft()
            trace.commands.append(cycle)
        if sent["arvalid"] and model.arready:
            trace.addresses.append((cycle, sent["araddr"]))
        if model.rvalid and sent["rready"]:
            trace.beats.append(cycle)
        if ctx.get(dut.write.valid) and ctx.get(dut.write.ready):
            address, word = ctx.get(dut.write.address), ctx.get(dut.write.data)
            assert ctx.get(dut.write.mask) == (1 << len(dut.write.mask)) - 1
            trace.words.append((cycle, 0, address, word))
        if p.has_parameters and ctx.get(dut.p.valid) and ctx.get(dut.p.ready):
            trace.words.append((cycle, 1, None, ctx.get(dut.p.payload)))
        for i in range(p.num_waits):
            if count := ctx.get(dut.waits[i].take):
                available[i] -= count
                assert available[i] >= 0, f"cycle {cycle}: took {count} tokens that were not there"
                trace.takes.append((cycle, i, count))
        for i in range(p.num_signals):
            if count := ctx.get(dut.signals[i].give):
                trace.gives.append((cycle, i, count))
        trace.activity.append(Activity(ctx.get(dut.activity)))

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return trace


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


def some_commands(p, generator, num_commands):
    """Random nests of strided runs that stay inside memory."""
    words_in_memory = MEMORY_BYTES // p.word_bytes
    result = []
    for _ in range(num_commands):
        bounds = [int(generator.integers(1, 4)) for _ in range(p.num_loops)]
        words = int(generator.choice([1, 1, 2, 3, 17, 40]))
        highest = sum(b - 1 for b in bounds)
        largest = (words_in_memory - words) // max(1, highest)
        strides = [int(generator.integers(0, largest + 1)) for _ in bounds]
        reach = sum((b - 1) * s for b, s in zip(bounds, strides, strict=True))
        level = int(generator.integers(0, p.num_loops + 2))
        result.append(
            command(
                p,
                bounds=bounds,
                memory_strides=strides,
                local_strides=[int(generator.integers(-64, 64)) for _ in bounds],
                memory=int(generator.integers(0, words_in_memory - words - reach + 1)),
                local=int(generator.integers(0, 1 << p.local_address_bits)),
                words=words,
                target=int(generator.integers(0, 2)) if p.has_parameters else 0,
                signal0_level=level,
                signal0_count=int(generator.integers(1, 4)),
            )
        )
    return result


def random_memory(seed):
    return bytearray(np.random.default_rng(seed).integers(0, 256, MEMORY_BYTES, np.uint8).tobytes())


@pytest.mark.parametrize("stalls", ["none", "random", "one in four"])
@pytest.mark.parametrize(
    ("latency", "word_bytes", "port_bytes"),
    [(0, 16, 16), (1, 16, 4), (40, 16, 16), (200, 32, 16), (40, 1, 1)],
)
def test_random_commands(latency, stalls, word_bytes, port_bytes):
    seed = latency * 7 + word_bytes + port_bytes
    generator = np.random.default_rng(seed)
    p = params(word_bytes, port_bytes, outstanding=int(generator.integers(1, 9)))
    commands = some_commands(p, generator, 2 if latency == 200 else 4)
    memory = random_memory(seed)
    probability = {"none": 0.0, "random": 0.5, "one in four": 0.25}[stalls]
    stall = random_stall(seed, probability)
    trace = simulate(
        p,
        commands,
        memory=memory,
        timing=MemoryTiming(latency=latency, outstanding=int(generator.integers(1, 9))),
        stall=stall,
        ready=lambda cycle: bool(generator.random() >= probability),
    )
    check(p, commands, memory, trace, label=f"seed {seed}")


@pytest.mark.parametrize(("word_bits", "word_bytes"), [(24, 4), (48, 8), (72, 16), (8, 2)])
def test_words_narrower_than_in_memory(word_bits, word_bytes):
    """Lanes that are no power of two: the scratchpad's words are cut, parameters are whole."""
    seed = word_bits
    generator = np.random.default_rng(seed)
    p = params(word_bytes, 2, word_bits=word_bits)
    commands = [
        command | {"target": target}
        for target, command in enumerate(some_commands(p, generator, 2))
    ]
    memory = random_memory(seed)
    trace = simulate(p, commands, memory=memory, timing=MemoryTiming(latency=5, outstanding=4))
    check(p, commands, memory, trace, label=f"seed {seed}")


def run_timed(p, commands, *, latency=40, outstanding=8, **more):
    memory = random_memory(4)
    timing = MemoryTiming(latency=latency, outstanding=outstanding)
    trace = simulate(p, commands, memory=memory, timing=timing, **more)
    check(p, commands, memory, trace, base=more.get("base", 0))
    return trace


def rows(p, count, words, stride=64, **more):
    """`count` runs."""
    bounds, strides = [count, 1, 1], [stride, 0, 0]
    local_strides = [words, 0, 0]
    options = {"bounds": bounds, "memory_strides": strides, "local_strides": local_strides}
    return command(p, words=words, **options | more)


def test_latencies_are_the_laws():
    p = params()
    fields = rows(p, 1, 3, wait0_level=3, wait0_count=2, signal0_level=3, signal0_count=5)
    trace = run_timed(p, [fields], tokens=[(0, 0, 2)])
    start = trace.commands[0]
    assert trace.takes == [(start + cost.LOOP_COMMAND_TO_ELEMENT, 0, 2)]
    assert trace.addresses[0][0] == start + cost.DMA_COMMAND_TO_ADDRESS
    assert trace.beats[0] == trace.addresses[0][0] + 40
    assert [word[0] for word in trace.words] == [
        beat + cost.LOAD_BEAT_TO_WORD for beat in trace.beats
    ]
    assert trace.gives == [(trace.words[-1][0] + cost.LOAD_GRANT_TO_GIVE, 0, 5)]
    assert trace.idle_at == trace.gives[0][0]


def test_tokens_hold_back_the_address():
    p = params()
    fields = rows(p, 2, 2, wait0_level=0, wait0_count=3)
    trace = run_timed(p, [fields], tokens=[(10, 0, 2), (20, 0, 1), (100, 0, 3)])
    available = cost.DMA_GIVE_TO_ADDRESS - cost.TOKEN_GIVE_TO_AVAILABLE
    assert trace.takes == [(20, 0, 3), (100, 0, 3)]
    assert [cycle for cycle, _ in trace.addresses] == [20 + available, 100 + available]
    assert trace.activity[15] is Activity.WAIT_TOKEN


def test_two_waits_are_taken_together():
    p = params(num_waits=2)
    fields = rows(p, 2, 1, wait0_level=0, wait0_count=1, wait1_level=3, wait1_count=2)
    trace = run_timed(p, [fields], tokens=[(0, 0, 2), (30, 1, 2)])
    assert trace.takes == [(30, 0, 1), (30, 1, 2), (31, 0, 1)]


@pytest.mark.parametrize(("words", "count"), [(1, 60), (16, 8), (40, 5)])
def test_beats_follow_one_another(words, count):
    """Enough bursts under way: no cycle between beats, over bursts, runs and commands."""
    p = params(outstanding=64)
    commands = [rows(p, count, words), rows(p, count, words, memory=7, target=1)]
    trace = run_timed(p, commands, outstanding=64)
    assert trace.beats == list(range(trace.beats[0], trace.beats[0] + 2 * words * count))
    steady = trace.activity[trace.beats[0] : trace.beats[-1] + 1]
    assert set(steady) == {Activity.BUSY}


def test_one_address_per_cycle():
    p = params(outstanding=64)
    trace = run_timed(p, [rows(p, 20, 1), rows(p, 20, 1)], latency=80, outstanding=64)
    cycles = [cycle for cycle, _ in trace.addresses]
    assert cycles == list(range(cycles[0], cycles[0] + 40))


def test_outstanding_is_a_limit_and_is_reached():
    p = params(outstanding=3)
    trace = run_timed(p, [rows(p, 12, 1)], latency=50)
    events = [(cycle, 1) for cycle, _ in trace.addresses] + [(c, -1) for c in trace.beats]
    level = highest = 0
    for _, step in sorted(events):
        level += step
        highest = max(highest, level)
    assert highest == 3
    assert trace.addresses[3][0] == trace.beats[0] + cost.LOAD_LAST_TO_ADDRESS


def test_base_and_pages():
    """A base in the middle of a page moves the 4 KiB boundaries within a run."""
    base = 4096 * 3 - 5 * 16
    trace = run_timed(params(), [rows(params(), 1, 40)], base=base)
    assert [(address - base) // 16 for _, address in trace.addresses] == [0, 5, 21, 37]


def test_longest_bursts_fill_pages():
    p = params(max_burst_beats=256)
    trace = run_timed(p, [rows(p, 1, 700, memory=256 - 3)])
    assert [address // 16 for _, address in trace.addresses] == [253, 256, 512, 768]


def test_a_word_of_many_beats_is_one_burst():
    p = params(word_bytes=64, port_bytes=2, max_burst_beats=16)
    trace = run_timed(p, [rows(p, 2, 3, stride=9)], latency=1)
    assert len(trace.addresses) == 6
    assert trace.beats == list(range(trace.beats[0], trace.beats[0] + 192))


@pytest.mark.parametrize(
    ("target", "kind"), [(0, Activity.BANK_CONFLICT), (1, Activity.WAIT_OUTPUT)]
)
def test_activity_names_the_cause(target, kind):
    p = params()
    ready = lambda cycle: not 60 <= cycle < 70  # noqa: E731
    trace = run_timed(p, [rows(p, 8, 16, target=target)], ready=ready)
    assert trace.activity[60:70] == [kind] * 10
    assert trace.activity[20] is Activity.WAIT_INPUT
    assert trace.activity[-1] is Activity.IDLE


def test_error_response_sticks():
    p, memory, timing = params(), random_memory(1), MemoryTiming(latency=4)
    assert simulate(p, [rows(p, 5, 1)], memory=memory, timing=timing, bad=[2048]).error == 1
    assert simulate(p, [rows(p, 5, 1)], memory=memory, timing=timing).error == 0


def test_no_ports_that_are_not_used():
    p = params(num_waits=0, num_signals=0, has_parameters=False)
    run_timed(p, [rows(p, 3, 5)])


@pytest.mark.parametrize(
    ("name", "value"),
    [("word_bytes", 24), ("max_burst_beats", 257), ("outstanding", 0), ("word_bytes", 8)],
)
def test_wrong_parameters_are_named(name, value):
    with pytest.raises(ValueError, match=name):
        params(**{"word_bits": 8, name: value})
