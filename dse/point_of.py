"""A planned and timed design as the detail that a report shows. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Final

from tilewright.dataflow.compile import command_tasks
from tilewright.dataflow.graph import Graph
from tilewright.dataflow.machine import Machine
from tilewright.dataflow.plan import Plan
from tilewright.dataflow.program import Command, Program
from tilewright.dataflow.tiling import Matmul, array_shape, matmuls

from .changes import NO_TRIAL, WIDER, Trial, changes_against, with_trials
from .limits import NO_MEMORY_TIME, causes_told, sentence, what_ifs
from .point_detail import (
    PROGRAM,
    Layer,
    PointDetail,
    Span,
    TensorTraffic,
    Tried,
    WhatIf,
)
from .point_memory import all_stays, in_memory
from .space_domains import Value
from .timing.program import UNITS, Timing, time_program
from .waterfall import TaskNumbers, Waterfall, nothing, waterfalls

MAX_SPANS: Final = 1500
MAX_STAYS: Final = 800
Moved = tuple[int, str, int, int]
"""Task, tensor, bytes read, bytes written."""


def detail_of(
    index: int,
    settings: Mapping[str, Value | None],
    *,
    graph: Graph,
    machine: Machine,
    plan: Plan,
    program: Program,
    trial: Trial = NO_TRIAL,
) -> PointDetail:
    """The detail of design `index`, which has `settings` (value by parameter). `plan`, `program`:
    `compile_graph`'s for `graph` on `machine`. What may help is tried with `trial`.
    """
    tasks, timing = command_tasks(graph, plan, machine), time_program(program, machine)
    parts = waterfalls(graph, plan, program, machine, tasks, timing)
    total, changes = sum(parts.values(), start=nothing()), what_ifs(program, machine)
    sizes = matmuls(graph, array := array_shape(machine))
    moved = list(_moved(plan, program, machine, tasks))
    layers = tuple(_layer(size, parts[size.op], plan, moved) for size in sizes)
    spans, are_joined = _spans(plan, tasks, timing)
    stays, tried = all_stays(plan, machine), _tried(total, machine, changes, trial)
    return PointDetail(
        index=index, basis=PROGRAM, settings=dict(settings), cycles=timing.cycles,
        macs_per_cycle=(peak := array.rows * array.cols),
        bytes_per_cycle=machine.port_bytes,
        waterfall=total,
        utilisation=sum(layer.macs for layer in layers) / (timing.cycles * peak),
        mean_utilisation=sum(x.macs / (x.cycles * peak) for x in layers) / len(layers),
        layers=layers, spans=spans, are_spans_joined=are_joined,
        scratchpad_words=(pad := machine.scratchpad).banks * pad.words_per_bank,
        word_bytes=pad.word_bits // 8,
        num_steps=max((stay.to_step for stay in stays), default=0),
        step="task" if plan.settings.get("resident") else "panel of a task",
        stays=tuple(stays[:MAX_STAYS]),
        num_stays_left_out=max(0, len(stays) - MAX_STAYS),
        memory=in_memory(plan, machine),
        traffic=_traffic(moved),
        what_ifs=changes,
        tried=tried,
        sentence=sentence(total, dict.fromkeys(sizes, 1), tried),
    )  # fmt: skip


def _tried(
    total: Waterfall, machine: Machine, memories: Iterable[WhatIf], trial: Trial
) -> tuple[Tried, ...]:
    """No program depends on its memory's latency and bursts: those are timed, and where nothing can
    be compiled again, the same program behind a wider port.
    """
    other = () if trial.again is None else (f"{WIDER}:",)
    timed = [
        Tried(change=one.change, cycles=one.cycles, design=None)
        for one in memories
        if one.change not in (NO_MEMORY_TIME, *(known.change for known in trial.known))
        and not one.change.startswith(other)
    ]
    wanted = [c for name in causes_told(total) for c in changes_against(name, machine, trial.batch)]
    return with_trials(wanted, (*trial.known, *timed), trial.again)


def _layer(size: Matmul, parts: Waterfall, plan: Plan, moved: Sequence[Moved]) -> Layer:
    mine = [item for item in moved if plan.tasks[item[0]].op == size.op]
    return Layer(
        name=size.op,
        repeats=1,
        m=size.m,
        k=size.k,
        n=size.n,
        macs=size.m * size.k * size.n,
        cycles=parts.cycles,
        waterfall=parts,
        bytes_read=sum(item[2] for item in mine),
        bytes_written=sum(item[3] for item in mine),
    )


def _moved(plan: Plan, program: Program, machine: Machine, tasks: TaskNumbers) -> Iterator[Moved]:
    """What each command of the load and store units moves."""
    for unit in ("load", "store"):
        for task, command in zip(tasks[unit], program.units[unit], strict=True):
            count = prod(command.bounds) * command.fields["run_words"] * machine.word_bytes
            read, written = (count, 0) if unit == "load" else (0, count)
            yield task, _tensor(plan, command), read, written


def _tensor(plan: Plan, command: Command) -> str:
    base = command.bases["memory"]
    return next(
        item.tensor
        for item in plan.memory
        if item.base_words <= base < item.base_words + item.words
    )


def _traffic(moved: Iterable[Moved]) -> tuple[TensorTraffic, ...]:
    """By tensor, the largest first."""
    sums: dict[str, tuple[int, int]] = {}
    for _, tensor, read, written in moved:
        before = sums.get(tensor, (0, 0))
        sums[tensor] = (before[0] + read, before[1] + written)
    found = (TensorTraffic(tensor=t, bytes_read=r, bytes_written=w) for t, (r, w) in sums.items())
    return tuple(sorted(found, key=lambda item: -item.bytes_read - item.bytes_written))


def _spans(plan: Plan, tasks: TaskNumbers, timing: Timing) -> tuple[tuple[Span, ...], bool]:
    """A span for each command; where those are too many one for each task, or for each run of tasks
    of one layer.
    """
    commands = [
        (unit, task, Span(unit=unit, layer=plan.tasks[task].op, start=start, end=end))
        for unit in UNITS
        for task, (start, end) in zip(tasks[unit], timing.spans[unit], strict=True)
    ]
    if len(commands) <= MAX_SPANS:
        return tuple(span for _, _, span in commands), False
    by_task = [_joined(group) for _, group in itertools.groupby(commands, key=lambda c: c[:2])]
    if len(by_task) <= MAX_SPANS:
        return tuple(by_task), True
    runs = itertools.groupby(commands, key=lambda c: (c[0], c[2].layer))
    return tuple(_joined(group) for _, group in runs)[:MAX_SPANS], True


def _joined(group: Iterable[tuple[str, int, Span]]) -> Span:
    spans = [span for _, _, span in group]
    return replace(spans[0], end=max(span.end for span in spans))
