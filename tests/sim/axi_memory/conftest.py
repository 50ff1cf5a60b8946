"""DMA engines in a loop on the SystemVerilog memory, and the same in Amaranth's simulator."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from amaranth.hdl import ClockDomain, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator
from tilewright.hw.lib.axi import AxiSignature, connect_flat, flat_members
from tilewright.hw.lib.dma_params import AxiParams, LoadParams, StoreParams
from tilewright.hw.lib.dma_read import LoadDMA
from tilewright.hw.lib.dma_write import StoreDMA
from tilewright.hw.lib.memory_params import QueueParams, ScratchpadParams
from tilewright.hw.lib.params import TokenParams, jumps
from tilewright.hw.lib.scratchpad import Scratchpad
from tilewright.hw.lib.sequencer import CommandQueue
from tilewright.hw.lib.tokens import TokenCounter
from tilewright.sim.axi_model import MemoryTiming, ReadModel, WriteModel
from tilewright.sim.golden.dma import runs

from tilewright.build.compiled import compiled
from tilewright.build.process import Limits, run
from tilewright.build.simulate import bench_source
from tilewright.build.verilator import BuildOptions, find_toolchain
from tilewright.build.verilog import emit

WORD_BYTES, PORT_BYTES = 16, 8
MEMORY_BYTES = 1 << 16
RESULT_WORD = MEMORY_BYTES // WORD_BYTES // 2
AXI = AxiParams(address_bits=32, data_bytes=PORT_BYTES)
SHARED = {
    "num_loops": 3,
    "bound_bits": 4,
    "run_bits": 8,
    "local_address_bits": 10,
    "memory_address_bits": 20,
    "word_bits": 8 * WORD_BYTES,
    "word_bytes": WORD_BYTES,
    "axi": AXI,
    "num_waits": 1,
    "token_bits": 8,
}
LOAD = LoadParams(num_signals=1, has_parameters=False, **SHARED)
STORE = StoreParams(signal_kinds=("read",), **SHARED)

# Loop bounds (innermost first), memory strides, words per run: tiles, single words, crossed pages.
TILES = [
    ((2, 3, 2), (70, 150, 500), 7),
    ((5, 1, 4), (1, 0, 33), 1),
    ((3, 2, 1), (256, 1024, 0), 64),
    ((1, 1, 9), (0, 0, 200), 40),
]


def command(*, bounds, memory, memory_strides, local, local_strides, words):
    """A tile; a token per run."""
    fields = {f"last_{d}": bounds[d] - 1 for d in range(3)}
    fields |= {f"memory_jump_{d}": j for d, j in enumerate(jumps(bounds, memory_strides))}
    fields |= {f"local_jump_{d}": j for d, j in enumerate(jumps(bounds, local_strides))}
    fields |= {"memory_base": memory, "local_base": local, "run_last": words - 1}
    tokens = {"wait0_level": 0, "wait0_count": 1, "signal0_level": 0, "signal0_count": 1}
    return fields | tokens


@cache
def programs():
    """Load tiles to contiguous words of the scratchpad, store them as contiguous runs."""
    loads, stores, local = [], [], 0
    for bounds, strides, words in TILES:
        local_strides = [words, words * bounds[0], words * bounds[0] * bounds[1]]
        tile = {"bounds": bounds, "local": local, "local_strides": local_strides, "words": words}
        loads.append(command(memory=11, memory_strides=strides, **tile) | {"wait0_count": 0})
        stores.append(command(memory=RESULT_WORD + local, memory_strides=local_strides, **tile))
        local += words * bounds[0] * bounds[1] * bounds[2]
    return loads, stores


class DmaLoop(wiring.Component):
    """Memory to scratchpad and back; `done` after the last response."""

    def __init__(self):
        super().__init__(
            {"aclk": In(1), "aresetn": In(1), "start": In(1), "done": Out(1), "error": Out(1)}
            | flat_members("m_axi", AxiSignature(AXI))
        )

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = domain = ClockDomain()
        m.d.comb += [domain.clk.eq(self.aclk), domain.rst.eq(~self.aresetn)]
        self.add_engines(m)
        return m

    def add_engines(self, m):
        scratchpad_params = ScratchpadParams(
            banks=2,
            words_per_bank=512,
            word_bits=8 * WORD_BYTES,
            num_read_ports=1,
            num_write_ports=1,
        )
        m.submodules.scratchpad = scratchpad = Scratchpad(scratchpad_params)
        m.submodules.loaded = loaded = TokenCounter(TokenParams(initial=0, bits=8))
        m.submodules.load = load = LoadDMA(LOAD)
        m.submodules.store = store = StoreDMA(STORE)
        wiring.connect(m, load.write, scratchpad.write[0])
        wiring.connect(m, store.read, scratchpad.read[0])
        wiring.connect(m, load.signals[0], loaded.signal)
        wiring.connect(m, store.waits[0], loaded.wait)
        idle = []
        for name, dma, program in zip(("load", "store"), (load, store), programs(), strict=True):
            queue = self.add_queue(m, name, dma, program)
            connect_flat(m, self, "m_axi", dma.m_axi)
            idle.append(queue.done & ~dma.busy)
        started = Signal()
        with m.If(self.start):
            m.d.sync += started.eq(1)
        m.d.comb += [
            self.done.eq(started & idle[0] & idle[1]),
            self.error.eq(load.error | store.error | loaded.error | scratchpad.error),
        ]

    def add_queue(self, m, name, dma, program):
        words = tuple(dma.params.command_format.encode(fields) for fields in program)
        queue = CommandQueue(
            QueueParams(command_format=dma.params.command_format, depth=len(words), initial=words)
        )
        m.submodules[f"{name}_queue"] = queue
        wiring.connect(m, queue.o, dma.command)
        m.d.comb += queue.start.eq(self.start)
        return queue


class SimulatedLoop(DmaLoop):
    """The same in the simulator's own clock domain."""

    def elaborate(self, platform):
        m = Module()
        self.add_engines(m)
        return m


