"""What limits a design, in one sentence, and which of the changes tried would help."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Final

from tilewright.dataflow.machine import Machine
from tilewright.dataflow.program import Program
from tilewright.dataflow.tiling import Matmul

from .changes import CLOSER, DEEPER, WIDER, advice, port_changes
from .point_detail import Tried, WhatIf
from .timing.program import time_program
from .waterfall import Waterfall, padding

NEXT_SHARE: Final = 0.1
WORDS: Final = {
    "ideal": "The array does useful work",
    "mapping": "The array works on padding",
    "memory": "The array waits for memory",
    "fill": "The array fills, drains or waits for the layer before",
    "control": "The array waits for commands, tokens and streamers",
}
NO_MEMORY_TIME: Final = "a memory that moves everything in no time"


def what_ifs(program: Program, machine: Machine) -> tuple[WhatIf, ...]:
    """The program as it is, on other memories."""
    changes = [(NO_MEMORY_TIME, time_program(program, machine, has_memory_time=False))]
    changes += [(change, time_program(program, other)) for change, other in other_memories(machine)]
    return tuple(WhatIf(change=change, cycles=timed.cycles) for change, timed in changes)


def other_memories(machine: Machine) -> Iterator[tuple[str, Machine]]:
    """The machine with one number of its memory port a step better, and the key that says so."""
    fields = {WIDER: "bytes_per_cycle", CLOSER: "latency_cycles", DEEPER: "outstanding_bursts"}
    for change in port_changes(machine):
        memory = replace(machine.memory, **{fields[change.key]: change.value})  # type: ignore[arg-type]
        yield change.text, replace(machine, memory=memory)


def causes_told(waterfall: Waterfall) -> tuple[str, ...]:
    """What takes most of the cycles; behind useful work also what comes next, where that is a tenth
    of them.
    """
    parts = {name: getattr(waterfall, name) for name in vars(waterfall)}
    worst, second, *_ = sorted(parts, key=lambda name: -parts[name])
    is_second = worst == "ideal" and parts[second] >= NEXT_SHARE * waterfall.cycles
    return (worst, second) if is_second else (worst,)


def sentence(waterfall: Waterfall, sizes: Mapping[Matmul, int], tried: Sequence[Tried]) -> str:
    """What takes most of the cycles, and which of the changes tried help. `sizes`: how often each
    op runs.
    """
    cycles = waterfall.cycles
    worst, *rest = causes_told(waterfall)
    told = [f"{WORDS[worst]} in {_share(waterfall, worst)} of {cycles:,} cycles"]
    told += [f"{WORDS[name]} in {_share(waterfall, name)}" for name in rest]
    lines = [
        f"{line}: {_padding(sizes)}." if name == "mapping" else f"{line}."
        for name, line in zip((worst, *rest), told, strict=True)
    ]
    return " ".join([*lines, advice(cycles, tried)])


def _share(waterfall: Waterfall, name: str) -> str:
    return f"{100 * getattr(waterfall, name) / waterfall.cycles:.0f} %"


def _padding(sizes: Mapping[Matmul, int]) -> str:
    """The extent, of all layers, whose padding costs most; a layer counts by its work."""
    costs = []
    for size, times in sizes.items():
        factors = padding(size)
        work = times * size.m * size.k * size.n * prod(factors.values())
        for extent, factor in factors.items():
            costs.append((work * (factor - 1) / factor, extent, size))
    _, extent, size = max(costs, key=lambda cost: cost[0])
    array, value = size.array, {"M": size.m, "K": size.k, "N": size.n}[extent]
    side, key = (array.rows, "rows") if extent == "M" else (array.lanes, "lanes")
    return f"most by {extent} = {value} of {size.op} against {key} {side}"
