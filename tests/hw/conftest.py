"""A bench for streamers that several test files use."""

import itertools

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from tilewright.hw.lib import cost
from tilewright.hw.lib.memory_params import ScratchpadParams
from tilewright.hw.lib.params import StreamerParams, TokenParams, jumps
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
