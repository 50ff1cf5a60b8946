"""Many graphs on one programmable accelerator: built once, then run back to back in one process.

machine = systolic_machine(rows=4, cols=4, lanes=16)
accelerator = make_programmable(machine)
batch = run_graphs(accelerator, [matmul_graph(5, 20, 9, seed=1)], folder)
batch.runs[0].cycles, batch.runs[0].estimate.cycles, batch.runs[0].mismatches
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tilewright.build.accelerator_run import (
    AcceleratorCase,
    AcceleratorResult,
    CaseMeasurement,
    MemoryTiming,
    build_accelerator,
    run_accelerator,
)
from tilewright.build.cache import BuildCache
from tilewright.build.model import Model
from tilewright.build.verilog import emit
from tilewright.catalog import find_template
from tilewright.dataflow.compile import Objective, compile_graph
from tilewright.dataflow.graph import Graph
from tilewright.dataflow.machine import Machine
from tilewright.dataflow.memory_map import read_activations
from tilewright.dataflow.program import Program
from tilewright.dse.estimate import Estimate
from tilewright.hw.configure import configure
from tilewright.hw.hardware_config import HardwareConfig
from tilewright.hw.lib.register_table import RegisterTable
from tilewright.hw.program_words import program_rows
from tilewright.hw.top import Accelerator, register_table
from tilewright.hw.unit_params import PROGRAMMABLE_ROWS
from tilewright.workloads import matmul_graph

from .results import activity_table
from .work import Work, machine_timing, machine_with, prepare

MODULE = "accelerator"
MIN_MEMORY_BYTES = 1 << 20
LIMIT_FACTOR = 4
LIMIT_SLACK_CYCLES = 100_000


@dataclass(frozen=True, kw_only=True)
class ProgrammableAccelerator:
    """The Verilog of an accelerator whose program is written over AXI4-Lite, and its machine."""

    machine: Machine
    config: HardwareConfig
    verilog: str = field(repr=False)

    @cached_property
    def table(self) -> RegisterTable:
        """The register map."""
        return register_table(self.config)

    @cached_property
    def registers(self) -> dict[str, int]:
        """Offset of each register."""
        return {register.name: register.offset for register in self.table.registers}

    def base_writes(self, base_bytes: int) -> list[tuple[int, int]]:
        """Register writes that say where the memory image lies.

        Raises:
            ValueError: the memory port has no such address.
        """
        bits = self.config.axi.address_bits
        if not 0 <= base_bytes < 1 << bits:
            raise ValueError(f"base_bytes: 0..{(1 << bits) - 1}, got {base_bytes}")
        writes = [(self.registers["memory_base_low"], base_bytes & 0xFFFF_FFFF)]
        if "memory_base_high" in self.registers:
            writes.append((self.registers["memory_base_high"], base_bytes >> 32))
        return writes

    def program_writes(self, program: Program) -> list[tuple[int, int]]:
        """Register writes (offset, value) that load `program`."""
        window = self.table.windows[0].offset
        return [
            (window + row + 4 * chunk, value)
            for row, chunks in program_rows(self.config, program).items()
            for chunk, value in enumerate(chunks)
        ]

    def build(self, memory_bytes: int, *, cache: BuildCache | None = None) -> Model:
        """The simulator program, with a memory of at least `memory_bytes`."""
        size = max(memory_bytes, MIN_MEMORY_BYTES)
        return build_accelerator(
            self.verilog,
            module=MODULE,
            port_bytes=self.machine.port_bytes,
            memory_bytes=1 << (size - 1).bit_length(),
            lite_address_bits=self.table.address_bits,
            cache=cache,
        )


@dataclass(frozen=True, kw_only=True)
class GraphRun:
    """What one graph did on the accelerator.

    `mismatches` counts wrong values of all tensors that ops make, of `values`; `stray_bytes`
    counts bytes of memory that changed though no op's result lies there. `counters` are by unit
    and class of activity; none where the accelerator has none.
    """

    work: Work
    cycles: int
    mismatches: int
    values: int
    stray_bytes: int
    counters: Mapping[str, Mapping[str, int]]
    bytes_read: int
    bytes_written: int
    problems: tuple[str, ...]
    image: NDArray[np.uint8] = field(repr=False)

    @property
    def name(self) -> str:
        return self.work.name

    @property
    def estimate(self) -> Estimate:
        return self.work.estimate

    @property
    def difference(self) -> int:
        """Measured cycles less estimated ones."""
        return self.cycles - self.estimate.cycles

    @property
    def utilisation(self) -> float:
        """Useful multiply-accumulates as a share of the array's peak."""
        return self.work.macs / max(1, self.cycles * self.estimate.macs_per_cycle)

    @property
    def is_right(self) -> bool:
        """It ended by itself, every value is the golden model's, and nothing else was written."""
        return not (self.problems or self.mismatches or self.stray_bytes) and self.values > 0


