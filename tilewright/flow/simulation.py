"""One design and its samples in the simulator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
from tilewright.hw.lib.params import CounterParams
from tilewright.hw.top import register_table

from .design import Design
from .inputs import Samples

LIMIT_FACTOR = 4
LIMIT_SLACK_CYCLES = 100_000
PICOSECONDS_PER_CYCLE = 10_000
SIMULATION = "simulation"


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
    design = prepared.design
    window = None
    if waves is not None:
        start, end = (PICOSECONDS_PER_CYCLE * cycle for cycle in waves)
        window = WaveWindow(start_ps=start, end_ps=end)
    return run_accelerator(
        prepared.model,
        prepared.cases,
        folder,
        registers={r.name: r.offset for r in register_table(design.config).registers},
        num_counters=CounterParams(num_units=len(design.config.units)).num_counters,
        port_bytes=design.machine.port_bytes,
        timing=_timing(design, seed),
        seed=seed,
        waves=window,
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
