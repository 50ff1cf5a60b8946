"""Where the cycles of a program went, layer by layer: parts that sum to the total, to the cycle.

A program's time is cut at the ends of its tasks. A task ends when its last result has been stored
(or, if it stores none, written to the scratchpad), but not before the array's last block of it is
over, and not after the array's first block of the next task has begun. So every task has its own
work in its own time, the times follow each other without a gap, and a layer has those of its tasks.

In that time the array works, or it does not. The same program is timed again with a memory that
moves everything in no time, and once more with commands, tokens and streamers that take none.

    ideal    multiply-accumulates of the layer over those that the array can do in a cycle, up
    mapping  the array's other work: edges of ragged tiles, blocks of k and panels
    fill     cycles without work that stay when memory and control cost nothing: the start of the
             program, first operands, the array's pipeline and drain, waiting for results of the
             layer before
    memory   cycles without work that go when memory costs nothing
    control  the rest: commands, tokens, streamers

`memory` is at least 0, and `fill` at most what `memory` leaves: with a faster memory a layer can
wait where it did not before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tilewright.dataflow.graph import Graph
from tilewright.dataflow.machine import Machine
from tilewright.dataflow.plan import Plan
from tilewright.dataflow.program import Program
from tilewright.dataflow.tiling import Matmul, ceil_div

from .timing.parts import NO_DELAYS
from .timing.program import Timing, time_program

TaskNumbers = Mapping[str, Sequence[int]]
"""For each unit, the task of each of its commands."""


@dataclass(frozen=True, kw_only=True)
class Waterfall:
    """Cycles by cause; they sum to `cycles`."""

    ideal: int
    mapping: int
    fill: int
    memory: int
    control: int

    @property
    def cycles(self) -> int:
        return self.ideal + self.mapping + self.fill + self.memory + self.control

    def __add__(self, other: Waterfall) -> Waterfall:
        return Waterfall(
            ideal=self.ideal + other.ideal,
            mapping=self.mapping + other.mapping,
            fill=self.fill + other.fill,
            memory=self.memory + other.memory,
            control=self.control + other.control,
        )


def nothing() -> Waterfall:
    """No cycles."""
    return Waterfall(ideal=0, mapping=0, fill=0, memory=0, control=0)


def task_ends(timing: Timing, tasks: TaskNumbers, num_tasks: int) -> tuple[int, ...]:
    """The end of each task in cycles; they never fall, and the last is the end of all."""
    core = timing.spans["array.core"]
    done = [0] * num_tasks
    for unit in ("array.o", "store"):
        ends: dict[int, int] = {}
        for task, (_, end) in zip(tasks[unit], timing.spans[unit], strict=True):
            ends[task] = max(end, ends.get(task, 0))
        for task, end in ends.items():
            done[task] = end
    inner = [
        min(core[task + 1][0], max(core[task][1], done[task])) for task in range(num_tasks - 1)
    ]
    return (*inner, timing.cycles)


def waterfalls(
    graph: Graph,
    plan: Plan,
    program: Program,
    machine: Machine,
    tasks: TaskNumbers,
    timing: Timing,
) -> dict[str, Waterfall]:
    """By layer (the name of its op). Their cycles sum to `timing.cycles`.

    `tasks` are the program's (`dataflow.compile.command_tasks`), `timing` the program's own.
    """
    without_memory = time_program(program, machine, has_memory_time=False)
    array_alone = time_program(program, machine, has_memory_time=False, delays=NO_DELAYS)
    gaps = [_gaps(plan, tasks, timed) for timed in (timing, without_memory, array_alone)]
    params = machine.engines[0]
    peak = params.integer("rows") * params.integer("cols")
    found = {}
    for op in graph.ops:
        work = sum(task.cycles for task in plan.tasks if task.op == op.name)
        (m, k), n = graph.tensor(op.inputs[0]).shape, graph.tensor(op.inputs[1]).shape[1]
        ideal = ceil_div(m * k * n, peak)
        gap, gap_without_memory, gap_alone = (of[op.name] for of in gaps)
        memory = max(0, gap - gap_without_memory)
        fill = min(gap_alone, gap - memory)
        found[op.name] = Waterfall(
            ideal=ideal,
            mapping=work - ideal,
            fill=fill,
            memory=memory,
            control=gap - memory - fill,
        )
    return found


def _gaps(plan: Plan, tasks: TaskNumbers, timing: Timing) -> dict[str, int]:
    """By layer: cycles of its time in which the array starts nothing."""
    gaps: dict[str, int] = {}
    start = 0
    for task, end in zip(plan.tasks, task_ends(timing, tasks, len(plan.tasks)), strict=True):
        gaps[task.op] = gaps.get(task.op, 0) + end - start - task.cycles
        start = end
    return gaps


def padding(size: Matmul) -> dict[str, float]:
    """By how much each extent of a matmul grows on its array: M, K, N over their padded selves."""
    array = size.array
    k = size.k_blocks * array.lanes
    m = size.m_tiles * array.rows
    if array.dataflow == "weight_stationary":  # rows of A pass one by one; k meets the rows
        m, k = size.m, size.k_blocks * array.subblocks * array.rows
    return {"M": m / size.m, "K": k / size.k, "N": size.panels * array.lanes / size.n}
