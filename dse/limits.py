"""What limits a design, in one sentence, and which parameter would help."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from tilewright.dataflow.machine import Machine
from tilewright.dataflow.program import Program
from tilewright.dataflow.tiling import Matmul

from .point_detail import WhatIf
from .timing.program import time_program
from .waterfall import Waterfall, padding

WORTH: Final = 0.02
"""A change that saves a smaller share of the cycles is not recommended."""
NO_MEMORY_TIME: Final = "a memory that moves everything in no time"
WIDER: Final = "accelerator.memory.bytes_per_cycle"
CLOSER: Final = "accelerator.memory.latency_cycles"


def what_ifs(program: Program, machine: Machine) -> tuple[WhatIf, ...]:
    """The program as it is, on other memories."""
    memory = machine.memory
    changes = [(NO_MEMORY_TIME, time_program(program, machine, has_memory_time=False))]
    others = []
    if machine.port_bytes < machine.word_bytes:
        wider = memory.bytes_per_cycle * 2
        others.append((WIDER, wider, replace(memory, bytes_per_cycle=wider)))
    if memory.latency_cycles > 1:
        closer = memory.latency_cycles // 2
        others.append((CLOSER, closer, replace(memory, latency_cycles=closer)))
    for path, value, changed in others:
        timed = time_program(program, replace(machine, memory=changed))
        changes.append((f"{path}: {value}", timed))
    return tuple(WhatIf(change=change, cycles=timed.cycles) for change, timed in changes)


def sentence(
    waterfall: Waterfall, sizes: Sequence[Matmul], machine: Machine, changes: Sequence[WhatIf]
) -> str:
    """What takes most of the cycles, and what to change."""
    cycles = waterfall.cycles
    parts = {name: getattr(waterfall, name) for name in vars(waterfall)}
    worst = max(parts, key=lambda name: parts[name])
    share = f"{100 * parts[worst] / cycles:.0f} % of {cycles:,} cycles"
    engine = f"accelerator.engines.{machine.engines[0].name}"
    if worst == "ideal":
        return (
            f"The array does useful work in {share}: its size is the limit, so more "
            f"{engine}.rows or .cols would help."
        )
    if worst == "mapping":
        return f"{share} are work on padding: {_padding_advice(sizes, engine)}."
    if worst == "memory":
        return f"The array waits for memory in {share}: {_memory_advice(cycles, changes)}."
    if worst == "fill":
        return (
            f"The array fills, drains or waits for the layer before in {share}: there is little "
            f"work in each layer, so a larger verify.batch or a smaller array would help."
        )
    return (
        f"Commands, tokens and streamers take {share}: fewer and larger tasks would help, that is "
        f"a larger accelerator.scratchpad.capacity or verify.batch."
    )


def _memory_advice(cycles: int, changes: Sequence[WhatIf]) -> str:
    real = [change for change in changes if change.change != NO_MEMORY_TIME]
    best = min(real, key=lambda change: change.cycles, default=None)
    fewer = "fewer bytes would help, by a larger accelerator.scratchpad.capacity or verify.batch"
    if best is None or best.cycles > (1 - WORTH) * cycles:
        return fewer
    saved = 100 * (cycles - best.cycles) / cycles
    return f"with {best.change} the same program takes {best.cycles:,} (-{saved:.0f} %)"


def _padding_advice(sizes: Sequence[Matmul], engine: str) -> str:
    """The extent, of all layers, whose padding costs most; a layer counts by its work."""
    costs = []
    for size in sizes:
        work = size.m_tiles * size.k_blocks * size.panels
        for extent, factor in padding(size).items():
            costs.append((work * (factor - 1) / factor, extent, size))
    _, extent, size = max(costs, key=lambda cost: cost[0])
    array, value = size.array, {"M": size.m, "K": size.k, "N": size.n}[extent]
    by_rows = extent == "M"
    side, key = (array.rows, "rows") if by_rows else (array.lanes, "lanes")
    more = " or a larger verify.batch" if by_rows else ""
    return (
        f"most by {extent} = {value} of {size.op} against {key} {side}, so {engine}.{key} that "
        f"divides it{more} would help"
    )
