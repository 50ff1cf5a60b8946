"""Commands of the load and store units for one task."""

from __future__ import annotations

from collections.abc import Iterator

from .commands import Segment, blocks_per_run, loop
from .jobs import Job
from .program import Command, Signal, Wait


def load_commands(job: Job) -> Iterator[Command]:
    """Loads in the order in which the array uses them."""
    panels = job.size.panels
    if job.is_first_of_program:
        yield from _load_a(job, 0, 1)
    yield load_parameters(job, 0, 1)
    yield from _load_b(job, 0, 1)
    if not job.is_first_of_program:
        yield from _load_a(job, 0, 1)
    yield from _load_a(job, 1, job.tiles)
    array = job.size.array
    most = max(1, array.param_sets // array.subpanels // 2)
    first, group = 1, 1
    while first < panels:  # parameters of the first panels must not hold up the panels
        end = min(first + group, panels)
        yield load_parameters(job, first, end)
        yield from _load_b(job, first, end)
        first, group = end, min(2 * group, most)


def _load_a(job: Job, first: int, end: int) -> Iterator[Command]:
    """Row tiles `[first, end)` of the task: full ones, then the ragged one."""
    full_end = min(end, job.full_tiles)
    if first < full_end:
        yield _load_tiles(job, first, full_end - first, job.size.array.rows)
    if job.ragged_rows and first <= job.full_tiles < end:
        yield _load_tiles(job, job.full_tiles, 1, job.ragged_rows)


def _load_tiles(job: Job, first: int, count: int, rows: int) -> Command:
    """`count` row tiles of `rows` valid rows each: per k block one run, if possible several."""
    size, per_tile = job.size, job.size.array.rows
    is_contiguous = rows == per_tile == size.m
    group = blocks_per_run(size.k_blocks, rows, job.beats_per_word) if is_contiguous else 1
    waits = [Wait(token="a_free", count=job.a_taken if first == 0 else 1, level=1)]
    if first == 0 and job.is_first_of_op and not job.is_first_of_program:
        waits.append(Wait(token="stored", count=1, level=2))
    return Command(
        operation="load",
        loops=(
            loop(size.k_blocks // group, local=group * per_tile, memory=group * size.m),
            loop(count, local=size.a_panel_words, memory=per_tile),
        ),
        bases={
            "memory": job.activation_base + job.first_row + first * per_tile,
            "local": job.a_base + first * size.a_panel_words,
        },
        fields={"run_words": group * rows, "target": 0},
        waits=tuple(waits),
        signals=(Signal(token="a_ready", count=group, level=0),),
    )


def load_parameters(job: Job, first: int, end: int) -> Command:
    """Parameters of panels `[first, end)`."""
    words = job.size.parameter_panel_words
    return Command(
        operation="load",
        loops=(loop(end - first, memory=words),),
        bases={"memory": job.parameter_base + first * words, "local": 0},
        fields={"run_words": words, "target": 1},
        waits=(Wait(token="p_free", count=1, level=0),),
    )


def _load_b(job: Job, first: int, end: int) -> Iterator[Command]:
    """Panels `[first, end)` into the ring."""
    size = job.size
    cols, blocks = size.array.cols, size.array.subpanels * size.k_blocks
    group = blocks_per_run(blocks, cols, job.beats_per_word)
    for part in job.segments(first, end):
        yield Command(
            operation="load",
            loops=(
                loop(blocks // group, local=group * cols, memory=group * cols),
                loop(part.inner, local=job.b_slot_words, memory=size.b_panel_words),
                loop(part.outer, memory=part.inner * size.b_panel_words),
            ),
            bases={
                "memory": job.weight_base + part.first * size.b_panel_words,
                "local": job.b_base + part.slot * job.b_slot_words,
            },
            fields={"run_words": group * cols, "target": 0},
            waits=(Wait(token="b_free", count=1, level=1),),
            signals=(Signal(token="b_ready", count=group, level=0),),
        )


def store_commands(job: Job) -> Iterator[Command]:
    """Valid rows of tile after tile; a ragged last tile makes every panel two commands."""
    is_split = job.ragged_rows > 0 and job.tiles > 1
    parts = list(job.result_segments())
    if is_split:
        parts = [
            Segment(first=part.first + i, slot=part.slot + i % part.inner, inner=1, outer=1)
            for part in parts
            for i in range(part.inner * part.outer)
        ]
    for part in parts:
        is_last = part is parts[-1]
        if is_split:
            yield _store_tiles(job, part, 0, job.full_tiles, job.size.array.rows, False)
            yield _store_tiles(job, part, job.full_tiles, 1, job.ragged_rows, is_last)
        else:
            rows = job.ragged_rows or job.size.array.rows
            yield _store_tiles(job, part, 0, job.tiles, rows, is_last)


def _store_tiles(
    job: Job, part: Segment, first: int, count: int, rows: int, is_last: bool
) -> Command:
    size, per_tile = job.size, job.size.array.rows
    slot = job.task.attributes["o_first_slot"] + part.slot * job.tiles + first
    signals = [Signal(token="o_free", count=1, level=0, kind="read")]
    if is_last and job.is_last_of_op and not job.is_last_of_program:
        signals.append(Signal(token="stored", count=1, level=3, kind="response"))
    return Command(
        operation="store",
        loops=(
            loop(count, local=per_tile, memory=per_tile),
            loop(part.inner, local=job.tiles * per_tile, memory=size.m),
            loop(part.outer, memory=part.inner * size.m),
        ),
        bases={
            "memory": job.result_base + part.first * size.m + job.first_row + first * per_tile,
            "local": job.o_base + slot * per_tile,
        },
        fields={"run_words": rows},
        waits=(Wait(token="o_ready", count=1, level=0),),
        signals=tuple(signals),
    )
