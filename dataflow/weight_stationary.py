"""Plan to Program for a weight-stationary array: weights stream, a block of rows stays.

For each task (a block of rows, all their k blocks resident) loops innermost first are rows,
subblocks, k blocks, subpanels, panels. B lies in a ring of slots of a few k blocks each, read once.
Tokens are those of the output-stationary lowering, but `a_free` and `a_ready` count k blocks of the
row block, `b_free` and `b_ready` slots of the B ring, `o_free` and `o_ready` panels of results.
"""

from __future__ import annotations

from collections.abc import Iterator

from .commands import array_tokens, loop
from .dma_commands import load_parameters
from .graph import Graph
from .jobs import Job, Makers, array_program, array_tasks
from .machine import Machine
from .plan import Plan
from .program import Command, Program, Signal, Token, Wait


def weight_stationary_program(graph: Graph, plan: Plan, machine: Machine) -> Program:
    """The commands that carry out `plan`."""
    return array_program(graph, plan, machine, _makers(), _tokens)


def weight_stationary_tasks(
    graph: Graph, plan: Plan, machine: Machine
) -> dict[str, tuple[int, ...]]:
    """For each unit, which task each of its commands is part of."""
    return array_tasks(graph, plan, machine, _makers())


def _makers() -> Makers:
    return {
        "load": _load,
        "store": _store,
        "array.a": _read_a,
        "array.b": _read_b,
        "array.core": _core,
        "array.o": _write_o,
    }


def _tokens(plan: Plan, sets: int) -> tuple[Token, ...]:
    a, b, o = (plan.settings[name] for name in ("a_slots", "b_slots", "o_tokens"))
    return array_tokens(sets=sets, a_ready=a, b_ready=b, a_free=a, b_free=b, results=o)


def _slot_blocks(job: Job) -> int:
    """k blocks in a slot of the B ring."""
    return job.task.attributes["slot_blocks"]


