"""The emitted Verilog of the shared parts, all in one module, under Verilator."""

import numpy as np
import pytest
from amaranth.hdl import ClockDomain, Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from tilewright.hw.lib import cost
from tilewright.hw.lib.memory_params import QueueParams, ScratchpadParams
from tilewright.hw.lib.params import StreamerParams, TokenParams, jumps
from tilewright.hw.lib.scratchpad import Scratchpad
from tilewright.hw.lib.sequencer import CommandQueue
from tilewright.hw.lib.stream import Fork, Join, SkidBuffer, StreamBuffer, StreamFIFO
from tilewright.hw.lib.stream_params import BranchParams, FIFOParams, StreamParams, WidthParams
from tilewright.hw.lib.streamer import ReadStreamer, WriteStreamer
from tilewright.hw.lib.tokens import TokenCounter
from tilewright.hw.lib.width import Downsizer, Upsizer
from tilewright.sim.regress import Case, Job, Port
from tilewright.sim.vectors import STANDARD_STALLS

from tilewright.build.kernel_run import simulate_kernel
from tilewright.build.lint import lint
from tilewright.build.verilog import emit

pytestmark = pytest.mark.simulator

SEED = 9
READ = StreamerParams(
    num_loops=3,
    address_bits=7,
    bound_bits=5,
    word_bits=32,
    num_waits=1,
    num_signals=0,
    token_bits=6,
    credits=cost.streamer_full_rate_credits(cost.READ_LATENCY),
)
WRITE = StreamerParams(
    num_loops=3,
    address_bits=7,
    bound_bits=5,
    word_bits=32,
    num_waits=1,
    num_signals=1,
    token_bits=6,
    num_groups=2,
    group_loop=1,
)
MEMORY = ScratchpadParams(
    banks=4, words_per_bank=32, word_bits=32, num_read_ports=1, num_write_ports=1
)
WIDTH = WidthParams(narrow_bits=8, factor=3)
WIDE_BITS = 24 + 1 + 2
BASES = (3, 40, 101)
PORTS = (
    Port(name="w", direction="in", bits=WRITE.command_format.width),
    Port(name="i", direction="in", bits=16),
    Port(name="x", direction="in", bits=WIDE_BITS),
    Port(name="o", direction="out", bits=32),
    Port(name="y", direction="out", bits=2 * WIDE_BITS),
)


def write_command(base):
    """Four words, each of two groups of lanes; two tokens for each word."""
    values = {"last_0": 0, "last_1": 1, "last_2": 3, "base": base}
    values |= {f"jump_{d}": jump for d, jump in enumerate(jumps([1, 2, 4], [0, 0, 5]))}
    values |= {"wait0_level": 4, "wait0_count": 0, "signal0_level": 2, "signal0_count": 2}
    return WRITE.command_format.encode(values)


def read_command(base):
    values = {"last_0": 3, "last_1": 0, "last_2": 0, "base": base}
    values |= {"jump_0": 5, "jump_1": 0, "jump_2": 0, "wait0_level": 0, "wait0_count": 2}
    return READ.command_format.encode(values)


PROGRAM = tuple(read_command(base) for base in BASES)


