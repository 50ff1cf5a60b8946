"""Benches for streamers and for DMA engines."""

import itertools
from collections import deque
from dataclasses import dataclass, field

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.sim import Simulator
from tilewright.hw.lib import cost
from tilewright.hw.lib.memory_params import ScratchpadParams
from tilewright.hw.lib.params import Activity, StreamerParams, TokenParams, jumps
from tilewright.hw.lib.scratchpad import Scratchpad
from tilewright.hw.lib.streamer import ReadStreamer, WriteStreamer
from tilewright.hw.lib.tokens import TokenCounter
from tilewright.sim.pysim import get, put_encoded, simulate, stalls

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
        (values["base"] + sum(i * s for i, s in zip(reversed(index), strides, strict=True))) % 128
        for index in nest
    ]


class StreamerBench:
    """A streamer of each kind on a scratchpad, with a token counter at each port."""

    params = PARAMS
    memory_params = MEMORY
    seed = SEED
    command = staticmethod(command)
    addresses = staticmethod(addresses)

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


@pytest.fixture
def rig():
    """The class `StreamerBench`."""
    return StreamerBench


@dataclass
class DmaTrace:
    """What a DMA did, with cycles."""

    commands: list = field(default_factory=list)  # cycle
    takes: list = field(default_factory=list)  # (cycle, port, count)
    gives: list = field(default_factory=list)  # (cycle, port, count)
    addresses: list = field(default_factory=list)  # (cycle, byte address)
    beats: list = field(default_factory=list)  # cycle
    activity: list = field(default_factory=list)
    idle_at: int = 0
    error: int = 0


class DmaBench:
    """Commands, tokens and memory around a DMA.

    `side` is what differs between the two: `dut`, `model` (of memory) with the names of its
    `inputs` and `outputs` of the AXI port, `drive(ctx, cycle)` and `observe(ctx, cycle, sent)` for
    the rest. `tokens`: (cycle, port, count).
    """

    memory_bytes = 1 << 16
    watchdog_cycles = 20_000

    def __init__(self, side, commands, *, tokens=(), base=0, bad=()):
        self.side, self.queue, self.tokens, self.base = side, deque(commands), tokens, base
        side.model.bad_addresses = set(bad)
        self.available = [0] * side.dut.params.num_waits
        self.trace = DmaTrace()

    def run(self):
        simulator = Simulator(self.side.dut)
        simulator.add_clock(1e-6)
        simulator.add_testbench(self._bench)
        simulator.run()
        return self.trace

    async def _bench(self, ctx):
        side, dut, quiet, cycle = self.side, self.side.dut, 0, 0
        ctx.set(dut.base, self.base)
        while quiet < 8 + side.model.timing.latency:
            self._drive(ctx, cycle)
            side.drive(ctx, cycle)
            for name in side.inputs:
                ctx.set(getattr(dut.m_axi, name), getattr(side.model, name))
            sent = {name: ctx.get(getattr(dut.m_axi, name)) for name in side.outputs}
            self._observe(ctx, cycle)
            side.observe(ctx, cycle, sent, self.trace)
            assert cycle < self.watchdog_cycles, f"no end after {cycle} cycles"
            side.model.clock(**sent)
            quiet = 0 if self.queue or ctx.get(dut.busy) else quiet + 1
            if not quiet:
                self.trace.idle_at = cycle + 1
            await ctx.tick()
            cycle += 1
        self.trace.error = ctx.get(dut.error)

    def _drive(self, ctx, cycle):
        dut = self.side.dut
        for when, port, count in self.tokens:
            self.available[port] += count if when == cycle else 0
        for port, count in enumerate(self.available):
            ctx.set(dut.waits[port].available, count)
        if self.queue:
            ctx.set(dut.command.payload, self.queue[0])
        ctx.set(dut.command.valid, bool(self.queue))

    def _observe(self, ctx, cycle):
        dut, trace = self.side.dut, self.trace
        if self.queue and ctx.get(dut.command.ready):
            self.queue.popleft()
            trace.commands.append(cycle)
        for port in range(len(self.available)):
            if count := ctx.get(dut.waits[port].take):
                self.available[port] -= count
                assert self.available[port] >= 0, f"cycle {cycle}: took {count} that were not there"
                trace.takes.append((cycle, port, count))
        for port in range(dut.params.count_signals()):
            if count := ctx.get(dut.signals[port].give):
                trace.gives.append((cycle, port, count))
        trace.activity.append(Activity(ctx.get(dut.activity)))

    @staticmethod
    def command(p, *, bounds, memory_strides, local_strides, memory=0, local=0, words=1, **more):
        """Fields of a command from bounds and strides, innermost loop first; no tokens."""
        fields = {f"last_{d}": bound - 1 for d, bound in enumerate(bounds)}
        fields |= {f"memory_jump_{d}": j for d, j in enumerate(jumps(bounds, memory_strides))}
        fields |= {f"local_jump_{d}": j for d, j in enumerate(jumps(bounds, local_strides))}
        fields |= {"memory_base": memory, "local_base": local, "run_last": words - 1}
        ports = [f"wait{i}" for i in range(p.num_waits)]
        for name in ports + [f"signal{i}" for i in range(p.count_signals())]:
            fields |= {f"{name}_level": p.num_loops + 1, f"{name}_count": 0}
        return fields | ({"target": 0} if p.has_target else {}) | more

    @classmethod
    def rows(cls, p, count, words, stride=64, **more):
        """`count` runs."""
        strides = {"memory_strides": [stride, 0, 0], "local_strides": [words, 0, 0]}
        return cls.command(p, bounds=[count, 1, 1], words=words, **strides, **more)

    @classmethod
    def random_commands(cls, p, generator, num_commands, *, overlap):
        """Random nests of strided runs inside memory; without `overlap` no two share a word."""
        span = cls.memory_bytes // p.word_bytes // (1 if overlap else num_commands)
        result = []
        for number in range(num_commands):
            bounds = [int(generator.integers(1, 4)) for _ in range(p.num_loops)]
            words = int(generator.choice([1, 1, 2, 3, 17, 40]))
            room, strides = span - words, []
            for bound in bounds:
                strides.append(int(generator.integers(0, room // 2 // max(1, bound - 1) + 1)))
                room -= strides[-1] * (bound - 1)
            more = {"target": int(generator.integers(0, 2))} if p.has_target else {}
            for i in range(p.count_signals()):
                more[f"signal{i}_level"] = int(generator.integers(0, p.num_loops + 2))
                more[f"signal{i}_count"] = int(generator.integers(1, 4))
            fields = cls.command(
                p,
                bounds=bounds,
                memory_strides=strides,
                local_strides=[int(generator.integers(-64, 64)) for _ in bounds],
                memory=(0 if overlap else number * span) + int(generator.integers(0, room + 1)),
                local=int(generator.integers(0, 1 << p.local_address_bits)),
                words=words,
                **more,
            )
            result.append(fields)
        return result


@pytest.fixture
def dma():
    """The class `DmaBench`."""
    return DmaBench
