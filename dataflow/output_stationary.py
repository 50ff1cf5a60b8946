"""Plan to Program for an output-stationary array fed k-inner on both sides.

For each task (a block of resident row tiles) all panels stream past: loops innermost first are
k blocks, subpanels, row tiles, panels. Tokens:

| token | producer | consumer | counts |
|---|---|---|---|
| `a_ready`, `b_ready` | load | array.a, array.b | k blocks in the scratchpad |
| `a_free`, `b_free` | array.a, array.b | load | slots of a panel |
| `p_free` | array.core | load | panels whose parameters the core can hold |
| `o_free`, `o_ready` | store, array.o | array.o, store | result tiles |
| `stored` | store | load | ops whose results are in memory |

Row tile *m* of a task lies in A slot *m*. A task with fewer tiles than the one before takes the
spare `a_free` tokens with its first load; the last use in an op gives all of them back.
"""

from __future__ import annotations

from collections.abc import Iterator

from .commands import array_tokens, loop
from .dma_commands import load_commands, store_commands
from .graph import Graph
from .jobs import Job, Makers, array_program, array_tasks
from .machine import Machine
from .plan import Plan
from .program import Command, Program, Signal, Token, Wait

PANELS_BY_BLOCK = 2
"""Panels of a task whose k blocks are used as they come: while the row tiles load, the port is busy
all the time, so the second panel comes only when it is needed. Later ones come early."""


def output_stationary_program(graph: Graph, plan: Plan, machine: Machine) -> Program:
    """The commands that carry out `plan`."""
    return array_program(graph, plan, machine, _makers(), _tokens)


def output_stationary_tasks(
    graph: Graph, plan: Plan, machine: Machine
) -> dict[str, tuple[int, ...]]:
    """For each unit, which task each of its commands is part of."""
    return array_tasks(graph, plan, machine, _makers())


def _makers() -> Makers:
    return {
        "load": load_commands,
        "store": store_commands,
        "array.a": _read_a,
        "array.b": _read_b,
        "array.core": _core,
        "array.o": _write_o,
    }


def _tokens(plan: Plan, sets: int) -> tuple[Token, ...]:
    a_slots, b_slots = plan.settings["a_slots"], plan.settings["b_slots"]
    a_blocks = max(task.bounds["k_blocks"] for task in plan.tasks)
    b_blocks = max(task.bounds["k_blocks"] * task.bounds["subpanels"] for task in plan.tasks)
    return array_tokens(
        sets=sets,
        a_ready=a_slots * a_blocks,
        b_ready=b_slots * b_blocks,
        a_free=a_slots,
        b_free=b_slots,
        results=plan.settings["o_tokens"],
    )


def _read_a(job: Job) -> Iterator[Command]:
    """All panels over the resident tiles: the first waits for the loads, the last frees."""
    panels, subpanels = job.size.panels, job.size.array.subpanels
    by_block = Wait(token="a_ready", count=1, level=1)
    by_tile = Wait(token="a_ready", count=job.size.k_blocks, level=3)
    frees = panels == 1
    if subpanels == 1:
        yield from _read_tiles(job, 0, job.tiles, frees=frees, wait=by_block)
    else:
        yield from _read_tiles(job, 0, 1, frees=False, wait=by_block, subpanels=1)
        yield from _read_tiles(job, 0, 1, frees=frees, subpanels=subpanels - 1)
        yield from _read_tiles(job, 1, job.tiles, frees=frees, wait=by_tile)
    if panels > 2:
        yield from _read_tiles(job, 0, job.tiles, frees=False, panels=panels - 2)
    if panels > 1:
        yield from _read_tiles(job, 0, job.tiles, frees=True)


def _read_tiles(
    job: Job,
    first: int,
    end: int,
    *,
    frees: bool,
    wait: Wait | None = None,
    subpanels: int | None = None,
    panels: int = 1,
) -> Iterator[Command]:
    """Tiles `[first, end)`, `panels` times; the task's last is apart if it frees another count."""
    if first >= end:
        return
    if frees and end == job.tiles and job.a_given > 1 and end - first > 1:
        yield from _read_tiles(job, first, end - 1, frees=True, wait=wait, subpanels=subpanels)
        yield from _read_tiles(job, end - 1, end, frees=True, wait=wait, subpanels=subpanels)
        return
    size, rows = job.size, job.size.array.rows
    given = job.a_given if end == job.tiles else 1
    yield Command(
        operation="read",
        loops=(
            loop(rows, local=1),
            loop(size.k_blocks, local=rows),
            loop(size.array.subpanels if subpanels is None else subpanels),
            loop(end - first, local=size.a_panel_words),
            loop(panels),
        ),
        bases={"local": job.a_base + first * size.a_panel_words},
        waits=(wait,) if wait is not None else (),
        signals=(Signal(token="a_free", count=given, level=3),) if frees else (),
    )


def _read_b(job: Job) -> Iterator[Command]:
    """Panel after panel, each read once for every row tile."""
    panels, tiles = job.size.panels, job.tiles
    blocks = job.size.array.subpanels * job.size.k_blocks
    by_block = Wait(token="b_ready", count=1, level=1)
    if tiles == 1:
        yield from _read_panels(job, 0, panels, tiles=1, frees=True, wait=by_block)
        return
    for panel in range(min(panels, PANELS_BY_BLOCK)):
        yield from _read_panels(job, panel, panel + 1, tiles=1, frees=False, wait=by_block)
        yield from _read_panels(job, panel, panel + 1, tiles=tiles - 1, frees=True)
    by_panel = Wait(token="b_ready", count=blocks, level=4)
    yield from _read_panels(job, PANELS_BY_BLOCK, panels, tiles=tiles, frees=True, wait=by_panel)


def _read_panels(
    job: Job, first: int, end: int, *, tiles: int, frees: bool, wait: Wait | None = None
) -> Iterator[Command]:
    size, cols = job.size, job.size.array.cols
    for part in job.segments(first, end):
        yield Command(
            operation="read",
            loops=(
                loop(cols, local=1),
                loop(size.k_blocks, local=cols),
                loop(size.array.subpanels, local=size.k_blocks * cols),
                loop(tiles),
                loop(part.inner, local=job.b_slot_words),
                loop(part.outer),
            ),
            bases={"local": job.b_base + part.slot * job.b_slot_words},
            waits=(wait,) if wait is not None else (),
            signals=(Signal(token="b_free", count=1, level=4),) if frees else (),
        )


def _core(job: Job) -> Iterator[Command]:
    bounds, attributes = job.task.bounds, job.task.attributes
    yield Command(
        operation="matmul",
        loops=tuple(loop(bounds[name]) for name in ("k_blocks", "subpanels", "m_tiles", "panels")),
        fields={name: attributes[name] for name in ("zero_point", "minimum", "maximum")},
        signals=(Signal(token="p_free", count=1, level=3),),
    )


def _write_o(job: Job) -> Iterator[Command]:
    """Results of tile after tile; loop 1 chooses the group of lanes."""
    rows, tiles = job.size.array.rows, job.tiles
    first_slot = job.task.attributes["o_first_slot"]
    for part in job.result_segments():
        slot = first_slot + part.slot * tiles
        yield Command(
            operation="write",
            loops=(
                loop(rows, local=1),
                loop(job.size.array.subpanels),
                loop(tiles, local=rows),
                loop(part.inner, local=tiles * rows),
                loop(part.outer),
            ),
            bases={"local": job.o_base + slot * rows},
            waits=(Wait(token="o_free", count=1, level=2),),
            signals=(Signal(token="o_ready", count=1, level=2),),
        )
