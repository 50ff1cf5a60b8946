"""What limits a design, in one sentence, and which parameter would help."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
DEEPER: Final = "accelerator.memory.outstanding"
BATCH: Final = "verify.batch"
MAX_OUTSTANDING: Final = 64
"""That a spec may ask for."""


def what_ifs(program: Program, machine: Machine) -> tuple[WhatIf, ...]:
    """The program as it is, on other memories."""
    changes = [(NO_MEMORY_TIME, time_program(program, machine, has_memory_time=False))]
    changes += [(change, time_program(program, other)) for change, other in other_memories(machine)]
    return tuple(WhatIf(change=change, cycles=timed.cycles) for change, timed in changes)


def other_memories(machine: Machine) -> Iterator[tuple[str, Machine]]:
    """The machine with one number of its memory port a step better, and the key that says so."""
    memory = machine.memory
    if machine.port_bytes < machine.word_bytes:
        wider = memory.bytes_per_cycle * 2
        changed = replace(memory, bytes_per_cycle=wider)
        yield f"{WIDER}: {wider}", replace(machine, memory=changed)
    if memory.latency_cycles > 1:
        closer = memory.latency_cycles // 2
        changed = replace(memory, latency_cycles=closer)
        yield f"{CLOSER}: {closer}", replace(machine, memory=changed)
    deeper = memory.outstanding_bursts * 2
    if deeper <= MAX_OUTSTANDING:
        changed = replace(memory, outstanding_bursts=deeper)
        yield f"{DEEPER}: {deeper}", replace(machine, memory=changed)


def sentence(
    waterfall: Waterfall,
    sizes: Mapping[Matmul, int],
    machine: Machine,
    changes: Sequence[WhatIf],
    *,
    batch: str = BATCH,
) -> str:
    """What takes most of the cycles, and what to change; behind useful work also what comes next,
    where that is a tenth of them. `sizes`: how often each op runs. `batch`: what stands for more
    rows in each op.
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
        "mapping": _padding_advice(sizes, engine, batch),
        "memory": _memory_advice(cycles, changes, batch),
        "fill": f"there is little work in each layer, so a larger {batch} or a smaller array "
        "would help",
        "control": "fewer and larger tasks would help, that is a larger "
        f"accelerator.scratchpad.capacity or {batch}",
    }
    shares = {name: f"{100 * parts[name] / cycles:.0f} %" for name in told}
    first = f"{WORDS[worst]} in {shares[worst]} of {cycles:,} cycles: {advice[worst]}."
    rest = (f" {WORDS[name]} in {shares[name]}: {advice[name]}." for name in told[1:])
    return "".join([first, *rest])


def _memory_advice(cycles: int, changes: Sequence[WhatIf], batch: str) -> str:
    real = [change for change in changes if change.change != NO_MEMORY_TIME]
    best = min(real, key=lambda change: change.cycles, default=None)
    fewer = f"fewer bytes would help, by a larger accelerator.scratchpad.capacity or {batch}"
    if best is None or best.cycles > (1 - WORTH) * cycles:
        return fewer
    saved = 100 * (cycles - best.cycles) / cycles
    return f"with {best.change} the same program takes {best.cycles:,} (-{saved:.0f} %)"


def _padding_advice(sizes: Mapping[Matmul, int], engine: str, batch: str) -> str:
    """The extent, of all layers, whose padding costs most; a layer counts by its work."""
    costs = []
    for size, times in sizes.items():
        factors = padding(size)
        work = times * size.m * size.k * size.n * prod(factors.values())
        for extent, factor in factors.items():
            costs.append((work * (factor - 1) / factor, extent, size))
    _, extent, size = max(costs, key=lambda cost: cost[0])
    array, value = size.array, {"M": size.m, "K": size.k, "N": size.n}[extent]
    by_rows = extent == "M"
    side, key = (array.rows, "rows") if by_rows else (array.lanes, "lanes")
    more = f" or a larger {batch}" if by_rows else ""
    return (
        f"most by {extent} = {value} of {size.op} against {key} {side}, so a value of "
        f"{engine}.{key} that divides it{more} would help"
    )
