"""What limits a design, in one sentence, and which parameter would help."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Final

from tilewright.dataflow.machine import Machine
from tilewright.dataflow.program import Program
from tilewright.dataflow.tiling import Matmul

from .point_detail import WhatIf
from .timing.program import time_program
from .waterfall import Waterfall, padding

WORTH: Final = 0.02
"""A change that saves a smaller share of the cycles is not recommended."""
NEXT_SHARE: Final = 0.1
WORDS: Final = {
    "ideal": "The array does useful work",
    "mapping": "The array works on padding",
    "memory": "The array waits for memory",
    "fill": "The array fills, drains or waits for the layer before",
    "control": "The array waits for commands, tokens and streamers",
}
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
    """What takes most of the cycles, and what to change; behind useful work also what comes next,
    where that is a tenth of them.
    """
    cycles = waterfall.cycles
    parts = {name: getattr(waterfall, name) for name in vars(waterfall)}
    worst, second, *_ = sorted(parts, key=lambda name: -parts[name])
    told = [worst]
    if worst == "ideal" and parts[second] >= NEXT_SHARE * cycles:
        told.append(second)
    engine = f"accelerator.engines.{machine.engines[0].name}"
    advice = {
        "ideal": f"its size is the limit, so more {engine}.rows or .cols would help",
        "mapping": _padding_advice(sizes, engine),
        "memory": _memory_advice(cycles, changes),
        "fill": "there is little work in each layer, so a larger verify.batch or a smaller array "
        "would help",
        "control": "fewer and larger tasks would help, that is a larger "
        "accelerator.scratchpad.capacity or verify.batch",
    }
    shares = {name: f"{100 * parts[name] / cycles:.0f} %" for name in told}
    first = f"{WORDS[worst]} in {shares[worst]} of {cycles:,} cycles: {advice[worst]}."
    rest = (f" {WORDS[name]} in {shares[name]}: {advice[name]}." for name in told[1:])
    return "".join([first, *rest])


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
        factors = padding(size)
        work = size.m * size.k * size.n * prod(factors.values())
        for extent, factor in factors.items():
            costs.append((work * (factor - 1) / factor, extent, size))
    _, extent, size = max(costs, key=lambda cost: cost[0])
    array, value = size.array, {"M": size.m, "K": size.k, "N": size.n}[extent]
    by_rows = extent == "M"
    side, key = (array.rows, "rows") if by_rows else (array.lanes, "lanes")
    more = " or a larger verify.batch" if by_rows else ""
    return (
        f"most by {extent} = {value} of {size.op} against {key} {side}, so a value of "
        f"{engine}.{key} that divides it{more} would help"
    )