@dataclass(frozen=True, kw_only=True)
class BatchResult:
    """All graphs of one simulator process, in order; `result.run.explain()` says how it ended."""

    result: AcceleratorResult
    runs: tuple[GraphRun, ...]

    @property
    def is_right(self) -> bool:
        """Every graph ran and gave the golden model's values."""
        return self.result.is_passed and all(run.is_right for run in self.runs)


def make_programmable(
    machine: Machine,
    *,
    rows: int = PROGRAMMABLE_ROWS,
    objective: Objective = "cycles",
    has_counters: bool = True,
    address_bits: int = 64,
) -> ProgrammableAccelerator:
    """The accelerator for `machine` that runs any program of up to `rows` commands per unit.

    Programs of the two objectives have different tokens, so an accelerator runs those of one.
    """
    # Tokens and their kinds do not depend on the graph; a chain uses all of them.
    _, program = compile_graph(matmul_graph(1, 1, [1, 1], seed=0), machine, objective)
    config = configure(machine, program, name=MODULE, programmable_rows=rows,
                       has_counters=has_counters, address_bits=address_bits)  # fmt: skip
    engine = find_template(machine.engines[0].kind).load("rtl")
    return ProgrammableAccelerator(
        machine=machine, config=config, verilog=emit(Accelerator(config, engine), MODULE)
    )


def run_graphs(
    accelerator: ProgrammableAccelerator,
    graphs: Sequence[Graph | Work],
    folder: Path,
    *,
    timing: MemoryTiming | None = None,
    seed: int = 1,
    base_bytes: int = 0,
    cache: BuildCache | None = None,
) -> BatchResult:
    """Run the graphs back to back, without a reset between them, and compare what they leave.

    `timing` is the memory's, by default the one that the accelerator's machine names; estimates are
    for its latency and bursts under way. `base_bytes` is where each memory image lies, a multiple
    of the word's bytes.
    """
    timing = timing or machine_timing(accelerator.machine, seed)
    machine = machine_with(accelerator.machine, timing)
    works = [
        graph if isinstance(graph, Work) else prepare(machine, graph, name=f"{n}", seed=seed + n)
        for n, graph in enumerate(graphs)
    ]
    memory_bytes = base_bytes + max(work.image.size for work in works)
    model = accelerator.build(memory_bytes, cache=cache)
    result = run_accelerator(
        model,
        [_case(accelerator, work, base_bytes) for work in works],
        folder,
        registers=accelerator.registers,
        num_counters=accelerator.config.num_counters,
        port_bytes=machine.port_bytes,
        timing=timing,
        seed=seed,
    )
    units = [unit.name for unit in accelerator.config.units if accelerator.config.has_counters]
    runs = [
        _judge(work, measured, units, base_bytes)
        for work, measured in zip(works, result.cases, strict=False)
    ]
    runs += [_not_run(work) for work in works[len(runs) :]]
    return BatchResult(result=result, runs=tuple(runs))


def _case(accelerator: ProgrammableAccelerator, work: Work, base_bytes: int) -> AcceleratorCase:
    word_bytes = work.machine.word_bytes
    if base_bytes % word_bytes:
        raise ValueError(f"base_bytes: a multiple of {word_bytes}, got {base_bytes}")
    below = np.zeros((base_bytes // word_bytes, word_bytes), np.uint8)
    return AcceleratorCase(
        name=work.name,
        image=np.concatenate([below, work.image]),
        writes=[*accelerator.program_writes(work.program), *accelerator.base_writes(base_bytes)],
        limit_cycles=LIMIT_FACTOR * work.estimate.cycles + LIMIT_SLACK_CYCLES,
    )


def _judge(
    work: Work, measured: CaseMeasurement, units: Sequence[str], base_bytes: int
) -> GraphRun:
    """Compare every tensor that an op made, and find what changed elsewhere."""
    first = base_bytes // work.machine.word_bytes
    problems = list(measured.problems)
    mismatches = values = stray = 0
    if measured.image.ndim == 2:
        image = measured.image[first:]
        for name, wanted in work.expected.items():
            got = read_activations(image, work.graph, work.plan, work.machine, name)
            mismatches += int((got != wanted).sum())
            values += wanted.size
        untouched = np.ones(len(image), bool)
        stored = {transfer.tensor for transfer in work.plan.stores}
        for item in work.plan.memory:
            if item.tensor in stored:
                untouched[item.base_words : item.base_words + item.words] = False
        stray = int((image != work.image)[untouched].sum()) + int(measured.image[:first].sum())
    return GraphRun(
        work=work,
        cycles=measured.cycles,
        mismatches=mismatches,
        values=values,
        stray_bytes=stray,
        counters=activity_table(units, measured.counters),
        bytes_read=measured.bytes_read,
        bytes_written=measured.bytes_written,
        problems=tuple(problems),
        image=measured.image,
    )


def _not_run(work: Work) -> GraphRun:
    return GraphRun(
        work=work,
        cycles=0,
        mismatches=0,
        values=0,
        stray_bytes=0,
        counters={},
        bytes_read=0,
        bytes_written=0,
        problems=("was not run",),
        image=np.zeros(0, np.uint8),
    )