def _load(job: Job) -> Iterator[Command]:
    """Weights a little before the rows that meet them, then weights alone."""
    slots = job.size.k_blocks // _slot_blocks(job)
    per_panel = slots * job.size.array.subpanels
    first, group = 0, 1
    while first < slots:  # the first pass; a group fits into the ring, so it cannot block itself
        end = min(first + group, slots)
        yield from _load_b(job, first, end)
        yield from _load_a(job, first * _slot_blocks(job), end * _slot_blocks(job))
        if first == 0:
            yield load_parameters(job, 0, 1)
        first, group = end, min(2 * group, job.b_slots)
    yield from _load_b(job, slots, per_panel)
    array = job.size.array
    most = max(1, array.param_sets // array.subpanels // 2)
    panel, group = 1, 1
    while panel < job.size.panels:
        end = min(panel + group, job.size.panels)
        yield load_parameters(job, panel, end)
        yield from _load_b(job, panel * per_panel, end * per_panel)
        panel, group = end, min(2 * group, most)


def _load_a(job: Job, first: int, end: int) -> Iterator[Command]:
    """k blocks `[first, end)` of the rows; the first one takes what the task does not use."""
    if first == 0 and job.a_taken > 1 and end > 1:
        yield from _load_a(job, 0, 1)
        yield from _load_a(job, 1, end)
        return
    stride = job.task.attributes["a_stride_words"]
    waits = [Wait(token="a_free", count=job.a_taken if first == 0 else 1, level=0)]
    if first == 0 and job.is_first_of_op and not job.is_first_of_program:
        waits.append(Wait(token="stored", count=1, level=1))
    yield Command(
        operation="load",
        loops=(loop(end - first, local=stride, memory=job.size.m),),
        bases={
            "memory": job.activation_base + job.first_row + first * job.size.m,
            "local": job.a_base + first * stride,
        },
        fields={"run_words": job.rows, "target": 0},
        waits=tuple(waits),
        signals=(Signal(token="a_ready", count=1, level=0),),
    )


def _load_b(job: Job, first: int, end: int) -> Iterator[Command]:
    """Slots `[first, end)` of the op's weights, which are contiguous in memory."""
    words = _slot_blocks(job) * job.size.array.b_block_words
    for part in job.segments(first, end):
        yield Command(
            operation="load",
            loops=(
                loop(part.inner, local=job.b_slot_words, memory=words),
                loop(part.outer, memory=part.inner * words),
            ),
            bases={
                "memory": job.weight_base + part.first * words,
                "local": job.b_base + part.slot * job.b_slot_words,
            },
            fields={"run_words": words, "target": 0},
            waits=(Wait(token="b_free", count=1, level=0),),
            signals=(Signal(token="b_ready", count=1, level=0),),
        )


def _read_a(job: Job) -> Iterator[Command]:
    """The rows again for every subpanel: the first pass waits for the loads, the last frees."""
    passes = job.size.panels * job.size.array.subpanels
    blocks = job.size.k_blocks
    yield from _read_rows(job, 0, blocks, waits=True, frees=passes == 1)
    if passes > 2:
        yield from _read_rows(job, 0, blocks, passes=passes - 2)
    if passes > 1:
        yield from _read_rows(job, 0, blocks, frees=True)


def _read_rows(
    job: Job, first: int, end: int, *, waits: bool = False, frees: bool = False, passes: int = 1
) -> Iterator[Command]:
    if frees and job.a_given > 1 and end == job.size.k_blocks and end - first > 1:
        yield from _read_rows(job, first, end - 1, waits=waits, frees=True)
        yield from _read_rows(job, end - 1, end, waits=waits, frees=True)
        return
    stride = job.task.attributes["a_stride_words"]
    given = job.a_given if end == job.size.k_blocks else 1
    yield Command(
        operation="read",
        loops=(
            loop(job.rows, local=1),
            loop(job.size.array.subblocks),
            loop(end - first, local=stride),
            loop(passes),
        ),
        bases={"local": job.a_base + first * stride},
        waits=(Wait(token="a_ready", count=1, level=2),) if waits else (),
        signals=(Signal(token="a_free", count=given, level=2),) if frees else (),
    )


def _read_b(job: Job) -> Iterator[Command]:
    size = job.size
    slots = size.panels * size.array.subpanels * size.k_blocks // _slot_blocks(job)
    for part in job.segments(0, slots):
        yield Command(
            operation="read",
            loops=(
                loop(size.array.rows, local=1),
                loop(size.array.subblocks * _slot_blocks(job), local=size.array.rows),
                loop(part.inner, local=job.b_slot_words),
                loop(part.outer),
            ),
            bases={"local": job.b_base + part.slot * job.b_slot_words},
            waits=(Wait(token="b_ready", count=1, level=2),),
            signals=(Signal(token="b_free", count=1, level=2),),
        )


def _core(job: Job) -> Iterator[Command]:
    bounds, attributes = job.task.bounds, job.task.attributes
    yield Command(
        operation="matmul_weight_stationary",
        loops=tuple(loop(bounds[name]) for name in ("m", "k_blocks", "subpanels", "panels")),
        fields={
            "subblocks": job.size.array.subblocks,
            **{name: attributes[name] for name in ("zero_point", "minimum", "maximum")},
        },
        signals=(Signal(token="p_free", count=1, level=3),),
    )


def _write_o(job: Job) -> Iterator[Command]:
    """Packets of rows, first row first; loop 1 chooses the group of lanes."""
    words = job.task.attributes["o_slot_words"]
    for part in job.result_segments():
        slot = job.task.attributes["o_first_slot"] + part.slot
        yield Command(
            operation="write",
            loops=(
                loop(job.rows, local=1),
                loop(job.size.array.subpanels),
                loop(part.inner, local=words),
                loop(part.outer),
            ),
            bases={"local": job.o_base + slot * words},
            waits=(Wait(token="o_free", count=1, level=2),),
            signals=(Signal(token="o_ready", count=1, level=2),),
        )


def _store(job: Job) -> Iterator[Command]:
    words = job.task.attributes["o_slot_words"]
    parts = list(job.result_segments())
    for part in parts:
        signals = [Signal(token="o_free", count=1, level=0, kind="read")]
        if part is parts[-1] and job.is_last_of_op and not job.is_last_of_program:
            signals.append(Signal(token="stored", count=1, level=2, kind="response"))
        slot = job.task.attributes["o_first_slot"] + part.slot
        yield Command(
            operation="store",
            loops=(
                loop(part.inner, local=words, memory=job.size.m),
                loop(part.outer, memory=part.inner * job.size.m),
            ),
            bases={
                "memory": job.result_base + part.first * job.size.m + job.first_row,
                "local": job.o_base + slot * words,
            },
            fields={"run_words": job.rows},
            waits=(Wait(token="o_ready", count=1, level=0),),
            signals=tuple(signals),
        )
