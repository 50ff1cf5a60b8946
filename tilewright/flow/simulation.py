"""One design and its samples in the simulator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilewright.build.accelerator_files import accelerator_verilog, program_writes
from tilewright.build.accelerator_run import (
    AcceleratorCase,
    AcceleratorResult,
    MemoryTiming,
    build_accelerator,
    run_accelerator,
)
from tilewright.build.simulate import Model
from tilewright.build.waves import WaveWindow
from tilewright.commands.contract import Progress
from tilewright.dataflow.memory_map import PAGE_BYTES, memory_image, read_activations
from tilewright.hw.top import register_table

from .design import Design
from .inputs import Samples

LIMIT_FACTOR = 4
LIMIT_SLACK_CYCLES = 100_000
PICOSECONDS_PER_CYCLE = 10_000
SIMULATION = "simulation"


STALL_PATTERNS = ((64, 40), (160, 3))
"""Probability of a pause in 1/256 and cycles to the first beat, of each run under stalls."""
STALLED_LIMIT_FACTOR = 16


@dataclass(frozen=True, kw_only=True)
class StalledRun:
    """One run under stalls; its files are in `folder` beside those of the timed run."""

    folder: str
    result: AcceleratorResult


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Verilog, simulator program, and the starts to make: memory images and quantised inputs."""

    design: Design
    verilog: str
    model: Model
    cases: tuple[AcceleratorCase, ...]
    inputs: tuple[Mapping[str, NDArray[Any]], ...]

    @property
    def is_compiled(self) -> bool:
        """Whether the simulator had to be compiled."""
        return not self.model.was_cached


def prepare(design: Design, samples: Samples, *, has_waves: bool, progress: Progress) -> Prepared:
    """Elaborate, compile the simulation (or find it in the cache), lay out memory."""
    progress("elaborate")
    verilog = accelerator_verilog(design)
    progress("compile the simulation")
    memory_bytes = max(design.memory_bytes, PAGE_BYTES)
    model = build_accelerator(
        verilog,
        module=design.name,
        port_bytes=design.machine.port_bytes,
        memory_bytes=1 << (memory_bytes - 1).bit_length(),
        lite_address_bits=register_table(design.config).address_bits,
        address_bits=design.config.axi.address_bits,
        has_waves=has_waves,
    )
    writes = program_writes(design)
    limit = LIMIT_FACTOR * design.estimate.cycles + LIMIT_SLACK_CYCLES
    cases, inputs = [], []
    for number, batch in enumerate(samples.batches(design.batch)):
        tensors = {name: design.graph.tensor(name) for name in batch}
        quantized = {name: tensors[name].quantize(values) for name, values in batch.items()}
        case = AcceleratorCase(
            name=f"start_{number}",
            image=memory_image(design.graph, design.plan, design.machine, quantized),
            # The program stays in a programmable accelerator: it is loaded once.
            writes=writes if number == 0 else (),
            limit_cycles=limit,
        )
        cases.append(case)
        inputs.append(quantized)
    return Prepared(
        design=design, verilog=verilog, model=model, cases=tuple(cases), inputs=tuple(inputs)
    )


def simulate(
    prepared: Prepared, folder: Path, *, seed: int, waves: tuple[int, int] | None
) -> AcceleratorResult:
    """Run all starts back to back; files and results stay in `folder`."""
    window = None
    if waves is not None:
        start, end = (PICOSECONDS_PER_CYCLE * cycle for cycle in waves)
        window = WaveWindow(start_ps=start, end_ps=end)
    return _run(prepared, prepared.cases, folder, _timing(prepared.design, seed), seed, window)


def simulate_stalled(prepared: Prepared, folder: Path, *, seed: int) -> tuple[StalledRun, ...]:
    """Run the first start again with random pauses on every memory channel, in several patterns.

    What is right must stay right whatever the timing; how long it takes is not judged.
    """
    first = prepared.cases[0]
    patient = replace(first, limit_cycles=STALLED_LIMIT_FACTOR * first.limit_cycles)
    runs = []
    for number, (stall, latency_cycles) in enumerate(STALL_PATTERNS):
        timing = _timing(prepared.design, seed + number)
        timing = replace(timing, stall=stall, latency_cycles=latency_cycles)
        place = folder / f"stalled_{number}"
        result = _run(prepared, (patient,), place, timing, seed + number, None)
        runs.append(StalledRun(folder=place.name, result=result))
    return tuple(runs)


def _run(
    prepared: Prepared,
    cases: Sequence[AcceleratorCase],
    folder: Path,
    timing: MemoryTiming,
    seed: int,
    waves: WaveWindow | None,
) -> AcceleratorResult:
    design = prepared.design
    return run_accelerator(
        prepared.model,
        cases,
        folder,
        registers={r.name: r.offset for r in register_table(design.config).registers},
        num_counters=design.config.num_counters,
        port_bytes=design.machine.port_bytes,
        timing=timing,
        seed=seed,
        waves=waves,
    )


def _timing(design: Design, seed: int) -> MemoryTiming:
    memory = design.machine.memory
    return MemoryTiming(
        latency_cycles=memory.latency_cycles,
        outstanding_bursts=memory.outstanding_bursts,
        seed=max(1, seed & 0x7FFF_FFFF),
    )


def outputs_of(design: Design, result: AcceleratorResult) -> dict[str, NDArray[Any]]:
    """Every output of every start that was measured, samples in order."""
    outputs = {}
    for tensor in design.graph.outputs:
        parts = [
            read_activations(case.image, design.graph, design.plan, design.machine, tensor.name)
            for case in result.cases
            if not case.problems
        ]
        empty = np.zeros((0, tensor.shape[1]), tensor.number_format)
        outputs[tensor.name] = np.concatenate(parts) if parts else empty
    return outputs


def dequantized(
    design: Design, outputs: Mapping[str, NDArray[Any]], count: int
) -> dict[str, NDArray[np.float32]]:
    """The model's float outputs by their names in the model file."""
    tensors = {name: design.graph.tensor(name) for name in outputs}
    return {tensors[n].origin: tensors[n].dequantize(v[:count]) for n, v in outputs.items()}