class Parts(wiring.Component):
    """Memory path: `w` commands and `i` halves of words go in, a program in ROM reads them to `o`.

    Stream path: wide words `x` go through every stream part and come back as pairs `y`.
    """

    def __init__(self):
        ports = {"aclk": In(1), "aresetn": In(1)}
        for name, bits in (("w", WRITE.command_format.width), ("i", 16), ("x", WIDE_BITS)):
            ports |= {f"s_axis_{name}_tdata": In(bits), f"s_axis_{name}_tvalid": In(1)}
            ports |= {f"s_axis_{name}_tready": Out(1)}
        for name, bits in (("o", 32), ("y", 2 * WIDE_BITS)):
            ports |= {f"m_axis_{name}_tdata": Out(bits), f"m_axis_{name}_tvalid": Out(1)}
            ports |= {f"m_axis_{name}_tready": In(1)}
        super().__init__(ports)

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = domain = ClockDomain()
        m.d.comb += [domain.clk.eq(self.aclk), domain.rst.eq(~self.aresetn)]
        self._memory_path(m)
        self._stream_path(m)
        return m

    def _memory_path(self, m):
        m.submodules.memory = memory = Scratchpad(MEMORY)
        m.submodules.reader = reader = ReadStreamer(READ)
        m.submodules.writer = writer = WriteStreamer(WRITE)
        m.submodules.tokens = tokens = TokenCounter(TokenParams(initial=0, bits=6))
        m.submodules.queue = queue = CommandQueue(
            QueueParams(command_format=READ.command_format, depth=3, initial=PROGRAM)
        )
        wiring.connect(m, reader.read, memory.read[0])
        wiring.connect(m, writer.write, memory.write[0])
        wiring.connect(m, writer.signals[0], tokens.signal)
        wiring.connect(m, reader.waits[0], tokens.wait)
        wiring.connect(m, queue.o, reader.command)
        m.d.comb += queue.start.eq(queue.done)  # the program, for ever
        self._input(m, "w", writer.command)
        self._input(m, "i", writer.i)
        self._output(m, "o", reader.o)

    def _stream_path(self, m):
        m.submodules.fifo = fifo = StreamFIFO(FIFOParams(payload=WIDE_BITS, depth=5, block=True))
        m.submodules.down = down = Downsizer(WIDTH)
        m.submodules.buffer = buffer = StreamBuffer(StreamParams(payload=9))
        m.submodules.skid = skid = SkidBuffer(StreamParams(payload=9))
        m.submodules.up = up = Upsizer(WIDTH)
        m.submodules.fork = fork = Fork(BranchParams(payload=WIDE_BITS, num=2))
        m.submodules.left = left = StreamFIFO(FIFOParams(payload=WIDE_BITS, depth=3))
        m.submodules.right = right = StreamFIFO(FIFOParams(payload=WIDE_BITS, depth=1))
        m.submodules.join = join = Join(BranchParams(payload=WIDE_BITS, num=2))
        self._input(m, "x", fifo.i)
        path = [fifo.o, down.i, down.o, buffer.i, buffer.o, skid.i, skid.o, up.i, up.o, fork.i]
        path += [fork.o[0], left.i, left.o, join.i[0], fork.o[1], right.i, right.o, join.i[1]]
        for source, sink in zip(path[::2], path[1::2], strict=True):
            m.d.comb += [
                sink.valid.eq(source.valid),
                source.ready.eq(sink.ready),
                Value.cast(sink.payload).eq(source.payload),
            ]
        self._output(m, "y", join.o)

    def _input(self, m, name, port):
        m.d.comb += [
            port.valid.eq(getattr(self, f"s_axis_{name}_tvalid")),
            Value.cast(port.payload).eq(getattr(self, f"s_axis_{name}_tdata")),
            getattr(self, f"s_axis_{name}_tready").eq(port.ready),
        ]

    def _output(self, m, name, port):
        m.d.comb += [
            getattr(self, f"m_axis_{name}_tvalid").eq(port.valid),
            getattr(self, f"m_axis_{name}_tdata").eq(Value.cast(port.payload)),
            port.ready.eq(getattr(self, f"m_axis_{name}_tready")),
        ]


def parts_case(name, seed, num_words, stalls, expected_cycles=None):
    """One run of the reader's program, and `num_words` words through the stream path."""
    rng = np.random.default_rng(seed)
    halves = rng.integers(1 << 16, size=24).tolist()
    wide, pairs = [], []
    for _ in range(num_words):
        parts = rng.integers(256, size=3).tolist()
        extra = int(rng.integers(3))
        is_last = 1 if extra < 2 else int(rng.integers(2))
        flags = is_last << 24 | extra << 25
        wide.append(flags | parts[0] | parts[1] << 8 | parts[2] << 16)
        kept = flags | sum(part << 8 * n for n, part in enumerate(parts[: extra + 1]))
        pairs.append(kept | kept << WIDE_BITS)
    words = [low | high << 16 for low, high in zip(halves[::2], halves[1::2], strict=True)]
    return Case(
        name=name,
        inputs={"w": [write_command(base) for base in BASES], "i": halves, "x": wide},
        expected={"o": words, "y": pairs},
        stalls=stalls,
        expected_cycles=expected_cycles,
        limit_cycles=5000,
    )


def unstalled_cycles():
    """From the first command to the last word read, by the stated latencies."""
    taken = cost.COMMAND_TO_ELEMENT + 24 - 1  # one half in every cycle
    given = taken + cost.STREAMER_TAKE_TO_WRITE + cost.STREAMER_GRANT_TO_GIVE
    request = given + cost.STREAMER_GIVE_TO_REQUEST
    return request + cost.streamer_grant_to_output(cost.READ_LATENCY) + 1


def test_every_part_in_verilog(build_cache, run_folder):
    text = emit(Parts(), "parts")
    result = lint(text, "parts")
    assert result.is_clean, [str(found) for found in result.problems]
    cases = [parts_case("no_stalls", SEED, 0, {}, unstalled_cycles())]
    for number, stall in enumerate(STANDARD_STALLS):
        for ports in (("w", "i", "x"), ("o", "y"), ("w", "i", "x", "o", "y")):
            name = f"{stall.kind}_{'_'.join(ports)}"
            cases.append(parts_case(name, SEED + number, 40, dict.fromkeys(ports, stall)))
    job = Job(module="parts", ports=PORTS, cases=tuple(cases), seed=SEED)
    outcome = simulate_kernel(text, job, run_folder, cache=build_cache)
    assert outcome.is_passed, outcome.explain()
    assert len(outcome.cases) == len(cases)