def image():
    return np.random.default_rng(5).integers(0, 256, MEMORY_BYTES, np.uint8).tobytes()


def expected():
    """Memory after the run."""
    before, after = image(), bytearray(image())
    local = {}
    loads, stores = programs()
    for fields in loads:
        for r in runs(fields, 3):
            for w in range(r.num_words):
                start = (r.memory + w) * WORD_BYTES
                local[r.local + w] = before[start : start + WORD_BYTES]
    for fields in stores:
        for r in runs(fields, 3):
            for w in range(r.num_words):
                start = (r.memory + w) * WORD_BYTES
                after[start : start + WORD_BYTES] = local[r.local + w]
    return bytes(after)


@cache
def python_cycles(latency, outstanding):
    """Cycles from start to the last response in Amaranth's simulator; checks memory."""
    dut, memory = SimulatedLoop(), bytearray(image())
    timing = MemoryTiming(latency=latency, outstanding=outstanding)
    read = ReadModel(memory, PORT_BYTES, timing)
    write = WriteModel(memory, PORT_BYTES, timing)
    models = (
        (read, ("arready", "rvalid", "rlast", "rdata", "rresp"),
         ("arvalid", "araddr", "arlen", "arsize", "arburst", "rready")),
        (write, ("awready", "wready", "bvalid", "bresp"),
         ("awvalid", "awaddr", "awlen", "awsize", "awburst",
          "wvalid", "wdata", "wstrb", "wlast", "bready")),
    )  # fmt: skip
    result = []

    async def bench(ctx):
        last_response = 0
        for cycle in range(20_000):
            ctx.set(dut.start, cycle == 4)
            for model, inputs, _ in models:
                for name in inputs:
                    ctx.set(getattr(dut, f"m_axi_{name}"), getattr(model, name))
            if write.bvalid and ctx.get(dut.m_axi_bready):
                last_response = cycle
            for model, _, outputs in models:
                model.clock(**{name: ctx.get(getattr(dut, f"m_axi_{name}")) for name in outputs})
            if ctx.get(dut.done):
                break
            await ctx.tick()
        result.append(last_response - 4)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert memory == expected()
    return result[0]


@cache
def program():
    """The compiled test bench."""
    texts = {
        "dma_loop.v": emit(DmaLoop(), "dma_loop"),
        "axi_memory.sv": bench_source("axi_memory.sv"),
        "tb.sv": Path(__file__).with_name("dma_loop_tb.sv").read_text(),
    }
    toolchain = find_toolchain()
    options = BuildOptions(top="dma_loop_tb")
    translate = [toolchain.perl, str(toolchain.root / "bin" / "verilator")]
    translate += ["-cc", "--exe", "--main", "--timing", "--assert", "-Mdir", "."]
    translate += ["--prefix", "Vtop", "--top-module", options.top, "-o", options.top]
    translate += ["-CFLAGS", "-std=c++20 -fcoroutines", "-Wno-fatal", "-Wno-lint", "-Wno-style"]
    translate += list(texts)
    folder, _ = compiled(texts, translate, options)
    return folder / options.top


def simulated(folder, **settings):
    """Run the bench; its result line as numbers, and memory afterwards."""
    words = np.frombuffer(image(), np.uint8).reshape(-1, PORT_BYTES)[:, ::-1]
    (folder / "image.hex").write_text("".join(f"{bytes(word).hex()}\n" for word in words))
    plusargs = {"axi_image": folder / "image.hex", "axi_dump": folder / "dump.hex"} | settings
    result = run(
        [str(program()), *(f"+{name}={value}" for name, value in plusargs.items())],
        cwd=folder,
        log_path=folder / "run.log",
        check=False,
        limits=Limits(wall_seconds=60),
    )
    line = next((x for x in result.tail.splitlines() if x.startswith("RESULT")), "")
    assert line, result.tail
    numbers = {k: int(v) for k, v in (item.split("=") for item in line.split()[1:])}
    rows = [line for line in (folder / "dump.hex").read_text().split() if line[0] not in "/@"]
    return numbers, b"".join(bytes.fromhex(row)[::-1] for row in rows), result.tail


def differing_words(got):
    want = expected()
    return [i for i in range(0, MEMORY_BYTES, 16) if got[i : i + 16] != want[i : i + 16]]


class DmaLoopBench:
    """What the tests use of this file."""

    num_bytes = 848 * WORD_BYTES
    simulated = staticmethod(simulated)
    differing_words = staticmethod(differing_words)
    python_cycles = staticmethod(python_cycles)


@pytest.fixture
def dma_loop():
    """The class `DmaLoopBench`."""
    return DmaLoopBench
